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
#include "wire/ike.h"

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
 * ends.  The responder finds out before it answers, refuses for now, and the old one goes on:
 *
 *   device                             gateway without room for keys
 *     | CREATE_CHILD_SA, N(REKEY_SA) ----> |
 *     | <--------- N(TEMPORARY_FAILURE) |   (RFC 7296 section 2.25) */
static void a_successor_without_room_leaves_the_old_one(void **state)
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
        assert_true(duo_settles(d, 7000, 1, 1));
        assert_true(host_errors(poor(d, &life), CV_ERR_FULL) > 0);
        assert_int_equal(small.room, life.room);
        assert_int_equal(d->dev->saw[CV_EV_CHILD_DOWN] + d->gw->saw[CV_EV_CHILD_DOWN], 0);
        if (life.at_gateway)
            assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_TEMPORARY_FAILURE);
        assert_true(works(d, &life));
        small.room += 2;
        host_rekey_child(d->dev, host_child(d->dev));
        assert_true(
            duo_settles(d, 600000, 1, 1)); /* long after a replaced one would have gone */
        assert_true(d->gw->saw[CV_EV_CHILD_REKEYED] > 0);
        assert_true(works(d, &life));
        assert_true(duo_closes(d));
        assert_int_equal(small.room, life.room + 4);
        assert_true(duo_free(d));
    }
}

/* Another Child SA is refused, and the first goes on. */
static void another_child_without_room_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 2; i < LIVES; i += 4) { /* at the gateway */
        struct life life;
        struct duo *d = begin(i, &life);

        (void)duo_add_child(d);
        (life.ah ? recipe_ah : recipe_esp_cbc)(&d->dev_conn);
        poor(d, &life)->settings.crypto = small_crypto(2 + life.room);
        duo_start(d);
        host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        assert_true(duo_settles(d, 5000, 1, 1));
        host_initiate(d->dev, &d->dev_conn, 1, d->gw);
        assert_true(duo_settles(d, 7000, 1, 1));
        assert_int_equal(host_last(d->dev, CV_EV_CHILD_FAILED)->notify, N_NO_ADDITIONAL_SAS);
        assert_int_equal(d->gw->saw[CV_EV_CHILD_UP], 1);
        assert_int_equal(small.room, life.room);
        assert_true(works(d, &life));
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_child_without_room_ends_at_the_peer_too),
        cmocka_unit_test(a_successor_without_room_leaves_the_old_one),
        cmocka_unit_test(another_child_without_room_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
