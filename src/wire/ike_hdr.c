/* The IKE header, RFC 7296 section 3.1.
 *
 * Owns the 28 octets that every message starts with.  A header that parses says how
 * long its message is, and that is how long the datagram is; nothing else is judged.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"

enum { LENGTH_AT = 24 };

enum cv_err ike_parse_hdr(struct ike_hdr *out, struct cv_span datagram)
{
    struct rd r = rd_init(datagram);

    rd_copy(&r, out->spi_i, IKE_SPI_LEN);
    rd_copy(&r, out->spi_r, IKE_SPI_LEN);
    out->next = rd_u8(&r);
    out->version = rd_u8(&r);
    out->exchange = rd_u8(&r);
    out->flags = rd_u8(&r);
    out->msg_id = rd_u32(&r);
    out->length = rd_u32(&r);
    if (!rd_ok(&r))
        return CV_ERR_SHORT;
    return out->length == datagram.n ? CV_OK : CV_ERR_MALFORMED;
}

void ike_put_hdr(struct wr *w, const struct ike_hdr *h)
{
    wr_copy(w, h->spi_i, IKE_SPI_LEN);
    wr_copy(w, h->spi_r, IKE_SPI_LEN);
    wr_u8(w, h->next);
    wr_u8(w, h->version);
    wr_u8(w, h->exchange);
    wr_u8(w, h->flags);
    wr_u32(w, h->msg_id);
    wr_u32(w, 0);
}

void ike_msg_end(struct wr *w)
{
    if (wr_ok(w))
        wr_patch_u32(w, LENGTH_AT, (uint32_t)w->n);
}
