/* A host of the simulated world: one engine and everything that a daemon or firmware
 * does for it.  It carries effects out, answers requests (at once or after a delay),
 * hands inner packets over, and remembers events.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include <culvert/engine.h>

#include "sim/network.h"
#include "sim/recipe.h"

enum {
    HOST_EVENTS = 128,
    HOST_INNER = 6,
    HOST_CONNS = 8,
    HOST_LEASES = 2048,
    HOST_CERT_MAX = 3000,
    HOST_INBOX = 16,
    HOST_KEPT = 8,
    HOST_WAYS = 32
};

struct world;
struct answer;

/* How a host answers a question. */
enum host_manner {
    ANSWERS_WELL = 0,  /* once, after answer_ms */
    ANSWERS_AMISS,     /* first a wrong number and a wrong kind, then well */
    ANSWERS_TWICE,     /* well, and a moment later again */
    ANSWERS_REVERSED,  /* the newest of several questions first */
    ANSWERS_LATE,      /* after the deadline */
    ANSWERS_AFTER_END, /* when the IKE SA is gone */
    ANSWERS_NEVER,
    ANSWER_MANNERS
};

struct host_event {
    uint64_t at_ms;
    uint8_t kind; /* cv_event_kind */
    enum cv_err err;
    uint16_t notify;
    uint32_t ike, ike_new, child, child_new, value;
    const struct cv_child_config *child_cfg;
    struct cv_lease lease;
    struct cv_endpoint local, remote;
};

enum { HOST_BODY_MAX = 400 };

/* A copy of what the newest refusal shows: its spans are gone by the time a test looks. */
struct host_refusal {
    struct host_event what;
    uint8_t by;                       /* cv_by */
    struct cv_id local_id, remote_id; /* CV_ID_ANY: not known */
    struct cv_asked asked;            /* points to */
    uint8_t body[5][HOST_BODY_MAX];
};

struct host {
    char name[16];
    struct world *world;
    uint32_t index; /* in the world */
    uint32_t port;  /* in the network */
    struct cv_engine *engine;
    void *mem;
    size_t mem_size;
    struct cv_settings settings;
    struct cv_addr v4, v6;              /* outer */
    struct cv_addr inner[2];            /* a network behind it: one address of each family */
    struct recipe *recipes[HOST_CONNS]; /* borrowed */
    unsigned n_recipes;

    /* how it answers */
    uint32_t answer_ms;                  /* delay of every answer; 0: at once */
    uint8_t manner[CV_NEED_ADDRESS + 1]; /* host_manner, by kind of question */
    unsigned whims_pm;     /* of a thousand questions, how many are answered in any manner */
    enum cv_err admission; /* of every peer */
    const char *psk;       /* NULL: none, CV_ERR_NO_CREDENTIAL */
    enum cv_err sign_err;  /* refuse to sign with this */
    size_t cert_size;      /* octets of each certificate it sends */
    unsigned n_certs;
    bool trusts_nobody; /* refuses every signature */
    uint8_t pool_net;   /* addresses 10.pool_net.x.y; 0: none to give */
    unsigned attempts;  /* of a connection that nobody answered */
    bool pool_empty;
    bool batches;         /* hands over what arrives within one millisecond in one call */
    struct cv_id gateway; /* that it was sent to last */
    bool mobile;          /* its addresses change; see move.h */
    uint32_t ways_wanted[HOST_WAYS]; /* IKE SAs whose ways the engine has asked for */
    unsigned n_ways_wanted;
    bool resting; /* no longer starts again what ended (dpd_action, close_action) */
    uint32_t lease_of[HOST_LEASES]; /* IKE SA number by slot; 0: free */
    unsigned n_leases, next_lease;  /* addresses are not used again soon */

    /* its strings: see world_hold and world_lose_nth */
    bool held;
    unsigned lose_in; /* 0: none; 1: the next IKE datagram */

    struct cv_packet inbox[HOST_INBOX];
    unsigned n_inbox;

    /* what happened */
    unsigned saw[CV_EV_ALARM + 1];
    struct host_event event[HOST_EVENTS]; /* ring */
    unsigned n_events;
    struct host_refusal refusal;
    /* what being there costs: instants at which the engine ran, octets of IP packets it sent */
    uint64_t wakes, woke_ms, sent_octets;
    uint64_t deadline_ms;
    uint64_t ticked_ms; /* guard against a deadline that never moves */
    unsigned ticks;
    uint64_t requests; /* that were put out; answers given late may find the SA gone */
    uint64_t late_answers;
    uint32_t question;              /* the newest one's number */
    struct answer *kept[HOST_KEPT]; /* for ANSWERS_REVERSED, oldest first */
    unsigned n_kept;
    unsigned life; /* how often it was started: answers for an earlier life are void */
};

/* Makes the engine from h->settings and gives it the recipes. */
void host_start(struct host *h);
/* Forgets every SA, as a power cut does, and starts again. */
void host_reboot(struct host *h);
void host_stop(struct host *h);
void host_add(struct host *h, struct recipe *r);

void host_receive(void *ctx, const struct datagram *d);
void host_tick(struct host *h);
/* Carries out what the engine asks for; after every call into it. */
void host_drain(struct host *h);

/* ---- commands ---- */

/* Connects conn's first child to the other host, IPv4.  Returns the IKE SA's number. */
uint32_t host_initiate(struct host *h, struct recipe *r, unsigned child, const struct host *to);
uint32_t host_initiate_childless(struct host *h, struct recipe *r, const struct host *to);
uint32_t host_initiate_v6(struct host *h, struct recipe *r, unsigned child,
                          const struct host *to);
void host_rekey_ike(struct host *h, uint32_t ike);
void host_probe(struct host *h, uint32_t ike);
void host_rekey_child(struct host *h, uint32_t child);
void host_reauth(struct host *h, uint32_t ike);
void host_delete_ike(struct host *h, uint32_t ike);
void host_drop_ike(struct host *h, uint32_t ike); /* by force: nobody waits for an answer */
void host_delete_child(struct host *h, uint32_t child);

/* ---- questions ---- */

/* The newest event of a kind, or NULL. */
const struct host_event *host_last(const struct host *h, enum cv_event_kind kind);
unsigned host_ike_count(const struct host *h); /* in whatever state */
unsigned host_child_count(const struct host *h);
/* The only (or first) SA; 0 when there is none.  Established or installed ones first. */
uint32_t host_ike(const struct host *h);
uint32_t host_child(const struct host *h);
struct cv_ike_info host_ike_info(const struct host *h, uint32_t ike);       /* zero when gone */
struct cv_child_info host_child_info(const struct host *h, uint32_t child); /* zero when gone */
uint64_t host_errors(const struct host *h, enum cv_err err);
bool host_is_empty(const struct host *h); /* no SA, handshake or message in any table */

/* Sends packet number `sent` of a flow that starts here. */
void host_send_inner(struct host *h, uint32_t flow);

#endif
