/* The body of a Configuration payload.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "wire/ike.h"
#include "wire/ip.h"

static bool is_same(const struct ike_cp *a, const struct ike_cp *b)
{
    bool same = a->type == b->type && a->has_v4 == b->has_v4 && a->has_v6 == b->has_v6 &&
                addr_equal(&a->v4, &b->v4) && addr_equal(&a->v6, &b->v6) &&
                a->want_dns4 == b->want_dns4 && a->want_dns6 == b->want_dns6 &&
                a->n_dns == b->n_dns;

    for (unsigned i = 0; same && i < a->n_dns; i++)
        same = addr_equal(&a->dns[i], &b->dns[i]);
    return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t buf[160];
    struct wr w = wr_init(buf, sizeof(buf));
    struct ike_cp cp, again;
    struct cv_span value;
    uint16_t type;

    if (ike_parse_cp(&cp, span(data, n)) != CV_OK)
        return 0;
    FUZZ_CHECK(cp.n_dns <= sizeof(cp.dns) / sizeof(cp.dns[0]));
    FUZZ_CHECK(cp.v6_prefix <= 128);
    FUZZ_CHECK(cp.v4.family == (cp.has_v4 ? CV_IPV4 : 0));
    FUZZ_CHECK(cp.v6.family == (cp.has_v6 ? CV_IPV6 : 0));
    for (struct rd r = rd_init(cp.seen); ike_next_cp_attribute(&r, &type, &value);)
        FUZZ_CHECK(value.n <= cp.seen.n);
    ike_put_cp_body(&w, &cp);
    FUZZ_CHECK(ike_parse_cp(&again, wr_done(&w)) == CV_OK);
    FUZZ_CHECK(is_same(&cp, &again));
    return 0;
}
