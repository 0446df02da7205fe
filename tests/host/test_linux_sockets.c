/* UDP and raw sockets over the loopback device.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "base/span.h"
#include "linux/net/rawsock.h"
#include "linux/net/udpsock.h"

enum { PORT_A = 42817, PORT_B = 42818 };

static const struct cv_addr here4 = {
    CV_IPV4, {127, 0, 0, 1}
};
static const struct cv_addr alias4 = {
    CV_IPV4, {127, 0, 0, 2}
};
static const struct cv_addr here6 = {
    CV_IPV6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
};

static struct batch batch, other;

static int set_up(void **state)
{
    (void)state;
    return batch_init(&batch) && batch_init(&other) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    batch_free(&batch);
    batch_free(&other);
    return 0;
}

static void wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, 1000), 1);
}

static void put(struct batch *b, unsigned i, const char *text, struct cv_addr local,
                struct cv_addr remote, uint16_t port)
{
    batch_reset(b, i);
    b->pkts[i].len = strlen(text);
    memcpy(cv_packet_data(&b->pkts[i]), text, strlen(text));
    b->pkts[i].local.addr = local;
    b->pkts[i].remote = (struct cv_endpoint){remote, port};
}

static void a_datagram_tells_both_addresses_and_its_tos(void **state)
{
    static const uint8_t index[] = {0};
    struct udp_sock a, b;
    const struct cv_packet *p = &other.pkts[0];

    (void)state;
    assert_true(udp_open(&a, CV_IPV4, PORT_A, CV_UDP_500, 0));
    assert_true(udp_open(&b, CV_IPV4, PORT_B, CV_UDP_4500, 0));
    put(&batch, 0, "hello", here4, alias4, PORT_B);
    batch.pkts[0].tos = 0xb8;
    assert_int_equal(udp_send(&a, &batch, index, 1), 1);
    wait_readable(b.fd);
    assert_int_equal(udp_recv(&b, &other), 1);
    assert_int_equal(p->len, 5);
    assert_memory_equal(cv_packet_data(p), "hello", 5);
    assert_memory_equal(&p->remote.addr, &here4, sizeof(here4));
    assert_int_equal(p->remote.port, PORT_A);
    assert_memory_equal(&p->local.addr, &alias4, sizeof(alias4));
    assert_int_equal(p->local.port, PORT_B);
    assert_int_equal(p->carrier, CV_UDP_4500);
    assert_int_equal(p->tos, 0xb8);
    assert_int_equal(p->off, CV_NESTED_MAX * CV_HEADROOM);
    udp_close(&a);
    udp_close(&b);
}

static void the_source_address_is_the_one_asked_for(void **state)
{
    struct udp_sock a, b;
    struct cv_endpoint from = {alias4, 0}, to = {here4, PORT_B};

    (void)state;
    assert_true(udp_open(&a, CV_IPV4, PORT_A, CV_UDP_500, 0));
    assert_true(udp_open(&b, CV_IPV4, PORT_B, CV_UDP_500, 0));
    assert_true(udp_send_one(&a, &from, &to, 0, (struct cv_span){(const uint8_t *)"x", 1}));
    wait_readable(b.fd);
    assert_int_equal(udp_recv(&b, &other), 1);
    assert_memory_equal(&other.pkts[0].remote.addr, &alias4, sizeof(alias4));
    udp_close(&a);
    udp_close(&b);
}

static void ipv6_works_the_same_way(void **state)
{
    static const uint8_t index[] = {0};
    struct udp_sock a, b;

    (void)state;
    if (!udp_open(&a, CV_IPV6, PORT_A, CV_UDP_500, 0))
        skip();
    assert_true(udp_open(&b, CV_IPV6, PORT_B, CV_UDP_500, 0));
    put(&batch, 0, "six", here6, here6, PORT_B);
    batch.pkts[0].tos = 2;
    if (udp_send(&a, &batch, index, 1) == 0)
        skip(); /* the loopback device has no IPv6 */
    wait_readable(b.fd);
    assert_int_equal(udp_recv(&b, &other), 1);
    assert_memory_equal(&other.pkts[0].local.addr, &here6, sizeof(here6));
    assert_int_equal(other.pkts[0].tos, 2);
    udp_close(&a);
    udp_close(&b);
}

static void a_batch_keeps_its_order(void **state)
{
    uint8_t index[BATCH_MAX];
    struct udp_sock a, b;

    (void)state;
    assert_true(udp_open(&a, CV_IPV4, PORT_A, CV_UDP_500, 0));
    assert_true(udp_open(&b, CV_IPV4, PORT_B, CV_UDP_500, 0));
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        char text[] = {(char)i, '\0'};
        put(&batch, i, i == 0 ? "first" : text, here4, here4, PORT_B);
        index[i] = (uint8_t)i;
    }
    assert_int_equal(udp_send(&a, &batch, index, BATCH_MAX), BATCH_MAX);
    for (unsigned seen = 0; seen < BATCH_MAX; seen += BATCH_LARGE) {
        wait_readable(b.fd);
        assert_int_equal(udp_recv(&b, &other), BATCH_LARGE);
        for (unsigned i = seen == 0; i < BATCH_LARGE; i++)
            assert_int_equal(cv_packet_data(&other.pkts[i])[0], seen + i);
    }
    udp_close(&a);
    udp_close(&b);
}

/* A packet without a way out must not hold up those behind it. */
static void an_impossible_packet_does_not_stop_the_batch(void **state)
{
    static const uint8_t index[] = {0, 1, 2};
    const struct cv_addr foreign = {
        CV_IPV4, {192, 0, 2, 1}
    };
    struct udp_sock a, b;

    (void)state;
    assert_true(udp_open(&a, CV_IPV4, PORT_A, CV_UDP_500, 0));
    assert_true(udp_open(&b, CV_IPV4, PORT_B, CV_UDP_500, 0));
    put(&batch, 0, "one", here4, here4, PORT_B);
    put(&batch, 1, "two", foreign, here4, PORT_B);
    put(&batch, 2, "three", here4, here4, PORT_B);
    assert_int_equal(udp_send(&a, &batch, index, 3), 2);
    wait_readable(b.fd);
    assert_int_equal(udp_recv(&b, &other), 2);
    assert_memory_equal(cv_packet_data(&other.pkts[1]), "three", 5);
    udp_close(&a);
    udp_close(&b);
}

static void the_largest_datagram_fits(void **state)
{
    static uint8_t big[65507];
    struct udp_sock a, b;
    struct cv_endpoint from = {here4, 0}, to = {here4, PORT_B};

    (void)state;
    memset(big, 0x5a, sizeof(big));
    assert_true(udp_open(&a, CV_IPV4, PORT_A, CV_UDP_500, 0));
    assert_true(udp_open(&b, CV_IPV4, PORT_B, CV_UDP_500, 0));
    assert_true(udp_send_one(&a, &from, &to, 0, (struct cv_span){big, sizeof(big)}));
    wait_readable(b.fd);
    assert_int_equal(udp_recv(&b, &other), 1);
    assert_int_equal(other.pkts[0].len, sizeof(big));
    assert_memory_equal(cv_packet_data(&other.pkts[0]), big, sizeof(big));
    assert_true(other.pkts[0].cap >= CV_HEADROOM + sizeof(big) + CV_TAILROOM);
    udp_close(&a);
    udp_close(&b);
}

static void a_port_in_use_is_an_error(void **state)
{
    struct udp_sock a, b;

    (void)state;
    assert_true(udp_open(&a, CV_IPV4, PORT_A, CV_UDP_500, 0));
    assert_false(udp_open(&b, CV_IPV4, PORT_A, CV_UDP_500, 0));
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(b.fd, -1);
    udp_close(&a);
}

static void nothing_waiting_is_no_packet(void **state)
{
    struct udp_sock a;

    (void)state;
    assert_true(udp_open(&a, CV_IPV4, PORT_A, CV_UDP_500, 0));
    assert_int_equal(udp_recv(&a, &batch), 0);
    udp_close(&a);
}

static void raw_packets_come_without_their_ip_header(void **state)
{
    static const uint8_t index[] = {0};
    struct raw_sock a;

    (void)state;
    if (!raw_open(&a, CV_IPV4, CV_RAW_ESP, 0))
        skip(); /* needs CAP_NET_RAW */
    put(&batch, 0, "spi.seq.payload", here4, here4, 0);
    batch.pkts[0].tos = 0x28;
    assert_int_equal(raw_send(&a, &batch, index, 1), 1);
    wait_readable(a.fd);
    assert_int_equal(raw_recv(&a, &other), 1);
    assert_int_equal(other.pkts[0].len, 15);
    assert_memory_equal(cv_packet_data(&other.pkts[0]), "spi.seq.payload", 15);
    assert_memory_equal(&other.pkts[0].local.addr, &here4, sizeof(here4));
    assert_int_equal(other.pkts[0].remote.port, 0);
    assert_int_equal(other.pkts[0].tos, 0x28);
    assert_int_equal(other.pkts[0].carrier, CV_RAW_ESP);
    raw_close(&a);
}

static void raw_ipv6_works_the_same_way(void **state)
{
    static const uint8_t index[] = {0};
    struct raw_sock a;

    (void)state;
    if (!raw_open(&a, CV_IPV6, CV_RAW_ESP, 0)) {
        assert_true(errno == EPERM || errno == EAFNOSUPPORT);
        skip();
    }
    put(&batch, 0, "spi.seq.payload", here6, here6, 0);
    if (raw_send(&a, &batch, index, 1) == 0)
        skip(); /* the loopback device has no IPv6 */
    wait_readable(a.fd);
    assert_int_equal(raw_recv(&a, &other), 1);
    assert_int_equal(other.pkts[0].len, 15);
    assert_memory_equal(&other.pkts[0].local.addr, &here6, sizeof(here6));
    assert_int_equal(other.pkts[0].remote.port, 0);
    raw_close(&a);
}

/* A packet from here6 to itself with the headers named, AH behind them and two octets behind
 * that; options are an experiment's (RFC 4727), a routing header has nothing left. */
static void put_ah6(struct batch *b, const uint8_t *types, unsigned n)
{
    struct cv_packet *p = &b->pkts[0];
    struct wr w;

    batch_reset(b, 0);
    w = wr_init(cv_packet_data(p), 400);
    wr_u32(&w, UINT32_C(6) << 28);
    wr_u16(&w, 0);
    wr_u8(&w, n > 0 ? types[0] : IPPROTO_AH);
    wr_u8(&w, 64);
    wr_copy(&w, here6.b, 16);
    wr_copy(&w, here6.b, 16);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t next = i + 1 < n ? types[i + 1] : IPPROTO_AH;
        const bool rth = types[i] == IPPROTO_ROUTING;

        wr_u8(&w, next);
        wr_u8(&w, rth ? 2 : (uint8_t)(i % 2)); /* units past the first */
        wr_u8(&w, rth ? 0 : 0x1e);
        wr_u8(&w, rth ? 0 : (uint8_t)(4 + i % 2 * 8));
        wr_zero(&w, rth ? 20 : 4 + i % 2 * 8);
    }
    wr_u8(&w, IPPROTO_NONE);
    wr_u8(&w, 4);
    wr_zero(&w, 22);
    wr_u16(&w, 0xabcd);
    wr_patch_u16(&w, 4, (uint16_t)(w.n - 40));
    assert_true(wr_ok(&w));
    p->len = w.n;
    p->local.addr = p->remote.addr = here6;
}

static void headers_in_front_of_ah_arrive_as_they_were_sent(void **state)
{
    enum { HOP = IPPROTO_HOPOPTS, DST = IPPROTO_DSTOPTS, RTH = IPPROTO_ROUTING };
    static const uint8_t chains[][5] = {
        {0   },
        {    HOP   },
        {  DST },
        { HOP,  DST},
        {  HOP, DST, RTH, DST},
        {    RTH, DST},
        {    DST, DST},
    };
    static const unsigned lengths[] = {0, 1, 1, 2, 4, 2, 2};
    static const uint8_t index[] = {0};
    struct raw_sock a;

    (void)state;
    if (!raw_open(&a, CV_IPV6, CV_RAW_AH, 0)) {
        assert_true(errno == EPERM || errno == EAFNOSUPPORT);
        skip();
    }
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        put_ah6(&batch, chains[i], lengths[i]);
        if (raw_send(&a, &batch, index, 1) == 0 && i == 0)
            skip(); /* the loopback device has no IPv6 */
        wait_readable(a.fd);
        assert_int_equal(raw_recv(&a, &other), 1);
        assert_int_equal(other.pkts[0].len, batch.pkts[0].len);
        assert_memory_equal(cv_packet_data(&other.pkts[0]), cv_packet_data(&batch.pkts[0]),
                            batch.pkts[0].len);
    }
    raw_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_tells_both_addresses_and_its_tos),
        cmocka_unit_test(the_source_address_is_the_one_asked_for),
        cmocka_unit_test(ipv6_works_the_same_way),
        cmocka_unit_test(a_batch_keeps_its_order),
        cmocka_unit_test(an_impossible_packet_does_not_stop_the_batch),
        cmocka_unit_test(the_largest_datagram_fits),
        cmocka_unit_test(a_port_in_use_is_an_error),
        cmocka_unit_test(nothing_waiting_is_no_packet),
        cmocka_unit_test(raw_packets_come_without_their_ip_header),
        cmocka_unit_test(raw_ipv6_works_the_same_way),
        cmocka_unit_test(headers_in_front_of_ah_arrive_as_they_were_sent),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
