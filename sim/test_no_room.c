/* A Child SA that one side agreed to and then cannot install, for its crypto has no room for
 * another key, must not go on existing at the other.
 *
 *   device                              gateway
 *     | IKE_AUTH or CREATE_CHILD_SA ----> |
 *     | <-------------------------------- |
 *     X no key                            | installed
 *     | INFORMATIONAL, D(ESP or AH) ----> | deletes
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "crypto/crypto.h"
#include "sim/check.h"
#include "sim/crypto.h"
#include "sim/duo.h"

/* A backend that holds a few keys for integrity, which IKE with an AEAD needs none of. */
static struct {
    const struct cv_integ *real;
    struct cv_integ integ;
    const struct cv_integ *list[2];
    struct cv_crypto crypto;
    unsigned room;
} small;

static void *new_key_if_room(const uint8_t *key)
{
    return small.room == 0 ? NULL : (small.room--, small.real->new_key(key));
}

static void free_key(void *key)
{
    small.room++;
    small.real->free_key(key);
}

static const struct cv_crypto *small_crypto(unsigned room)
{
    small.crypto = *sim_crypto();
    small.real = crypto_integ(&small.crypto, CV_INTEG_HMAC_SHA2_256_128);
    small.integ = *small.real;
    small.integ.new_key = new_key_if_room;
    small.integ.free_key = free_key;
    small.list[0] = &small.integ;
    small.crypto.integs = small.list;
    small.room = room;
    return &small.crypto;
}

struct life {
    bool ah, at_gateway;
    unsigned room;
};

/* All combinations: which protocol, who has no room, and whether for one key or for both. */
static struct duo *begin(unsigned i, struct life *life)
{
    struct duo *d = duo_new(i + 1);

    *life = (struct life){.ah = i & 1, .at_gateway = i & 2, .room = i >> 2 & 1};
    (life->ah ? recipe_ah : recipe_esp_cbc)(&d->dev_conn);
    (life->ah ? recipe_ah : recipe_esp_cbc)(&d->gw_conn);
    return d;
}

static struct host *poor(const struct duo *d, const struct life *life)
{
    return life->at_gateway ? d->gw : d->dev;
}

/* The simulated network would call AH, which hides nothing, a leak. */
static bool works(struct duo *d, const struct life *life)
{
    return life->ah || world_ping(d->w, d->flow);
}

enum { LIVES = 8 };

static void the_first_child_without_room_ends_at_the_peer_too(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIVES; i++) {
        struct life life;
        struct duo *d = begin(i, &life);

        poor(d, &life)->settings.crypto = small_crypto(life.room);
        duo_start(d);
        host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        assert_true(duo_settles(d, 5000, 1, 0));
        assert_int_equal(host_errors(poor(d, &life), CV_ERR_FULL), 1);
        assert_int_equal(small.room, life.room);
        small.room = 2;
        host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        assert_true(duo_settles(d, 5000, 1, 1));
        assert_true(works(d, &life));
        assert_true(duo_closes(d));
        assert_int_equal(small.room, 2);
        assert_true(duo_free(d));
    }
}

/* The initiator takes the successor back before it deletes the old one, which goes on at both
 * ends.  The responder finds out when the initiator is about to delete the old one. */
static void a_successor_without_room_is_no_ones(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIVES; i++) {
        struct life life;
        struct duo *d = begin(i, &life);

        poor(d, &life)->settings.crypto = small_crypto(2 + life.room);
        duo_start(d);
        host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        assert_true(duo_settles(d, 5000, 1, 1));
        host_rekey_child(d->dev, host_child(d->dev));
        assert_true(duo_settles(d, 7000, 1, life.at_gateway ? 0 : 1));
        assert_true(host_errors(poor(d, &life), CV_ERR_FULL) > 0);
        assert_int_equal(small.room, life.room + (life.at_gateway ? 2 : 0));
        assert_true(life.at_gateway || works(d, &life));
        small.room += 2;
        if (life.at_gateway)
            host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        assert_true(
            duo_settles(d, 600000, 1, 1)); /* long after a replaced one would have gone */
        assert_true(works(d, &life));
        assert_true(duo_closes(d));
        assert_int_equal(small.room, life.room + 4);
        assert_true(duo_free(d));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_child_without_room_ends_at_the_peer_too),
        cmocka_unit_test(a_successor_without_room_is_no_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
