/* The daemon's end with thousands of IKE SAs: what is looked at, and that the loop turns
 * meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/inside.h"

enum { SAS = 5000, A_TURN = 256 };

/* ---- an engine that counts ---------------------------------------------------------- */

static struct daemon d;
static uint8_t states[SAS]; /* by number - 1 */
static unsigned visits, deletes, turns, most_in_a_turn, in_this_turn;
static unsigned answering; /* those before this one answer */

bool cv_ike_next(const struct cv_engine *e, uint32_t *at, struct cv_ike_info *out)
{
    (void)e;
    while (*at < SAS) {
        const uint32_t i = (*at)++;

        visits++;
        if (states[i] == CV_IKE_DEAD)
            continue;
        *out = (struct cv_ike_info){.id = i + 1, .state = states[i]};
        return true;
    }
    return false;
}

bool cv_ike_info(const struct cv_engine *e, uint32_t ike, struct cv_ike_info *out)
{
    (void)e;
    *out = (struct cv_ike_info){.id = ike, .state = states[ike - 1]};
    return states[ike - 1] != CV_IKE_DEAD;
}

enum cv_err cv_terminate_ike(struct cv_engine *e, uint32_t ike, bool force, uint64_t now_ms)
{
    (void)e;
    (void)force;
    (void)now_ms;
    states[ike - 1] = CV_IKE_DELETING;
    deletes++;
    if (++in_this_turn > most_in_a_turn)
        most_in_a_turn = in_this_turn;
    return CV_OK;
}

void daemon_pump(struct daemon *any)
{
    stop_look(any);
}

void daemon_log(struct daemon *any, int level, enum log_group group, uint32_t ike,
                const char *fmt, ...)
{
    (void)any;
    (void)level;
    (void)group;
    (void)ike;
    (void)fmt;
}

bool updown_idle(const struct updown *u)
{
    (void)u;
    return true;
}

/* ---- the tests ---------------------------------------------------------------------- */

/* A turn of the loop that is not the end's own: the peers' answers come here. */
static void on_answers(evutil_socket_t fd, short what, void *ctx)
{
    const struct timeval soon = {.tv_usec = 100};

    (void)fd;
    (void)what;
    turns++;
    in_this_turn = 0;
    for (unsigned i = 0; i < answering; i++) {
        if (states[i] != CV_IKE_DELETING)
            continue;
        states[i] = CV_IKE_DEAD;
        daemon_pump(&d);
    }
    (void)evtimer_add(*(struct event **)ctx, &soon);
}

static void end(void)
{
    struct event *answers;

    memset(&d, 0, sizeof(d));
    visits = deletes = turns = most_in_a_turn = in_this_turn = 0;
    d.base = event_base_new();
    answers = evtimer_new(d.base, on_answers, &answers);
    assert_non_null(answers);
    assert_true(stop_prepare(&d.stop, &d));
    event_active(answers, EV_TIMEOUT, 0);
    daemon_stop(&d);
    assert_true(d.stopping);
    assert_int_equal(deletes, A_TURN); /* and the loop goes on */
    (void)event_base_dispatch(d.base);
    event_free(answers);
    stop_free(&d.stop);
    event_base_free(d.base);
}

static void each_is_looked_at_a_few_times(void **state)
{
    (void)state;
    memset(states, CV_IKE_ESTABLISHED, sizeof(states));
    answering = SAS;
    end();
    assert_int_equal(deletes, SAS);
    for (unsigned i = 0; i < SAS; i++)
        assert_int_equal(states[i], CV_IKE_DEAD);
    assert_in_range(visits, SAS, 8 * SAS);
}

static void answers_are_heard_between_the_turns(void **state)
{
    (void)state;
    memset(states, CV_IKE_ESTABLISHED, sizeof(states));
    answering = SAS;
    end();
    assert_true(turns >= 2);
    assert_true(most_in_a_turn < SAS);
}

static void peers_that_stay_silent_do_not_hold_the_end_up(void **state)
{
    (void)state;
    memset(states, CV_IKE_ESTABLISHED, sizeof(states));
    answering = SAS - 10;
    end(); /* comes back: the limit rang */
    assert_int_equal(deletes, SAS);
    assert_int_equal(states[SAS - 1], CV_IKE_DELETING);
    assert_int_equal(states[SAS - 11], CV_IKE_DEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_looked_at_a_few_times),
        cmocka_unit_test(answers_are_heard_between_the_turns),
        cmocka_unit_test(peers_that_stay_silent_do_not_hold_the_end_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
