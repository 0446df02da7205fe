/* The engine's own data plane behind the table that IKE knows (culvert/plane.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/ipsec.h"

static enum cv_err install(void *ctx, uint32_t pair, const struct cv_pair_config *cfg,
                           uint64_t now_ms)
{
    return ipsec_install(ctx, pair, cfg, now_ms);
}

static void remove_pair(void *ctx, uint32_t pair)
{
    ipsec_remove(ctx, pair);
}

static void use_out(void *ctx, uint32_t pair)
{
    ipsec_use_out(ctx, pair);
}

static void stop_out(void *ctx, uint32_t pair)
{
    ipsec_stop_out(ctx, pair);
}

static void move(void *ctx, uint32_t pair, const struct cv_pair_path *path)
{
    ipsec_move(ctx, pair, path);
}

static void learn_mtu(void *ctx, uint32_t pair, size_t mtu, uint64_t now_ms)
{
    ipsec_learn_mtu(ctx, pair, mtu, now_ms);
}

static const struct cv_pair_counters *counters(void *ctx, uint32_t pair)
{
    return ipsec_counters(ctx, pair);
}

static void ts(void *ctx, uint32_t pair, struct cv_ts_list *local, struct cv_ts_list *remote)
{
    ipsec_ts(ctx, pair, local, remote);
}

static bool find_out(void *ctx, const struct cv_ts *local, const struct cv_ts *remote,
                     bool last, uint32_t *pair)
{
    *pair = ipsec_find_between(ctx, local, remote, last);
    return *pair != POOL_NONE;
}

static bool has_spi(void *ctx, uint32_t spi_in)
{
    return ipsec_find_spi(ctx, spi_in) != POOL_NONE;
}

const struct cv_plane ipsec_as_plane = {
    .install = install,
    .remove = remove_pair,
    .use_out = use_out,
    .stop_out = stop_out,
    .move = move,
    .learn_mtu = learn_mtu,
    .counters = counters,
    .ts = ts,
    .find_out = find_out,
    .has_spi = has_spi,
};
