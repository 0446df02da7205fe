/* Identification payloads, RFC 7296 section 3.5.
 *
 * An identity that parses has a type that a peer may send and as many octets as that
 * type wants; what they mean is ident/id.h's business.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"

/* Type 0 and those of address ranges are reserved in IKEv2 and mean patterns in our policies,
 * so they must never come from a peer. */
static bool is_id_len(uint8_t type, size_t n)
{
    switch (type) {
    case CV_ID_ANY:
    case CV_ID_IPV4_RANGE:
    case CV_ID_IPV6_RANGE:
        return false;
    case CV_ID_IPV4:
        return n == 4;
    case CV_ID_IPV6:
        return n == 16;
    default:
        return true;
    }
}

enum cv_err ike_parse_id(struct cv_id *out, struct cv_span body)
{
    struct rd r = rd_init(body);
    size_t n;

    *out = (struct cv_id){.type = rd_u8(&r)};
    rd_take(&r, 3); /* RESERVED */
    n = rd_left(&r);
    if (!rd_ok(&r) || !is_id_len(out->type, n))
        return CV_ERR_MALFORMED;
    if (n > CV_ID_MAX)
        return CV_ERR_LIMIT;
    out->n = (uint8_t)n;
    rd_copy(&r, out->b, n);
    return CV_OK;
}

void ike_put_id_body(struct wr *w, const struct cv_id *id)
{
    wr_u8(w, id->type);
    wr_zero(w, 3);
    wr_copy(w, id->b, id->n);
}
