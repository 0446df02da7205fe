/* So many at once, then so many a second; what is left out is counted, to be told later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_QUOTA_H
#define KIT_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

enum { QUOTA_BURST = 10, QUOTA_EVERY_MS = 1000 };

/* Zeroed: nothing has been taken. */
struct quota {
    uint64_t from_ms;  /* when what is taken now would have been due; never behind the burst */
    uint32_t left_out; /* since quota_settle */
};

/* May it be done now?  What may not is left out. */
bool quota_take(struct quota *q, uint64_t now_ms);
/* How many have been left out, once there is room to say so; 0: none, or not yet. */
uint32_t quota_settle(struct quota *q, uint64_t now_ms);

#endif
