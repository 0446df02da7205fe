/* The table of IKE SAs: numbers, SPIs, identities.  See peer.h.
 *
 * Invariant: an SA is found by its own SPI from peer_new until peer_free; by identity and
 * by way, once linked, until it ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/peer.h"

#include <string.h>

#include "base/span.h"
#include "ident/id.h"
#include "peer/conn.h"
#include "wire/ip.h"

static uint64_t spi_key(const uint8_t spi[IKE_SPI_LEN])
{
    struct rd r = rd_init(span(spi, IKE_SPI_LEN));

    return rd_u64(&r);
}

uint32_t peer_index(const struct core *core, const struct peer *p)
{
    return pool_index(&core->sas, p);
}

const struct peer *peer_by_number(const struct core *core, uint32_t id)
{
    const struct peer *p = id == 0 ? NULL : peer_at(core, (id - 1) % core->sas.cap);

    return p != NULL && p->id == id ? p : NULL;
}

struct peer *peer_by_number_mut(struct core *core, uint32_t id)
{
    const struct peer *p = peer_by_number(core, id);

    return p == NULL ? NULL : peer_at_mut(core, peer_index(core, p));
}

bool peer_has_room(const struct core *core)
{
    return core->sas.used + core->sas_promised < core->sas.cap;
}

/* An SPI that is not zero, not in use, and carries the worker's number on top. */
bool peer_fresh_spi(const struct core *core, uint8_t spi[IKE_SPI_LEN])
{
    unsigned bits = core->set.worker_bits;

    for (int tries = 0; tries < 16; tries++) {
        if (!core_random(core, spi, IKE_SPI_LEN))
            return false;
        if (bits > 0)
            spi[0] = (uint8_t)((core->set.worker << (8 - bits)) | (spi[0] & (0xff >> bits)));
        if (spi_key(spi) != 0 && htab_get(&core->by_spi, spi_key(spi)) == HTAB_NONE)
            return true;
    }
    return false;
}

struct peer *peer_new(struct core *core, const struct cv_conn *conn, bool initiator,
                      const uint8_t spi[IKE_SPI_LEN])
{
    uint32_t i = pool_take(&core->sas);
    struct peer *p = i == POOL_NONE ? NULL : peer_at_mut(core, i);

    if (p == NULL)
        return NULL;
    if (!conn_use(core, conn)) {
        pool_give(&core->sas, i);
        return NULL;
    }
    if (!htab_put(&core->by_spi, spi_key(spi), i)) {
        conn_drop(core, conn);
        pool_give(&core->sas, i);
        return NULL;
    }
    p->id = pool_number(&core->sas, core->sa_gen, i);
    p->initiator = p->first_initiator = initiator;
    p->conn = conn;
    memcpy(initiator ? p->spi_i : p->spi_r, spi, IKE_SPI_LEN);
    p->children = POOL_NONE;
    p->last_in_ms = p->last_out_ms = core->now_ms;
    p->rekey_ms = p->reauth_ms = p->hard_ms = TIMER_NEVER;
    return p;
}

void peer_free(struct core *core, struct peer *p)
{
    timer_cancel(&core->wheel, &p->timer.node);
    chain_del(&core->giving, peer_index(core, p));
    peer_unlink(core, p);
    conn_drop(core, p->conn);
    htab_del(&core->by_spi, spi_key(peer_own_spi(p)));
    pool_give(&core->sas, peer_index(core, p));
}

void peer_touch(struct core *core, struct peer *p)
{
    if (p->is_touched)
        return;
    p->is_touched = true;
    queue_put(&core->touched, peer_index(core, p));
}

struct peer *peer_take_touched(struct core *core)
{
    uint32_t i = queue_take(&core->touched);
    struct peer *p = i == QUEUE_NONE ? NULL : peer_at_mut(core, i);

    if (p != NULL)
        p->is_touched = false;
    return p;
}

const uint8_t *peer_own_spi(const struct peer *p)
{
    return p->initiator ? p->spi_i : p->spi_r;
}

struct peer *peer_find(struct core *core, const uint8_t spi_i[IKE_SPI_LEN],
                       const uint8_t spi_r[IKE_SPI_LEN], bool from_initiator)
{
    const uint8_t *own = from_initiator ? spi_r : spi_i;
    const uint8_t *theirs = from_initiator ? spi_i : spi_r;
    uint32_t i = htab_get(&core->by_spi, spi_key(own));
    struct peer *p = i == HTAB_NONE ? NULL : peer_at_mut(core, i);

    if (p == NULL || p->initiator == from_initiator)
        return NULL;
    return memcmp(p->initiator ? p->spi_r : p->spi_i, theirs, IKE_SPI_LEN) == 0 ? p : NULL;
}

void peer_local_id(const struct peer *p, struct cv_id *out)
{
    const struct cv_addr *a = &p->local.addr;

    if (p->conn != NULL && p->conn->local.id.type != CV_ID_ANY) {
        *out = p->conn->local.id;
        return;
    }
    memset(out, 0, sizeof(*out));
    out->type = a->family == CV_IPV6 ? CV_ID_IPV6 : CV_ID_IPV4;
    out->n = (uint8_t)addr_len(a->family);
    memcpy(out->b, a->b, out->n);
}

static uint64_t id_key(const struct core *core, const struct cv_id *id)
{
    uint8_t b[CV_ID_MAX + 1];
    struct cv_id one;

    id_canonical(&one, id);
    b[0] = one.type;
    memcpy(b + 1, one.b, one.n);
    return siphash24(core->seed, b, (size_t)one.n + 1);
}

/* NULL for the end of a list. */
static const struct peer *peer_or_null(const struct core *core, uint32_t i)
{
    return i == CHAIN_NONE ? NULL : peer_at(core, i);
}

static struct peer *peer_or_null_mut(struct core *core, uint32_t i)
{
    return i == CHAIN_NONE ? NULL : peer_at_mut(core, i);
}

void peer_link_id(struct core *core, struct peer *p)
{
    chain_put(&core->by_id, peer_index(core, p), id_key(core, &p->remote_id));
}

const struct peer *peer_first_with_id(const struct core *core, const struct cv_id *id)
{
    return peer_or_null(core, chain_first(&core->by_id, id_key(core, id)));
}

struct peer *peer_first_with_id_mut(struct core *core, const struct cv_id *id)
{
    return peer_or_null_mut(core, chain_first(&core->by_id, id_key(core, id)));
}

const struct peer *peer_next_with_id(const struct core *core, const struct peer *p)
{
    return peer_or_null(core, chain_next(&core->by_id, peer_index(core, p)));
}

struct peer *peer_next_with_id_mut(struct core *core, const struct peer *p)
{
    return peer_or_null_mut(core, chain_next(&core->by_id, peer_index(core, p)));
}

static uint64_t way_key(const struct core *core, const struct cv_conn *conn,
                        const struct cv_addr *remote)
{
    return core_addr_key(core, remote) ^ siphash24(core->seed, &conn, sizeof(conn));
}

bool peer_set_conn(struct core *core, struct peer *p, const struct cv_conn *conn)
{
    if (!conn_use(core, conn))
        return false;
    conn_drop(core, p->conn);
    p->conn = conn;
    peer_link_way(core, p);
    return true;
}

void peer_link_way(struct core *core, struct peer *p)
{
    if (!peer_is_on_way(core, p))
        chain_put(&core->by_way, peer_index(core, p), way_key(core, p->conn, &p->remote.addr));
}

bool peer_is_on_way(const struct core *core, const struct peer *p)
{
    return chain_has(&core->by_way, peer_index(core, p),
                     way_key(core, p->conn, &p->remote.addr));
}

struct peer *peer_first_on_way(struct core *core, const struct cv_conn *conn,
                               const struct cv_addr *remote)
{
    return peer_or_null_mut(core, chain_first(&core->by_way, way_key(core, conn, remote)));
}

struct peer *peer_next_on_way(struct core *core, const struct peer *p)
{
    return peer_or_null_mut(core, chain_next(&core->by_way, peer_index(core, p)));
}

void peer_unlink(struct core *core, struct peer *p)
{
    chain_del(&core->by_id, peer_index(core, p));
    chain_del(&core->by_way, peer_index(core, p));
}
