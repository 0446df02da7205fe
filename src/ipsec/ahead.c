/* A batch is looked at before it is worked on, in steps: each step's memory is fetched for all
 * packets before the next step reads it.  One packet's SA is a chain of loads that depend on
 * each other, and where there are more SAs than a cache holds, each of them waits for memory;
 * those of many packets wait together.
 *
 * Invariant: nothing is changed, and nothing that is found here is relied on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/expect.h"
#include "ipsec/plane.h"

enum {
    CACHED_PAIRS = 256 /* so few are in the processor's caches already */
};

/* The pairs of some packets; POOL_NONE where there is none. */
struct ahead {
    uint32_t pair[IPSEC_AHEAD_MAX];
    size_t n;
};

static bool is_cached(const struct ipsec *p)
{
    return p->sad.by_spi.used <= CACHED_PAIRS;
}

static void expect_pairs(const struct ipsec *p, const struct ahead *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->pair[i] != POOL_NONE)
            expect(&p->pairs[a->pair[i]], sizeof(p->pairs[0]));
}

static const struct esp_key *key_of(const struct ipsec *p, uint32_t pair, bool out)
{
    if (pair == POOL_NONE)
        return NULL;
    return out ? p->pairs[pair].out.key : p->pairs[pair].in.key;
}

static void expect_keys(const struct ipsec *p, const struct ahead *a, bool out)
{
    for (size_t i = 0; i < a->n; i++)
        if (key_of(p, a->pair[i], out) != NULL)
            expect(key_of(p, a->pair[i], out), sizeof(struct esp_key));
    for (size_t i = 0; i < a->n; i++) {
        const struct esp_key *k = key_of(p, a->pair[i], out);

        if (k != NULL && k->aead != NULL && k->aead->expect != NULL)
            k->aead->expect(k->key);
    }
}

/* Sees ESP alone: AH's header is a part of the packet and has to be parsed. */
static uint32_t spi_of(const struct cv_packet *pkt)
{
    uint32_t spi, seq;

    if (pkt->off > pkt->cap || pkt->len > pkt->cap - pkt->off)
        return 0; /* what the engine refuses */
    return pkt->carrier != CV_RAW_AH && esp_read_header(pkt, &spi, &seq) == CV_OK ? spi : 0;
}

void ipsec_ahead_in(const struct ipsec *p, const struct cv_packet *pkts, size_t n)
{
    struct ahead a = {.n = n < IPSEC_AHEAD_MAX ? n : IPSEC_AHEAD_MAX};
    uint32_t spi[IPSEC_AHEAD_MAX];

    if (is_cached(p))
        return;
    for (size_t i = 0; i < a.n; i++) {
        spi[i] = spi_of(&pkts[i]);
        sad_expect(&p->sad, spi[i]);
    }
    for (size_t i = 0; i < a.n; i++)
        a.pair[i] = sad_find(&p->sad, spi[i]);
    for (size_t i = 0; i < a.n; i++)
        if (a.pair[i] != POOL_NONE)
            spd_expect_lists(&p->spd, a.pair[i]);
    expect_pairs(p, &a);
    for (size_t i = 0; i < a.n; i++)
        if (a.pair[i] != POOL_NONE)
            spd_expect_selectors(&p->spd, a.pair[i]);
    for (size_t i = 0; i < a.n; i++)
        if (a.pair[i] != POOL_NONE)
            replay_expect(&p->pairs[a.pair[i]].replay, &p->blocks);
    expect_keys(p, &a, false);
}

void ipsec_ahead_out(const struct ipsec *p, const struct cv_packet *pkts, size_t n)
{
    struct ahead a = {.n = n < IPSEC_AHEAD_MAX ? n : IPSEC_AHEAD_MAX};
    uint32_t at[IPSEC_AHEAD_MAX];
    struct ip_flow flow;

    if (is_cached(p))
        return;
    for (size_t i = 0; i < a.n; i++) {
        const bool good = ip_parse(&flow, span(cv_packet_data(&pkts[i]), pkts[i].len)) == CV_OK;

        at[i] = good ? spd_expect_bucket(&p->spd, &flow) : POOL_NONE;
    }
    for (size_t i = 0; i < a.n; i++)
        at[i] = at[i] != POOL_NONE ? spd_expect_cell(&p->spd, at[i]) : POOL_NONE;
    for (size_t i = 0; i < a.n; i++) {
        a.pair[i] = at[i] != POOL_NONE ? spd_pair_of(&p->spd, at[i]) : POOL_NONE;
        if (a.pair[i] != POOL_NONE)
            spd_expect_lists(&p->spd, a.pair[i]);
    }
    expect_pairs(p, &a);
    expect_keys(p, &a, true);
}
