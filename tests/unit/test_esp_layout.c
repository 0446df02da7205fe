/* src/ipsec/esp.c: packets as the RFCs lay them out, published ones and those we seal.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "tests/support/esp_fixture.h"
#include "tests/support/hex.h"
#include "tests/support/no_integ.h"
#include "tests/support/own_sa.h"

struct vector {
    const char *source;
    struct cv_suite suite;
    const char *key, *packet; /* packet: from the SPI on */
    const char *payload;
    uint8_t next_header;
};

/* clang-format off */
static const struct vector vectors[] = {
    {
        "RFC 3602 section 4, case 5",
        {.encr = CV_ENCR_AES_CBC, .encr_bits = 128, .integ = NO_INTEG},
        "90d382b410eeba7ad938c46cec1a82bf",
        "0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e194e120849a487"
        "0b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c"
        "551b874aa269add047ad2d5913ac19b7cfbad4a6",
        "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021"
        "22232425262728292a2b2c2d2e2f3031323334353637",
        IPPROTO_NUM_ICMP,
    },
    {
        "RFC 3602 section 4, case 8",
        {.encr = CV_ENCR_AES_CBC, .encr_bits = 128, .integ = NO_INTEG},
        "0123456789abcdef0123456789abcdef",
        "000087650000000585d47224b5f3dd5d2101d4ea8dffab2215b92683819596a8047232cc00f7048fe453"
        "18e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de435e7207"
        "ed971ef3d2726d9b5ef6affc6d17a0decbb13892",
        "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300ffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffff",
        IPPROTO_NUM_IPIP,
    },
    {
        "draft-mcgrew-gcm-test-01, case 2",
        {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128},
        "feffe9928665731c6d6a8f9467308308cafebabe",
        "0000a5f80000000afacedbaddecaf888deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba7"
        "6d5d114d2a5c3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd426f8391b"
        "9927d0fcc984561bbbce9fc0",
        "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d0010000010000000000000373"
        "69700963796265726369747902646b0000010001",
        IPPROTO_NUM_IPIP,
    },
    {
        "draft-mcgrew-gcm-test-01, case 3",
        {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 256},
        "abbccddef00112233445566778899aababbccddef00112233445566778899aab11223344",
        "4a2cbfe3000000020102030405060708ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06ef"
        "ae9d65a5d763748a637985771d347f0545659f14e99def842d8b42f564f52dfdd6eef4f92eadbac23990",
        "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf00000204"
        "05b401010402",
        IPPROTO_NUM_IPIP,
    },
    {
        "draft-mcgrew-gcm-test-01, case 12: a dummy packet",
        {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128},
        "7d773d00c144c525ac619d18c84a3f47d9664267",
        "335467aeffffffff43457e9182443bc6437f86517ea595d2ca004c33388c46770c590ad6",
        "",
        IPPROTO_NUM_NONE,
    },
    {
        "RFC 7634 appendix A",
        {.encr = CV_ENCR_CHACHA20_POLY1305},
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
        "0102030400000005101112131415161724039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d4"
        "66ef407ae5c614ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3cbec163f"
        "ac469b502773f6fb94e664da9165b82829f641e076aaa8266b7fb0f7b11b369907e1ad43",
        "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d"
        "0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
        IPPROTO_NUM_IPIP,
    },
};
/* clang-format on */

static void published_packets_open_to_their_payload(void **state)
{
    const struct cv_crypto weak = no_integ_crypto();

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        const struct cv_crypto *crypto =
            v->suite.integ == NO_INTEG ? &weak : &cv_crypto_openssl;
        uint8_t key[64], plain[BUF_LEN], buf[BUF_LEN], next_header;
        const struct cv_span want = hex_read(plain, sizeof(plain), v->payload);
        struct cv_packet pkt =
            packet_in(buf, hex_read(buf + CV_HEADROOM, BUF_LEN - CV_HEADROOM, v->packet).n);
        uint32_t spi, seq;
        struct esp_sa sa;

        assert_int_equal(esp_read_header(&pkt, &spi, &seq), CV_OK);
        assert_int_equal(
            own_esp_open(&sa, crypto, &v->suite, spi, hex_read(key, sizeof(key), v->key)),
            CV_OK);
        assert_int_equal(esp_check_len(&sa, pkt.len), CV_OK);
        assert_int_equal(esp_open(&sa, seq, &pkt), CV_OK);
        assert_int_equal(esp_strip(&pkt, &next_header), CV_OK);
        assert_int_equal(next_header, v->next_header);
        assert_int_equal(pkt.len, want.n);
        assert_memory_equal(cv_packet_data(&pkt), want.p, want.n);
        own_close(&sa);
    }
}

static void check_padding(const uint8_t *body, size_t n, size_t payload, size_t align)
{
    const uint8_t pad = body[n - 2];

    assert_int_equal(n % align, 0);
    assert_int_equal(payload + pad + 2U, n);
    assert_true(pad < align);
    for (unsigned i = 0; i < pad; i++)
        assert_int_equal(body[payload + i], i + 1);
    assert_int_equal(body[n - 1], IPPROTO_NUM_IPIP);
}

/* RFC 4106 sections 3 to 5, RFC 4309, RFC 7634 section 2, RFC 8750 section 4. */
static void check_aead_packet(const struct esp_sa *sa, uint8_t *p, size_t len, size_t payload,
                              uint64_t seq)
{
    const size_t salt_len = sa->key->aead->salt_len, n = len - 8 - sa->iv_len - sa->icv_len;
    uint8_t nonce[12], aad[12];
    struct wr w = wr_init(nonce, sizeof(nonce)), a = wr_init(aad, sizeof(aad));

    wr_copy(&w, sa->key->salt, salt_len);
    if (sa->key->aead->iv_len > 0)
        wr_copy(&w, p + 8, 8);
    else
        wr_u64(&w, seq);
    wr_copy(&a, p, 4);
    if (sa->esn)
        wr_u32(&a, (uint32_t)(seq >> 32));
    wr_copy(&a, p + 4, 4);
    assert_true(sa->key->aead->open(sa->key->key, nonce, wr_done(&a), p + 8 + sa->iv_len, n,
                                    p + len - sa->icv_len));
    check_padding(p + 8 + sa->iv_len, n, payload, 4);
}

/* RFC 3602 section 3, RFC 2404, RFC 4868, RFC 4303 section 2.2.1. */
static void check_mac_packet(const struct esp_sa *sa, uint8_t *p, size_t len, size_t payload,
                             uint64_t seq)
{
    const size_t n = len - 8 - sa->iv_len - sa->icv_len, block = sa->key->cipher->block;
    uint8_t icv[CV_ICV_MAX], high[4];
    struct wr w = wr_init(high, sizeof(high));
    const struct cv_span parts[2] = {span(p, len - sa->icv_len), span(high, sizeof(high))};

    wr_u32(&w, (uint32_t)(seq >> 32));
    assert_true(sa->key->integ->mac(sa->key->integ_key, parts, sa->esn ? 2 : 1, icv));
    assert_memory_equal(icv, p + len - sa->icv_len, sa->icv_len);
    assert_true(sa->key->cipher->decrypt(sa->key->key, p + 8, p + 8 + sa->iv_len, n));
    check_padding(p + 8 + sa->iv_len, n, payload, block > 4 ? block : 4);
}

static void sealed_packet_is_laid_out_as_the_rfcs_say(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * N_SUITES; i++) {
        const bool esn = i % 2;
        struct esp_sa sa;

        open_sa(&sa, &suites[i / 2], esn, 0);
        sa.seq = esn ? 5 * TWO_32 - 4 : 77;
        for (size_t n = 28; n < 60; n++) {
            uint8_t buf[BUF_LEN], *p;
            struct cv_packet pkt = packet_in(buf, make_udp(buf + CV_HEADROOM, ip4(1, 2, 3, 4),
                                                           ip4(5, 6, 7, 8), 9, 9, n - 28));
            struct rd r;

            assert_int_equal(esp_seal(&sa, &pkt, IPPROTO_NUM_IPIP), CV_OK);
            p = cv_packet_data(&pkt);
            r = rd_init(span(p, pkt.len));
            assert_int_equal(rd_u32(&r), 0x11223344);
            assert_int_equal(rd_u32(&r), (uint32_t)sa.seq);
            if (sa.key->aead != NULL)
                check_aead_packet(&sa, p, pkt.len, n, sa.seq);
            else
                check_mac_packet(&sa, p, pkt.len, n, sa.seq);
        }
        own_close(&sa);
    }
}

static void counter_ivs_count_and_cbc_ivs_do_not_show_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        struct esp_sa sa;
        uint8_t seen[64][CV_IV_MAX];

        open_sa(&sa, &suites[i], false, 0);
        for (unsigned k = 0; k < 64 && sa.iv_len > 0; k++) {
            uint8_t buf[BUF_LEN];
            struct cv_packet pkt = packet_in(buf, 40);
            struct rd r;

            memset(buf, 0, sizeof(buf));
            assert_int_equal(esp_seal(&sa, &pkt, IPPROTO_NUM_IPIP), CV_OK);
            r = rd_init(span(cv_packet_data(&pkt) + 8, sa.iv_len));
            rd_copy(&r, seen[k], sa.iv_len);
            for (unsigned j = 0; j < k; j++)
                assert_memory_not_equal(seen[j], seen[k], sa.iv_len);
            r = rd_init(span(seen[k] + sa.iv_len - 8, 8));
            if (sa.key->cipher == NULL || sa.key->cipher->block == 1)
                assert_int_equal(rd_u64(&r), k + 1);
            else
                assert_true(rd_u64(&r) > 1000);
        }
        own_close(&sa);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_packets_open_to_their_payload),
        cmocka_unit_test(sealed_packet_is_laid_out_as_the_rfcs_say),
        cmocka_unit_test(counter_ivs_count_and_cbc_ivs_do_not_show_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
