/* Distinguished names as text.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_NAMES_DN_H
#define TEXT_NAMES_DN_H

#include <culvert/types.h>

#include "kit/problem.h"

/* "C=CH, O=Fleet, CN=*" or "/C=CH/O=Fleet/CN=*" to the DER of a Name (X.501). */
bool dn_parse(struct cv_id *out, const char *text, struct problem *why);
/* The DER of a Name as "C=CH, O=Fleet, CN=x". */
void dn_format(char *out, size_t n, struct cv_span der);

#endif
