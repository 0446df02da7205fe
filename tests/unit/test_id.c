/* src/ident/id.c: identities, and the patterns that match them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "ident/id.h"

enum { UTF8 = 0x0c, PRINTABLE = 0x13, BMP = 0x1e };

static struct cv_id text_id(uint8_t type, const char *text)
{
    struct cv_id id = {.type = type, .n = (uint8_t)strlen(text)};

    memcpy(id.b, text, id.n);
    return id;
}

static enum id_match match(uint8_t type, const char *pattern, const char *text)
{
    const struct cv_id p = text_id(type, pattern), id = text_id(type, text);

    return id_matches(&p, &id);
}

/* Wraps what w has from at on into one DER element. */
static void der_wrap(struct wr *w, size_t at, uint8_t tag)
{
    uint8_t copy[CV_ID_MAX];
    size_t n = w->n - at;

    memcpy(copy, w->p + at, n);
    w->n = at;
    wr_u8(w, tag);
    if (n > 127)
        wr_u8(w, 0x81);
    wr_u8(w, (uint8_t)n);
    wr_copy(w, copy, n);
}

/* AttributeTypeAndValue with the type 2.5.4.attr. */
static void put_attribute(struct wr *w, uint8_t attr, uint8_t tag, const char *value)
{
    const uint8_t oid[] = {0x06, 3, 0x55, 0x04, attr};
    size_t at = w->n;

    wr_copy(w, oid, sizeof(oid));
    wr_u8(w, tag);
    wr_u8(w, (uint8_t)strlen(value));
    wr_copy(w, value, strlen(value));
    der_wrap(w, at, 0x30);
}

struct rdn {
    uint8_t attr, tag;
    const char *value;
};

enum { CN = 3, C = 6, O = 10 };

static struct cv_id dn(const struct rdn *rdns, unsigned n)
{
    struct cv_id id = {.type = CV_ID_DER_DN};
    struct wr w = wr_init(id.b, CV_ID_MAX);

    for (unsigned i = 0; i < n; i++) {
        size_t at = w.n;

        put_attribute(&w, rdns[i].attr, rdns[i].tag, rdns[i].value);
        der_wrap(&w, at, 0x31);
    }
    der_wrap(&w, 0, 0x30);
    assert_true(wr_ok(&w));
    id.n = (uint8_t)w.n;
    return id;
}

#define DN(...)                                                                                \
    dn((const struct rdn[]){__VA_ARGS__},                                                      \
       sizeof((const struct rdn[]){__VA_ARGS__}) / sizeof(struct rdn))

static void any_matches_everything(void **state)
{
    const struct cv_id any = {.type = CV_ID_ANY}, id = text_id(CV_ID_FQDN, "a.example");

    (void)state;
    assert_int_equal(id_matches(&any, &id), ID_MATCH_ANY);
    assert_true(id_has_wildcard(&any));
}

static void names_match_whole_whatever_the_case(void **state)
{
    (void)state;
    assert_int_equal(match(CV_ID_FQDN, "gw.Example", "GW.example"), ID_MATCH_EXACT);
    assert_int_equal(match(CV_ID_FQDN, "gw.example", "gw.examples"), ID_NO);
    assert_int_equal(match(CV_ID_FQDN, "gw.example", "gw.exampl"), ID_NO);
    assert_int_equal(match(CV_ID_RFC822, "a@example.com", "a@EXAMPLE.com"), ID_MATCH_EXACT);
}

static void a_star_stands_for_one_octet_or_more_at_the_start(void **state)
{
    (void)state;
    assert_int_equal(match(CV_ID_FQDN, "*.fleet.example", "s1.FLEET.example"),
                     ID_MATCH_WILDCARD);
    assert_int_equal(match(CV_ID_FQDN, "*.fleet.example", "a.b.fleet.example"),
                     ID_MATCH_WILDCARD);
    assert_int_equal(match(CV_ID_FQDN, "*.fleet.example", ".fleet.example"), ID_NO);
    assert_int_equal(match(CV_ID_FQDN, "*.fleet.example", "fleet.example"), ID_NO);
    assert_int_equal(match(CV_ID_RFC822, "*@example.com", "sensor@example.com"),
                     ID_MATCH_WILDCARD);
    assert_int_equal(match(CV_ID_FQDN, "*", "anything"), ID_MATCH_WILDCARD);
    assert_int_equal(match(CV_ID_FQDN, "*", ""), ID_NO);
}

static void a_star_in_the_peers_identity_is_just_a_star(void **state)
{
    const struct cv_id star = text_id(CV_ID_FQDN, "*.example");
    const struct cv_id name = text_id(CV_ID_FQDN, "a.example");

    (void)state;
    assert_int_equal(id_matches(&name, &star), ID_NO);
    assert_false(id_equal(&star, &name));
    assert_true(id_equal(&star, &star));
}

static void the_kind_of_identity_must_be_the_same(void **state)
{
    const struct cv_id fqdn = text_id(CV_ID_FQDN, "a"), key = text_id(CV_ID_KEY_ID, "a");

    (void)state;
    assert_int_equal(id_matches(&fqdn, &key), ID_NO);
    assert_false(id_equal(&fqdn, &key));
}

static void other_kinds_are_octets_without_wildcards(void **state)
{
    (void)state;
    assert_int_equal(match(CV_ID_KEY_ID, "Sensor", "Sensor"), ID_MATCH_EXACT);
    assert_int_equal(match(CV_ID_KEY_ID, "Sensor", "sensor"), ID_NO);
    assert_int_equal(match(CV_ID_KEY_ID, "*", "sensor"), ID_NO);
    assert_int_equal(match(CV_ID_IPV4, "\x0a\x01\x01\x07", "\x0a\x01\x01\x07"), ID_MATCH_EXACT);
}

static void distinguished_names_match_whatever_string_type_was_chosen(void **state)
{
    const struct cv_id a = DN({C, PRINTABLE, "CH"}, {CN, UTF8, "Sensor 1"});
    const struct cv_id b = DN({C, UTF8, "ch"}, {CN, PRINTABLE, "sensor 1"});
    const struct cv_id wide = DN({C, PRINTABLE, "CH"}, {CN, BMP, "Sensor 1"});

    (void)state;
    assert_int_equal(id_matches(&a, &b), ID_MATCH_EXACT);
    assert_true(id_equal(&a, &b));
    assert_int_equal(id_matches(&a, &wide), ID_NO);
    assert_int_equal(id_matches(&wide, &wide), ID_MATCH_EXACT);
}

static void distinguished_names_match_in_order_and_in_full(void **state)
{
    const struct cv_id name = DN({C, PRINTABLE, "CH"}, {O, UTF8, "x"}, {CN, UTF8, "s"});
    const struct cv_id swapped = DN({O, UTF8, "x"}, {C, PRINTABLE, "CH"}, {CN, UTF8, "s"});
    const struct cv_id shorter = DN({C, PRINTABLE, "CH"}, {O, UTF8, "x"});
    const struct cv_id other = DN({C, PRINTABLE, "CH"}, {O, UTF8, "x"}, {O, UTF8, "s"});

    (void)state;
    assert_int_equal(id_matches(&name, &swapped), ID_NO);
    assert_int_equal(id_matches(&name, &shorter), ID_NO);
    assert_int_equal(id_matches(&shorter, &name), ID_NO);
    assert_int_equal(id_matches(&name, &other), ID_NO);
}

/* One RDN with a CN and perhaps an O beside it. */
static struct cv_id multi_valued(bool with_o)
{
    struct cv_id id = {.type = CV_ID_DER_DN};
    struct wr w = wr_init(id.b, CV_ID_MAX);

    put_attribute(&w, CN, UTF8, "s");
    if (with_o)
        put_attribute(&w, O, UTF8, "x");
    der_wrap(&w, 0, 0x31);
    der_wrap(&w, 0, 0x30);
    id.n = (uint8_t)w.n;
    return id;
}

static void every_value_of_a_name_part_counts(void **state)
{
    const struct cv_id one = multi_valued(false), two = multi_valued(true);
    const struct cv_id apart = DN({CN, UTF8, "s"}, {O, UTF8, "x"});

    (void)state;
    assert_int_equal(id_matches(&two, &two), ID_MATCH_EXACT);
    assert_int_equal(id_matches(&one, &two), ID_NO);
    assert_int_equal(id_matches(&two, &one), ID_NO);
    assert_int_equal(id_matches(&two, &apart), ID_NO);
}

static void a_star_value_matches_any_value_of_its_type(void **state)
{
    const struct cv_id name = DN({C, PRINTABLE, "CH"}, {O, UTF8, "x"}, {CN, UTF8, "s"});
    const struct cv_id any_cn = DN({C, PRINTABLE, "CH"}, {O, UTF8, "x"}, {CN, UTF8, "*"});
    const struct cv_id other_o = DN({C, PRINTABLE, "CH"}, {O, UTF8, "y"}, {CN, UTF8, "*"});
    const struct cv_id part = DN({C, PRINTABLE, "CH"}, {O, UTF8, "x"}, {CN, UTF8, "s*"});

    (void)state;
    assert_int_equal(id_matches(&any_cn, &name), ID_MATCH_WILDCARD);
    assert_int_equal(id_matches(&other_o, &name), ID_NO);
    assert_int_equal(id_matches(&part, &name), ID_NO);
    assert_int_equal(id_matches(&name, &any_cn), ID_NO);
    assert_false(id_equal(&any_cn, &name));
}

static void has_wildcard_tells_patterns_from_identities(void **state)
{
    const struct cv_id plain[] = {text_id(CV_ID_FQDN, "a*.example"), text_id(CV_ID_FQDN, ""),
                                  text_id(CV_ID_KEY_ID, "*"), DN({CN, UTF8, "a*"})};
    const struct cv_id wild[] = {text_id(CV_ID_FQDN, "*.example"),
                                 text_id(CV_ID_RFC822, "*@example"),
                                 DN({C, PRINTABLE, "CH"}, {CN, UTF8, "*"})};

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_false(id_has_wildcard(&plain[i]));
    for (unsigned i = 0; i < 3; i++)
        assert_true(id_has_wildcard(&wild[i]));
}

static void a_long_name_uses_the_long_length(void **state)
{
    static const char value[] = "0123456789012345678901234567890123456789012345678901234567";
    const struct cv_id a = DN({O, UTF8, value}, {CN, UTF8, value});
    const struct cv_id any = DN({O, PRINTABLE, value}, {CN, UTF8, "*"});

    (void)state;
    assert_int_equal(a.b[1], 0x81);
    assert_int_equal(id_matches(&any, &a), ID_MATCH_WILDCARD);
}

/* Broken DER matches only itself. */
static void every_proper_prefix_of_a_name_matches_nothing(void **state)
{
    const struct cv_id any = DN({C, PRINTABLE, "*"}, {CN, UTF8, "*"});
    const struct cv_id name = DN({C, PRINTABLE, "CH"}, {CN, UTF8, "s"});
    struct cv_id cut = name;

    (void)state;
    assert_int_equal(id_matches(&any, &name), ID_MATCH_WILDCARD);
    for (uint8_t n = 0; n < name.n; n++) {
        cut.n = n;
        assert_int_equal(id_matches(&any, &cut), ID_NO);
        assert_int_equal(id_matches(&cut, &name), ID_NO);
        assert_true(id_equal(&cut, &cut));
        (void)id_has_wildcard(&cut);
    }
    cut.n = (uint8_t)(name.n + 1);
    assert_int_equal(id_matches(&any, &cut), ID_NO);
}

static struct cv_id octets_id(uint8_t type, const void *octets, size_t n)
{
    struct cv_id id = {.type = type, .n = (uint8_t)n};

    memcpy(id.b, octets, n);
    return id;
}

static void a_range_matches_the_addresses_in_it(void **state)
{
    const struct cv_id range = octets_id(CV_ID_IPV4_RANGE, "\x0a\0\0\x05\x0a\0\x01\x02", 8);
    static const struct {
        const char *addr;
        enum id_match want;
    } cases[] = {
        {"\x0a\x00\x00\x04", ID_NO            },
        {"\x0a\x00\x00\x05", ID_MATCH_WILDCARD},
        {"\x0a\x00\x00\xff", ID_MATCH_WILDCARD},
        {"\x0a\x00\x01\x02", ID_MATCH_WILDCARD},
        {"\x0a\x00\x01\x03", ID_NO            },
    };
    const struct cv_id v6 =
        octets_id(CV_ID_IPV6, "\x0a\0\0\x05\x0a\0\x01\x02\0\0\0\0\0\0\0\0", 16);
    struct cv_id cut = range;

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct cv_id addr = octets_id(CV_ID_IPV4, cases[i].addr, 4);

        assert_int_equal(id_matches(&range, &addr), cases[i].want);
        assert_int_equal(id_matches(&addr, &range), ID_NO);
    }
    assert_int_equal(id_matches(&range, &v6), ID_NO);
    assert_int_equal(id_matches(&range, &range), ID_MATCH_EXACT);
    assert_true(id_has_wildcard(&range));
    cut.n = 7;
    assert_int_equal(id_matches(&cut, &v6), ID_NO);
}

static void assert_one_form(const struct cv_id *a, const struct cv_id *b, bool one)
{
    struct cv_id x, y;

    id_canonical(&x, a);
    id_canonical(&y, b);
    assert_int_equal(x.type == y.type && x.n == y.n && memcmp(x.b, y.b, x.n) == 0, one);
    assert_int_equal(id_equal(a, b), one);
}

static void equal_identities_have_one_form(void **state)
{
    const struct cv_id lower = text_id(CV_ID_FQDN, "s1.example"),
                       upper = text_id(CV_ID_FQDN, "S1.Example");
    const struct cv_id mail = text_id(CV_ID_RFC822, "s1.example");
    const struct cv_id key = text_id(CV_ID_KEY_ID, "a"), other = text_id(CV_ID_KEY_ID, "A");
    const struct cv_id a = DN({C, PRINTABLE, "CH"}, {CN, UTF8, "Sensor 1"});
    const struct cv_id b = DN({C, UTF8, "ch"}, {CN, PRINTABLE, "sensor 1"});
    const struct cv_id wide = DN({C, PRINTABLE, "CH"}, {CN, BMP, "Sensor 1"});
    struct cv_id cut = a, cut_too = b;

    (void)state;
    assert_one_form(&lower, &upper, true);
    assert_one_form(&lower, &mail, false);
    assert_one_form(&key, &other, false);
    assert_one_form(&a, &b, true);
    assert_one_form(&a, &wide, false);
    cut.n--, cut_too.n--; /* not names any more: octets */
    assert_one_form(&cut, &cut_too, false);
    assert_one_form(&cut, &cut, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_matches_everything),
        cmocka_unit_test(a_range_matches_the_addresses_in_it),
        cmocka_unit_test(equal_identities_have_one_form),
        cmocka_unit_test(names_match_whole_whatever_the_case),
        cmocka_unit_test(a_star_stands_for_one_octet_or_more_at_the_start),
        cmocka_unit_test(a_star_in_the_peers_identity_is_just_a_star),
        cmocka_unit_test(the_kind_of_identity_must_be_the_same),
        cmocka_unit_test(other_kinds_are_octets_without_wildcards),
        cmocka_unit_test(distinguished_names_match_whatever_string_type_was_chosen),
        cmocka_unit_test(distinguished_names_match_in_order_and_in_full),
        cmocka_unit_test(every_value_of_a_name_part_counts),
        cmocka_unit_test(a_star_value_matches_any_value_of_its_type),
        cmocka_unit_test(has_wildcard_tells_patterns_from_identities),
        cmocka_unit_test(a_long_name_uses_the_long_length),
        cmocka_unit_test(every_proper_prefix_of_a_name_matches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
