/* src/ipsec/ipsec.h: pairs come and go, and what an install refuses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "tests/support/plane_fixture.h"

static void rekeyed_pair_takes_over_outbound_while_both_receive(void **state)
{
    struct fixture room, *f = fresh(&room, 0);

    (void)state;
    for (unsigned side = 0; side < 2; side++) {
        struct cv_pair_config cfg = config(side, &suites[7]);

        cfg.id++;
        cfg.spi_in += 16;
        cfg.spi_out += 16;
        assert_int_equal(
            ipsec_install(side == 0 ? f->device.p : f->gateway.p, PAIR + 1, &cfg, 2), CV_OK);
    }
    send_packet(f, 1);
    assert_int_equal(f->pkt.child, 100); /* the old one until told otherwise */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    ipsec_use_out(f->device.p, PAIR + 1);
    send_packet(f, 1);
    assert_int_equal(f->pkt.child, 101);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->way.pair[0], PAIR + 1);
    assert_int_equal(f->way.notices[0], CV_NOTICE_FIRST_IN);
    ipsec_remove(f->gateway.p, PAIR);
    assert_int_equal(ipsec_find_spi(f->gateway.p, GATEWAY_SPI), POOL_NONE);
    assert_int_equal(ipsec_find_spi(f->gateway.p, GATEWAY_SPI + 16), PAIR + 1);
    ipsec_stop_out(f->device.p, PAIR + 1);
    send_packet(f, 1);
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_NO_SA);
    done(f);
}

static void install_refuses_what_it_cannot_keep_and_changes_nothing(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    static uint8_t before[MEM_LEN];
    uint8_t key[20] = {0};

    (void)state;
    memcpy(before, f->device.mem, MEM_LEN);
    for (unsigned i = 0;; i++) {
        struct cv_pair_config cfg = config(0, &suites[0]);
        enum cv_err want = CV_ERR_ARGUMENT;
        uint32_t at = PAIR + 1;

        cfg.spi_in++;
        switch (i) {
        case 0:
            at = N_PAIRS;
            break;
        case 1:
            at = PAIR; /* in use */
            break;
        case 2:
            cfg.spi_in = DEVICE_SPI; /* taken */
            break;
        case 3:
            cfg.spi_in = 0;
            break;
        case 4:
            cfg.spi_out = 0;
            break;
        case 5:
            cfg.key_in = span(key, 19);
            break;
        case 6:
            cfg.key_out = span(key, 19);
            break;
        case 7:
            cfg.local_ts.n = 0;
            break;
        case 8:
            cfg.remote_ts.n = CV_TS_MAX + 1;
            break;
        case 9:
            cfg.remote_ts.ts[0].family = CV_ANY_FAMILY;
            break;
        case 10:
            cfg.protocol = CV_PROTO_AH; /* and encap is set */
            want = CV_ERR_UNSUPPORTED;
            break;
        case 11:
            cfg.mode = CV_TRANSPORT + 1;
            want = CV_ERR_UNSUPPORTED;
            break;
        case 12:
            cfg.suite.encr = 9999;
            want = CV_ERR_UNSUPPORTED;
            break;
        default:
            done(f);
            return;
        }
        assert_int_equal(ipsec_install(f->device.p, at, &cfg, 1), want);
        if (i < 2 || i == 3 || i == 4 || (i >= 7 && i < 12))
            assert_memory_equal(before, f->device.mem, MEM_LEN);
        send_packet(f, 1); /* the other pair goes on */
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        memcpy(before, f->device.mem, MEM_LEN);
    }
}

static void removed_pair_leaves_no_key_behind_and_its_slot_is_free(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    const struct cv_pair_config cfg = config(0, &suites[0]);
    struct cv_ts_list local, remote;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        ipsec_remove(f->device.p, PAIR);
        ipsec_remove(f->device.p, PAIR);
        ipsec_use_out(f->device.p, PAIR);
        ipsec_ts(f->device.p, PAIR, &local, &remote);
        assert_int_equal(local.n + remote.n, 0);
        for (size_t k = 0; k + 4 <= f->device.used; k++) /* the salts */
            assert_true(memcmp(f->device.mem + k, keymat[0] + 16, 4) != 0 &&
                        memcmp(f->device.mem + k, keymat[1] + 16, 4) != 0);
        install(&f->device, &cfg);
    }
    ipsec_ts(f->device.p, PAIR, &local, &remote);
    assert_int_equal(local.n, 2);
    assert_int_equal(remote.n, 2);
    send_packet(f, 1);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    done(f);
}

static void window_of_a_slot_used_many_times_is_as_wide_as_the_first(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    const struct cv_pair_config cfg = config(1, &suites[0]);
    uint8_t first[BUF_LEN];
    struct cv_packet first_pkt;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        ipsec_remove(f->gateway.p, PAIR);
        install(&f->gateway, &cfg);
    }
    send_packet(f, 1);
    memcpy(first, f->buf, sizeof(first));
    first_pkt = f->pkt;
    first_pkt.buf = first;
    for (unsigned i = 0; i < 1023; i++)
        send_packet(f, 1);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK); /* number 1024 alone */
    f->pkt = first_pkt;
    assert_int_equal(receive_on(f, &f->gateway), CV_OK); /* number 1, at the left edge */
    done(f);
}

static void refused_installs_use_nothing_up(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    struct cv_pair_config cfg = config(0, &suites[0]);

    (void)state;
    cfg.local_ts.ts[0].proto = 6; /* a list that is not shared */
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(ipsec_install(f->device.p, PAIR + 1, &cfg, 1), CV_ERR_ARGUMENT);
    cfg.spi_in++;
    assert_int_equal(ipsec_install(f->device.p, PAIR + 1, &cfg, 1), CV_OK);
    done(f);
}

static void key_length_is_zero_for_what_is_not_supported(void **state)
{
    const struct cv_suite bad = {.encr = CV_ENCR_AES_CBC, .encr_bits = 128};

    (void)state;
    assert_int_equal(ipsec_key_len(&cv_crypto_openssl, &bad), 0);
    for (unsigned i = 0; i < N_SUITES; i++)
        assert_int_equal(ipsec_key_len(&cv_crypto_openssl, &suites[i].suite),
                         suites[i].key_len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rekeyed_pair_takes_over_outbound_while_both_receive),
        cmocka_unit_test(install_refuses_what_it_cannot_keep_and_changes_nothing),
        cmocka_unit_test(removed_pair_leaves_no_key_behind_and_its_slot_is_free),
        cmocka_unit_test(window_of_a_slot_used_many_times_is_as_wide_as_the_first),
        cmocka_unit_test(refused_installs_use_nothing_up),
        cmocka_unit_test(key_length_is_zero_for_what_is_not_supported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
