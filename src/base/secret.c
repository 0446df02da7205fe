/* Comparing and clearing secrets.  Invariant: neither function's time nor its
 * presence in the object code depends on what the octets are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <stdint.h>
#include <string.h>

/* The compiler must load this pointer for each call, so it cannot know that the
 * callee is memset and that the octets are dead afterwards. */
static void *(*const volatile clear)(void *, int, size_t) = memset;

bool ct_equal(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    unsigned diff = 0;

    for (size_t i = 0; i < n; i++)
        diff |= (unsigned)(x[i] ^ y[i]);
    return diff == 0;
}

void wipe(void *p, size_t n)
{
    if (n > 0)
        clear(p, 0, n);
}
