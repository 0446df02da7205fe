/* Sizes along the path: RFC 4301 section 8, RFC 8200 section 5.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/path.h"

#include "ipsec/ah.h"

enum {
    UDP_LEN = 8,
    IP4_MTU_MIN = 576, /* RFC 791: what every host takes; less is not believed */
    CLOCK_SHIFT = 16,  /* ticks of some 66 seconds */
    KEEP_TICKS = 10
};

static uint16_t path_clock(uint64_t now_ms)
{
    return (uint16_t)(now_ms >> CLOCK_SHIFT & UINT16_MAX);
}

static size_t outer_mtu(const struct path *path)
{
    if (path->learned != 0 && (path->mtu == 0 || path->learned < path->mtu))
        return path->learned;
    return path->mtu;
}

void path_set_mtu(struct path *path, size_t mtu)
{
    if (mtu > UINT16_MAX)
        path->mtu = 0;
    else
        path->mtu = mtu > 0 ? (uint16_t)mtu : 1;
}

/* The largest packet inside one of mtu octets that has this long a header outside. */
static size_t inner_of(const struct path *path, const struct esp_sa *sa, size_t mtu,
                       size_t head)
{
    const bool v6 = path->remote.addr.family == CV_IPV6;
    size_t used = head + (path->encap ? UDP_LEN : 0), inner;

    if (path->ah)
        used += ah_len(sa, v6);
    if (mtu <= used)
        return 0;
    inner = path->ah ? mtu - used : esp_max_payload(sa, mtu - used);
    return path->transport ? inner + head : inner;
}

size_t path_inner_mtu_behind(const struct path *path, const struct esp_sa *sa, size_t head)
{
    const size_t mtu = outer_mtu(path);

    return mtu == 0 ? SIZE_MAX : inner_of(path, sa, mtu, head);
}

size_t path_inner_mtu(const struct path *path, const struct esp_sa *sa)
{
    return path_inner_mtu_behind(path, sa, ip_head_len(path->remote.addr.family));
}

size_t path_padded_len(const struct path *path, const struct esp_sa *sa)
{
    const size_t most = path_inner_mtu(path, sa);

    if (path->tfc == CV_TFC_MTU && most == SIZE_MAX)
        return inner_of(path, sa, IP6_MTU_MIN, ip_head_len(path->remote.addr.family));
    return path->tfc < most ? path->tfc : most;
}

bool path_splits(const struct path *path, const struct esp_sa *sa, const struct ip_flow *flow)
{
    return path->split && !flow->df && flow->total_len > path_inner_mtu(path, sa);
}

enum cv_err path_check(const struct path *path, const struct esp_sa *sa,
                       const struct ip_flow *flow, size_t head, bool *df)
{
    /* An IPv6 sender never gets below 1280, whatever it is told. */
    const bool whole =
        flow->df && (flow->src.family != CV_IPV6 || flow->total_len > IP6_MTU_MIN);
    const bool fits = flow->total_len <= path_inner_mtu_behind(path, sa, head);

    *df = fits && !path->df_clear && (path->df_set || whole);
    return fits || path->df_clear || path->df_fitting || !whole ? CV_OK : CV_ERR_TOO_BIG;
}

bool path_learn(struct path *path, size_t mtu, uint64_t now_ms)
{
    const size_t floor = path->remote.addr.family == CV_IPV6 ? IP6_MTU_MIN : IP4_MTU_MIN;
    const size_t now = outer_mtu(path);

    if (mtu < floor)
        mtu = floor;
    if (mtu > UINT16_MAX || (now != 0 && mtu > now) || (mtu == now && path->learned != mtu))
        return false;
    path->learned = (uint16_t)mtu;
    path->learned_at = path_clock(now_ms);
    return true;
}

void path_age(struct path *path, uint64_t now_ms)
{
    if (path->learned != 0 && (uint16_t)(path_clock(now_ms) - path->learned_at) >= KEEP_TICKS)
        path->learned = 0;
}
