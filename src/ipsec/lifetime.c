/* Lifetimes by volume.  The packet that reaches a limit is still carried: the limits
 * are round numbers far below what the ciphers bear.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/lifetime.h"

static uint64_t limit_or_none(uint64_t limit)
{
    return limit != 0 ? limit : UINT64_MAX;
}

void lifetime_init(struct lifetime *l, const struct cv_pair_config *cfg)
{
    *l = (struct lifetime){
        .soft_bytes = limit_or_none(cfg->soft_bytes),
        .soft_packets = limit_or_none(cfg->soft_packets),
        .hard_bytes = limit_or_none(cfg->life.hard_bytes),
        .hard_packets = limit_or_none(cfg->life.hard_packets),
    };
}

unsigned lifetime_say(struct lifetime *l, unsigned notices)
{
    const unsigned fresh = notices & ~(unsigned)l->said;

    l->said = (uint8_t)(l->said | fresh);
    return fresh;
}

unsigned lifetime_note(struct lifetime *l, uint64_t bytes, uint64_t packets)
{
    unsigned notices = 0;

    if (bytes >= l->soft_bytes || packets >= l->soft_packets)
        notices |= CV_NOTICE_SOFT_LIMIT;
    if (bytes >= l->hard_bytes || packets >= l->hard_packets)
        notices |= CV_NOTICE_HARD_LIMIT;
    return lifetime_say(l, notices);
}
