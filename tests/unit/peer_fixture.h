/* A core with MANY SAs of one Child SA each, in a plane where none is installed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PEER_FIXTURE_H
#define TESTS_UNIT_PEER_FIXTURE_H

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include <culvert/plane.h>

#include "peer/event.h"

enum { MANY = 500 };

static const struct cv_limits limits = {
    .ike_sas = MANY,
    .child_sas = MANY,
    .conns = 64,
    .handshakes = 1,
    .messages = 4,
    .message_size = 576,
    .effects = 16,
};

/* Other octets at each call. */
static inline bool some_octets(uint8_t *out, size_t n)
{
    static uint8_t count[8];

    for (size_t i = 0; i < sizeof(count) && ++count[i] == 0; i++)
        ;
    for (size_t i = 0; i < n; i++)
        out[i] = count[i % sizeof(count)];
    return true;
}

/* A plane in which no Child SA is installed. */
static inline bool has_no_spi(void *ctx, uint32_t spi_in)
{
    (void)ctx, (void)spi_in;
    return false;
}

static const struct cv_plane no_plane = {.has_spi = has_no_spi};

struct fixture {
    struct cv_crypto crypto;
    struct core core;
    void *memory;
    struct peer *sa[MANY];
    struct child_sa *child[MANY];
};

static inline int set_up(void **state)
{
    struct arena size = {.cap = SIZE_MAX}, a = {0};
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->crypto.random = some_octets;
    f->core.crypto = &f->crypto;
    f->core.plane = &no_plane;
    core_carve(&f->core, &size, &limits, sizeof(struct peer));
    a.p = f->memory = aligned_alloc(alignof(max_align_t), size.used);
    a.cap = size.used;
    core_carve(&f->core, &a, &limits, sizeof(struct peer));
    assert_false(a.bad);
    for (unsigned i = 0; i < MANY; i++) {
        uint8_t spi[IKE_SPI_LEN];

        assert_true(peer_fresh_spi(&f->core, spi));
        f->sa[i] = peer_new(&f->core, NULL, true, spi);
        assert_non_null(f->sa[i]);
        f->child[i] = child_new(&f->core, f->sa[i], NULL, NULL);
        assert_non_null(f->child[i]);
        f->child[i]->installed = false;
    }
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    free(f->memory);
    free(f);
    return 0;
}

#define PEER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
