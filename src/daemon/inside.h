/* The inside of struct daemon, shared by the files that are the daemon: daemon.c (life),
 * pump.c (effects), conns.c (connections), initiate.c, wish.c, trap.c and actions.c,
 * narrate.c (events as sentences).  Control interfaces use daemon.h alone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_INSIDE_H
#define DAEMON_INSIDE_H

#include <culvert/watch.h>

#include "ask/at_once.h"
#include "ask/signer.h"
#include "daemon/daemon.h"
#include "daemon/host.h"
#include "daemon/keylog.h"
#include "daemon/limits.h"
#include "daemon/refusals.h"
#include "daemon/renewal.h"
#include "daemon/traces.h"
#include "daemon/updown.h"
#include "kit/log.h"
#include "plane/cleartext.h"
#include "plane/desired.h"
#include "plane/guard.h"
#include "plane/hold.h"
#include "plane/netconf.h"
#include "plane/netio.h"
#include "plane/policyset.h"
#include "plane/shunts.h"
#include "roster/roster.h"
#include "state/state.h"

/* A round over the listeners that is going on; listeners may go away meanwhile. */
struct listen_round {
    struct listener *next;
    struct listen_round *outer;
};

struct wish;
struct trap;

/* The end, in turns (stop.c). */
struct stop {
    struct event *limit, *turn;
    uint32_t delete_at; /* where the deletes go on in the engine's table */
    uint32_t look_at;   /* and where the look for an IKE SA that is left does */
    uint32_t left;      /* one that was, when last looked for */
};

enum { DNS_SERVERS_MAX = 8, DNS_DOMAINS_MAX = 16, DNS_DOMAIN_TEXT = 256 };

/* What the system has been told. */
struct dns {
    struct cv_addr servers[DNS_SERVERS_MAX];
    unsigned n;
    char domains[DNS_DOMAINS_MAX][DNS_DOMAIN_TEXT]; /* none: the servers are for all names */
    unsigned n_domains;
};

/* On its way to the state directory (keep.c). */
struct keep {
    struct state *state;        /* NULL before the start and after the end */
    struct event *news, *every; /* the writer has something to say; counters are due */
    size_t n_leases;            /* of the life before */
    uint64_t before[DAEMON_LIFETIME_COUNT];
    uint64_t written[DAEMON_LIFETIME_COUNT];
    bool counters_due;
};

enum { ROAMING_OWN_MAX = 64, ROAMING_REDIRECTED_MAX = 16 };

/* An IKE SA that is sent to a gateway whose name is being looked up. */
struct redirected {
    uint32_t ike;
    char gateway[CV_ID_MAX + 1];
};

/* Our addresses, and a look at all IKE SAs for ways to their peers (roaming.c). */
struct roaming {
    struct event *turn;
    struct cv_addr own[ROAMING_OWN_MAX];
    unsigned n_own;
    unsigned n_began; /* IKE SAs that we began */
    uint32_t at;      /* where the look goes on */
    uint64_t probed_ms;
    struct redirected redirected[ROAMING_REDIRECTED_MAX];
    unsigned n_redirected;
    bool walks, probes, again;
    bool others; /* our addresses are others than those that peers may have heard of */
};

/* What the pump, which everybody calls, calls in turn. */
struct pump_host {
    void (*event)(struct daemon *d, const struct cv_effect *fx); /* before listeners hear it */
    void (*unsteered)(struct daemon *d, uint32_t child); /* its packets would not come to it */
    void (*rest)(struct daemon *d); /* nothing is left to carry out for now */
};

struct daemon {
    struct daemon_options opt;
    struct conf conf; /* settings; conns are moved out */
    struct event_base *base;
    struct event *signals[4];
    struct log log;
    uint64_t started_ms;
    int exit_code;

    struct cv_engine *engine;
    void *engine_memory;
    size_t engine_size;
    int alarm_fd;
    struct event *alarm;
    uint64_t alarm_ms;
    struct pump_host pump;
    bool pumping, threads_started;

    struct creds *creds;
    struct pools *pools;
    struct keep keep;
    struct ask *ask;
    struct signer *signer;
    struct roster *roster; /* NULL: no connection is the fleet's */
    struct hosts *hosts;
    struct netio io;
    struct cleartext cleartext;
    struct netconf net;
    struct guard guard;
    struct desired desired;
    struct policyset policies;
    struct shunts shunts;
    struct updown *updown;
    struct renewal_watch *renewal; /* NULL: not asked for */
    struct dns dns;

    struct conn *conns;
    struct conn *retired; /* removed, but SAs still use them */
    uint32_t reqids;      /* given to children so far */
    uint64_t reaped_ms;
    struct wish *wishes;
    struct trap *traps;
    uint32_t trap_count;
    struct event *retry;   /* the next wish is due */
    struct hold hold;      /* what traps have caught */
    struct event *release; /* some of it can go */
    struct event *paths;   /* what the kernel knows of them, again */
    uint32_t path_at;      /* where that goes on */
    bool releasing;

    struct roaming roaming;
    struct listener *listeners;
    struct listen_round *rounds;

    struct refusals refusals;
    struct limits limits;
    struct cv_watch watch; /* traces.c, keylog.c */
    struct keylog keylog;
    struct delayed *delayed; /* IKE messages that are held back */
    unsigned n_delayed;
    bool stopping;
    struct stop stop;
    uint64_t failures_told_ms;
};

/* keep.c */
/* Hands over what changed, if the disk is ready for it.  False: nothing was handed over. */
bool keep_flush(struct daemon *d);
void keep_close(struct daemon *d);

/* listen.c */
void daemon_tell(struct daemon *d, const struct cv_effect *fx); /* to the listeners */
void daemon_tell_fleet(struct daemon *d, const struct fleet_event *e);

/* stop.c */
bool stop_prepare(struct stop *s, struct daemon *d);
void stop_look(struct daemon *d); /* ends the loop when nothing is left to wait for */
void stop_free(struct stop *s);

/* conns.c */
void conns_reap(struct daemon *d); /* frees retired connections without users */
void conns_free(struct daemon *d);

/* initiate.c */
enum initiate_result {
    INITIATE_STARTED,
    INITIATE_WAITS,   /* for the resolver */
    INITIATE_NOT_NOW, /* no route, no name server, no room: that may pass */
    INITIATE_FAILED   /* it cannot work as configured; as before, the problem says why */
};
enum initiate_result initiate(struct daemon *d, const struct conn *c,
                              const struct cv_child_config *child, uint32_t *ike,
                              struct problem *why);

/* wish.c.  child NULL: the IKE SA alone. */
/* Now; stands: as long as the connection is loaded, else once. */
void wish_start(struct daemon *d, struct conn *c, const struct cv_child_config *child,
                bool stands);
/* Initiates when the resolver has answered; failing, listeners hear CV_EV_CHILD_FAILED. */
void wish_wait(struct daemon *d, struct conn *c, const struct cv_child_config *child);
void wish_resolved(struct daemon *d);
void wish_up(struct daemon *d, struct conn *c, const struct cv_effect *fx);
void wish_again(struct daemon *d, struct conn *c, const struct cv_child_config *child);
/* After a pause, whatever it was. */
void wish_once_more(struct daemon *d, struct conn *c, const struct cv_child_config *child);
void wish_forget(struct daemon *d, const struct conn *c, const struct cv_child_config *child);
void wish_forget_up(struct daemon *d, const struct conn *c,
                    const struct cv_child_config *child); /* only if it has come true */
bool wish_exists(struct daemon *d, const struct conn *c, const struct cv_child_config *child);
bool wish_underway(struct daemon *d, const struct conn *c, const struct cv_child_config *child);
bool wish_at_rest(struct daemon *d, const struct conn *c,
                  const struct cv_child_config *child); /* nobody tries just now */
/* Those that wait for another attempt, or for a name, are given up: how many.  NULL: any name.
 */
unsigned wish_cancel(struct daemon *d, const char *conn, const char *child);
void wish_renamed(struct daemon *d, const struct cv_effect *fx);
void wish_tries_failed(struct daemon *d, const struct cv_effect *fx, bool all);
void wish_paths(struct daemon *d); /* there may be other ways to the peers */
void wish_retry(struct daemon *d); /* the timer rang */
void wish_arm(struct daemon *d);   /* it rings when the next one is due */
void wish_remove(struct daemon *d, const struct conn *c);
void wish_clear(struct daemon *d);

/* roaming.c */
bool roaming_start(struct daemon *d);
void roaming_stop(struct daemon *d);
void roaming_news(struct daemon *d); /* the network has changed */
void roaming_event(struct daemon *d, const struct cv_effect *fx);
void roaming_resolved(struct daemon *d); /* some name is */
bool roaming_has(const struct daemon *d,
                 const struct cv_addr *addr); /* on a device that is up? */

/* trap.c */
void trap_set(struct daemon *d, struct conn *c, const struct cv_child_config *child);
void trap_packet(struct daemon *d, const struct cv_packet *p); /* traffic for a trap */
void trap_ready(struct daemon *d, const struct conn *c, const struct cv_child_config *child);
/* What is underway has failed; child NULL: with all that is the connection's. */
void trap_failed(struct daemon *d, const struct conn *c, const struct cv_child_config *child);
void trap_release(struct daemon *d); /* packets that traps have caught can go */
/* child NULL: all of the connection. */
void trap_remove(struct daemon *d, const struct conn *c, const struct cv_child_config *child);
bool trap_is_set(const struct daemon *d, const struct cv_child_config *child);
void trap_clear(struct daemon *d);

/* actions.c */
/* Carries out start_action where it is of that kind. */
void actions_take(struct daemon *d, struct conn *c, uint8_t kind);
void actions_remove(struct daemon *d, struct conn *c); /* undoes it */
void actions_event(struct daemon *d, const struct cv_effect *fx);
/* Of what failed here, not at the peer's or an operator's word: later, if it is to be up. */
void actions_again(struct daemon *d, const struct cv_conn *conn,
                   const struct cv_child_config *child);

/* steering.c */
void steering_init(struct daemon *d);
void steering_guard(struct daemon *d); /* the device is there */
void steering_start(struct daemon *d); /* so are its routes */
/* Not all packets of that child would come to the tunnel: it may not count as up. */
void steering_failed(struct daemon *d, uint32_t child);

/* dns.c */
void dns_start(struct daemon *d);  /* forgets what an earlier life has left */
void dns_update(struct daemon *d); /* a lease has come or gone */

/* members.c */
/* A connection is the fleet's, or the file names a registry.  False: why says what is missing.
 */
bool members_need(struct daemon *d, struct problem *why);
void members_start(struct daemon *d); /* threads may be made now */
void members_event(struct daemon *d, const struct cv_effect *fx);

/* delay.c */
/* True: it holds a copy of the message, which leaves later. */
bool delay_send(struct daemon *d, const struct cv_effect *fx);
void delay_free(struct daemon *d);

/* narrate.c */
void narrate(struct daemon *d, const struct cv_effect *fx);

#endif
