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
#include "tests/support/hex.h"

enum { ROOM = 1024, PARTS_MAX = 5 };

#define HI_THERE "4869205468657265"
#define KEY_0B_16 "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
#define COUNT_16 "000102030405060708090a0b0c0d0e0f"
#define COUNT_20 COUNT_16 "10111213"
#define CMAC_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define CMAC_40                                                                                \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
#define CMAC_64 CMAC_40 "e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

struct vector {
    uint16_t id;
    const char *key, *data, *out;
};

/* clang-format off */
static const struct vector integs[] = {
    /* RFC 2202 sections 2 and 3, case 1 */
    {CV_INTEG_HMAC_MD5_96, KEY_0B_16, HI_THERE, "9294727a3638bb1c13f48ef8"},
    {CV_INTEG_HMAC_SHA1_96, KEY_0B_16 "0b0b0b0b", HI_THERE, "b617318655057264e28bc0b6"},
    /* RFC 4868 section 2.7.2, case 1 of each */
    {CV_INTEG_HMAC_SHA2_256_128, KEY_0B_16 KEY_0B_16, HI_THERE,
     "198a607eb44bfbc69903a0f1cf2bbdc5"},
    {CV_INTEG_HMAC_SHA2_384_192, KEY_0B_16 KEY_0B_16 KEY_0B_16, HI_THERE,
     "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973"},
    {CV_INTEG_HMAC_SHA2_512_256, KEY_0B_16 KEY_0B_16 KEY_0B_16 KEY_0B_16, HI_THERE,
     "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"},
    /* RFC 3566 section 4.6, cases 1 to 5 */
    {CV_INTEG_AES_XCBC_96, COUNT_16, "", "75f0251d528ac01c4573dfd5"},
    {CV_INTEG_AES_XCBC_96, COUNT_16, "000102", "5b376580ae2f19afe7219cee"},
    {CV_INTEG_AES_XCBC_96, COUNT_16, COUNT_16, "d2a246fa349b68a79998a439"},
    {CV_INTEG_AES_XCBC_96, COUNT_16, COUNT_20, "47f51b4564966215b8985c63"},
    {CV_INTEG_AES_XCBC_96, COUNT_16, COUNT_20 "1415161718191a1b1c1d1e1f",
     "f54f0ec8d2b9f3d36807734b"},
    /* RFC 4494 section 4.1 */
    {CV_INTEG_AES_CMAC_96, CMAC_KEY, "", "bb1d6929e95937287fa37d12"},
    {CV_INTEG_AES_CMAC_96, CMAC_KEY, "6bc1bee22e409f96e93d7e117393172a",
     "070a16b46b4d4144f79bdd9d"},
    {CV_INTEG_AES_CMAC_96, CMAC_KEY, CMAC_40, "dfa66747de9ae63030ca3261"},
    {CV_INTEG_AES_CMAC_96, CMAC_KEY, CMAC_64, "51f0bebf7e3b9d92fc497417"},
    /* NIST's vectors of GCM without plaintext, and Wycheproof's aes_gmac 146, the IV in two: salt
     * behind the key, the rest here in front of the tag */
    {CV_INTEG_AES_128_GMAC, "77be63708971c4e240d1cb79e8d77feb" "e0e00f19",
     "7a43ec1d9c0a5a78a0b16533a6213cab", "fed7ba0136a797f3" "209fcc8d3675ed938e9c7166709dd946"},
    {CV_INTEG_AES_192_GMAC, "6031b3a177b43045ae587ffb0d228b0414ff26b7206c30f5" "8af8ef74",
     "dc89f1dd15f3258b7e921173650eb9ba", "bd2521f6e711950b" "68a1249d6487f46c107bdb8417271e26"},
    {CV_INTEG_AES_256_GMAC, "78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223" "d79cf22d",
     "b96baa8c1c75a671bfb2d08d06be5f36", "504cc793c3fb6c8a" "3e5d486aa2e30b22e040b85723a06e76"},
};
/* clang-format on */

/* clang-format off */
static const struct vector prfs[] = {
    /* RFC 2202: cases 1 and 2 */
    {CV_PRF_HMAC_MD5, KEY_0B_16, HI_THERE, "9294727a3638bb1c13f48ef8158bfc9d"},
    {CV_PRF_HMAC_MD5, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "750c783e6ab0b503eaa86e310a5db738"},
    {CV_PRF_HMAC_SHA1, KEY_0B_16 "0b0b0b0b", HI_THERE,
     "b617318655057264e28bc0b6fb378c8ef146be00"},
    {CV_PRF_HMAC_SHA1, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    /* RFC 4231 section 4.2 */
    {CV_PRF_HMAC_SHA2_256, KEY_0B_16 "0b0b0b0b", HI_THERE,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {CV_PRF_HMAC_SHA2_384, KEY_0B_16 "0b0b0b0b", HI_THERE,
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8"
     "b2fa9cb6"},
    {CV_PRF_HMAC_SHA2_512, KEY_0B_16 "0b0b0b0b", HI_THERE,
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274e"
     "aea3f4e4be9d914eeb61f1702e696c203a126854"},
    /* RFC 4434 section 2: keys of 16, 10 and 18 octets */
    {CV_PRF_AES128_XCBC, COUNT_16, COUNT_20, "47f51b4564966215b8985c63055ed308"},
    {CV_PRF_AES128_XCBC, "00010203040506070809", COUNT_20, "0fa087af7d866e7653434e602fdde835"},
    {CV_PRF_AES128_XCBC, COUNT_16 "edcb", COUNT_20, "8cd3c93ae598a9803006ffb67c40e9e4"},
    /* RFC 4615 section 4: keys of 18, 16 and 10 octets */
    {CV_PRF_AES128_CMAC, COUNT_16 "edcb", COUNT_20, "84a348a4a45d235babfffc0d2b4da09a"},
    {CV_PRF_AES128_CMAC, COUNT_16, COUNT_20, "980ae87b5f4c9c5214f5b6a8455e4c2d"},
    {CV_PRF_AES128_CMAC, "00010203040506070809", COUNT_20, "290d9e112edb09ee141fcf64c0b72f3d"},
};
/* clang-format on */

/* FIPS 180-4 examples: "abc" and the empty message. */
/* clang-format off */
static const struct vector hashes[] = {
    {CV_HASH_SHA1, NULL, "616263", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {CV_HASH_SHA1, NULL, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {CV_HASH_SHA2_256, NULL, "616263",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {CV_HASH_SHA2_384, NULL, "616263",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca1"
     "34c825a7"},
    {CV_HASH_SHA2_512, NULL, "616263",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23"
     "a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};
/* clang-format on */

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A vector as octets, its data cut in parts. */
struct input {
    uint8_t key_room[ROOM], data[ROOM], out[CV_HASH_MAX];
    struct cv_span key, parts[PARTS_MAX];
    size_t n_parts, data_len, out_len;
};

static void load(struct input *in, const struct vector *v)
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
    for (size_t i = 0; i < COUNT_OF(integs); i++) {
        const struct cv_integ *integ = crypto_integ(&cv_crypto_openssl, integs[i].id);
        struct input in;
        void *key;

        assert_non_null(integ);
        load(&in, &integs[i]);
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
    for (size_t i = 0; i < COUNT_OF(prfs); i++) {
        const struct cv_prf *prf = crypto_prf(&cv_crypto_openssl, prfs[i].id);
        struct input in;

        assert_non_null(prf);
        load(&in, &prfs[i]);
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
    for (size_t i = 0; i < COUNT_OF(hashes); i++) {
        const struct cv_hash *hash = crypto_hash(&cv_crypto_openssl, hashes[i].id);
        struct input in;

        assert_non_null(hash);
        load(&in, &hashes[i]);
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

        while (i < COUNT_OF(integs) && integs[i].id != (*a)->id)
            i++;
        assert_in_range(i, 0, COUNT_OF(integs) - 1);
    }
    for (const struct cv_prf *const *a = cv_crypto_openssl.prfs; *a != NULL; a++) {
        size_t i = 0;

        while (i < COUNT_OF(prfs) && prfs[i].id != (*a)->id)
            i++;
        assert_in_range(i, 0, COUNT_OF(prfs) - 1);
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
