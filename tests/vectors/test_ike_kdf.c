/* Keys of the IKE SA against all of NIST's SHA-2 values: kdf/ikev2_prf_sha2.json of the shared
 * test vectors, read in place.  Skipped when they are not there.
 *
 * Each prf test gives nonces, g^ir and SKEYSEED; the prf+ test of the same name gives what is
 * dealt out as keys.  The algorithms of the SA are chosen so that there are at least as many
 * octets of keys as octets in the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ike/keymat.h"
#include "tests/support/hex.h"
#include "tests/support/json.h"

#define VECTORS TEST_SHARED "/vectors/kdf/ikev2_prf_sha2.json"

enum { SKIPPED = 77, TEXT = 4096 };

static char *vectors;

/* The member of the test called name, as octets. */
static struct cv_span member(const char *name, const char *key, uint8_t *buf, size_t cap)
{
    static char text[TEXT];
    char quoted[64];
    const char *at;

    snprintf(quoted, sizeof(quoted), "\"%s\"", name);
    at = strstr(vectors, quoted);
    assert_non_null(at);
    assert_true(json_string(at, strchr(at, '}'), key, text, sizeof(text)));
    return hex_read(buf, cap, text);
}

/* All keys in the order of RFC 7296 section 2.14. */
static size_t join(uint8_t *out, const struct ike_keys *k, const struct ike_auth_keys *a,
                   const struct ike_algs *algs)
{
    struct wr w = wr_init(out, 1024);
    size_t prf = algs->prf->out_len, integ = algs->integ->key_len, encr = algs->cipher->key_len;

    wr_copy(&w, k->d, prf);
    wr_copy(&w, k->i.a, integ);
    wr_copy(&w, k->r.a, integ);
    wr_copy(&w, k->i.e, encr);
    wr_copy(&w, k->r.e, encr);
    wr_copy(&w, a->pi, prf);
    wr_copy(&w, a->pr, prf);
    return w.n;
}

static void check(const char *hash, unsigned no, uint16_t prf)
{
    const struct cv_suite suite = {CV_ENCR_AES_CBC, 256, CV_INTEG_HMAC_SHA2_512_256, prf, 0, 0};
    uint8_t ni[256], nr[256], gir[256], seed[600], dkm[600], got[1024];
    char first[32], plus[32];
    struct cv_span n_i, n_r, secret, plus_seed, want;
    struct ike_algs algs;
    struct ike_keys keys;
    struct ike_auth_keys auth;

    snprintf(first, sizeof(first), "prf_%s_%u", hash, no);
    snprintf(plus, sizeof(plus), "prf_plus_%s_%u", hash, no);
    n_i = member(first, "ni", ni, sizeof(ni));
    n_r = member(first, "nr", nr, sizeof(nr));
    secret = member(first, "gir", gir, sizeof(gir));
    plus_seed = member(plus, "seed", seed, sizeof(seed)); /* Ni | Nr | SPIi | SPIr */
    want = member(plus, "out", dkm, sizeof(dkm));
    assert_int_equal(plus_seed.n, n_i.n + n_r.n + 16);
    assert_int_equal(ike_algs_find(&algs, &cv_crypto_openssl, &suite), CV_OK);
    assert_int_equal(keymat_ike(&keys, &auth, &algs,
                                &(struct keymat_in){.secret = secret,
                                                    .ni = n_i,
                                                    .nr = n_r,
                                                    .spi_i = seed + n_i.n + n_r.n,
                                                    .spi_r = seed + n_i.n + n_r.n + 8}),
                     CV_OK);
    assert_true(join(got, &keys, &auth, &algs) >= want.n);
    assert_memory_equal(got, want.p, want.n);
}

static void ike_sa_keys_are_those_of_nist(void **state)
{
    (void)state;
    for (unsigned no = 1; no <= 2; no++) {
        check("sha256", no, CV_PRF_HMAC_SHA2_256);
        check("sha384", no, CV_PRF_HMAC_SHA2_384);
        check("sha512", no, CV_PRF_HMAC_SHA2_512);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ike_sa_keys_are_those_of_nist),
    };
    int failed;

    vectors = json_read_file(VECTORS);
    if (vectors == NULL) {
        puts("skipped: " VECTORS " is not there");
        return SKIPPED;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(vectors);
    return failed;
}
