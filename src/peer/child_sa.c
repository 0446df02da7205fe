/* Child SA table: birth, linking to an IKE SA, end.  See sa.h.
 *
 * Invariant: a Child SA is in its IKE SA's list from child_new until child_close, then
 * in the dead list until reaped.  Its data-plane pair exists while `installed`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/sa.h"

uint32_t child_index(const struct ike *k, const struct child_sa *c)
{
    return (uint32_t)((size_t)((const uint8_t *)c - k->core.children.slots) /
                      k->core.children.slot_size);
}

struct child_sa *child_by_number(const struct ike *k, uint32_t id)
{
    struct child_sa *c = id == 0 ? NULL : child_at(k, (id - 1) % k->core.children.cap);

    return c != NULL && c->id == id ? c : NULL;
}

struct child_sa *child_live(const struct ike *k, uint32_t id)
{
    struct child_sa *c = child_by_number(k, id);

    return c == NULL || c->state == CV_CHILD_DEAD || c->drains ? NULL : c;
}

/* ESP SPIs 0..255 are reserved (RFC 4303 section 2.1). */
enum cv_err child_new_spi(const struct ike *k, uint32_t *spi)
{
    unsigned bits = k->core.set.worker_bits;

    for (int tries = 0; tries < 16; tries++) {
        uint8_t b[4];
        struct rd r = rd_init(span(b, sizeof(b)));

        if (!ike_random(k, b, sizeof(b)))
            return CV_ERR_CRYPTO;
        *spi = rd_u32(&r);
        if (bits > 0)
            *spi = (uint32_t)k->core.set.worker << (32 - bits) | (*spi & (UINT32_MAX >> bits));
        if (*spi > 255 && ipsec_find_spi(k->core.ipsec, *spi) == POOL_NONE)
            return CV_OK;
    }
    return CV_ERR_CRYPTO;
}

static void link_to(struct ike *k, struct child_sa *c, struct ike_sa *sa)
{
    uint32_t i = child_index(k, c);

    c->ike = sa_index(k, sa);
    c->prev = POOL_NONE;
    c->next = sa->peer.children;
    if (c->next != POOL_NONE)
        child_at(k, c->next)->prev = i;
    sa->peer.children = i;
    sa->peer.n_children++;
}

static void unlink_from(struct ike *k, struct child_sa *c, struct ike_sa *sa)
{
    if (c->next != POOL_NONE)
        child_at(k, c->next)->prev = c->prev;
    if (c->prev != POOL_NONE)
        child_at(k, c->prev)->next = c->next;
    else
        sa->peer.children = c->next;
    c->next = c->prev = POOL_NONE;
    sa->peer.n_children--;
}

struct child_sa *child_new(struct ike *k, struct ike_sa *sa, const struct cv_conn *conn,
                           const struct cv_child_config *cfg)
{
    uint32_t i = pool_take(&k->core.children), spi = 0;
    struct child_sa *c = i == POOL_NONE ? NULL : child_at(k, i);

    if (c == NULL || child_new_spi(k, &spi) != CV_OK) {
        if (c != NULL)
            pool_give(&k->core.children, i);
        return NULL;
    }
    c->timer.is_child = true;
    c->id = pool_number(&k->core.children, k->core.child_gen, i);
    c->state = CV_CHILD_CREATED;
    c->conn = conn;
    c->cfg = cfg;
    c->spi_in = spi;
    c->rekey_ms = c->hard_ms = TIMER_NEVER;
    link_to(k, c, sa);
    return c;
}

struct child_sa *child_by_spi_out(const struct ike *k, const struct ike_sa *sa,
                                  uint8_t protocol, uint32_t spi_out)
{
    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(k, i)->next) {
        struct child_sa *c = child_at(k, i);

        if (c->installed && !c->drains && c->protocol == protocol && c->spi_out == spi_out)
            return c;
    }
    return NULL;
}

void child_move(struct ike *k, struct child_sa *c, struct ike_sa *to)
{
    unlink_from(k, c, sa_at(k, c->ike));
    link_to(k, c, to);
}

void sa_move_children(struct ike *k, struct ike_sa *from, struct ike_sa *to)
{
    while (from->peer.children != POOL_NONE)
        child_move(k, child_at(k, from->peer.children), to);
}

void child_close(struct ike *k, struct child_sa *c, enum cv_err reason)
{
    uint32_t i = child_index(k, c);
    struct ike_sa *sa = sa_at(k, c->ike);

    if (c->state == CV_CHILD_DEAD)
        return;
    unlink_from(k, c, sa);
    timer_cancel(&k->core.wheel, &c->timer.node);
    if (c->drains)
        c->quiet = true; /* said already */
    c->state = CV_CHILD_DEAD;
    c->reason = reason;
    c->next = k->core.dead_children;
    k->core.dead_children = i;
    if (c->installed)
        ipsec_stop_out(k->core.ipsec, i);
}

void child_deleted(struct ike *k, struct child_sa *c, enum cv_err reason)
{
    uint32_t i = child_index(k, c);
    struct child_sa *heir = child_live(k, c->replaced_by);

    if (heir != NULL && heir->out_waits) {
        heir->out_waits = false;
        ipsec_use_out(k->core.ipsec, child_index(k, heir));
    }
    if (c->state != CV_CHILD_REKEYED && heir == NULL) {
        child_close(k, c, reason);
        return;
    }
    /* What the peer sent before it knew is still on its way. */
    ipsec_stop_out(k->core.ipsec, i);
    c->state = CV_CHILD_DELETING;
    c->want_delete = c->want_rekey = false;
    c->drains = c->quiet = true;
    timer_set(&k->core.wheel, &c->timer.node, k->core.now_ms + DRAIN_MS);
}

void child_doom(struct ike *k, struct child_sa *c, enum cv_err reason)
{
    k->core.stats.errors[reason]++;
    c->doomed = c->want_delete = true;
    if (c->protocol == 0) /* what we asked for */
        c->protocol = c->cfg->proposals[0].protocol;
    c->state = CV_CHILD_DELETING;
    c->reason = reason;
    c->rekeys = 0;
}

void child_reap(struct ike *k, struct child_sa *c)
{
    uint32_t i = child_index(k, c);

    if (c->installed)
        ipsec_remove(k->core.ipsec, i);
    pool_give(&k->core.children, i);
}
