/* What finding costs when the tables are full of exact addresses: nanoseconds for each lookup,
 * in scattered order (every probe misses the caches) and again and again for one peer.
 *   pair out    spd_find_out, from an outbound packet to its SA pair
 *   pair in     sad_find and spd_allows_in, from an SPI to the pair and its selectors
 *   policy out  policies_find among as many policies, and in
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/pool.h"
#include "ipsec/policy.h"
#include "ipsec/sad.h"
#include "ipsec/spd.h"

enum { LOOKUPS = 1 << 20, STEP = 7919 }; /* a prime: all peers in turn, no two neighbours */

static const uint64_t seed[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

struct tables {
    uint32_t n;
    struct spd spd;
    struct sad sad;
    struct policies policies;
};

static struct cv_addr address(uint8_t net, uint32_t i)
{
    return (struct cv_addr){
        CV_IPV4, {net, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}
    };
}

static struct cv_ts selector(struct cv_addr a)
{
    struct cv_ts ts = {.family = CV_IPV4, .port_hi = UINT16_MAX};

    memcpy(ts.lo, a.b, sizeof(ts.lo));
    memcpy(ts.hi, a.b, sizeof(ts.hi));
    return ts;
}

static void carve(struct tables *t, struct arena *a)
{
    spd_init(&t->spd, a, t->n, seed);
    sad_init(&t->sad, a, t->n, seed);
    policies_init(&t->policies, a, t->n, seed);
}

static void fill(struct tables *t)
{
    struct cv_ts_list local = {1, {selector(address(192, 1))}}, remote = {.n = 1};

    for (uint32_t i = 0; i < t->n; i++) {
        struct cv_policy p = {.action = CV_POLICY_PROTECT, .directions = CV_BOTH};
        uint32_t number;

        remote.ts[0] = selector(address(10, i));
        p.local = local.ts[0];
        p.remote = remote.ts[0];
        if (!spd_put(&t->spd, i, &local, &remote) || !sad_add(&t->sad, 256 + i, i) ||
            policies_add(&t->policies, &p, &number) != CV_OK) {
            fprintf(stderr, "no room\n");
            exit(1);
        }
        spd_use_out(&t->spd, i);
    }
}

enum what { PAIR_OUT, PAIR_IN, POLICY_OUT, POLICY_IN, N_WHAT };

static bool find(const struct tables *t, enum what what, uint32_t i)
{
    struct ip_flow f = {.src = address(192, 1), .dst = address(10, i), .proto = 17};

    if (what == PAIR_IN || what == POLICY_IN) {
        f.dst = f.src;
        f.src = address(10, i);
    }
    switch (what) {
    case PAIR_OUT:
        return spd_find_out(&t->spd, &f) == i;
    case PAIR_IN:
        return spd_allows_in(&t->spd, sad_find(&t->sad, 256 + i), &f);
    default:
        return policies_find(&t->policies, what == POLICY_OUT ? CV_OUT : CV_IN, &f) != NULL;
    }
}

static double measure(const struct tables *t, enum what what, uint32_t step)
{
    struct timespec from, to;
    uint32_t found = 0;

    clock_gettime(CLOCK_MONOTONIC, &from);
    for (uint32_t k = 0; k < LOOKUPS; k++)
        found += find(t, what, (uint32_t)((uint64_t)k * step % t->n));
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (found != LOOKUPS)
        exit(1);
    return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
           LOOKUPS;
}

static void run(uint32_t n)
{
    struct tables t = {.n = n};
    struct arena a = {.cap = SIZE_MAX};

    carve(&t, &a);
    a = (struct arena){.p = malloc(a.used), .cap = a.used};
    if (a.p == NULL)
        exit(1);
    carve(&t, &a);
    fill(&t);
    printf("| %7u |", n);
    for (unsigned what = 0; what < N_WHAT; what++)
        printf(" %4.0f, %4.0f |", measure(&t, what, STEP), measure(&t, what, 0));
    printf("\n");
    free(a.p);
}

int main(void)
{
    printf(
        "| entries | pair out | pair in | policy out | policy in |  ns: scattered, one peer\n"
        "|---|---|---|---|---|\n");
    run(1000);
    run(1000000);
    return 0;
}
