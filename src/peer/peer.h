/* What an IKE SA is whatever the version of IKE: its number and SPIs, where it leads, whose it
 * is, its Child SAs, its times and its end.  The rest of the slot is the version's own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "peer/core.h"
#include "wire/ike.h"

/* The timers of an SA and of a Child SA both start with this, so that the wheel's node tells
 * its owner. */
struct peer_timer {
    struct timer node; /* first: the wheel hands back its address */
    bool is_child;
};

struct peer {
    struct peer_timer timer; /* first */
    uint32_t id;
    uint8_t carrier;
    bool initiator;       /* of the first exchange, or of the rekey that made this SA */
    bool first_initiator; /* of the very first exchange: asks for addresses, reauthenticates */
    bool nat_local, nat_remote, encap;
    bool quiet;         /* closes without an event: it was replaced */
    bool half_open;     /* counted as such */
    bool proven;        /* its address is no mere claim: a cookie came back from there */
    bool is_ended;      /* and the slot waits until the host was told */
    bool is_touched;    /* in the queue of the touched */
    bool is_news;       /* the event that tells the host of it still waits */
    bool follows;       /* the peer goes to another gateway when it is told to (RFC 5685) */
    bool has_lease;     /* responder: the host assigned an address to this SA */
    enum cv_err reason; /* why it closed */
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN]; /* IKEv1 calls them cookies */
    const struct cv_conn *conn;
    struct cv_endpoint local, remote;
    struct cv_id remote_id;
    struct cv_addr vip4, vip6;
    uint32_t children; /* first Child SA, or POOL_NONE */
    uint32_t n_children;
    uint32_t predecessor; /* number of the SA whose rekey made this one; 0 none */
    uint64_t proven_ms;   /* when the peer proved who it is: rekeys do not do that again */
    uint64_t up_ms, rekey_ms, reauth_ms, hard_ms;
    uint64_t last_in_ms, last_out_ms;
};

/* In two forms: who only looks gets what it cannot write. */
static inline const struct peer *peer_at(const struct core *core, uint32_t i)
{
    return pool_at(&core->sas, i);
}
static inline struct peer *peer_at_mut(struct core *core, uint32_t i)
{
    return pool_at(&core->sas, i);
}
uint32_t peer_index(const struct core *core, const struct peer *p);
const struct peer *peer_by_number(const struct core *core, uint32_t id); /* NULL: none */
struct peer *peer_by_number_mut(struct core *core, uint32_t id);

/* Is a slot free that no rekey of ours waits for? */
bool peer_has_room(const struct core *core);
/* A fresh SPI for ourselves, not in use. */
CV_MUST_USE bool peer_fresh_spi(const struct core *core, uint8_t spi[IKE_SPI_LEN]);
/* A new SA, found by this SPI of ours; NULL when full. */
struct peer *peer_new(struct core *core, const struct cv_conn *conn, bool initiator,
                      const uint8_t spi[IKE_SPI_LEN]);
/* Gives the slot back. */
void peer_free(struct core *core, struct peer *p);
/* Something about p has changed: before the engine is left it is looked at, to start what is
 * wanted next and to set its timer.  Its slot is not given back until then. */
void peer_touch(struct core *core, struct peer *p);
struct peer *peer_take_touched(struct core *core); /* NULL: no more */
const uint8_t *peer_own_spi(const struct peer *p);
/* By both SPIs, as they stand in a message from that side; NULL: none. */
struct peer *peer_find(struct core *core, const uint8_t spi_i[IKE_SPI_LEN],
                       const uint8_t spi_r[IKE_SPI_LEN], bool from_initiator);

/* Who we are there: as configured, else our address. */
void peer_local_id(const struct peer *p, struct cv_id *out);

/* Found by its remote identity from now on; newest first. */
void peer_link_id(struct core *core, struct peer *p);
const struct peer *peer_first_with_id(const struct core *core, const struct cv_id *id);
struct peer *peer_first_with_id_mut(struct core *core, const struct cv_id *id);
const struct peer *peer_next_with_id(const struct core *core, const struct peer *p);
struct peer *peer_next_with_id_mut(struct core *core, const struct peer *p);

/* Does the peer stay where it is until it says otherwise?  Only who is behind a NAT moves
 * without a word, and only who is not behind one itself follows it (RFC 7296 section 2.23). */
static inline bool peer_holds_still(const struct peer *p)
{
    return p->nat_local || !p->nat_remote;
}

/* p belongs to conn from now on; false when there is no room to count conn's users, which one
 * that is configured has. */
CV_MUST_USE bool peer_set_conn(struct core *core, struct peer *p, const struct cv_conn *conn);
/* Found by its connection and remote address, one of which is new; newest first. */
void peer_link_way(struct core *core, struct peer *p);
bool peer_is_on_way(const struct core *core, const struct peer *p); /* as things are now? */
struct peer *peer_first_on_way(struct core *core, const struct cv_conn *conn,
                               const struct cv_addr *remote);
struct peer *peer_next_on_way(struct core *core, const struct peer *p);

/* No longer found by either. */
void peer_unlink(struct core *core, struct peer *p);

#endif
