/* The Security Association payload: proposals, transforms, attributes; RFC 7296
 * section 3.3.
 *
 * ike_check_sa proves once that every nested length and count agrees; the iterators
 * then only have to move on.  Run over an unchecked body they still stay inside it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"

enum {
    LAST = 0, /* Last Substruc, RFC 7296 sections 3.3.1 and 3.3.2 */
    MORE_PROPOSALS = 2,
    MORE_TRANSFORMS = 3,
    SUB_HDR_LEN = 4,      /* Last Substruc, RESERVED, length */
    ATTR_TV = 0x8000,     /* the value is the two octets that follow */
    ATTR_KEY_LEN = 0x800e /* Key Length "MUST use the TV format" (section 3.3.5) */
};

/* SPI sizes of section 3.3.1: an IKE proposal has none, or eight octets when it rekeys;
 * AH and ESP have four.  What other protocols do is for their proposal to be refused. */
static bool is_spi_len(uint8_t protocol, size_t n)
{
    if (protocol == CV_PROTO_IKE)
        return n == 0 || n == IKE_SPI_LEN;
    if (protocol == CV_PROTO_AH || protocol == CV_PROTO_ESP)
        return n == 4;
    return true;
}

/* Reads one proposal with its header; more gets Last Substruc. */
static bool read_proposal(struct rd *r, struct ike_proposal *out, uint8_t *more)
{
    size_t spi_len;
    struct rd body;

    *more = rd_u8(r);
    rd_take(r, 1);
    body = rd_block16(r, SUB_HDR_LEN);
    out->number = rd_u8(&body);
    out->protocol = rd_u8(&body);
    spi_len = rd_u8(&body);
    out->n_transforms = rd_u8(&body);
    out->spi = rd_take(&body, spi_len);
    out->transforms = rd_rest(&body);
    return rd_done(&body);
}

/* Section 3.3.5.  A key length that is given twice, or as zero, says nothing. */
static bool read_attributes(struct rd *r, uint16_t *key_len, bool *unknown)
{
    *key_len = 0;
    *unknown = false;
    while (rd_left(r) > 0) {
        uint16_t type = rd_u16(r);
        uint16_t value = rd_u16(r); /* TLV: the length */

        if (!(type & ATTR_TV))
            rd_take(r, value);
        if (type == ATTR_KEY_LEN && value != 0 && *key_len == 0)
            *key_len = value;
        else
            *unknown = true;
    }
    return rd_done(r);
}

static bool read_transform(struct rd *r, struct cv_transform *out, bool *unknown, uint8_t *more)
{
    struct rd body;

    *more = rd_u8(r);
    rd_take(r, 1);
    body = rd_block16(r, SUB_HDR_LEN);
    out->type = rd_u8(&body);
    rd_take(&body, 1);
    out->id = rd_u16(&body);
    return read_attributes(&body, &out->key_len, unknown);
}

/* Is Last Substruc what it has to be before the octets that are left in r? */
static bool is_last_right(uint8_t last, const struct rd *r, uint8_t more)
{
    return last == (rd_left(r) > 0 ? more : LAST);
}

static bool check_transforms(const struct ike_proposal *p)
{
    struct rd r = rd_init(p->transforms);
    unsigned count = 0;

    while (rd_left(&r) > 0) {
        struct cv_transform t;
        bool unknown;
        uint8_t last;

        if (!read_transform(&r, &t, &unknown, &last) ||
            !is_last_right(last, &r, MORE_TRANSFORMS))
            return false;
        count++;
    }
    return count == p->n_transforms;
}

enum cv_err ike_check_sa(struct cv_span body)
{
    struct rd r = rd_init(body);

    do {
        struct ike_proposal p;
        uint8_t last;

        if (!read_proposal(&r, &p, &last) || !is_last_right(last, &r, MORE_PROPOSALS) ||
            !is_spi_len(p.protocol, p.spi.n) || !check_transforms(&p))
            return CV_ERR_MALFORMED;
    } while (rd_left(&r) > 0);
    return CV_OK;
}

bool ike_next_proposal(struct rd *r, struct ike_proposal *out)
{
    uint8_t last;

    return rd_left(r) > 0 && read_proposal(r, out, &last);
}

bool ike_next_transform(struct rd *r, struct cv_transform *out, bool *unknown)
{
    uint8_t last;

    return rd_left(r) > 0 && read_transform(r, out, unknown, &last);
}

static void put_transform(struct wr *w, const struct cv_transform *t, bool last)
{
    wr_u8(w, last ? LAST : MORE_TRANSFORMS);
    wr_u8(w, 0);
    wr_u16(w, t->key_len != 0 ? 12 : 8);
    wr_u8(w, t->type);
    wr_u8(w, 0);
    wr_u16(w, t->id);
    if (t->key_len != 0) {
        wr_u16(w, ATTR_KEY_LEN);
        wr_u16(w, t->key_len);
    }
}

void ike_put_proposal(struct wr *w, const struct cv_proposal *p, uint8_t number,
                      struct cv_span spi, bool last)
{
    size_t start = w->n;

    wr_u8(w, last ? LAST : MORE_PROPOSALS);
    wr_u8(w, 0);
    wr_u16(w, 0);
    wr_u8(w, number);
    wr_u8(w, p->protocol);
    wr_u8(w, (uint8_t)spi.n);
    wr_u8(w, p->n);
    wr_span(w, spi);
    for (unsigned i = 0; i < p->n; i++)
        put_transform(w, &p->t[i], i + 1 == p->n);
    if (wr_ok(w))
        wr_patch_u16(w, start + 2, (uint16_t)(w->n - start));
}
