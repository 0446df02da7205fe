/* What others change in the kernel's network, and what it costs to put it right: in a network
 * namespace of the test's own.  Needs root; skipped otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kit/clock.h"
#include "linux/net/tun.h"
#include "plane/desired.h"
#include "tests/support/ipsec_fixture.h"

enum { OURS = 1000, FOREIGN = 10000, MAIN = 254, HANG_S = 300 };

static struct tun tun, outside;
static struct netconf net;
static struct guard guard;
static struct shunts shunts;
static struct desired desired;
static struct netlink other; /* somebody else */
static struct event_base *base;
static char noted[256];
static unsigned paths, given_up, lost;

static void note(void *ctx, const char *text)
{
    (void)ctx;
    (void)snprintf(noted, sizeof(noted), "%s", text);
}

static bool no_device(void *ctx, struct problem *why)
{
    (void)ctx;
    return problem_set(why, "none here");
}

static bool no_table(void *ctx)
{
    (void)ctx;
    return true;
}

static void give_up(void *ctx, enum desired_kind kind, const char *why)
{
    (void)ctx;
    (void)kind;
    (void)why;
    given_up++;
}

static void count_paths(void *ctx)
{
    (void)ctx;
    paths++;
}

static void count_lost(void *ctx, uint64_t owner)
{
    (void)ctx;
    (void)owner;
    lost++;
}

static void route_to(unsigned i)
{
    struct cv_ts_list local = {0}, remote = {.n = 1};

    remote.ts[0] = (struct cv_ts){
        .family = CV_IPV4,
        .port_hi = UINT16_MAX,
        .lo = {10, 100, (uint8_t)(i >> 8), (uint8_t)i},
        .hi = {10, 100, (uint8_t)(i >> 8), (uint8_t)i}
    };
    assert_true(netconf_add_routes(&net, i + 1, &local, &remote, CV_TUNNEL));
}

static int set_up(void **state)
{
    struct problem why;

    (void)state;
    memset(&net, 0, sizeof(net));
    memset(&shunts, 0, sizeof(shunts));
    noted[0] = '\0';
    paths = given_up = lost = 0;
    guard_init(&guard);
    desired_init(&desired);
    base = event_base_new();
    net.install_routes = net.install_addresses = true;
    net.note = guard.note = note;
    net.lost = count_lost;
    if (base == NULL || !tun_open(&tun, "cvtest%d", false) ||
        !tun_open(&outside, "cvout%d", false) || !netlink_open(&other, NETLINK_ROUTE) ||
        route_link_up(&other, outside.index, 1400) != 0)
        return -1;
    if (guard_start(&guard, tun.name, "cvtest%d", false, &why))
        net.guard = &guard;
    if (!netconf_open(&net, tun.index, 1400, true, OURS, &why))
        return -1;
    for (unsigned i = 0; i < OURS; i++)
        route_to(i);
    desired.net = &net;
    desired.shunts = &shunts;
    desired.guard = &guard;
    desired.inbound = "";
    desired.host = (struct desired_host){no_device, no_table, give_up, count_paths, note, NULL};
    return desired_start(&desired, base) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    desired_stop(&desired);
    netconf_close(&net);
    guard_stop(&guard);
    netlink_close(&other);
    tun_close(&tun);
    tun_close(&outside);
    event_base_free(base);
    return 0;
}

static bool news_waits(void)
{
    struct pollfd fds[] = {
        {.fd = desired.watch.routes.fd, .events = POLLIN},
        {.fd = desired.watch.tables.fd, .events = POLLIN}
    };

    return poll(fds, 2, 0) > 0;
}

/* Lets the loop run until all news are heard and nothing is amiss.  The kernel queues its news
 * before the change returns, so that nothing has to be waited for; and what is amiss has its
 * timer armed. */
static void settle(void)
{
    do
        (void)event_base_loop(base, EVLOOP_ONCE | (desired.amiss == 0 ? EVLOOP_NONBLOCK : 0));
    while (desired.amiss != 0 || news_waits());
}

/* As settle, from where the test counts. */
static void settle_and_count(void)
{
    settle();
    desired.stats = (struct desired_stats){0};
}

/* A route that is none of ours, as somebody else writes and takes it. */
static int foreign(uint16_t type, uint8_t table, unsigned i)
{
    const uint8_t to[4] = {10, 200, (uint8_t)(i >> 8), (uint8_t)i};
    struct rtmsg h = {.rtm_family = AF_INET,
                      .rtm_dst_len = 32,
                      .rtm_table = table,
                      .rtm_protocol = RTPROT_STATIC,
                      .rtm_scope = RT_SCOPE_LINK,
                      .rtm_type = RTN_UNICAST};
    struct nl_request r;

    nl_begin(&r, type, NLM_F_CREATE, &h, sizeof(h));
    nl_attr(&r, RTA_DST, to, sizeof(to));
    nl_attr_u32(&r, RTA_OIF, outside.index);
    return netlink_ask(&other, &r, NULL, NULL);
}

static unsigned missing(void)
{
    struct renewal r = {0};

    netconf_renew_routes(&net, false, &r);
    return r.restored;
}

static struct prefix host(unsigned i)
{
    return (struct prefix){
        {CV_IPV4, {10, 100, (uint8_t)(i >> 8), (uint8_t)i}},
        32
    };
}

static void ten_thousand_foreign_routes_cost_no_compare(void **state)
{
    static const uint16_t types[] = {RTM_NEWROUTE, RTM_DELROUTE};
    uint64_t began;

    (void)state;
    settle_and_count();
    began = clock_now_ms();
    for (unsigned t = 0; t < 2; t++) {
        for (unsigned i = 0; i < FOREIGN; i++) {
            assert_int_equal(foreign(types[t], MAIN, i), 0);
            if (i % 100 == 99)
                settle(); /* before the socket's room is full: all of it is heard */
        }
    }
    settle();
    assert_int_equal(desired.stats.lost, 0);
    assert_true(desired.stats.news >= 2 * FOREIGN);
    assert_int_equal(desired.stats.compared, 0);
    assert_true(paths <= 2 + (clock_now_ms() - began) / 1000); /* one a second */
    assert_int_equal(given_up, 0);
}

static void news_that_are_lost_cost_few_compares(void **state)
{
    const int room = 4096;
    uint64_t began;

    (void)state;
    settle_and_count();
    (void)setsockopt(desired.watch.routes.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    began = clock_now_ms();
    for (unsigned i = 0; i < FOREIGN; i++) {
        assert_int_equal(foreign(RTM_NEWROUTE, MAIN, i), 0);
        if (i % 100 == 99) {
            (void)event_base_loop(base, EVLOOP_NONBLOCK);
        }
    }
    settle();
    assert_true(desired.stats.lost > 10);
    assert_in_range(desired.stats.compared, 1,
                    2 + (clock_now_ms() - began) / 50); /* a pause after each */
    assert_int_equal(missing(), 0);
}

static void one_of_our_routes_comes_back_alone(void **state)
{
    const struct route_via via = {0};
    const struct prefix to = host(17);

    (void)state;
    settle_and_count();
    assert_int_equal(route_del(&other, tun.index, &to, &via), 0);
    settle();
    assert_int_equal(desired.stats.restored[DESIRED_ROUTES], 1);
    assert_int_equal(desired.stats.compared, 0);
    assert_int_equal(missing(), 0);
    assert_non_null(strstr(noted, "routes: restored"));
}

static void all_routes_come_back_after_the_link_was_down(void **state)
{
    struct ifinfomsg h = {.ifi_index = (int)tun.index, .ifi_change = IFF_UP};
    struct nl_request r;

    (void)state;
    settle_and_count();
    nl_begin(&r, RTM_NEWLINK, 0, &h, sizeof(h));
    assert_int_equal(netlink_ask(&other, &r, NULL, NULL), 0);
    settle();
    assert_in_range(desired.stats.compared, 1, 3);
    assert_int_equal(desired.stats.restored[DESIRED_ROUTES], OURS);
    assert_int_equal(missing(), 0);
    assert_int_equal(lost, 0);
}

static void rules_and_addresses_come_back(void **state)
{
    const struct cv_lease lease = {
        .v4 = {CV_IPV4, {10, 8, 0, 1}}
    };
    const struct prefix addr = {
        {CV_IPV4, {10, 8, 0, 1}},
        32
    };

    (void)state;
    netconf_add_lease(&net, 7, &lease);
    settle();
    assert_int_equal(route_rule_del(&other, CV_IPV4), 0);
    assert_int_equal(route_addr_del(&other, tun.index, &addr), 0);
    settle();
    assert_int_equal(route_rule_put(&net.nl, CV_IPV4), EEXIST);
    assert_int_equal(route_addr_put(&net.nl, tun.index, &addr), EEXIST);
    assert_int_equal(missing(), 0);
}

/* What nobody heard of is found when everything is compared. */
static void a_check_finds_what_nobody_said(void **state)
{
    const struct route_via via = {0};
    const struct prefix to = host(3);

    (void)state;
    settle();
    assert_int_equal(route_del(&net.nl, tun.index, &to, &via), 0); /* as if it were ours */
    settle();
    assert_int_equal(desired.stats.restored[DESIRED_ROUTES], 0);
    desired_check(&desired);
    settle();
    assert_int_equal(desired.stats.restored[DESIRED_ROUTES], 1);
    assert_int_equal(missing(), 0);
}

/* The device is gone and stays so: told, not tried for ever at once, and given up. */
static void what_cannot_be_put_right_is_given_up(void **state)
{
    (void)state;
    settle();
    tun_close(&tun);
    while (given_up == 0) /* its timer is armed */
        (void)event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(given_up, 1);
    assert_in_range(desired.stats.failed[DESIRED_DEVICE], 3, 6);
    assert_non_null(strstr(noted, "none here"));
}

/* The kernel would give each device an address of its own in its own time, and news of
 * addresses are a reason to compare. */
static bool no_addresses_by_themselves(void)
{
    const int fd = open("/proc/sys/net/ipv6/conf/default/addr_gen_mode", O_WRONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return errno == ENOENT; /* without IPv6 there are none */
    ok = write(fd, "1", 1) == 1;
    close(fd);
    return ok;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_thousand_foreign_routes_cost_no_compare, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(news_that_are_lost_cost_few_compares, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_of_our_routes_comes_back_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_routes_come_back_after_the_link_was_down, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rules_and_addresses_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_check_finds_what_nobody_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_put_right_is_given_up, set_up,
                                        tear_down),
    };

    if (access("/dev/net/tun", R_OK | W_OK) != 0 || unshare(CLONE_NEWNET) != 0 ||
        !no_addresses_by_themselves())
        return 77;
    (void)alarm(HANG_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
