/* Which configured connection a peer belongs to: by addresses for its first message, by
 * identities and method once it says who it is (the Peer Authorization Database of RFC 4301
 * section 4.4.3).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_CONN_H
#define PEER_CONN_H

#include "ident/proposal.h"
#include "peer/core.h"

/* Sets of proposals that one first message is compared with, however many connections there
 * are.  What a host configures beyond, for peers at the same address, is not found. */
enum { CONN_OFFERS_MAX = 32 };

/* One connection.  Once removed it stays until nobody uses it. */
struct conn_entry {
    const struct cv_conn *conn;
    uint64_t offer; /* equal for equal proposals; keyed with the seed, as is: */
    uint64_t alike; /* equal for equal addresses and proposals */
    uint64_t order; /* of two that fit alike, the one added first is chosen */
    uint32_t users; /* IKE SAs and Child SAs */
    bool configured;
    bool is_wide[CONN_BY_COUNT];
    uint32_t next[CONN_BY_COUNT], prev[CONN_BY_COUNT];
};

void conns_carve(struct conns *c, struct arena *a, uint32_t n, const uint64_t seed[2]);
/* CV_ERR_FULL: as many are configured as may be, or removed ones are still used. */
CV_MUST_USE enum cv_err conn_add(struct core *core, const struct cv_conn *conn);
void conn_remove(struct core *core, const struct cv_conn *conn);
/* Counting who uses conn, which may be NULL; false when there is no room to count. */
CV_MUST_USE bool conn_use(struct core *core, const struct cv_conn *conn);
void conn_drop(struct core *core, const struct cv_conn *conn);
uint32_t conn_users(const struct core *core, const struct cv_conn *conn);

/* 0: conn does not fit these addresses; higher is more specific. */
int conn_fits(const struct cv_conn *conn, const struct cv_addr *local,
              const struct cv_addr *remote);
/* The responder's connection for a first message: best addresses whose proposals agree. */
CV_MUST_USE enum cv_err conn_for_init(const struct core *core, const struct cv_addr *local,
                                      const struct cv_addr *remote, struct cv_span sa_body,
                                      uint16_t ke_group, const struct cv_conn **conn,
                                      struct proposal_choice *choice);

/* What a peer has shown when it says who it is. */
struct conn_query {
    const struct cv_addr *local, *remote;
    const struct cv_id *theirs;
    const struct cv_id *ours; /* whom it asks for; NULL: it does not say */
    uint8_t method;           /* cv_auth_method */
    const struct cv_suite *suite;
};

/* Identities and method must fit as well, and the suite must be one that it allows. */
CV_MUST_USE enum cv_err conn_for_auth(const struct core *core, const struct conn_query *q,
                                      const struct cv_conn **conn);

#endif
