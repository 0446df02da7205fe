/* Owns the text form of identities: what strongSwan accepts in `id`, and how charon prints
 * them.  Types are those of RFC 7296 section 3.5.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text/names_dn.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { FOREIGN = 0 }; /* a prefix of strongSwan's for what IKEv2 has no identity of */

static const struct {
    const char *prefix;
    uint8_t type;
} prefixes[] = {
    {"ipv4:",      CV_ID_IPV4      },
    {"ipv6:",      CV_ID_IPV6      },
    {"rfc822:",    CV_ID_RFC822    },
    {"email:",     CV_ID_RFC822    },
    {"userfqdn:",  CV_ID_RFC822    },
    {"fqdn:",      CV_ID_FQDN      },
    {"dns:",       CV_ID_FQDN      },
    {"asn1dn:",    CV_ID_DER_DN    },
    {"asn1gn:",    CV_ID_DER_GN    },
    {"keyid:",     CV_ID_KEY_ID    },
    {"ipv4net:",   CV_ID_IPV4_RANGE},
    {"ipv4range:", CV_ID_IPV4_RANGE},
    {"ipv6net:",   CV_ID_IPV6_RANGE},
    {"ipv6range:", CV_ID_IPV6_RANGE},
    {"xmppaddr:",  FOREIGN         },
};

static const char *const any_words[] = {"%any", "%any4", "%any6", "*", "0.0.0.0", "::"};

static bool set_octets(struct cv_id *out, uint8_t type, const void *p, size_t n,
                       struct problem *why)
{
    if (n == 0)
        return problem_set(why, "identity is empty; a value with '#' needs quotes");
    if (n > CV_ID_MAX)
        return problem_set(why, "identity is longer than %d octets", CV_ID_MAX);
    *out = (struct cv_id){.type = type, .n = (uint8_t)n};
    memcpy(out->b, p, n);
    return true;
}

static bool set_text(struct cv_id *out, uint8_t type, const char *text, struct problem *why)
{
    size_t n = strlen(text);

    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return problem_set(why, "identity has control characters");
    if (n > 1 && text[0] == '^' && text[n - 1] == '$')
        return problem_set(why,
                           "regular expressions as in '%s' are not supported; expected a name, "
                           "*.example, *@example or C=CH, CN=*",
                           text);
    return set_octets(out, type, text, strlen(text), why);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at =
        c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* "0a:1b..." or "0a1b..." */
static bool set_hex(struct cv_id *out, uint8_t type, const char *text, struct problem *why)
{
    uint8_t octets[CV_ID_MAX];
    size_t n = 0;

    for (const char *at = text; *at != '\0'; at += 2) {
        int hi, lo;

        if (*at == ':' && n > 0)
            at++;
        hi = hex_digit(at[0]);
        lo = hi >= 0 ? hex_digit(at[1]) : -1;
        if (lo < 0)
            return problem_set(why, "'#%s' is not hexadecimal", text);
        if (n == sizeof(octets))
            return problem_set(why, "identity is longer than %d octets", CV_ID_MAX);
        octets[n++] = (uint8_t)(hi << 4 | lo);
    }
    return set_octets(out, type, octets, n, why);
}

static bool set_addr(struct cv_id *out, const struct cv_addr *a, struct problem *why)
{
    return a->family == CV_IPV4 ? set_octets(out, CV_ID_IPV4, a->b, 4, why)
                                : set_octets(out, CV_ID_IPV6, a->b, 16, why);
}

/* A subnet or a range: a pattern for the addresses in it. */
static bool set_range(struct cv_id *out, const struct cv_addr_range *range, struct problem *why)
{
    const bool v4 = range->family == CV_IPV4;
    const size_t n = v4 ? 4 : 16;
    uint8_t both[2 * sizeof(range->lo)];

    memcpy(both, range->lo, n);
    memcpy(both + n, range->hi, n);
    return set_octets(out, v4 ? CV_ID_IPV4_RANGE : CV_ID_IPV6_RANGE, both, 2 * n, why);
}

static bool parse_range(struct cv_id *out, uint8_t type, const char *text, struct problem *why)
{
    struct cv_addr_range range;

    if (!range_parse(&range, text) ||
        range.family != (type == CV_ID_IPV4_RANGE ? CV_IPV4 : CV_IPV6))
        return problem_set(why, "'%s' is not a subnet or a range of %s addresses", text,
                           type == CV_ID_IPV4_RANGE ? "IPv4" : "IPv6");
    return set_range(out, &range, why);
}

/* After a prefix that names the type: "#hex" is the octets, anything else is text in the
 * form that the type has. */
static bool parse_typed(struct cv_id *out, uint8_t type, const char *text, struct problem *why)
{
    struct cv_addr a;

    if (type == FOREIGN)
        return problem_set(why, "identities 'xmppaddr:' of strongSwan are not supported");
    if (type == CV_ID_IPV4_RANGE || type == CV_ID_IPV6_RANGE)
        return parse_range(out, type, text, why);
    if (text[0] == '#')
        return set_hex(out, type, text + 1, why);
    switch (type) {
    case CV_ID_IPV4:
    case CV_ID_IPV6:
        if (!addr_parse(&a, text) || (a.family == CV_IPV4) != (type == CV_ID_IPV4))
            return problem_set(why, "'%s' is not an %s address", text,
                               type == CV_ID_IPV4 ? "IPv4" : "IPv6");
        return set_addr(out, &a, why);
    case CV_ID_DER_DN:
        return dn_parse(out, text, why);
    case CV_ID_DER_GN:
        return problem_set(why, "identity 'asn1gn:' needs '#' and hexadecimal octets");
    default:
        return set_text(out, type, text, why);
    }
}

/* "{11}:text", "{0x0b}:text": the type by its number. */
static bool parse_numbered(struct cv_id *out, const char *text, struct problem *why)
{
    char *end;
    unsigned long type = strtoul(text + 1, &end, 0);

    if (text[1] < '0' || text[1] > '9' || end[0] != '}' || end[1] != ':')
        return problem_set(why, "'%s' is not an identity: expected '{TYPE}:VALUE'", text);
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (prefixes[i].type == type && type != FOREIGN)
            return parse_typed(out, (uint8_t)type, end + 2, why);
    return problem_set(why, "identity type %lu is not supported", type);
}

/* Nothing but what addresses, subnets and ranges are written with: never a name. */
static bool looks_like_addresses(const char *text)
{
    if (text[0] != '\0' && strspn(text, "0123456789./-") == strlen(text))
        return true;
    return strchr(text, ':') != NULL &&
           strspn(text, "0123456789abcdefABCDEF:.") < strlen(text) &&
           strspn(text, "0123456789abcdefABCDEF:./-") == strlen(text);
}

static bool parse_at(struct cv_id *out, const char *text, struct problem *why)
{
    if (text[1] == '#')
        return set_hex(out, CV_ID_KEY_ID, text + 2, why);
    if (text[1] == '@')
        return set_text(out, CV_ID_RFC822, text + 2, why);
    return set_text(out, CV_ID_FQDN, text + 1, why);
}

bool id_parse(struct cv_id *out, const char *text, struct problem *why)
{
    struct cv_addr_range range;
    struct cv_addr a;

    for (size_t i = 0; i < COUNT(any_words); i++) {
        if (strcmp(text, any_words[i]) == 0) {
            *out = (struct cv_id){.type = CV_ID_ANY};
            return true;
        }
    }
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        size_t n = strlen(prefixes[i].prefix);

        if (strncasecmp(text, prefixes[i].prefix, n) == 0)
            return parse_typed(out, prefixes[i].type, text + n, why);
    }
    if (text[0] == '{')
        return parse_numbered(out, text, why);
    if (text[0] == '@')
        return parse_at(out, text, why);
    if (strchr(text, '=') != NULL)
        return dn_parse(out, text, why);
    if (strchr(text, '@') != NULL)
        return set_text(out, CV_ID_RFC822, text, why);
    if (addr_parse(&a, text))
        return set_addr(out, &a, why);
    if (range_parse(&range, text))
        return set_range(out, &range, why);
    if (looks_like_addresses(text))
        return problem_set(why, "'%s' is neither an address, a subnet nor a range", text);
    return set_text(out, strchr(text, ':') != NULL ? CV_ID_KEY_ID : CV_ID_FQDN, text, why);
}

/* ---- output ----------------------------------------------------------------- */

/* What cannot be shown must not reach a terminal or a log as it is. */
static void format_text(char *out, size_t n, const struct cv_id *id)
{
    size_t len = id->n < n ? id->n : n - 1;

    for (size_t i = 0; i < len; i++)
        out[i] = id->b[i] < 0x20 || id->b[i] >= 0x7f ? '?' : (char)id->b[i];
    out[len] = '\0';
}

static void format_hex(char *out, size_t n, const struct cv_id *id)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < id->n && used < n; i++)
        used += (size_t)snprintf(out + used, n - used, "%s%02x", i > 0 ? ":" : "", id->b[i]);
}

/* As charon prints them: "10.0.0.0/8", "10.0.0.1-10.0.0.9". */
static void format_range(char *out, size_t n, const struct cv_id *id)
{
    struct cv_ts ts = {.family = id->type == CV_ID_IPV4_RANGE ? CV_IPV4 : CV_IPV6,
                       .port_hi = 65535};
    const size_t len = ts.family == CV_IPV4 ? 4 : 16;
    char *dots;

    if (id->n != 2 * len) {
        format_hex(out, n, id);
        return;
    }
    memcpy(ts.lo, id->b, len);
    memcpy(ts.hi, id->b + len, len);
    ts_format(out, n, &ts);
    dots = strstr(out, "..");
    if (dots != NULL) {
        dots[0] = '-';
        memmove(dots + 1, dots + 2, strlen(dots + 2) + 1);
    }
}

static bool is_text(const struct cv_id *id)
{
    for (size_t i = 0; i < id->n; i++)
        if (id->b[i] < 0x20 || id->b[i] >= 0x7f)
            return false;
    return true;
}

void id_format(char *out, size_t n, const struct cv_id *id)
{
    struct cv_addr a = {0};

    if (n == 0)
        return;
    switch (id->type) {
    case CV_ID_ANY:
        snprintf(out, n, "%%any");
        return;
    case CV_ID_IPV4:
    case CV_ID_IPV6:
        a.family = id->type == CV_ID_IPV4 ? CV_IPV4 : CV_IPV6;
        if (id->n != (a.family == CV_IPV4 ? 4 : 16)) {
            format_hex(out, n, id);
            return;
        }
        memcpy(a.b, id->b, id->n);
        addr_format(out, n, &a);
        return;
    case CV_ID_IPV4_RANGE:
    case CV_ID_IPV6_RANGE:
        format_range(out, n, id);
        return;
    case CV_ID_FQDN:
    case CV_ID_RFC822:
        format_text(out, n, id);
        return;
    case CV_ID_DER_DN:
        dn_format(out, n, (struct cv_span){id->b, id->n});
        return;
    default:
        if (is_text(id))
            format_text(out, n, id);
        else
            format_hex(out, n, id);
    }
}
