/* The cold half of Child SAs: who made them, what they replace, when they end.  A Child SA and
 * its data-plane pair (ipsec/ipsec.h) share one index.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_CHILD_SA_H
#define PEER_CHILD_SA_H

#include "peer/pair.h"
#include "peer/peer.h"

enum { DRAIN_MS = 5000 }; /* inbound of a replaced Child SA goes on after its delete */

struct child_sa {
    struct peer_timer timer;
    uint32_t id;
    uint32_t ike; /* index of its IKE SA */
    uint32_t next, prev;
    uint8_t state; /* cv_child_state */
    uint8_t protocol, mode;
    uint8_t refusals; /* of its rekey in a row */
    bool want_delete, want_rekey;
    bool initiator; /* we sent the request that made it */
    bool installed; /* the data-plane pair exists */
    bool sends;     /* outbound traffic takes the pair */
    bool out_waits; /* responder of a rekey: outbound goes on with the old one */
    bool quiet;     /* goes without an event */
    bool redundant; /* lost a simultaneous rekey */
    bool doomed;    /* could not be installed here: only the peer has it, and must drop it */
    bool drains;    /* deleted; inbound goes on for DRAIN_MS */
    uint8_t refused_by; /* cv_by: who did not want it */
    enum cv_err reason;
    const struct cv_conn *conn;
    const struct cv_child_config *cfg;
    uint32_t reqid;
    uint32_t spi_in, spi_out;
    struct cv_suite suite;
    uint32_t replaced_by; /* number of the Child SA that took over; 0 none */
    uint32_t rekeys;      /* CREATED: number of the one it will replace; 0 none */
    uint16_t ke_retry;    /* group the peer asked for; 0 none */
    uint64_t installed_ms, rekey_ms, hard_ms, retry_ms;
};

/* Each in two forms: who only looks at the tables gets what it cannot write. */
static inline const struct child_sa *child_at(const struct core *core, uint32_t i)
{
    return pool_at(&core->children, i);
}
static inline struct child_sa *child_at_mut(struct core *core, uint32_t i)
{
    return pool_at(&core->children, i);
}
uint32_t child_index(const struct core *core, const struct child_sa *c);
const struct child_sa *child_by_number(const struct core *core, uint32_t id);
struct child_sa *child_by_number_mut(struct core *core, uint32_t id);
/* The same, but neither one that has ended nor one that only drains. */
const struct child_sa *child_live(const struct core *core, uint32_t id);
struct child_sa *child_live_mut(struct core *core, uint32_t id);
/* A Child SA in state CREATED with a fresh SPI, linked to p; NULL when full. */
struct child_sa *child_new(struct core *core, struct peer *p, const struct cv_conn *conn,
                           const struct cv_child_config *cfg);
const struct child_sa *child_by_spi_out(const struct core *core, const struct peer *p,
                                        uint8_t protocol, uint32_t spi_out);
void child_move(struct core *core, struct child_sa *c, struct peer *to);
void child_move_all(struct core *core, struct peer *from, struct peer *to);
/* Outbound traffic takes its pair, or no longer; the plane hears of changes alone. */
void child_use_out(struct core *core, struct child_sa *c);
void child_stop_out(struct core *core, struct child_sa *c);
/* Its pair was installed: what finds it by its peer's address does from now on. */
void child_installed(struct core *core, struct child_sa *c);
/* The pair of slot i has a peer elsewhere. */
void child_moved(struct core *core, uint32_t i, const struct peer *to);
/* Installed ones in transport mode with a peer at this address. */
const struct child_sa *child_first_at(const struct core *core, const struct cv_addr *remote);
const struct child_sa *child_next_at(const struct core *core, const struct child_sa *c);
/* Ends it; the event comes when the effects are drained. */
void child_close(struct core *core, struct child_sa *c, enum cv_err reason);
/* Deleted on the wire: a replaced one drains, any other ends. */
void child_deleted(struct core *core, struct child_sa *c, enum cv_err reason);
/* It exists at the peer alone: never to be used, to be deleted there. */
void child_doom(struct core *core, struct child_sa *c, enum cv_err reason);
/* Sets the timer to the next thing that time does to it. */
void child_arm(struct core *core, struct child_sa *c);
/* When it has carried nothing for too long; TIMER_NEVER. */
uint64_t child_inactive_due(const struct core *core, const struct child_sa *c);
void child_reap(struct core *core, struct child_sa *c);
CV_MUST_USE enum cv_err child_new_spi(const struct core *core, uint32_t *spi);

#endif
