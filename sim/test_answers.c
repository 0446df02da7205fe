/* Questions to the host and its answers: in time, amiss, twice, in another order, too late,
 * never, or for an SA that is gone; both roles, every kind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_come_in_any_manner_that_is_in_time),
        cmocka_unit_test(a_question_without_an_answer_ends_the_attempt),
        cmocka_unit_test(an_answer_for_an_sa_that_was_terminated_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
