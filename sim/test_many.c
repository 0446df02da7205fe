/* A thousand devices and one gateway, and what each tunnel costs it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* mincore */

#include <sys/mman.h>
#include <unistd.h>

#include "sim/check.h"
#include "sim/crowd.h"
#include "sim/crypto.h"

enum { DEVICES = 1000 };

/* Octets of a host's engine memory that were ever touched. */
static size_t touched(const struct host *h)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)h->mem + page - 1) & ~(page - 1);
    size_t pages = (h->mem_size - (first - (uintptr_t)h->mem)) / page, n = 0;
    unsigned char *in_core = sim_alloc(pages);

    if (mincore((void *)first, pages * page, in_core) == 0) {
        for (size_t i = 0; i < pages; i++)
            n += in_core[i] & 1;
    }
    free(in_core);
    return n * page;
}

static void print_table_costs(const struct cv_limits *limits)
{
    struct cv_limits more = *limits;
    size_t base = cv_engine_size(limits), both;

    more.ike_sas += DEVICES;
    more.child_sas += DEVICES;
    both = cv_engine_size(&more);
    printf("tables: %zu octets per IKE SA with one Child SA\n", (both - base) / DEVICES);
    more = *limits;
    more.handshakes += DEVICES;
    printf("tables: %zu octets per handshake\n", (cv_engine_size(&more) - base) / DEVICES);
    more = *limits;
    more.ike_sas = more.child_sas = 1;
    more.handshakes = 1;
    more.messages = 8;
    more.message_size = 1500;
    more.effects = 16;
    more.conns = 1;
    printf("a device with one tunnel: %zu octets in all\n", cv_engine_size(&more));
}

static void a_thousand_devices_connect_to_one_gateway(void **state)
{
    struct crowd *c = crowd_new(1, DEVICES);
    size_t before;

    (void)state;
    c->w->quick = true;
    c->gw->settings.limits = (struct cv_limits){.ike_sas = DEVICES + 64,
                                                .child_sas = DEVICES + 64,
                                                .conns = 4,
                                                .handshakes = 128,
                                                .messages = 256,
                                                .message_size = 2048,
                                                .effects = 256};
    c->gw->settings.cookie_threshold = 100;
    print_table_costs(&c->gw->settings.limits);
    for (unsigned i = 0; i < DEVICES; i++)
        c->dev_conn[i].conn.keyingtries = 3; /* 500 a second are too many for 256 buffers */
    crowd_start(c);
    before = touched(c->gw);
    for (unsigned i = 0; i < DEVICES; i++) {
        crowd_connect(c, i);
        world_run(c->w, 2);
    }
    world_run(c->w, 300000);
    assert_int_equal(crowd_up(c), DEVICES);
    printf("resident growth of the gateway's tables: %zu octets per tunnel\n",
           (touched(c->gw) - before) / DEVICES);
    for (unsigned i = 0; i < DEVICES; i += 37)
        assert_true(crowd_ping(c, i));
    for (unsigned i = 0; i < DEVICES; i++)
        host_delete_ike(c->dev[i], host_ike(c->dev[i]));
    world_run(c->w, 300000);
    assert_true(host_is_empty(c->gw));
    assert_int_equal(c->gw->n_leases, 0);
    assert_int_equal(sim_crypto_live_keys(), 0);
    assert_true(crowd_free(c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_devices_connect_to_one_gateway),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
