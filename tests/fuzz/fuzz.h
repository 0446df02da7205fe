/* What the fuzz targets share.  A target is pure: the same input does the same thing,
 * in any order with others.  It looks for more than crashes: whatever it knows about a
 * result it states with FUZZ_CHECK.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <culvert/error.h>

#include "base/span.h"

/* libFuzzer calls these. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FUZZ_CHECK(truth)                                                                      \
    do {                                                                                       \
        if (!(truth)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #truth);                \
            abort();                                                                           \
        }                                                                                      \
    } while (0)

/* Does the view lie within the octets it was read from? */
static inline bool fuzz_within(struct cv_span view, struct cv_span all)
{
    return view.n == 0 ||
           (view.p >= all.p && view.n <= all.n && (size_t)(view.p - all.p) <= all.n - view.n);
}

#endif
