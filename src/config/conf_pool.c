/* The sections of pools: what addresses a pool has, and what it tells devices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "config/conf_settings.h"
#include "config/inside.h"
#include "text/text.h"
#include "wire/ike.h"
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

/* ---- what devices are told -------------------------------------------------------- */

/* strongSwan's words for attributes, of IPv4 and IPv6 (RFC 7296 section 3.15.1; server is
 * Microsoft's, the split ones are Cisco's). */
static const struct attribute_word {
    const char *name;
    uint16_t v4, v6;
} attribute_words[] = {
    {"nbns",          4,     11   },
    {"dhcp",          6,     12   },
    {"netmask",       2,     9    },
    {"server",        23456, 23457},
    {"subnet",        13,    15   },
    {"split_include", 28676, 28676},
    {"split_exclude", 28678, 28678},
};

static bool put_attribute(struct conf_reader *r, const struct node *n, struct pool_words *words,
                          uint16_t type, struct cv_span value)
{
    struct wr w = wr_init(words->attributes + words->n, sizeof(words->attributes) - words->n);

    ike_put_cp_attribute(&w, type, value);
    if (!wr_ok(&w))
        return problem_at(r->why, n, "all attributes of a pool have at most %d octets",
                          POOL_ATTRIBUTES_MAX);
    words->n += (uint16_t)w.n;
    return true;
}

/* An address as it is; a subnet with its mask (IPv4) or the length of its prefix (IPv6). */
static bool encode_address(const char *text, uint8_t *family, uint8_t out[17], size_t *len)
{
    const char *slash = strchr(text, '/');
    struct cv_addr_range range;
    struct cv_addr a;
    char first[64];
    uint8_t bits = 0;

    if (slash == NULL) {
        if (!addr_parse(&a, text))
            return false;
        *len = addr_len(a.family);
    } else {
        if ((size_t)(slash - text) >= sizeof(first) || !range_parse(&range, text))
            return false;
        memcpy(first, text, (size_t)(slash - text));
        first[slash - text] = '\0';
        if (!addr_parse(&a, first))
            return false;
        *len = addr_len(a.family);
        bits = (uint8_t)strtoul(slash + 1, NULL, 10);
        memset(out + *len, 0, *len == 4 ? 4 : 1);
        if (a.family == CV_IPV6)
            out[16] = bits;
        for (unsigned i = 0; a.family == CV_IPV4 && i < bits; i++)
            out[4 + i / 8] |= (uint8_t)(0x80 >> i % 8);
    }
    memcpy(out, a.b, *len);
    if (slash != NULL)
        *len = a.family == CV_IPV4 ? 8 : 17;
    *family = a.family;
    return true;
}

static bool take_attribute(struct conf_reader *r, const struct node *n, void *field,
                           const void *arg)
{
    const struct attribute_word *word = arg;
    struct pool_config *d = field;
    struct conf_texts texts;
    uint8_t value[17], family;
    size_t len;

    if (!take_texts(r, n, &texts, NULL))
        return false;
    for (unsigned i = 0; i < texts.n; i++) {
        if (!encode_address(texts.v[i], &family, value, &len))
            return problem_at(r->why, n, "expected an address or a subnet, not '%s'",
                              texts.v[i]);
        if (!put_attribute(r, n, &d->words, family == CV_IPV4 ? word->v4 : word->v6,
                           (struct cv_span){value, len}))
            return false;
    }
    return true;
}

/* By its number: what is no address and no subnet goes as it is. */
static bool put_numbered(struct conf_reader *r, const struct node *n, struct pool_words *words,
                         struct cv_span raw)
{
    uint32_t type = (uint32_t)strtoul(n->name, NULL, 10);
    uint8_t value[17], family;
    char text[64];
    size_t len;

    if (strlen(n->name) > 5 || type == 0 || type > 0x7fff)
        return problem_at(r->why, n, "an attribute's number is 1 to 32767");
    if (raw.n < sizeof(text)) {
        memcpy(text, raw.p, raw.n);
        text[raw.n] = '\0';
        if (encode_address(text, &family, value, &len))
            raw = (struct cv_span){value, len};
    }
    return put_attribute(r, n, words, (uint16_t)type, raw);
}

static bool take_numbered(struct conf_reader *r, const struct node *n, void *field,
                          const void *arg)
{
    struct pool_config *d = field;
    struct conf_texts texts;

    (void)arg;
    if (n->kind == NODE_LIST) { /* VICI: octets */
        for (const struct node *item = n->first; item != NULL; item = item->next)
            if (!put_numbered(r, n, &d->words,
                              (struct cv_span){(const uint8_t *)item->value, item->value_len}))
                return false;
        return true;
    }
    if (!take_texts(r, n, &texts, NULL))
        return false;
    for (unsigned i = 0; i < texts.n; i++)
        if (!put_numbered(r, n, &d->words,
                          (struct cv_span){(const uint8_t *)texts.v[i], strlen(texts.v[i])}))
            return false;
    return true;
}

/* The first few are what the engine knows by itself, the others go with the attributes. */
static bool take_dns(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    struct pool_words *words = &((struct pool_config *)field)->words;
    struct conf_texts texts;
    struct cv_addr a;

    if (!take_texts(r, n, &texts, arg))
        return false;
    for (unsigned i = 0; i < texts.n; i++) {
        if (!addr_parse(&a, texts.v[i]))
            return problem_at(r->why, n, "expected the address of a DNS server, not '%s'",
                              texts.v[i]);
        if (words->n_dns < CV_LEASE_DNS_MAX)
            words->dns[words->n_dns++] = a;
        else if (!put_attribute(r, n, words, a.family == CV_IPV4 ? CP_IP4_DNS : CP_IP6_DNS,
                                (struct cv_span){a.b, addr_len(a.family)}))
            return false;
    }
    return true;
}

/* Names below which the servers are asked (RFC 8598). */
static bool take_domains(struct conf_reader *r, const struct node *n, void *field,
                         const void *arg)
{
    struct pool_config *d = field;
    struct conf_texts texts;

    if (!take_texts(r, n, &texts, arg))
        return false;
    for (unsigned i = 0; i < texts.n; i++) {
        const struct cv_span value = {(const uint8_t *)texts.v[i], strlen(texts.v[i])};

        if (!ike_domain_is_plain(value))
            return problem_at(r->why, n, "expected a domain like corp.example, not '%s'",
                              texts.v[i]);
        if (!put_attribute(r, n, &d->words, CP_DNS_DOMAIN, value))
            return false;
    }
    return true;
}

/* ---- sections ------------------------------------------------------------------------- */

#define WORDS                                                                                  \
    {"dns", take_dns, 0, NULL}, {"dns_domain", take_domains, 0, NULL},                         \
        {"nbns", take_attribute, 0, &attribute_words[0]},                                      \
        {"dhcp", take_attribute, 0, &attribute_words[1]},                                      \
        {"netmask", take_attribute, 0, &attribute_words[2]},                                   \
        {"server", take_attribute, 0, &attribute_words[3]},                                    \
        {"subnet", take_attribute, 0, &attribute_words[4]},                                    \
    {                                                                                          \
        "#", take_numbered, 0, NULL                                                            \
    }
#define SPLIT(include, exclude)                                                                \
    {include, take_attribute, 0, &attribute_words[5]},                                         \
    {                                                                                          \
        exclude, take_attribute, 0, &attribute_words[6]                                        \
    }

static bool read_pool(struct pool_config *d, const struct node *section, struct problems *found)
{
    static const struct conf_key keys[] = {
        {"addrs", take_addrs, 0, NULL},
        WORDS,
        SPLIT("split_include", "split_exclude"),
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

/* Two plain servers of a kind, and the attr plugin's section. */
void conf_read_common_words(struct conf_reader *r, struct pool_words *out)
{
    static const struct conf_key plain[] = {
        {"dns1",  take_dns,       0, NULL               },
        {"dns2",  take_dns,       0, NULL               },
        {"nbns1", take_attribute, 0, &attribute_words[0]},
        {"nbns2", take_attribute, 0, &attribute_words[0]},
    };
    static const struct conf_key attr[] = {WORDS, SPLIT("split-include", "split-exclude")};
    static const struct conf_table plain_table = {.keys = plain, .n_keys = COUNT(plain)};
    static const struct conf_table attr_table = {.keys = attr, .n_keys = COUNT(attr)};
    struct pool_config d = {.words = {.n_dns = 0}};
    const struct node *s;

    for (unsigned i = 0; (s = conf_charon_section(r, i)) != NULL; i++) {
        const struct node *plugins = tree_find(s, "plugins");
        const struct node *words = plugins != NULL ? tree_find(plugins, "attr") : NULL;

        conf_read_known(r, s, &plain_table, &d);
        if (words != NULL && words->kind == NODE_SECTION)
            conf_read_known(r, words, &attr_table, &d);
    }
    *out = d.words;
}

bool conf_load_pool(struct pools *pools, const struct node *section, struct problems *found)
{
    struct pool_config d = {.words = {.n_dns = 0}};
    struct problem why = {.text = ""};

    return read_pool(&d, section, found) &&
           (pools_put(pools, section, &d, &why) || problems_error(found, &why));
}
