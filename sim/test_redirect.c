/* A gateway that sends its devices to another one: with the first answer, and later; RFC 5685.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "sim/lies.h"

enum { SECOND = 1000 };

static struct cv_id where(const struct host *h)
{
    struct cv_id id = {.type = CV_ID_IPV4, .n = 4};

    memcpy(id.b, h->v4.b, 4);
    return id;
}

/* Another gateway that serves the same devices. */
static struct host *second_gateway(struct duo *d)
{
    struct host *gw = world_add(d->w, "second");

    gw->inner[0] = d->gw->inner[0];
    gw->inner[1] = d->gw->inner[1];
    world_set_links(d->w, (struct net_link){.delay_ms = 10});
    host_add(gw, &d->gw_conn);
    return gw;
}

/* What the device's host does about it; the new IKE SA's number, or 0 and why not. */
static uint32_t follow(struct duo *d, uint32_t ike, const struct cv_addr *to, enum cv_err *err)
{
    const struct cv_endpoint local = {d->dev->v4, 500}, remote = {*to, 500};
    uint32_t next = 0;

    d->w->active = d->dev;
    *err = cv_follow(d->dev->engine, ike, &local, &remote, world_now(d->w), &next);
    host_drain(d->dev);
    return next;
}

static void send_to(struct duo *d, struct host *from, const struct host *to)
{
    const struct cv_id gateway = where(to);

    d->w->active = from;
    assert_int_equal(cv_redirect(from->engine, host_ike(from), &gateway, world_now(d->w)),
                     CV_OK);
    host_drain(from);
    world_run(d->w, 100);
}

static void a_device_goes_where_its_gateway_sends_it(void **state)
{
    struct duo *d = *state;
    struct host *second = second_gateway(d);
    enum cv_err err;

    host_start(second);
    assert_true(duo_connect(d));
    send_to(d, d->gw, second);
    assert_int_equal(d->dev->saw[CV_EV_REDIRECT], 1);
    assert_memory_equal(d->dev->gateway.b, second->v4.b, 4);
    assert_int_not_equal(follow(d, d->ike, &second->v4, &err), 0);
    world_run(d->w, 5 * SECOND);
    assert_int_equal(host_ike_count(d->gw), 0);
    assert_int_equal(host_child_count(second), 1);
    assert_int_equal(host_ike_count(d->dev), 1);
    assert_int_equal(host_child_count(d->dev), 1);
}

/* Nothing of the device stays at a gateway that sends it on with its first answer. */
static void the_first_answer_may_send_on(void **state)
{
    struct duo *d = *state;
    struct host *second = second_gateway(d);
    const struct cv_id gateway = where(second);
    struct recipe busy = d->gw_conn;
    enum cv_err err;

    busy.conn.redirect = &gateway;
    d->gw->recipes[0] = &busy;
    duo_start(d);
    host_start(second);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 100);
    assert_int_equal(d->dev->saw[CV_EV_REDIRECT], 1);
    assert_int_equal(host_ike_count(d->gw), 0);
    assert_int_not_equal(follow(d, d->ike, &second->v4, &err), 0);
    world_run(d->w, 5 * SECOND);
    assert_int_equal(host_child_count(second), 1);
    assert_int_equal(host_child_count(d->dev), 1);
    assert_int_equal(d->dev->saw[CV_EV_CHILD_FAILED], 0);
    host_stop(d->gw); /* before its connection goes */
}

static void who_does_not_follow_in_time_has_no_tunnel(void **state)
{
    struct duo *d = *state;
    struct host *second = second_gateway(d);
    const struct cv_id gateway = where(second);

    d->gw_conn.conn.redirect = &gateway;
    duo_start(d);
    (void)host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 5 * SECOND);
    assert_int_equal(d->dev->saw[CV_EV_REDIRECT], 1);
    assert_int_equal(host_last(d->dev, CV_EV_IKE_DOWN)->err, CV_ERR_REDIRECTED);
    assert_int_equal(host_ike_count(d->dev), 0);
    host_stop(d->gw);
}

static void who_ignores_redirects_is_not_sent_away(void **state)
{
    struct duo *d = *state;
    struct host *second = second_gateway(d);
    const struct cv_id gateway = where(second);

    d->dev->settings.ignore_redirects = true;
    d->gw_conn.conn.redirect = &gateway;
    assert_true(duo_connect(d));
    assert_int_equal(cv_redirect(d->gw->engine, host_ike(d->gw), &gateway, world_now(d->w)),
                     CV_ERR_UNSUPPORTED);
    assert_int_equal(d->dev->saw[CV_EV_REDIRECT], 0);
    host_stop(d->gw);
}

static void two_gateways_play_with_a_device_five_times_at_most(void **state)
{
    struct duo *d = *state;
    struct host *second = second_gateway(d);
    struct host *const gateways[] = {d->gw, second};
    enum cv_err err = CV_OK;
    unsigned n = 0;

    host_start(second);
    assert_true(duo_connect(d));
    for (; n < 10; n++) {
        struct host *from = gateways[n % 2], *to = gateways[(n + 1) % 2];

        send_to(d, from, to);
        if (follow(d, host_ike(d->dev), &to->v4, &err) == 0)
            break;
        world_run(d->w, 5 * SECOND);
        assert_int_equal(host_child_count(to), 1);
    }
    assert_int_equal(n, 5);
    assert_int_equal(err, CV_ERR_RATE);
}

static void nowhere_and_where_it_is_already_are_refused(void **state)
{
    const struct cv_addr group = recipe_v4(224, 0, 0, 1), none = recipe_v4(0, 0, 0, 0);
    struct duo *d = *state;
    enum cv_err err;

    assert_true(duo_connect(d));
    assert_int_equal(follow(d, d->ike, &d->gw->v4, &err), 0);
    assert_int_equal(err, CV_ERR_PATH);
    (void)follow(d, d->ike, &group, &err);
    assert_int_equal(err, CV_ERR_PATH);
    (void)follow(d, d->ike, &none, &err);
    assert_int_equal(err, CV_ERR_PATH);
    (void)follow(d, d->ike, &d->dev->v4, &err);
    assert_int_equal(err, CV_ERR_PATH);
    assert_true(duo_settles(d, SECOND, 1, 1));
}

static void who_stays_is_made_to_go(void **state)
{
    struct duo *d = *state;
    struct host *second = second_gateway(d);

    assert_true(duo_connect(d));
    send_to(d, d->gw, second);
    world_run(d->w, 90 * SECOND);
    assert_int_equal(host_ike_count(d->gw), 0);
    assert_int_equal(host_last(d->gw, CV_EV_IKE_DOWN)->err, CV_ERR_REDIRECTED);
}

/* ---- lies ---- */

static const uint8_t gateway[] = {1, 4, 203, 0, 113, 66};

static void say(struct liar *l, struct cv_span nonce)
{
    uint8_t data[64];
    struct wr w = wr_init(data, sizeof(data));
    struct liar_say s;

    wr_copy(&w, gateway, sizeof(gateway));
    wr_span(&w, nonce);
    memcpy(l->spi_i, l->asked.hdr.spi_i, IKE_SPI_LEN);
    say_answer(l, &s);
    put_notify(&s, N_REDIRECT, wr_done(&w));
    (void)say_end(&s);
    if (l->victim->saw[CV_EV_REDIRECT] != 0)
        world_fail(l->w, "it is believed");
}

static void another_nonce(struct liar *l)
{
    static const uint8_t guess[32] = {1};

    say(l, span(guess, sizeof(guess)));
}

static void no_nonce(struct liar *l)
{
    say(l, span(NULL, 0));
}

static void half_the_nonce(struct liar *l)
{
    say(l, span(l->asked.msg.nonce.p, l->asked.msg.nonce.n / 2));
}

static const struct lie firsts[] = {
    {"another nonce",  another_nonce,  SILENCE, CV_ERR_UNEXPECTED, AS_BEFORE},
    {"no nonce",       no_nonce,       SILENCE, CV_ERR_UNEXPECTED, AS_BEFORE},
    {"half the nonce", half_the_nonce, SILENCE, CV_ERR_UNEXPECTED, AS_BEFORE},
};

static void nobody_is_sent_away_by_who_has_not_seen_its_question(void **state)
{
    const struct lies t = {.lie = firsts, .n = sizeof(firsts) / sizeof(firsts[0])};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

static void a_client_redirects(struct liar *l)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    put_notify(&s, N_REDIRECT, span(gateway, sizeof(gateway)));
    (void)say_end(&s);
    if (l->victim->saw[CV_EV_REDIRECT] != 0)
        world_fail(l->w, "it is believed");
}

static const struct lie clients[] = {
    {"its client sends it away", a_client_redirects, NO_ERROR, CV_OK, AS_BEFORE},
};

static void a_gateway_is_not_sent_away_by_its_clients(void **state)
{
    const struct lies t = {.initiator = true, .steps = 2, .lie = clients, .n = 1};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(a_device_goes_where_its_gateway_sends_it),
        DUO(the_first_answer_may_send_on),
        DUO(who_does_not_follow_in_time_has_no_tunnel),
        DUO(who_ignores_redirects_is_not_sent_away),
        DUO(two_gateways_play_with_a_device_five_times_at_most),
        DUO(nowhere_and_where_it_is_already_are_refused),
        DUO(who_stays_is_made_to_go),
        cmocka_unit_test(nobody_is_sent_away_by_who_has_not_seen_its_question),
        cmocka_unit_test(a_gateway_is_not_sent_away_by_its_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
