/* src/ipsec/ipsec.h: limits, sequence numbers, and where the peer is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/plane_fixture.h"

/* ---- lifetimes ---- */

static void try_limits(struct cv_pair_config limits, unsigned soft_at, unsigned hard_at,
                       bool out)
{
    struct fixture room, *f = fresh(&room, 0);
    struct plane *limited = out ? &f->device : &f->gateway;
    struct cv_pair_config cfg = config(out ? 0 : 1, &suites[0]);

    cfg.life = limits.life;
    cfg.soft_bytes = limits.soft_bytes;
    cfg.soft_packets = limits.soft_packets;
    ipsec_remove(limited->p, PAIR);
    install(limited, &cfg);
    for (unsigned i = 1; i < hard_at + 5; i++) {
        const enum cv_err want = i > hard_at ? CV_ERR_EXPIRED : CV_OK;
        unsigned notices = 0;

        make_packet(f, false, 72); /* 100 octets */
        if (out) {
            assert_int_equal(send_on(f, &f->device), want);
        } else {
            assert_int_equal(send_on(f, &f->device), CV_OK);
            carry(f);
            assert_int_equal(receive_on(f, &f->gateway), want);
            if (i == 1)
                notices |= CV_NOTICE_FIRST_IN;
        }
        if (i == soft_at)
            notices |= CV_NOTICE_SOFT_LIMIT;
        if (i == hard_at)
            notices |= CV_NOTICE_HARD_LIMIT;
        assert_int_equal(f->way.notices[0], notices);
    }
    done(f);
}

static void limits_are_told_once_and_the_hard_one_ends_the_sa(void **state)
{
    (void)state;
    for (unsigned out = 0; out < 2; out++) {
        try_limits((struct cv_pair_config){.soft_packets = 3, .life.hard_packets = 5}, 3, 5,
                   out);
        try_limits((struct cv_pair_config){.soft_bytes = 250, .life.hard_bytes = 600}, 3, 6,
                   out);
        try_limits((struct cv_pair_config){.soft_bytes = 300, .life.hard_packets = 4}, 3, 4,
                   out);
        try_limits((struct cv_pair_config){.life.hard_packets = 4}, 0, 4, out);
        try_limits((struct cv_pair_config){.soft_packets = 4, .life.hard_packets = 4}, 4, 4,
                   out);
    }
}

static void rekey_is_asked_for_long_before_the_numbers_end(void **state)
{
    const uint64_t margin = UINT64_C(1) << 20;
    struct fixture room, *f = fresh(&room, 0);
    struct esp_sa *sa = find_outbound(&f->device, GATEWAY_SPI);

    (void)state;
    sa->seq = UINT32_MAX - margin - 1;
    send_packet(f, 1);
    assert_int_equal(f->way.notices[0], 0);
    send_packet(f, 1);
    assert_int_equal(f->way.notices[0], CV_NOTICE_SOFT_LIMIT);
    send_packet(f, 1);
    assert_int_equal(f->way.notices[0], 0);
    sa->seq = UINT32_MAX - 1;
    send_packet(f, 1);
    assert_int_equal(f->way.notices[0], 0);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    for (unsigned i = 0; i < 3; i++) {
        make_packet(f, false, 1);
        assert_int_equal(send_on(f, &f->device),
                         i == 0 ? CV_ERR_SEQ_EXHAUSTED : CV_ERR_EXPIRED);
        assert_int_equal(f->way.notices[0], i == 0 ? CV_NOTICE_HARD_LIMIT : 0);
    }
    done(f);
}

static void extended_numbers_go_on_past_two_to_the_32(void **state)
{
    struct fixture room, *f = &room;
    struct esp_sa *sa;

    (void)state;
    init_planes(f);
    for (unsigned side = 0; side < 2; side++) {
        struct cv_pair_config cfg = config(side, &suites[8]);

        cfg.suite.esn = CV_ESN_YES;
        install(side == 0 ? &f->device : &f->gateway, &cfg);
    }
    sa = find_outbound(&f->device, GATEWAY_SPI);
    sa->seq = UINT32_MAX - 1000U;
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t wire[BUF_LEN];
        struct cv_packet sent;

        send_packet(f, 1);
        assert_int_equal(f->way.notices[0], 0);
        sent = f->pkt;
        memcpy(wire, f->buf, sizeof(wire));
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        f->pkt = sent;
        f->pkt.buf = wire;
        assert_int_equal(receive_on(f, &f->gateway), CV_ERR_REPLAY);
    }
    assert_int_equal(sa->seq, (uint64_t)UINT32_MAX + 2000);
    done(f);
}

/* ---- numbers from the clock ---- */

static struct esp_sa *with_clock(struct fixture *f, bool esn, uint64_t now_ms)
{
    init_planes(f);
    for (unsigned side = 0; side < 2; side++) {
        struct cv_pair_config cfg = config(side, &suites[0]);
        struct plane *pl = side == 0 ? &f->device : &f->gateway;

        cfg.suite.esn = esn ? CV_ESN_YES : CV_ESN_NO;
        cfg.clock_seq = side == 0;
        assert_int_equal(ipsec_install(pl->p, PAIR, &cfg, now_ms), CV_OK);
        ipsec_use_out(pl->p, PAIR);
    }
    return find_outbound(&f->device, GATEWAY_SPI);
}

static enum cv_err send_at(struct fixture *f, uint64_t now_ms)
{
    make_packet(f, false, 20);
    ipsec_out(f->device.p, &f->pkt, now_ms, &f->way);
    return f->pkt.err;
}

static void numbers_follow_the_clock_and_never_repeat(void **state)
{
    static const uint64_t START = UINT64_C(5000000000123);
    static const struct {
        uint64_t after_ms, number;
    } sent[] = {
        {0,                       124       },
        {0,                       125       },
        {0,                       126       },
        {1,                       127       },
        {10,                      134       },
        {60000,                   60124     },
        {50000,                   60125     }, /* a clock that goes back */
        {UINT64_C(86400000) * 24, 2073600124},
    };

    (void)state;
    for (unsigned esn = 0; esn < 2; esn++) {
        struct fixture room, *f = &room;
        struct esp_sa *sa = with_clock(f, esn, START);

        for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
            assert_int_equal(send_at(f, START + sent[i].after_ms), CV_OK);
            assert_int_equal(sa->seq, sent[i].number);
            carry(f);
            assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        }
        done(f);
    }
}

static void numbers_from_the_clock_end_with_it(void **state)
{
    const uint64_t all_ms = UINT64_C(1) << 32, margin = UINT64_C(1) << 20;
    struct fixture room, *f = &room;

    (void)state;
    with_clock(f, false, 0);
    assert_int_equal(send_at(f, all_ms - margin - 2), CV_OK);
    assert_int_equal(f->way.notices[0], 0);
    assert_int_equal(send_at(f, all_ms - margin), CV_OK);
    assert_int_equal(f->way.notices[0], CV_NOTICE_SOFT_LIMIT);
    assert_int_equal(send_at(f, all_ms + 5), CV_ERR_SEQ_EXHAUSTED);
    assert_int_equal(f->way.notices[0], CV_NOTICE_HARD_LIMIT);
    done(f);
    with_clock(f, true, 0);
    assert_int_equal(send_at(f, all_ms / 2), CV_OK);
    assert_int_equal(send_at(f, all_ms - 1), CV_OK);
    assert_int_equal(send_at(f, all_ms + 5), CV_OK);
    assert_int_equal(f->way.notices[0], 0);
    done(f);
}

/* RFC 4303 appendix A2.2: what is left of the window counts as the next 2^32. */
static void extended_numbers_may_jump_by_two_to_the_31(void **state)
{
    const uint64_t jump = UINT64_C(1) << 31;
    struct fixture room, *f = &room;

    (void)state;
    with_clock(f, true, 0);
    for (uint64_t now_ms = 7; now_ms < 12 * jump; now_ms += jump) {
        assert_int_equal(send_at(f, now_ms), CV_OK);
        carry(f);
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    }
    done(f);
}

/* ---- the peer's endpoint ---- */

static bool sends_to(struct fixture *f, struct cv_endpoint want)
{
    f->pkt = packet_in(
        f->buf, make_udp(f->buf + CV_HEADROOM, broker_ip(false), device_ip(false), 1, 2, 3));
    assert_int_equal(send_on(f, &f->gateway), CV_OK);
    return endpoint_equal(&f->pkt.remote, &want);
}

static void newest_authentic_packet_moves_the_peer(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    uint8_t late[BUF_LEN];
    struct cv_packet late_pkt;

    (void)state;
    send_packet(f, 1);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->way.notices[0], CV_NOTICE_FIRST_IN); /* from where we knew it */
    send_packet(f, 1);
    memcpy(late, f->buf, sizeof(late));
    late_pkt = f->pkt;
    late_pkt.buf = late;
    send_packet(f, 1);
    f->pkt.remote = outer(10, 61000); /* the NAT has a new mapping */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->way.notices[0], CV_NOTICE_MOVED);
    assert_true(sends_to(f, outer(10, 61000)));
    f->pkt = late_pkt; /* authentic and not replayed, but older */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->way.notices[0], 0);
    assert_true(sends_to(f, outer(10, 61000)));
    send_packet(f, 1);
    f->pkt.remote = outer(99, 4500); /* another address as well */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->way.notices[0], CV_NOTICE_MOVED);
    assert_true(sends_to(f, outer(99, 4500)));
    done(f);
}

static void replayed_or_forged_packet_does_not_move_the_peer(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    uint8_t wire[BUF_LEN];
    struct cv_packet sent;

    (void)state;
    send_packet(f, 1);
    memcpy(wire, f->buf, sizeof(wire));
    sent = f->pkt;
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    memcpy(f->buf, wire, sizeof(wire));
    f->pkt = sent;
    f->pkt.remote = outer(66, 6666);
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_REPLAY);
    assert_int_equal(f->way.notices[0], 0);
    send_packet(f, 1);
    f->buf[f->pkt.off + f->pkt.len - 1] ^= 1;
    f->pkt.remote = outer(66, 6666);
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_ICV);
    assert_int_equal(f->way.notices[0], CV_NOTICE_ALARM);
    assert_true(sends_to(f, outer(10, 4500)));
    done(f);
}

static void raw_packet_or_fixed_peer_does_not_move(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct fixture room, *f = fresh(&room, 0);
        struct cv_pair_config cfg = config(1, &suites[0]);

        cfg.encap = i != 1;
        cfg.fixed_remote = i == 2;
        ipsec_remove(f->gateway.p, PAIR);
        install(&f->gateway, &cfg);
        send_packet(f, 1);
        f->pkt.remote = outer(10, 61000);
        if (i == 0)
            f->pkt.carrier = CV_RAW_ESP;
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        assert_int_equal(f->way.notices[0], CV_NOTICE_FIRST_IN);
        assert_true(sends_to(f, outer(10, cfg.encap ? 4500 : 0)));
        done(f);
    }
}

static void move_changes_endpoints_and_encapsulation(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    const struct cv_endpoint local = outer(30, 4500), remote = outer(40, 4501);

    (void)state;
    ipsec_move(f->gateway.p, PAIR, &(struct cv_pair_path){local, remote, false, true});
    assert_true(sends_to(f, outer(40, 0)));
    assert_int_equal(f->pkt.carrier, CV_RAW_ESP);
    ipsec_move(f->gateway.p, PAIR, &(struct cv_pair_path){local, remote, true, true});
    assert_true(sends_to(f, remote));
    assert_true(endpoint_equal(&f->pkt.local, &local));
    done(f);
}

/* A peer that moves out from behind a NAT no longer moves without a word, and the other way
 * round. */
static void a_move_says_whether_packets_move_the_peer_from_then_on(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    const struct cv_endpoint local = outer(30, 4500), remote = outer(40, 4501);

    (void)state;
    for (int fixed = 0; fixed < 2; fixed++) {
        ipsec_move(f->gateway.p, PAIR, &(struct cv_pair_path){local, remote, true, fixed});
        send_packet(f, 1);
        f->pkt.remote = outer(41, 61000);
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        assert_int_equal((f->way.notices[0] & CV_NOTICE_MOVED) != 0, !fixed);
    }
    done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_told_once_and_the_hard_one_ends_the_sa),
        cmocka_unit_test(rekey_is_asked_for_long_before_the_numbers_end),
        cmocka_unit_test(extended_numbers_go_on_past_two_to_the_32),
        cmocka_unit_test(numbers_follow_the_clock_and_never_repeat),
        cmocka_unit_test(numbers_from_the_clock_end_with_it),
        cmocka_unit_test(extended_numbers_may_jump_by_two_to_the_31),
        cmocka_unit_test(newest_authentic_packet_moves_the_peer),
        cmocka_unit_test(replayed_or_forged_packet_does_not_move_the_peer),
        cmocka_unit_test(raw_packet_or_fixed_peer_does_not_move),
        cmocka_unit_test(move_changes_endpoints_and_encapsulation),
        cmocka_unit_test(a_move_says_whether_packets_move_the_peer_from_then_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
