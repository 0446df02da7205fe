/* Inner packets that wait until the tunnel they brought up can take them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_HOLD_H
#define PLANE_HOLD_H

#include <culvert/types.h>

enum {
    HOLD_EACH = 4,      /* for one tunnel: the first packets of a program or two */
    HOLD_MAX = 64,      /* in all */
    HOLD_FOR_MS = 3000, /* later they would surprise whoever sent them again meanwhile */
    HOLD_PACKET_MAX = 65535
};

struct held;

struct hold {
    struct held *first; /* oldest first */
    unsigned n;
};

/* Keeps a copy for key; false when there are enough. */
bool hold_put(struct hold *h, uint64_t key, struct cv_span packet, uint64_t now_ms);

/* Moves the packets of key into out, of HOLD_EACH elements, oldest first; each is to be given
 * to free().  Those that waited too long are gone.  Returns how many. */
unsigned hold_take(struct hold *h, uint64_t key, uint64_t now_ms, struct held **out);
struct cv_span held_packet(const struct held *one);

void hold_drop(struct hold *h, uint64_t key);
void hold_clear(struct hold *h);

#endif
