/* Owns the text form of traffic selectors: "ADDRESSES[PROTOCOL/PORT]".
 *
 * For ICMP the port is "TYPE" or "TYPE(CODE)", or two of these with '-' between (RFC 7296
 * section 3.13.1: type in the high octet, code in the low one).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/text.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMPV6 = 58 };

/* The system's /etc/protocols may be absent on a small device. */
static const struct {
    const char *name;
    uint8_t number;
} protocols[] = {
    {"icmp",      PROTO_ICMP  },
    {"tcp",       PROTO_TCP   },
    {"udp",       PROTO_UDP   },
    {"ipv6-icmp", PROTO_ICMPV6},
    {"icmpv6",    PROTO_ICMPV6},
    {"gre",       47          },
    {"esp",       50          },
    {"ah",        51          },
    {"ospf",      89          },
    {"sctp",      132         },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool is_icmp(uint8_t proto)
{
    return proto == PROTO_ICMP || proto == PROTO_ICMPV6;
}

/* A decimal number of at most max that ends at stop. */
static bool parse_number(unsigned *out, const char *text, unsigned max, const char **stop)
{
    char *end;
    unsigned long v;

    if (*text < '0' || *text > '9')
        return false;
    v = strtoul(text, &end, 10);
    *stop = end;
    *out = (unsigned)v;
    return v <= max;
}

/* ---- parsing ---------------------------------------------------------------- */

static bool parse_proto(uint8_t *out, const char *text)
{
    struct protoent *known;
    const char *end;
    unsigned v;

    *out = 0;
    if (*text == '\0' || strcmp(text, "any") == 0)
        return true;
    for (size_t i = 0; i < COUNT(protocols); i++) {
        if (strcmp(protocols[i].name, text) == 0) {
            *out = protocols[i].number;
            return true;
        }
    }
    if (parse_number(&v, text, 255, &end) && *end == '\0') {
        *out = (uint8_t)v;
        return true;
    }
    known = getprotobyname(text);
    if (known == NULL || known->p_proto < 0 || known->p_proto > 255)
        return false;
    *out = (uint8_t)known->p_proto;
    return true;
}

/* "8" is every code of type 8, "8(0)" one of them. */
static bool parse_type(uint16_t *lo, uint16_t *hi, const char *text, const char **stop)
{
    unsigned type, code;

    if (!parse_number(&type, text, 255, stop))
        return false;
    *lo = (uint16_t)(type << 8);
    *hi = (uint16_t)(type << 8 | 0xff);
    if (**stop != '(')
        return true;
    if (!parse_number(&code, *stop + 1, 255, stop) || **stop != ')')
        return false;
    (*stop)++;
    *lo = *hi = (uint16_t)(type << 8 | code);
    return true;
}

static bool parse_icmp(struct cv_ts *ts, const char *text)
{
    uint16_t last;
    const char *end;

    if (!parse_type(&ts->port_lo, &ts->port_hi, text, &end))
        return false;
    if (*end == '-' && !parse_type(&last, &ts->port_hi, end + 1, &end))
        return false;
    return *end == '\0' && ts->port_lo <= ts->port_hi;
}

static bool parse_port(struct cv_ts *ts, const char *text)
{
    const struct servent *service;
    const char *end;
    unsigned lo, hi;

    if (*text == '\0' || strcmp(text, "any") == 0)
        return true;
    if (strcasecmp(text, "opaque") == 0) {
        ts->port_lo = 65535;
        ts->port_hi = 0;
        return true;
    }
    if (is_icmp(ts->proto))
        return parse_icmp(ts, text);
    if (parse_number(&lo, text, 65535, &end)) {
        hi = lo;
        if (*end == '-' && !parse_number(&hi, end + 1, 65535, &end))
            return false;
        ts->port_lo = (uint16_t)lo;
        ts->port_hi = (uint16_t)hi;
        return *end == '\0' && lo <= hi;
    }
    service = getservbyname(text, NULL);
    if (service == NULL)
        return false;
    ts->port_lo = ts->port_hi = ntohs((uint16_t)service->s_port);
    return true;
}

/* What stands in the brackets; cut into its parts in place. */
static bool parse_brackets(struct cv_ts *ts, char *inside, struct problem *why)
{
    size_t n = strlen(inside);
    char *slash;

    if (n == 0 || inside[n - 1] != ']')
        return problem_set(why, "expected ']' at the end of the traffic selector");
    inside[n - 1] = '\0';
    slash = strchr(inside, '/');
    if (slash != NULL)
        *slash = '\0';
    if (!parse_proto(&ts->proto, inside))
        return problem_set(why, "unknown protocol '%s': expected a name or 0 to 255", inside);
    if (slash != NULL && ts->proto == 0 && slash[1] != '\0' && strcmp(slash + 1, "any") != 0)
        return problem_set(why, "port '%s' needs a protocol, e.g. [tcp/%s]", slash + 1,
                           slash + 1);
    if (slash != NULL && !parse_port(ts, slash + 1))
        return problem_set(why,
                           "unknown port '%s': expected a number, a range, a service name or "
                           "'opaque'",
                           slash + 1);
    return true;
}

bool ts_parse(struct cv_ts_config *out, const char *text, struct problem *why)
{
    struct cv_ts_config c = {.ts.port_hi = 65535};
    struct cv_addr_range range;
    char buf[160], *bracket;

    if (strlen(text) >= sizeof(buf))
        return problem_set(why, "traffic selector is too long");
    strcpy(buf, text);
    bracket = strchr(buf, '[');
    if (bracket != NULL)
        *bracket++ = '\0';
    if (bracket != NULL && !parse_brackets(&c.ts, bracket, why))
        return false;
    c.dynamic = strcmp(buf, "dynamic") == 0;
    if (!c.dynamic) {
        if (!range_parse(&range, buf) || range.family == CV_ANY_FAMILY)
            return problem_set(why,
                               "'%s' is not a subnet: expected e.g. 10.0.0.0/8, fd00::/64, "
                               "10.0.0.1-10.0.0.9 or 'dynamic'",
                               buf);
        c.ts.family = range.family;
        memcpy(c.ts.lo, range.lo, sizeof(c.ts.lo));
        memcpy(c.ts.hi, range.hi, sizeof(c.ts.hi));
    }
    *out = c;
    return true;
}

/* ---- formatting ------------------------------------------------------------- */

/* The prefix length when lo..hi is a subnet; -1 when it is another range. */
static int prefix_of(const struct cv_ts *ts)
{
    int octets = ts->family == CV_IPV4 ? 4 : 16, bits = 0;

    while (bits < 8 * octets) {
        int shift = 7 - bits % 8;

        if (((ts->lo[bits / 8] ^ ts->hi[bits / 8]) >> shift & 1) != 0)
            break;
        bits++;
    }
    for (int i = bits; i < 8 * octets; i++) {
        int shift = 7 - i % 8;

        if ((ts->lo[i / 8] >> shift & 1) != 0 || (ts->hi[i / 8] >> shift & 1) != 1)
            return -1;
    }
    return bits;
}

static void format_proto(char *out, size_t n, uint8_t proto)
{
    if (proto == 0) {
        snprintf(out, n, "0");
        return;
    }
    snprintf(out, n, "%u", proto);
    for (size_t i = COUNT(protocols); i-- > 0;)
        if (protocols[i].number == proto)
            snprintf(out, n, "%s", protocols[i].name);
}

static void format_icmp(char *out, size_t n, unsigned lo, unsigned hi)
{
    const bool types = (lo & 0xff) == 0 && (hi & 0xff) == 0xff;

    if (lo == hi)
        snprintf(out, n, "/%u(%u)", lo >> 8, lo & 0xff);
    else if (types && lo >> 8 == hi >> 8)
        snprintf(out, n, "/%u", lo >> 8);
    else if (types)
        snprintf(out, n, "/%u-%u", lo >> 8, hi >> 8);
    else
        snprintf(out, n, "/%u(%u)-%u(%u)", lo >> 8, lo & 0xff, hi >> 8, hi & 0xff);
}

static void format_port(char *out, size_t n, const struct cv_ts *ts)
{
    const char *proto = ts->proto == PROTO_TCP ? "tcp" : ts->proto == PROTO_UDP ? "udp" : NULL;
    const struct servent *service = NULL;
    bool one = ts->port_lo == ts->port_hi;

    if (ts->port_lo == 65535 && ts->port_hi == 0) {
        snprintf(out, n, "/OPAQUE");
    } else if (is_icmp(ts->proto)) {
        format_icmp(out, n, ts->port_lo, ts->port_hi);
    } else if (one) {
        service = proto != NULL ? getservbyport(htons(ts->port_lo), proto) : NULL;
        if (service != NULL)
            snprintf(out, n, "/%s", service->s_name);
        else
            snprintf(out, n, "/%u", ts->port_lo);
    } else {
        snprintf(out, n, "/%u-%u", ts->port_lo, ts->port_hi);
    }
}

void ts_format(char *out, size_t n, const struct cv_ts *ts)
{
    struct cv_addr lo = {.family = ts->family}, hi = {.family = ts->family};
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], proto[16], port[48] = "";
    int bits = prefix_of(ts);
    size_t used;

    if (ts->family == CV_ANY_FAMILY) {
        snprintf(out, n, "dynamic");
    } else {
        memcpy(lo.b, ts->lo, sizeof(lo.b));
        memcpy(hi.b, ts->hi, sizeof(hi.b));
        addr_format(from, sizeof(from), &lo);
        addr_format(to, sizeof(to), &hi);
        if (bits >= 0)
            snprintf(out, n, "%s/%d", from, bits);
        else
            snprintf(out, n, "%s..%s", from, to);
    }
    if (ts->proto == 0 && ts->port_lo == 0 && ts->port_hi == 65535)
        return;
    format_proto(proto, sizeof(proto), ts->proto);
    if (ts->port_lo != 0 || ts->port_hi != 65535)
        format_port(port, sizeof(port), ts);
    used = strlen(out);
    snprintf(out + used, n - used, "[%s%s]", proto, port);
}
