/* AEADs of the OpenSSL backend against published values, and what they must refuse.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "tests/support/hex.h"

enum { ROOM = 512 };

/* McGrew, Viega: "The Galois/Counter Mode of Operation", test cases 4, 10 and 16. */
#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_PLAIN                                                                              \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24" \
    "49a6b525b16aedf5aa0de657ba637b39"

/* Ours, after RFC 3610 section 2: computed with a script that knows AES alone and
 * reproduces RFC 3610's packet vector 1. */
#define CCM_KEY_128 "000102030405060708090a0b0c0d0e0f"
#define CCM_KEY_192 CCM_KEY_128 "1011121314151617"
#define CCM_KEY_256 CCM_KEY_192 "18191a1b1c1d1e1f"
#define CCM_NONCE "a0a1a2a3a4a5a6a7a8a9aa"
#define CCM_AAD "2021222324252627"
#define CCM_PLAIN "404142434445464748494a4b4c4d4e4f50515253545556"
#define CCM_CIPHER_128 "a4fb0635aaeeece194ef21d3a74be1a81520d2b2fe2ec6"
#define CCM_CIPHER_192 "26d8f286e6c2852804b2c0ee26aa54ef6cf2973d8da0d9"
#define CCM_CIPHER_256 "d8e001ccb517b209a0b27fb97aa8faa69a9d0c8acd64c4"

/* RFC 7634 appendix B: an IKEv2 message. */
#define CHACHA_KEY "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define CHACHA_NONCE "a0a1a2a31011121314151617"

/* draft-mcgrew-gcm-test-01, test case 15: an ESP packet. */
#define GMAC_PAYLOAD                                                                           \
    "45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364656667"                   \
    "68696a6b6c6d6e6f707172737401020204"

/* icv is the longest one; shorter variants of GCM send its first octets. */
/* clang-format off */
static const struct vector {
    uint16_t ids[4];
    uint16_t bits;
    const char *key, *nonce, *aad, *plain, *cipher, *icv;
} vectors[] = {
    {{CV_ENCR_AES_GCM_16, CV_ENCR_AES_GCM_12, CV_ENCR_AES_GCM_8, CV_ENCR_AES_GCM_16_IIV},
     128, GCM_KEY, GCM_NONCE, GCM_AAD, GCM_PLAIN,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5a"
     "ac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {{CV_ENCR_AES_GCM_16, CV_ENCR_AES_GCM_12, CV_ENCR_AES_GCM_8, CV_ENCR_AES_GCM_16_IIV},
     192, GCM_KEY "feffe9928665731c", GCM_NONCE, GCM_AAD, GCM_PLAIN,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18"
     "c84a3f4718e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {{CV_ENCR_AES_GCM_16, CV_ENCR_AES_GCM_12, CV_ENCR_AES_GCM_8, CV_ENCR_AES_GCM_16_IIV},
     256, GCM_KEY GCM_KEY, GCM_NONCE, GCM_AAD, GCM_PLAIN,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
     "56828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {{CV_ENCR_AES_CCM_16},
     128, CCM_KEY_128, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_128,
     "440a2b5c8aade6d904151b5ca59ca22e"},
    {{CV_ENCR_AES_CCM_12},
     128, CCM_KEY_128, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_128,
     "02a45c30156a8503d555793f"},
    {{CV_ENCR_AES_CCM_8, CV_ENCR_AES_CCM_8_IIV},
     128, CCM_KEY_128, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_128,
     "082212ac7096ecf6"},
    {{CV_ENCR_AES_CCM_16},
     192, CCM_KEY_192, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_192,
     "f23320c5c2a0724a7ef65cd52f17d975"},
    {{CV_ENCR_AES_CCM_12},
     192, CCM_KEY_192, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_192,
     "dd42c49a5a1840187d7b4c7f"},
    {{CV_ENCR_AES_CCM_8, CV_ENCR_AES_CCM_8_IIV},
     192, CCM_KEY_192, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_192,
     "1ecab96658a9a618"},
    {{CV_ENCR_AES_CCM_16},
     256, CCM_KEY_256, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_256,
     "84026f4f36993114d56807a6fabe08db"},
    {{CV_ENCR_AES_CCM_12},
     256, CCM_KEY_256, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_256,
     "29b6a9508052e26cac163a17"},
    {{CV_ENCR_AES_CCM_8, CV_ENCR_AES_CCM_8_IIV},
     256, CCM_KEY_256, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_256,
     "da388246c28f7fd1"},
    {{CV_ENCR_CHACHA20_POLY1305, CV_ENCR_CHACHA20_POLY1305_IIV},
     0, CHACHA_KEY, CHACHA_NONCE,
     "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029",
     "0000000c000040010000000a00",
     "610394701f8d017f7c12924889",
     "6b71bfe25236efd7cdc67066906315b2"},
    {{CV_ENCR_NULL_GMAC},
     128, "4c80cdefbb5d10da906ac73c3613a634", "22433c640000000000000000", "0000432100000007",
     GMAC_PAYLOAD, GMAC_PAYLOAD,
     "594f4055428d399a9d66c15e77023a98"},
};
/* clang-format on */

enum { N_VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

/* One vector under one algorithm, as octets. */
struct packet {
    const struct cv_aead *aead;
    void *key;
    uint8_t nonce[CV_IV_MAX], aad[ROOM], plain[ROOM], cipher[ROOM], icv[CV_ICV_MAX];
    size_t aad_len, len;
};

static void load(struct packet *p, const struct vector *v, uint16_t id)
{
    uint8_t key[CV_CIPHER_KEY_MAX];

    p->aead = crypto_aead(&cv_crypto_openssl, id, v->bits);
    assert_non_null(p->aead);
    assert_int_equal(hex_read(key, sizeof(key), v->key).n, p->aead->key_len);
    assert_int_equal(hex_read(p->nonce, sizeof(p->nonce), v->nonce).n, p->aead->salt_len + 8);
    p->aad_len = hex_read(p->aad, ROOM, v->aad).n;
    p->len = hex_read(p->plain, ROOM, v->plain).n;
    assert_int_equal(hex_read(p->cipher, ROOM, v->cipher).n, p->len);
    assert_true(hex_read(p->icv, sizeof(p->icv), v->icv).n >= p->aead->icv_len);
    p->key = p->aead->new_key(key);
    assert_non_null(p->key);
}

static void unload(struct packet *p)
{
    p->aead->free_key(p->key);
}

/* Runs check over every vector under every algorithm it is for. */
static void each_vector(void (*check)(const struct packet *p))
{
    for (size_t i = 0; i < N_VECTORS; i++) {
        for (size_t j = 0; j < 4 && vectors[i].ids[j] != 0; j++) {
            struct packet p;

            load(&p, &vectors[i], vectors[i].ids[j]);
            check(&p);
            unload(&p);
        }
    }
}

static void check_seal(const struct packet *p)
{
    uint8_t data[ROOM], icv[CV_ICV_MAX + 1];

    memcpy(data, p->plain, p->len);
    memset(icv, 0xee, sizeof(icv));
    assert_true(p->aead->seal(p->key, p->nonce, span(p->aad, p->aad_len), data, p->len, icv));
    assert_memory_equal(data, p->cipher, p->len);
    assert_memory_equal(icv, p->icv, p->aead->icv_len);
    assert_int_equal(icv[p->aead->icv_len], 0xee);
}

static bool opens(const struct packet *p)
{
    uint8_t data[ROOM];

    memcpy(data, p->cipher, p->len);
    return p->aead->open(p->key, p->nonce, span(p->aad, p->aad_len), data, p->len, p->icv) &&
           memcmp(data, p->plain, p->len) == 0;
}

/* Packet after packet, both ways in turn, as the key object of one SA would never see
 * them but a test must. */
static void check_reuse(const struct packet *p)
{
    for (unsigned i = 0; i < 3; i++) {
        assert_true(opens(p));
        check_seal(p);
        check_seal(p);
        assert_true(opens(p));
    }
}

static void check_flips_in(const struct packet *p, uint8_t *octets, size_t n)
{
    for (size_t bit = 0; bit < 8 * n; bit++) {
        octets[bit / 8] = (uint8_t)(octets[bit / 8] ^ 1u << bit % 8);
        assert_false(opens(p));
        octets[bit / 8] = (uint8_t)(octets[bit / 8] ^ 1u << bit % 8);
    }
    assert_true(opens(p));
}

static void check_flips(const struct packet *p)
{
    struct packet bad = *p;

    check_flips_in(&bad, bad.icv, p->aead->icv_len);
    check_flips_in(&bad, bad.aad, p->aad_len);
    check_flips_in(&bad, bad.nonce, p->aead->salt_len + 8u);
    check_flips_in(&bad, bad.cipher, p->len);
}

static void check_lengths(const struct packet *p)
{
    struct packet bad = *p;

    bad.len--;
    assert_false(opens(&bad));
    bad.len = 0;
    assert_false(opens(&bad));
    bad = *p;
    bad.aad_len--;
    assert_false(opens(&bad));
    bad.aad_len = 0;
    assert_false(opens(&bad));
}

/* No data, no AAD, neither: what is sealed opens again, and only unchanged. */
static void check_empty(const struct packet *p)
{
    for (unsigned i = 0; i < 3; i++) {
        struct packet e = *p;

        e.len = i == 0 ? e.len : 0;
        e.aad_len = i == 1 ? e.aad_len : 0;
        memcpy(e.cipher, e.plain, e.len);
        assert_true(e.aead->seal(e.key, e.nonce, span(e.aad_len > 0 ? e.aad : NULL, e.aad_len),
                                 e.len > 0 ? e.cipher : NULL, e.len, e.icv));
        check_flips_in(&e, e.icv, e.aead->icv_len);
    }
}

static void aeads_seal_to_the_published_octets(void **state)
{
    (void)state;
    each_vector(check_seal);
}

static void aead_keys_serve_many_packets_in_both_directions(void **state)
{
    (void)state;
    each_vector(check_reuse);
}

static void aeads_refuse_any_flipped_bit(void **state)
{
    (void)state;
    each_vector(check_flips);
}

static void aeads_refuse_data_and_aad_of_another_length(void **state)
{
    (void)state;
    each_vector(check_lengths);
}

static void aeads_authenticate_nothing_at_all(void **state)
{
    (void)state;
    each_vector(check_empty);
}

static void every_aead_has_a_vector_or_is_gmac_with_a_longer_key(void **state)
{
    (void)state;
    for (const struct cv_aead *const *a = cv_crypto_openssl.aeads; *a != NULL; a++) {
        bool found = (*a)->id == CV_ENCR_NULL_GMAC && (*a)->key_len > 16;

        for (size_t i = 0; i < N_VECTORS; i++) {
            for (size_t j = 0; j < 4; j++)
                found |= vectors[i].ids[j] == (*a)->id &&
                         strlen(vectors[i].key) == 2u * (*a)->key_len;
        }
        assert_true(found);
        assert_true((*a)->key_len + (*a)->salt_len <= CV_CIPHER_KEY_MAX);
        assert_true((*a)->icv_len <= CV_ICV_MAX);
    }
}

/* RFC 4543 section 3.3: the ICV is GCM's tag over SPI, sequence number, IV and payload. */
static void gmac_is_gcm_over_everything_as_aad(void **state)
{
    static const uint16_t bits[] = {128, 192, 256};
    uint8_t all[24], data[8], icv[16], expected[16];
    const uint8_t key[32] = {1, 2, 3};
    const uint8_t nonce[12] = {4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23};

    (void)state;
    for (uint8_t i = 0; i < sizeof(all); i++)
        all[i] = i;
    memcpy(all + 8, nonce + 4, 8);
    memcpy(data, all + 16, sizeof(data));
    for (size_t i = 0; i < 3; i++) {
        const struct cv_aead *gmac =
            crypto_aead(&cv_crypto_openssl, CV_ENCR_NULL_GMAC, bits[i]);
        const struct cv_aead *gcm =
            crypto_aead(&cv_crypto_openssl, CV_ENCR_AES_GCM_16, bits[i]);
        void *k = gmac->new_key(key), *l = gcm->new_key(key);

        assert_true(gmac->seal(k, nonce, span(all, 8), data, sizeof(data), icv));
        assert_true(gcm->seal(l, nonce, span(all, 24), NULL, 0, expected));
        assert_memory_equal(icv, expected, sizeof(icv));
        assert_memory_equal(data, all + 16, sizeof(data));
        gmac->free_key(k);
        gcm->free_key(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aeads_seal_to_the_published_octets),
        cmocka_unit_test(aead_keys_serve_many_packets_in_both_directions),
        cmocka_unit_test(aeads_refuse_any_flipped_bit),
        cmocka_unit_test(aeads_refuse_data_and_aad_of_another_length),
        cmocka_unit_test(aeads_authenticate_nothing_at_all),
        cmocka_unit_test(every_aead_has_a_vector_or_is_gmac_with_a_longer_key),
        cmocka_unit_test(gmac_is_gcm_over_everything_as_aad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
