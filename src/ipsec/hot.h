/* Expanded keys for the SAs that carry traffic now.
 *
 * An SA keeps its keys as IKE derived them; what a backend makes of them (round keys, hash
 * tables, a library's contexts) is ten to fifty times as large and lies in one of a bounded
 * number of slots.  A slot that is needed is taken from an SA that carried nothing since the
 * hand came by last: the clock algorithm, an approximation of least recently used; one packet
 * alone earns no second round.  Whatever must not begin anew, sequence number and IV, is in the
 * SA.
 *
 * A packet that is not authentic yet is nobody's traffic: if its SA is cold, its keys are a
 * guest until they have opened it.  So forged packets take no slot from anybody.
 *
 * Invariant: sa->key of an SA here is NULL or the key of the one slot whose owner it is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_HOT_H
#define IPSEC_HOT_H

#include "base/arena.h"
#include "ipsec/esp.h"

/* Octets of keying material per direction.  A device whose suites are all AEADs builds with
 * CV_CIPHER_KEY_MAX. */
#ifndef IPSEC_KEY_MAX
#define IPSEC_KEY_MAX (CV_CIPHER_KEY_MAX + CV_INTEG_KEY_MAX)
#endif

/* Keys of one pair as they were derived, of both directions. */
struct raw_keys {
    uint16_t encr, encr_bits, integ; /* encr 0: AH */
    uint8_t n;                       /* octets of each */
    uint8_t in[IPSEC_KEY_MAX], out[IPSEC_KEY_MAX];
};

enum { HOT_BUSY = 2 };

struct hot_slot {
    struct esp_key key; /* first: sa->key is its slot */
    struct esp_sa *owner;
    uint32_t next_free;
    uint8_t used; /* packets, as far as HOT_BUSY; the hand takes one off */
};
_Static_assert(sizeof(struct hot_slot) <= 64, "one cache line");

struct hot {
    const struct cv_crypto *crypto;
    struct hot_slot *slots;
    struct hot_slot guest;
    uint32_t cap, fresh; /* slots from fresh on were never used; their memory is as it came */
    uint32_t free_head;
    uint32_t hand;
    uint64_t expanded; /* how often keys were */
};

void hot_init(struct hot *h, struct arena *a, uint32_t n, const struct cv_crypto *crypto);

/* Expands the keys of sa, which is cold; key is the half of raw that is its own.  CV_ERR_FULL:
 * the backend has no room. */
CV_MUST_USE enum cv_err hot_warm(struct hot *h, struct esp_sa *sa, const struct raw_keys *raw,
                                 const uint8_t *key);
/* The same as a guest, until hot_note or hot_leave. */
CV_MUST_USE enum cv_err hot_admit(struct hot *h, struct esp_sa *sa, const struct raw_keys *raw,
                                  const uint8_t *key);
/* The guest gets a slot. */
void hot_keep(struct hot *h);
/* sa needs its slot no more, if it has one. */
void hot_drop(struct hot *h, struct esp_sa *sa);

static inline bool hot_is_guest(const struct hot *h, const struct esp_sa *sa)
{
    return sa->key == &h->guest.key;
}

/* sa, which is hot, has carried a packet that was good. */
static inline void hot_note(struct hot *h, const struct esp_sa *sa)
{
    struct hot_slot *slot;

    if (hot_is_guest(h, sa))
        hot_keep(h);
    slot = (struct hot_slot *)sa->key;
    if (slot->used < HOT_BUSY)
        slot->used++;
}

/* sa, which is hot, was named by a packet that was not. */
static inline void hot_leave(struct hot *h, struct esp_sa *sa)
{
    if (hot_is_guest(h, sa))
        hot_drop(h, sa);
}

#endif
