/* Who gives way; see yield.h.
 *
 * An SA that has ended keeps its slot until the host has been told, so room is made before the
 * last slot is gone: a few are always on their way out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/yield.h"

#include "ike/exchange.h"
#include "peer/room.h"

enum {
    RESERVE_PART = 8,
    SPARE_FROM = 8, /* a table with fewer slots has none to spare */
    SPARE_PART = 64,
    PATIENCE_MS = 500 /* an honest peer has answered by then, but for the slowest of networks */
};

/* One that lingers is free at once when its end has been told. */
static bool drop_lingering(struct ike *k)
{
    struct ike_sa *sa = sa_of(room_oldest(&k->core, ROOM_LINGERING));

    if (sa == NULL)
        return false;
    sa->state = ST_DEAD;
    room_keep(&k->core, &sa->peer);
    timer_cancel(&k->core.wheel, &sa->peer.timer.node);
    if (!sa->peer.is_ended && !sa->peer.is_touched)
        sa_free(k, sa);
    return true;
}

static bool drop_replaced(struct ike *k)
{
    struct ike_sa *sa = sa_of(room_oldest(&k->core, ROOM_REPLACED));

    if (sa == NULL)
        return false;
    sa_close(k, sa, CV_ERR_REPLACED, false);
    return true;
}

/* Whoever comes from a source with fewer than the weakest's has precedence.  Among equals the
 * one that is here goes on while it may still be answered: its peer has begun to wait for us.
 */
static bool has_precedence(const struct ike *k, const struct cv_addr *newcomer,
                           const struct ike_sa *weakest)
{
    return half_open_from(&k->core, newcomer) + 1 <
               half_open_from(&k->core, &weakest->peer.remote.addr) ||
           k->core.now_ms >= weakest->made_ms + PATIENCE_MS;
}

/* Its slot of the handshakes is free at once. */
static bool drop_half_open(struct ike *k, const struct cv_addr *newcomer)
{
    struct ike_sa *sa = sa_of(half_open_weakest(&k->core));

    if (sa == NULL || !has_precedence(k, newcomer, sa))
        return false;
    sa->peer.quiet = true;
    k->core.stats.gave_way++;
    sa_close(k, sa, CV_ERR_FULL, false);
    hs_give(k, &sa->hs);
    return true;
}

static bool sas_are_few(const struct ike *k)
{
    const struct pool *p = &k->core.sas;
    const uint32_t spare = p->cap < SPARE_FROM ? 0 : 1 + p->cap / SPARE_PART;

    return p->cap - p->used <= k->core.sas_promised + spare;
}

static bool handshakes_are_few(const struct ike *k)
{
    return k->hs.cap - k->hs.used <= k->hs.cap / RESERVE_PART;
}

bool yield_for_newcomer(struct ike *k, const struct cv_addr *newcomer)
{
    if (sas_are_few(k) && !drop_lingering(k) && !drop_replaced(k) &&
        !drop_half_open(k, newcomer)) {
        limit_met(&k->core, CV_LIMIT_IKE_SAS);
        return false; /* what is spare is for somebody with precedence */
    }
    if (!handshakes_are_few(k) || drop_half_open(k, newcomer))
        return true;
    limit_met(&k->core, CV_LIMIT_HANDSHAKES);
    return false;
}
