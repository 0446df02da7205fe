/* Large packets cut into those that they stand for, packets of a flow put together: each is the
 * other's inverse, and nothing else is touched.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linux/net/cut.h"
#include "linux/net/merge.h"
#include "linux/net/sum.h"
#include "linux/net/upper.h"
#include "wire/ip.h"

enum { ROOM = 2048, PACKETS = 80, MSS = 1000, TCP_HEAD = 32, V4 = 20, V6 = 40 };

/* What was written: each as one packet, as the kernel would segment it. */
struct device {
    uint8_t packet[PACKETS][ROOM];
    size_t len[PACKETS];
    unsigned n, writes;
    bool full;
};

static struct device out;
static struct merge merge;
static uint8_t room[PACKETS][ROOM];
static struct cv_packet in[PACKETS];
static unsigned n_in;

static void note(const uint8_t *p, size_t n)
{
    assert_true(out.n < PACKETS && n <= ROOM);
    memcpy(out.packet[out.n], p, n);
    out.len[out.n++] = n;
}

static bool write_parts(void *ctx, const struct iovec *iov, int n)
{
    static uint8_t whole[UINT16_MAX + 1], segment[UINT16_MAX];
    const struct virtio_net_hdr *say = iov[0].iov_base;
    struct cut cut;
    size_t len = 0;

    (void)ctx;
    out.writes++;
    if (out.full)
        return false;
    for (int i = 1; i < n; i++) {
        assert_true(len + iov[i].iov_len <= UINT16_MAX);
        memcpy(whole + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    if (say->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
        note(whole, len);
        return true;
    }
    assert_true(cut_begin(&cut, say, whole, len));
    while ((len = cut_next_len(&cut)) != 0) {
        cut_next(&cut, segment);
        note(segment, len);
    }
    return true;
}

static int set_up(void **state)
{
    (void)state;
    memset(&out, 0, sizeof(out));
    merge = (struct merge){.udp = true, .write = write_parts};
    n_in = 0;
    return 0;
}

/* ---- packets ------------------------------------------------------------------ */

struct tcp {
    bool v6;
    uint16_t sport;
    uint32_t seq, ack;
    uint8_t flags;
    size_t n;
    uint16_t id;
    bool may_fragment;
};

static void set_sum(uint8_t *p, size_t l4, uint8_t proto, size_t len)
{
    uint8_t *at = p + l4 + (proto == UPPER_TCP ? TCP_SUM_AT : UDP_SUM_AT);
    uint16_t sum;

    upper_put16(at, 0);
    sum = (uint16_t)~sum_fold(sum_add(upper_pseudo(p, proto, len - l4), p + l4, len - l4));
    memcpy(at, &sum, 2);
}

static size_t put_ip(uint8_t *p, bool v6, uint8_t proto, size_t len)
{
    const size_t l4 = v6 ? V6 : V4;

    memset(p, 0, l4);
    p[0] = v6 ? 0x60 : 0x45;
    p[v6 ? 6 : 9] = proto;
    p[v6 ? 7 : 8] = 64;
    for (size_t i = v6 ? 8 : 12; i < l4; i++)
        p[i] = (uint8_t)(10 + i);
    if (!v6)
        p[IP4_FLAGS_AT] = 0x40;
    upper_set_len(p, l4, l4 + len);
    return l4;
}

/* An Ethernet's worth of TCP, with a timestamp option. */
static uint8_t *add_tcp(struct tcp t)
{
    uint8_t *p = room[n_in];
    const size_t l4 = put_ip(p, t.v6, UPPER_TCP, TCP_HEAD + t.n), len = l4 + TCP_HEAD + t.n;

    memset(p + l4, 0, TCP_HEAD);
    upper_put16(p + l4, t.sport);
    upper_put16(p + l4 + 2, 443);
    upper_put32(p + l4 + TCP_SEQ_AT, t.seq);
    upper_put32(p + l4 + TCP_ACK_AT, t.ack);
    p[l4 + TCP_OFFSET_AT] = TCP_HEAD / 4 << 4;
    p[l4 + TCP_FLAGS_AT] = t.flags;
    p[l4 + TCP_WINDOW_AT] = 7;
    for (size_t i = 0; i < t.n; i++)
        p[l4 + TCP_HEAD + i] = (uint8_t)(t.seq + i);
    if (!t.v6) {
        upper_put16(p + IP4_ID_AT, t.id);
        if (t.may_fragment)
            p[IP4_FLAGS_AT] = 0;
        upper_set_len(p, l4, len);
    }
    set_sum(p, l4, UPPER_TCP, len);
    in[n_in] = (struct cv_packet){.buf = p, .cap = ROOM, .len = len, .verdict = CV_DELIVER};
    n_in++;
    return p;
}

static uint8_t *add_udp(bool v6, uint16_t sport, size_t n)
{
    uint8_t *p = room[n_in];
    const size_t l4 = put_ip(p, v6, UPPER_UDP, UDP_HEADER + n), len = l4 + UDP_HEADER + n;

    upper_put16(p + l4, sport);
    upper_put16(p + l4 + 2, 53);
    upper_put16(p + l4 + UDP_LENGTH_AT, UDP_HEADER + n);
    for (size_t i = 0; i < n; i++)
        p[l4 + UDP_HEADER + i] = (uint8_t)(n_in + i);
    if (!v6) {
        upper_put16(p + IP4_ID_AT, n_in);
        upper_set_len(p, l4, len);
    }
    set_sum(p, l4, UPPER_UDP, len);
    in[n_in] = (struct cv_packet){.buf = p, .cap = ROOM, .len = len, .verdict = CV_DELIVER};
    n_in++;
    return p;
}

/* Puts the packets together; what the kernel makes of the whole are the same packets, but for
 * the numbers of packets that may not be fragmented, which mean nothing (RFC 6864). */
static void expect(unsigned writes)
{
    static uint8_t before[PACKETS][ROOM];

    memcpy(before, room, sizeof(before));
    merge_begin(&merge);
    for (unsigned i = 0; i < n_in; i++)
        merge_packet(&merge, &in[i]);
    merge_end(&merge);
    assert_int_equal(merge.lost, 0);
    assert_int_equal(out.writes, writes);
    assert_int_equal(out.n, n_in);
    for (unsigned i = 0; i < n_in; i++) {
        unsigned j = 0;

        while (j < n_in &&
               (out.len[j] != in[i].len || memcmp(out.packet[j], before[i], in[i].len) != 0))
            j++;
        assert_in_range(j, 0, n_in - 1);
        out.len[j] = 0;
    }
}

/* ---- scenarios ------------------------------------------------------------------ */

static void a_stream_goes_in_one_write(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        set_up(NULL);
        for (unsigned i = 0; i < 20; i++)
            add_tcp((struct tcp){.v6 = v6,
                                 .sport = 5,
                                 .seq = 4294960000U + i * MSS,
                                 .flags = i == 19 ? TCP_ACK | TCP_PSH : TCP_ACK,
                                 .n = i == 19 ? 3 : MSS,
                                 .id = (uint16_t)(65530 + i)});
        expect(1);
    }
}

static void what_pushes_or_is_short_ends_a_run(void **state)
{
    (void)state;
    add_tcp((struct tcp){.seq = 0, .flags = TCP_ACK, .n = MSS});
    add_tcp((struct tcp){.seq = MSS, .flags = TCP_ACK | TCP_PSH, .n = MSS, .id = 1});
    add_tcp((struct tcp){.seq = 2 * MSS, .flags = TCP_ACK, .n = MSS - 1, .id = 2});
    add_tcp((struct tcp){.seq = 3 * MSS - 1, .flags = TCP_ACK, .n = MSS, .id = 3});
    expect(3);
}

static void what_does_not_follow_goes_by_itself(void **state)
{
    (void)state;
    add_tcp((struct tcp){.seq = 0, .flags = TCP_ACK, .n = MSS});
    add_tcp((struct tcp){.seq = 2 * MSS, .flags = TCP_ACK, .n = MSS, .id = 1}); /* a hole */
    add_tcp((struct tcp){
        .seq = 3 * MSS, .ack = 9, .flags = TCP_ACK, .n = MSS, .id = 2}); /* new ACK */
    add_tcp(
        (struct tcp){.seq = 4 * MSS, .ack = 9, .flags = TCP_ACK | TCP_FIN, .n = MSS, .id = 3});
    add_tcp((struct tcp){.seq = 5 * MSS, .ack = 9, .flags = TCP_ACK, .n = 0, .id = 4});
    expect(5);
}

/* Numbers of packets that may be fragmented must count on, for a router will use them. */
static void fragmentable_packets_join_by_their_numbers(void **state)
{
    (void)state;
    add_tcp((struct tcp){.seq = 0, .flags = TCP_ACK, .n = MSS, .id = 7, .may_fragment = true});
    add_tcp(
        (struct tcp){.seq = MSS, .flags = TCP_ACK, .n = MSS, .id = 8, .may_fragment = true});
    add_tcp((struct tcp){
        .seq = 2 * MSS, .flags = TCP_ACK, .n = MSS, .id = 10, .may_fragment = true});
    expect(2);
}

static void flows_that_alternate_each_go_in_one_write(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 24; i++)
        add_tcp((struct tcp){.v6 = i % 3 == 2,
                             .sport = (uint16_t)(i % 3),
                             .seq = i / 3 * MSS,
                             .flags = TCP_ACK,
                             .n = MSS,
                             .id = (uint16_t)(i / 3)});
    expect(3);
}

static void more_flows_than_runs_still_all_go(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * (MERGE_RUNS + 3); i++)
        add_tcp((struct tcp){.sport = (uint16_t)(i % (MERGE_RUNS + 3)),
                             .seq = i / (MERGE_RUNS + 3) * MSS,
                             .flags = TCP_ACK,
                             .n = MSS,
                             .id = (uint16_t)(i / (MERGE_RUNS + 3))});
    merge_begin(&merge);
    for (unsigned i = 0; i < n_in; i++)
        merge_packet(&merge, &in[i]);
    merge_end(&merge);
    assert_int_equal(out.n, n_in);
}

/* A wrong checksum must not become a right one. */
static void what_was_damaged_stays_damaged(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        uint8_t *p = add_tcp(
            (struct tcp){.seq = i * MSS, .flags = TCP_ACK, .n = MSS, .id = (uint16_t)i});

        if (i == 0 || i == 3)
            p[V4 + TCP_HEAD + 100] ^= 1;
    }
    expect(4); /* 0 | 1 2 | 3 | 4 5 */
}

static void datagrams_of_one_length_go_in_one_write(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        set_up(NULL);
        for (unsigned i = 0; i < 10; i++)
            add_udp(v6, 9, i == 9 ? 10 : 64);
        add_udp(v6, 9, 64); /* behind a short one nothing joins */
        expect(2);
    }
    set_up(NULL);
    merge.udp = false;
    add_udp(false, 9, 64);
    add_udp(false, 9, 64);
    expect(2);
}

/* RFC 768: a datagram without a checksum says nothing about whether it is whole. */
static void a_datagram_without_a_checksum_goes_by_itself(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        upper_put16(add_udp(false, 9, 64) + V4 + UDP_SUM_AT, 0);
    expect(3);
}

static void fragments_options_and_nonsense_pass_unchanged(void **state)
{
    (void)state;
    add_tcp((struct tcp){.seq = 0, .flags = TCP_ACK, .n = MSS})[IP4_FLAGS_AT] = 0x20;
    add_tcp((struct tcp){.seq = 0, .flags = TCP_ACK, .n = MSS})[0] = 0x46;
    add_tcp((struct tcp){.seq = 0, .flags = TCP_ACK, .n = MSS})[V4 + TCP_OFFSET_AT] = 0xf0;
    add_tcp((struct tcp){.seq = 0, .flags = TCP_ACK, .n = MSS})[V4 + TCP_OFFSET_AT] = 0x10;
    add_tcp((struct tcp){.v6 = true, .seq = 0, .flags = TCP_ACK, .n = MSS})[6] = 0;
    add_udp(false, 1, 30)[V4 + UDP_LENGTH_AT] = 9;
    for (size_t n = 0; n < 60; n++) {
        add_tcp((struct tcp){.seq = 0, .flags = TCP_ACK, .n = 1});
        in[n_in - 1].len = n % 2 == 0 ? n : 1 + n / 2;
    }
    expect(n_in);
}

static void packets_that_did_not_go_are_counted(void **state)
{
    (void)state;
    out.full = true;
    for (unsigned i = 0; i < 5; i++)
        add_tcp((struct tcp){.seq = i * MSS, .flags = TCP_ACK, .n = MSS, .id = (uint16_t)i});
    add_udp(false, 9, 64);
    merge_begin(&merge);
    for (unsigned i = 0; i < n_in; i++)
        merge_packet(&merge, &in[i]);
    merge_end(&merge);
    assert_int_equal(merge.lost, 6);
    assert_int_equal(out.writes, 2);
}

/* ---- cutting alone --------------------------------------------------------------- */

/* RFC 3168 section 6.1.2: the answer to congestion is given once. */
static void only_the_ends_of_a_large_packet_have_its_flags(void **state)
{
    struct virtio_net_hdr say = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                 .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN,
                                 .gso_size = 100,
                                 .csum_start = V4,
                                 .csum_offset = TCP_SUM_AT};
    const uint8_t flags[] = {TCP_ACK | TCP_CWR, TCP_ACK, TCP_ACK | TCP_PSH | TCP_FIN};
    uint8_t segment[ROOM];
    struct cut cut;

    (void)state;
    add_tcp((struct tcp){.flags = TCP_ACK | TCP_CWR | TCP_PSH | TCP_FIN, .n = 250, .seq = 5});
    assert_true(cut_begin(&cut, &say, room[0], in[0].len));
    for (unsigned i = 0; i < 3; i++) {
        const size_t len = cut_next_len(&cut);
        struct ip_flow flow;

        assert_int_equal(len, V4 + TCP_HEAD + (i < 2 ? 100 : 50));
        cut_next(&cut, segment);
        assert_int_equal(segment[V4 + TCP_FLAGS_AT], flags[i]);
        assert_int_equal(upper_get32(segment + V4 + TCP_SEQ_AT), 5 + 100 * i);
        assert_int_equal(ip_parse(&flow, (struct cv_span){segment, len}), CV_OK);
    }
    assert_int_equal(cut_next_len(&cut), 0);
}

/* The numbers come from the kernel, yet none of them is believed. */
static void a_large_packet_that_contradicts_itself_is_dropped(void **state)
{
    const struct virtio_net_hdr good = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                        .gso_size = 100,
                                        .csum_start = V4,
                                        .csum_offset = TCP_SUM_AT};
    uint8_t *exact;
    struct cut cut;

    (void)state;
    add_tcp((struct tcp){.flags = TCP_ACK, .n = 250});
    for (size_t n = 0; n < in[0].len; n++) {
        exact = malloc(n + 1);
        assert_non_null(exact);
        memcpy(exact, room[0], n);
        assert_int_equal(cut_begin(&cut, &good, exact, n), n > V4 + TCP_HEAD);
        free(exact);
    }
    for (unsigned start = 0; start < 70000; start += start < 100 ? 1 : 997) {
        struct virtio_net_hdr say = good;

        say.csum_start = (uint16_t)start;
        assert_int_equal(cut_begin(&cut, &say, room[0], in[0].len), say.csum_start == V4);
    }
    for (unsigned type = 0; type < 256; type++) {
        struct virtio_net_hdr say = good;

        say.gso_type = (uint8_t)type;
        if (!cut_begin(&cut, &say, room[0], in[0].len))
            assert_int_equal(cut_next_len(&cut), 0);
    }
}

static void a_checksum_left_to_us_is_finished(void **state)
{
    struct virtio_net_hdr say = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = V4, .csum_offset = TCP_SUM_AT};
    uint8_t *p = add_tcp((struct tcp){.flags = TCP_ACK, .n = 77});
    const size_t len = in[0].len;
    uint8_t want[ROOM];
    uint16_t pseudo = sum_fold(upper_pseudo(p, UPPER_TCP, len - V4));

    (void)state;
    memcpy(want, p, len);
    memcpy(p + V4 + TCP_SUM_AT, &pseudo, 2);
    assert_true(cut_finish_sum(&say, p, len));
    assert_memory_equal(p, want, len);
    say.csum_offset = (uint16_t)(len - V4 - 1);
    assert_false(cut_finish_sum(&say, p, len));
}

/* Against the plain form. */
static void sums_agree_with_the_plain_form(void **state)
{
    uint8_t octets[300];

    (void)state;
    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)(i * i + 255 * (i % 3));
    for (size_t n = 0; n <= sizeof(octets); n++) {
        const uint16_t sum = (uint16_t)~sum_fold(sum_add(0, octets, n));
        uint8_t b[2];

        memcpy(b, &sum, 2);
        assert_int_equal(b[0] << 8 | b[1], ip_checksum((struct cv_span){octets, n}));
    }
    memset(octets, 0xff, sizeof(octets));
    assert_int_equal(sum_fold(sum_add(UINT64_MAX, octets, sizeof(octets))), 0xffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_stream_goes_in_one_write, set_up),
        cmocka_unit_test_setup(what_pushes_or_is_short_ends_a_run, set_up),
        cmocka_unit_test_setup(what_does_not_follow_goes_by_itself, set_up),
        cmocka_unit_test_setup(fragmentable_packets_join_by_their_numbers, set_up),
        cmocka_unit_test_setup(flows_that_alternate_each_go_in_one_write, set_up),
        cmocka_unit_test_setup(more_flows_than_runs_still_all_go, set_up),
        cmocka_unit_test_setup(what_was_damaged_stays_damaged, set_up),
        cmocka_unit_test_setup(datagrams_of_one_length_go_in_one_write, set_up),
        cmocka_unit_test_setup(a_datagram_without_a_checksum_goes_by_itself, set_up),
        cmocka_unit_test_setup(fragments_options_and_nonsense_pass_unchanged, set_up),
        cmocka_unit_test_setup(packets_that_did_not_go_are_counted, set_up),
        cmocka_unit_test_setup(only_the_ends_of_a_large_packet_have_its_flags, set_up),
        cmocka_unit_test_setup(a_large_packet_that_contradicts_itself_is_dropped, set_up),
        cmocka_unit_test_setup(a_checksum_left_to_us_is_finished, set_up),
        cmocka_unit_test_setup(sums_agree_with_the_plain_form, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
