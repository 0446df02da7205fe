/* Gathering fragments in slots of their own; see gather.h.
 *
 * Invariant: a slot in use belongs to one SA, holds one message buffer and is in the list of
 * those that gather.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/gather.h"

#include "ike/exchange.h"

enum { ALL = 0 }; /* the key of the one list */

static struct gather *gather_of(const struct ike *k, const struct ike_sa *sa)
{
    return sa->gather == POOL_NONE ? NULL : pool_at(&k->gathers, sa->gather);
}

void gather_end(struct ike *k, struct ike_sa *sa)
{
    struct gather *g = gather_of(k, sa);

    if (g == NULL)
        return;
    msg_unref(&k->core.msgs, &g->buf);
    chain_del(&k->gathering, sa->gather);
    pool_give(&k->gathers, sa->gather);
    sa->gather = POOL_NONE;
}

/* A slot, if need be that of the message that is incomplete for the longest time: whoever sends
 * one fragment and no more keeps nobody waiting. */
static uint32_t gather_take(struct ike *k)
{
    uint32_t oldest;

    if (k->gathers.used == k->gathers.cap) {
        oldest = chain_last(&k->gathering, ALL);
        gather_end(k, sa_at_mut(k, ((struct gather *)pool_at(&k->gathers, oldest))->sa));
        k->core.stats.gave_way++;
    }
    return pool_take(&k->gathers);
}

static struct gather *gather_begin(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h)
{
    struct gather *g;

    sa->gather = gather_take(k);
    g = gather_of(k, sa);
    if (g == NULL)
        return NULL;
    chain_put(&k->gathering, sa->gather, ALL);
    g->sa = peer_index(&k->core, &sa->peer);
    g->buf = msg_new_or_evict(k);
    g->response = h->flags & IKE_F_RESPONSE;
    g->frag.msg_id = h->msg_id;
    g->from_ms = k->core.now_ms;
    if (g->buf != POOL_NONE)
        return g;
    gather_end(k, sa);
    return NULL;
}

/* The slot for message h: what another message has left there makes room. */
static struct gather *gather_for(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h)
{
    const bool response = h->flags & IKE_F_RESPONSE;
    struct gather *g = gather_of(k, sa);

    if (g != NULL && g->frag.msg_id == h->msg_id && g->response == response)
        return g;
    gather_end(k, sa);
    return gather_begin(k, sa, h);
}

enum cv_err gather_add(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                       const struct ike_msg *m, struct gathered *p)
{
    const size_t cap = k->core.set.limits.message_size;
    const struct frag_piece piece = {.msg_id = h->msg_id,
                                     .no = m->frag_no,
                                     .total = m->frag_total,
                                     .first = m->sk_next,
                                     .plain = p->octets};
    struct gather *g = gather_for(k, sa, h);
    uint8_t *buf = g == NULL ? NULL : msg_at(&k->core.msgs, g->buf)->data;
    enum cv_err err;

    p->whole = false;
    if (g == NULL)
        return CV_ERR_FULL;
    err = frag_add(&g->frag, buf, cap, &piece, &p->whole);
    if (err != CV_OK || !p->whole)
        return err;
    p->first = g->frag.first;
    p->octets = span(k->core.scratch_in, frag_assemble(&g->frag, buf, k->core.scratch_in, cap));
    gather_end(k, sa);
    return CV_OK;
}

uint64_t gather_due(const struct ike *k, const struct ike_sa *sa)
{
    const struct gather *g = gather_of(k, sa);

    return g == NULL ? TIMER_NEVER : g->from_ms + k->core.set.half_open_ms;
}
