/* Text forms: proposals, identities, addresses, ranges, traffic selectors.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/names.h"
#include "daemon/names_alg.h"
#include "daemon/names_dn.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct problem why;

/* ---- proposals ---- */

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

/* ---- identities ---- */

static void identities_get_the_type_their_form_says(void **state)
{
    static const struct {
        const char *text;
        uint8_t type;
        const char *shown;
    } cases[] = {
        {"%any",                           CV_ID_ANY,    "%any"                          },
        {"0.0.0.0",                        CV_ID_ANY,    "%any"                          },
        {"::",                             CV_ID_ANY,    "%any"                          },
        {"*",                              CV_ID_ANY,    "%any"                          },
        {"10.0.0.1",                       CV_ID_IPV4,   "10.0.0.1"                      },
        {"fd00::1",                        CV_ID_IPV6,   "fd00::1"                       },
        {"ipv4:10.0.0.1",                  CV_ID_IPV4,   "10.0.0.1"                      },
        {"ipv4:#0a000001",                 CV_ID_IPV4,   "10.0.0.1"                      },
        {"sensor-17.fleet.example",        CV_ID_FQDN,   "sensor-17.fleet.example"       },
        {"@gw",                            CV_ID_FQDN,   "gw"                            },
        {"fqdn:10.0.0.1",                  CV_ID_FQDN,   "10.0.0.1"                      },
        {"dns:*.example.com",              CV_ID_FQDN,   "*.example.com"                 },
        {"{2}:gw",                         CV_ID_FQDN,   "gw"                            },
        {"u@example.com",                  CV_ID_RFC822, "u@example.com"                 },
        {"@@u@example.com",                CV_ID_RFC822, "u@example.com"                 },
        {"email:u",                        CV_ID_RFC822, "u"                             },
        {"userfqdn:u@x",                   CV_ID_RFC822, "u@x"                           },
        {"keyid:device 17",                CV_ID_KEY_ID, "device 17"                     },
        {"keyid:#0102ff",                  CV_ID_KEY_ID, "01:02:ff"                      },
        {"@#01:02:FF",                     CV_ID_KEY_ID, "01:02:ff"                      },
        {"imei:351756051523999",           CV_ID_KEY_ID, "imei:351756051523999"          },
        {"C=CH, O=Fleet, CN=gw",           CV_ID_DER_DN, "C=CH, O=Fleet, CN=gw"          },
        {"/C=CH/O=Fleet, Inc/CN=gw",       CV_ID_DER_DN, "C=CH, O=Fleet\\, Inc, CN=gw"   },
        {"C=CH,O=\"Fleet, Inc\",CN=a\\,b", CV_ID_DER_DN, "C=CH, O=Fleet\\, Inc, CN=a\\,b"},
        {"CN=\" a \"",                     CV_ID_DER_DN, "CN= a "                        },
        {"asn1dn:CN=x",                    CV_ID_DER_DN, "CN=x"                          },
        {"cn = x , emailAddress = a@b",    CV_ID_DER_DN, "CN=x, E=a@b"                   },
        {"DC=example, DC=org, UID=7",      CV_ID_DER_DN, "DC=example, DC=org, UID=7"     },
        {"CN=*",                           CV_ID_DER_DN, "CN=*"                          },
        {"asn1gn:#8101",                   CV_ID_DER_GN, "81:01"                         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cv_id id;
        char shown[256];

        if (!id_parse(&id, cases[i].text, &why))
            fail_msg("%s: %s", cases[i].text, why.text);
        assert_int_equal(id.type, cases[i].type);
        id_format(shown, sizeof(shown), &id);
        assert_string_equal(shown, cases[i].shown);
    }
}

static void a_distinguished_name_has_the_octets_a_certificate_has(void **state)
{
    static const uint8_t der[] = {
        0x30, 0x2f, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02,
        'C',  'H',  0x31, 0x0f, 0x30, 0x0d, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x06,
        'F',  'l',  0xc3, 0xa9, 'e',  't',  0x31, 0x0f, 0x30, 0x0d, 0x06, 0x03, 0x55,
        0x04, 0x03, 0x13, 0x06, 's',  'e',  'n',  's',  'o',  'r',
    };
    struct cv_id id;

    (void)state;
    assert_true(id_parse(&id,
                         "C=CH, O=Fl\xc3\xa9"
                         "et, CN=sensor",
                         &why));
    assert_int_equal(id.n, sizeof(der));
    assert_memory_equal(id.b, der, sizeof(der));
}

static void any_prefix_of_a_distinguished_name_is_shown_without_harm(void **state)
{
    struct cv_id id;

    (void)state;
    assert_true(id_parse(&id, "C=CH, O=Fleet, CN=sensor", &why));
    for (unsigned n = 0; n <= id.n; n++) {
        char shown[64];

        dn_format(shown, sizeof(shown), (struct cv_span){id.b, n});
        assert_true(strlen(shown) < sizeof(shown));
    }
    for (unsigned bit = 0; bit < 8u * id.n; bit++) {
        struct cv_id bad = id;
        char shown[20];

        bad.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        id_format(shown, sizeof(shown), &bad);
    }
}

static void an_unknown_attribute_is_shown_by_its_number(void **state)
{
    static const uint8_t der[] = {0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x04,
                                  0x2a, 0x86, 0x48, 0x05, 0x0c, 0x01, 'x'};
    char shown[64];

    (void)state;
    dn_format(shown, sizeof(shown), (struct cv_span){der, sizeof(der)});
    assert_string_equal(shown, "1.2.840.5=x");
}

static void wrong_identities_are_refused_with_the_reason(void **state)
{
    /* clang-format off */
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"", "identity is empty; a value with '#' needs quotes"},
        {"@", "identity is empty; a value with '#' needs quotes"},
        {"keyid:", "identity is empty; a value with '#' needs quotes"},
        {"keyid:#", "identity is empty; a value with '#' needs quotes"},
        {"keyid:#0", "'#0' is not hexadecimal"},
        {"@#zz", "'#zz' is not hexadecimal"},
        {"ipv4:fd00::1", "'fd00::1' is not an IPv4 address"},
        {"ipv6:x", "'x' is not an IPv6 address"},
        {"{3}x", "'{3}x' is not an identity: expected '{TYPE}:VALUE'"},
        {"{99}:x", "identity type 99 is not supported"},
        {"asn1gn:x", "identity 'asn1gn:' needs '#' and hexadecimal octets"},
        {"C=CH, O", "'C=CH, O' is not a distinguished name: no '=' after 'O'"},
        {"C=", "attribute 'C' in distinguished name 'C=' is empty"},
        {"CM=x", "unknown attribute 'CM' in distinguished name 'CM=x', did you mean 'CN'?"},
        {"banana=x", "unknown attribute 'banana' in distinguished name 'banana=x'"},
        {"a\x01" "b", "identity has control characters"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cv_id id;

        assert_false(id_parse(&id, cases[i].text, &why));
        assert_string_equal(why.text, cases[i].problem);
    }
}

static void identities_longer_than_the_limit_are_refused(void **state)
{
    char text[2 * CV_ID_MAX + 16];
    struct cv_id id;

    (void)state;
    memset(text, 'a', sizeof(text));
    text[CV_ID_MAX] = '\0';
    assert_true(id_parse(&id, text, &why));
    assert_int_equal(id.n, CV_ID_MAX);
    memset(text, 'a', sizeof(text));
    text[CV_ID_MAX + 1] = '\0';
    assert_false(id_parse(&id, text, &why));
    for (size_t n = CV_ID_MAX - 16; n < CV_ID_MAX + 8; n++) {
        memset(text, 'a', sizeof(text));
        memcpy(text, "CN=", 3);
        text[n] = '\0';
        if (id_parse(&id, text, &why))
            assert_true(n - 3 + 15 <= CV_ID_MAX);
        else
            assert_non_null(strstr(why.text, "is longer than 200 octets"));
    }
}

static void an_identity_with_control_characters_is_shown_without_them(void **state)
{
    struct cv_id id = {
        .type = CV_ID_FQDN, .n = 4, .b = {'a', 0x1b, '[', 0x80}
    };
    char shown[16];

    (void)state;
    id_format(shown, sizeof(shown), &id);
    assert_string_equal(shown, "a?[?");
    id_format(shown, 3, &id);
    assert_string_equal(shown, "a?");
}

/* ---- addresses ---- */

static void ranges_are_understood(void **state)
{
    static const struct {
        const char *text, *lo, *hi;
    } cases[] = {
        {"10.0.0.1",          "10.0.0.1", "10.0.0.1"                               },
        {"10.1.2.3/8",        "10.0.0.0", "10.255.255.255"                         },
        {"10.0.0.0/29",       "10.0.0.0", "10.0.0.7"                               },
        {"0.0.0.0/0",         "0.0.0.0",  "255.255.255.255"                        },
        {"10.0.0.1-10.0.0.9", "10.0.0.1", "10.0.0.9"                               },
        {"fd00::/64",         "fd00::",   "fd00::ffff:ffff:ffff:ffff"              },
        {"fd00::1/127",       "fd00::",   "fd00::1"                                },
        {"%any4",             "0.0.0.0",  "255.255.255.255"                        },
        {"%any6",             "::",       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    struct cv_addr_range r;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cv_addr a;
        char text[64];

        assert_true(range_parse(&r, cases[i].text));
        a = (struct cv_addr){.family = r.family};
        memcpy(a.b, r.lo, 16);
        addr_format(text, sizeof(text), &a);
        assert_string_equal(text, cases[i].lo);
        memcpy(a.b, r.hi, 16);
        addr_format(text, sizeof(text), &a);
        assert_string_equal(text, cases[i].hi);
    }
    assert_true(range_parse(&r, "%any"));
    assert_int_equal(r.family, CV_ANY_FAMILY);
}

static void wrong_ranges_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "10.0.0",
        "10.0.0.1/33",
        "10.0.0.1/",
        "10.0.0.1/-1",
        "10.0.0.1/8x",
        "fd00::/129",
        "10.0.0.9-10.0.0.1",
        "10.0.0.1-fd00::1",
        "gw.example",
        "-",
        "/8",
        "10.0.0.1/4294967304",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cv_addr_range r;

        assert_false(range_parse(&r, cases[i]));
    }
}

/* ---- traffic selectors ---- */

static void traffic_selectors_are_understood(void **state)
{
    static const struct {
        const char *text;
        bool dynamic;
        uint8_t proto;
        uint16_t lo, hi;
        const char *shown;
    } cases[] = {
        {"10.1.0.0/16",                  false, 0,   0,      65535,  "10.1.0.0/16"                  },
        {"10.1.0.0/16[tcp]",             false, 6,   0,      65535,  "10.1.0.0/16[tcp]"             },
        {"10.1.0.0/16[tcp/8443]",        false, 6,   8443,   8443,   "10.1.0.0/16[tcp/8443]"        },
        {"10.1.0.0/16[17/5000-5010]",    false, 17,  5000,   5010,   "10.1.0.0/16[udp/5000-5010]"   },
        {"10.1.0.0/16[200]",             false, 200, 0,      65535,  "10.1.0.0/16[200]"             },
        {"10.0.0.1[udp/opaque]",         false, 17,  65535,  0,      "10.0.0.1/32[udp/OPAQUE]"      },
        {"10.0.0.1[any/any]",            false, 0,   0,      65535,  "10.0.0.1/32"                  },
        {"10.0.0.1[/any]",               false, 0,   0,      65535,  "10.0.0.1/32"                  },
        {"10.0.0.1[icmp/8]",             false, 1,   0x0800, 0x08ff, "10.0.0.1/32[icmp/8]"          },
        {"10.0.0.1[icmp/3(1)]",          false, 1,   0x0301, 0x0301, "10.0.0.1/32[icmp/3(1)]"       },
        {"10.0.0.1[icmp/3-5]",           false, 1,   0x0300, 0x05ff, "10.0.0.1/32[icmp/3-5]"        },
        {"10.0.0.1[icmp/3(1)-3(4)]",     false, 1,   0x0301, 0x0304, "10.0.0.1/32[icmp/3(1)-3(4)]"  },
        {"10.0.0.1[icmp/3(1)-4]",        false, 1,   0x0301, 0x04ff, "10.0.0.1/32[icmp/3(1)-4(255)]"},
        {"10.0.0.1[icmp/opaque]",        false, 1,   65535,  0,      "10.0.0.1/32[icmp/OPAQUE]"     },
        {"10.0.0.1[tcp/0-65535]",        false, 6,   0,      65535,  "10.0.0.1/32[tcp]"             },
        {"10.0.0.1..10.0.0.9[tcp]",      false, 6,   0,      65535,  "10.0.0.1..10.0.0.9[tcp]"      },
        {"fd00::/64[ipv6-icmp/128]",     false, 58,  0x8000, 0x80ff, "fd00::/64[ipv6-icmp/128]"     },
        {"fd00::1-fd00::9[icmpv6/1(4)]", false, 58,  0x0104, 0x0104,
         "fd00::1..fd00::9[ipv6-icmp/1(4)]"                                                         },
        {"fd00::/64[ipv6-icmp]",         false, 58,  0,      65535,  "fd00::/64[ipv6-icmp]"         },
        {"10.0.0.1-10.0.0.9",            false, 0,   0,      65535,  "10.0.0.1..10.0.0.9"           },
        {"10.0.0.0-10.0.0.255",          false, 0,   0,      65535,  "10.0.0.0/24"                  },
        {"0.0.0.0/0",                    false, 0,   0,      65535,  "0.0.0.0/0"                    },
        {"::/0",                         false, 0,   0,      65535,  "::/0"                         },
        {"dynamic",                      true,  0,   0,      65535,  "dynamic"                      },
        {"dynamic[udp/1701]",            true,  17,  1701,   1701,   NULL                           },
        {"dynamic[gre]",                 true,  47,  0,      65535,  "dynamic[gre]"                 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cv_ts_config c;
        char shown[128];

        if (!ts_parse(&c, cases[i].text, &why))
            fail_msg("%s: %s", cases[i].text, why.text);
        assert_int_equal(c.dynamic, cases[i].dynamic);
        assert_int_equal(c.ts.proto, cases[i].proto);
        assert_int_equal(c.ts.port_lo, cases[i].lo);
        assert_int_equal(c.ts.port_hi, cases[i].hi);
        ts_format(shown, sizeof(shown), &c.ts);
        if (cases[i].shown != NULL)
            assert_string_equal(shown, cases[i].shown);
        if (cases[i].shown != NULL) { /* what is shown can be written */
            struct cv_ts_config again;

            assert_true(ts_parse(&again, shown, &why));
            assert_memory_equal(&again.ts, &c.ts, sizeof(c.ts));
        }
        ts_format(shown, 8, &c.ts); /* cut, not overrun */
        assert_true(strlen(shown) < 8);
    }
}

static void wrong_traffic_selectors_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"10.1.0.0/33",            "'10.1.0.0/33' is not a subnet"            },
        {"",                       "'' is not a subnet"                       },
        {"%any",                   "'%any' is not a subnet"                   },
        {"[tcp]",                  "'' is not a subnet"                       },
        {"10.0.0.0/8[tcp",         "expected ']' at the end"                  },
        {"10.0.0.0/8[",            "expected ']' at the end"                  },
        {"10.0.0.0/8[tcp]x",       "expected ']' at the end"                  },
        {"10.0.0.0/8[tpc]",        "unknown protocol 'tpc'"                   },
        {"10.0.0.0/8[256]",        "unknown protocol '256'"                   },
        {"10.0.0.0/8[tcp/65536]",  "unknown port '65536'"                     },
        {"10.0.0.0/8[tcp/9-3]",    "unknown port '9-3'"                       },
        {"10.0.0.0/8[tcp/9-]",     "unknown port '9-'"                        },
        {"10.0.0.0/8[tcp/no-svc]", "unknown port 'no-svc'"                    },
        {"10.0.0.0/8[any/80]",     "port '80' needs a protocol, e.g. [tcp/80]"},
        {"10.0.0.0/8[icmp/256]",   "unknown port '256'"                       },
        {"10.0.0.0/8[icmp/3(]",    "unknown port '3('"                        },
        {"10.0.0.0/8[icmp/3(1]",   "unknown port '3(1'"                       },
        {"10.0.0.0/8[icmp/4-3]",   "unknown port '4-3'"                       },
        {"10.0.0.0/8[icmp/3(1)-]", "unknown port '3(1)-'"                     },
        {"10.0.0.0/8[icmp/3-4x]",  "unknown port '3-4x'"                      },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cv_ts_config c;

        if (ts_parse(&c, cases[i].text, &why))
            fail_msg("%s was accepted", cases[i].text);
        assert_ptr_equal(strstr(why.text, cases[i].problem), why.text);
    }
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
        cmocka_unit_test(numbers_have_charons_names),
        cmocka_unit_test(identities_get_the_type_their_form_says),
        cmocka_unit_test(a_distinguished_name_has_the_octets_a_certificate_has),
        cmocka_unit_test(any_prefix_of_a_distinguished_name_is_shown_without_harm),
        cmocka_unit_test(an_unknown_attribute_is_shown_by_its_number),
        cmocka_unit_test(wrong_identities_are_refused_with_the_reason),
        cmocka_unit_test(identities_longer_than_the_limit_are_refused),
        cmocka_unit_test(an_identity_with_control_characters_is_shown_without_them),
        cmocka_unit_test(ranges_are_understood),
        cmocka_unit_test(wrong_ranges_are_refused),
        cmocka_unit_test(traffic_selectors_are_understood),
        cmocka_unit_test(wrong_traffic_selectors_are_refused_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
