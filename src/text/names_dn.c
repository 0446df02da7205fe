/* Owns the text form of distinguished names: X.501 Names with one attribute in each RDN, as
 * strongSwan writes and reads them; quoting as in RFC 4514 section 2.4.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/names_dn.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/span.h"
#include "kit/suggest.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { /* DER tags */
       TAG_OID = 0x06,
       TAG_UTF8 = 0x0c,
       TAG_PRINTABLE = 0x13,
       TAG_IA5 = 0x16,
       TAG_SEQUENCE = 0x30,
       TAG_SET = 0x31
};

struct attribute {
    const char *name;
    uint8_t n, oid[10];
};

/* Of several names for one type the first is the one we write. */
static const struct attribute attributes[] = {
    {"CN",                  3,  {0x55, 0x04, 0x03}                                          },
    {"S",                   3,  {0x55, 0x04, 0x04}                                          },
    {"SN",                  3,  {0x55, 0x04, 0x05}                                          },
    {"serialNumber",        3,  {0x55, 0x04, 0x05}                                          },
    {"C",                   3,  {0x55, 0x04, 0x06}                                          },
    {"L",                   3,  {0x55, 0x04, 0x07}                                          },
    {"ST",                  3,  {0x55, 0x04, 0x08}                                          },
    {"street",              3,  {0x55, 0x04, 0x09}                                          },
    {"O",                   3,  {0x55, 0x04, 0x0a}                                          },
    {"OU",                  3,  {0x55, 0x04, 0x0b}                                          },
    {"T",                   3,  {0x55, 0x04, 0x0c}                                          },
    {"D",                   3,  {0x55, 0x04, 0x0d}                                          },
    {"postalCode",          3,  {0x55, 0x04, 0x11}                                          },
    {"N",                   3,  {0x55, 0x04, 0x29}                                          },
    {"G",                   3,  {0x55, 0x04, 0x2a}                                          },
    {"I",                   3,  {0x55, 0x04, 0x2b}                                          },
    {"ID",                  3,  {0x55, 0x04, 0x2d}                                          },
    {"dnQualifier",         3,  {0x55, 0x04, 0x2e}                                          },
    {"pseudonym",           3,  {0x55, 0x04, 0x41}                                          },
    {"UID",                 10, {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01}},
    {"DC",                  10, {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19}},
    {"E",                   9,  {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01}      },
    {"Email",               9,  {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01}      },
    {"emailAddress",        9,  {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01}      },
    {"unstructuredName",    9,  {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x02}      },
    {"UN",                  9,  {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x02}      },
    {"unstructuredAddress", 9,  {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x08}      },
    {"UA",                  9,  {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x08}      },
};

static const struct attribute *find_name(const char *name)
{
    for (size_t i = 0; i < COUNT(attributes); i++)
        if (strcasecmp(attributes[i].name, name) == 0)
            return &attributes[i];
    return NULL;
}

static const struct attribute *find_oid(struct cv_span oid)
{
    for (size_t i = 0; i < COUNT(attributes); i++)
        if (span_equal(span(attributes[i].oid, attributes[i].n), oid))
            return &attributes[i];
    return NULL;
}

/* ---- text to DER ------------------------------------------------------------ */

/* Octets of a header for n octets; identities are short, so two forms are enough. */
static size_t header_len(size_t n)
{
    return n < 128 ? 2 : 3;
}

static void put_header(struct wr *w, uint8_t tag, size_t n)
{
    wr_u8(w, tag);
    if (n >= 128)
        wr_u8(w, 0x81);
    wr_u8(w, (uint8_t)n);
}

/* PrintableString's alphabet, X.680 section 41.4 */
static bool is_printable(const char *s)
{
    for (; *s != '\0'; s++) {
        bool alnum =
            (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9');

        if (!alnum && strchr(" '()+,-./:=?", *s) == NULL)
            return false;
    }
    return true;
}

static uint8_t string_tag(const struct attribute *a, const char *value)
{
    if (strcmp(a->name, "DC") == 0 || strcmp(a->name, "E") == 0 ||
        strncasecmp(a->name, "email", 5) == 0)
        return TAG_IA5;
    return is_printable(value) ? TAG_PRINTABLE : TAG_UTF8;
}

/* SET { SEQUENCE { OID, string } } */
static void put_rdn(struct wr *w, const struct attribute *a, const char *value)
{
    size_t n = strlen(value);
    size_t pair = 2u + a->n + header_len(n) + n;

    put_header(w, TAG_SET, header_len(pair) + pair);
    put_header(w, TAG_SEQUENCE, pair);
    put_header(w, TAG_OID, a->n);
    wr_copy(w, a->oid, a->n);
    put_header(w, string_tag(a, value), n);
    wr_copy(w, value, n);
}

static const char *skip_spaces(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

/* The text up to a stop character, without spaces around it; \ and "" protect. */
static const char *take_part(const char *at, const char *stops, char *out, size_t cap)
{
    size_t n = 0, keep = 0; /* keep: what may not be cut off as spaces at the end */
    bool quoted = false;

    at = skip_spaces(at);
    for (; *at != '\0' && (quoted || strchr(stops, *at) == NULL); at++) {
        bool protect = quoted;

        if (*at == '"') {
            quoted = !quoted;
            continue;
        }
        if (*at == '\\' && at[1] != '\0') {
            at++;
            protect = true;
        }
        if (n + 1 < cap)
            out[n++] = *at;
        if (protect || *at != ' ')
            keep = n;
    }
    out[keep] = '\0';
    return at;
}

static bool parse_rdn(struct wr *w, const char **at, const char *stops, const char *text,
                      struct problem *why)
{
    char name[32], value[CV_ID_MAX + 2], hint[64];
    const struct attribute *a;
    struct suggest near;

    *at = take_part(*at, "=,", name, sizeof(name));
    if (**at != '=')
        return problem_set(why, "'%s' is not a distinguished name: no '=' after '%s'", text,
                           name);
    *at = take_part(*at + 1, stops, value, sizeof(value));
    a = find_name(name);
    if (a == NULL) {
        near = suggest_init(name);
        for (size_t i = 0; i < COUNT(attributes); i++)
            suggest_try(&near, attributes[i].name);
        return problem_set(why, "unknown attribute '%s' in distinguished name '%s'%s", name,
                           text, suggest_hint(&near, hint, sizeof(hint)));
    }
    if (value[0] == '\0')
        return problem_set(why, "attribute '%s' in distinguished name '%s' is empty", name,
                           text);
    if (strlen(value) > CV_ID_MAX)
        wr_zero(w, CV_ID_MAX + 1); /* the caller reports what does not fit */
    else
        put_rdn(w, a, value);
    return true;
}

bool dn_parse(struct cv_id *out, const char *text, struct problem *why)
{
    uint8_t rdns[CV_ID_MAX];
    struct wr w = wr_init(rdns, sizeof(rdns));
    const char *at = skip_spaces(text), *stops = *at == '/' ? "/" : ",";
    struct cv_span body;

    if (*at == '/')
        at++;
    do {
        if (!parse_rdn(&w, &at, stops, text, why))
            return false;
    } while (*at++ != '\0');
    body = wr_done(&w);
    *out = (struct cv_id){.type = CV_ID_DER_DN};
    struct wr name = wr_init(out->b, sizeof(out->b));
    if (wr_ok(&w)) {
        put_header(&name, TAG_SEQUENCE, body.n);
        wr_span(&name, body);
    }
    if (!wr_ok(&w) || !wr_ok(&name))
        return problem_set(why, "distinguished name '%s' is longer than %d octets", text,
                           CV_ID_MAX);
    out->n = (uint8_t)wr_done(&name).n;
    return true;
}

/* ---- DER to text ------------------------------------------------------------ */

/* One element; lengths of up to two octets, which is more than an identity holds. */
static struct rd take_element(struct rd *r, uint8_t *tag)
{
    size_t n;

    *tag = rd_u8(r);
    n = rd_u8(r);
    if (n == 0x81)
        n = rd_u8(r);
    else if (n == 0x82)
        n = rd_u16(r);
    else if (n >= 0x80)
        rd_fail(r);
    return rd_sub(r, n);
}

struct out {
    char *p;
    size_t n, cap;
};

static void put_char(struct out *o, char c)
{
    if (o->n + 1 < o->cap)
        o->p[o->n++] = c;
}

static void put_text(struct out *o, const char *s)
{
    while (*s != '\0')
        put_char(o, *s++);
}

/* A dotted number for types we have no name for. */
static void put_oid(struct out *o, struct cv_span oid)
{
    char part[16];
    uint32_t v = 0;
    bool first = true;

    for (size_t i = 0; i < oid.n; i++) {
        v = (v << 7) | (oid.p[i] & 0x7f);
        if ((oid.p[i] & 0x80) != 0)
            continue;
        if (first) {
            uint32_t top = v < 80 ? v / 40 : 2;

            snprintf(part, sizeof(part), "%u.%u", top, v - top * 40);
        } else {
            snprintf(part, sizeof(part), ".%u", v);
        }
        put_text(o, part);
        first = false;
        v = 0;
    }
}

/* Control characters could play tricks on a terminal; separators would read as structure. */
static void put_value(struct out *o, struct rd value)
{
    while (rd_left(&value) > 0) {
        uint8_t c = rd_u8(&value);

        if (c == ',' || c == '\\' || c == '"')
            put_char(o, '\\');
        put_char(o, c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
}

void dn_format(char *text, size_t n, struct cv_span der)
{
    struct out o = {.p = text, .cap = n};
    struct rd r = rd_init(der), name;
    uint8_t tag;

    name = take_element(&r, &tag);
    while (rd_ok(&name) && rd_left(&name) > 0) {
        struct rd set = take_element(&name, &tag);

        while (rd_ok(&set) && rd_left(&set) > 0) {
            struct rd pair = take_element(&set, &tag), oid = take_element(&pair, &tag);
            struct cv_span oid_octets = rd_rest(&oid);
            const struct attribute *a = find_oid(oid_octets);

            if (o.n > 0)
                put_text(&o, ", ");
            if (a != NULL)
                put_text(&o, a->name);
            else
                put_oid(&o, oid_octets);
            put_char(&o, '=');
            put_value(&o, take_element(&pair, &tag));
        }
    }
    if (n > 0)
        text[o.n] = '\0';
}
