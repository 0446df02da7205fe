/* The watched backend itself: what it promises the scenarios.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"

#include "crypto/crypto.h"
#include "sim/crypto.h"

static int setup(void **state)
{
    (void)state;
    sim_crypto_start(5, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_crypto_stop();
    return 0;
}

static void one_nonce_twice_under_one_key_is_noticed(void **state)
{
    const struct cv_aead *gcm = crypto_aead(sim_crypto(), CV_ENCR_AES_GCM_16, 128);
    uint8_t key[16] = {1}, nonce[12] = {2}, data[4] = {0}, icv[16];
    void *a = gcm->new_key(key), *b, *c;

    (void)state;
    assert_true(gcm->seal(a, nonce, (struct cv_span){0}, data, 4, icv));
    nonce[11] = 1;
    assert_true(gcm->seal(a, nonce, (struct cv_span){0}, data, 4, icv));
    key[0] = 7;
    b = gcm->new_key(key);
    assert_true(gcm->seal(b, nonce, (struct cv_span){0}, data, 4, icv));
    assert_int_equal(sim_crypto_reused(), 0);
    c = gcm->new_key(key); /* another object, the same key */
    assert_true(gcm->seal(c, nonce, (struct cv_span){0}, data, 4, icv));
    assert_int_equal(sim_crypto_reused(), 1);
    assert_int_equal(sim_crypto_live_keys(), 3);
    gcm->free_key(a);
    gcm->free_key(b);
    gcm->free_key(c);
    assert_int_equal(sim_crypto_live_keys(), 0);
}

static void what_is_sealed_opens_again_and_only_whole(void **state)
{
    const struct cv_aead *gcm = crypto_aead(sim_crypto(), CV_ENCR_AES_GCM_16, 256);
    uint8_t key[32] = {1}, nonce[12] = {2}, data[4] = "abc", icv[16];
    void *k = gcm->new_key(key);

    (void)state;
    assert_true(gcm->seal(k, nonce, (struct cv_span){0}, data, 4, icv));
    assert_memory_not_equal(data, "abc", 4);
    assert_true(gcm->open(k, nonce, (struct cv_span){0}, data, 4, icv));
    assert_memory_equal(data, "abc", 4);
    assert_false(gcm->open(k, nonce, (struct cv_span){0}, data, 4, icv));
    gcm->free_key(k);
}

static void cheap_key_exchanges_agree_and_refuse_what_is_not_a_value(void **state)
{
    static const uint16_t ids[] = {CV_KE_X25519, CV_KE_ECP_256, CV_KE_ECP_384, CV_KE_MODP_2048,
                                   SIM_KE_KEM};
    const uint8_t zero[CV_KE_PUB_MAX] = {0};

    (void)state;
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        const struct cv_ke *ke = crypto_ke(sim_crypto(), ids[i]);
        uint8_t pub[CV_KE_PUB_MAX], answer[CV_KE_PUB_MAX], secret[2][CV_KE_SECRET_MAX];
        void *key = ke->generate(pub);

        assert_int_equal(
            crypto_encapsulate(ke, (struct cv_span){pub, ke->public_len}, answer, secret[0]),
            CV_OK);
        assert_int_equal(
            crypto_decapsulate(ke, key, (struct cv_span){answer, ke->answer_len}, secret[1]),
            CV_OK);
        assert_memory_equal(secret[0], secret[1], ke->secret_len);
        assert_memory_not_equal(pub, answer, ke->answer_len);
        assert_int_equal(
            crypto_decapsulate(ke, key, (struct cv_span){zero, ke->answer_len}, secret[0]),
            CV_ERR_KE_VALUE);
        assert_int_equal(
            crypto_encapsulate(ke, (struct cv_span){zero, ke->public_len}, answer, secret[0]),
            CV_ERR_KE_VALUE);
        ke->free_key(key);
    }
}

static void a_value_of_another_length_is_refused_on_both_sides(void **state)
{
    const struct cv_ke *ke = crypto_ke(sim_crypto(), SIM_KE_KEM);
    uint8_t pub[CV_KE_PUB_MAX] = {0}, answer[CV_KE_PUB_MAX], secret[CV_KE_SECRET_MAX];
    void *key = ke->generate(pub);

    (void)state;
    for (size_t n = 0; n <= sizeof(pub); n++) {
        struct cv_span value = {pub, n};

        assert_int_equal(crypto_encapsulate(ke, value, answer, secret),
                         n == SIM_KEM_PUBLIC ? CV_OK : CV_ERR_KE_VALUE);
        assert_int_equal(crypto_decapsulate(ke, key, value, secret),
                         n == SIM_KEM_ANSWER ? CV_OK : CV_ERR_KE_VALUE);
    }
    ke->free_key(key);
}

static void cheap_key_exchanges_have_the_lengths_of_the_real_ones(void **state)
{
    static const uint16_t ids[] = {CV_KE_X25519, CV_KE_ECP_256, CV_KE_ECP_384, CV_KE_MODP_2048};

    (void)state;
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        const struct cv_ke *fake = crypto_ke(sim_crypto(), ids[i]);
        const struct cv_ke *real = crypto_ke(&cv_crypto_openssl, ids[i]);

        assert_int_equal(fake->public_len, real->public_len);
        assert_int_equal(fake->answer_len, real->answer_len);
        assert_int_equal(fake->secret_len, real->secret_len);
    }
}

static void chance_repeats_itself_from_the_seed(void **state)
{
    uint8_t a[32], b[32];

    (void)state;
    assert_true(sim_crypto()->random(a, sizeof(a)));
    sim_crypto_start(5, NULL, NULL);
    assert_true(sim_crypto()->random(b, sizeof(b)));
    assert_memory_equal(a, b, sizeof(a));
    sim_crypto_start(6, NULL, NULL);
    assert_true(sim_crypto()->random(b, sizeof(b)));
    assert_memory_not_equal(a, b, sizeof(a));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_nonce_twice_under_one_key_is_noticed),
        TEST(what_is_sealed_opens_again_and_only_whole),
        TEST(cheap_key_exchanges_agree_and_refuse_what_is_not_a_value),
        TEST(a_value_of_another_length_is_refused_on_both_sides),
        TEST(cheap_key_exchanges_have_the_lengths_of_the_real_ones),
        TEST(chance_repeats_itself_from_the_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
