/* Integrity transforms, PRFs and hashes of the OpenSSL backend against published values.
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

enum { ROOM = 1024, PARTS_MAX = 5 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A vector as octets, its data cut in parts. */
struct input {
    uint8_t key_room[ROOM], data[ROOM], out[CV_HASH_MAX];
    struct cv_span key, parts[PARTS_MAX];
    size_t n_parts, data_len, out_len;
};

static void load(struct input *in, const struct mac_vector *v)
{
    in->key = hex_read(in->key_room, ROOM, v->key != NULL ? v->key : "");
    in->data_len = hex_read(in->data, ROOM, v->data).n;
    in->out_len = hex_read(in->out, sizeof(in->out), v->out).n;
}

/* Three parts, with empty ones before, between and after. */
static void cut(struct input *in, size_t at)
{
    in->parts[0] = span(NULL, 0);
    in->parts[1] = span(in->data, at);
    in->parts[2] = span(in->data, 0);
    in->parts[3] = span(in->data + at, in->data_len - at);
    in->parts[4] = span(NULL, 0);
    in->n_parts = PARTS_MAX;
}

static void integrity_transforms_give_the_published_octets_however_the_data_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(integ_vectors); i++) {
        const struct cv_integ *integ = crypto_integ(&cv_crypto_openssl, integ_vectors[i].id);
        struct input in;
        void *key;

        assert_non_null(integ);
        load(&in, &integ_vectors[i]);
        assert_int_equal(in.key.n, integ->key_len);
        assert_int_equal(in.out_len, integ->icv_len);
        key = integ->new_key(in.key.p);
        assert_non_null(key);
        for (size_t at = 0; at <= in.data_len; at++) {
            uint8_t icv[CV_ICV_MAX + 1] = {0};

            cut(&in, at);
            memcpy(icv, in.out, integ->iv_len);
            icv[integ->icv_len] = 0xee;
            assert_true(integ->mac(key, in.parts, in.n_parts, icv));
            assert_memory_equal(icv, in.out, in.out_len);
            assert_int_equal(icv[integ->icv_len], 0xee);
        }
        integ->free_key(key);
    }
}

static void prfs_give_the_published_octets_however_the_data_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(prf_vectors); i++) {
        const struct cv_prf *prf = crypto_prf(&cv_crypto_openssl, prf_vectors[i].id);
        struct input in;

        assert_non_null(prf);
        load(&in, &prf_vectors[i]);
        assert_int_equal(in.out_len, prf->out_len);
        for (size_t at = 0; at <= in.data_len; at++) {
            uint8_t out[CV_PRF_MAX];

            cut(&in, at);
            assert_true(prf->prf(in.key, in.parts, in.n_parts, out));
            assert_memory_equal(out, in.out, in.out_len);
        }
    }
}

static void hashes_give_the_published_octets_however_the_data_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hash_vectors); i++) {
        const struct cv_hash *hash = crypto_hash(&cv_crypto_openssl, hash_vectors[i].id);
        struct input in;

        assert_non_null(hash);
        load(&in, &hash_vectors[i]);
        assert_int_equal(in.out_len, hash->out_len);
        for (size_t at = 0; at <= in.data_len; at++) {
            uint8_t out[CV_HASH_MAX];

            cut(&in, at);
            assert_true(hash->hash(in.parts, in.n_parts, out));
            assert_memory_equal(out, in.out, in.out_len);
        }
    }
}

/* RFC 3566 section 4.6, case 7: a thousand zeros, in pieces of every size. */
static void xcbc_takes_long_data_in_pieces_of_any_size(void **state)
{
    static const uint8_t zeros[1000];
    const struct cv_integ *xcbc = crypto_integ(&cv_crypto_openssl, CV_INTEG_AES_XCBC_96);
    struct cv_span parts[1000];
    uint8_t room[16], icv[12];
    void *key = xcbc->new_key(hex_read(room, sizeof(room), COUNT_16).p);

    (void)state;
    for (size_t piece = 1; piece <= 1000; piece++) {
        size_t n = 0;

        for (size_t done = 0; done < 1000; done += parts[n++].n)
            parts[n] = span(zeros + done, piece < 1000 - done ? piece : 1000 - done);
        assert_true(xcbc->mac(key, parts, n, icv));
        assert_memory_equal(icv, "\xf0\xda\xfe\xe8\x95\xdb\x30\x25\x37\x61\x10\x3b", 12);
    }
    xcbc->free_key(key);
}

/* A key may have any length, none included: then HMAC pads with zeros, and so do we
 * expect the same as for one zero octet. */
static void hmac_prfs_take_an_empty_key(void **state)
{
    static const uint16_t ids[] = {CV_PRF_HMAC_MD5, CV_PRF_HMAC_SHA1, CV_PRF_HMAC_SHA2_256,
                                   CV_PRF_HMAC_SHA2_384, CV_PRF_HMAC_SHA2_512};
    const struct cv_span data = span("data", 4);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const struct cv_prf *prf = crypto_prf(&cv_crypto_openssl, ids[i]);
        uint8_t none[CV_PRF_MAX], zero[CV_PRF_MAX];

        assert_true(prf->prf(span(NULL, 0), &data, 1, none));
        assert_true(prf->prf(span("", 1), &data, 1, zero));
        assert_memory_equal(none, zero, prf->out_len);
    }
}

static void every_algorithm_has_a_vector(void **state)
{
    (void)state;
    for (const struct cv_integ *const *a = cv_crypto_openssl.integs; *a != NULL; a++) {
        size_t i = 0;

        while (i < COUNT_OF(integ_vectors) && integ_vectors[i].id != (*a)->id)
            i++;
        assert_in_range(i, 0, COUNT_OF(integ_vectors) - 1);
    }
    for (const struct cv_prf *const *a = cv_crypto_openssl.prfs; *a != NULL; a++) {
        size_t i = 0;

        while (i < COUNT_OF(prf_vectors) && prf_vectors[i].id != (*a)->id)
            i++;
        assert_in_range(i, 0, COUNT_OF(prf_vectors) - 1);
    }
}

static void random_octets_are_not_all_the_same(void **state)
{
    uint8_t a[64] = {0}, b[64] = {0};

    (void)state;
    assert_true(cv_crypto_openssl.random(a, sizeof(a)));
    assert_true(cv_crypto_openssl.random(b, sizeof(b)));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_true(cv_crypto_openssl.random(a, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            integrity_transforms_give_the_published_octets_however_the_data_is_cut),
        cmocka_unit_test(prfs_give_the_published_octets_however_the_data_is_cut),
        cmocka_unit_test(hashes_give_the_published_octets_however_the_data_is_cut),
        cmocka_unit_test(xcbc_takes_long_data_in_pieces_of_any_size),
        cmocka_unit_test(hmac_prfs_take_an_empty_key),
        cmocka_unit_test(every_algorithm_has_a_vector),
        cmocka_unit_test(random_octets_are_not_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
