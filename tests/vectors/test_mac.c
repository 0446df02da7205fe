/* MACs: mac/ of the shared test vectors (RFC 3566, 4231, 4434, 4493, 4615), read in
 * place.  Skipped when they are not there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "crypto/crypto.h"
#include "tests/support/vectors.h"

static void check_prf(uint16_t id, const json_t *test, const char *data, const char *expected)
{
    const struct cv_prf *prf = crypto_prf(&cv_crypto_openssl, id);
    struct octets key, in, out;
    uint8_t got[CV_PRF_MAX];

    vectors_octets(&key, test, "key");
    vectors_octets(&in, test, data);
    assert_int_equal(vectors_octets(&out, test, expected).n, prf->out_len);
    assert_true(prf->prf(key.s, &in.s, 1, got));
    assert_memory_equal(got, out.room, prf->out_len);
}

static void check_integ(uint16_t id, const json_t *test)
{
    const struct cv_integ *integ = crypto_integ(&cv_crypto_openssl, id);
    struct octets key, in, out;
    uint8_t got[CV_ICV_MAX];
    void *k = integ->new_key(vectors_octets(&key, test, "key").p);

    vectors_octets(&in, test, "data");
    assert_int_equal(vectors_octets(&out, test, "mac").n, integ->icv_len);
    assert_true(integ->mac(k, &in.s, 1, got));
    assert_memory_equal(got, out.room, integ->icv_len);
    integ->free_key(k);
}

static void aes_xcbc_and_cmac_agree(void **state)
{
    json_t *file = vectors_load("mac/aes_xcbc_cmac.json");
    const json_t *test;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "tests"), i, test)
    {
        const char *alg = vectors_text(test, "alg");

        if (strcmp(alg, "AUTH_AES_XCBC_96") == 0)
            check_integ(CV_INTEG_AES_XCBC_96, test);
        else if (strcmp(alg, "AUTH_AES_CMAC_96") == 0)
            check_integ(CV_INTEG_AES_CMAC_96, test);
        else if (strcmp(alg, "PRF_AES128_XCBC") == 0)
            check_prf(CV_PRF_AES128_XCBC, test, "seed", "out");
        else if (strcmp(alg, "PRF_AES128_CMAC") == 0)
            check_prf(CV_PRF_AES128_CMAC, test, "seed", "out");
        else
            fail_msg("unknown algorithm %s", alg);
    }
    printf("mac/aes_xcbc_cmac: %zu vectors ran\n", i);
    assert_int_equal(i, 23);
    json_decref(file);
}

static void hmac_sha2_agrees(void **state)
{
    json_t *file = vectors_load("mac/hmac_rfc4231.json");
    const json_t *test;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "tests"), i, test)
    {
        check_prf(CV_PRF_HMAC_SHA2_256, test, "data", "sha256");
        check_prf(CV_PRF_HMAC_SHA2_384, test, "data", "sha384");
        check_prf(CV_PRF_HMAC_SHA2_512, test, "data", "sha512");
    }
    printf("mac/hmac_rfc4231: %zu vectors ran\n", 3 * i);
    assert_int_equal(i, 6);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_xcbc_and_cmac_agree),
        cmocka_unit_test(hmac_sha2_agrees),
    };

    if (!vectors_present("mac/aes_xcbc_cmac.json"))
        return VECTORS_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
