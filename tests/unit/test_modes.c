/* The data plane in every mode: ESP and AH, tunnel and transport, all four pairings of IP
 * versions, with and without UDP.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/modes_fixture.h"

static void check_arrived(const struct cv_packet *pkt, const uint8_t *want, size_t len)
{
    assert_int_equal(pkt->verdict, CV_DELIVER);
    assert_int_equal(pkt->len, len);
    assert_memory_equal(cv_packet_data(pkt), want, len);
    assert_true(upper_checksum_is_right(pkt));
}

static void try_way(const struct way *w)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, w);
    uint8_t want[BUF_LEN];

    for (size_t n = 0; n < 300; n += 1 + n / 5) {
        size_t len;

        make_packet(f, w, n);
        set_tos(cv_packet_data(&f->pkt), 0xb8);
        len = f->pkt.len;
        memcpy(want, cv_packet_data(&f->pkt), len);
        assert_int_equal(send_left(f), CV_OK);
        assert_int_equal(f->pkt.carrier, w->protocol == CV_PROTO_AH ? CV_RAW_AH
                                         : w->encap                 ? CV_UDP_4500
                                                                    : CV_RAW_ESP);
        assert_int_equal(f->pkt.tos, 0xb8);
        assert_int_equal(receive_right(f), CV_OK);
        check_arrived(&f->pkt, want, len);
    }
    done(f);
}

static void packets_arrive_in_every_mode_family_and_suite(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 32; bits++) {
        struct way w = {
            .protocol = bits & 1 ? CV_PROTO_AH : CV_PROTO_ESP,
            .mode = bits & 2 ? CV_TRANSPORT : CV_TUNNEL,
            .outer6 = bits & 4,
            .inner6 = bits & 8,
            .encap = !(bits & 1) && bits & 16,
            .esn = bits & 16,
        };
        const unsigned n = bits & 1 ? N_AH_SUITES : N_SUITES;

        for (unsigned i = 0; i < n; i++) {
            w.suite = bits & 1 ? &ah_suites[i] : &suites[i];
            try_way(&w);
        }
    }
}

/* Every bit of a packet outside that no router may change. */
static void try_flips(const struct way *w)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, w);
    const uint8_t *drops = (const uint8_t *)ipsec_counters(f->right.p, PAIR)->drops;
    const size_t n_drops = sizeof(ipsec_counters(f->right.p, PAIR)->drops);
    static uint8_t before[MEM_LEN], wire[BUF_LEN];
    struct cv_packet sent;
    size_t accepted = 0;

    for (unsigned i = 0; i < 3; i++) {
        make_packet(f, w, 30);
        assert_int_equal(send_left(f), CV_OK);
    }
    sent = f->pkt;
    memcpy(wire, f->buf, sizeof(wire));
    memcpy(before, f->right.mem, MEM_LEN);
    for (size_t bit = 0; bit < sent.len * 8; bit++) {
        f->pkt = sent;
        memcpy(f->buf, wire, sizeof(wire));
        f->buf[sent.off + bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (receive_right(f) == CV_OK) {
            /* mutable; the packet is what was sent, but the next will be a replay */
            accepted++;
            done(f);
            fresh(f, w);
            continue;
        }
        assert_int_equal(f->pkt.verdict, CV_DROP);
        memset(f->right.mem + (drops - f->right.mem), 0, n_drops);
        if (accepted == 0)
            assert_memory_equal(before, f->right.mem, MEM_LEN);
    }
    /* IPv4: the checksum guards every mutable field.  IPv6: class, label, hop limit, and
     * AH's two reserved octets are authentic. */
    assert_int_equal(accepted, w->protocol == CV_PROTO_AH && w->outer6 ? 4 + 24 + 8 : 0);
    done(f);
}

static void flipped_bit_is_dropped_and_changes_no_state(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 8; bits++) {
        const struct way w = {
            .protocol = bits & 1 ? CV_PROTO_AH : CV_PROTO_ESP,
            .mode = bits & 2 ? CV_TRANSPORT : CV_TUNNEL,
            .outer6 = bits & 4,
            .suite = bits & 1 ? &ah_suites[4] : &suites[0],
        };

        try_flips(&w);
    }
}

static void replay_is_refused_in_every_mode(void **state)
{
    static struct fixture room;

    (void)state;
    for (unsigned bits = 0; bits < 4; bits++) {
        const struct way w = {
            .protocol = bits & 1 ? CV_PROTO_AH : CV_PROTO_ESP,
            .mode = bits & 2 ? CV_TRANSPORT : CV_TUNNEL,
            .suite = bits & 1 ? &ah_suites[4] : &suites[0],
        };
        struct fixture *f = fresh(&room, &w);
        uint8_t wire[BUF_LEN];
        struct cv_packet sent;

        make_packet(f, &w, 30);
        assert_int_equal(send_left(f), CV_OK);
        sent = f->pkt;
        memcpy(wire, f->buf, sizeof(wire));
        assert_int_equal(receive_right(f), CV_OK);
        f->pkt = sent;
        memcpy(f->buf, wire, sizeof(wire));
        assert_int_equal(receive_right(f), CV_ERR_REPLAY);
        done(f);
    }
}

/* RFC 4543 section 3.1: no nonce twice under one key, and the number of a packet is never used
 * again. */
static void the_iv_of_gmac_is_the_packets_number(void **state)
{
    static const struct way w = {
        .protocol = CV_PROTO_AH, .mode = CV_TRANSPORT, .suite = &ah_suites[N_AH_SUITES - 1]};
    static struct fixture room;
    struct fixture *f = fresh(&room, &w);

    (void)state;
    assert_int_equal(w.suite->suite.integ, CV_INTEG_AES_256_GMAC);
    for (unsigned i = 1; i < 20; i++) {
        make_packet(f, &w, 30);
        assert_int_equal(send_left(f), CV_OK);
        for (unsigned at = 0; at < 8; at++)
            assert_int_equal(cv_packet_data(&f->pkt)[20 + 12 + at], at == 7 ? i : 0);
        assert_int_equal(receive_right(f), CV_OK);
    }
    done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_arrive_in_every_mode_family_and_suite),
        cmocka_unit_test(flipped_bit_is_dropped_and_changes_no_state),
        cmocka_unit_test(replay_is_refused_in_every_mode),
        cmocka_unit_test(the_iv_of_gmac_is_the_packets_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
