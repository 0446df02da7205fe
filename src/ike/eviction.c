/* Room for messages: what is cached for repetition gives way, where the peer has
 * most likely seen it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/exchange.h"

enum {
    EVICT_TRIES = 64,
    AUTH_MESSAGES = 8 /* that the way from IKE_SA_INIT to an established SA may need at once */
};

/* A cached response of an established SA goes whose peer has most likely seen it. */
static bool evict_response(struct ike *k)
{
    uint32_t at = (uint32_t)core_random_below(&k->core, k->core.sas.cap);

    for (uint32_t n = 0; n < k->core.sas.cap && n < EVICT_TRIES; n++) {
        struct ike_sa *sa = sa_at_mut(k, (at + n) % k->core.sas.cap);

        if (sa == NULL || sa->state != ST_UP || sa->resp == POOL_NONE ||
            k->core.now_ms - sa->resp_ms < k->core.set.retransmit_ms)
            continue;
        msg_unref(&k->core.msgs, &sa->resp);
        return true;
    }
    return false;
}

bool msg_make_room(struct ike *k, uint32_t n)
{
    const struct pool *p = &k->core.msgs.pool;

    for (uint32_t tries = 2 * n; tries > 0 && p->cap - p->used < n; tries--) {
        if (!evict_response(k))
            break;
    }
    if (p->cap - p->used >= n)
        return true;
    limit_met(&k->core, CV_LIMIT_MESSAGES);
    return false;
}

uint32_t msg_reserve(const struct ike *k)
{
    uint32_t quarter = k->core.msgs.pool.cap / 4;

    return quarter < AUTH_MESSAGES ? quarter : AUTH_MESSAGES;
}

uint32_t msg_new_or_evict(struct ike *k)
{
    return msg_make_room(k, 1) ? msg_new(&k->core.msgs) : POOL_NONE;
}

uint32_t msg_copy_or_evict(struct ike *k, struct cv_span s)
{
    return msg_make_room(k, 1) ? msg_copy(&k->core.msgs, s) : POOL_NONE;
}
