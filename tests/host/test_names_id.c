/* Text forms of identities, distinguished names among them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/names_dn.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct problem why;

static void identities_get_the_type_their_form_says(void **state)
{
    static const struct {
        const char *text;
        uint8_t type;
        const char *shown;
    } cases[] = {
        {"%any",                           CV_ID_ANY,        "%any"                          },
        {"0.0.0.0",                        CV_ID_ANY,        "%any"                          },
        {"::",                             CV_ID_ANY,        "%any"                          },
        {"*",                              CV_ID_ANY,        "%any"                          },
        {"10.0.0.1",                       CV_ID_IPV4,       "10.0.0.1"                      },
        {"fd00::1",                        CV_ID_IPV6,       "fd00::1"                       },
        {"ipv4:10.0.0.1",                  CV_ID_IPV4,       "10.0.0.1"                      },
        {"ipv4:#0a000001",                 CV_ID_IPV4,       "10.0.0.1"                      },
        {"sensor-17.fleet.example",        CV_ID_FQDN,       "sensor-17.fleet.example"       },
        {"@gw",                            CV_ID_FQDN,       "gw"                            },
        {"fqdn:10.0.0.1",                  CV_ID_FQDN,       "10.0.0.1"                      },
        {"dns:*.example.com",              CV_ID_FQDN,       "*.example.com"                 },
        {"{2}:gw",                         CV_ID_FQDN,       "gw"                            },
        {"{0x02}:gw",                      CV_ID_FQDN,       "gw"                            },
        {"10.0.0.0/8",                     CV_ID_IPV4_RANGE, "10.0.0.0/8"                    },
        {"10.0.0.1-10.0.0.9",              CV_ID_IPV4_RANGE, "10.0.0.1-10.0.0.9"             },
        {"ipv4net:10.1.2.3/16",            CV_ID_IPV4_RANGE, "10.1.0.0/16"                   },
        {"ipv4range:10.0.0.1-10.0.0.9",    CV_ID_IPV4_RANGE, "10.0.0.1-10.0.0.9"             },
        {"fd00::/64",                      CV_ID_IPV6_RANGE, "fd00::/64"                     },
        {"ipv6net:fd00::/64",              CV_ID_IPV6_RANGE, "fd00::/64"                     },
        {"ipv6range:fd00::1-fd00::9",      CV_ID_IPV6_RANGE, "fd00::1-fd00::9"               },
        {"aa:bb:cc:dd:ee:ff",              CV_ID_KEY_ID,     "aa:bb:cc:dd:ee:ff"             },
        {"u@example.com",                  CV_ID_RFC822,     "u@example.com"                 },
        {"@@u@example.com",                CV_ID_RFC822,     "u@example.com"                 },
        {"email:u",                        CV_ID_RFC822,     "u"                             },
        {"userfqdn:u@x",                   CV_ID_RFC822,     "u@x"                           },
        {"keyid:device 17",                CV_ID_KEY_ID,     "device 17"                     },
        {"keyid:#0102ff",                  CV_ID_KEY_ID,     "01:02:ff"                      },
        {"@#01:02:FF",                     CV_ID_KEY_ID,     "01:02:ff"                      },
        {"imei:351756051523999",           CV_ID_KEY_ID,     "imei:351756051523999"          },
        {"C=CH, O=Fleet, CN=gw",           CV_ID_DER_DN,     "C=CH, O=Fleet, CN=gw"          },
        {"/C=CH/O=Fleet, Inc/CN=gw",       CV_ID_DER_DN,     "C=CH, O=Fleet\\, Inc, CN=gw"   },
        {"C=CH,O=\"Fleet, Inc\",CN=a\\,b", CV_ID_DER_DN,     "C=CH, O=Fleet\\, Inc, CN=a\\,b"},
        {"CN=\" a \"",                     CV_ID_DER_DN,     "CN= a "                        },
        {"asn1dn:CN=x",                    CV_ID_DER_DN,     "CN=x"                          },
        {"cn = x , emailAddress = a@b",    CV_ID_DER_DN,     "CN=x, E=a@b"                   },
        {"DC=example, DC=org, UID=7",      CV_ID_DER_DN,     "DC=example, DC=org, UID=7"     },
        {"CN=*",                           CV_ID_DER_DN,     "CN=*"                          },
        {"asn1gn:#8101",                   CV_ID_DER_GN,     "81:01"                         },
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
        {"{0x}:x", "'{0x}:x' is not an identity: expected '{TYPE}:VALUE'"},
        {"{-3}:x", "'{-3}:x' is not an identity: expected '{TYPE}:VALUE'"},
        {"{0}:x", "identity type 0 is not supported"},
        {"xmppaddr:a@b", "identities 'xmppaddr:' of strongSwan are not supported"},
        {"10.0.0", "'10.0.0' is neither an address, a subnet nor a range"},
        {"10.0.0.0/40", "'10.0.0.0/40' is neither an address, a subnet nor a range"},
        {"10.0.0.9-10.0.0.1", "'10.0.0.9-10.0.0.1' is neither an address, a subnet nor a range"},
        {"fd00::/129", "'fd00::/129' is neither an address, a subnet nor a range"},
        {"ipv4net:fd00::/64", "'fd00::/64' is not a subnet or a range of IPv4 addresses"},
        {"ipv6range:x", "'x' is not a subnet or a range of IPv6 addresses"},
        {"^.*\\.example$", "regular expressions as in '^.*\\.example$' are not supported; expected "
         "a name, *.example, *@example or C=CH, CN=*"},
        {"fqdn:^s[0-9]+$", "regular expressions as in '^s[0-9]+$' are not supported; expected a "
         "name, *.example, *@example or C=CH, CN=*"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_get_the_type_their_form_says),
        cmocka_unit_test(a_distinguished_name_has_the_octets_a_certificate_has),
        cmocka_unit_test(any_prefix_of_a_distinguished_name_is_shown_without_harm),
        cmocka_unit_test(an_unknown_attribute_is_shown_by_its_number),
        cmocka_unit_test(wrong_identities_are_refused_with_the_reason),
        cmocka_unit_test(identities_longer_than_the_limit_are_refused),
        cmocka_unit_test(an_identity_with_control_characters_is_shown_without_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
