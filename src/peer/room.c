/* Lists of SAs that may give way; see room.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/room.h"

void room_offer(struct core *core, const struct peer *p, enum room_reason why)
{
    chain_put(&core->giving, peer_index(core, p), why);
}

void room_keep(struct core *core, const struct peer *p)
{
    chain_del(&core->giving, peer_index(core, p));
}

static struct peer *at(struct core *core, uint32_t i)
{
    return i == CHAIN_NONE ? NULL : peer_at_mut(core, i);
}

struct peer *room_oldest(struct core *core, enum room_reason why)
{
    return at(core, chain_last(&core->giving, why));
}

struct peer *room_newer(struct core *core, const struct peer *p)
{
    return at(core, chain_prev(&core->giving, peer_index(core, p)));
}
