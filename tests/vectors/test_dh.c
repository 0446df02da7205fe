/* Key exchange: dh/ of the shared test vectors (RFC 5903, RFC 7748, MODP groups), read in
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
#include "tests/support/openssl_key.h"
#include "tests/support/vectors.h"

static const struct cv_ke *find_ke(const char *name)
{
    static const struct {
        const char *name;
        uint16_t id;
    } methods[] = {
        {"MODP_1024_BIT", CV_KE_MODP_1024},
        {"MODP_1536_BIT", CV_KE_MODP_1536},
        {"MODP_2048_BIT", CV_KE_MODP_2048},
        {"MODP_3072_BIT", CV_KE_MODP_3072},
        {"ECP_256_BIT",   CV_KE_ECP_256  },
        {"ECP_384_BIT",   CV_KE_ECP_384  },
        {"CURVE_25519",   CV_KE_X25519   },
    };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].name, name) == 0)
            return crypto_ke(&cv_crypto_openssl, methods[i].id);
    }
    fail_msg("unknown method %s", name);
    return NULL;
}

static void check_side(const struct cv_ke *ke, struct cv_span priv, struct cv_span peer_pub,
                       struct cv_span shared)
{
    uint8_t secret[CV_KE_SECRET_MAX];
    EVP_PKEY *key = openssl_key(ke, priv);

    assert_int_equal(crypto_decapsulate(ke, key, peer_pub, secret), CV_OK);
    assert_true(span_equal(span(secret, ke->secret_len), shared));
    ke->free_key(key);
}

/* "seed" has both private values, one after the other. */
static void both_sides_derive_the_shared_secret(void **state)
{
    json_t *file = vectors_load("dh/ike_groups.json");
    const json_t *test;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "tests"), i, test)
    {
        const struct cv_ke *ke = find_ke(vectors_text(test, "method"));
        struct octets seed, pub_i, pub_r, shared;
        size_t half;

        half = vectors_octets(&seed, test, "seed").n / 2;
        vectors_octets(&pub_i, test, "pub_i");
        vectors_octets(&pub_r, test, "pub_r");
        vectors_octets(&shared, test, "shared");
        check_side(ke, span(seed.room, half), pub_r.s, shared.s);
        check_side(ke, span(seed.room + half, half), pub_i.s, shared.s);
    }
    printf("dh/ike_groups: %zu vectors ran, both sides of each\n", i);
    assert_int_equal(i, 8);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_derive_the_shared_secret),
    };

    if (!vectors_present("dh/ike_groups.json"))
        return VECTORS_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
