/* Questions to the host and its answers: in time, amiss, twice, in another order, too late,
 * never, or for an SA that is gone; both roles, every kind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/crowd.h"
#include "sim/duo.h"

enum { PATIENCE_MS = 30000 }; /* the engine's default */

/* One kind of question at one side. */
struct spot {
    uint8_t kind;
    bool at_gateway;
    bool certs; /* signatures instead of the shared secret */
};

static const struct spot spots[] = {
    {CV_NEED_PSK,       false, false},
    {CV_NEED_PSK,       true,  false},
    {CV_NEED_SIGNATURE, false, true },
    {CV_NEED_SIGNATURE, true,  true },
    {CV_NEED_VERIFY,    false, true },
    {CV_NEED_VERIFY,    true,  true },
    {CV_NEED_ADDRESS,   true,  false},
    {CV_NEED_ADMISSION, true,  false},
    {CV_NEED_ADMISSION, true,  true },
};

enum { SPOTS = sizeof(spots) / sizeof(spots[0]) };

static struct host *asked(struct duo *d, const struct spot *s)
{
    return s->at_gateway ? d->gw : d->dev;
}

/* Two hosts of which one answers that kind of question in that manner; the device asks for an
 * address where this is about one. */
static struct duo *stage(const struct spot *s, enum host_manner manner, uint64_t seed)
{
    struct duo *d = duo_new(seed);

    if (s->certs)
        duo_use_certs(d, 1, 300);
    if (s->kind == CV_NEED_ADDRESS)
        duo_use_virtual_ip(d);
    if (s->kind == CV_NEED_ADMISSION) {
        d->gw_conn.conn.admission = true;
        if (s->certs)
            duo_use_virtual_ip(d);
    }
    asked(d, s)->manner[s->kind] = (uint8_t)manner;
    return d;
}

/* The same two hosts connect as if nothing had been. */
static void connects_now(struct duo *d, const struct spot *s)
{
    asked(d, s)->manner[s->kind] = ANSWERS_WELL;
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_true(duo_closes(d));
}

static void an_answer_may_come_in_any_manner_that_is_in_time(void **state)
{
    static const enum host_manner manners[] = {ANSWERS_WELL, ANSWERS_AMISS, ANSWERS_TWICE,
                                               ANSWERS_REVERSED};

    (void)state;
    for (unsigned i = 0; i < SPOTS; i++) {
        for (unsigned m = 0; m < sizeof(manners) / sizeof(manners[0]); m++) {
            struct duo *d = stage(&spots[i], manners[m], i + 1);

            asked(d, &spots[i])->answer_ms = m * 300;
            assert_true(duo_connect(d));
            assert_int_equal(d->dev->saw[CV_EV_IKE_UP] + d->gw->saw[CV_EV_IKE_UP], 2);
            assert_int_equal(
                asked(d, &spots[i])->late_answers,
                0 + (manners[m] == ANSWERS_TWICE ? 1 + (spots[i].kind == CV_NEED_PSK) : 0));
            assert_true(duo_closes(d));
            assert_true(duo_free(d));
        }
    }
}

/* Not the peer's silence, not its credentials: this host did not answer. */
static void a_question_without_an_answer_ends_the_attempt(void **state)
{
    static const enum host_manner manners[] = {ANSWERS_LATE, ANSWERS_AFTER_END, ANSWERS_NEVER};

    (void)state;
    for (unsigned i = 0; i < SPOTS; i++) {
        for (unsigned m = 0; m < sizeof(manners) / sizeof(manners[0]); m++) {
            struct duo *d = stage(&spots[i], manners[m], i + 1);
            struct host *h = asked(d, &spots[i]), *other = h == d->gw ? d->dev : d->gw;

            duo_start(d);
            host_initiate(d->dev, &d->dev_conn, 0, d->gw);
            world_run(d->w, PATIENCE_MS - 100);
            assert_int_equal(h->saw[CV_EV_IKE_DOWN], 0);
            world_run(d->w, 400);
            assert_int_equal(h->saw[CV_EV_IKE_DOWN], 1);
            assert_int_equal(host_last(h, CV_EV_IKE_DOWN)->err, CV_ERR_NO_ANSWER);
            assert_int_equal(host_last(h, CV_EV_AUTH_FAILED)->err, CV_ERR_NO_ANSWER);
            assert_int_equal(host_errors(h, CV_ERR_NO_ANSWER), 1);
            assert_int_equal(other->saw[CV_EV_AUTH_FAILED], 0);
            if (h == d->gw)
                assert_int_equal(host_last(d->dev, CV_EV_IKE_DOWN)->err, CV_ERR_TEMPORARY);
            assert_true(duo_settles(d, 300000, 0, 0));
            assert_int_equal(h->late_answers, manners[m] == ANSWERS_NEVER ? 0 : 1);
            assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
            assert_int_equal(d->gw->n_leases, 0);
            connects_now(d, &spots[i]);
            assert_true(duo_free(d));
        }
    }
}

/* Six devices connect at once, and the gateway's host answers the newest question first. */
static void answers_for_many_may_come_in_reverse(void **state)
{
    enum { DEVICES = 6 };
    struct crowd *c = crowd_new(1, DEVICES);

    (void)state;
    for (unsigned kind = CV_NEED_PSK; kind <= CV_NEED_ADDRESS; kind++)
        c->gw->manner[kind] = ANSWERS_REVERSED;
    crowd_start(c);
    for (unsigned i = 0; i < DEVICES; i++)
        crowd_connect(c, i);
    world_run(c->w, 60000);
    assert_int_equal(crowd_up(c), DEVICES);
    assert_int_equal(c->gw->late_answers, 0);
    for (unsigned i = 0; i < DEVICES; i++)
        assert_true(crowd_ping(c, i));
    assert_true(crowd_free(c));
}

/* The first datagram from a port, kept from the network. */
struct caught {
    uint32_t port;
    struct cv_packet pkt;
    uint8_t buf[CV_HEADROOM + 1500];
};

static enum net_fate catch_first(void *ctx, struct datagram *d)
{
    struct caught *c = ctx;

    if (d->from != c->port || c->pkt.len != 0)
        return NET_PASS;
    assert_in_range(d->n, 1, 1500);
    c->pkt = (struct cv_packet){.buf = c->buf,
                                .cap = sizeof(c->buf),
                                .off = CV_HEADROOM,
                                .len = d->n,
                                .local = d->dst,
                                .remote = d->src,
                                .carrier = d->carrier};
    memcpy(c->buf + CV_HEADROOM, d->data, d->n);
    return NET_LOSE;
}

/* The SA ends before its host has come to the question. */
static void a_question_that_nobody_waits_for_is_not_put(void **state)
{
    struct duo *d = *state;
    struct caught c = {.port = d->gw->port};
    bool told = false;
    struct cv_effect fx;
    uint32_t ike;

    d->w->tap = catch_first;
    d->w->tap_ctx = &c;
    duo_start(d);
    ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 100);
    cv_input(d->dev->engine, &c.pkt, 1, world_now(d->w));
    assert_int_equal(c.pkt.err, CV_OK);
    assert_int_equal(cv_terminate_ike(d->dev->engine, ike, false, world_now(d->w)), CV_OK);
    while (cv_next_effect(d->dev->engine, &fx)) {
        assert_int_equal(fx.question, 0);
        told = told || (fx.kind == CV_EVENT && fx.u.event.kind == CV_EV_IKE_DOWN);
    }
    assert_true(told);
    d->w->tap = NULL;
    assert_true(duo_settles(d, 100000, 0, 0));
}

/* What comes of an answer must not be lost: the host drains what there is, and answers again.
 */
static void an_answer_waits_for_room_in_the_queue(void **state)
{
    struct duo *d = *state;
    struct cv_span secret = {(const uint8_t *)d->dev->psk, strlen(d->dev->psk)};
    struct cv_endpoint to = {recipe_v4(203, 0, 113, 1), 500}, from = {d->dev->v4, 500};
    uint64_t now;

    d->dev->settings.limits.effects = 16;
    d->dev->manner[CV_NEED_PSK] = ANSWERS_NEVER;
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 1000);
    d->dev->manner[CV_NEED_PSK] = ANSWERS_WELL;
    now = world_now(d->w);
    for (; to.addr.b[3] <= 12; to.addr.b[3]++) /* one message each, and nobody there */
        assert_int_equal(
            cv_initiate(d->dev->engine, &d->dev_conn.conn, NULL, &from, &to, now, NULL), CV_OK);
    assert_int_equal(cv_answer_psk(d->dev->engine, d->dev->question, CV_OK, secret, now),
                     CV_ERR_BUSY);
    host_drain(d->dev);
    assert_int_equal(cv_answer_psk(d->dev->engine, d->dev->question, CV_OK, secret, now),
                     CV_OK);
    assert_int_equal(cv_answer_psk(d->dev->engine, d->dev->question, CV_OK, secret, now),
                     CV_ERR_NOT_FOUND);
    host_drain(d->dev);
    assert_true(duo_settles(d, 200000, 1, 1));
    assert_true(duo_closes(d));
}

/* The operator ends the SA while its question waits; the answer comes afterwards. */
static void an_answer_for_an_sa_that_was_terminated_changes_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * SPOTS; i++) {
        const struct spot *s = &spots[i / 2];
        struct duo *d = stage(s, ANSWERS_AFTER_END, i + 1);
        struct host *h = asked(d, s);
        bool force = i % 2;

        duo_start(d);
        host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        world_run(d->w, 1000);
        assert_int_not_equal(host_ike(h), 0);
        if (force)
            host_drop_ike(h, host_ike(h));
        else
            host_delete_ike(h, host_ike(h));
        assert_true(duo_settles(d, 300000, 0, 0));
        assert_int_equal(h->late_answers, 1);
        assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
        assert_int_equal(d->gw->n_leases, 0);
        connects_now(d, s);
        assert_true(duo_free(d));
    }
}

/* ---- who is let in ---- */

/* A device whose proof is right, and who is not to come in: it replaces nothing, gets no
 * address and hears only that it is not believed. */
static void who_is_not_admitted_replaces_nobody(void **state)
{
    static const struct {
        enum cv_err verdict, heard;
    } cases[] = {
        {CV_ERR_NOT_ADMITTED, CV_ERR_AUTH_REFUSED},
        {CV_ERR_REGISTRY,     CV_ERR_TEMPORARY   },
    };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct duo *d = duo_new(i + 1);
        uint32_t first;

        duo_use_virtual_ip(d);
        d->gw_conn.conn.admission = true;
        d->gw_conn.conn.unique = d->dev_conn.conn.unique = CV_UNIQUE_REPLACE;
        assert_true(duo_connect(d));
        first = host_ike(d->gw);
        d->gw->admission = cases[i].verdict;
        host_reauth(d->dev, d->ike);
        world_run(d->w, 5000);
        assert_int_equal(host_last(d->gw, CV_EV_AUTH_FAILED)->err, cases[i].verdict);
        assert_int_equal(host_errors(d->gw, cases[i].verdict), 1);
        assert_int_equal(host_last(d->dev, CV_EV_IKE_DOWN)->err, cases[i].heard);
        assert_int_equal(host_ike(d->gw), first);
        assert_int_equal(d->gw->n_leases, 1);
        assert_true(world_ping(d->w, d->flow));
        d->gw->admission = CV_OK;
        assert_true(duo_settles(d, 300000, 1, 1));
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

/* Without the proof nobody asks whether it may come in. */
static void a_wrong_proof_is_no_question_of_admission(void **state)
{
    struct duo *d = duo_new(1);

    (void)state;
    d->gw_conn.conn.admission = true;
    d->gw->admission = CV_ERR_NOT_ADMITTED;
    d->dev->psk = "another secret";
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 5000);
    assert_int_equal(host_last(d->gw, CV_EV_AUTH_FAILED)->err, CV_ERR_SIGNATURE);
    assert_true(duo_free(d));
}

/* ---- something else happens to the SA or its peer meanwhile ---- */

/* Both sides may be the slow one; the question is about the new SA, what happens to the old. */
static void a_reauthentication_without_an_answer_is_tried_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPOTS; i++) {
        struct duo *d = stage(&spots[i], ANSWERS_WELL, i + 1);
        uint32_t first;

        assert_true(duo_connect(d));
        first = d->ike;
        asked(d, &spots[i])->manner[spots[i].kind] = ANSWERS_NEVER;
        host_reauth(d->dev, first);
        world_run(d->w, PATIENCE_MS - 1000);
        /* The old one serves on, unless the gateway took the new one for established. */
        if (spots[i].kind != CV_NEED_VERIFY || spots[i].at_gateway)
            assert_true(world_ping(d->w, d->flow));
        world_run(d->w, 2000);
        assert_int_equal(host_errors(asked(d, &spots[i]), CV_ERR_NO_ANSWER), 1);
        assert_int_equal(host_ike(d->dev), first);
        assert_true(world_ping(d->w, d->flow));
        asked(d, &spots[i])->manner[spots[i].kind] = ANSWERS_WELL;
        assert_true(duo_settles(d, 60000, 1, 1));
        assert_int_not_equal(host_ike(d->dev), first);
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

/* The old SA is rekeyed while the host thinks about the one that shall replace it. */
static void what_a_reauthentication_replaces_may_be_rekeyed_meanwhile(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * SPOTS; i++) {
        const struct spot *s = &spots[i / 2];
        struct duo *d = stage(s, ANSWERS_WELL, i + 1);
        struct host *rekeys = i % 2 ? d->gw : d->dev;

        assert_true(duo_connect(d));
        asked(d, s)->answer_ms = 3000;
        host_reauth(d->dev, d->ike);
        world_run(d->w, 1000);
        host_rekey_ike(rekeys, host_ike(rekeys));
        host_rekey_child(rekeys, host_child(rekeys));
        assert_true(duo_settles(d, 100000, 1, 1));
        assert_int_equal(host_last(d->dev, CV_EV_IKE_DOWN)->err, CV_ERR_REPLACED);
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

/* The device has started afresh and is up again before the gateway's host has made up its mind
 * about its first attempt: that one is dead, and must not end what is alive. */
static void an_answer_about_an_older_attempt_does_not_end_the_newer_sa(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPOTS; i++) {
        const struct spot *s = &spots[i];
        struct duo *d = stage(s, ANSWERS_WELL, i + 1);

        if (!s->at_gateway) {
            assert_true(duo_free(d));
            continue;
        }
        d->gw->answer_ms = 4000;
        duo_start(d);
        host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        world_run(d->w, 1000);
        d->gw->answer_ms = 0;
        host_reboot(d->dev);
        host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        world_run(d->w, 1000);
        assert_int_equal(d->gw->saw[CV_EV_IKE_UP], 1);
        assert_true(duo_settles(d, 100000, 1, 1));
        assert_int_equal(d->gw->saw[CV_EV_IKE_UP], 1);
        assert_int_equal(d->gw->saw[CV_EV_IKE_DOWN], 1);
        assert_int_equal(host_last(d->gw, CV_EV_IKE_DOWN)->err, CV_ERR_REPLACED);
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_come_in_any_manner_that_is_in_time),
        cmocka_unit_test(a_question_without_an_answer_ends_the_attempt),
        cmocka_unit_test(who_is_not_admitted_replaces_nobody),
        cmocka_unit_test(a_wrong_proof_is_no_question_of_admission),
        cmocka_unit_test(answers_for_many_may_come_in_reverse),
        DUO(a_question_that_nobody_waits_for_is_not_put),
        DUO(an_answer_waits_for_room_in_the_queue),
        cmocka_unit_test(an_answer_for_an_sa_that_was_terminated_changes_nothing),
        cmocka_unit_test(a_reauthentication_without_an_answer_is_tried_again),
        cmocka_unit_test(what_a_reauthentication_replaces_may_be_rekeyed_meanwhile),
        cmocka_unit_test(an_answer_about_an_older_attempt_does_not_end_the_newer_sa),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
