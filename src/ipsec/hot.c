/* Slots of expanded keys.  See hot.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/hot.h"

#include "base/pool.h"
#include "base/secret.h"
#include "base/span.h"

void hot_init(struct hot *h, struct arena *a, uint32_t n, const struct cv_crypto *crypto)
{
    *h = (struct hot){
        .crypto = crypto,
        .slots = arena_take_raw(a, n, sizeof(*h->slots)),
        .cap = n,
        .free_head = POOL_NONE,
    };
}

static void cool(struct hot_slot *slot)
{
    esp_key_close(&slot->key);
    slot->owner->key = NULL;
    slot->owner = NULL;
}

/* Goes round until a slot is not busy: twice at the most. */
static struct hot_slot *evict(struct hot *h)
{
    struct hot_slot *slot;

    do {
        slot = &h->slots[h->hand];
        h->hand = h->hand + 1 < h->cap ? h->hand + 1 : 0;
    } while (slot->used == HOT_BUSY && slot->used-- > 0);
    cool(slot);
    return slot;
}

static struct hot_slot *take(struct hot *h)
{
    struct hot_slot *slot;

    if (h->free_head != POOL_NONE) {
        slot = &h->slots[h->free_head];
        h->free_head = slot->next_free;
        return slot;
    }
    return h->fresh < h->cap ? &h->slots[h->fresh++] : evict(h);
}

static void give(struct hot *h, struct hot_slot *slot)
{
    if (slot == &h->guest)
        return;
    slot->next_free = h->free_head;
    h->free_head = (uint32_t)(slot - h->slots);
}

static enum cv_err fill(struct hot *h, struct hot_slot *slot, struct esp_sa *sa,
                        const struct raw_keys *raw, const uint8_t *key)
{
    const struct cv_suite suite = {
        .encr = raw->encr, .encr_bits = raw->encr_bits, .integ = raw->integ};
    enum cv_err err = esp_key_open(&slot->key, h->crypto, &suite, span(key, raw->n));

    if (err != CV_OK)
        return err;
    slot->owner = sa;
    slot->used = 0;
    sa->key = &slot->key;
    h->expanded++;
    return CV_OK;
}

enum cv_err hot_warm(struct hot *h, struct esp_sa *sa, const struct raw_keys *raw,
                     const uint8_t *key)
{
    struct hot_slot *slot = take(h);
    enum cv_err err = fill(h, slot, sa, raw, key);

    if (err != CV_OK)
        give(h, slot);
    return err;
}

enum cv_err hot_admit(struct hot *h, struct esp_sa *sa, const struct raw_keys *raw,
                      const uint8_t *key)
{
    return fill(h, &h->guest, sa, raw, key);
}

void hot_keep(struct hot *h)
{
    struct hot_slot *slot = take(h);

    *slot = h->guest;
    slot->owner->key = &slot->key;
    wipe(&h->guest, sizeof(h->guest));
}

void hot_drop(struct hot *h, struct esp_sa *sa)
{
    struct hot_slot *slot = (struct hot_slot *)sa->key;

    if (slot == NULL)
        return;
    cool(slot);
    give(h, slot);
}
