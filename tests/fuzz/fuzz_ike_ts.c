/* The body of a Traffic Selector payload.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "wire/ike.h"

static void check_in_order(const struct cv_ts *ts)
{
    FUZZ_CHECK(ts->family == CV_IPV4 || ts->family == CV_IPV6);
    FUZZ_CHECK(memcmp(ts->lo, ts->hi, sizeof(ts->lo)) <= 0);
    FUZZ_CHECK(ts->port_lo <= ts->port_hi || (ts->port_lo == 65535 && ts->port_hi == 0));
}

static bool is_same(const struct cv_ts *a, const struct cv_ts *b)
{
    return a->family == b->family && a->proto == b->proto && a->port_lo == b->port_lo &&
           a->port_hi == b->port_hi && memcmp(a->lo, b->lo, sizeof(a->lo)) == 0 &&
           memcmp(a->hi, b->hi, sizeof(a->hi)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t buf[4 + 40 * CV_TS_MAX];
    struct wr w = wr_init(buf, sizeof(buf));
    struct cv_ts_list list, again;
    struct rd r = ike_ts_begin(span(data, n));
    struct cv_ts one;
    unsigned known, seen = 0;

    if (ike_check_ts(span(data, n), &known) == CV_OK) {
        for (; ike_next_ts(&r, &one); seen++)
            check_in_order(&one);
        FUZZ_CHECK(seen == known);
    }
    if (ike_parse_ts(&list, span(data, n)) != CV_OK)
        return 0;
    FUZZ_CHECK(list.n <= CV_TS_MAX);
    ike_put_ts_body(&w, &list);
    FUZZ_CHECK(ike_parse_ts(&again, wr_done(&w)) == CV_OK);
    FUZZ_CHECK(again.n == list.n);
    for (unsigned i = 0; i < list.n; i++) {
        check_in_order(&list.ts[i]);
        FUZZ_CHECK(is_same(&list.ts[i], &again.ts[i]));
    }
    return 0;
}
