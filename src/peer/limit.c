/* Counting what was full; see limit.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/limit.h"

void limit_serve(struct core *core, const struct cv_endpoint *remote, uint32_t ike)
{
    core->served.remote = *remote;
    core->served.ike = ike;
}

void limit_met(struct core *core, enum cv_limit limit)
{
    struct cv_limit_met *met = &core->met[limit];

    met->times++;
    met->remote = core->served.remote;
    met->ike = core->served.ike;
}
