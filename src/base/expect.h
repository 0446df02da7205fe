/* What will be read soon may be fetched from memory meanwhile.  Changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_EXPECT_H
#define BASE_EXPECT_H

#include <stddef.h>

enum { EXPECT_LINE = 64 };

/* n octets from p on; p may lead nowhere. */
static inline void expect(const void *p, size_t n)
{
#ifdef __GNUC__
    for (size_t i = 0; i < n; i += EXPECT_LINE)
        __builtin_prefetch((const char *)p + i);
#else
    (void)p;
    (void)n;
#endif
}

#endif
