/* An SA that another owner used before: numbers go on where they stopped, and what was received
 * stays received.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipsec/ipsec.h"

enum { SPI = 0x1001, OFF = CV_HEADROOM, CAP = CV_HEADROOM + 64 + CV_TAILROOM };

/* 10.0.0.1 > 10.0.0.2, no payload */
static const uint8_t inner[] = {0x45, 0,    0,  20, 0, 0, 0,  0, 64, 59,
                                0x66, 0xad, 10, 0,  0, 1, 10, 0, 0,  2};

struct side {
    void *mem;
    struct ipsec *p;
};

/* A plane with one SA to itself; equal keys both ways. */
static struct side open_side(bool esn)
{
    static const uint64_t seed[2] = {1, 2};
    static const uint8_t key[20] = {1, 2, 3};
    const struct cv_endpoint here = {
        .addr.family = CV_IPV4, .addr.b = {192, 0, 2, 1}
    };
    const struct cv_endpoint there = {
        .addr.family = CV_IPV4, .addr.b = {192, 0, 2, 2}
    };
    const struct cv_span keys = {key, sizeof(key)};
    const struct cv_ts any = {
        .family = CV_IPV4,
        .port_hi = UINT16_MAX,
        .hi = {255, 255, 255, 255},
    };
    const struct cv_ts_list all = {.n = 1, .ts[0] = any};
    const struct cv_pair_config cfg = {
        .id = 1,
        .spi_in = SPI,
        .spi_out = SPI,
        .protocol = CV_PROTO_ESP,
        .suite = {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128, .esn = esn},
        .key_in = keys,
        .key_out = keys,
        .local_ts = all,
        .remote_ts = all,
        .local = here,
        .remote = there,
        .replay_window = 64,
    };
    struct side side;
    struct arena a = {0};

    ipsec_init(&a, 1, 0, &cv_crypto_openssl, seed);
    side.mem = malloc(a.used);
    assert_non_null(side.mem);
    a = (struct arena){.p = side.mem, .cap = a.used};
    side.p = ipsec_init(&a, 1, 0, &cv_crypto_openssl, seed);
    assert_non_null(side.p);
    assert_int_equal(ipsec_install(side.p, 0, &cfg, 0), CV_OK);
    ipsec_use_out(side.p, 0);
    return side;
}

static void close_side(struct side *side)
{
    ipsec_close(side->p);
    free(side->mem);
}

/* Seals one packet with the number after sent; then what receiver says of it. */
static enum cv_err pass(struct ipsec *sender, struct ipsec *receiver, uint64_t sent)
{
    uint8_t buf[CAP];
    struct cv_packet pkt = {.buf = buf, .cap = CAP, .off = OFF, .len = sizeof(inner)};
    struct ipsec_way way;

    ipsec_restore(sender, 0, sent, 0, NULL, 0);
    memcpy(buf + OFF, inner, sizeof(inner));
    ipsec_out(sender, &pkt, 0, &way);
    if (pkt.err != CV_OK)
        return pkt.err;
    pkt.carrier = CV_RAW_ESP;
    ipsec_in(receiver, &pkt, 0, &way);
    return pkt.err;
}

static enum cv_err number_is(struct ipsec *receiver, bool esn, uint64_t seq)
{
    struct side sender = open_side(esn);
    enum cv_err err = pass(sender.p, receiver, seq - 1);

    close_side(&sender);
    return err;
}

static void what_was_received_before_stays_received(void **state)
{
    static const uint32_t seen[2] = {0x00000005, 0x80000000}; /* 100, 98, 37 */
    struct side side = open_side(false);

    (void)state;
    ipsec_restore(side.p, 0, 0, 100, seen, 2);
    assert_int_equal(number_is(side.p, false, 100), CV_ERR_REPLAY);
    assert_int_equal(number_is(side.p, false, 98), CV_ERR_REPLAY);
    assert_int_equal(number_is(side.p, false, 37), CV_ERR_REPLAY);
    assert_int_equal(number_is(side.p, false, 36), CV_ERR_REPLAY); /* left of the window */
    assert_int_equal(number_is(side.p, false, 99), CV_OK);
    assert_int_equal(number_is(side.p, false, 99), CV_ERR_REPLAY);
    assert_int_equal(number_is(side.p, false, 38), CV_OK);
    assert_int_equal(number_is(side.p, false, 101), CV_OK);
    close_side(&side);
}

static void bits_below_number_one_mean_nothing(void **state)
{
    static const uint32_t seen[1] = {UINT32_MAX};
    struct side side = open_side(false);

    (void)state;
    ipsec_restore(side.p, 0, 0, 2, seen, 1);
    assert_int_equal(number_is(side.p, false, 1), CV_ERR_REPLAY);
    assert_int_equal(number_is(side.p, false, 2), CV_ERR_REPLAY);
    assert_int_equal(number_is(side.p, false, 3), CV_OK);
    close_side(&side);
}

static void the_high_half_is_restored_too(void **state)
{
    const uint64_t received = UINT64_C(7) << 32 | UINT32_MAX;
    struct side side = open_side(true);

    (void)state;
    ipsec_restore(side.p, 0, 0, received, NULL, 0);
    assert_int_equal(number_is(side.p, true, received), CV_ERR_REPLAY);
    assert_int_equal(number_is(side.p, true, received + 1), CV_OK);
    assert_int_equal(number_is(side.p, true, received - 1), CV_OK);
    close_side(&side);
}

static void a_number_that_was_sent_is_never_sent_again(void **state)
{
    struct side side = open_side(false), other = open_side(false);

    (void)state;
    assert_int_equal(pass(side.p, other.p, 9), CV_OK);
    assert_int_equal(pass(side.p, other.p, 3), CV_OK); /* 11, not 4 */
    assert_int_equal(number_is(other.p, false, 11), CV_ERR_REPLAY);
    assert_int_equal(number_is(other.p, false, 4), CV_OK);
    assert_int_equal(pass(side.p, other.p, UINT32_MAX), CV_ERR_SEQ_EXHAUSTED);
    close_side(&side);
    close_side(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_received_before_stays_received),
        cmocka_unit_test(bits_below_number_one_mean_nothing),
        cmocka_unit_test(the_high_half_is_restored_too),
        cmocka_unit_test(a_number_that_was_sent_is_never_sent_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
