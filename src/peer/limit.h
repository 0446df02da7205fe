/* What was full, and for whom: no event, for whoever fills a table must not fill the queue of
 * effects with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_LIMIT_H
#define PEER_LIMIT_H

#include "peer/core.h"

/* Who is served from now on; ike may be 0. */
void limit_serve(struct core *core, const struct cv_endpoint *remote, uint32_t ike);
/* Who is served has met this limit. */
void limit_met(struct core *core, enum cv_limit limit);

#endif
