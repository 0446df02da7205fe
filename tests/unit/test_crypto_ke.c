/* Key exchange methods of the OpenSSL backend: published values, padding, and the public
 * values that RFC 6989 wants refused.
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
#include "tests/support/openssl_key.h"

/* clang-format off */
static const struct vector {
    uint16_t id;
    const char *priv_a, *pub_a, *priv_b, *pub_b, *secret;
} vectors[] = {
    /* RFC 7748 section 6.1 */
    {CV_KE_X25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
     "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
     "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
    /* RFC 7748 section 6.2 */
    {CV_KE_X448,
     "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391"
     "006382a6f127ab1d9ac2d8c0a598726b",
     "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d4"
     "0c5b12da88120d53177f80e532c41fa0",
     "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee8972b0d3e21"
     "374c9c921b09d1b0366f10b65173992d",
     "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13c"
     "a706dcb57aec3dae07bdc1c67bf33609",
     "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936"
     "521c24403085d59a449a5037514a879d"},
    /* RFC 5903 section 8.1 */
    {CV_KE_ECP_256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
     "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
     "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
     "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
     "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    /* RFC 5903 section 8.2 */
    {CV_KE_ECP_384,
     "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee"
     "3faef896783ab194",
     "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4"
     "c88732aee95f41aa"
     "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947da"
     "e69b4c634573a81c",
     "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2"
     "960e4bd55a7448fc",
     "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def9"
     "6fda41d0774a3571"
     "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff"
     "5eaad96db9e6386c",
     "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d0"
     "9cf5d4a270f59746"},
    /* RFC 5903 section 8.3 */
    {CV_KE_ECP_521,
     "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c295"
     "2c6771d937ba9777f5957b2639bab072462f68c27a57382d4a52",
     "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e38"
     "0aeae57c2d107564941885942af5a7f4601723c4195d176ced3e"
     "017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7"
     "799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3926f9582",
     "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757"
     "a3bdbf2a3163e4c2f869cca7458aa4a4effc311f5cb151685eb9",
     "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e"
     "95bb0352f6be64a6c2912d4ef2d0433ced2b6171640012d9460f"
     "015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1"
     "d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a",
     "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa24"
     "0a34786859810c06b3c715a3a8cc3151f2bee417996d19f3ddea"},
};
/* clang-format on */

/* SHA-256 of the primes, computed from the formulas of RFC 2409 section 6.2 and RFC 3526
 * sections 2 to 5 (2^2048 - 2^1984 - 1 + 2^64 * { [2^1918 pi] + 124476 } and so on). */
static const struct {
    uint16_t id;
    const char *digest;
} primes[] = {
    {CV_KE_MODP_1024, "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0"},
    {CV_KE_MODP_1536, "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b"},
    {CV_KE_MODP_2048, "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e"},
    {CV_KE_MODP_3072, "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c"},
    {CV_KE_MODP_4096, "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct cv_ke *find(uint16_t id)
{
    const struct cv_ke *ke = crypto_ke(&cv_crypto_openssl, id);

    assert_non_null(ke);
    return ke;
}

static void check_derive(const struct cv_ke *ke, const char *priv, const char *pub,
                         const char *secret)
{
    uint8_t x[CV_KE_PUB_MAX], y[CV_KE_PUB_MAX], expected[CV_KE_SECRET_MAX],
        got[CV_KE_SECRET_MAX];
    void *key = openssl_key(ke, hex_read(x, sizeof(x), priv));

    assert_int_equal(strlen(pub), 2u * ke->answer_len);
    assert_int_equal(hex_read(expected, sizeof(expected), secret).n, ke->secret_len);
    assert_int_equal(ke->decapsulate(key, hex_read(y, sizeof(y), pub), got), CV_OK);
    assert_memory_equal(got, expected, ke->secret_len);
    ke->free_key(key);
}

static void methods_derive_the_published_secrets_on_both_sides(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        const struct vector *v = &vectors[i];

        check_derive(find(v->id), v->priv_a, v->pub_b, v->secret);
        check_derive(find(v->id), v->priv_b, v->pub_a, v->secret);
    }
}

/* Also: what is written is as long as the method says, and not an octet longer. */
static void both_sides_of_every_method_agree(void **state)
{
    (void)state;
    for (const struct cv_ke *const *p = cv_crypto_openssl.kes; *p != NULL; p++) {
        const struct cv_ke *ke = find((*p)->id);
        uint8_t pub[CV_KE_PUB_MAX + 1], answer[CV_KE_PUB_MAX + 1];
        uint8_t secret[2][CV_KE_SECRET_MAX + 1];
        void *key;

        pub[ke->public_len] = answer[ke->answer_len] = 0xee;
        secret[0][ke->secret_len] = secret[1][ke->secret_len] = 0xee;
        key = ke->generate(pub);
        assert_non_null(key);
        assert_int_equal(crypto_encapsulate(ke, span(pub, ke->public_len), answer, secret[0]),
                         CV_OK);
        assert_int_equal(crypto_decapsulate(ke, key, span(answer, ke->answer_len), secret[1]),
                         CV_OK);
        assert_memory_equal(secret[0], secret[1], ke->secret_len);
        assert_memory_not_equal(pub, answer, ke->answer_len);
        assert_int_equal(pub[ke->public_len], 0xee);
        assert_int_equal(answer[ke->answer_len], 0xee);
        assert_int_equal(secret[0][ke->secret_len], 0xee);
        assert_int_equal(secret[1][ke->secret_len], 0xee);
        ke->free_key(key);
    }
}

/* Here, and in the backend itself, should the engine forget. */
static void every_method_refuses_values_of_another_length(void **state)
{
    static const uint8_t wiped[CV_KE_SECRET_MAX];

    (void)state;
    for (const struct cv_ke *const *p = cv_crypto_openssl.kes; *p != NULL; p++) {
        const struct cv_ke *ke = *p;
        uint8_t pub[CV_KE_PUB_MAX + 1] = {0}, answer[CV_KE_PUB_MAX], secret[CV_KE_SECRET_MAX];
        void *key = ke->generate(pub);

        for (size_t n = 0; n <= ke->answer_len + 1u; n++) {
            enum cv_err want = n == ke->answer_len ? CV_OK : CV_ERR_KE_VALUE;

            assert_int_equal(ke->decapsulate(key, span(pub, n), secret), want);
            assert_int_equal(crypto_decapsulate(ke, key, span(pub, n), secret), want);
            assert_int_equal(memcmp(secret, wiped, ke->secret_len) == 0, want != CV_OK);
        }
        for (size_t n = 0; n <= ke->public_len + 1u; n += ke->public_len > 132 ? 31 : 1) {
            enum cv_err want = n == ke->public_len ? CV_OK : CV_ERR_KE_VALUE;

            assert_int_equal(ke->encapsulate(span(pub, n), answer, secret), want);
            assert_int_equal(crypto_encapsulate(ke, span(pub, n), answer, secret), want);
            assert_int_equal(memcmp(secret, wiped, ke->secret_len) == 0, want != CV_OK);
        }
        ke->free_key(key);
    }
}

/* Buffers are as long as the limits say. */
static void a_method_with_too_much_to_say_is_not_there(void **state)
{
    struct cv_ke ke = *find(CV_KE_X25519);
    const struct cv_ke *const kes[] = {&ke, NULL};
    const struct cv_crypto backend = {.kes = kes};
    uint16_t *const lengths[] = {&ke.public_len, &ke.answer_len, &ke.secret_len};

    (void)state;
    assert_ptr_equal(crypto_ke(&backend, CV_KE_X25519), &ke);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        *lengths[i] = i < 2 ? CV_KE_PUB_MAX : CV_KE_SECRET_MAX;
        assert_non_null(crypto_ke(&backend, CV_KE_X25519));
        ++*lengths[i];
        assert_null(crypto_ke(&backend, CV_KE_X25519));
        *lengths[i] = 32;
    }
}

/* ---- MODP ------------------------------------------------------------------- */

static size_t read_prime(const struct cv_ke *ke, void *key, uint8_t *out)
{
    BIGNUM *p = NULL;
    int n;

    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p), 1);
    n = BN_bn2binpad(p, out, ke->public_len);
    BN_free(p);
    assert_int_equal(n, ke->public_len);
    return (size_t)n;
}

static void modp_primes_are_those_of_the_rfcs(void **state)
{
    const struct cv_hash *sha256 = crypto_hash(&cv_crypto_openssl, CV_HASH_SHA2_256);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(primes); i++) {
        const struct cv_ke *ke = find(primes[i].id);
        uint8_t prime[CV_KE_PUB_MAX], pub[CV_KE_PUB_MAX], digest[32], expected[32];
        void *key = ke->generate(pub);
        struct cv_span all = span(prime, read_prime(ke, key, prime));

        assert_true(sha256->hash(&all, 1, digest));
        hex_read(expected, sizeof(expected), primes[i].digest);
        assert_memory_equal(digest, expected, sizeof(digest));
        ke->free_key(key);
    }
}

/* With the private value 5, the public value 2 leads to the secret 32, whatever the
 * prime: nearly all of it is padding (RFC 7296 section 2.14). */
static void modp_secrets_are_padded_to_the_length_of_the_prime(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(primes); i++) {
        const struct cv_ke *ke = find(primes[i].id);
        uint8_t two[CV_KE_PUB_MAX] = {0}, secret[CV_KE_SECRET_MAX];
        uint8_t expected[CV_KE_SECRET_MAX] = {0};
        void *key = openssl_key(ke, span("\x05", 1));

        two[ke->public_len - 1] = 2;
        expected[ke->secret_len - 1] = 32;
        memset(secret, 0xee, sizeof(secret));
        assert_int_equal(ke->decapsulate(key, span(two, ke->answer_len), secret), CV_OK);
        assert_memory_equal(secret, expected, ke->secret_len);
        ke->free_key(key);
    }
}

/* One value in 256 begins with a zero octet, which must not get lost. */
static void modp_public_values_are_padded_too(void **state)
{
    const struct cv_ke *ke = find(CV_KE_MODP_1024);
    uint8_t pub[CV_KE_PUB_MAX];

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        void *key = ke->generate(pub);

        assert_non_null(key);
        ke->free_key(key);
    }
}

/* prime + add, in place; add may be negative. */
static void add_small(uint8_t *prime, size_t n, int add)
{
    for (size_t i = n; i-- > 0 && add != 0;) {
        int v = prime[i] + add;

        prime[i] = (uint8_t)(v & 0xff);
        add = v < 0 ? -1 : v >> 8;
    }
}

static bool derives(const struct cv_ke *ke, void *key, const uint8_t *pub)
{
    uint8_t secret[CV_KE_SECRET_MAX];

    return ke->decapsulate(key, span(pub, ke->answer_len), secret) == CV_OK;
}

/* RFC 6989 section 2.1: 1 < y < p - 1 */
static void modp_refuses_values_outside_the_range(void **state)
{
    static const struct {
        int to_prime;
        bool good;
    } cases[] = {
        {-3, true },
        {-2, true },
        {-1, false},
        {0,  false},
        {1,  false},
        {2,  false}
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(primes); i++) {
        const struct cv_ke *ke = find(primes[i].id);
        uint8_t pub[CV_KE_PUB_MAX] = {0};
        void *key = ke->generate(pub);

        memset(pub, 0, sizeof(pub));
        for (uint8_t y = 0; y < 4; y++) {
            pub[ke->public_len - 1] = y;
            assert_int_equal(derives(ke, key, pub), y > 1);
        }
        for (size_t c = 0; c < COUNT_OF(cases); c++) {
            add_small(pub, read_prime(ke, key, pub), cases[c].to_prime);
            assert_int_equal(derives(ke, key, pub), cases[c].good);
        }
        memset(pub, 0xff, sizeof(pub));
        assert_false(derives(ke, key, pub));
        ke->free_key(key);
    }
}

/* ---- elliptic curves -------------------------------------------------------- */

static void ecp_refuses_points_that_are_not_on_the_curve(void **state)
{
    static const uint16_t ids[] = {CV_KE_ECP_256, CV_KE_ECP_384, CV_KE_ECP_521};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const struct cv_ke *ke = find(ids[i]);
        uint8_t pub[CV_KE_PUB_MAX], other[CV_KE_PUB_MAX];
        void *key = ke->generate(pub);

        ke->free_key(ke->generate(other));
        assert_true(derives(ke, key, other));
        for (size_t at = 0; at < ke->public_len; at++) {
            other[at] ^= 1;
            assert_false(derives(ke, key, other));
            other[at] ^= 1;
        }
        memset(other, 0, sizeof(other));
        assert_false(derives(ke, key, other));
        memset(other, 0xff, sizeof(other));
        assert_false(derives(ke, key, other));
        ke->free_key(key);
    }
}

/* RFC 7748 section 6: points of small order lead to zero.  0, 1 and p - 1 exist on both
 * curves; the other two have order 8 on Curve25519. */
static void x_curves_refuse_points_of_small_order(void **state)
{
    /* clang-format off */
    static const struct {
        uint16_t id;
        const char *pub;
    } cases[] = {
        {CV_KE_X25519, "0000000000000000000000000000000000000000000000000000000000000000"},
        {CV_KE_X25519, "0100000000000000000000000000000000000000000000000000000000000000"},
        {CV_KE_X25519, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {CV_KE_X25519, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"},
        {CV_KE_X25519, "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"},
        {CV_KE_X448, "00000000000000000000000000000000000000000000000000000000"
                     "00000000000000000000000000000000000000000000000000000000"},
        {CV_KE_X448, "01000000000000000000000000000000000000000000000000000000"
                     "00000000000000000000000000000000000000000000000000000000"},
        {CV_KE_X448, "feffffffffffffffffffffffffffffffffffffffffffffffffffffff"
                     "feffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct cv_ke *ke = find(cases[i].id);
        uint8_t pub[CV_KE_PUB_MAX], bad[CV_KE_PUB_MAX];
        void *key = ke->generate(pub);

        assert_int_equal(hex_read(bad, sizeof(bad), cases[i].pub).n, ke->public_len);
        assert_true(derives(ke, key, pub));
        assert_false(derives(ke, key, bad));
        ke->free_key(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_derive_the_published_secrets_on_both_sides),
        cmocka_unit_test(both_sides_of_every_method_agree),
        cmocka_unit_test(every_method_refuses_values_of_another_length),
        cmocka_unit_test(a_method_with_too_much_to_say_is_not_there),
        cmocka_unit_test(modp_primes_are_those_of_the_rfcs),
        cmocka_unit_test(modp_secrets_are_padded_to_the_length_of_the_prime),
        cmocka_unit_test(modp_public_values_are_padded_too),
        cmocka_unit_test(modp_refuses_values_outside_the_range),
        cmocka_unit_test(ecp_refuses_points_that_are_not_on_the_curve),
        cmocka_unit_test(x_curves_refuse_points_of_small_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
