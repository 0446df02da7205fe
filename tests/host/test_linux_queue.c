/* The nf_tables table and its queue: which packets the kernel hands over, and that those go on
 * or end as they are judged.  In a network namespace of the test's own; needs root, and is
 * skipped otherwise, or where the kernel lacks nf_tables' fib or queues.
 *
 * Packets come in by a second TUN device, which is the network outside.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/kernel/nfqueue.h"
#include "linux/kernel/nft.h"
#include "linux/kernel/routes.h"
#include "linux/net/tun.h"
#include "linux/net/udpsock.h"
#include "tests/support/ipsec_fixture.h"

enum { NUMBER = 700, PORT = 4000, IKE = 500, NAT_T = 4500 };

static struct tun tun, outside;
static struct netlink routes, nft;
static struct nfqueue queue;
static struct udp_sock service, ike;
static struct batch batch;

static struct cv_addr us(void)
{
    return ip4(192, 0, 2, 1);
}

static struct cv_addr protected_one(void)
{
    return ip4(10, 9, 0, 2);
}

static int install(void)
{
    const struct nft_inbound in = {
        .table = tun.name,
        .tun = tun.index,
        .port = IKE,
        .port_nat_t = NAT_T,
        .queue = NUMBER,
    };

    return nft_queue_inbound(&nft, &in);
}

static bool set_up_routes(void)
{
    const struct prefix local = {us(), 24}, far = {ip4(10, 9, 0, 0), 24};
    const struct route_via via = {0};

    return netlink_open(&routes, NETLINK_ROUTE) &&
           route_link_up(&routes, tun.index, 1400) == 0 &&
           route_link_up(&routes, outside.index, 1400) == 0 &&
           route_addr_add(&routes, outside.index, &local) == 0 &&
           route_rule_add(&routes, CV_IPV4) == 0 &&
           route_add(&routes, tun.index, &far, &via) == 0;
}

static int set_up(void **state)
{
    (void)state;
    if (!batch_init(&batch) || !tun_open(&tun, "cvtest%d", false) ||
        !tun_open(&outside, "cvout%d", false) || !set_up_routes() ||
        !udp_open(&service, CV_IPV4, PORT, CV_UDP_500, 0) ||
        !udp_open(&ike, CV_IPV4, IKE, CV_UDP_500, 0))
        return -1;
    return nfqueue_open(&queue, NUMBER) && netlink_open(&nft, NETLINK_NETFILTER) &&
                   install() == 0
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    netlink_close(&nft);
    nfqueue_close(&queue);
    udp_close(&service);
    udp_close(&ike);
    (void)route_rule_del(&routes, CV_IPV4);
    netlink_close(&routes);
    tun_close(&tun);
    tun_close(&outside);
    batch_free(&batch);
    return 0;
}

/* A UDP packet of n octets of payload comes from outside. */
static void arrive(struct cv_addr src, uint16_t dport, size_t n)
{
    uint8_t buf[BUF_LEN];
    struct cv_packet p = packet_in(buf, make_udp(buf + CV_HEADROOM, src, us(), 999, dport, n));

    assert_true(tun_send(&outside, &p));
}

static unsigned queued(int timeout_ms)
{
    struct pollfd p = {.fd = queue.nl.fd, .events = POLLIN};

    return poll(&p, 1, timeout_ms) > 0 ? nfqueue_recv(&queue, &batch) : 0;
}

static bool received(struct udp_sock *s, int timeout_ms)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};

    return poll(&p, 1, timeout_ms) > 0 && udp_recv(s, &batch) > 0;
}

static void packets_from_protected_addresses_wait_for_a_verdict(void **state)
{
    (void)state;
    arrive(protected_one(), PORT, 100);
    assert_int_equal(queued(1000), 1);
    assert_int_equal(batch.pkts[0].len, 128);
    assert_memory_equal(cv_packet_data(&batch.pkts[0]) + 12, protected_one().b, 4);
    assert_false(received(&service, 50));
}

static void the_verdict_of_each_packet_holds(void **state)
{
    unsigned n;

    (void)state;
    for (uint8_t i = 0; i < 8; i++)
        arrive(protected_one(), PORT, i);
    usleep(100000);
    n = queued(1000);
    assert_int_equal(n, 8);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(batch.pkts[i].len, 28 + i);
        batch.pkts[i].verdict = i % 2 == 0 ? CV_BYPASS : CV_DROP;
    }
    nfqueue_answer(&queue, &batch, n);
    usleep(100000);
    n = udp_recv(&service, &batch);
    assert_int_equal(n, 4);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(batch.pkts[i].len, 2 * i);
}

static void other_addresses_and_ike_do_not_wait(void **state)
{
    (void)state;
    arrive(ip4(192, 0, 2, 7), PORT, 10);
    assert_true(received(&service, 1000));
    arrive(protected_one(), IKE, 10);
    assert_true(received(&ike, 1000));
    assert_int_equal(queued(0), 0);
}

/* As policy's drops do. */
static void what_no_route_leads_back_to_waits(void **state)
{
    (void)state;
    assert_int_equal(system("ip rule add pref 219 to 192.0.2.7 prohibit"), 0);
    arrive(ip4(192, 0, 2, 7), PORT, 10);
    assert_int_equal(queued(1000), 1);
    assert_int_equal(system("ip rule del pref 219"), 0);
    arrive(ip4(192, 0, 2, 7), PORT, 10);
    assert_true(received(&service, 1000));
}

static void somebody_elses_ike_waits(void **state)
{
    uint8_t buf[BUF_LEN];
    struct cv_packet p = packet_in(
        buf, make_udp(buf + CV_HEADROOM, protected_one(), ip4(192, 0, 2, 9), 999, IKE, 10));

    (void)state;
    assert_true(tun_send(&outside, &p));
    assert_int_equal(queued(1000), 1);
}

static void what_nobody_judges_does_not_pass(void **state)
{
    (void)state;
    nfqueue_close(&queue);
    arrive(protected_one(), PORT, 10);
    assert_false(received(&service, 100));
}

static void the_table_ends_with_its_socket(void **state)
{
    (void)state;
    assert_int_equal(install(), EEXIST);
    netlink_close(&nft);
    usleep(100000);
    arrive(protected_one(), PORT, 10);
    assert_true(received(&service, 1000));
    assert_true(netlink_open(&nft, NETLINK_NETFILTER));
    assert_int_equal(install(), 0);
}

static void a_taken_queue_is_busy(void **state)
{
    struct nfqueue other;

    (void)state;
    assert_false(nfqueue_open(&other, NUMBER));
    assert_int_equal(errno, EBUSY);
    assert_true(nfqueue_open(&other, NUMBER + 1));
    nfqueue_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets_from_protected_addresses_wait_for_a_verdict,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_verdict_of_each_packet_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_addresses_and_ike_do_not_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_no_route_leads_back_to_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(somebody_elses_ike_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_judges_does_not_pass, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_table_ends_with_its_socket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_taken_queue_is_busy, set_up, tear_down),
    };
    void *state = NULL;
    bool works;

    if (unshare(CLONE_NEWNET) != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) {
        fprintf(stderr, "skipped: needs root and /dev/net/tun\n");
        return 77;
    }
    if (system("ip link set lo up") != 0)
        return 1;
    works = set_up(&state) == 0;
    (void)tear_down(&state);
    if (!works) {
        fprintf(stderr, "skipped: no nf_tables with fib and queues here\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
