/* src/peer/event.c: each announcement of an end looks at what it announces and at nothing else,
 * so that it costs the same however many end together.
 *
 * Slots other than those an announcement is about are hidden: for the pool they are not in use,
 * and whoever looks at one gets NULL.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/peer_fixture.h"

static void end_all(struct fixture *f)
{
    for (unsigned i = 0; i < MANY; i++) {
        child_close(&f->core, f->child[i], CV_ERR_PEER_SILENT);
        event_sa_ended(&f->core, f->sa[i]);
    }
}

static void hide_all(struct fixture *f)
{
    for (uint32_t i = 0; i < MANY; i++)
        f->core.sas.next_free[i] = f->core.children.next_free[i] = POOL_NONE;
}

static void show(struct pool *p, uint32_t i)
{
    p->next_free[i] = POOL_USED;
}

static void hide(struct pool *p, uint32_t i)
{
    p->next_free[i] = POOL_NONE;
}

static void expect_children_then_sas(struct fixture *f)
{
    struct core *core = &f->core;
    struct cv_effect fx;

    for (uint32_t i = 0; i < MANY; i++) {
        show(&core->sas, i);
        show(&core->children, i);
        assert_true(event_next(core, &fx));
        assert_int_equal(fx.u.event.kind, CV_EV_CHILD_FAILED);
        assert_int_equal(fx.u.event.child, f->child[i]->id);
        hide(&core->sas, i);
        hide(&core->children, i);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        show(&core->sas, i);
        assert_true(event_next(core, &fx));
        assert_int_equal(fx.u.event.kind, CV_EV_IKE_DOWN);
        assert_int_equal(fx.ike, f->sa[i]->id);
        hide(&core->sas, i);
    }
    assert_false(event_next(core, &fx));
    assert_int_equal(core->ended.told_sas.n, MANY);
    assert_int_equal(core->ended.told_children.n, MANY);
}

static void event_of_an_end_looks_at_nothing_else(void **state)
{
    struct fixture *f = *state;

    end_all(f);
    hide_all(f);
    expect_children_then_sas(f);
}

/* The queue of effects is out of reach, too, until all addresses have gone back. */
static void event_of_a_freed_address_looks_at_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct effect_slot *slots = f->core.fx.slots;
    struct cv_effect fx;

    assert_non_null(event_put(&f->core, CV_EV_COOKIES, NULL, CV_OK));
    for (unsigned i = 0; i < MANY; i++)
        f->sa[i]->has_lease = true;
    end_all(f);
    hide_all(f);
    f->core.fx.slots = NULL;
    for (uint32_t i = 0; i < MANY; i++) {
        show(&f->core.sas, i);
        assert_true(event_next(&f->core, &fx));
        assert_int_equal(fx.kind, CV_FREE_ADDRESS);
        assert_int_equal(fx.ike, f->sa[i]->id);
        hide(&f->core.sas, i);
    }
    f->core.fx.slots = slots;
    assert_true(event_next(&f->core, &fx));
    assert_int_equal(fx.u.event.kind, CV_EV_COOKIES);
    expect_children_then_sas(f);
}

/* Until the host has heard of an SA's new number it knows its address by the old one. */
static void event_of_a_freed_address_waits_for_the_number_it_goes_by(void **state)
{
    struct fixture *f = *state;
    struct cv_effect fx;

    event_rekeyed(&f->core, f->sa[0], f->sa[1]);
    f->sa[1]->has_lease = f->sa[2]->has_lease = true;
    event_sa_ended(&f->core, f->sa[1]);
    event_sa_ended(&f->core, f->sa[2]);
    assert_true(event_next(&f->core, &fx));
    assert_int_equal(fx.kind, CV_FREE_ADDRESS);
    assert_int_equal(fx.ike, f->sa[2]->id);
    assert_true(event_next(&f->core, &fx));
    assert_int_equal(fx.u.event.kind, CV_EV_IKE_REKEYED);
    assert_int_equal(fx.u.event.ike_new, f->sa[1]->id);
    assert_true(event_next(&f->core, &fx));
    assert_int_equal(fx.kind, CV_FREE_ADDRESS);
    assert_int_equal(fx.ike, f->sa[1]->id);
}

static void event_of_what_ends_quietly_is_none(void **state)
{
    struct fixture *f = *state;
    struct cv_effect fx;

    for (unsigned i = 0; i < MANY; i++)
        f->sa[i]->quiet = f->child[i]->quiet = i != MANY - 1;
    end_all(f);
    assert_true(event_next(&f->core, &fx));
    assert_int_equal(fx.u.event.child, f->child[MANY - 1]->id);
    assert_true(event_next(&f->core, &fx));
    assert_int_equal(fx.u.event.kind, CV_EV_IKE_DOWN);
    assert_int_equal(fx.ike, f->sa[MANY - 1]->id);
    assert_false(event_next(&f->core, &fx));
}

/* What a refusal shows takes a buffer only while most are free: exchanges come first. */
static void event_of_a_refusal_takes_no_buffer_that_others_may_need(void **state)
{
    static const uint8_t body[] = {1, 2, 3};
    struct fixture *f = *state;
    struct msgs *msgs = &f->core.msgs;
    const struct refusal r = {
        .kind = CV_EV_REJECTED,
        .by = CV_BY_US,
        .asked = {.sa = span(body, sizeof(body)), .tsr = span(body + 1, 2)},
        .kept = POOL_NONE
    };
    struct cv_effect fx;

    assert_non_null(event_refusal(&f->core, &r));
    assert_int_equal(msgs->pool.used, 1);
    (void)msg_new(msgs);
    assert_non_null(event_refusal(&f->core, &r));
    assert_int_equal(msgs->pool.used, msgs->pool.cap / 2);
    assert_true(event_next(&f->core, &fx));
    assert_int_equal(fx.u.event.asked.sa.n, sizeof(body));
    assert_memory_equal(fx.u.event.asked.sa.p, body, sizeof(body));
    assert_ptr_not_equal(fx.u.event.asked.sa.p, body);
    assert_memory_equal(fx.u.event.asked.tsr.p, body + 1, 2);
    assert_int_equal(fx.u.event.asked.tsi.n, 0);
    assert_true(event_next(&f->core, &fx));
    assert_int_equal(fx.u.event.by, CV_BY_US);
    assert_int_equal(fx.u.event.asked.sa.n, 0);
    effects_release(&f->core.fx, msgs);
    assert_int_equal(msgs->pool.used, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEER_TEST(event_of_an_end_looks_at_nothing_else),
        PEER_TEST(event_of_a_freed_address_looks_at_nothing_else),
        PEER_TEST(event_of_a_freed_address_waits_for_the_number_it_goes_by),
        PEER_TEST(event_of_what_ends_quietly_is_none),
        PEER_TEST(event_of_a_refusal_takes_no_buffer_that_others_may_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
