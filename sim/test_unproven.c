/* What an address gets that is only claimed: never much more than what came from there,
 * whatever the first message is and however often it comes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ike.h"

enum { MESSAGE = 2000, SEVERAL_CAS = 30 * 20, VERSION_AT = 17, NEXT_AT = 16, LENGTH_AT = 26 };

struct victim {
    struct duo *d;
    struct cv_endpoint at, gw;
    uint8_t init[MESSAGE]; /* an honest first message */
    size_t n;
    uint64_t in, out,
        answers; /* octets to the gateway in the victim's name, and to the victim */
};

static enum net_fate keep(void *ctx, struct datagram *d)
{
    struct victim *v = ctx;

    if (v->n == 0) {
        assert_true(d->n <= MESSAGE);
        memcpy(v->init, d->data, d->n);
        v->n = d->n;
    }
    return NET_LOSE;
}

static void receive(void *ctx, const struct datagram *d)
{
    struct victim *v = ctx;

    v->out += d->n;
    v->answers++;
}

static struct victim *begin(uint64_t seed)
{
    static const uint8_t cas[SEVERAL_CAS];
    struct victim *v = sim_alloc(sizeof(*v));

    v->d = duo_new(seed);
    v->d->gw_conn.conn.certreq = (struct cv_span){cas, sizeof(cas)};
    v->d->gw_conn.conn.send_certreq = true;
    duo_start(v->d);
    v->d->w->quick = true;
    v->d->w->tap = keep;
    v->d->w->tap_ctx = v;
    (void)host_initiate(v->d->dev, &v->d->dev_conn, 0, v->d->gw);
    world_run(v->d->w, 1);
    v->d->w->tap = NULL;
    host_stop(v->d->dev);
    assert_true(v->n > 0);
    v->at = (struct cv_endpoint){recipe_v4(203, 0, 113, 9), 500};
    v->gw = (struct cv_endpoint){v->d->gw->v4, 500};
    (void)net_attach(&v->d->w->net, "victim", &v->at.addr, NULL, receive, v);
    return v;
}

static void end(struct victim *v)
{
    v->d->dev->n_recipes = 0;
    assert_true(duo_free(v->d));
    free(v);
}

static void spoof(struct victim *v, const uint8_t *octets, size_t n)
{
    net_inject(&v->d->w->net, &v->at, &v->gw, CV_UDP_500, (struct cv_span){octets, n});
    v->in += n;
    world_run(v->d->w, 5);
}

/* ---- kinds of first messages ------------------------------------------------------------ */

typedef size_t kind_fn(const struct victim *v, uint8_t *m);

static struct ike_msg read_message(uint8_t *m, size_t n)
{
    struct ike_msg msg;

    assert_int_equal(ike_parse_payloads(&msg, m[NEXT_AT],
                                        (struct cv_span){m + IKE_HDR_LEN, n - IKE_HDR_LEN},
                                        IKE_HDR_LEN),
                     CV_OK);
    return msg;
}

static size_t honest(const struct victim *v, uint8_t *m)
{
    (void)m;
    return v->n;
}

static size_t of_version_3(const struct victim *v, uint8_t *m)
{
    m[VERSION_AT] = 0x30;
    return v->n;
}

static size_t header_of_version_3(const struct victim *v, uint8_t *m)
{
    (void)v;
    m[VERSION_AT] = 0x30;
    m[LENGTH_AT] = 0;
    m[LENGTH_AT + 1] = IKE_HDR_LEN;
    return IKE_HDR_LEN;
}

static size_t critical(const struct victim *v, uint8_t *m)
{
    const uint8_t unknown[] = {0, 0x80, 0, 4};

    (void)v;
    m[NEXT_AT] = 200;
    memcpy(m + IKE_HDR_LEN, unknown, sizeof(unknown));
    m[LENGTH_AT] = 0;
    m[LENGTH_AT + 1] = IKE_HDR_LEN + sizeof(unknown);
    return IKE_HDR_LEN + sizeof(unknown);
}

static size_t wrong_group(const struct victim *v, uint8_t *m)
{
    const struct ike_msg msg = read_message(m, v->n);

    m[msg.ke_data.p - m - 4] = 0;
    m[msg.ke_data.p - m - 3] = CV_KE_MODP_2048;
    return v->n;
}

static size_t no_proposal(const struct victim *v, uint8_t *m)
{
    const struct ike_msg msg = read_message(m, v->n);

    m[msg.sa.p - m + 14] = 0xff; /* the first transform's number */
    return v->n;
}

static size_t cut_off(const struct victim *v, uint8_t *m)
{
    (void)m;
    return v->n / 2;
}

static const struct {
    const char *what;
    kind_fn *make;
    bool answered;
} kinds[] = {
    {"honest",              honest,              true },
    {"of version 3",        of_version_3,        true },
    {"header of version 3", header_of_version_3, true },
    {"critical payload",    critical,            true },
    {"wrong group",         wrong_group,         true },
    {"no proposal",         no_proposal,         true },
    {"cut off",             cut_off,             false},
};

/* times messages of a kind, each with an SPI of its own unless they are to be the same. */
static void pour(struct victim *v, unsigned kind, unsigned times, bool same)
{
    uint8_t m[MESSAGE];

    v->in = v->out = v->answers = 0;
    for (unsigned i = 0; i < times; i++) {
        size_t n;

        memcpy(m, v->init, v->n);
        m[0] = 0xaa;
        if (!same)
            prng_fill(&v->d->w->prng, m + 1, 7);
        n = kinds[kind].make(v, m);
        spoof(v, m, n);
    }
    world_run(v->d->w, 200);
    print_message("%-20s %s: %6u octets in, %6u out in %u answers\n", kinds[kind].what,
                  same ? "the same" : "another ", (unsigned)v->in, (unsigned)v->out,
                  (unsigned)v->answers);
    if (kinds[kind].answered)
        assert_true(v->answers > 0);
    assert_true(v->out <= v->in + v->in / 3);
}

static void nobody_gets_much_more_than_was_sent_in_his_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (unsigned same = 0; same < 2; same++) {
            struct victim *v = begin(10 * i + same + 1);

            pour(v, i, 300, same != 0);
            end(v);
        }
    }
}

/* ---- by name ------------------------------------------------------------------------------
 */

static void what_asks_for_much_is_asked_for_a_cookie_first(void **state)
{
    struct victim *v = begin(100);

    (void)state;
    pour(v, 0, 1, false);
    assert_int_equal(v->answers, 1);
    assert_int_equal(host_errors(v->d->gw, CV_ERR_IKE_COOKIE), 1);
    assert_int_equal(host_ike_count(v->d->gw), 0);
    host_start(v->d->dev); /* who returns it gets everything */
    (void)host_initiate(v->d->dev, &v->d->dev_conn, 0, v->d->gw);
    world_run(v->d->w, 3000);
    assert_int_equal(host_ike_info(v->d->dev, host_ike(v->d->dev)).state, CV_IKE_ESTABLISHED);
    end(v);
}

static void a_message_that_comes_again_is_answered_so_often_and_no_more(void **state)
{
    struct victim *v = begin(101);

    (void)state;
    v->d->gw_conn.conn.certreq.n = 0;
    pour(v, 0, 100, true);
    assert_int_equal(v->answers, 8);
    assert_int_equal(host_errors(v->d->gw, CV_ERR_RATE), 92);
    end(v);
}

static void answers_that_need_no_proof_are_rationed(void **state)
{
    struct victim *v = begin(102);

    (void)state;
    pour(v, 1, 400, false); /* within two seconds: 20 at once, and ten a second */
    assert_in_range(v->answers, 38, 41);
    assert_int_equal(host_errors(v->d->gw, CV_ERR_RATE), 400 - v->answers);
    pour(v, 3, 100, false); /* of the same ration */
    assert_in_range(v->answers, 5, 8);
    world_run(v->d->w, 60000);
    pour(v, 1, 10, false);
    assert_int_equal(v->answers, 10);
    end(v);
}

/* ---- again, with cookies ---------------------------------------------------------------- */

struct lost {
    uint8_t init[MESSAGE]; /* the first message of all */
    size_t n;
    unsigned answers; /* to it that do not arrive */
};

static enum net_fate lose_answers(void *ctx, struct datagram *d)
{
    struct lost *l = ctx;

    if (d->carrier != CV_UDP_500 || d->n < IKE_HDR_LEN || d->data[18] != EX_SA_INIT)
        return NET_PASS;
    if (!(d->data[19] & IKE_F_RESPONSE) && l->n == 0) {
        assert_true(d->n <= MESSAGE);
        memcpy(l->init, d->data, d->n);
        l->n = d->n;
    }
    if (!(d->data[19] & IKE_F_RESPONSE) || d->data[NEXT_AT] == PL_NOTIFY || l->answers == 0)
        return NET_PASS;
    l->answers--;
    return NET_LOSE;
}

/* First messages of as many others. */
static void crowd_in(struct duo *d, struct lost *l, unsigned n)
{
    const struct cv_endpoint gw = {d->gw->v4, 500};

    for (unsigned i = 1; i <= n; i++) {
        const struct cv_endpoint at = {recipe_v4(203, 0, 113, (uint8_t)i), 500};
        uint8_t m[MESSAGE];

        memcpy(m, l->init, l->n);
        m[0] ^= (uint8_t)i;
        net_inject(&d->w->net, &at, &gw, CV_UDP_500, (struct cv_span){m, l->n});
    }
}

/*   device                             gateway
 *     | IKE_SA_INIT --------------------> |  half-open
 *     |          (lost) <---- IKE_SA_INIT |  then a crowd: cookies
 *     | IKE_SA_INIT again --------------> |
 *     | <---------------------- N(COOKIE) |  and not the answer again
 *     | IKE_SA_INIT, N(COOKIE) ---------> |  the same SPI: it begins anew
 *     | <-------------------- IKE_SA_INIT |  (RFC 7296 sections 2.6, 2.15) */
static void who_was_answered_before_cookies_were_asked_for_brings_one(void **state)
{
    struct duo *d = duo_new(7);
    struct lost lost = {.answers = 1};

    (void)state;
    d->gw->settings.cookie_threshold = 3;
    duo_start(d);
    d->w->tap = lose_answers;
    d->w->tap_ctx = &lost;
    (void)host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 500);
    assert_int_equal(lost.answers, 0);
    crowd_in(d, &lost, 10);
    world_run(d->w, 100);
    assert_int_equal(d->gw->saw[CV_EV_COOKIES], 1);
    world_run(d->w, 5000);
    assert_int_equal(host_ike_info(d->dev, host_ike(d->dev)).state, CV_IKE_ESTABLISHED);
    assert_int_equal(host_errors(d->gw, CV_ERR_IKE_COOKIE), 10 - 2 + 1);
    assert_true(world_ping(d->w, d->flow));
    d->w->tap = NULL;
    world_run(d->w, 60000);
    assert_true(duo_free(d));
}

/* The same again is no way around the cookie, and another message under the same SPI takes
 * nothing over without one. */
static void who_brings_no_cookie_gets_no_answer_again(void **state)
{
    struct duo *d = duo_new(8);
    struct lost lost = {.answers = 1};
    const struct cv_endpoint gw = {d->gw->v4, 500}, dev = {d->dev->v4, 500};
    struct cv_stats before, after;
    uint8_t m[MESSAGE];

    (void)state;
    d->gw->settings.cookie_threshold = 3;
    duo_start(d);
    d->w->tap = lose_answers;
    d->w->tap_ctx = &lost;
    (void)host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 100);
    host_stop(d->dev);
    memcpy(m, lost.init, lost.n);
    m[lost.n - 1] ^= 1;
    net_inject(&d->w->net, &dev, &gw, CV_UDP_500, (struct cv_span){m, lost.n});
    world_run(d->w, 100);
    assert_int_equal(host_errors(d->gw, CV_ERR_IKE_RETRANSMIT), 1);
    crowd_in(d, &lost, 10);
    world_run(d->w, 100);
    cv_get_stats(d->gw->engine, &before);
    for (unsigned i = 0; i < 20; i++) {
        net_inject(&d->w->net, &dev, &gw, CV_UDP_500, (struct cv_span){lost.init, lost.n});
        world_run(d->w, 1);
    }
    cv_get_stats(d->gw->engine, &after);
    assert_int_equal(after.errors[CV_ERR_IKE_COOKIE] - before.errors[CV_ERR_IKE_COOKIE], 20);
    assert_int_equal(after.half_open, before.half_open);
    d->dev->n_recipes = 0;
    assert_true(duo_free(d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_gets_much_more_than_was_sent_in_his_name),
        cmocka_unit_test(what_asks_for_much_is_asked_for_a_cookie_first),
        cmocka_unit_test(a_message_that_comes_again_is_answered_so_often_and_no_more),
        cmocka_unit_test(who_was_answered_before_cookies_were_asked_for_brings_one),
        cmocka_unit_test(who_brings_no_cookie_gets_no_answer_again),
        cmocka_unit_test(answers_that_need_no_proof_are_rationed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
