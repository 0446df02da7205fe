/* Both sides act at once: RFC 7296 sections 2.8.1, 2.8.2 and 2.25, as ladders.
 *
 * Every message is held and delivered by hand.  Which nonce is the lowest depends on the
 * seed, so each ladder runs under several.  The last tests deliver in every order that
 * chance finds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ike.h"

enum { SEEDS = 8, EXPLORED = 10 };

static void for_each_seed(void (*ladder)(struct duo *d))
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct duo *d = duo_new(seed);

        assert_true(duo_connect(d));
        ladder(d);
        if (d->w->failed)
            fail_msg("seed %u: %s", (unsigned)seed, d->w->why);
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

/* ---- the rule of the lowest nonce, section 2.8.1 ---- */

/* What an observer who can decrypt sees of the CREATE_CHILD_SA exchanges, by whose
 * exchange it is and whether it is the answer. */
struct seen {
    const struct host *dev;
    uint8_t nonce[2][2][32];
    uint8_t spi[2][2][8];
};

static void observe(void *ctx, const struct host *h, struct cv_span aad, uint8_t *plain,
                    size_t n)
{
    struct seen *s = ctx;
    bool response = aad.n >= 32 && (aad.p[19] & 0x20);
    unsigned whose = (h == s->dev) != response ? 0 : 1;

    if (aad.n < 32 || aad.p[17] != 0x20 || aad.p[18] != 36)
        return;
    for (uint8_t type = aad.p[28]; type != 0 && n >= 4;) {
        size_t len = (size_t)(plain[2] << 8 | plain[3]);

        if (type == 33) /* SA: proposal header, then the SPI */
            memcpy(s->spi[whose][response], plain + 12, plain[10]);
        if (type == 40)
            memcpy(s->nonce[whose][response], plain + 4, 32);
        type = plain[0];
        plain += len;
        n -= len;
    }
}

/* Whose exchange made the SA that stays: not the one with the lowest of four nonces. */
static unsigned winner(const struct seen *s)
{
    unsigned lowest = 0;
    const uint8_t *least = s->nonce[0][0];

    for (unsigned whose = 0; whose < 2; whose++) {
        for (unsigned response = 0; response < 2; response++) {
            if (memcmp(s->nonce[whose][response], least, 32) >= 0)
                continue;
            least = s->nonce[whose][response];
            lowest = whose;
        }
    }
    return 1 - lowest;
}

/* ---- Child SAs, section 2.25.1 ---- */

/*   device                          gateway
 *     | rekey 1 -------.  .-- rekey 2 |
 *     |                 \/            |
 *     | <---------------'  `--------> |
 *     | answer 2 ------.  .- answer 1 |
 *     |                 \/            |
 *     | <---------------'  `--------> |
 *     | the SA with the lowest nonce is deleted by who made it; the old one by the other */
static void both_rekey_one_child_crosswise(struct duo *d)
{
    struct seen seen = {.dev = d->dev};
    unsigned kept;
    uint32_t spi;

    d->w->mangle = observe;
    d->w->mangle_ctx = &seen;
    duo_traffic(d, 5);
    world_hold_all(d->w);
    host_rekey_child(d->dev, host_child(d->dev));
    host_rekey_child(d->gw, host_child(d->gw));
    world_deliver(d->w, d->dev);
    world_deliver(d->w, d->gw);
    world_deliver(d->w, d->dev);
    world_deliver(d->w, d->gw);
    world_release(d->w);
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_int_equal(duo_missing(d), 0);
    assert_int_equal(d->dev->saw[CV_EV_CHILD_REKEYED], 1);
    d->w->mangle = NULL;
    kept = winner(&seen);
    spi = host_child_info(d->dev, host_child(d->dev)).spi_in;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(seen.spi[kept][kept][i], spi >> (24 - 8 * i) & 0xff);
    assert_int_equal(d->gw->saw[CV_EV_CHILD_REKEYED], 1);
}

/* The gateway's answer overtakes its own request: the device thinks for a while that
 * its rekey is done and may delete the old SA (section 2.8.1, the second example). */
static void both_rekey_one_child_and_one_request_is_late(struct duo *d)
{
    duo_traffic(d, 5);
    world_hold_all(d->w);
    host_rekey_child(d->dev, host_child(d->dev));
    host_rekey_child(d->gw, host_child(d->gw));
    world_deliver(d->w, d->dev);                   /* the gateway answers */
    world_deliver_nth(d->w, d->gw, 1);             /* the answer, before its request */
    assert_int_equal(world_held(d->w, d->dev), 1); /* the device deletes the old SA */
    world_deliver(d->w, d->gw); /* the late request for an SA on its way out */
    world_release(d->w);
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_int_equal(duo_missing(d), 0);
}

static void both_delete_one_child(struct duo *d)
{
    world_hold_all(d->w);
    host_delete_child(d->dev, host_child(d->dev));
    host_delete_child(d->gw, host_child(d->gw));
    world_deliver(d->w, d->dev);
    world_deliver(d->w, d->gw);
    world_deliver(d->w, d->gw);
    world_deliver(d->w, d->dev);
    world_release(d->w);
    assert_true(duo_settles(d, 60000, 1, 0));
}

/* "close a Child SA that it is currently rekeying: reply as usual, with a Delete" */
static void the_gateway_deletes_what_the_device_rekeys(struct duo *d)
{
    world_hold_all(d->w);
    host_rekey_child(d->dev, host_child(d->dev));
    host_delete_child(d->gw, host_child(d->gw));
    world_deliver(d->w, d->gw);  /* D reaches the rekeying device */
    world_deliver(d->w, d->dev); /* the rekey reaches the deleting gateway */
    world_release(d->w);
    assert_true(duo_settles(d, 60000, 1, 0));
    assert_int_equal(d->dev->saw[CV_EV_CHILD_DOWN], 1);
    assert_int_equal(d->gw->saw[CV_EV_CHILD_DOWN], 1);
}

/* "rekey a Child SA that it is currently trying to close: TEMPORARY_FAILURE" */
static void a_rekey_of_what_is_being_deleted_is_put_off(struct duo *d)
{
    world_hold_all(d->w);
    host_delete_child(d->gw, host_child(d->gw));
    host_rekey_child(d->dev, host_child(d->dev));
    world_deliver(d->w, d->dev);
    assert_int_equal(host_child_count(d->gw), 1);
    world_deliver_nth(d->w, d->gw, 1); /* the refusal, before the delete */
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_TEMPORARY_FAILURE);
    world_release(d->w);
    assert_true(duo_settles(d, 60000, 1, 0));
}

/* ---- IKE SAs, section 2.25.2 ---- */

static void both_rekey_the_ike_sa_crosswise(struct duo *d)
{
    struct seen seen = {.dev = d->dev};
    struct cv_ike_info info;
    unsigned kept;

    d->w->mangle = observe;
    d->w->mangle_ctx = &seen;
    duo_traffic(d, 5);
    world_hold_all(d->w);
    host_rekey_ike(d->dev, host_ike(d->dev));
    host_rekey_ike(d->gw, host_ike(d->gw));
    world_deliver(d->w, d->dev);
    world_deliver(d->w, d->gw);
    world_deliver(d->w, d->dev);
    world_deliver(d->w, d->gw);
    world_release(d->w);
    assert_true(duo_settles(d, 120000, 1, 1));
    assert_int_equal(duo_missing(d), 0);
    d->w->mangle = NULL;
    kept = winner(&seen);
    info = host_ike_info(d->dev, host_ike(d->dev));
    assert_memory_equal(info.spi_i, seen.spi[kept][0], 8);
    assert_memory_equal(info.spi_r, seen.spi[kept][1], 8);
    assert_int_equal(d->dev->saw[CV_EV_IKE_REKEYED], 1);
    assert_int_equal(d->gw->saw[CV_EV_IKE_REKEYED], 1);
    assert_int_equal(d->dev->saw[CV_EV_IKE_DOWN] + d->gw->saw[CV_EV_IKE_DOWN], 0);
    assert_int_equal(d->dev->saw[CV_EV_CHILD_DOWN] + d->gw->saw[CV_EV_CHILD_DOWN], 0);
}

static void both_rekey_the_ike_sa_and_one_request_is_late(struct duo *d)
{
    duo_traffic(d, 5);
    world_hold_all(d->w);
    host_rekey_ike(d->dev, host_ike(d->dev));
    host_rekey_ike(d->gw, host_ike(d->gw));
    world_deliver(d->w, d->dev);
    world_deliver_nth(d->w, d->gw, 1);
    world_deliver(d->w, d->gw);
    world_release(d->w);
    assert_true(duo_settles(d, 120000, 1, 1));
    assert_int_equal(duo_missing(d), 0);
}

static void both_delete_the_ike_sa(struct duo *d)
{
    world_hold_all(d->w);
    host_delete_ike(d->dev, host_ike(d->dev));
    host_delete_ike(d->gw, host_ike(d->gw));
    world_deliver(d->w, d->dev);
    world_deliver(d->w, d->gw);
    world_release(d->w);
    assert_true(duo_settles(d, 120000, 0, 0));
    assert_int_equal(d->dev->saw[CV_EV_IKE_DOWN], 1);
    assert_int_equal(d->gw->saw[CV_EV_IKE_DOWN], 1);
}

/* "close an IKE SA that it is currently rekeying: reply, and forget its own request" */
static void the_gateway_deletes_the_ike_sa_that_the_device_rekeys(struct duo *d)
{
    world_hold_all(d->w);
    host_rekey_ike(d->dev, host_ike(d->dev));
    host_delete_ike(d->gw, host_ike(d->gw));
    world_deliver(d->w, d->gw);
    world_deliver(d->w, d->dev);
    world_release(d->w);
    assert_true(duo_settles(d, 120000, 0, 0));
}

/* "rekey an IKE SA that it is currently trying to close: TEMPORARY_FAILURE" */
static void a_rekey_of_an_ike_sa_being_deleted_is_refused(struct duo *d)
{
    world_hold_all(d->w);
    host_delete_ike(d->gw, host_ike(d->gw));
    host_rekey_ike(d->dev, host_ike(d->dev));
    world_deliver(d->w, d->dev);
    world_deliver_nth(d->w, d->gw, 1);
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_TEMPORARY_FAILURE);
    world_release(d->w);
    assert_true(duo_settles(d, 120000, 0, 0));
}

/* "create or rekey a Child SA when it is rekeying the IKE SA: TEMPORARY_FAILURE" */
static void a_child_rekey_during_an_ike_rekey_is_put_off(struct duo *d)
{
    duo_traffic(d, 5);
    world_hold_all(d->w);
    host_rekey_ike(d->dev, host_ike(d->dev));
    host_rekey_child(d->gw, host_child(d->gw));
    world_deliver(d->w, d->gw);
    world_deliver(d->w, d->dev);
    world_deliver(d->w, d->dev); /* both are refused */
    world_deliver(d->w, d->gw);
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_TEMPORARY_FAILURE);
    assert_int_equal(host_last(d->gw, CV_EV_PEER_NOTIFY)->notify, N_TEMPORARY_FAILURE);
    world_release(d->w);
    assert_true(duo_settles(d, 120000, 1, 1));
    assert_int_equal(duo_missing(d), 0);
    assert_int_equal(d->gw->saw[CV_EV_CHILD_REKEYED], 1); /* it tried again */
}

/* "delete a Child SA when it is rekeying the IKE SA: reply as usual" */
static void a_child_delete_during_an_ike_rekey_is_done(struct duo *d)
{
    world_hold_all(d->w);
    host_rekey_ike(d->dev, host_ike(d->dev));
    host_delete_child(d->gw, host_child(d->gw));
    world_deliver(d->w, d->gw);
    world_deliver(d->w, d->dev);
    world_release(d->w);
    assert_true(duo_settles(d, 120000, 1, 0));
}

#define LADDER(f)                                                                              \
    static void test_##f(void **state)                                                         \
    {                                                                                          \
        (void)state;                                                                           \
        for_each_seed(f);                                                                      \
    }
LADDER(both_rekey_one_child_crosswise)
LADDER(both_rekey_one_child_and_one_request_is_late)
LADDER(both_delete_one_child)
LADDER(the_gateway_deletes_what_the_device_rekeys)
LADDER(a_rekey_of_what_is_being_deleted_is_put_off)
LADDER(both_rekey_the_ike_sa_crosswise)
LADDER(both_rekey_the_ike_sa_and_one_request_is_late)
LADDER(both_delete_the_ike_sa)
LADDER(the_gateway_deletes_the_ike_sa_that_the_device_rekeys)
LADDER(a_rekey_of_an_ike_sa_being_deleted_is_refused)
LADDER(a_child_rekey_during_an_ike_rekey_is_put_off)
LADDER(a_child_delete_during_an_ike_rekey_is_done)
#undef LADDER

/* ---- every order that chance finds ---- */

enum act { REKEY_CHILD, REKEY_IKE, CREATE_CHILD, DELETE_CHILD, DELETE_IKE, ACTS };

static void act(struct duo *d, struct host *h, enum act what)
{
    struct recipe *r = h == d->dev ? &d->dev_conn : &d->gw_conn;

    if (what == REKEY_CHILD)
        host_rekey_child(h, host_child(h));
    else if (what == REKEY_IKE)
        host_rekey_ike(h, host_ike(h));
    else if (what == CREATE_CHILD)
        host_initiate(h, r, 1, h == d->dev ? d->gw : d->dev);
    else if (what == DELETE_CHILD)
        host_delete_child(h, host_child(h));
    else
        host_delete_ike(h, host_ike(h));
}

/* Delivers whatever is held, oldest first or not, until nothing is held any more.  One
 * delivery in four waits a little, so that packets get between the messages. */
static void deliver_in_any_order(struct duo *d)
{
    struct prng *p = &d->w->prng;

    while (d->w->net.n_held > 0 && !d->w->failed) {
        struct host *h = prng_chance(p, 500) ? d->dev : d->gw;
        unsigned n = world_held(d->w, h);

        if (n > 0)
            world_deliver_nth(d->w, h, prng_below(p, n));
        if (prng_chance(p, 250))
            world_run(d->w, prng_range(p, 1, 12));
    }
}

static void explore(enum act dev, enum act gw, uint64_t seed)
{
    struct duo *d = duo_new(seed);
    bool deletes = dev >= DELETE_CHILD || gw >= DELETE_CHILD, fine;
    unsigned children = 1u + (dev == CREATE_CHILD) + (gw == CREATE_CHILD);

    d->w->trace.ike_only = true;
    duo_add_child(d);
    fine = duo_connect(d);
    duo_traffic(d, 5);
    world_hold_all(d->w);
    act(d, d->dev, dev);
    act(d, d->gw, gw);
    deliver_in_any_order(d);
    world_release(d->w);
    world_run(d->w, 240000);
    if (!deletes)
        fine = fine && duo_has(d, 1, children) && duo_missing(d) == 0;
    else
        fine = fine && duo_has(d, host_ike_count(d->gw), host_child_count(d->gw));
    fine = fine && duo_closes(d);
    if (!fine && !d->w->failed)
        trace_dump(&d->w->trace);
    fine = duo_free(d) && fine;
    if (!fine)
        fail_msg("device act %d, gateway act %d, seed %u", dev, gw, (unsigned)seed);
}

static void any_two_acts_at_once_end_in_agreement(void **state)
{
    const char *more = getenv("CULVERT_SEEDS");
    uint64_t seeds = more == NULL ? EXPLORED : strtoull(more, NULL, 10);

    (void)state;
    for (int dev = 0; dev < ACTS; dev++) {
        for (int gw = 0; gw < ACTS; gw++) {
            for (uint64_t seed = 1; seed <= seeds; seed++)
                explore((enum act)dev, (enum act)gw, seed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_rekey_one_child_crosswise),
        cmocka_unit_test(test_both_rekey_one_child_and_one_request_is_late),
        cmocka_unit_test(test_both_delete_one_child),
        cmocka_unit_test(test_the_gateway_deletes_what_the_device_rekeys),
        cmocka_unit_test(test_a_rekey_of_what_is_being_deleted_is_put_off),
        cmocka_unit_test(test_both_rekey_the_ike_sa_crosswise),
        cmocka_unit_test(test_both_rekey_the_ike_sa_and_one_request_is_late),
        cmocka_unit_test(test_both_delete_the_ike_sa),
        cmocka_unit_test(test_the_gateway_deletes_the_ike_sa_that_the_device_rekeys),
        cmocka_unit_test(test_a_rekey_of_an_ike_sa_being_deleted_is_refused),
        cmocka_unit_test(test_a_child_rekey_during_an_ike_rekey_is_put_off),
        cmocka_unit_test(test_a_child_delete_during_an_ike_rekey_is_done),
        cmocka_unit_test(any_two_acts_at_once_end_in_agreement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
