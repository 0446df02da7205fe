/* prf and prf+ against NIST's IKEv2 values: kdf/ of the shared test vectors, read in
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

static const struct cv_prf *find_prf(const char *name)
{
    static const struct {
        const char *name;
        uint16_t id;
    } prfs[] = {
        {"PRF_HMAC_SHA1",     CV_PRF_HMAC_SHA1    },
        {"PRF_HMAC_SHA2_256", CV_PRF_HMAC_SHA2_256},
        {"PRF_HMAC_SHA2_384", CV_PRF_HMAC_SHA2_384},
        {"PRF_HMAC_SHA2_512", CV_PRF_HMAC_SHA2_512},
    };

    for (size_t i = 0; i < sizeof(prfs) / sizeof(prfs[0]); i++) {
        if (strcmp(prfs[i].name, name) == 0)
            return crypto_prf(&cv_crypto_openssl, prfs[i].id);
    }
    fail_msg("unknown PRF %s", name);
    return NULL;
}

static void sha2_values_agree(void **state)
{
    json_t *file = vectors_load("kdf/ikev2_prf_sha2.json");
    const json_t *test;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "tests"), i, test)
    {
        const struct cv_prf *prf = find_prf(vectors_text(test, "prf"));
        struct octets key, seed, expected;
        uint8_t out[VECTORS_ROOM];
        bool plus = strcmp(vectors_text(test, "op"), "prf+") == 0;

        vectors_octets(&key, test, "key");
        vectors_octets(&seed, test, "seed");
        vectors_octets(&expected, test, "out");
        if (plus)
            assert_true(crypto_prf_plus(prf, key.s, &seed.s, 1, out, expected.s.n));
        else
            assert_true(prf->prf(key.s, &seed.s, 1, out));
        assert_true(plus || expected.s.n == prf->out_len);
        assert_memory_equal(out, expected.room, expected.s.n);
    }
    printf("kdf/ikev2_prf_sha2: %zu vectors ran\n", i);
    assert_int_equal(i, 13);
    json_decref(file);
}

/* SKEYSEED = prf(Ni | Nr, g^ir), RFC 7296 section 2.14. */
static void sha1_chain_of_derivations_agrees(void **state)
{
    json_t *v = vectors_load("kdf/ikev2_full_sha1.json");
    const struct cv_prf *prf = find_prf(vectors_text(v, "prf"));
    struct octets ni, nr, gir, gir_new, spi_i, spi_r, seed, dkm, child, child_dh, rekey;
    uint8_t nonces[VECTORS_ROOM], out[VECTORS_ROOM];
    struct cv_span ni_nr, parts[4];

    (void)state;
    parts[0] = vectors_octets(&ni, v, "Ni");
    parts[1] = vectors_octets(&nr, v, "Nr");
    parts[2] = vectors_octets(&spi_i, v, "SPIi");
    parts[3] = vectors_octets(&spi_r, v, "SPIr");
    memcpy(nonces, ni.room, ni.s.n);
    memcpy(nonces + ni.s.n, nr.room, nr.s.n);
    ni_nr = span(nonces, ni.s.n + nr.s.n);
    vectors_octets(&gir, v, "g^ir");
    vectors_octets(&gir_new, v, "g^ir (new)");

    assert_true(prf->prf(ni_nr, &gir.s, 1, out));
    assert_true(span_equal(span(out, prf->out_len), vectors_octets(&seed, v, "SKEYSEED")));
    vectors_octets(&dkm, v, "DKM");
    assert_true(crypto_prf_plus(prf, seed.s, parts, 4, out, dkm.s.n));
    assert_memory_equal(out, dkm.room, dkm.s.n);

    dkm.s.n = prf->out_len; /* SK_d */
    vectors_octets(&child, v, "DKM(Child SA)");
    assert_true(crypto_prf_plus(prf, dkm.s, parts, 2, out, child.s.n));
    assert_memory_equal(out, child.room, child.s.n);
    parts[0] = gir_new.s;
    parts[1] = ni.s;
    parts[2] = nr.s;
    vectors_octets(&child_dh, v, "DKM(Child SA D-H)");
    assert_true(crypto_prf_plus(prf, dkm.s, parts, 3, out, child_dh.s.n));
    assert_memory_equal(out, child_dh.room, child_dh.s.n);
    assert_true(prf->prf(dkm.s, parts, 3, out));
    assert_true(
        span_equal(span(out, prf->out_len), vectors_octets(&rekey, v, "SKEYSEED(Rekey)")));
    printf("kdf/ikev2_full_sha1: 5 derivations ran\n");
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha2_values_agree),
        cmocka_unit_test(sha1_chain_of_derivations_agrees),
    };

    if (!vectors_present("kdf/ikev2_prf_sha2.json"))
        return VECTORS_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
