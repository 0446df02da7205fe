/* The body of a Security Association payload, and what negotiation makes of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "wire/ike.h"

/* Copies a proposal; false when ours cannot say it (more transforms than we keep, or
 * attributes that we do not know). */
static bool copy_proposal(struct cv_proposal *out, const struct ike_proposal *p)
{
    struct rd r = rd_init(p->transforms);
    struct cv_transform t;
    bool unknown, same = true;
    unsigned count = 0;

    *out = (struct cv_proposal){.protocol = p->protocol};
    while (ike_next_transform(&r, &t, &unknown)) {
        count++;
        same = same && !unknown && out->n < CV_TRANSFORMS_MAX;
        if (same)
            out->t[out->n++] = t;
    }
    FUZZ_CHECK(rd_done(&r));
    FUZZ_CHECK(count == p->n_transforms);
    return same;
}

static void check_round_trip(const struct ike_proposal *p)
{
    uint8_t buf[1024];
    struct wr w = wr_init(buf, sizeof(buf));
    struct cv_proposal copy, again;
    struct ike_proposal back;
    struct rd r;

    if (!copy_proposal(&copy, p))
        return;
    ike_put_proposal(&w, &copy, p->number, p->spi, true);
    FUZZ_CHECK(ike_check_sa(wr_done(&w)) == CV_OK);
    r = rd_init(wr_done(&w));
    FUZZ_CHECK(ike_next_proposal(&r, &back));
    FUZZ_CHECK(back.number == p->number && span_equal(back.spi, p->spi));
    FUZZ_CHECK(copy_proposal(&again, &back));
    FUZZ_CHECK(again.protocol == copy.protocol && again.n == copy.n);
    for (unsigned i = 0; i < copy.n; i++)
        FUZZ_CHECK(again.t[i].type == copy.t[i].type && again.t[i].id == copy.t[i].id &&
                   again.t[i].key_len == copy.t[i].key_len);
}

/* The iterators promise to end and to stay inside even when nobody checked. */
static void iterate_unchecked(struct cv_span body)
{
    struct rd r = rd_init(body);
    struct ike_proposal p;
    struct cv_transform t;
    bool unknown;

    while (ike_next_proposal(&r, &p)) {
        struct rd transforms = rd_init(p.transforms);

        FUZZ_CHECK(fuzz_within(p.spi, body) && fuzz_within(p.transforms, body));
        while (ike_next_transform(&transforms, &t, &unknown))
            ;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cv_span body = span(data, n);
    struct rd r = rd_init(body);
    struct ike_proposal p;

    iterate_unchecked(body);
    if (ike_check_sa(body) != CV_OK)
        return 0;
    while (ike_next_proposal(&r, &p))
        check_round_trip(&p);
    FUZZ_CHECK(rd_done(&r));
    return 0;
}
