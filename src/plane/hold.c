/* Owns: the list of packets that wait.
 * Invariant: never more than HOLD_MAX, never more than HOLD_EACH for one key.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plane/hold.h"

#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"

struct held {
    uint64_t key, since_ms;
    struct held *next;
    size_t n;
    uint8_t octets[];
};

struct cv_span held_packet(const struct held *one)
{
    return (struct cv_span){one->octets, one->n};
}

static struct held *unlink_at(struct hold *h, struct held **at)
{
    struct held *one = *at;

    *at = one->next;
    one->next = NULL;
    h->n--;
    return one;
}

static void expire(struct hold *h, uint64_t now_ms)
{
    while (h->first != NULL && now_ms - h->first->since_ms > HOLD_FOR_MS)
        free(unlink_at(h, &h->first));
}

bool hold_put(struct hold *h, uint64_t key, struct cv_span packet, uint64_t now_ms)
{
    struct held **end = &h->first, *one;
    unsigned same = 0;

    expire(h, now_ms);
    for (; *end != NULL; end = &(*end)->next)
        if ((*end)->key == key)
            same++;
    if (h->n >= HOLD_MAX || same >= HOLD_EACH || packet.n > HOLD_PACKET_MAX)
        return false;
    one = mem_new(1, sizeof(*one) + packet.n);
    one->key = key;
    one->since_ms = now_ms;
    one->n = packet.n;
    memcpy(one->octets, packet.p, packet.n);
    *end = one;
    h->n++;
    return true;
}

unsigned hold_take(struct hold *h, uint64_t key, uint64_t now_ms, struct held **out)
{
    unsigned n = 0;

    expire(h, now_ms);
    for (struct held **at = &h->first; *at != NULL;) {
        if ((*at)->key == key)
            out[n++] = unlink_at(h, at);
        else
            at = &(*at)->next;
    }
    return n;
}

void hold_drop(struct hold *h, uint64_t key)
{
    for (struct held **at = &h->first; *at != NULL;) {
        if ((*at)->key == key)
            free(unlink_at(h, at));
        else
            at = &(*at)->next;
    }
}

void hold_clear(struct hold *h)
{
    while (h->first != NULL)
        free(unlink_at(h, &h->first));
}
