/* Gateways in the notifies of RFC 5685 section 9.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wire/ike.h"

enum { GW_IPV4 = 1, GW_IPV6 = 2, GW_FQDN = 3 };

void ike_put_gateway(struct ike_chain *c, uint16_t type, const struct cv_id *gw,
                     struct cv_span nonce)
{
    uint8_t data[2 + CV_ID_MAX + 256];
    struct wr w = wr_init(data, sizeof(data));

    wr_u8(&w, gw->type == CV_ID_IPV4 ? GW_IPV4 : gw->type == CV_ID_IPV6 ? GW_IPV6 : GW_FQDN);
    wr_u8(&w, gw->n);
    wr_copy(&w, gw->b, gw->n);
    wr_span(&w, nonce);
    ike_put_notify(c, 0, span(NULL, 0), type, wr_done(&w));
}

/* What may become a question to a resolver, and a line of the log. */
static bool is_name(struct cv_span s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-.";

    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\0' || strchr(allowed, s.p[i]) == NULL)
            return false;
    return s.n > 0 && s.p[0] != '-' && s.p[0] != '.';
}

enum cv_err ike_read_gateway(const struct ike_notify *n, struct cv_id *gw,
                             struct cv_span *nonce)
{
    struct rd r = rd_init(n->data);
    const uint8_t type = rd_u8(&r);
    const struct cv_span id = rd_take(&r, rd_u8(&r));

    *nonce = rd_rest(&r);
    *gw = (struct cv_id){.n = (uint8_t)id.n};
    if (!rd_ok(&r) || id.n > CV_ID_MAX)
        return CV_ERR_MALFORMED;
    if (type == GW_IPV4 && id.n == 4)
        gw->type = CV_ID_IPV4;
    else if (type == GW_IPV6 && id.n == 16)
        gw->type = CV_ID_IPV6;
    else if (type == GW_FQDN && is_name(id))
        gw->type = CV_ID_FQDN;
    else
        return CV_ERR_MALFORMED;
    memcpy(gw->b, id.p, id.n);
    return CV_OK;
}
