/* src/ipsec/ipsec.h: packets both ways, and what must not pass.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/plane_fixture.h"

/* ---- both ways ---- */

static void check_outer(const struct fixture *f, bool encap)
{
    const struct cv_endpoint local = outer(10, encap ? 4500 : 0);
    const struct cv_endpoint remote = outer(20, encap ? 4500 : 0);

    assert_int_equal(f->pkt.carrier, encap ? CV_UDP_4500 : CV_RAW_ESP);
    assert_true(endpoint_equal(&f->pkt.local, &local));
    assert_true(endpoint_equal(&f->pkt.remote, &remote));
    assert_int_equal(f->pkt.child, 100);
    assert_int_equal(f->way.pair[0], PAIR);
}

static void try_round_trips(unsigned suite, bool esn, bool encap)
{
    struct fixture room, *f = &room;
    uint8_t want[BUF_LEN];

    init_planes(f);
    for (unsigned side = 0; side < 2; side++) {
        struct cv_pair_config cfg = config(side, &suites[suite]);

        cfg.encap = encap;
        cfg.suite.esn = esn;
        install(side == 0 ? &f->device : &f->gateway, &cfg);
    }
    for (size_t n = 0; n < 600; n += 1 + n / 7) {
        const bool v6 = n % 2;
        size_t len;

        make_packet(f, v6, n);
        len = f->pkt.len;
        memcpy(want, cv_packet_data(&f->pkt), len);
        assert_int_equal(send_on(f, &f->device), CV_OK);
        check_outer(f, encap);
        carry(f);
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        assert_int_equal(f->pkt.verdict, CV_DELIVER);
        assert_int_equal(f->pkt.child, 200);
        assert_int_equal(f->way.notices[0], n == 0 ? CV_NOTICE_FIRST_IN : 0);
        assert_int_equal(f->pkt.len, len);
        assert_memory_equal(cv_packet_data(&f->pkt), want, len);
    }
    done(f);
}

static void packets_arrive_as_sent_for_every_suite_family_and_carrier(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES * 4; i++)
        try_round_trips(i / 4, i & 1, i & 2);
}

static void both_sides_count_what_they_carried(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    const struct cv_pair_counters *d = ipsec_counters(f->device.p, PAIR),
                                  *g = ipsec_counters(f->gateway.p, PAIR);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        send_packet(f, 100);
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    }
    assert_int_equal(d->packets_out, 3);
    assert_int_equal(d->bytes_out, 3 * 128);
    assert_int_equal(d->last_out_ms, 1000);
    assert_int_equal(d->packets_in + d->bytes_in + d->last_in_ms, 0);
    assert_int_equal(g->packets_in, 3);
    assert_int_equal(g->bytes_in, 3 * 128);
    assert_int_equal(g->last_in_ms, 2000);
    assert_int_equal(g->packets_out + g->bytes_out + g->last_out_ms, 0);
    ipsec_remove(f->gateway.p, PAIR);
    assert_int_equal(g->packets_in, 3); /* still there for who reports the end */
    done(f);
}

static void dscp_and_ecn_go_outside_and_a_mark_comes_back_in(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    struct ip_flow flow;

    (void)state;
    make_packet(f, false, 10);
    set_tos(cv_packet_data(&f->pkt), 0xb8 | 2);
    assert_int_equal(send_on(f, &f->device), CV_OK);
    assert_int_equal(f->pkt.tos, 0xb8 | 2);
    carry(f);
    f->pkt.tos |= 3; /* a congested router */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(ip_parse(&flow, span(cv_packet_data(&f->pkt), f->pkt.len)), CV_OK);
    assert_int_equal(flow.tos, 0xb8 | 3);
    send_packet(f, 10);
    f->pkt.tos = 3; /* marked although the ends do not speak ECN */
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_MALFORMED);
    assert_int_equal(f->pkt.verdict, CV_DROP);
    done(f);
}

/* ---- what must not pass ---- */

/* The plane's memory without the drop counters of the pair. */
static void snapshot(struct plane *pl, uint8_t out[MEM_LEN])
{
    const uint8_t *drops = (const uint8_t *)ipsec_counters(pl->p, PAIR)->drops;

    memcpy(out, pl->mem, MEM_LEN);
    memset(out + (drops - pl->mem), 0, sizeof(ipsec_counters(pl->p, PAIR)->drops));
}

static void try_every_flipped_bit(unsigned suite)
{
    struct fixture room, *f = fresh(&room, suite);
    uint8_t before[MEM_LEN], after[MEM_LEN], wire[BUF_LEN];
    struct cv_packet sent;
    uint64_t drops = 0;

    for (unsigned i = 0; i < 3; i++) /* no flipped bit makes number 3 a zero */
        send_packet(f, 30);
    sent = f->pkt;
    memcpy(wire, f->buf, sizeof(wire));
    snapshot(&f->gateway, before);
    for (size_t bit = 0; bit < sent.len * 8; bit++) {
        f->pkt = sent;
        f->pkt.remote.port = 9999; /* and as if the attacker sat elsewhere */
        memcpy(f->buf, wire, sizeof(wire));
        f->buf[sent.off + bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(receive_on(f, &f->gateway), bit < 32 ? CV_ERR_NO_SA : CV_ERR_ICV);
        assert_int_equal(f->pkt.verdict, CV_DROP);
        assert_int_equal(f->way.notices[0] & ~(unsigned)CV_NOTICE_ALARM, 0);
        drops += bit >= 32;
    }
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->drops[CV_CD_ICV], drops);
    snapshot(&f->gateway, after);
    assert_memory_equal(before, after, sizeof(before));
    f->pkt = sent;
    memcpy(f->buf, wire, sizeof(wire));
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    done(f);
}

static void flipped_bit_anywhere_is_dropped_and_changes_no_state(void **state)
{
    (void)state;
    try_every_flipped_bit(0);  /* AES-GCM */
    try_every_flipped_bit(9);  /* AES-CBC with HMAC-SHA-256 */
    try_every_flipped_bit(16); /* AES-CCM-8 with implicit IV */
}

static void every_proper_prefix_is_dropped(void **state)
{
    (void)state;
    for (unsigned suite = 0; suite < N_SUITES; suite++) {
        struct fixture room, *f = fresh(&room, suite);
        uint8_t before[MEM_LEN], after[MEM_LEN], wire[BUF_LEN];
        struct cv_packet sent;

        send_packet(f, 30);
        sent = f->pkt;
        memcpy(wire, f->buf, sizeof(wire));
        snapshot(&f->gateway, before);
        for (size_t n = 0; n < sent.len; n++) {
            enum cv_err err;

            f->pkt = sent;
            f->pkt.len = n;
            memcpy(f->buf, wire, sizeof(wire));
            err = receive_on(f, &f->gateway);
            assert_true(err == CV_ERR_SHORT || err == CV_ERR_MALFORMED || err == CV_ERR_ICV);
            assert_int_equal(f->pkt.verdict, CV_DROP);
        }
        snapshot(&f->gateway, after);
        assert_memory_equal(before, after, sizeof(before));
        done(f);
    }
}

static void a_hundred_thousand_replays_are_all_refused(void **state)
{
    enum { N = 50, ROUNDS = 2000 };
    struct fixture room, *f = fresh(&room, 0);
    static uint8_t wire[N][BUF_LEN];
    struct cv_packet sent = {0};
    unsigned alarms = 0;

    (void)state;
    for (unsigned i = 0; i < N; i++) {
        send_packet(f, 30);
        memcpy(wire[i], f->buf, sizeof(wire[i]));
        sent = f->pkt;
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    }
    for (unsigned i = 0; i < N * ROUNDS; i++) {
        f->pkt = sent;
        f->pkt.buf = wire[i % N];
        assert_int_equal(receive_on(f, &f->gateway), CV_ERR_REPLAY);
        alarms += (f->way.notices[0] & CV_NOTICE_ALARM) != 0;
    }
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->drops[CV_CD_REPLAY], N * ROUNDS);
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->packets_in, N);
    assert_int_equal(alarms, 13); /* at 16, 32, ... 65536 */
    done(f);
}

static void unknown_spi_finds_no_pair(void **state)
{
    struct fixture room, *f = fresh(&room, 0);

    (void)state;
    send_packet(f, 30);
    assert_int_equal(receive_on(f, &f->device), CV_ERR_NO_SA); /* its own packet, reflected */
    assert_int_equal(f->way.n, 0);
    assert_int_equal(f->pkt.child, 0);
    done(f);
}

static void esp_is_taken_from_either_carrier_but_not_from_the_ike_port(void **state)
{
    /* clang-format off */
    static const struct { bool encap; uint8_t carrier; enum cv_err want; } cases[] = {
        {true,  CV_UDP_4500, CV_OK}, {true,  CV_RAW_ESP, CV_OK},
        {false, CV_UDP_4500, CV_OK}, {false, CV_RAW_ESP, CV_OK},
        {true,  CV_UDP_500, CV_ERR_ENCAP},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture room, *f = fresh(&room, 0);
        const struct cv_endpoint local = outer(20, 4500), remote = outer(10, 4500);

        ipsec_move(f->gateway.p, PAIR,
                   &(struct cv_pair_path){local, remote, cases[i].encap, true});
        send_packet(f, 30);
        f->pkt.carrier = cases[i].carrier;
        assert_int_equal(receive_on(f, &f->gateway), cases[i].want);
        done(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_arrive_as_sent_for_every_suite_family_and_carrier),
        cmocka_unit_test(both_sides_count_what_they_carried),
        cmocka_unit_test(dscp_and_ecn_go_outside_and_a_mark_comes_back_in),
        cmocka_unit_test(flipped_bit_anywhere_is_dropped_and_changes_no_state),
        cmocka_unit_test(every_proper_prefix_is_dropped),
        cmocka_unit_test(a_hundred_thousand_replays_are_all_refused),
        cmocka_unit_test(unknown_spi_finds_no_pair),
        cmocka_unit_test(esp_is_taken_from_either_carrier_but_not_from_the_ike_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
