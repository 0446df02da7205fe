/* What the parts of the VICI server share: clients, the command in progress, sending.
 *
 * A client carries out one command at a time; the next one stays in its input buffer until the
 * answer is sent.  A command that cannot answer at once leaves its state in struct vici_work
 * and is told of engine events, of its time-out, and of room in the output buffer.
 *
 * Commands run from the event loop only.  Listeners are called from inside engine calls, so
 * they write to clients and note outcomes, but never call into the engine or read a client's
 * next command: vici_wake does that later, from the loop.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef VICI_INSIDE_H
#define VICI_INSIDE_H

#include <event2/bufferevent.h>

#include "vici/vici.h"
#include "vici/vici_codec.h"

enum {
    VICI_CLIENTS_MAX = 1024,
    VICI_OUT_PAUSE = 64 * 1024,     /* lists go on when less than this is unsent */
    VICI_OUT_MAX = 4 * 1024 * 1024, /* a client with more unsent than this is disconnected */
};

/* The order is that of the names in vici.c. */
enum vici_event {
    VICI_EV_LOG,
    VICI_EV_CONTROL_LOG,
    VICI_EV_LIST_SA,
    VICI_EV_LIST_POLICY,
    VICI_EV_LIST_CONN,
    VICI_EV_LIST_CERT,
    VICI_EV_LIST_AUTHORITY,
    VICI_EV_IKE_UPDOWN,
    VICI_EV_IKE_REKEY,
    VICI_EV_IKE_UPDATE,
    VICI_EV_CHILD_UPDOWN,
    VICI_EV_CHILD_REKEY,
    VICI_EV_ALERT,
    VICI_EV_FLEET,
    VICI_EV_COUNT
};

struct vici_client;

/* An SA that a terminate command waits for. */
struct vici_target {
    uint32_t id;
    uint32_t ike; /* of a child: its IKE SA.  0: the target is an IKE SA */
    bool gone;
};

/* State of the command in progress; all zero for one that answers at once. */
struct vici_work {
    /* Lists: sends the next event; false when there are no more. */
    bool (*more)(struct vici_client *c);
    uint32_t at;            /* how far the list is */
    uint32_t second, third; /* and those that follow it */

    /* Commands that wait for SAs. */
    void (*hear)(struct vici_client *c, const struct cv_effect *fx);
    void (*timeout)(struct vici_client *c);
    bool calling; /* inside the engine call that starts it all: do not answer yet */
    int log_level;

    /* initiate */
    const struct cv_conn *conn;
    const struct cv_child_config *child; /* NULL: the IKE SA alone */
    uint32_t ike;
    bool settled;
    enum cv_err outcome;

    /* terminate */
    struct vici_target *targets;
    unsigned n_targets;
    unsigned called_off; /* children that waited for another attempt */
};

struct vici_client {
    struct vici *v;
    struct bufferevent *bev;
    struct event *wake, *timer;
    uint32_t events;  /* bit set of 1 << vici_event */
    struct node *req; /* message of the command in progress; NULL when there is none */
    struct vici_work work;
    const char *ended; /* why the connection is to be closed; NULL while it lives */
    struct vici_client *next;
};

/* Something loaded over VICI, by name. */
struct vici_kept {
    char *name;
    struct node *section; /* NULL or its own copy */
    struct vici_kept *next;
};

struct vici {
    struct daemon *d;
    struct evconnlistener *listener;
    struct listener ear;
    char *path;
    struct vici_client *clients;
    unsigned n_clients;
    /* What was loaded through this server, so that clients which unload what they no longer
     * have leave the rest alone. */
    struct vici_kept *keys, *shared, *pools;
    struct vici_kept *authorities; /* with the section that load-authority brought */
    struct cv_stats zero;          /* counters at the last reset-counters */
};

/* ---- vici.c: clients ------------------------------------------------------ */

bool vici_listens(const struct vici_client *c, enum vici_event e);
bool vici_anybody_listens(const struct vici *v, enum vici_event e);

/* Sends an event to one client, if it has registered for it. */
void vici_tell(struct vici_client *c, enum vici_event e, const struct node *message);
/* To all that have registered. */
void vici_tell_all(struct vici *v, enum vici_event e, const struct node *message);

/* Answers the command in progress and ends it.  Takes the tree; NULL is an empty answer. */
void vici_answer(struct vici_client *c, struct node *message);
void vici_answer_ok(struct vici_client *c);
void vici_answer_error(struct vici_client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Answers a load with all errors that it found, or with success; they and the warnings go to
 * the log as well. */
void vici_answer_found(struct vici_client *c, const struct problems *found);

/* Begins a list: more is called until it returns false, as fast as the client reads. */
void vici_stream(struct vici_client *c, bool (*more)(struct vici_client *c));
/* Begins a wait.  ms 0: without limit. */
void vici_wait(struct vici_client *c,
               void (*hear)(struct vici_client *, const struct cv_effect *),
               void (*timeout)(struct vici_client *), uint32_t ms);

/* ---- vici_kept.c ---------------------------------------------------------- */

struct vici_kept *vici_find_kept(struct vici_kept *list, const char *name);
/* Adds or replaces; takes the section. */
void vici_keep(struct vici_kept **list, const char *name, struct node *section);
bool vici_unkeep(struct vici_kept **list, const char *name); /* false: there is none */
void vici_unkeep_all(struct vici_kept **list);
/* Answers { name = [names] }. */
void vici_answer_names(struct vici_client *c, const char *name, const struct vici_kept *list);

/* ---- vici_commands.c ------------------------------------------------------ */

typedef void vici_command(struct vici_client *c, const struct node *req);
vici_command *vici_find_command(const char *name);

/* A value of the request, NULL when absent. */
const char *vici_arg(const struct node *req, const char *name);
bool vici_arg_yes(const struct node *req, const char *name);
/* False when the value is there but is no number in min..max. */
bool vici_arg_number(const struct node *req, const char *name, int64_t min, int64_t max,
                     int64_t *out);

vici_command vici_cmd_version, vici_cmd_stats, vici_cmd_get_algorithms, vici_cmd_reload,
    vici_cmd_get_counters, vici_cmd_reset_counters; /* vici_info.c, vici_counters.c */
vici_command vici_cmd_list_sas, vici_cmd_list_policies, vici_cmd_list_conns, vici_cmd_get_conns,
    vici_cmd_list_certs;                         /* vici_list.c */
vici_command vici_cmd_initiate;                  /* vici_initiate.c */
vici_command vici_cmd_terminate, vici_cmd_rekey; /* vici_terminate.c */
vici_command vici_cmd_redirect;                  /* vici_redirect.c */
vici_command vici_cmd_install, vici_cmd_uninstall, vici_cmd_load_conn, vici_cmd_unload_conn,
    vici_cmd_load_pool, vici_cmd_unload_pool, vici_cmd_get_pools; /* vici_load.c */
vici_command vici_cmd_load_authority, vici_cmd_unload_authority, vici_cmd_get_authorities,
    vici_cmd_list_authorities; /* vici_authority.c */
vici_command vici_cmd_load_cert, vici_cmd_load_key, vici_cmd_unload_key, vici_cmd_get_keys,
    vici_cmd_load_shared, vici_cmd_unload_shared, vici_cmd_get_shared, vici_cmd_flush_certs,
    vici_cmd_clear_creds;                           /* vici_creds.c */
vici_command vici_cmd_get_log, vici_cmd_log_levels; /* vici_log.c */

/* ---- trees of what there is ------------------------------------------------ */

/* vici_sa.c */
/* "(unnamed)" for an SA whose peer is not known yet. */
const char *vici_ike_name(const struct cv_conn *conn);
/* Adds a section of that name to parent, without children. */
struct node *vici_put_ike(struct node *parent, const char *name, const struct cv_ike_info *ike,
                          uint64_t now_ms);
/* Adds a section of that name, e.g. "net-7". */
struct node *vici_put_child(struct node *parent, const char *name,
                            const struct cv_child_info *child, uint64_t now_ms);
void vici_child_title(char *out, size_t n, const struct cv_child_info *child);

/* vici_conn.c: adds the section that list-conn events carry. */
void vici_put_conn(struct node *parent, const struct conn *conn);
const char *vici_mode_name(const struct cv_child_config *c); /* TUNNEL, TRANSPORT, PASS, DROP */
void vici_put_ts_config(struct node *parent, const char *name, const struct cv_ts_config *ts,
                        unsigned n);

/* vici_authority.c: makes the authorities' certificates known again after clear-creds. */
void vici_trust_authorities(struct vici *v);

/* vici_event.c */
void vici_fleet_event(void *ctx, const struct fleet_event *e);

/* ---- listeners ------------------------------------------------------------- */

/* vici_event.c: turns an engine event into VICI events. */
void vici_report(struct vici *v, const struct cv_effect *fx);

/* vici_log.c */
void vici_log_line(void *vici, int level, enum log_group group, uint32_t ike, const char *conn,
                   const char *text);

#endif
