/* Child SA table: birth, linking to an IKE SA, end.  See sa.h.
 *
 * Invariant: a Child SA is in its IKE SA's list from child_new until child_close, then
 * in a queue of the ended until reaped.  Its data-plane pair exists while `installed`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/child_sa.h"

#include "base/span.h"
#include "peer/conn.h"
#include "peer/limit.h"

uint32_t child_index(const struct core *core, const struct child_sa *c)
{
    return pool_index(&core->children, c);
}

const struct child_sa *child_by_number(const struct core *core, uint32_t id)
{
    const struct child_sa *c = id == 0 ? NULL : child_at(core, (id - 1) % core->children.cap);

    return c != NULL && c->id == id ? c : NULL;
}

struct child_sa *child_by_number_mut(struct core *core, uint32_t id)
{
    const struct child_sa *c = child_by_number(core, id);

    return c == NULL ? NULL : child_at_mut(core, child_index(core, c));
}

struct child_sa *child_live_mut(struct core *core, uint32_t id)
{
    const struct child_sa *c = child_live(core, id);

    return c == NULL ? NULL : child_at_mut(core, child_index(core, c));
}

const struct child_sa *child_live(const struct core *core, uint32_t id)
{
    const struct child_sa *c = child_by_number(core, id);

    return c == NULL || c->state == CV_CHILD_DEAD || c->drains ? NULL : c;
}

/* ESP SPIs 0..255 are reserved (RFC 4303 section 2.1). */
enum cv_err child_new_spi(const struct core *core, uint32_t *spi)
{
    unsigned bits = core->set.worker_bits;

    for (int tries = 0; tries < 16; tries++) {
        uint8_t b[4];
        struct rd r = rd_init(span(b, sizeof(b)));

        if (!core_random(core, b, sizeof(b)))
            return CV_ERR_CRYPTO;
        *spi = rd_u32(&r);
        if (bits > 0)
            *spi = (uint32_t)core->set.worker << (32 - bits) | (*spi & (UINT32_MAX >> bits));
        if (*spi > 255 && !pair_has_spi(core, *spi))
            return CV_OK;
    }
    return CV_ERR_CRYPTO;
}

static void link_to(struct core *core, struct child_sa *c, struct peer *p)
{
    uint32_t i = child_index(core, c);

    c->ike = peer_index(core, p);
    c->prev = POOL_NONE;
    c->next = p->children;
    if (c->next != POOL_NONE)
        child_at_mut(core, c->next)->prev = i;
    p->children = i;
    p->n_children++;
}

static void unlink_from(struct core *core, struct child_sa *c, struct peer *p)
{
    if (c->next != POOL_NONE)
        child_at_mut(core, c->next)->prev = c->prev;
    if (c->prev != POOL_NONE)
        child_at_mut(core, c->prev)->next = c->next;
    else
        p->children = c->next;
    c->next = c->prev = POOL_NONE;
    p->n_children--;
}

struct child_sa *child_new(struct core *core, struct peer *p, const struct cv_conn *conn,
                           const struct cv_child_config *cfg)
{
    uint32_t i = pool_take(&core->children), spi = 0;
    struct child_sa *c = i == POOL_NONE ? NULL : child_at_mut(core, i);

    if (c == NULL) {
        limit_met(core, CV_LIMIT_CHILD_SAS);
        return NULL;
    }
    if (child_new_spi(core, &spi) != CV_OK || !conn_use(core, conn)) {
        pool_give(&core->children, i);
        return NULL;
    }
    c->timer.is_child = true;
    c->id = pool_number(&core->children, core->child_gen, i);
    c->state = CV_CHILD_CREATED;
    c->conn = conn;
    c->cfg = cfg;
    c->spi_in = spi;
    c->rekey_ms = c->hard_ms = TIMER_NEVER;
    link_to(core, c, p);
    return c;
}

const struct child_sa *child_by_spi_out(const struct core *core, const struct peer *p,
                                        uint8_t protocol, uint32_t spi_out)
{
    for (uint32_t i = p->children; i != POOL_NONE; i = child_at(core, i)->next) {
        const struct child_sa *c = child_at(core, i);

        if (c->installed && !c->drains && c->protocol == protocol && c->spi_out == spi_out)
            return c;
    }
    return NULL;
}

void child_move(struct core *core, struct child_sa *c, struct peer *to)
{
    unlink_from(core, c, peer_at_mut(core, c->ike));
    link_to(core, c, to);
}

void child_move_all(struct core *core, struct peer *from, struct peer *to)
{
    while (from->children != POOL_NONE)
        child_move(core, child_at_mut(core, from->children), to);
}

void child_use_out(struct core *core, struct child_sa *c)
{
    if (!c->sends)
        pair_use_out(core, child_index(core, c));
    c->sends = true;
}

void child_stop_out(struct core *core, struct child_sa *c)
{
    if (c->sends)
        pair_stop_out(core, child_index(core, c));
    c->sends = false;
}

static void link_address(struct core *core, const struct child_sa *c, const struct peer *p)
{
    if (c->mode == CV_TRANSPORT && !c->drains)
        chain_put(&core->by_transport, child_index(core, c),
                  core_addr_key(core, &p->remote.addr));
}

void child_installed(struct core *core, struct child_sa *c)
{
    c->installed = true;
    link_address(core, c, peer_at(core, c->ike));
}

void child_moved(struct core *core, uint32_t i, const struct peer *to)
{
    pair_move(core, i, to);
    link_address(core, child_at(core, i), to);
}

const struct child_sa *child_first_at(const struct core *core, const struct cv_addr *remote)
{
    uint32_t i = chain_first(&core->by_transport, core_addr_key(core, remote));

    return i == CHAIN_NONE ? NULL : child_at(core, i);
}

const struct child_sa *child_next_at(const struct core *core, const struct child_sa *c)
{
    uint32_t i = chain_next(&core->by_transport, child_index(core, c));

    return i == CHAIN_NONE ? NULL : child_at(core, i);
}

void child_close(struct core *core, struct child_sa *c, enum cv_err reason)
{
    uint32_t i = child_index(core, c);
    struct peer *p = peer_at_mut(core, c->ike);

    if (c->state == CV_CHILD_DEAD)
        return;
    unlink_from(core, c, p);
    timer_cancel(&core->wheel, &c->timer.node);
    if (c->drains)
        c->quiet = true; /* said already */
    c->state = CV_CHILD_DEAD;
    c->reason = reason;
    queue_put(&core->ended.children, i);
    chain_del(&core->by_transport, i);
    child_stop_out(core, c);
}

void child_deleted(struct core *core, struct child_sa *c, enum cv_err reason)
{
    struct child_sa *heir = child_live_mut(core, c->replaced_by);

    if (heir != NULL && heir->out_waits) {
        heir->out_waits = false;
        child_use_out(core, heir);
    }
    if (c->state != CV_CHILD_REKEYED && heir == NULL) {
        child_close(core, c, reason);
        return;
    }
    /* What the peer sent before it knew is still on its way. */
    child_stop_out(core, c);
    c->state = CV_CHILD_DELETING;
    c->want_delete = c->want_rekey = false;
    c->drains = c->quiet = true;
    chain_del(&core->by_transport, child_index(core, c));
    timer_set(&core->wheel, &c->timer.node, core->now_ms + DRAIN_MS);
}

void child_doom(struct core *core, struct child_sa *c, enum cv_err reason)
{
    core->stats.errors[reason]++;
    c->doomed = c->want_delete = true;
    if (c->protocol == 0) /* what we asked for */
        c->protocol = c->cfg->proposals[0].protocol;
    c->state = CV_CHILD_DELETING;
    c->reason = reason;
    c->refused_by = CV_BY_US;
    c->rekeys = 0;
}

void child_reap(struct core *core, struct child_sa *c)
{
    uint32_t i = child_index(core, c);

    if (c->installed)
        pair_remove(core, i);
    conn_drop(core, c->conn);
    pool_give(&core->children, i);
}

uint64_t child_inactive_due(const struct core *core, const struct child_sa *c)
{
    const struct cv_pair_counters *n;
    uint64_t last;

    if (!c->installed || c->cfg->inactivity_s == 0 || c->state != CV_CHILD_INSTALLED ||
        c->want_delete)
        return TIMER_NEVER;
    n = pair_counters(core, child_index(core, c));
    last = n->last_in_ms > n->last_out_ms ? n->last_in_ms : n->last_out_ms;
    if (last < c->installed_ms)
        last = c->installed_ms;
    return last + c->cfg->inactivity_s * 1000;
}

void child_arm(struct core *core, struct child_sa *c)
{
    uint64_t due = c->rekey_ms;

    if (c->drains || c->state == CV_CHILD_DEAD)
        return;
    if (c->hard_ms < due)
        due = c->hard_ms;
    if (child_inactive_due(core, c) < due)
        due = child_inactive_due(core, c);
    timer_set(&core->wheel, &c->timer.node, due);
}
