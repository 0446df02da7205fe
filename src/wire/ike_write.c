/* Writing a payload chain, RFC 7296 section 3.2.
 *
 * The chain's invariant: everything up to the last ike_payload_end is a well-formed
 * chain whose last next-payload octet is 0.  A payload of more than 65,535 octets, or
 * one that does not fit, spoils the writer; the caller looks at wr_ok once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"

struct ike_chain ike_chain_init(struct wr *w, size_t next_at)
{
    return (struct ike_chain){.w = w, .next_at = next_at, .first = PL_NONE};
}

void ike_payload_begin(struct ike_chain *c, uint8_t type)
{
    if (!wr_ok(c->w))
        return;
    if (c->next_at == SIZE_MAX)
        c->first = type;
    else
        wr_patch_u8(c->w, c->next_at, type);
    c->next_at = c->w->n;
    c->len_at = c->w->n + 2;
    wr_u32(c->w, 0); /* next payload, flags, and the length that ike_payload_end knows */
}

void ike_payload_end(struct ike_chain *c)
{
    size_t len;

    if (!wr_ok(c->w))
        return;
    len = c->w->n - c->next_at;
    if (len > UINT16_MAX)
        c->w->bad = true;
    else
        wr_patch_u16(c->w, c->len_at, (uint16_t)len);
}

void ike_put_payload(struct ike_chain *c, uint8_t type, struct cv_span body)
{
    ike_payload_begin(c, type);
    wr_span(c->w, body);
    ike_payload_end(c);
}

void ike_put_ke(struct ike_chain *c, uint16_t group, struct cv_span pub)
{
    ike_payload_begin(c, PL_KE);
    wr_u16(c->w, group);
    wr_zero(c->w, 2);
    wr_span(c->w, pub);
    ike_payload_end(c);
}

void ike_put_auth(struct ike_chain *c, uint8_t method, struct cv_span data)
{
    ike_payload_begin(c, PL_AUTH);
    wr_u8(c->w, method);
    wr_zero(c->w, 3);
    wr_span(c->w, data);
    ike_payload_end(c);
}

void ike_put_cert(struct ike_chain *c, uint8_t encoding, struct cv_span data)
{
    ike_payload_begin(c, PL_CERT);
    wr_u8(c->w, encoding);
    wr_span(c->w, data);
    ike_payload_end(c);
}

void ike_put_notify(struct ike_chain *c, uint8_t protocol, struct cv_span spi, uint16_t type,
                    struct cv_span data)
{
    ike_payload_begin(c, PL_NOTIFY);
    wr_u8(c->w, protocol);
    wr_u8(c->w, (uint8_t)spi.n);
    wr_u16(c->w, type);
    wr_span(c->w, spi);
    wr_span(c->w, data);
    ike_payload_end(c);
}

void ike_put_delete(struct ike_chain *c, uint8_t protocol, uint8_t spi_len, uint16_t n,
                    struct cv_span spis)
{
    ike_payload_begin(c, PL_DELETE);
    wr_u8(c->w, protocol);
    wr_u8(c->w, spi_len);
    wr_u16(c->w, n);
    wr_span(c->w, spis);
    ike_payload_end(c);
}
