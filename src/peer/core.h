/* What every IKE SA stands on, whatever the version of IKE: the clock of the current call,
 * chance, settings, counters, messages and effects on their way, the configured connections,
 * and the tables of SAs with what finds them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_CORE_H
#define PEER_CORE_H

#include <culvert/engine.h>

#include "base/bucket.h"
#include "base/chain.h"
#include "base/htab.h"
#include "base/pool.h"
#include "base/queue.h"
#include "base/timer.h"
#include "ident/lengths.h"
#include "ipsec/ipsec.h"
#include "peer/cookie.h"
#include "peer/effect.h"
#include "peer/msg.h"

/* Responders' SAs whose peers have not proven themselves; half_open.h. */
struct half_open {
    struct htab by_spi;    /* peer's SPI and address -> SA */
    struct htab by_source; /* where peers come from -> how many */
    uint32_t n;
    uint32_t n_unproven;     /* of those: whose address is only claimed */
    uint32_t answers;        /* to claimed addresses, in this second and */
    uint32_t answers_before; /* in the one before */
    uint64_t second;
    bool is_load; /* so many that cookies are asked for */
};

/* By what a connection is looked for; conn.h. */
enum conn_by { CONN_BY_ADDRESS, CONN_BY_ID, CONN_BY_COUNT };

struct conns {
    struct pool entries; /* struct conn_entry: the configured ones, and those still used */
    struct htab by_conn; /* a connection's address in memory -> its entry */
    struct chain exact[CONN_BY_COUNT]; /* one network of remote addresses, one remote identity
                                          -> entries */
    struct lengths networks[2];        /* of those, IPv4's and IPv6's */
    struct chain alike; /* same addresses and proposals -> entries, of which the oldest is found
                           by address */
    struct {            /* those for more than one, in the order in which they were added */
        uint32_t first, last;
    } wide[CONN_BY_COUNT];
    uint32_t n;     /* configured */
    uint64_t added; /* so far */
};

/* What has ended, on its way out by one queue after the other; event.h. */
struct ended {
    struct queue leases;        /* SAs whose address goes back first */
    struct queue sas, children; /* to be told */
    struct queue told_sas, told_children;
};

struct core {
    const struct cv_crypto *crypto;
    struct cv_settings set;
    uint64_t now_ms; /* of the current call */
    uint64_t seed[2];
    struct wheel wheel;
    struct cv_stats stats;
    struct msgs msgs;
    struct effects fx;
    uint8_t *scratch_in, *scratch_out; /* message_size octets each */
    struct conns conns;

    struct pool sas;      /* each slot starts with a struct peer */
    struct pool children; /* struct child_sa; the data plane's pair has the same index */
    uint32_t *sa_gen, *child_gen; /* how often each slot was used: makes numbers unique */
    uint32_t sas_promised;        /* slots of sas for the successors of our rekeys under way */
    struct htab by_spi;           /* our SPI -> SA */
    struct chain by_id;           /* remote identity -> SAs */
    struct chain by_way;          /* connection and remote address -> SAs that have not ended */
    struct chain by_transport;    /* remote address -> installed Child SAs in transport mode */
    struct half_open half_open;
    struct chain giving; /* SAs that give way when a table is full; room.h */
    struct cookie_jar cookies;
    struct bucket answers; /* that need no proof of an address; core_may_answer */
    struct htab questions; /* number of a question that waits -> SA */
    uint32_t last_question;
    struct ended ended;
    struct cv_limit_met met[CV_LIMIT_COUNT]; /* limit.h; value is the engine's to say */
    struct {
        struct cv_endpoint remote;
        uint32_t ike;
    } served;
    struct queue touched; /* SAs to be looked at before the engine is left; peer_touch */
    const struct cv_plane *plane; /* the host's, or our own: */
    void *plane_ctx;
    struct ipsec *ipsec; /* NULL with a plane of the host's */
    uint32_t next_reqid;
};

/* Carves all tables, for SAs of sa_size octets; with a counting arena core may be anything. */
void core_carve(struct core *core, struct arena *a, const struct cv_limits *lim,
                size_t sa_size);
/* Wipes what is secret. */
void core_wipe(struct core *core);

struct counted {
    uint8_t exchange;
    bool in, response;
};

/* A whole message was taken, or made to be sent; conn NULL: nobody knows whose. */
void core_count(struct core *core, const struct cv_conn *conn, const struct counted *m);

CV_MUST_USE bool core_random(const struct core *core, void *out, size_t n);
/* May one more answer go to who has proven nothing and whom no cookie is asked of?  They are
 * few, whatever comes. */
bool core_may_answer(struct core *core);
/* A key for tables, as secret as the seed. */
uint64_t core_addr_key(const struct core *core, const struct cv_addr *a);
uint64_t core_random_below(const struct core *core, uint64_t n); /* 0 for n 0 */

#endif
