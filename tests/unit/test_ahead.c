/* Looking ahead changes nothing, whatever the packets are, and what follows is what it would
 * be.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipsec/plane.h"
#include "tests/support/ipsec_fixture.h"

enum { PAIRS = 300, SPI = 0x1000, N = 2 * IPSEC_AHEAD_MAX + 3, ROUNDS = 50, MEM = 1 << 20 };

struct room {
    _Alignas(64) uint8_t memory[MEM], before[MEM];
    uint8_t buf[N][BUF_LEN];
    struct cv_packet pkts[N], were[N];
    struct ipsec *p;
};

static struct cv_addr inner(unsigned i)
{
    return ip4(10, 0, (uint8_t)(i >> 8), (uint8_t)(i & 0xff));
}

/* Pair i talks to itself, with windows of all kinds. */
static void install(struct room *r, uint32_t i)
{
    const struct cv_pair_config cfg = {
        .id = i + 1,
        .spi_in = SPI + i,
        .spi_out = SPI + i,
        .protocol = CV_PROTO_ESP,
        .suite = suites[i % 2 == 0 ? 0 : 9].suite,
        .key_in = span(keymat[0], suites[i % 2 == 0 ? 0 : 9].key_len),
        .key_out = span(keymat[0], suites[i % 2 == 0 ? 0 : 9].key_len),
        .local_ts = ts_one(ts_any(CV_IPV4)),
        .remote_ts = ts_one(ts_host(inner(i))),
        .replay_window = i % 3 == 0   ? 0
                         : i % 3 == 1 ? 64
                                      : 1024,
    };

    assert_int_equal(ipsec_install(r->p, i, &cfg, 0), CV_OK);
    ipsec_use_out(r->p, i);
}

static struct room *fresh(uint32_t n_pairs)
{
    static const uint64_t seed[2] = {1, 2};
    struct room *r = calloc(1, sizeof(*r));
    struct arena a = {.p = r->memory, .cap = MEM};

    /* fewer expanded keys than SAs: some are cold */
    r->p = ipsec_init(&a, n_pairs, n_pairs, cv_crypto_best(), seed);
    assert_non_null(r->p);
    for (uint32_t i = 0; i < n_pairs; i++)
        install(r, i);
    return r;
}

static void done(struct room *r)
{
    ipsec_close(r->p);
    free(r);
}

static void ahead(struct room *r, bool out)
{
    memcpy(r->before, r->memory, MEM);
    memcpy(r->were, r->pkts, sizeof(r->pkts));
    for (size_t i = 0; i < N; i += IPSEC_AHEAD_MAX) {
        if (out)
            ipsec_ahead_out(r->p, &r->pkts[i], N - i);
        else
            ipsec_ahead_in(r->p, &r->pkts[i], N - i);
    }
    assert_memory_equal(r->before, r->memory, MEM);
    assert_memory_equal(r->were, r->pkts, sizeof(r->pkts));
}

static void carry(uint32_t n_pairs)
{
    struct room *r = fresh(n_pairs);
    struct ipsec_way way;

    for (unsigned i = 0; i < N; i++) {
        const struct cv_addr at = inner((unsigned)rand() % n_pairs);
        const size_t n = make_udp(r->buf[i] + CV_HEADROOM, at, at, 1000, 53, 20);

        r->pkts[i] = packet_in(r->buf[i], n);
    }
    ahead(r, true);
    for (unsigned i = 0; i < N; i++) {
        ipsec_out(r->p, &r->pkts[i], 0, &way);
        assert_int_equal(r->pkts[i].err, CV_OK);
    }
    ahead(r, false);
    for (unsigned i = 0; i < N; i++) {
        ipsec_in(r->p, &r->pkts[i], 0, &way);
        assert_int_equal(r->pkts[i].err, CV_OK);
        assert_int_equal(r->pkts[i].verdict, CV_DELIVER);
    }
    done(r);
}

static void test_batch_passes(void **state)
{
    (void)state;
    carry(PAIRS);
    carry(2);
}

/* Anything that a network or a host can bring: no octet outside of it is read. */
static void test_garbage(void **state)
{
    struct room *r = fresh(PAIRS);

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < N; i++) {
            struct cv_packet *p = &r->pkts[i];
            const size_t n = (size_t)rand() % 80;

            *p = (struct cv_packet){.buf = malloc(n + 1), .cap = n, .len = n};
            for (size_t k = 0; k < n; k++)
                p->buf[k] = (uint8_t)(rand() % 4 == 0 ? rand() : k == 0 ? 0x45 : 0x10);
            p->carrier = (uint8_t)(rand() % (CV_RAW_AH + 1));
            if (rand() % 8 == 0)
                p->off = n + 1;
        }
        ahead(r, false);
        for (unsigned i = 0; i < N; i++)
            if (r->pkts[i].off > r->pkts[i].cap)
                r->pkts[i].off = r->pkts[i].len = 0;
        ahead(r, true);
        for (unsigned i = 0; i < N; i++)
            free(r->pkts[i].buf);
    }
    done(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_passes),
        cmocka_unit_test(test_garbage),
    };

    srand(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
