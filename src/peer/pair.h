/* A Child SA's pair in the data plane, whoever's plane that is (culvert/plane.h).  IKE reaches
 * pairs through these alone; packets go to the own plane directly.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_PAIR_H
#define PEER_PAIR_H

#include <culvert/plane.h>

#include "peer/core.h"
#include "peer/peer.h"

CV_MUST_USE static inline enum cv_err pair_install(const struct core *c, uint32_t i,
                                                   const struct cv_pair_config *cfg)
{
    return c->plane->install(c->plane_ctx, i, cfg, c->now_ms);
}

static inline void pair_remove(const struct core *c, uint32_t i)
{
    c->plane->remove(c->plane_ctx, i);
}

static inline void pair_use_out(const struct core *c, uint32_t i)
{
    c->plane->use_out(c->plane_ctx, i);
}

static inline void pair_stop_out(const struct core *c, uint32_t i)
{
    c->plane->stop_out(c->plane_ctx, i);
}

static inline void pair_move(const struct core *c, uint32_t i, const struct peer *to)
{
    const struct cv_pair_path path = {to->local, to->remote, to->encap, peer_holds_still(to)};

    c->plane->move(c->plane_ctx, i, &path);
}

static inline const struct cv_pair_counters *pair_counters(const struct core *c, uint32_t i)
{
    return c->plane->counters(c->plane_ctx, i);
}

static inline void pair_ts(const struct core *c, uint32_t i, struct cv_ts_list *local,
                           struct cv_ts_list *remote)
{
    c->plane->ts(c->plane_ctx, i, local, remote);
}

static inline bool pair_find_out(const struct core *c, const struct cv_ts *local,
                                 const struct cv_ts *remote, bool last, uint32_t *i)
{
    return c->plane->find_out(c->plane_ctx, local, remote, last, i);
}

static inline bool pair_has_spi(const struct core *c, uint32_t spi_in)
{
    return c->plane->has_spi(c->plane_ctx, spi_in);
}

#endif
