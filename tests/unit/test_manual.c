/* include/culvert/ipsec.h: SAs with manual keys; and the example that shows them, which is
 * built into this program and run.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <culvert/ipsec.h>

#include "tests/support/ipsec_fixture.h"

int example_main(void);
#define main example_main
#include "examples/manual_keys.c"
#undef main

enum { SPI = 0x1001, BATCH = 5 };

static struct cv_sa_config config(const struct named_suite *s)
{
    return (struct cv_sa_config){
        .crypto = &cv_crypto_openssl,
        .protocol = s->suite.encr != 0 ? CV_PROTO_ESP : CV_PROTO_AH,
        .mode = CV_TUNNEL,
        .spi = SPI,
        .encr = s->suite.encr,
        .encr_bits = s->suite.encr_bits,
        .integ = s->suite.integ,
        .key = span(keymat[0], s->key_len),
        .window = 64,
    };
}

static struct cv_packet make(uint8_t buf[BUF_LEN], size_t n)
{
    return packet_in(
        buf, make_udp(buf + CV_HEADROOM, ip4(10, 0, 0, 1), ip4(10, 0, 0, 2), 1000, 2000, n));
}

static void example_runs(void **state)
{
    (void)state;
    assert_int_equal(example_main(), 0);
}

static void packets_arrive_for_every_suite_and_protocol(void **state)
{
    static const struct named_suite ah = {"AH", {.integ = CV_INTEG_HMAC_SHA2_256_128}, 32};
    uint8_t buf[BUF_LEN], want[BUF_LEN];

    (void)state;
    for (unsigned i = 0; i <= N_SUITES; i++) {
        struct cv_sa_config cfg = config(i < N_SUITES ? &suites[i] : &ah);
        struct cv_sa sender, receiver;

        cfg.esn = i % 2;
        cfg.local.addr = ip4(192, 0, 2, 1);
        cfg.remote.addr = ip4(192, 0, 2, 2);
        assert_int_equal(cv_sa_key_len(&cfg), cfg.key.n);
        assert_int_equal(cv_sa_init(&sender, &cfg), CV_OK);
        assert_int_equal(cv_sa_init(&receiver, &cfg), CV_OK);
        for (unsigned n = 1; n < 100; n++) {
            struct cv_packet pkt = make(buf, n);
            const size_t len = pkt.len;

            memcpy(want, cv_packet_data(&pkt), len);
            assert_int_equal(cv_sa_seal(&sender, &pkt), CV_OK);
            assert_int_equal(pkt.verdict, CV_TRANSMIT);
            assert_int_equal(cv_sa_seq(&sender), n);
            assert_int_equal(cv_sa_open(&receiver, &pkt), CV_OK);
            assert_int_equal(pkt.verdict, CV_DELIVER);
            assert_int_equal(cv_sa_seq(&receiver), n);
            assert_int_equal(pkt.len, len);
            assert_memory_equal(cv_packet_data(&pkt), want, len);
        }
        cv_sa_close(&sender);
        cv_sa_close(&receiver);
    }
}

static void batch_tells_for_each_packet_what_became_of_it(void **state)
{
    static uint8_t bufs[BATCH][BUF_LEN];
    const struct cv_sa_config cfg = config(&suites[0]);
    struct cv_packet pkts[BATCH];
    struct cv_sa sender, receiver;

    (void)state;
    assert_int_equal(cv_sa_init(&sender, &cfg), CV_OK);
    assert_int_equal(cv_sa_init(&receiver, &cfg), CV_OK);
    for (unsigned i = 0; i < BATCH; i++)
        pkts[i] = make(bufs[i], 10 * i);
    pkts[1].len = 19; /* not a packet */
    assert_int_equal(cv_sa_seal_batch(&sender, pkts, BATCH), BATCH - 1);
    assert_int_equal(pkts[1].err, CV_ERR_SHORT);
    assert_int_equal(pkts[1].verdict, CV_DROP);
    memcpy(bufs[4], bufs[3], BUF_LEN); /* a replay */
    pkts[4] = pkts[3];
    pkts[4].buf = bufs[4];
    bufs[2][pkts[2].off + 20] ^= 1; /* tampered with */
    assert_int_equal(cv_sa_open_batch(&receiver, pkts, BATCH), 2);
    assert_int_equal(pkts[0].verdict, CV_DELIVER);
    assert_int_equal(pkts[2].err, CV_ERR_ICV);
    assert_int_equal(pkts[3].verdict, CV_DELIVER);
    assert_int_equal(pkts[4].err, CV_ERR_REPLAY);
    cv_sa_close(&sender);
    cv_sa_close(&receiver);
}

static void sa_that_goes_on_repeats_no_number_and_takes_no_replay(void **state)
{
    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        struct cv_sa_config cfg = config(&suites[0]);
        uint8_t old[BUF_LEN], buf[BUF_LEN], fresh[BUF_LEN];
        struct cv_packet first = make(old, 30), pkt, next;
        struct cv_sa sender, receiver;

        cfg.window = wide ? CV_SA_WINDOW_MAX : 64;
        assert_int_equal(cv_sa_init(&sender, &cfg), CV_OK);
        assert_int_equal(cv_sa_seal(&sender, &first), CV_OK);
        cfg.first_seq = cv_sa_seq(&sender);
        cv_sa_close(&sender);
        assert_int_equal(cv_sa_init(&sender, &cfg), CV_OK);
        assert_int_equal(cv_sa_init(&receiver, &cfg), CV_OK);
        memcpy(buf, old, sizeof(buf));
        pkt = first;
        pkt.buf = buf;
        assert_int_equal(cv_sa_open(&receiver, &pkt), CV_ERR_REPLAY);
        next = make(fresh, 30);
        assert_int_equal(cv_sa_seal(&sender, &next), CV_OK);
        assert_int_equal(cv_sa_seq(&sender), 2);
        assert_int_equal(cv_sa_open(&receiver, &next), CV_OK);
        cv_sa_close(&sender);
        cv_sa_close(&receiver);
    }
}

static void a_clock_keeps_numbers_apart_across_restarts(void **state)
{
    struct cv_sa_config cfg = config(&suites[0]);
    struct cv_sa sender, receiver;
    uint64_t clock_ms = 1000, last = 0;

    (void)state;
    cfg.window = 64;
    assert_int_equal(cv_sa_init(&receiver, &cfg), CV_OK);
    for (unsigned boot = 0; boot < 3; boot++) {
        assert_int_equal(cv_sa_init(&sender, &cfg), CV_OK); /* it knows of no number */
        for (unsigned i = 0; i < 5; i++, clock_ms += i) {
            uint8_t buf[BUF_LEN];
            struct cv_packet pkt = make(buf, 30);

            cv_sa_raise_seq(&sender, clock_ms);
            assert_int_equal(cv_sa_seal(&sender, &pkt), CV_OK);
            assert_true(cv_sa_seq(&sender) > last);
            last = cv_sa_seq(&sender);
            assert_int_equal(cv_sa_open(&receiver, &pkt), CV_OK);
        }
        cv_sa_close(&sender);
        clock_ms += 1;
    }
    assert_int_equal(cv_sa_init(&sender, &cfg), CV_OK);
    cv_sa_raise_seq(&sender, 5);
    cv_sa_raise_seq(&sender, 4);
    assert_int_equal(cv_sa_seq(&sender), 5);
    cv_sa_raise_seq(&sender, UINT64_MAX);
    assert_int_equal(cv_sa_seq(&sender), UINT32_MAX);
    cv_sa_close(&sender);
    cv_sa_close(&receiver);
}

static void other_spi_or_carrier_is_told_apart(void **state)
{
    const struct cv_sa_config cfg = config(&suites[0]);
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt = make(buf, 30);
    struct cv_sa sa;

    (void)state;
    assert_int_equal(cv_sa_init(&sa, &cfg), CV_OK);
    assert_int_equal(cv_sa_seal(&sa, &pkt), CV_OK);
    pkt.carrier = CV_UDP_500;
    assert_int_equal(cv_sa_open(&sa, &pkt), CV_ERR_ENCAP);
    pkt.carrier = CV_RAW_ESP;
    cv_packet_data(&pkt)[3] ^= 1;
    assert_int_equal(cv_sa_open(&sa, &pkt), CV_ERR_NO_SA);
    for (size_t n = 0; n < 8; n++) {
        pkt.len = n;
        assert_int_equal(cv_sa_open(&sa, &pkt), CV_ERR_SHORT);
    }
    cv_sa_close(&sa);
}

static void senseless_configurations_are_refused_and_leave_nothing(void **state)
{
    static const struct cv_sa zero;

    (void)state;
    for (unsigned i = 0;; i++) {
        struct cv_sa_config cfg = config(&suites[0]);
        enum cv_err want = CV_ERR_ARGUMENT;
        struct cv_sa sa;

        switch (i) {
        case 0:
            cfg.spi = 255;
            break;
        case 1:
            cfg.key.n--;
            break;
        case 2:
            cfg.integ_key = span(keymat[0], 1);
            break;
        case 3:
            cfg.mode = CV_TRANSPORT; /* without addresses */
            break;
        case 4:
            cfg.window = CV_SA_WINDOW_MAX + 1;
            break;
        case 5:
            cfg.first_seq = UINT64_C(1) << 32;
            break;
        case 6:
            cfg.mode = 2;
            want = CV_ERR_UNSUPPORTED;
            break;
        case 7:
            cfg.protocol = CV_PROTO_IKE;
            want = CV_ERR_UNSUPPORTED;
            break;
        case 8:
            cfg.encr = CV_ENCR_AES_CBC; /* alone, it protects nothing */
            want = CV_ERR_UNSUPPORTED;
            break;
        case 9:
            cfg.protocol = CV_PROTO_AH;
            cfg.encap = true;
            want = CV_ERR_UNSUPPORTED;
            break;
        default:
            return;
        }
        assert_int_equal(cv_sa_init(&sa, &cfg), want);
        assert_memory_equal(&sa, &zero, sizeof(sa));
        cv_sa_close(&sa);
    }
}

static void closed_sa_holds_no_secret_and_may_be_closed_again(void **state)
{
    static const struct cv_sa zero;
    const struct cv_sa_config cfg = config(&suites[0]);
    struct cv_sa sa;

    (void)state;
    assert_int_equal(cv_sa_init(&sa, &cfg), CV_OK);
    cv_sa_close(&sa);
    assert_memory_equal(&sa, &zero, sizeof(sa));
    cv_sa_close(&sa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_runs),
        cmocka_unit_test(packets_arrive_for_every_suite_and_protocol),
        cmocka_unit_test(batch_tells_for_each_packet_what_became_of_it),
        cmocka_unit_test(sa_that_goes_on_repeats_no_number_and_takes_no_replay),
        cmocka_unit_test(a_clock_keeps_numbers_apart_across_restarts),
        cmocka_unit_test(other_spi_or_carrier_is_told_apart),
        cmocka_unit_test(senseless_configurations_are_refused_and_leave_nothing),
        cmocka_unit_test(closed_sa_holds_no_secret_and_may_be_closed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
