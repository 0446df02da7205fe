/* Text forms of address ranges and traffic selectors.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct problem why;

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
        cmocka_unit_test(ranges_are_understood),
        cmocka_unit_test(wrong_ranges_are_refused),
        cmocka_unit_test(traffic_selectors_are_understood),
        cmocka_unit_test(wrong_traffic_selectors_are_refused_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
