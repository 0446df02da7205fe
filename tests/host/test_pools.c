/* Address pools and their leases.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "config/config.h"
#include "fleet/lease.h"
#include "fleet/pools.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct cv_addr any4 = {.family = CV_IPV4}, any6 = {.family = CV_IPV6};
static struct problem why;
static struct pools *pools;

static int make(void **state)
{
    (void)state;
    pools = pools_new();
    return 0;
}

static int drop(void **state)
{
    (void)state;
    pools_free(pools);
    return 0;
}

static bool load(const char *text)
{
    struct problems found = {0};
    struct node *root = tree_read_text(text, strlen(text), "pools", &found);
    bool ok = root != NULL;

    for (const struct node *n = ok ? root->first : NULL; n != NULL && ok; n = n->next)
        ok = conf_load_pool(pools, n, &found);
    if (!ok)
        why = *problems_first_error(&found);
    problems_free(&found);
    tree_free(root);
    return ok;
}

static struct cv_id device(unsigned number)
{
    struct cv_id id = {.type = CV_ID_FQDN};

    id.n = (uint8_t)snprintf((char *)id.b, sizeof(id.b), "sensor-%u", number);
    return id;
}

/* The IPv4 address that pool "p" gives; "-" when none. */
static const char *lease4(uint32_t ike, unsigned number, const char *want)
{
    static char text[64];
    static const char *const names[] = {"p"};
    struct cv_addr a = any4;
    struct cv_id who = device(number);
    struct cv_lease l;

    if (want != NULL)
        assert_true(addr_parse(&a, want));
    if (pools_lease(pools, names, 1, &(struct pool_wish){.who = &who, .ike = ike, .v4 = &a},
                    &l) != CV_OK)
        return "-";
    addr_format(text, sizeof(text), &l.v4);
    return text;
}

static struct pool_view view(const char *name)
{
    struct pool_view v;

    for (unsigned at = 0; pools_next(pools, &at, &v);)
        if (strcmp(v.name, name) == 0)
            return v;
    fail_msg("no pool %s", name);
    return v;
}

static void a_subnet_is_leased_without_its_first_and_last_address(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/30 }"));
    assert_int_equal(view("p").size, 2);
    assert_string_equal(lease4(1, 1, NULL), "10.3.0.1");
    assert_string_equal(lease4(2, 2, NULL), "10.3.0.2");
    assert_string_equal(lease4(3, 3, NULL), "-");
    assert_int_equal(view("p").online, 2);
}

static void ranges_hosts_and_offsets_into_subnets_are_pools(void **state)
{
    static const struct {
        const char *addrs;
        uint64_t size;
        const char *first;
    } cases[] = {
        {"10.3.0.10-10.3.0.19", 10,       "10.3.0.10" },
        {"10.3.0.7",            1,        "10.3.0.7"  },
        {"10.3.0.100/24",       156,      "10.3.0.100"},
        {"10.3.0.0/31",         2,        "10.3.0.0"  },
        {"10.3.0.9/32",         1,        "10.3.0.9"  },
        {"10.0.0.0/8",          16777214, "10.0.0.1"  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[100];

        snprintf(text, sizeof(text), "p { addrs = %s }", cases[i].addrs);
        assert_true(load(text));
        assert_int_equal(view("p").size, cases[i].size);
        assert_string_equal(lease4(1, 1, NULL), cases[i].first);
        pools_release(pools, 1);
        assert_true(pools_unload(pools, "p", &why));
    }
}

static void an_ipv6_pool_crosses_the_32_bit_boundary(void **state)
{
    static const char *const names[] = {"p"};
    struct cv_lease l;
    char text[64];

    (void)state;
    assert_true(load("p { addrs = fd00::1:ffff:ffff-fd00::2:0:3 }"));
    assert_int_equal(view("p").size, 5);
    for (unsigned i = 0; i < 5; i++) {
        struct cv_id who = device(i);

        assert_int_equal(
            pools_lease(pools, names, 1,
                        &(struct pool_wish){.who = &who, .ike = i + 1, .v6 = &any6}, &l),
            CV_OK);
        assert_int_equal(l.v6_prefix, 128);
        assert_int_equal(l.v4.family, 0);
    }
    addr_format(text, sizeof(text), &l.v6);
    assert_string_equal(text, "fd00::2:0:3");
    assert_true(load("q { addrs = fd01::/64 }"));
    assert_int_equal(view("q").size, UINT32_MAX);
}

static void the_same_connection_gets_the_same_address_again(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    assert_string_equal(lease4(1, 7, NULL), "10.3.0.1");
    assert_string_equal(lease4(1, 7, NULL), "10.3.0.1");
    assert_int_equal(view("p").online, 1);
    pools_release(pools, 1);
    assert_int_equal(view("p").online, 0);
    assert_int_equal(view("p").offline, 1);
}

static void a_device_gets_its_former_address_back(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    assert_string_equal(lease4(1, 1, NULL), "10.3.0.1");
    assert_string_equal(lease4(2, 2, NULL), "10.3.0.2");
    pools_release(pools, 1);
    pools_release(pools, 2);
    assert_string_equal(lease4(3, 2, "10.3.0.9"), "10.3.0.2");
    assert_string_equal(lease4(4, 1, NULL), "10.3.0.1");
}

static void a_device_may_write_its_name_in_capitals(void **state)
{
    static const char *const names[] = {"p"};
    struct cv_id who = device(1);
    struct cv_addr a = any4;
    struct cv_lease l;

    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    assert_string_equal(lease4(1, 1, NULL), "10.3.0.1");
    pools_release(pools, 1);
    who.b[0] = 'S';
    assert_int_equal(
        pools_lease(pools, names, 1, &(struct pool_wish){.who = &who, .ike = 2, .v4 = &a}, &l),
        CV_OK);
    assert_int_equal(l.v4.b[3], 1);
}

/* An address for good is its device's, whoever had it, and nobody gets another instead. */
static void an_address_for_good_is_this_one_or_none(void **state)
{
    static const char *const names[] = {"p"};
    struct cv_id one = device(1), two = device(2);
    struct cv_addr good;
    struct pool_wish wish = {.who = &two, .ike = 2, .v4 = &good, .v4_only = true};
    struct cv_lease l;

    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    assert_string_equal(lease4(1, 1, NULL), "10.3.0.1");
    assert_true(addr_parse(&good, "10.3.0.1"));
    assert_int_equal(pools_lease(pools, names, 1, &wish, &l), CV_ERR_ADDRESS);
    pools_release(pools, 1);
    assert_int_equal(pools_lease(pools, names, 1, &wish, &l), CV_OK);
    assert_int_equal(l.v4.b[3], 1);
    wish.ike = 3; /* reauthentication */
    assert_int_equal(pools_lease(pools, names, 1, &wish, &l), CV_OK);
    pools_release(pools, 2);
    wish = (struct pool_wish){.who = &one, .ike = 4, .v4 = &good, .v4_only = true};
    assert_int_equal(pools_lease(pools, names, 1, &wish, &l), CV_ERR_ADDRESS);
    assert_true(addr_parse(&good, "192.0.2.9")); /* of no pool */
    assert_int_equal(pools_lease(pools, names, 1, &wish, &l), CV_OK);
    assert_int_equal(l.v4.b[3], 9);
}

static void a_second_connection_of_a_device_gets_another_address(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    assert_string_equal(lease4(1, 1, NULL), "10.3.0.1");
    assert_string_equal(lease4(2, 1, NULL), "10.3.0.2");
    pools_release(pools, 1);
    assert_string_equal(lease4(3, 1, NULL), "10.3.0.1");
    pools_release(pools, 2);
    pools_release(pools, 3);
    assert_int_equal(view("p").offline, 2);
}

static void a_device_that_reauthenticates_keeps_its_address(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    assert_string_equal(lease4(1, 1, NULL), "10.3.0.1");
    assert_string_equal(lease4(2, 1, "10.3.0.1"), "10.3.0.1");
    pools_release(pools, 1); /* the old connection ends, the lease has moved on */
    assert_int_equal(view("p").online, 1);
    assert_string_equal(lease4(3, 2, "10.3.0.1"), "10.3.0.2"); /* not somebody else's */
    pools_release(pools, 2);
    assert_int_equal(view("p").online, 1);
}

static void a_wanted_address_is_given_when_it_is_free(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/29 }"));
    assert_string_equal(lease4(1, 1, "10.3.0.2"), "10.3.0.2");
    assert_string_equal(lease4(2, 2, "10.3.0.2"), "10.3.0.1");
    assert_string_equal(lease4(3, 3, NULL), "10.3.0.3");
    assert_string_equal(lease4(4, 4, "10.9.9.9"), "10.3.0.4");
    assert_string_equal(lease4(5, 5, "10.3.0.0"), "10.3.0.5"); /* the subnet itself */
    pools_release(pools, 2);
    assert_string_equal(lease4(6, 2, "10.3.0.6"), "10.3.0.1"); /* its own comes first */
}

/* Whoever asks for a device's address while that sleeps does not get its traffic. */
static void an_address_belongs_to_its_device_while_the_pool_has_others(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.1-10.3.0.3 }"));
    assert_string_equal(lease4(1, 1, NULL), "10.3.0.1");
    assert_string_equal(lease4(2, 2, NULL), "10.3.0.2");
    pools_release(pools, 2);
    pools_release(pools, 1);
    assert_string_equal(lease4(3, 3, "10.3.0.1"), "10.3.0.3");
    assert_string_equal(lease4(4, 4, "10.3.0.1"), "10.3.0.2"); /* none left: the oldest */
    assert_string_equal(lease4(5, 1, NULL), "10.3.0.1");
}

static void of_several_former_addresses_the_wanted_one_is_given(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    for (unsigned i = 1; i <= 3; i++)
        (void)lease4(i, 7, NULL);
    for (unsigned i = 1; i <= 3; i++)
        pools_release(pools, i);
    assert_string_equal(lease4(4, 7, "10.3.0.2"), "10.3.0.2");
}

static void when_all_were_used_the_longest_unused_is_taken(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.1-10.3.0.3 }"));
    for (unsigned i = 1; i <= 3; i++)
        (void)lease4(i, i, NULL);
    pools_release(pools, 2);
    pools_release(pools, 1);
    pools_release(pools, 3);
    assert_string_equal(lease4(4, 4, NULL), "10.3.0.2");
    assert_string_equal(lease4(5, 5, NULL), "10.3.0.1");
    assert_string_equal(lease4(6, 3, NULL), "10.3.0.3");
    assert_string_equal(lease4(7, 7, NULL), "-");
    pools_release(pools, 5);
    assert_string_equal(lease4(8, 2, NULL), "10.3.0.1"); /* 2's own has gone to 4 */
}

static void a_rekeyed_connection_keeps_its_lease(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    (void)lease4(1, 1, NULL);
    pools_rename(pools, 1, 9);
    pools_release(pools, 1);
    assert_int_equal(view("p").online, 1);
    assert_string_equal(lease4(9, 1, NULL), "10.3.0.1");
    pools_rename(pools, 9, 9);
    pools_release(pools, 9);
    assert_int_equal(view("p").online, 0);
}

static void several_pools_give_both_families_and_their_dns_servers(void **state)
{
    static const char *const names[] = {"gone", "four", "six"};
    struct cv_id who = device(1);
    struct cv_lease l;

    (void)state;
    assert_true(load("four { addrs = 10.3.0.0/24\n dns = 10.0.0.53, 10.0.1.53 }\n"
                     "six { addrs = fd00:3::/64\n dns = fd00::53 }"));
    assert_int_equal(
        pools_lease(pools, names, 3,
                    &(struct pool_wish){.who = &who, .ike = 1, .v4 = &any4, .v6 = &any6}, &l),
        CV_OK);
    assert_int_equal(l.v4.family, CV_IPV4);
    assert_int_equal(l.v6.family, CV_IPV6);
    assert_int_equal(l.n_dns, 3);
    assert_int_equal(l.dns[2].family, CV_IPV6);
    assert_int_equal(pools_lease(pools, names, 3,
                                 &(struct pool_wish){.who = &who, .ike = 2, .v6 = &any6}, &l),
                     CV_OK);
    assert_int_equal(l.v4.family, 0);
    assert_int_equal(
        pools_lease(pools, names, 1,
                    &(struct pool_wish){.who = &who, .ike = 3, .v4 = &any4, .v6 = &any6}, &l),
        CV_ERR_ADDRESS);
    assert_int_equal(pools_lease(pools, names, 2,
                                 &(struct pool_wish){.who = &who, .ike = 3, .v6 = &any6}, &l),
                     CV_ERR_ADDRESS);
}

/* As charon encodes them: a subnet of IPv4 with its mask, of IPv6 with its length; by number
 * text goes as it is, an address as one. */
static void a_pool_tells_attributes_of_every_kind(void **state)
{
    static const char *const names[] = {"p", "q"};
    static const uint8_t want[] = {
        0, 4,  0,  4,   10,  0,   0,   44,   0,    6,    0,   4,   10,  0,   0,    67,  0,
        2, 0,  4,  255, 255, 0,   0,   0x5b, 0xa0, 0,    4,   10,  0,   0,   9,    0,   13,
        0, 8,  10, 1,   0,   0,   255, 255,  128,  0,    0,   15,  0,   17,  0xfd, 0,   0,
        5, 0,  0,  0,   0,   0,   0,   0,    0,    0,    0,   0,   0,   48,  0x70, 4,   0,
        8, 10, 2,  0,   0,   255, 0,   0,    0,    0x70, 6,   0,   4,   10,  3,    0,   1,
        0, 25, 0,  12,  'c', 'o', 'r', 'p',  '.',  'e',  'x', 'a', 'm', 'p', 'l',  'e', 0x70,
        0, 0,  2,  'h', 'i', 0,   20,  0,    4,    10,   9,   9,   9};
    struct cv_id who = device(1);
    struct cv_lease l;

    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24\n nbns = 10.0.0.44\n dhcp = 10.0.0.67\n"
                     " netmask = 255.255.0.0\n server = 10.0.0.9\n"
                     " subnet = 10.1.0.0/17, fd00:5::/48\n split_include = 10.2.0.0/8\n"
                     " split_exclude = 10.3.0.1\n dns_domain = corp.example\n"
                     " 28672 = hi }\nq { addrs = 10.4.0.0/24\n 20 = 10.9.9.9 }"));
    assert_int_equal(pools_lease(pools, names, 2,
                                 &(struct pool_wish){.who = &who, .ike = 1, .v4 = &any4}, &l),
                     CV_OK);
    assert_int_equal(l.attributes.n, sizeof(want));
    assert_memory_equal(l.attributes.p, want, sizeof(want));
    assert_int_equal(pools_lease(pools, names + 1, 1,
                                 &(struct pool_wish){.who = &who, .ike = 2, .v4 = &any4}, &l),
                     CV_OK);
    assert_int_equal(l.attributes.n, 8);
}

static void more_dns_servers_than_the_engine_knows_are_told_too(void **state)
{
    static const uint8_t fifth[] = {0, 3, 0, 4, 5, 5, 5, 5};
    static const char *const names[] = {"p"};
    struct cv_id who = device(1);
    struct cv_lease l;

    (void)state;
    assert_true(
        load("p { addrs = 10.3.0.0/24\n dns = 1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4,5.5.5.5 }"));
    assert_int_equal(pools_lease(pools, names, 1,
                                 &(struct pool_wish){.who = &who, .ike = 1, .v4 = &any4}, &l),
                     CV_OK);
    assert_int_equal(l.n_dns, 4);
    assert_int_equal(l.attributes.n, sizeof(fifth));
    assert_memory_equal(l.attributes.p, fifth, sizeof(fifth));
}

static void no_more_dns_servers_are_told_than_fit(void **state)
{
    static const char *const names[] = {"p", "q"};
    struct cv_id who = device(1);
    struct cv_lease l;

    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24\n dns = 10.0.0.1, 10.0.0.2, 10.0.0.3 }\n"
                     "q { addrs = 10.4.0.0/24\n dns = 10.0.0.4, 10.0.0.5 }"));
    assert_int_equal(pools_lease(pools, names, 2,
                                 &(struct pool_wish){.who = &who, .ike = 1, .v4 = &any4}, &l),
                     CV_OK);
    assert_int_equal(l.n_dns, CV_LEASE_DNS_MAX);
    assert_int_equal(l.dns[3].b[3], 4);
}

static void a_full_pool_is_followed_by_the_next(void **state)
{
    static const char *const names[] = {"p", "q"};
    struct cv_id who = device(2);
    struct cv_lease l;
    char text[64];

    (void)state;
    assert_true(load("p { addrs = 10.3.0.1 }\nq { addrs = 10.4.0.1-10.4.0.9 }"));
    (void)lease4(1, 1, NULL);
    assert_int_equal(pools_lease(pools, names, 2,
                                 &(struct pool_wish){.who = &who, .ike = 2, .v4 = &any4}, &l),
                     CV_OK);
    addr_format(text, sizeof(text), &l.v4);
    assert_string_equal(text, "10.4.0.1");
}

static void leases_are_listed_with_their_owners(void **state)
{
    struct lease_view l;
    unsigned at = 0;
    char text[64];

    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    (void)lease4(1, 1, NULL);
    (void)lease4(2, 2, NULL);
    pools_release(pools, 1);
    assert_true(pools_next_lease(pools, "p", &at, &l));
    assert_false(l.online);
    id_format(text, sizeof(text), &l.who);
    assert_string_equal(text, "sensor-1");
    assert_true(pools_next_lease(pools, "p", &at, &l));
    assert_true(l.online);
    addr_format(text, sizeof(text), &l.addr);
    assert_string_equal(text, "10.3.0.2");
    assert_false(pools_next_lease(pools, "p", &at, &l));
    at = 0;
    assert_false(pools_next_lease(pools, "q", &at, &l));
}

static void a_pool_in_use_is_not_unloaded(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    (void)lease4(1, 1, NULL);
    assert_false(pools_unload(pools, "p", &why));
    assert_string_equal(why.text, "pool 'p' has 1 leases online");
    pools_release(pools, 1);
    assert_true(pools_unload(pools, "p", &why));
    assert_false(pools_has(pools, "p"));
    assert_false(pools_unload(pools, "p", &why));
    assert_string_equal(why.text, "there is no pool 'p'");
}

static void a_replaced_pool_keeps_the_leases_inside_it(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.0/24 }"));
    assert_string_equal(lease4(1, 1, "10.3.0.40"), "10.3.0.40");
    assert_string_equal(lease4(2, 2, "10.3.0.50"), "10.3.0.50");
    assert_string_equal(lease4(3, 3, "10.3.0.60"), "10.3.0.60");
    pools_release(pools, 2);
    pools_release(pools, 3);
    assert_true(load("p { addrs = 10.3.0.32-10.3.0.55\n dns = 10.0.0.1 }"));
    assert_int_equal(view("p").online, 1);
    assert_int_equal(view("p").offline, 1);
    assert_string_equal(lease4(1, 1, NULL), "10.3.0.40");
    assert_string_equal(lease4(4, 2, NULL), "10.3.0.50");
    assert_string_equal(lease4(5, 3, NULL), "10.3.0.32");
    assert_false(load("p { addrs = 10.3.0.45-10.3.0.55 }"));
    assert_string_equal(why.text, "pools:1: p: 3 leases are online, and not all are inside the "
                                  "new range");
    assert_string_equal(lease4(1, 1, NULL), "10.3.0.40"); /* nothing has changed */
    assert_false(load("p { addrs = fd00::/64 }"));
}

/* ---- over a restart ---- */

/* "10.3.0.1 sensor-1 on", what changed since the last call; order does not matter to the disk,
 * so a test lets one lease change at a time. */
static const char *changed(void)
{
    static char text[256];
    struct pool_lease l;
    size_t n = 0;

    text[0] = '\0';
    while (pools_next_changed(pools, &l)) {
        char addr[64];

        addr_format(addr, sizeof(addr), &l.addr);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s %.*s %s", n > 0 ? ", " : "",
                              l.pool, addr, (int)l.who.n, (const char *)l.who.b,
                              l.online ? "on" : "off");
    }
    return text;
}

static void every_change_of_a_lease_is_told_once(void **state)
{
    (void)state;
    assert_true(load("p { addrs = 10.3.0.1-10.3.0.2 }"));
    assert_string_equal(changed(), "");
    assert_false(pools_changed(pools));
    (void)lease4(1, 1, NULL);
    assert_true(pools_changed(pools));
    assert_string_equal(changed(), "p 10.3.0.1 sensor-1 on");
    pools_rename(pools, 1, 2); /* a rekey is nothing to the disk */
    assert_string_equal(changed(), "");
    pools_release(pools, 2);
    (void)lease4(3, 1, NULL);
    pools_release(pools, 3);
    assert_string_equal(changed(), "p 10.3.0.1 sensor-1 off");
    (void)lease4(4, 2, NULL);
    (void)lease4(5, 3, NULL); /* full: it takes over from 1 */
    assert_non_null(strstr(changed(), "p 10.3.0.1 sensor-3 on"));
    assert_true(load("p { addrs = 10.3.0.1-10.3.0.9 }"));
    assert_string_equal(changed(), ""); /* the leases are the same */
    pools_touch(pools);
    assert_non_null(strstr(changed(), "p 10.3.0.2 sensor-2 on"));
    pools_release(pools, 4);
    pools_release(pools, 5);
    assert_null(pools_next_forgotten(pools));
    assert_true(pools_unload(pools, "p", &why));
    assert_string_equal(changed(), "");
    {
        char *name = pools_next_forgotten(pools);

        assert_string_equal(name, "p");
        assert_false(pools_changed(pools));
        free(name);
    }
    assert_null(pools_next_forgotten(pools));
}

static void remember(unsigned host, unsigned number, bool online, uint64_t age)
{
    struct pool_lease l = {
        .pool = "p",
        .addr = {.family = CV_IPV4, .b = {10, 3, 0, (uint8_t)host}},
        .who = device(number),
        .online = online,
        .age = age
    };

    pools_remember(pools, &l);
}

/* Whoever was online when the former life ended is the last to lose its address. */
static void leases_of_an_earlier_life_hold(void **state)
{
    for (int first = 0; first < 2; first++) {
        (void)state;
        if (first == 0) /* the pool is there, or comes later over VICI */
            assert_true(load("p { addrs = 10.3.0.1-10.3.0.3 }"));
        remember(2, 2, false, 7);
        remember(3, 3, false, 9);
        remember(1, 1, true, 1);
        remember(77, 4, true, 2); /* no longer in the pool */
        if (first == 1)
            assert_true(load("p { addrs = 10.3.0.1-10.3.0.3 }"));
        assert_int_equal(view("p").offline, 3);
        assert_string_equal(changed(), "p 10.3.0.1 sensor-1 off");
        assert_string_equal(lease4(1, 3, NULL), "10.3.0.3");
        assert_string_equal(lease4(2, 4, "10.3.0.1"), "10.3.0.2");
        assert_string_equal(lease4(3, 1, NULL), "10.3.0.1");
        for (struct pool_lease l; pools_next_changed(pools, &l);)
            assert_true(l.age > 9); /* what happens now is later than all that */
        drop(NULL);
        make(NULL);
    }
}

static void wrong_pools_are_refused_with_the_reason(void **state)
{
    /* clang-format off */
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"p { }", "pools:1: p: needs 'addrs', a subnet or a range"},
        {"p { addrs = 10.3.0.0/33 }", "pools:1: p.addrs: expected a subnet or a range"},
        {"p { addrs = %any }", "pools:1: p.addrs: expected a subnet or a range"},
        {"p { addrs = %any4 }", "pools:1: p.addrs: expected an address before ''"},
        {"p { addrs = dhcp }", "pools:1: p.addrs: expected a subnet or a range"},
        {"p { adrs = 10.3.0.0/24 }",
         "pools:1: p.adrs: unknown key 'adrs', did you mean 'addrs'?"},
        {"p { addrs = 10.3.0.0/24\n dns = x }",
         "pools:2: p.dns: expected the address of a DNS server, not 'x'"},
        {"p { addrs = 10.3.0.0/24\n split_include = 10.0.0.x }",
         "pools:2: p.split_include: expected an address or a subnet, not '10.0.0.x'"},
        {"p { addrs = 10.3.0.0/24\n dns_domain = a b }",
         "pools:2: p.dns_domain: expected a domain like corp.example, not 'a b'"},
        {"p { addrs = 10.3.0.0/24\n 40000 = x }",
         "pools:2: p.40000: an attribute's number is 1 to 32767"},
        {"q { addrs = 10.3.0.0/16 }\np { addrs = 10.3.9.0/24 }",
         "pools:2: p: the addresses overlap with those of pool 'q'"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_false(load(cases[i].text));
        assert_ptr_equal(strstr(why.text, cases[i].problem), why.text);
    }
}

/* Against a plain model: an array of who has which offset. */
static void random_use_agrees_with_a_simple_model(void **state)
{
    enum { SIZE = 40, DEVICES = 60, STEPS = 20000 };
    static const uint64_t seed[2] = {1, 2};
    struct {
        uint32_t ike;
        unsigned device;
    } model[SIZE] = {0};
    struct leases l;
    uint32_t online = 0, next_ike = 1;

    (void)state;
    srand(4711);
    assert_true(leases_init(&l, SIZE, seed));
    for (int step = 0; step < STEPS; step++) {
        unsigned at = (unsigned)rand() % SIZE;

        if (rand() % 2 == 0 && model[at].ike != 0) {
            leases_release(&l, model[at].ike);
            model[at].ike = 0;
            online--;
        } else if (rand() % 8 == 0 && model[at].ike != 0) {
            leases_rename(&l, model[at].ike, next_ike);
            model[at].ike = next_ike++;
        } else {
            unsigned number = 1 + (unsigned)rand() % DEVICES;
            struct cv_id who = device(number);
            uint32_t want = rand() % 4 == 0 ? at : LEASE_NONE;
            uint32_t got = leases_take(&l, next_ike, &who, want);
            bool had = false, its_own;

            if (want != LEASE_NONE && model[want].ike != 0 && model[want].device == number) {
                assert_int_equal(got, want);
                model[want].ike = next_ike++;
                continue;
            }
            if (online == SIZE) {
                assert_int_equal(got, LEASE_NONE);
                continue;
            }
            assert_true(got < SIZE);
            assert_int_equal(model[got].ike, 0);
            for (unsigned i = 0; i < SIZE; i++)
                had = had || (model[i].ike == 0 && model[i].device == number);
            its_own = model[got].device == number;
            assert_int_equal(had, its_own);
            if (!had && want != LEASE_NONE && model[want].device == 0)
                assert_int_equal(got, want);
            for (unsigned i = 0; i < SIZE; i++)
                assert_false(!had && model[got].device != 0 && model[i].device == 0);
            model[got].ike = next_ike++;
            model[got].device = number;
            online++;
        }
        assert_int_equal(l.online, online);
    }
    leases_free(&l);
}

static void a_million_leases_are_made_and_found_quickly(void **state)
{
    enum { DEVICES = 1000000 };
    clock_t began = clock();

    (void)state;
    assert_true(load("p { addrs = 10.16.0.0/12 }"));
    for (uint32_t i = 1; i <= DEVICES; i++)
        (void)lease4(i, i, NULL);
    assert_int_equal(view("p").online, DEVICES);
    for (uint32_t i = 1; i <= DEVICES; i++)
        pools_release(pools, i);
    for (uint32_t i = 1; i <= DEVICES; i += 1000)
        (void)lease4(DEVICES + i, i, NULL);
    assert_int_equal(view("p").offline, DEVICES - DEVICES / 1000);
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_subnet_is_leased_without_its_first_and_last_address,
                                        make, drop),
        cmocka_unit_test_setup_teardown(ranges_hosts_and_offsets_into_subnets_are_pools, make,
                                        drop),
        cmocka_unit_test_setup_teardown(an_ipv6_pool_crosses_the_32_bit_boundary, make, drop),
        cmocka_unit_test_setup_teardown(the_same_connection_gets_the_same_address_again, make,
                                        drop),
        cmocka_unit_test_setup_teardown(a_device_gets_its_former_address_back, make, drop),
        cmocka_unit_test_setup_teardown(a_device_may_write_its_name_in_capitals, make, drop),
        cmocka_unit_test_setup_teardown(an_address_for_good_is_this_one_or_none, make, drop),
        cmocka_unit_test_setup_teardown(a_second_connection_of_a_device_gets_another_address,
                                        make, drop),
        cmocka_unit_test_setup_teardown(a_device_that_reauthenticates_keeps_its_address, make,
                                        drop),
        cmocka_unit_test_setup_teardown(a_wanted_address_is_given_when_it_is_free, make, drop),
        cmocka_unit_test_setup_teardown(a_device_may_write_its_name_in_capitals, make, drop),
        cmocka_unit_test_setup_teardown(
            an_address_belongs_to_its_device_while_the_pool_has_others, make, drop),
        cmocka_unit_test_setup_teardown(of_several_former_addresses_the_wanted_one_is_given,
                                        make, drop),
        cmocka_unit_test_setup_teardown(when_all_were_used_the_longest_unused_is_taken, make,
                                        drop),
        cmocka_unit_test_setup_teardown(a_rekeyed_connection_keeps_its_lease, make, drop),
        cmocka_unit_test_setup_teardown(several_pools_give_both_families_and_their_dns_servers,
                                        make, drop),
        cmocka_unit_test_setup_teardown(a_pool_tells_attributes_of_every_kind, make, drop),
        cmocka_unit_test_setup_teardown(more_dns_servers_than_the_engine_knows_are_told_too,
                                        make, drop),
        cmocka_unit_test_setup_teardown(no_more_dns_servers_are_told_than_fit, make, drop),
        cmocka_unit_test_setup_teardown(a_full_pool_is_followed_by_the_next, make, drop),
        cmocka_unit_test_setup_teardown(leases_are_listed_with_their_owners, make, drop),
        cmocka_unit_test_setup_teardown(a_pool_in_use_is_not_unloaded, make, drop),
        cmocka_unit_test_setup_teardown(a_replaced_pool_keeps_the_leases_inside_it, make, drop),
        cmocka_unit_test_setup_teardown(every_change_of_a_lease_is_told_once, make, drop),
        cmocka_unit_test_setup_teardown(leases_of_an_earlier_life_hold, make, drop),
        cmocka_unit_test_setup_teardown(wrong_pools_are_refused_with_the_reason, make, drop),
        cmocka_unit_test(random_use_agrees_with_a_simple_model),
        cmocka_unit_test_setup_teardown(a_million_leases_are_made_and_found_quickly, make,
                                        drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
