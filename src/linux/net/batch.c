/* Owns: the packet buffers of one worker.
 * Invariant: every buffer keeps the room that CV_NESTED_MAX SAs need around the largest packet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/batch.h"

#include <string.h>
#include <sys/mman.h>

enum {
    HEADROOM = CV_NESTED_MAX * CV_HEADROOM,
    TAILROOM = CV_NESTED_MAX * CV_TAILROOM,
    SMALL = HEADROOM + BATCH_SMALL_ROOM + TAILROOM,
    LARGE = HEADROOM + BATCH_PACKET_MAX + 1 + TAILROOM,
    ALL_SMALL = BATCH_MAX * SMALL
};

bool batch_init(struct batch *b)
{
    void *p;

    memset(b, 0, sizeof(*b));
    b->memory_size = ALL_SMALL + (size_t)BATCH_LARGE * LARGE;
    p = mmap(NULL, b->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return false;
    b->memory = p;
    for (unsigned i = 0; i < BATCH_MAX; i++)
        batch_reset(b, i);
    return true;
}

void batch_free(struct batch *b)
{
    if (b->memory != NULL)
        munmap(b->memory, b->memory_size);
    b->memory = NULL;
}

void batch_reset(struct batch *b, unsigned i)
{
    b->pkts[i] = (struct cv_packet){
        .buf = b->memory + (size_t)i * SMALL,
        .cap = SMALL,
        .off = HEADROOM,
    };
}

struct cv_packet batch_large(const struct batch *b, unsigned k)
{
    return (struct cv_packet){
        .buf = b->memory + ALL_SMALL + (size_t)k * LARGE,
        .cap = LARGE,
        .off = HEADROOM,
    };
}

size_t batch_room(const struct cv_packet *p)
{
    const size_t room = p->cap - p->off - TAILROOM;

    return room < BATCH_PACKET_MAX ? room : BATCH_PACKET_MAX;
}
