/* src/ipsec/ipsec.h: what may be inside an authentic packet, and what has no pair to go by.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/own_sa.h"
#include "tests/support/plane_fixture.h"

static void inner_packet_outside_the_selectors_is_dropped(void **state)
{
    /* clang-format off */
    const struct { struct cv_addr src, dst; enum cv_err want; } cases[] = {
        {device_ip(false),  broker_ip(false), CV_OK},
        {device_ip(true),   broker_ip(true),  CV_OK},
        {ip4(10, 1, 0, 8),  broker_ip(false), CV_ERR_SELECTOR}, /* another device's address */
        {broker_ip(false),  broker_ip(false), CV_ERR_SELECTOR},
        {device_ip(false),  ip4(10, 3, 0, 1), CV_ERR_SELECTOR},
        {ip6(1, 8),         broker_ip(true),  CV_ERR_SELECTOR},
        {device_ip(true),   ip6(3, 1),        CV_ERR_SELECTOR},
        {broker_ip(false),  device_ip(false), CV_ERR_SELECTOR}, /* the wrong way round */
    };
    /* clang-format on */
    struct fixture room, *f = fresh(&room, 0);
    struct esp_sa sa;
    uint64_t drops = 0;

    (void)state;
    open_hostile(&sa);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const bool v6 = cases[i].src.family == CV_IPV6;

        send_octets(f, &sa,
                    make_udp(f->buf + CV_HEADROOM, cases[i].src, cases[i].dst, 1, 2, 20),
                    v6 ? IPPROTO_NUM_IPV6 : IPPROTO_NUM_IPIP);
        assert_int_equal(receive_on(f, &f->gateway), cases[i].want);
        assert_int_equal(f->pkt.verdict, cases[i].want == CV_OK ? CV_DELIVER : CV_DROP);
        drops += cases[i].want != CV_OK;
    }
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->drops[CV_CD_SELECTOR], drops);
    own_close(&sa);
    done(f);
}

static void payload_that_is_no_packet_is_dropped(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    struct esp_sa sa;
    size_t n;

    (void)state;
    open_hostile(&sa);
    n = make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
    send_octets(f, &sa, n, IPPROTO_NUM_IPV6); /* says v6, is v4 */
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_NEXT_HEADER);
    n = make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
    send_octets(f, &sa, n, IPPROTO_NUM_UDP); /* transport mode on a tunnel mode SA */
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_NEXT_HEADER);
    n = make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
    f->buf[CV_HEADROOM + 12]++; /* checksum wrong */
    send_octets(f, &sa, n, IPPROTO_NUM_IPIP);
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_INNER);
    for (n = 0; n < 48; n++) {
        make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
        send_octets(f, &sa, n, IPPROTO_NUM_IPIP);
        assert_int_equal(receive_on(f, &f->gateway), CV_ERR_INNER);
    }
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->drops[CV_CD_MALFORMED], 51);
    own_close(&sa);
    done(f);
}

static void dummy_packet_and_flow_padding_are_consumed(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    struct esp_sa sa;
    size_t n;

    (void)state;
    open_hostile(&sa);
    send_octets(f, &sa, 77, IPPROTO_NUM_NONE);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->pkt.verdict, CV_TAKEN);
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->packets_in, 1);
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->bytes_in, 0);
    n = make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
    send_octets(f, &sa, n + 100, IPPROTO_NUM_IPIP); /* RFC 4303 section 2.7 */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->pkt.verdict, CV_DELIVER);
    assert_int_equal(f->pkt.len, n);
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->bytes_in, n);
    own_close(&sa);
    done(f);
}

static void outbound_packet_without_a_pair_is_told_so(void **state)
{
    struct fixture room, *f = fresh(&room, 0);

    (void)state;
    make_packet(f, false, 10);
    assert_int_equal(send_on(f, &f->gateway), CV_ERR_NO_TUNNEL); /* the device's direction */
    assert_int_equal(f->way.n, 0);
    ipsec_stop_out(f->device.p, PAIR);
    make_packet(f, false, 10);
    assert_int_equal(send_on(f, &f->device), CV_ERR_NO_TUNNEL);
    ipsec_use_out(f->device.p, PAIR);
    assert_int_equal(send_on(f, &f->device), CV_OK);
    make_packet(f, false, 10);
    f->pkt.len = 19;
    assert_int_equal(send_on(f, &f->device), CV_ERR_SHORT);
    make_packet(f, false, 10);
    f->pkt.cap = f->pkt.off + f->pkt.len;
    assert_int_equal(send_on(f, &f->device), CV_ERR_NO_ROOM);
    done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_packet_outside_the_selectors_is_dropped),
        cmocka_unit_test(payload_that_is_no_packet_is_dropped),
        cmocka_unit_test(dummy_packet_and_flow_padding_are_consumed),
        cmocka_unit_test(outbound_packet_without_a_pair_is_told_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
