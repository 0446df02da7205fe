/* How much one pair may still carry, in octets and packets per direction (RFC 4301
 * section 4.4.2.1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_LIFETIME_H
#define IPSEC_LIFETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "ipsec/ipsec.h"

/* Limits; UINT64_MAX: none. */
struct lifetime {
    uint64_t soft_bytes, soft_packets, hard_bytes, hard_packets;
    uint8_t said; /* notices given already */
};

void lifetime_init(struct lifetime *l, const struct cv_pair_config *cfg);

/* Bit set of CV_NOTICE_SOFT_LIMIT and CV_NOTICE_HARD_LIMIT for counts that one direction has
 * reached; each is said once. */
unsigned lifetime_note(struct lifetime *l, uint64_t bytes, uint64_t packets);

/* Says these notices unless they were said before. */
unsigned lifetime_say(struct lifetime *l, unsigned notices);

static inline bool lifetime_over(const struct lifetime *l)
{
    return (l->said & CV_NOTICE_HARD_LIMIT) != 0;
}

#endif
