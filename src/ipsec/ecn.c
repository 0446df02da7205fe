/* RFC 6040 section 4.2, figure 4, as a table.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/ecn.h"

enum { NOT_ECT = 0, ECT_1 = 1, ECT_0 = 2, CE = 3, DROP = 4, ECN_MASK = 3 };

/* clang-format off */
static const uint8_t outgoing[4][4] = { /* [inner][outer] */
    /* outer      Not-ECT  ECT(1)   ECT(0)   CE */
    [NOT_ECT] = { NOT_ECT, NOT_ECT, NOT_ECT, DROP },
    [ECT_1]   = { ECT_1,   ECT_1,   ECT_1,   CE   },
    [ECT_0]   = { ECT_0,   ECT_1,   ECT_0,   CE   },
    [CE]      = { CE,      CE,      CE,      CE   },
};
/* clang-format on */

static void set_ip4(uint8_t *inner, const struct ip_flow *flow)
{
    uint16_t sum;

    inner[1] = flow->tos;
    inner[10] = inner[11] = 0;
    sum = ip_checksum(span(inner, flow->hdr_len));
    inner[10] = (uint8_t)(sum >> 8);
    inner[11] = (uint8_t)(sum & 0xff);
}

bool ecn_decapsulate(uint8_t *inner, struct ip_flow *flow, uint8_t outer_tos)
{
    const uint8_t was = flow->tos & ECN_MASK;
    const uint8_t ecn = outgoing[was][outer_tos & ECN_MASK];

    if (ecn == DROP)
        return false;
    if (ecn == was)
        return true;
    flow->tos = (uint8_t)((flow->tos & ~ECN_MASK) | ecn);
    if (flow->src.family == CV_IPV4)
        set_ip4(inner, flow);
    else
        inner[1] = (uint8_t)((inner[1] & 0xcf) | ecn << 4); /* low bits of the class */
    return true;
}
