/* Decisions that are remembered: for every flow its own, and none once something has changed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"
#include "ipsec/flows.h"

enum { PAIRS = 64, MEM_LEN = 65536, SMALL = 2 };

static struct ip_flow some_flow(unsigned host, uint16_t port)
{
    return (struct ip_flow){
        .src = {CV_IPV4, {10, 0, 0, 1}            },
        .dst = {CV_IPV4, {10, 1, 0, (uint8_t)host}},
        .proto = IPPROTO_NUM_TCP,
        .ports_known = true,
        .sport = port,
        .dport = 80,
    };
}

static void setup(struct flows *f, uint8_t *memory, uint32_t n_pairs)
{
    struct arena a = {.p = memory, .cap = MEM_LEN};

    memset(memory, 0, MEM_LEN);
    flows_init(f, &a, n_pairs);
    assert_false(a.bad);
}

static void test_keeps_and_forgets(void **state)
{
    static _Alignas(64) uint8_t memory[MEM_LEN];
    struct ip_flow a = some_flow(1, 1000), b;
    unsigned host = 1;
    struct flows f;

    (void)state;
    setup(&f, memory, PAIRS);
    assert_int_equal(flows_find(&f, &a, POOL_NONE), POOL_NONE);
    do { /* one whose place is another, whatever this machine's order of octets */
        b = some_flow(++host, 1000);
        flows_keep(&f, &a, POOL_NONE, 7);
        flows_keep(&f, &b, POOL_NONE, 8);
    } while (flows_find(&f, &a, POOL_NONE) == POOL_NONE && host < 20);
    assert_int_equal(flows_find(&f, &a, POOL_NONE), 7);
    assert_int_equal(flows_find(&f, &b, POOL_NONE), 8);
    assert_int_equal(flows_find(&f, &a, 7), POOL_NONE); /* the other direction */
    flows_forget(&f);
    assert_int_equal(flows_find(&f, &a, POOL_NONE), POOL_NONE);
    flows_keep(&f, &a, 3, 3);
    assert_int_equal(flows_find(&f, &a, 3), 3);
}

/* Everything that a selector can look at tells flows apart. */
static void test_every_field_counts(void **state)
{
    static _Alignas(64) uint8_t memory[MEM_LEN];
    const struct ip_flow flow = some_flow(1, 1000);
    struct ip_flow other[8];
    struct flows f;

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        other[i] = flow;
    other[0].src.b[3] ^= 1;
    other[1].dst.b[0] ^= 1;
    other[2].proto = IPPROTO_NUM_UDP;
    other[3].ports_known = false;
    other[4].sport++;
    other[5].dport++;
    other[6].ports_wild = true;
    other[7].src.family = other[7].dst.family = CV_IPV6;
    for (unsigned i = 0; i < 8; i++) {
        setup(&f, memory, 1);
        f.mask = 0; /* one place: they all meet */
        flows_keep(&f, &flow, POOL_NONE, 1);
        assert_int_equal(flows_find(&f, &other[i], POOL_NONE), POOL_NONE);
        assert_int_equal(flows_find(&f, &flow, POOL_NONE), 1);
    }
    for (unsigned i = 4; i < 16; i++) { /* the rest of an IPv6 address */
        struct ip_flow six = other[7], near = six;

        near.dst.b[i] ^= 0x80;
        setup(&f, memory, 1);
        f.mask = 0;
        flows_keep(&f, &six, POOL_NONE, 1);
        assert_int_equal(flows_find(&f, &near, POOL_NONE), POOL_NONE);
        assert_int_equal(flows_find(&f, &six, POOL_NONE), 1);
    }
}

/* A slot of an epoch long ago must not come to life when the number comes round. */
static void test_epochs_come_round(void **state)
{
    static _Alignas(64) uint8_t memory[MEM_LEN];
    const struct ip_flow flow = some_flow(1, 1000);
    struct flows f;

    (void)state;
    setup(&f, memory, SMALL);
    flows_keep(&f, &flow, POOL_NONE, 1);
    f.epoch = UINT32_MAX;
    flows_forget(&f);
    assert_int_equal(f.epoch, 1);
    assert_int_equal(flows_find(&f, &flow, POOL_NONE), POOL_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_and_forgets),
        cmocka_unit_test(test_every_field_counts),
        cmocka_unit_test(test_epochs_come_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
