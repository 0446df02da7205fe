/* What the tests of src/wire share: octets in a heap block of exactly their size, so
 * that a sanitizer sees one octet read too many, and repeatable chance.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_WIRE_TEST_H
#define TESTS_WIRE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <culvert/error.h>

#include "base/span.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
/* The octets of an array as a span. */
#define ALL(array) span((array), sizeof(array))

/* A parser with everything but its input fixed. */
typedef enum cv_err parse_fn(struct cv_span s);

static inline enum cv_err parse_exact(parse_fn *parse, struct cv_span s, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    enum cv_err err;

    assert_non_null(copy);
    memcpy(copy, s.p, n < s.n ? n : s.n);
    if (n > s.n)
        memset(copy + s.n, 0, n - s.n);
    err = parse(span(copy, n));
    free(copy);
    return err;
}

static inline void assert_prefixes_refused(parse_fn *parse, struct cv_span s)
{
    assert_int_equal(parse_exact(parse, s, s.n), CV_OK);
    for (size_t n = 0; n < s.n; n++)
        assert_int_not_equal(parse_exact(parse, s, n), CV_OK);
}

static inline void assert_trailing_octet_refused(parse_fn *parse, struct cv_span s)
{
    assert_int_not_equal(parse_exact(parse, s, s.n + 1), CV_OK);
}

static inline void assert_span_is(struct cv_span got, const void *want, size_t n)
{
    assert_int_equal(got.n, n);
    if (n > 0)
        assert_memory_equal(got.p, want, n);
}

/* xorshift64*; the seed is part of the test, so a failure repeats itself. */
static inline uint32_t chance(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

static inline void chance_fill(uint64_t *state, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)chance(state);
}

#endif
