/* src/ask/ask.c, asked.c, at_once.c: questions that are answered late, in another order, twice,
 * never, or when their SA is gone; and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/ask_fixture.h"

#define SECRETS "secrets { ike-1 { secret = sesame } }\n"
#define DEV_SIDES                                                                              \
    "local { auth = psk\n id = dev.example }\nremote { auth = psk\n id = gw.example }\n"
#define GW_CONF                                                                                \
    "connections { any { unique = never\n proposals = aes128gcm16-prfsha256-x25519\n"          \
    "local { auth = psk\n id = gw.example }\nremote { auth = psk }\nchildren { net { } } } "   \
    "}\n"                                                                                      \
    "pools { fleet { addrs = 10.3.0.0/30 } }\n" SECRETS

enum { ANSWER_MS = 60, N_TEMPORARY_FAILURE = 43, N_DEVICES = 4 };

/* A provider of the gateway that never answers by itself. */
static struct asked *kept[N_DEVICES];
static unsigned n_kept;

static void keep(struct ask *a, struct asked *q, void *ctx)
{
    (void)a;
    (void)ctx;
    asked_hold(q);
    kept[n_kept++] = q;
}

static const struct ask_answer sesame = {
    .u.secret = {(const uint8_t *)"sesame", 6}
};

static bool answer(unsigned i)
{
    bool taken = ask_answer(gw.ask, kept[i]->fx.question, &sesame);

    party_pump(&gw);
    return taken;
}

static void begin(unsigned devices, uint32_t most)
{
    char *text = devices_conf(devices, DEV_SIDES, SECRETS);

    party_start(&gw, GW_CONF, most, ANSWER_MS);
    party_start(&dev, text, 100, 0);
    free(text);
    dev.other = &gw;
    gw.other = &dev;
    ask_provide(gw.ask, CV_NEED_PSK, keep, NULL);
    n_kept = 0;
    connect_devices(devices);
    meet();
}

/* Lets go of the questions, and nothing is left of them. */
static void end(void)
{
    while (n_kept > 0)
        asked_release(kept[--n_kept]);
    assert_int_equal(stats_of(&gw).open, 0);
    assert_int_equal(stats_of(&gw).held, 0);
    party_stop(&dev);
    party_stop(&gw);
}

/* A gateway asks for the secret twice: to check the device's proof, and for its own. */
static void answer_all(unsigned from)
{
    for (unsigned i = from; i < n_kept; i++)
        assert_true(answer(i));
    meet();
}

static void a_question_outlives_what_the_engine_showed(void **state)
{
    const struct asked *q;

    (void)state;
    begin(1, 10);
    assert_int_equal(n_kept, 1);
    q = kept[0];
    cv_tick(gw.engine, clock_now_ms());
    assert_int_equal(q->fx.kind, CV_NEED_PSK);
    assert_int_equal(q->fx.u.psk.remote_id->n, strlen("dev.example"));
    assert_memory_equal(q->fx.u.psk.remote_id->b, "dev.example", strlen("dev.example"));
    assert_memory_equal(q->fx.u.psk.local_id->b, "gw.example", strlen("gw.example"));
    assert_true(ask_uses(gw.ask, &gw.f.conf.conns->cv));
    assert_true(asked_is_open(q));
    answer_all(0);
    assert_false(asked_is_open(q));
    assert_int_equal(gw.up, 1);
    assert_int_equal(dev.up, 1);
    assert_true(ask_uses(gw.ask, &gw.f.conf.conns->cv)); /* held */
    end();
}

/* Octets of each kind, from memory that is gone before they are looked at. */
static void octets_are_copied(void **state)
{
    struct cv_id id = {CV_ID_FQDN, 1, "x"};
    uint8_t octets[3][4] = {"one", "two", "six"};
    struct cv_span certs[2] = {span(octets[0], 4), span(octets[1], 4)};
    struct cv_effect fx = {.kind = CV_NEED_VERIFY, .ike = 7, .question = 77};

    (void)state;
    begin(0, 10);
    ask_provide(gw.ask, CV_NEED_VERIFY, keep, NULL);
    fx.u.verify.remote_id = fx.u.verify.local_id = &id;
    fx.u.verify.octets = span(octets[2], 4);
    fx.u.verify.signature = span(octets[1], 4);
    fx.u.verify.certs = certs;
    fx.u.verify.n_certs = 2;
    ask_file(gw.ask, &fx);
    memset(octets, 0xee, sizeof(octets));
    memset(certs, 0xee, sizeof(certs));
    memset(&id, 0xee, sizeof(id));
    assert_true(ask_serve(gw.ask));
    fx = kept[0]->fx;
    assert_string_equal((const char *)fx.u.verify.octets.p, "six");
    assert_string_equal((const char *)fx.u.verify.signature.p, "two");
    assert_int_equal(fx.u.verify.n_certs, 2);
    assert_string_equal((const char *)fx.u.verify.certs[0].p, "one");
    assert_string_equal((const char *)fx.u.verify.certs[1].p, "two");
    assert_int_equal(fx.u.verify.remote_id->n, 1);
    ask_ended(gw.ask, 7, CV_ERR_DELETED_LOCALLY);
    end();
}

static void answers_come_in_any_order(void **state)
{
    (void)state;
    begin(N_DEVICES / 2, 10);
    assert_int_equal(n_kept, 2);
    assert_true(answer(1));
    assert_true(answer(0));
    meet();
    answer_all(2);
    assert_int_equal(gw.up, 2);
    assert_int_equal(dev.up, 2);
    assert_int_equal(stats_of(&gw).answered, 4);
    end();
}

static void an_answer_counts_once(void **state)
{
    (void)state;
    begin(1, 10);
    assert_true(answer(0));
    assert_false(answer(0));
    answer_all(1);
    assert_int_equal(stats_of(&gw).late, 1);
    assert_int_equal(gw.up, 1);
    assert_int_equal(gw.down, 0);
    end();
}

static void silence_ends_at_the_deadline_by_its_own_name(void **state)
{
    const uint64_t began = clock_now_ms();

    (void)state;
    begin(1, 10);
    assert_true(kept[0]->fx.deadline_ms >= began + ANSWER_MS);
    while (gw.down == 0 && clock_now_ms() < began + 5000) {
        usleep(5000);
        cv_tick(gw.engine, clock_now_ms());
        party_pump(&gw);
    }
    meet();
    assert_int_equal(gw.reason, CV_ERR_NO_ANSWER);
    assert_int_equal(stats_of(&gw).overdue, 1);
    assert_non_null(strstr(gw.note, "a shared secret"));
    assert_int_equal(dev.notify, N_TEMPORARY_FAILURE); /* not that it was not believed */
    assert_false(asked_is_open(kept[0]));
    assert_false(answer(0));
    assert_int_equal(stats_of(&gw).late, 1);
    end();
}

static void a_question_goes_with_its_sa(void **state)
{
    (void)state;
    begin(1, 10);
    assert_int_equal(cv_terminate_ike(gw.engine, kept[0]->fx.ike, true, clock_now_ms()), CV_OK);
    party_pump(&gw);
    assert_int_equal(gw.down, 1);
    assert_false(asked_is_open(kept[0]));
    assert_int_equal(stats_of(&gw).gone, 1);
    assert_int_equal(stats_of(&gw).held, 1); /* its provider may still look at it */
    assert_int_equal(kept[0]->fx.u.psk.remote_id->n, strlen("dev.example"));
    assert_false(answer(0));
    end();
}

/* Those that a provider still reads count, too, or a slow one would eat all memory. */
static void what_finds_no_room_is_refused_and_counted(void **state)
{
    (void)state;
    begin(N_DEVICES, 2);
    assert_int_equal(n_kept, 2);
    assert_int_equal(stats_of(&gw).refused, 2);
    assert_int_equal(gw.down, 2);
    assert_int_equal(gw.reason, CV_ERR_FULL);
    assert_int_equal(dev.notify, N_TEMPORARY_FAILURE);
    assert_non_null(strstr(gw.note, "refused"));
    ask_ended(gw.ask, kept[0]->fx.ike, CV_ERR_DELETED_LOCALLY);
    asked_release(kept[0]);
    kept[0] = kept[1];
    n_kept = 1;
    answer_all(0);
    assert_int_equal(gw.up, 1);
    assert_int_equal(stats_of(&gw).refused, 2);
    end();
}

static void without_a_provider_the_answer_says_so(void **state)
{
    (void)state;
    begin(0, 10);
    ask_provide(gw.ask, CV_NEED_PSK, NULL, NULL);
    ask_file(gw.ask, &(struct cv_effect){.kind = CV_NEED_PSK, .ike = 1, .question = 1});
    assert_true(ask_serve(gw.ask));
    assert_false(ask_serve(gw.ask));
    assert_int_equal(stats_of(&gw).open, 0);
    end();
}

/* The only address of a pool is offered to an SA that has ended, and then to another. */
static void a_lease_that_nobody_takes_goes_back(void **state)
{
    char *pool = "fleet";
    struct conn c = {.pools = &pool, .n_pools = 1};
    struct cv_id who = {CV_ID_FQDN, 1, "x"};
    struct cv_effect fx = {.kind = CV_NEED_ADDRESS, .conn = &c.cv};

    (void)state;
    begin(0, 10);
    c.cv.host = &c;
    fx.u.address.remote_id = &who;
    fx.u.address.want_v4.family = CV_IPV4;
    for (uint32_t i = 1; i <= 20; i++) {
        const struct pool_wish other = {
            .who = &who, .ike = 99, .v4 = &fx.u.address.want_v4, .v6 = &fx.u.address.want_v6};
        struct cv_lease lease;

        fx.ike = fx.question = i;
        who.b[0] = (uint8_t)('a' + i);
        ask_file(gw.ask, &fx);
        assert_true(ask_serve(gw.ask));
        assert_int_equal(pools_lease(gw.f.pools, (const char *const *)&pool, 1, &other, &lease),
                         CV_OK);
        pools_release(gw.f.pools, 99);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_outlives_what_the_engine_showed),
        cmocka_unit_test(octets_are_copied),
        cmocka_unit_test(answers_come_in_any_order),
        cmocka_unit_test(an_answer_counts_once),
        cmocka_unit_test(silence_ends_at_the_deadline_by_its_own_name),
        cmocka_unit_test(a_question_goes_with_its_sa),
        cmocka_unit_test(what_finds_no_room_is_refused_and_counted),
        cmocka_unit_test(without_a_provider_the_answer_says_so),
        cmocka_unit_test(a_lease_that_nobody_takes_goes_back),
    };

    return cmocka_run_group_tests(tests, fixture_make, fixture_drop);
}
