/* The body of an Identification payload, and matching it against patterns.
 *
 * The input is two bodies, the first one's length in its first octet: one becomes the
 * peer's identity, the other a pattern, and each is compared with itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "ident/id.h"
#include "wire/ike.h"

static void check_round_trip(const struct cv_id *id, struct cv_span body)
{
    uint8_t buf[4 + CV_ID_MAX];
    struct wr w = wr_init(buf, sizeof(buf));

    ike_put_id_body(&w, id);
    FUZZ_CHECK(w.n == body.n && buf[0] == body.p[0]);
    FUZZ_CHECK(memcmp(buf + 4, body.p + 4, body.n - 4) == 0);
    for (size_t i = id->n; i < CV_ID_MAX; i++)
        FUZZ_CHECK(id->b[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd r = rd_init(span(data, n));
    size_t len = rd_u8(&r);
    struct cv_span first = rd_take(&r, len < rd_left(&r) ? len : rd_left(&r));
    struct cv_span second = rd_rest(&r);
    struct cv_id a, b;
    bool has_a = ike_parse_id(&a, first) == CV_OK;
    bool has_b = ike_parse_id(&b, second) == CV_OK;

    if (has_a) {
        const struct cv_id any = {.type = CV_ID_ANY};

        check_round_trip(&a, first);
        FUZZ_CHECK(id_equal(&a, &a));
        FUZZ_CHECK(id_matches(&any, &a) == ID_MATCH_ANY);
    }
    if (has_a && has_b) {
        enum id_match match = id_matches(&b, &a);

        FUZZ_CHECK(match == ID_NO || match == ID_MATCH_WILDCARD || match == ID_MATCH_EXACT);
        FUZZ_CHECK(match != ID_MATCH_WILDCARD || id_has_wildcard(&b));
        FUZZ_CHECK(id_equal(&a, &b) == id_equal(&b, &a));
    }
    return 0;
}
