/* Addresses in the notifies of MOBIKE, RFC 4555 section 4.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire/ip.h"

static const struct cv_span nothing = {NULL, 0};

void ike_put_additional_address(struct ike_chain *c, const struct cv_addr *a)
{
    ike_put_notify(c, 0, nothing,
                   a->family == CV_IPV6 ? N_ADDITIONAL_IP6_ADDRESS : N_ADDITIONAL_IP4_ADDRESS,
                   span(a->b, addr_len(a->family)));
}

bool ike_additional_address(const struct ike_notify *n, struct cv_addr *out)
{
    struct rd r = rd_init(n->data);
    const uint8_t family = n->type == N_ADDITIONAL_IP4_ADDRESS   ? CV_IPV4
                           : n->type == N_ADDITIONAL_IP6_ADDRESS ? CV_IPV6
                                                                 : CV_ANY_FAMILY;

    if (family == CV_ANY_FAMILY || n->data.n != addr_len(family))
        return false;
    *out = (struct cv_addr){.family = family};
    rd_copy(&r, out->b, addr_len(family));
    return rd_done(&r);
}

void ike_put_no_nats(struct ike_chain *c, const struct cv_endpoint *src,
                     const struct cv_endpoint *dst)
{
    uint8_t data[IKE_NO_NATS_MAX];
    struct wr w = wr_init(data, sizeof(data));

    wr_copy(&w, src->addr.b, addr_len(src->addr.family));
    wr_copy(&w, dst->addr.b, addr_len(dst->addr.family));
    wr_u16(&w, src->port);
    wr_u16(&w, dst->port);
    ike_put_notify(c, 0, nothing, N_NO_NATS_ALLOWED, wr_done(&w));
}

bool ike_no_nats_fits(const struct ike_notify *n, const struct cv_endpoint *src,
                      const struct cv_endpoint *dst)
{
    const size_t len = addr_len(src->addr.family);
    struct rd r = rd_init(n->data);
    const struct cv_span from = rd_take(&r, len), to = rd_take(&r, len);
    const uint16_t from_port = rd_u16(&r), to_port = rd_u16(&r);

    return rd_done(&r) && span_equal(from, span(src->addr.b, len)) &&
           span_equal(to, span(dst->addr.b, len)) && from_port == src->port &&
           to_port == dst->port;
}
