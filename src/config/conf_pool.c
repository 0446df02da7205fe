/* The sections of pools: what addresses a pool has, and what it tells devices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "config/inside.h"
#include "text/text.h"
#include "wire/ip.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A subnet's first address is the network itself (IPv6: the routers' anycast address, RFC 4291
 * section 2.6.1), IPv4's last one is broadcast. */
static void leave_out_reserved(struct cv_addr_range *range)
{
    size_t last = addr_len(range->family) - 1;

    if (memcmp(range->lo, range->hi, last) == 0 && (range->lo[last] ^ range->hi[last]) < 3)
        return;           /* /31, /32, /127 and /128 have none */
    range->lo[last] |= 1; /* a subnet's first address is even, its last one odd */
    if (range->family == CV_IPV4)
        range->hi[last] &= 0xfe;
}

/* Addresses that no host can have (RFC 6890), first to last: routes to them do not do what a
 * tunnel needs. */
static const struct senseless {
    struct cv_addr_range range;
    const char *what;
} senseless[] = {
    {{CV_IPV4, {0}, {0, 255, 255, 255}},                                                      "'this network', 0.0.0.0/8"           },
    {{CV_IPV4, {127}, {127, 255, 255, 255}},                                                  "loopback, 127.0.0.0/8"               },
    {{CV_IPV4, {224}, {239, 255, 255, 255}},                                                  "multicast, 224.0.0.0/4"              },
    {{CV_IPV4, {255, 255, 255, 255}, {255, 255, 255, 255}},                                   "broadcast, 255.255.255.255"          },
    {{CV_IPV6, {0}, {[15] = 1}},                                                              "unspecified and loopback, :: and ::1"},
    {{CV_IPV6,
      {0xff},
      {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
     "multicast, ff00::/8"                                                                                                          },
};

static const struct senseless *find_senseless(const struct cv_addr_range *r)
{
    for (size_t i = 0; i < COUNT(senseless); i++) {
        const struct cv_addr_range *s = &senseless[i].range;

        if (s->family == r->family && memcmp(r->lo, s->hi, sizeof(s->hi)) <= 0 &&
            memcmp(r->hi, s->lo, sizeof(s->lo)) >= 0)
            return &senseless[i];
    }
    return NULL;
}

static bool take_addrs(struct conf_reader *r, const struct node *n, void *field,
                       const void *arg)
{
    struct pool_config *d = field;
    const char *text = conf_text(r, n);
    const struct senseless *found;
    char first[64];
    size_t len;

    (void)arg;
    if (text == NULL)
        return false;
    len = strcspn(text, "/-");
    if (!range_parse(&d->range, text) || len >= sizeof(first) ||
        d->range.family == CV_ANY_FAMILY)
        return problem_at(r->why, n,
                          "expected a subnet or a range like 10.3.0.0/16 or "
                          "10.3.0.10-10.3.0.99, not '%s'",
                          text);
    memcpy(first, text, len);
    first[len] = '\0';
    if (!addr_parse(&d->base, first))
        return problem_at(r->why, n, "expected an address before '%s'", text + len);
    if (text[len] == '/' && memcmp(d->base.b, d->range.lo, sizeof(d->base.b)) == 0)
        leave_out_reserved(&d->range);
    else if (text[len] == '/') /* "10.3.0.100/24": from that address to the end of the subnet */
        memcpy(d->range.lo, d->base.b, sizeof(d->range.lo));
    found = find_senseless(&d->range);
    if (found != NULL)
        return problem_at(r->why, n, "'%s' has addresses that no host can have: %s", text,
                          found->what);
    return true;
}

static bool take_dns(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    struct pool_config *d = field;
    struct conf_texts texts;

    if (!take_texts(r, n, &texts, arg))
        return false;
    if (texts.n > CV_LEASE_DNS_MAX)
        return problem_at(r->why, n, "at most %d DNS servers are possible", CV_LEASE_DNS_MAX);
    for (unsigned i = 0; i < texts.n; i++)
        if (!addr_parse(&d->dns[i], texts.v[i]))
            return problem_at(r->why, n, "expected the address of a DNS server, not '%s'",
                              texts.v[i]);
    d->n_dns = (uint8_t)texts.n;
    return true;
}

static bool read_pool(struct pool_config *d, const struct node *section, struct problems *found)
{
    static const struct conf_key keys[] = {
        {"addrs",         take_addrs,   0, NULL},
        {"dns",           take_dns,     0, NULL},
        {"nbns",          take_foreign, 0, NULL},
        {"dhcp",          take_foreign, 0, NULL},
        {"netmask",       take_foreign, 0, NULL},
        {"server",        take_foreign, 0, NULL},
        {"subnet",        take_foreign, 0, NULL},
        {"split_include", take_foreign, 0, NULL},
        {"split_exclude", take_foreign, 0, NULL},
    };
    static const struct conf_table table = {.keys = keys, .n_keys = COUNT(keys)};
    struct mem mem = {0};
    struct problem why = {.text = ""};
    struct conf_reader r = {.mem = &mem, .why = &why, .found = found};
    bool ok = conf_read(&r, section, &table, d);

    mem_drop(&mem);
    if (ok && d->range.family == CV_ANY_FAMILY) {
        problem_at(&why, section, "needs 'addrs', a subnet or a range");
        return problems_error(found, &why);
    }
    return ok;
}

bool conf_load_pool(struct pools *pools, const struct node *section, struct problems *found)
{
    struct pool_config d = {.n_dns = 0};
    struct problem why = {.text = ""};

    return read_pool(&d, section, found) &&
           (pools_put(pools, section, &d, &why) || problems_error(found, &why));
}
