/* Configuration payloads, RFC 7296 section 3.15.
 *
 * Reads and writes what a road warrior needs: one address of each family and DNS
 * servers.  Of several addresses of a family the first one counts.  All else goes through as
 * it is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire/ip.h"

enum {
    ATTR_TYPE_MASK = 0x7fff, /* the top bit is reserved: ignored on receipt */
    DNS_MAX = sizeof(((struct ike_cp *)0)->dns) / sizeof(struct cv_addr)
};

/* Section 3.15.1: a value is empty or has exactly this many octets. */
static const struct cp_rule {
    uint8_t type, len, family;
} rules[] = {
    {CP_IP4_ADDRESS, 4,  CV_IPV4},
    {CP_IP4_NETMASK, 4,  CV_IPV4},
    {CP_IP4_DNS,     4,  CV_IPV4},
    {CP_IP6_ADDRESS, 17, CV_IPV6}, /* with prefix length */
    {CP_IP6_DNS,     16, CV_IPV6},
};

static const struct cp_rule *find_rule(uint16_t type)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

static void add_dns(struct ike_cp *cp, const struct cv_addr *server, bool empty)
{
    if (server->family == CV_IPV4)
        cp->want_dns4 = true;
    else
        cp->want_dns6 = true;
    if (!empty && cp->n_dns < DNS_MAX)
        cp->dns[cp->n_dns++] = *server;
}

static bool read_attribute(struct ike_cp *cp, const struct cp_rule *rule, struct rd *value)
{
    bool empty = rd_left(value) == 0;
    struct cv_addr a = {.family = rule->family};
    uint8_t prefix = 128;

    if (!empty) {
        rd_copy(value, a.b, addr_len(a.family));
        if (rule->type == CP_IP6_ADDRESS)
            prefix = rd_u8(value);
    }
    if (!rd_done(value) || prefix > 128)
        return false;
    if (rule->type == CP_IP4_DNS || rule->type == CP_IP6_DNS) {
        add_dns(cp, &a, empty);
    } else if (rule->type == CP_IP4_ADDRESS && !cp->has_v4) {
        cp->has_v4 = true;
        cp->v4 = a;
    } else if (rule->type == CP_IP6_ADDRESS && !cp->has_v6) {
        cp->has_v6 = true;
        cp->v6 = a;
        cp->v6_prefix = prefix;
    }
    return true;
}

enum cv_err ike_parse_cp(struct ike_cp *out, struct cv_span body)
{
    struct rd r = rd_init(body);

    *out = (struct ike_cp){.type = rd_u8(&r)};
    rd_take(&r, 3); /* RESERVED */
    out->seen = span_from(body, 4);
    while (rd_left(&r) > 0) {
        const struct cp_rule *rule = find_rule(rd_u16(&r) & ATTR_TYPE_MASK);
        size_t len = rd_u16(&r);
        struct rd value = rd_sub(&r, len);

        if (rule != NULL && rd_ok(&r) && !read_attribute(out, rule, &value))
            return CV_ERR_MALFORMED;
    }
    return rd_done(&r) ? CV_OK : CV_ERR_MALFORMED;
}

bool ike_next_cp_attribute(struct rd *r, uint16_t *type, struct cv_span *value)
{
    if (rd_left(r) == 0)
        return false;
    *type = rd_u16(r) & ATTR_TYPE_MASK;
    *value = rd_take(r, rd_u16(r));
    return rd_ok(r);
}

bool ike_domain_is_plain(struct cv_span domain)
{
    if (domain.n == 0 || domain.n > 253 || domain.p[0] == '-' || domain.p[0] == '.')
        return false;
    for (size_t i = 0; i < domain.n; i++) {
        const uint8_t c = domain.p[i], small = c | 0x20;

        if ((small < 'a' || small > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' &&
            c != '_')
            return false;
    }
    return true;
}

void ike_put_cp_attribute(struct wr *w, uint16_t type, struct cv_span value)
{
    wr_u16(w, type);
    wr_u16(w, (uint16_t)value.n);
    wr_span(w, value);
}

static void put_attribute(struct wr *w, uint16_t type, const struct cv_addr *a)
{
    ike_put_cp_attribute(w, type, (struct cv_span){a->b, addr_len(a->family)});
}

static void put_empty(struct wr *w, uint16_t type)
{
    ike_put_cp_attribute(w, type, (struct cv_span){NULL, 0});
}

static void put_addresses(struct wr *w, const struct ike_cp *cp)
{
    if (cp->has_v4 && addr_is_zero(&cp->v4))
        put_empty(w, CP_IP4_ADDRESS);
    else if (cp->has_v4)
        put_attribute(w, CP_IP4_ADDRESS, &cp->v4);
    if (cp->has_v6 && addr_is_zero(&cp->v6)) {
        put_empty(w, CP_IP6_ADDRESS);
    } else if (cp->has_v6) {
        wr_u16(w, CP_IP6_ADDRESS);
        wr_u16(w, 17);
        wr_copy(w, cp->v6.b, 16);
        wr_u8(w, cp->v6_prefix);
    }
}

void ike_put_cp_body(struct wr *w, const struct ike_cp *cp)
{
    bool ask4 = cp->want_dns4, ask6 = cp->want_dns6;

    wr_u8(w, cp->type);
    wr_zero(w, 3);
    put_addresses(w, cp);
    for (unsigned i = 0; i < cp->n_dns; i++) {
        bool v4 = cp->dns[i].family == CV_IPV4;

        put_attribute(w, v4 ? CP_IP4_DNS : CP_IP6_DNS, &cp->dns[i]);
        ask4 = ask4 && !v4;
        ask6 = ask6 && v4;
    }
    if (ask4)
        put_empty(w, CP_IP4_DNS);
    if (ask6)
        put_empty(w, CP_IP6_DNS);
    if (cp->want_domains)
        put_empty(w, CP_DNS_DOMAIN);
    wr_span(w, cp->further);
}
