/* Owns the comparison of identities, and of patterns with identities.
 *
 * Invariant: only a pattern's '*' is special; an identity that a peer sent never is.  Names
 * that are not well-formed DER are compared octet by octet.
 * RFC 7296 section 3.5, RFC 5280 section 7.1.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ident/id.h"

#include "base/span.h"

/* The DER tags of a distinguished name. */
enum {
    DER_UTF8 = 0x0c,
    DER_PRINTABLE = 0x13,
    DER_T61 = 0x14,
    DER_IA5 = 0x16,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_LEN_1 = 0x81, /* one octet of length follows */
    DER_LEN_2 = 0x82
};

struct attribute {
    struct cv_span type; /* object identifier */
    uint8_t tag;
    struct cv_span value;
};

static struct cv_span id_octets(const struct cv_id *id)
{
    return span(id->b, id->n <= CV_ID_MAX ? id->n : 0);
}

/* ---- text ---- */

static uint8_t ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool text_equal(struct cv_span a, struct cv_span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    }
    return true;
}

static enum id_match text_match(struct cv_span pattern, struct cv_span text)
{
    size_t rest = pattern.n - 1;

    if (pattern.n == 0 || pattern.p[0] != '*')
        return text_equal(pattern, text) ? ID_MATCH_EXACT : ID_NO;
    if (text.n < pattern.n) /* '*' is one octet at least */
        return ID_NO;
    return text_equal(span_from(pattern, 1), span_from(text, text.n - rest)) ? ID_MATCH_WILDCARD
                                                                             : ID_NO;
}

/* ---- distinguished names ---- */

/* A length, in no more octets than it needs (X.690 section 10.1). */
static size_t der_length(struct rd *r)
{
    size_t len = rd_u8(r), least = 0;

    if (len == DER_LEN_1) {
        len = rd_u8(r);
        least = 0x80;
    } else if (len == DER_LEN_2) {
        len = rd_u16(r);
        least = 0x100;
    } else if (len >= 0x80) {
        rd_fail(r);
    }
    if (len < least)
        rd_fail(r);
    return len;
}

/* The next element of r with this tag (0: any); a failure is r's. */
static struct cv_span der_take(struct rd *r, uint8_t want, uint8_t *tag)
{
    size_t len;

    *tag = rd_u8(r);
    len = der_length(r);
    if (want != 0 && *tag != want)
        rd_fail(r);
    return rd_take(r, len);
}

static struct rd der_open(struct rd *r, uint8_t want)
{
    uint8_t tag;
    struct rd inner = rd_init(der_take(r, want, &tag));

    inner.bad = r->bad;
    return inner;
}

/* The next AttributeTypeAndValue of one RDN; false when it is malformed. */
static bool next_attribute(struct rd *rdn, struct attribute *out)
{
    struct rd r = der_open(rdn, DER_SEQUENCE);
    uint8_t tag;

    out->type = der_take(&r, 0, &tag);
    out->value = der_take(&r, 0, &out->tag);
    return rd_done(&r);
}

static bool is_text(uint8_t tag)
{
    return tag == DER_UTF8 || tag == DER_PRINTABLE || tag == DER_T61 || tag == DER_IA5;
}

static bool is_star(const struct attribute *a)
{
    return is_text(a->tag) && a->value.n == 1 && a->value.p[0] == '*';
}

static enum id_match attribute_match(const struct attribute *pattern, const struct attribute *a)
{
    if (!span_equal(pattern->type, a->type))
        return ID_NO;
    if (is_star(pattern))
        return ID_MATCH_WILDCARD;
    /* Writers differ in the string type that they choose for the same text. */
    if (is_text(pattern->tag) && is_text(a->tag))
        return text_equal(pattern->value, a->value) ? ID_MATCH_EXACT : ID_NO;
    return pattern->tag == a->tag && span_equal(pattern->value, a->value) ? ID_MATCH_EXACT
                                                                          : ID_NO;
}

static enum id_match rdn_match(struct rd pattern, struct rd rdn)
{
    enum id_match worst = ID_MATCH_EXACT;
    struct attribute want, a;

    while (worst != ID_NO && rd_left(&pattern) > 0 && rd_left(&rdn) > 0) {
        enum id_match m = ID_NO;

        if (next_attribute(&pattern, &want) && next_attribute(&rdn, &a))
            m = attribute_match(&want, &a);
        if (m < worst)
            worst = m;
    }
    return rd_done(&pattern) && rd_done(&rdn) ? worst : ID_NO;
}

static enum id_match dn_match(struct cv_span pattern, struct cv_span name)
{
    struct rd p = rd_init(pattern), n = rd_init(name);
    struct rd rdns_p = der_open(&p, DER_SEQUENCE), rdns_n = der_open(&n, DER_SEQUENCE);
    enum id_match worst = ID_MATCH_EXACT;

    if (span_equal(pattern, name))
        return ID_MATCH_EXACT;
    while (worst != ID_NO && rd_left(&rdns_p) > 0 && rd_left(&rdns_n) > 0) {
        enum id_match m = rdn_match(der_open(&rdns_p, DER_SET), der_open(&rdns_n, DER_SET));

        if (m < worst)
            worst = m;
    }
    if (!rd_done(&p) || !rd_done(&n) || !rd_done(&rdns_p) || !rd_done(&rdns_n))
        return ID_NO;
    return worst;
}

static bool dn_has_star(struct cv_span name)
{
    struct rd r = rd_init(name);
    struct rd rdns = der_open(&r, DER_SEQUENCE);
    struct attribute a;

    while (rd_left(&rdns) > 0) {
        struct rd rdn = der_open(&rdns, DER_SET);

        while (rd_left(&rdn) > 0) {
            if (next_attribute(&rdn, &a) && is_star(&a))
                return true;
        }
    }
    return false;
}

/* ---- identities ---- */

/* ---- one form ---- */

static void put_header(struct wr *w, uint8_t tag, size_t n)
{
    wr_u8(w, tag);
    if (n > 0xff) {
        wr_u8(w, DER_LEN_2);
        wr_u16(w, (uint16_t)n);
        return;
    }
    if (n >= 0x80)
        wr_u8(w, DER_LEN_1);
    wr_u8(w, (uint8_t)n);
}

static void put_folded(struct wr *w, struct cv_span text)
{
    uint8_t *out = wr_reserve(w, text.n);

    for (size_t i = 0; out != NULL && i < text.n; i++)
        out[i] = ascii_lower(text.p[i]);
}

/* Values of string types in lower case and with one tag for all of them, as attribute_match
 * sees them; everything else as it is. */
static void put_attribute(struct wr *w, struct rd *rdn)
{
    struct rd r = der_open(rdn, DER_SEQUENCE);
    struct attribute a;
    uint8_t type;

    put_header(w, DER_SEQUENCE, rd_left(&r));
    a.type = der_take(&r, 0, &type);
    a.value = der_take(&r, 0, &a.tag);
    put_header(w, type, a.type.n);
    wr_span(w, a.type);
    put_header(w, is_text(a.tag) ? DER_UTF8 : a.tag, a.value.n);
    if (is_text(a.tag))
        put_folded(w, a.value);
    else
        wr_span(w, a.value);
    if (!rd_done(&r))
        rd_fail(rdn);
}

/* False for what is no name: then its octets are what it is. */
static bool fold_name(struct wr *w, struct cv_span name)
{
    struct rd r = rd_init(name), rdns = der_open(&r, DER_SEQUENCE);

    put_header(w, DER_SEQUENCE, rd_left(&rdns));
    while (rd_left(&rdns) > 0) {
        struct rd rdn = der_open(&rdns, DER_SET);

        put_header(w, DER_SET, rd_left(&rdn));
        while (rd_left(&rdn) > 0)
            put_attribute(w, &rdn);
        if (!rd_done(&rdn))
            rd_fail(&rdns);
    }
    return rd_done(&rdns) && rd_done(&r) && wr_ok(w);
}

void id_canonical(struct cv_id *out, const struct cv_id *id)
{
    struct cv_span octets = id_octets(id);
    struct wr w = wr_init(out->b, CV_ID_MAX);
    bool folded = false;

    *out = (struct cv_id){.type = id->type, .n = id->n};
    if (id->type == CV_ID_DER_DN) {
        folded = fold_name(&w, octets);
    } else if (id->type == CV_ID_FQDN || id->type == CV_ID_RFC822) {
        put_folded(&w, octets);
        folded = true;
    }
    if (folded)
        return;
    w = wr_init(out->b, CV_ID_MAX);
    wr_span(&w, octets);
}

static bool is_range(const struct cv_id *pattern)
{
    return pattern->type == CV_ID_IPV4_RANGE || pattern->type == CV_ID_IPV6_RANGE;
}

/* Network order makes the order of octets that of addresses. */
static int octets_compare(struct cv_span a, struct cv_span b)
{
    for (size_t i = 0; i < a.n && i < b.n; i++)
        if (a.p[i] != b.p[i])
            return a.p[i] < b.p[i] ? -1 : 1;
    return 0;
}

static enum id_match range_match(const struct cv_id *range, const struct cv_id *id)
{
    const uint8_t type = range->type == CV_ID_IPV4_RANGE ? CV_ID_IPV4 : CV_ID_IPV6;
    struct rd r = rd_init(id_octets(range));
    struct cv_span addr = id_octets(id), lo = rd_take(&r, addr.n), hi = rd_take(&r, addr.n);

    if (id->type != type || !rd_done(&r))
        return ID_NO;
    return octets_compare(lo, addr) <= 0 && octets_compare(addr, hi) <= 0 ? ID_MATCH_WILDCARD
                                                                          : ID_NO;
}

enum id_match id_matches(const struct cv_id *pattern, const struct cv_id *id)
{
    struct cv_span p = id_octets(pattern), i = id_octets(id);

    if (pattern->type == CV_ID_ANY)
        return ID_MATCH_ANY;
    if (is_range(pattern) && pattern->type != id->type)
        return range_match(pattern, id);
    if (pattern->type != id->type)
        return ID_NO;
    if (pattern->type == CV_ID_FQDN || pattern->type == CV_ID_RFC822)
        return text_match(p, i);
    if (pattern->type == CV_ID_DER_DN)
        return dn_match(p, i);
    return span_equal(p, i) ? ID_MATCH_EXACT : ID_NO;
}

bool id_equal(const struct cv_id *a, const struct cv_id *b)
{
    struct cv_id x, y;

    if (a->type != b->type || a->n != b->n)
        return false;
    id_canonical(&x, a);
    id_canonical(&y, b);
    return span_equal(id_octets(&x), id_octets(&y));
}

bool id_has_wildcard(const struct cv_id *pattern)
{
    if (pattern->type == CV_ID_ANY || is_range(pattern))
        return true;
    if (pattern->type == CV_ID_FQDN || pattern->type == CV_ID_RFC822)
        return pattern->n > 0 && pattern->b[0] == '*';
    return pattern->type == CV_ID_DER_DN && dn_has_star(id_octets(pattern));
}
