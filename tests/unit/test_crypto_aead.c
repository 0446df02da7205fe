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
#include "tests/support/crypto_vectors.h"
#include "tests/support/hex.h"

enum { ROOM = 512 };

enum { N_VECTORS = sizeof(aead_vectors) / sizeof(aead_vectors[0]) };

/* One vector under one algorithm, as octets. */
struct packet {
    const struct cv_aead *aead;
    void *key;
    uint8_t nonce[CV_IV_MAX], aad[ROOM], plain[ROOM], cipher[ROOM], icv[CV_ICV_MAX];
    size_t aad_len, len;
};

static void load(struct packet *p, const struct aead_vector *v, uint16_t id)
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
        for (size_t j = 0; j < 4 && aead_vectors[i].ids[j] != 0; j++) {
            struct packet p;

            load(&p, &aead_vectors[i], aead_vectors[i].ids[j]);
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
                found |= aead_vectors[i].ids[j] == (*a)->id &&
                         strlen(aead_vectors[i].key) == 2u * (*a)->key_len;
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
