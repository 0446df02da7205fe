/* What an idle device costs its battery: how often it wakes in a day, and what it sends.  Each
 * figure is a limit; who changes the engine's timers changes them with a reason.
 *
 * A wake is an instant at which the engine runs, for a packet or because its deadline has come.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, DAYS = 14, MS = 1000 };

struct cost {
    double wakes, octets; /* a day, beyond the first ten seconds */
};

static struct cost cost_of(struct duo *d, const char *kind)
{
    struct cost c;
    uint64_t wakes, octets;

    assert_true(duo_connect(d));
    world_run(d->w, 200 * MS); /* what the first exchanges leave behind */
    wakes = d->dev->wakes;
    octets = d->dev->sent_octets;
    world_run(d->w, (uint64_t)DAYS * DAY_S * MS);
    c.wakes = (double)(d->dev->wakes - wakes) / DAYS;
    c.octets = (double)(d->dev->sent_octets - octets) / DAYS;
    printf("%-40s %7.1f wakes, %8.0f octets a day\n", kind, c.wakes, c.octets);
    return c;
}

static void lives(struct recipe *r, uint64_t ike_s, uint64_t child_s)
{
    r->conn.rekey_s = ike_s;
    r->conn.rand_s = ike_s / 10;
    r->child[0].life = (struct cv_lifetime){.rekey_s = child_s, .rand_s = child_s / 10};
}

static void one_that_nothing_is_asked_of_never_wakes(void **state)
{
    struct duo *d = *state;
    struct cost c = cost_of(d, "no NAT, no lifetimes");

    assert_true(c.wakes == 0);
    assert_true(c.octets == 0);
    assert_true(cv_next_deadline(d->dev->engine) == CV_NO_DEADLINE);
}

/* The profile for devices: Child SA a day, IKE SA a week, no keepalives behind a NAT. */
static void a_constrained_device_wakes_six_times_a_day(void **state)
{
    struct duo *d = *state;
    struct cost c;

    duo_use_virtual_ip(d);
    d->dev->settings.keepalive_ms = UINT32_MAX;
    lives(&d->dev_conn, 7 * DAY_S, DAY_S);
    c = cost_of(d, "constrained: Child SA 1 d, IKE SA 7 d");
    assert_true(c.wakes <= 6);
    assert_true(c.octets <= 600);
}

static void the_lifetimes_of_hosts_cost_a_wake_each_ten_minutes(void **state)
{
    struct duo *d = *state;
    struct cost c;

    lives(&d->dev_conn, 4 * HOUR_S, HOUR_S);
    c = cost_of(d, "Child SA 1 h, IKE SA 4 h");
    assert_true(c.wakes <= 150);
    assert_true(c.octets <= 13000);
}

static void keepalives_cost_a_wake_each(void **state)
{
    struct duo *d = *state;
    struct cost c;

    world_behind_nat(d->w, d->dev, world_add_nat(d->w, 30000));
    c = cost_of(d, "NAT, keepalive 20 s");
    assert_true(c.wakes >= 4300 && c.wakes <= 4321);
    assert_true(c.octets <= 4321 * 29);
}

static void liveness_costs_two_wakes_each(void **state)
{
    struct duo *d = *state;
    struct cost c;

    d->dev_conn.conn.dpd_delay_s = HOUR_S;
    c = cost_of(d, "liveness 1 h");
    assert_true(c.wakes <= 49);
    assert_true(c.octets <= 2100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(one_that_nothing_is_asked_of_never_wakes),
        DUO(a_constrained_device_wakes_six_times_a_day),
        DUO(the_lifetimes_of_hosts_cost_a_wake_each_ten_minutes),
        DUO(keepalives_cost_a_wake_each),
        DUO(liveness_costs_two_wakes_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
