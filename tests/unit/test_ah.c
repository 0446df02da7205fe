/* src/wire/ah_hdr.c and src/ipsec/ah.c: AH on one packet.  The packets with an AH were made by
 * scapy 2.5, an implementation that shares nothing with ours.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ipsec/ah.h"
#include "tests/support/hex.h"
#include "tests/support/ipsec_fixture.h"
#include "tests/support/own_sa.h"

enum { SPI = 0x12345678 };

/* clang-format off */
/* What is sealed with number 1 and a key of 0, 1, 2 ... */
static const struct {
    const char *name;
    uint16_t integ;
    const char *plain, *sealed;
} packets[] = {
    {"IPv4", CV_INTEG_HMAC_SHA2_256_128,
     "452800230005400009115d9b0a0000010a00000203e807d0000f36b763756c76657274",
     "4528003f0005400009335d5d0a0000010a0000021105000012345678000000012ceb7cfc01bd5b460cda"
     "ac914c77fd6503e807d0000f36b763756c76657274"},
    {"IPv4, router alert and record route", CV_INTEG_HMAC_SHA1_96,
     "4800002f0005000009118a120a0000010a00000201940400000707040102030403e807d0000f36b76375"
     "6c76657274",
     "4800004700050000093389d80a0000010a00000201940400000707040102030411040000123456780000"
     "00015ad45aa75adc67cd7088adbd03e807d0000f36b763756c76657274"},
    {"IPv4, source route used up", CV_INTEG_HMAC_SHA1_96,
     "4800002f000500000911861b0a0000010a00000201830b0c010203040102030503e807d0000f3cb26375"
     "6c76657274",
     "4800004700050000093385e10a0000010a00000201830b0c010203040102030511040000123456780000"
     "00014a8b621b59a38f71c94d57c603e807d0000f3cb263756c76657274"},
    {"IPv6", CV_INTEG_HMAC_SHA2_256_128,
     "62812345000f110720010db800000000000000000000000120010db800000000000000000000000203e8"
     "07d0000fef4463756c76657274",
     "62812345002f330720010db800000000000000000000000120010db80000000000000000000000021106"
     "000012345678000000016e18fc2953b525da830e850bd2407f5a0000000003e807d0000fef4463756c76"
     "657274"},
    {"IPv6, hop-by-hop and destination options", CV_INTEG_HMAC_SHA2_256_128,
     "60000000002f000720010db800000000000000000000000120010db80000000000000000000000023c01"
     "050200003e076d757461626c650011011e0566697865640105000000000003e807d0000fef4463756c76"
     "657274",
     "60000000004f000720010db800000000000000000000000120010db80000000000000000000000023c01"
     "050200003e076d757461626c650033011e05666978656401050000000000110600001234567800000001"
     "d5890c1d59de0331cdf8ed65131b73bc0000000003e807d0000fef4463756c76657274"},
    {"IPv6, routing header with three segments left", CV_INTEG_HMAC_SHA1_96,
     "6000000000472b0720010db800000000000000000000000120010db80000000000000000000000021106"
     "00030000000020010db800000000000000000000000320010db800000000000000000000000420010db8"
     "00000000000000000000000503e807d0000fef4163756c76657274",
     "60000000005f2b0720010db800000000000000000000000120010db80000000000000000000000023306"
     "00030000000020010db800000000000000000000000320010db800000000000000000000000420010db8"
     "000000000000000000000005110400001234567800000001de948c70bc3f4be33d5aed0603e807d0000f"
     "ef4163756c76657274"},
};
/* clang-format on */

enum { N_PACKETS = sizeof(packets) / sizeof(packets[0]) };

static uint8_t key_octets[CV_INTEG_KEY_MAX];

static void open_sa(struct esp_sa *sa, uint16_t integ, bool esn)
{
    const struct cv_suite suite = {.integ = integ, .esn = esn};
    const size_t n = ah_key_len(&cv_crypto_openssl, &suite);

    for (unsigned i = 0; i < sizeof(key_octets); i++)
        key_octets[i] = (uint8_t)i;
    assert_int_not_equal(n, 0);
    assert_int_equal(own_ah_open(sa, &cv_crypto_openssl, &suite, SPI, span(key_octets, n)),
                     CV_OK);
}

static struct cv_packet load(uint8_t buf[BUF_LEN], const char *text)
{
    const struct cv_span s = hex_read(buf + CV_HEADROOM, BUF_LEN - CV_HEADROOM, text);

    return packet_in(buf, s.n);
}

static void check(const struct cv_packet *pkt, const char *text)
{
    uint8_t want[BUF_LEN];
    const struct cv_span s = hex_read(want, sizeof(want), text);

    assert_int_equal(pkt->len, s.n);
    assert_memory_equal(cv_packet_data(pkt), s.p, s.n);
}

static enum cv_err seal(struct esp_sa *sa, struct cv_packet *pkt)
{
    struct ip_flow flow;

    assert_int_equal(ip_parse(&flow, span(cv_packet_data(pkt), pkt->len)), CV_OK);
    return ah_seal(sa, pkt, &flow);
}

static enum cv_err open(const struct esp_sa *sa, uint64_t seq, const struct cv_packet *pkt,
                        struct ah_place *at)
{
    enum cv_err err = ah_find(at, pkt);

    if (err == CV_OK)
        err = ah_check(sa, at);
    return err == CV_OK ? ah_open(sa, seq, pkt, at) : err;
}

static void sealed_packets_are_those_of_another_implementation(void **state)
{
    uint8_t buf[BUF_LEN];

    (void)state;
    for (unsigned i = 0; i < N_PACKETS; i++) {
        struct cv_packet pkt = load(buf, packets[i].plain);
        struct ah_place at;
        struct esp_sa sa;

        print_message("%s\n", packets[i].name);
        open_sa(&sa, packets[i].integ, false);
        assert_int_equal(seal(&sa, &pkt), CV_OK);
        check(&pkt, packets[i].sealed);
        assert_int_equal(open(&sa, 1, &pkt, &at), CV_OK);
        ah_remove(&pkt, &at);
        check(&pkt, packets[i].plain);
        own_close(&sa);
    }
}

/* May a router change this octet on its way?  Only of packets without options. */
static bool is_mutable(const uint8_t *p, size_t at, unsigned bit)
{
    if (p[0] >> 4 == 6)
        return (at == 0 && bit < 4) || (at >= 1 && at < 4) || at == 7;
    return at == 1 || at == 6 || at == 7 || at == 8 || at == 10 || at == 11;
}

static void flipped_bit_is_refused_except_where_routers_may_write(void **state)
{
    static const unsigned plain[] = {0, 3};
    uint8_t buf[BUF_LEN];

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct esp_sa sa;

        open_sa(&sa, packets[plain[k]].integ, false);
        for (size_t bit = 0; bit < strlen(packets[plain[k]].sealed) * 4; bit++) {
            struct cv_packet pkt = load(buf, packets[plain[k]].sealed);
            uint8_t *p = cv_packet_data(&pkt);
            const size_t at = bit / 8;
            struct ah_place place;
            enum cv_err err;

            p[at] ^= (uint8_t)(1 << bit % 8);
            if (p[0] >> 4 == 4 && at != 10 && at != 11)
                ip_patch(p, (size_t)p[2] << 8 | p[3], 9, p[9]);
            err = open(&sa, 1, &pkt, &place);
            if (err == CV_OK) {
                const bool spi = at >= place.outer.hdr_len + 4 && at < place.outer.hdr_len + 12;
                const bool reserved = at / 2 == (place.outer.hdr_len + 2) / 2;

                assert_true(is_mutable(p, at, bit % 8));
                assert_false(spi || reserved);
            }
        }
        own_close(&sa);
    }
}

static void every_proper_prefix_is_refused(void **state)
{
    uint8_t buf[BUF_LEN];

    (void)state;
    for (unsigned i = 0; i < N_PACKETS; i++) {
        struct ah_place at;
        struct esp_sa sa;

        open_sa(&sa, packets[i].integ, false);
        for (size_t n = 0; n < strlen(packets[i].sealed) / 2; n++) {
            struct cv_packet pkt = load(buf, packets[i].sealed);
            uint8_t *exact = malloc(n + 1);

            assert_non_null(exact);
            memcpy(exact, cv_packet_data(&pkt), n);
            pkt = (struct cv_packet){.buf = exact, .cap = n, .len = n};
            assert_int_not_equal(open(&sa, 1, &pkt, &at), CV_OK);
            free(exact);
        }
        own_close(&sa);
    }
}

/* The headers' own lengths cut short, so that AH itself does not fit. */
static void packet_that_ends_within_its_ah_is_refused(void **state)
{
    uint8_t buf[BUF_LEN];
    struct esp_sa sa;

    (void)state;
    open_sa(&sa, packets[0].integ, false);
    for (size_t n = 20; n < 20 + ah_len(&sa, false); n++) {
        struct cv_packet pkt = load(buf, packets[0].sealed);
        struct ah_place at;

        pkt.len = n;
        ip_patch(cv_packet_data(&pkt), n, 9, IPPROTO_NUM_AH);
        assert_int_equal(open(&sa, 1, &pkt, &at), CV_ERR_SHORT);
    }
    own_close(&sa);
}

static void length_of_the_icv_must_be_the_algorithms(void **state)
{
    uint8_t buf[BUF_LEN];
    struct esp_sa sa;

    (void)state;
    for (unsigned words = 0; words < 256; words++) {
        struct cv_packet pkt = load(buf, packets[0].sealed);
        struct ah_place at;

        open_sa(&sa, packets[0].integ, false);
        cv_packet_data(&pkt)[21] = (uint8_t)words;
        assert_int_equal(open(&sa, 1, &pkt, &at) == CV_OK, words == 5);
        own_close(&sa);
    }
}

static void padding_to_eight_octets_is_taken_in_ipv4_too(void **state)
{
    uint8_t buf[BUF_LEN], zero[4] = {0}, icv[CV_ICV_MAX], copy[64];
    struct cv_packet pkt = load(buf, packets[0].sealed);
    uint8_t *p = cv_packet_data(&pkt);
    struct cv_span parts[2];
    struct ah_place at;
    struct esp_sa sa;

    (void)state;
    open_sa(&sa, packets[0].integ, false);
    memmove(p + 52, p + 48, pkt.len - 48);
    memcpy(p + 48, zero, 4);
    pkt.len += 4;
    p[21]++;
    memset(p + 32, 0, 16);
    ip_patch(p, pkt.len, 9, IPPROTO_NUM_AH);
    memcpy(copy, p, 32);
    assert_int_equal(ah_settle(copy, 20), CV_OK);
    parts[0] = span(copy, 32);
    parts[1] = span(p + 32, pkt.len - 32);
    assert_true(sa.key->integ->mac(sa.key->integ_key, parts, 2, icv));
    memcpy(p + 32, icv, 16);
    assert_int_equal(open(&sa, 1, &pkt, &at), CV_OK);
    own_close(&sa);
}

static void high_half_of_an_extended_number_is_authentic(void **state)
{
    const uint64_t far = UINT64_C(7) << 32 | 1;
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt = load(buf, packets[3].plain);
    struct ah_place at;
    struct esp_sa sa;

    (void)state;
    open_sa(&sa, packets[3].integ, true);
    sa.seq = far - 1;
    assert_int_equal(seal(&sa, &pkt), CV_OK);
    assert_int_equal(open(&sa, far, &pkt, &at), CV_OK);
    assert_int_equal(at.ah.seq_low, 1);
    assert_int_equal(open(&sa, 1, &pkt, &at), CV_ERR_ICV);
    own_close(&sa);
}

static void fragments_and_other_protocols_are_told_apart(void **state)
{
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt = load(buf, packets[0].sealed);
    struct ah_place at;

    (void)state;
    cv_packet_data(&pkt)[6] |= 0x20; /* more fragments */
    ip_patch(cv_packet_data(&pkt), pkt.len, 9, IPPROTO_NUM_AH);
    assert_int_equal(ah_find(&at, &pkt), CV_ERR_FRAGMENT);
    pkt = load(buf, packets[0].plain);
    assert_int_equal(ah_find(&at, &pkt), CV_ERR_NEXT_HEADER);
}

static enum cv_err settle(const char *text, uint8_t out[BUF_LEN], size_t *n)
{
    *n = hex_read(out, BUF_LEN, text).n;
    return ah_settle(out, *n);
}

#define HEAD4 "4f00004000000000400000000a0000010a000002"
#define HEAD6 "60000000000000002001000000000000000000000000000120010000000000000000000000000002"

static void options_that_lie_are_refused(void **state)
{
    static const char *const lies[] = {
        HEAD4 "07000000",
        HEAD4 "07010000",
        HEAD4 "07050000",
        HEAD4 "01010107",
        HEAD4 "940500",
        HEAD4 "83",
        HEAD6 "3b00040000000000"
              "00",
        HEAD6 "3b01040000000000",
        HEAD6 "3b000500000000ff",
        HEAD6 "3b0005ff00000000",
        HEAD6 "3b",
    };
    uint8_t out[BUF_LEN];
    size_t n;

    (void)state;
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        assert_int_equal(settle(lies[i], out, &n), CV_ERR_MALFORMED);
    for (size_t len = 0; len < 20; len++) {
        hex_read(out, sizeof(out), HEAD4);
        assert_int_equal(ah_settle(out, len), CV_ERR_MALFORMED);
    }
}

static void routing_header_that_lies_is_refused(void **state)
{
    uint8_t out[BUF_LEN];
    size_t n = hex_read(out, sizeof(out), HEAD6).n;

    (void)state;
    out[6] = IPPROTO_NUM_ROUTING;
    memset(out + n, 0, 8 + 32);
    out[n + 1] = 4; /* two addresses */
    out[n + 3] = 3; /* and three to visit */
    assert_int_equal(ah_settle(out, n + 40), CV_ERR_MALFORMED);
    out[6] = IPPROTO_NUM_ROUTING;
    out[n + 3] = 2;
    out[n + 2] = 4; /* a type whose end nobody can predict */
    assert_int_equal(ah_settle(out, n + 40), CV_ERR_MALFORMED);
    out[n + 2] = 2;
    assert_int_equal(ah_settle(out, n + 40), CV_OK);
    out[6] = IPPROTO_NUM_FRAGMENT;
    out[n + 1] = 0;
    assert_int_equal(ah_settle(out, n + 8), CV_ERR_FRAGMENT);
}

static void sealing_without_room_or_numbers_leaves_everything_alone(void **state)
{
    uint8_t buf[BUF_LEN], before[BUF_LEN];
    struct cv_packet pkt = load(buf, packets[0].plain);
    struct esp_sa sa;

    (void)state;
    open_sa(&sa, packets[0].integ, false);
    memmove(buf + 27, cv_packet_data(&pkt), pkt.len);
    pkt.off = 27;
    memcpy(before, buf, sizeof(before));
    assert_int_equal(seal(&sa, &pkt), CV_ERR_NO_ROOM);
    assert_int_equal(sa.seq, 0);
    pkt.off = CV_HEADROOM;
    memcpy(buf + CV_HEADROOM, before + 27, pkt.len);
    memcpy(before, buf, sizeof(before));
    sa.seq = UINT32_MAX;
    assert_int_equal(seal(&sa, &pkt), CV_ERR_SEQ_EXHAUSTED);
    assert_memory_equal(buf, before, sizeof(before));
    own_close(&sa);
}

static void suites_with_encryption_or_without_a_mac_are_refused(void **state)
{
    const struct cv_suite with = {.encr = CV_ENCR_AES_CBC, .integ = CV_INTEG_HMAC_SHA1_96};
    const struct cv_suite without = {0};
    struct esp_sa sa;

    (void)state;
    assert_int_equal(ah_key_len(&cv_crypto_openssl, &with), 0);
    assert_int_equal(ah_key_len(&cv_crypto_openssl, &without), 0);
    assert_int_equal(own_ah_open(&sa, &cv_crypto_openssl, &with, SPI, span(key_octets, 20)),
                     CV_ERR_UNSUPPORTED);
    assert_int_equal(own_ah_open(&sa, &cv_crypto_openssl, &without, SPI, span(key_octets, 0)),
                     CV_ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_packets_are_those_of_another_implementation),
        cmocka_unit_test(flipped_bit_is_refused_except_where_routers_may_write),
        cmocka_unit_test(every_proper_prefix_is_refused),
        cmocka_unit_test(packet_that_ends_within_its_ah_is_refused),
        cmocka_unit_test(length_of_the_icv_must_be_the_algorithms),
        cmocka_unit_test(padding_to_eight_octets_is_taken_in_ipv4_too),
        cmocka_unit_test(high_half_of_an_extended_number_is_authentic),
        cmocka_unit_test(fragments_and_other_protocols_are_told_apart),
        cmocka_unit_test(options_that_lie_are_refused),
        cmocka_unit_test(routing_header_that_lies_is_refused),
        cmocka_unit_test(sealing_without_room_or_numbers_leaves_everything_alone),
        cmocka_unit_test(suites_with_encryption_or_without_a_mac_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
