/* Octets written as hexadecimal text, for vectors in tests.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_HEX_H
#define TESTS_SUPPORT_HEX_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

static inline unsigned hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    if (at == NULL) {
        fprintf(stderr, "not a hexadecimal digit: %c\n", c);
        abort();
    }
    return (unsigned)(at - digits);
}

/* Reads text (lower case, an even number of digits) into buf, which must be large enough. */
static inline struct cv_span hex_read(uint8_t *buf, size_t cap, const char *text)
{
    size_t n = strlen(text) / 2;

    if (n > cap) {
        fprintf(stderr, "hexadecimal text of %zu octets, room for %zu\n", n, cap);
        abort();
    }
    for (size_t i = 0; i < n; i++)
        buf[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return span(buf, n);
}

#endif
