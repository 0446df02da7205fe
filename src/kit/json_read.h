/* JSON in: an object becomes a tree (RFC 8259).
 *
 * Texts, numbers, true and false are values as they are written, null is an empty one; a list
 * holds values.  Names are unique in their object.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_JSON_READ_H
#define KIT_JSON_READ_H

#include <culvert/types.h>

#include "kit/tree.h"

enum { JSON_READ_DEPTH = 8, JSON_READ_VALUES = 4096 };

/* NULL with what is wrong, and at which octet; else to be freed. */
struct node *json_read(struct cv_span text, struct problem *why);

#endif
