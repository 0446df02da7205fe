/* JSON out, a value at a time, and VICI trees as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_JSON_H
#define KIT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kit/tree.h"

enum { JSON_DEPTH_MAX = 24 };

struct json {
    FILE *out;
    unsigned depth;
    bool compact;                /* all on one line */
    bool filled[JSON_DEPTH_MAX]; /* something precedes at this depth */
};

/* name NULL: an item of an array, or the outermost value. */
void json_object(struct json *j, const char *name);
void json_array(struct json *j, const char *name);
void json_end_object(struct json *j);
void json_end_array(struct json *j);
void json_text(struct json *j, const char *name, const char *value);
void json_text_n(struct json *j, const char *name, const char *value, size_t n);
void json_bool(struct json *j, const char *name, bool value);
void json_number(struct json *j, const char *name, uint64_t value);
void json_null(struct json *j, const char *name);

/* A value of VICI's: numbers and yes where the name says that it is one, else text. */
void json_node(struct json *j, const struct node *value);
/* All members of a section, sections and lists included. */
void json_members(struct json *j, const struct node *section);
void json_finish(struct json *j); /* the last newline */

#endif
