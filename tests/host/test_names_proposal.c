/* Text forms of proposals and algorithms.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/names_alg.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct problem why;

static void proposals_of_the_field_are_understood(void **state)
{
    /* clang-format off */
    static const struct {
        enum cv_protocol protocol;
        const char *text, *meaning;
    } cases[] = {
        {CV_PROTO_IKE, "aes128gcm16-prfsha256-x25519",
         "AES_GCM_16-128/PRF_HMAC_SHA2_256/CURVE_25519"},
        {CV_PROTO_IKE, "aes128-sha256-modp2048",
         "AES_CBC-128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"},
        {CV_PROTO_IKE, "aes256-sha384-ecp384",
         "AES_CBC-256/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/ECP_384"},
        {CV_PROTO_IKE, "aes256gcm16-sha384-ecp384", "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384"},
        {CV_PROTO_IKE, "aes-sha1-modp1024", "AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024"},
        {CV_PROTO_IKE, "3des-md5-modp1536", "3DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_1536"},
        {CV_PROTO_IKE, "aes128-aes256-sha256-sha512-prfsha256-ecp256-modp3072",
         "AES_CBC-128/AES_CBC-256/HMAC_SHA2_256_128/HMAC_SHA2_512_256/PRF_HMAC_SHA2_256/"
         "ECP_256/MODP_3072"},
        {CV_PROTO_IKE, "chacha20poly1305-prfsha512-curve25519",
         "CHACHA20_POLY1305/PRF_HMAC_SHA2_512/CURVE_25519"},
        {CV_PROTO_IKE, "aes256ccm8-prfaesxcbc-x448", "AES_CCM_8-256/PRF_AES128_XCBC/CURVE_448"},
        {CV_PROTO_IKE, "aes128-aesxcbc-ecp521",
         "AES_CBC-128/AES_XCBC_96/PRF_AES128_XCBC/ECP_521"},
        {CV_PROTO_IKE, "aes128ctr-aescmac-modp4096",
         "AES_CTR-128/AES_CMAC_96/PRF_AES128_CMAC/MODP_4096"},
        {CV_PROTO_IKE, "AES256-SHA2_256-MODP2048",
         "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"},
        /* As charon, which has 16 octets of ICV where none are named. */
        {CV_PROTO_ESP, "aes128gcm-aes192gcm-aes256gcm",
         "AES_GCM_16-128/AES_GCM_16-192/AES_GCM_16-256/NO_EXT_SEQ"},
        {CV_PROTO_IKE, "aes128ccm-aes192ccm-aes256ccm-prfsha256-ecp256",
         "AES_CCM_16-128/AES_CCM_16-192/AES_CCM_16-256/PRF_HMAC_SHA2_256/ECP_256"},
        {CV_PROTO_ESP, "aes128gcm16", "AES_GCM_16-128/NO_EXT_SEQ"},
        {CV_PROTO_ESP, "aes128gcm128-esn-noesn", "AES_GCM_16-128/EXT_SEQ/NO_EXT_SEQ"},
        {CV_PROTO_ESP, "aes256-sha256-modp2048",
         "AES_CBC-256/HMAC_SHA2_256_128/MODP_2048/NO_EXT_SEQ"},
        {CV_PROTO_ESP, "aes128-sha256-prfsha256", "AES_CBC-128/HMAC_SHA2_256_128/NO_EXT_SEQ"},
        {CV_PROTO_ESP, "aes128gcm16-sha256-x25519-modpnone",
         "AES_GCM_16-128/CURVE_25519/MODP_NONE/NO_EXT_SEQ"},
        {CV_PROTO_ESP, "null-sha256", "NULL/HMAC_SHA2_256_128/NO_EXT_SEQ"},
        {CV_PROTO_ESP, "aes128gmac-ecp256", "NULL_AES_GMAC-128/ECP_256/NO_EXT_SEQ"},
        {CV_PROTO_ESP, "aes128gcm16iiv-aes256ccm8iiv-chacha20poly1305iiv",
         "AES_GCM_16_IIV-128/AES_CCM_8_IIV-256/CHACHA20_POLY1305_IIV/NO_EXT_SEQ"},
        {CV_PROTO_ESP, "aes192ccm12", "AES_CCM_12-192/NO_EXT_SEQ"},
        {CV_PROTO_ESP, "aes128-aes128-sha256", "AES_CBC-128/HMAC_SHA2_256_128/NO_EXT_SEQ"},
        {CV_PROTO_AH, "sha256-esn", "HMAC_SHA2_256_128/EXT_SEQ"},
        {CV_PROTO_AH, "aesxcbc", "AES_XCBC_96/NO_EXT_SEQ"},
        {CV_PROTO_AH, "aes128gmac-aes192gmac-aes256gmac-sha256",
         "AES_128_GMAC/AES_192_GMAC/AES_256_GMAC/HMAC_SHA2_256_128/NO_EXT_SEQ"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cv_proposal p;
        char got[256];

        if (!proposal_parse(&p, cases[i].protocol, cases[i].text, &why))
            fail_msg("%s: %s", cases[i].text, why.text);
        proposal_format(got, sizeof(got), &p);
        assert_string_equal(got, cases[i].meaning);
        assert_int_equal(p.protocol, cases[i].protocol);
    }
}

static void senseless_proposals_are_refused_with_the_reason(void **state)
{
    /* clang-format off */
    static const struct {
        enum cv_protocol protocol;
        const char *text, *problem;
    } cases[] = {
        {CV_PROTO_IKE, "aes12gcm16-prfsha256-x25519",
         "unknown algorithm 'aes12gcm16' in proposal 'aes12gcm16-prfsha256-x25519', did you "
         "mean 'aes128gcm16'?"},
        {CV_PROTO_IKE, "aes128-sha256-modp204",
         "unknown algorithm 'modp204' in proposal 'aes128-sha256-modp204', did you mean "
         "'modp2048'?"},
        {CV_PROTO_IKE, "", "unknown algorithm '' in proposal ''"},
        {CV_PROTO_IKE, "aes128--modp2048",
         "unknown algorithm '' in proposal 'aes128--modp2048'"},
        {CV_PROTO_IKE, "aes128-sha256-modp2048-",
         "unknown algorithm '' in proposal 'aes128-sha256-modp2048-'"},
        {CV_PROTO_IKE, "camellia128-sha256-modp2048",
         "algorithm 'camellia128' of strongSwan is not supported"},
        {CV_PROTO_IKE, "aes128gcm16-x25519",
         "proposal 'aes128gcm16-x25519' needs a pseudorandom function, e.g. prfsha256"},
        {CV_PROTO_IKE, "aes128gcm16-prfsha256",
         "proposal 'aes128gcm16-prfsha256' needs a key exchange method, e.g. x25519"},
        {CV_PROTO_IKE, "aes128-modp2048",
         "proposal 'aes128-modp2048' needs an integrity algorithm, e.g. sha256"},
        {CV_PROTO_IKE, "sha256-modp2048",
         "proposal 'sha256-modp2048' needs a cipher, e.g. aes128gcm16"},
        {CV_PROTO_IKE, "null-sha256-modp2048",
         "proposal 'null-sha256-modp2048' has a cipher that is for ESP only: null, gmac or "
         "one with implicit IV"},
        {CV_PROTO_IKE, "aes128gcm16iiv-prfsha256-x25519",
         "proposal 'aes128gcm16iiv-prfsha256-x25519' has a cipher that is for ESP only: null, "
         "gmac or one with implicit IV"},
        {CV_PROTO_IKE, "aes128-sha256-modpnone",
         "proposal 'aes128-sha256-modpnone' cannot go without key exchange: modpnone is for "
         "ESP"},
        {CV_PROTO_IKE, "aes128-aes128gcm16-sha256-x25519",
         "proposal 'aes128-aes128gcm16-sha256-x25519' AEAD ciphers (gcm, ccm, "
         "chacha20poly1305) and others do not go into one proposal; write two, separated by "
         "a comma"},
        {CV_PROTO_ESP, "aes128", "proposal 'aes128' needs an integrity algorithm, e.g. sha256"},
        {CV_PROTO_ESP, "sha256", "proposal 'sha256' needs a cipher, e.g. aes128gcm16"},
        {CV_PROTO_AH, "aes128-sha256",
         "proposal 'aes128-sha256' cannot have a cipher: AH does not encrypt"},
        {CV_PROTO_AH, "x25519", "proposal 'x25519' needs an integrity algorithm, e.g. sha256"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cv_proposal p;

        assert_false(proposal_parse(&p, cases[i].protocol, cases[i].text, &why));
        assert_string_equal(why.text, cases[i].problem);
    }
}

static void a_proposal_with_too_many_algorithms_is_refused(void **state)
{
    struct cv_proposal p;

    (void)state;
    assert_false(
        proposal_parse(&p, CV_PROTO_IKE,
                       "aes128-aes192-aes256-aes128ctr-aes192ctr-aes256ctr-3des-sha256-"
                       "sha384-sha512-sha1-md5-aesxcbc-aescmac-prfsha256-prfsha384-"
                       "prfsha512-prfsha1-x25519-x448-ecp256-ecp384-ecp521-modp2048-"
                       "modp3072",
                       &why));
    assert_non_null(strstr(why.text, "has more than 24 algorithms"));
    assert_false(
        proposal_parse(&p, CV_PROTO_IKE,
                       "aes128-aes192-aes256-aes128ctr-aes192ctr-aes256ctr-3des-sha256-"
                       "sha384-sha512-sha1-md5-aesxcbc-aescmac-x25519-x448-ecp256-ecp384-"
                       "ecp521-modp2048-modp3072",
                       &why));
    assert_non_null(strstr(why.text, "has too many algorithms"));
}

static void defaults_are_valid_and_have_nothing_weak(void **state)
{
    static const enum cv_protocol protocols[] = {CV_PROTO_IKE, CV_PROTO_ESP, CV_PROTO_AH};

    (void)state;
    for (size_t k = 0; k < COUNT(protocols); k++) {
        const struct cv_proposal *p;
        unsigned n = proposal_defaults(&p, protocols[k]);

        assert_true(n > 0);
        for (unsigned i = 0; i < n; i++) {
            unsigned at = 0, words = 0;
            struct cv_proposal again;
            char text[512] = "";

            assert_null(proposal_next_weak(&p[i], &at));
            for (; words < p[i].n; words++) { /* as words, and read again: the same */
                const struct alg_word *word = alg_of(&p[i].t[words]);

                assert_non_null(word);
                if (words > 0)
                    strcat(text, "-");
                strcat(text, word->word);
            }
            assert_true(proposal_parse(&again, protocols[k], text, &why));
            assert_int_equal(again.n, p[i].n);
            assert_memory_equal(again.t, p[i].t, p[i].n * sizeof(p[i].t[0]));
        }
    }
}

static void the_first_default_is_aes_gcm_with_x25519(void **state)
{
    const struct cv_proposal *p;
    struct cv_proposal parsed;

    (void)state;
    assert_int_equal(proposal_defaults(&p, CV_PROTO_IKE), 2);
    assert_int_equal(p[0].t[0].id, CV_ENCR_AES_GCM_16);
    assert_int_equal(p[0].t[0].key_len, 128);
    assert_true(proposal_parse(&parsed, CV_PROTO_IKE, "default", &why));
    assert_memory_equal(&parsed, &p[0], sizeof(parsed));
}

static void weak_algorithms_are_listed(void **state)
{
    struct cv_proposal p;
    unsigned at = 0;

    (void)state;
    assert_true(
        proposal_parse(&p, CV_PROTO_IKE, "aes128-3des-sha256-sha1-prfsha256-modp1024", &why));
    assert_string_equal(proposal_next_weak(&p, &at), "3des");
    assert_string_equal(proposal_next_weak(&p, &at), "sha1");
    assert_string_equal(proposal_next_weak(&p, &at), "modp1024");
    assert_null(proposal_next_weak(&p, &at));
}

static void a_long_proposal_is_cut_at_the_buffers_end(void **state)
{
    const struct cv_proposal *p;
    char text[16];

    (void)state;
    (void)proposal_defaults(&p, CV_PROTO_IKE);
    proposal_format(text, sizeof(text), &p[1]);
    assert_string_equal(text, "AES_CBC-128/AES");
}

/* What the log says can be put into a configuration. */
static void a_proposal_in_words_is_read_back(void **state)
{
    static const char *const texts[] = {"aes128gcm16-aes256gcm16-prfsha256-x25519-ecp384",
                                        "aes128-sha256-modp2048", "aes128gcm16-esn-noesn"};
    struct cv_proposal p, again;
    char words[200];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        enum cv_protocol protocol = i == 2 ? CV_PROTO_ESP : CV_PROTO_IKE;

        assert_true(proposal_parse(&p, protocol, texts[i], &why));
        proposal_words(words, sizeof(words), &p);
        assert_true(proposal_parse(&again, protocol, words, &why));
        assert_memory_equal(&p, &again, sizeof(p));
    }
    assert_true(proposal_parse(&p, CV_PROTO_ESP, "aes128gcm16", &why));
    proposal_words(words, sizeof(words), &p);
    assert_string_equal(words, "aes128gcm16");
}

static void a_number_without_a_word_is_said_as_such(void **state)
{
    const struct cv_proposal p = {
        .n = 3, .t = {{CV_ENCR, 31, 128}, {CV_PRF, 9, 0}, {6, 35, 0}}
    };
    char words[200];

    (void)state;
    proposal_words(words, sizeof(words), &p);
    assert_string_equal(words, "(encr 31-128)-(prf 9)-(type 6 35)");
    proposal_words(words, 12, &p);
    assert_string_equal(words, "(encr 31-12");
}

static void numbers_have_charons_names(void **state)
{
    (void)state;
    assert_string_equal(name_encr(CV_ENCR_AES_GCM_16), "AES_GCM_16");
    assert_string_equal(name_integ(CV_INTEG_HMAC_SHA2_256_128), "HMAC_SHA2_256_128");
    assert_string_equal(name_prf(CV_PRF_HMAC_SHA2_256), "PRF_HMAC_SHA2_256");
    assert_string_equal(name_ke(CV_KE_X25519), "CURVE_25519");
    assert_string_equal(name_ke(999), "UNKNOWN");
    assert_string_equal(name_ike_state(CV_IKE_ESTABLISHED), "ESTABLISHED");
    assert_string_equal(name_child_state(CV_CHILD_INSTALLED), "INSTALLED");
    assert_string_equal(name_child_state(200), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proposals_of_the_field_are_understood),
        cmocka_unit_test(senseless_proposals_are_refused_with_the_reason),
        cmocka_unit_test(a_proposal_with_too_many_algorithms_is_refused),
        cmocka_unit_test(defaults_are_valid_and_have_nothing_weak),
        cmocka_unit_test(the_first_default_is_aes_gcm_with_x25519),
        cmocka_unit_test(weak_algorithms_are_listed),
        cmocka_unit_test(a_long_proposal_is_cut_at_the_buffers_end),
        cmocka_unit_test(a_proposal_in_words_is_read_back),
        cmocka_unit_test(a_number_without_a_word_is_said_as_such),
        cmocka_unit_test(numbers_have_charons_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
