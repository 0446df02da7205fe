/* Secrets: comparing without telling where, and clearing so that it happens.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Same n octets?  Time depends on n alone. */
bool ct_equal(const void *a, const void *b, size_t n);

/* Sets n octets to zero; the compiler may not leave it out. */
void wipe(void *p, size_t n);

#endif
