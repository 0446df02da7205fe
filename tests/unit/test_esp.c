/* src/ipsec/esp.c: one packet sealed or opened.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "ipsec/esp.h"
#include "tests/support/hex.h"
#include "tests/support/ipsec_fixture.h"
#include "tests/support/no_integ.h"

static const uint64_t TWO_32 = UINT64_C(1) << 32;

static void open_sa(struct esp_sa *sa, const struct named_suite *s, bool esn, unsigned way)
{
    struct cv_suite suite = s->suite;

    suite.esn = esn ? CV_ESN_YES : CV_ESN_NO;
    assert_int_equal(
        esp_sa_open(sa, &cv_crypto_openssl, &suite, 0x11223344, span(keymat[way], s->key_len)),
        CV_OK);
}

/* ---- known answers ---- */

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
            esp_sa_open(&sa, crypto, &v->suite, spi, hex_read(key, sizeof(key), v->key)),
            CV_OK);
        assert_int_equal(esp_check_len(&sa, pkt.len), CV_OK);
        assert_int_equal(esp_open(&sa, seq, &pkt), CV_OK);
        assert_int_equal(esp_strip(&pkt, &next_header), CV_OK);
        assert_int_equal(next_header, v->next_header);
        assert_int_equal(pkt.len, want.n);
        assert_memory_equal(cv_packet_data(&pkt), want.p, want.n);
        esp_sa_close(&sa);
    }
}

/* ---- what we send, checked with the bare algorithms ---- */

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
    const size_t salt_len = sa->aead->salt_len, n = len - 8 - sa->iv_len - sa->icv_len;
    uint8_t nonce[12], aad[12];
    struct wr w = wr_init(nonce, sizeof(nonce)), a = wr_init(aad, sizeof(aad));

    wr_copy(&w, sa->salt, salt_len);
    if (sa->aead->iv_len > 0)
        wr_copy(&w, p + 8, 8);
    else
        wr_u64(&w, seq);
    wr_copy(&a, p, 4);
    if (sa->esn)
        wr_u32(&a, (uint32_t)(seq >> 32));
    wr_copy(&a, p + 4, 4);
    assert_true(sa->aead->open(sa->key, nonce, wr_done(&a), p + 8 + sa->iv_len, n,
                               p + len - sa->icv_len));
    check_padding(p + 8 + sa->iv_len, n, payload, 4);
}

/* RFC 3602 section 3, RFC 2404, RFC 4868, RFC 4303 section 2.2.1. */
static void check_mac_packet(const struct esp_sa *sa, uint8_t *p, size_t len, size_t payload,
                             uint64_t seq)
{
    const size_t n = len - 8 - sa->iv_len - sa->icv_len, block = sa->cipher->block;
    uint8_t icv[CV_ICV_MAX], high[4];
    struct wr w = wr_init(high, sizeof(high));
    const struct cv_span parts[2] = {span(p, len - sa->icv_len), span(high, sizeof(high))};

    wr_u32(&w, (uint32_t)(seq >> 32));
    assert_true(sa->integ->mac(sa->integ_key, parts, sa->esn ? 2 : 1, icv));
    assert_memory_equal(icv, p + len - sa->icv_len, sa->icv_len);
    assert_true(sa->cipher->decrypt(sa->key, p + 8, p + 8 + sa->iv_len, n));
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
            if (sa.aead != NULL)
                check_aead_packet(&sa, p, pkt.len, n, sa.seq);
            else
                check_mac_packet(&sa, p, pkt.len, n, sa.seq);
        }
        esp_sa_close(&sa);
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
            if (sa.cipher == NULL || sa.cipher->block == 1)
                assert_int_equal(rd_u64(&r), k + 1);
            else
                assert_true(rd_u64(&r) > 1000);
        }
        esp_sa_close(&sa);
    }
}

/* ---- both ways ---- */

static void open_pair(struct esp_sa *a, struct esp_sa *b, unsigned suite, bool esn)
{
    open_sa(a, &suites[suite], esn, 0);
    open_sa(b, &suites[suite], esn, 0);
}

static void sealed_packet_opens_only_with_its_own_high_half(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        struct esp_sa a, b;
        uint8_t buf[BUF_LEN] = {0}, copy[BUF_LEN];
        struct cv_packet pkt = packet_in(buf, 100), other;

        open_pair(&a, &b, i, true);
        a.seq = 3 * TWO_32 + 5;
        assert_int_equal(esp_seal(&a, &pkt, IPPROTO_NUM_IPIP), CV_OK);
        memcpy(copy, buf, sizeof(copy));
        other = pkt;
        other.buf = copy;
        assert_int_equal(esp_open(&b, 2 * TWO_32 + 6, &other), CV_ERR_ICV);
        assert_int_equal(other.off, pkt.off);
        assert_int_equal(other.len, pkt.len);
        assert_int_equal(esp_open(&b, 3 * TWO_32 + 6, &pkt), CV_OK);
        esp_sa_close(&a);
        esp_sa_close(&b);
    }
}

static void every_flipped_bit_and_every_prefix_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        struct esp_sa a, b;
        uint8_t buf[BUF_LEN] = {0}, copy[BUF_LEN];
        struct cv_packet pkt = packet_in(buf, 33), try;

        open_pair(&a, &b, i, false);
        assert_int_equal(esp_seal(&a, &pkt, IPPROTO_NUM_IPIP), CV_OK);
        for (size_t bit = 0; bit < pkt.len * 8; bit++) {
            uint32_t spi, seq;

            memcpy(copy, buf, sizeof(copy));
            try = pkt;
            try.buf = copy;
            copy[pkt.off + bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(esp_read_header(&try, &spi, &seq), CV_OK);
            if (bit >= 32) /* the SPI finds the SA, so it is not the SA's to check */
                assert_int_equal(esp_open(&b, seq, &try), CV_ERR_ICV);
        }
        for (size_t n = 0; n < pkt.len; n++) {
            memcpy(copy, buf, sizeof(copy));
            try = pkt;
            try.buf = copy;
            try.len = n;
            if (esp_check_len(&b, n) == CV_OK)
                assert_int_equal(esp_open(&b, 1, &try), CV_ERR_ICV);
        }
        esp_sa_close(&a);
        esp_sa_close(&b);
    }
}

static void header_of_fewer_than_eight_octets_is_short(void **state)
{
    uint8_t buf[BUF_LEN] = {0};
    uint32_t spi, seq;

    (void)state;
    for (size_t n = 0; n < 9; n++) {
        struct cv_packet pkt = packet_in(buf, n);

        assert_int_equal(esp_read_header(&pkt, &spi, &seq), n < 8 ? CV_ERR_SHORT : CV_OK);
    }
}

static void length_must_leave_room_for_a_trailer_and_whole_blocks(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        struct esp_sa sa;
        size_t fixed, block;

        open_sa(&sa, &suites[i], false, 0);
        fixed = 8U + sa.iv_len + sa.icv_len;
        block = sa.cipher != NULL ? sa.cipher->block : 1;
        for (size_t n = 0; n < fixed + 64; n++) {
            const bool is_short = n < fixed + 2;
            const enum cv_err want = is_short                   ? CV_ERR_SHORT
                                     : (n - fixed) % block != 0 ? CV_ERR_MALFORMED
                                                                : CV_OK;

            assert_int_equal(esp_check_len(&sa, n), want);
        }
        esp_sa_close(&sa);
    }
}

static void padding_must_count_from_one_and_fit(void **state)
{
    /* clang-format off */
    static const struct {
        uint8_t plain[8];
        size_t n;
        enum cv_err want;
        size_t left;
    } cases[] = {
        {{0xaa, 0xaa, 1, 2, 3, 3, 4},    7, CV_OK, 2},
        {{0xaa, 0xaa, 1, 2, 4, 3, 4},    7, CV_ERR_PADDING, 0},
        {{0xaa, 0xaa, 0, 0, 0, 3, 4},    7, CV_ERR_PADDING, 0},
        {{0xaa, 0xaa, 0, 1, 2, 3, 4},    7, CV_ERR_PADDING, 0},
        {{1, 2, 3, 4, 5, 5, 4},          7, CV_OK, 0},
        {{1, 2, 3, 4, 5, 6, 4},          7, CV_ERR_PADDING, 0},
        {{0, 4},                         2, CV_OK, 0},
        {{1, 4},                         2, CV_ERR_PADDING, 0},
        {{255, 4},                       2, CV_ERR_PADDING, 0},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t buf[BUF_LEN], next_header;
        struct cv_packet pkt = packet_in(buf, cases[i].n);

        memcpy(cv_packet_data(&pkt), cases[i].plain, cases[i].n);
        assert_int_equal(esp_strip(&pkt, &next_header), cases[i].want);
        if (cases[i].want == CV_OK) {
            assert_int_equal(pkt.len, cases[i].left);
            assert_int_equal(next_header, 4);
        } else {
            assert_int_equal(pkt.len, cases[i].n);
        }
    }
}

static void sealing_without_room_leaves_packet_and_number_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        struct esp_sa sa;
        uint8_t buf[BUF_LEN] = {0}, before[BUF_LEN];
        const size_t len = 41;
        size_t front, back;

        open_sa(&sa, &suites[i], false, 0);
        memcpy(before, buf, sizeof(before));
        front = 8U + sa.iv_len;
        back = (0 - (len + 2)) % sa.align + 2U + sa.icv_len;
        assert_true(front <= CV_HEADROOM && back <= CV_TAILROOM);
        for (unsigned what = 0; what < 3; what++) {
            struct cv_packet pkt = {.buf = buf, .off = front, .len = len};

            pkt.cap = front + len + back;
            if (what == 0)
                pkt.off--;
            if (what == 1)
                pkt.cap--;
            assert_int_equal(esp_seal(&sa, &pkt, 4), what < 2 ? CV_ERR_NO_ROOM : CV_OK);
            assert_int_equal(sa.seq, what < 2 ? 0 : 1);
            if (what < 2)
                assert_memory_equal(buf, before, sizeof(buf));
            else
                assert_true(pkt.off == 0 && pkt.len == pkt.cap);
        }
        esp_sa_close(&sa);
    }
}

static void sequence_numbers_end_before_they_wrap(void **state)
{
    (void)state;
    for (unsigned esn = 0; esn < 2; esn++) {
        struct esp_sa sa;
        uint8_t buf[BUF_LEN] = {0};
        struct cv_packet pkt = packet_in(buf, 40);

        open_sa(&sa, &suites[0], esn, 0);
        sa.seq = (esn ? UINT64_MAX : UINT32_MAX) - 2;
        for (unsigned i = 0; i < 4; i++) {
            pkt = packet_in(buf, 40);
            assert_int_equal(esp_seq_left(&sa), i < 2 ? 2 - i : 0);
            assert_int_equal(esp_seal(&sa, &pkt, 4), i < 2 ? CV_OK : CV_ERR_SEQ_EXHAUSTED);
        }
        assert_int_equal(pkt.off, CV_HEADROOM);
        assert_int_equal(pkt.len, 40);
        esp_sa_close(&sa);
    }
}

/* A backend whose cipher fails, to see that its number is not used again. */
static bool failing_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                         size_t n, uint8_t *icv)
{
    (void)key, (void)nonce, (void)aad, (void)data, (void)n, (void)icv;
    return false;
}

static void number_of_a_failed_seal_is_spent(void **state)
{
    struct esp_sa sa;
    struct cv_aead broken;
    uint8_t buf[BUF_LEN] = {0};
    struct cv_packet pkt = packet_in(buf, 40);
    const struct cv_aead *whole;

    (void)state;
    open_sa(&sa, &suites[0], false, 0);
    whole = sa.aead;
    broken = *whole;
    broken.seal = failing_seal;
    sa.aead = &broken;
    assert_int_equal(esp_seal(&sa, &pkt, 4), CV_ERR_CRYPTO);
    assert_int_equal(sa.seq, 1);
    sa.aead = whole;
    esp_sa_close(&sa);
}

/* ---- suites and keys ---- */

static void key_length_is_that_of_the_suite(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        const size_t n = suites[i].key_len;
        struct esp_sa sa;

        assert_int_equal(esp_key_len(&cv_crypto_openssl, &suites[i].suite), n);
        for (size_t wrong = n - 1; wrong <= n + 1; wrong += 2)
            assert_int_equal(esp_sa_open(&sa, &cv_crypto_openssl, &suites[i].suite, 1,
                                         span(keymat[0], wrong)),
                             CV_ERR_ARGUMENT);
    }
}

static void suites_that_do_not_protect_are_refused(void **state)
{
    /* clang-format off */
    static const struct cv_suite bad[] = {
        {.encr = CV_ENCR_AES_CBC, .encr_bits = 128},
        {.encr = CV_ENCR_AES_CTR, .encr_bits = 128},
        {.encr = CV_ENCR_NULL},
        {.integ = CV_INTEG_HMAC_SHA1_96},
        {.encr = CV_ENCR_AES_GCM_16},
        {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 129},
        {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128, .integ = CV_INTEG_HMAC_SHA1_96},
        {.encr = 9999, .encr_bits = 128},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct esp_sa sa;

        assert_int_equal(esp_key_len(&cv_crypto_openssl, &bad[i]), 0);
        assert_int_equal(esp_sa_open(&sa, &cv_crypto_openssl, &bad[i], 1, span(keymat[0], 20)),
                         CV_ERR_UNSUPPORTED);
        assert_null(sa.key);
    }
}

static void closed_sa_holds_no_secret_and_may_be_closed_again(void **state)
{
    static const struct esp_sa empty;
    struct esp_sa sa;

    (void)state;
    open_sa(&sa, &suites[0], true, 0);
    esp_sa_close(&sa);
    assert_memory_equal(&sa, &empty, sizeof(sa));
    esp_sa_close(&sa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_packets_open_to_their_payload),
        cmocka_unit_test(sealed_packet_is_laid_out_as_the_rfcs_say),
        cmocka_unit_test(counter_ivs_count_and_cbc_ivs_do_not_show_it),
        cmocka_unit_test(sealed_packet_opens_only_with_its_own_high_half),
        cmocka_unit_test(every_flipped_bit_and_every_prefix_is_refused),
        cmocka_unit_test(header_of_fewer_than_eight_octets_is_short),
        cmocka_unit_test(length_must_leave_room_for_a_trailer_and_whole_blocks),
        cmocka_unit_test(padding_must_count_from_one_and_fit),
        cmocka_unit_test(sealing_without_room_leaves_packet_and_number_alone),
        cmocka_unit_test(sequence_numbers_end_before_they_wrap),
        cmocka_unit_test(number_of_a_failed_seal_is_spent),
        cmocka_unit_test(key_length_is_that_of_the_suite),
        cmocka_unit_test(suites_that_do_not_protect_are_refused),
        cmocka_unit_test(closed_sa_holds_no_secret_and_may_be_closed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
