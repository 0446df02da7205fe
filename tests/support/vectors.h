/* Reading vector files: JSON through jansson, octets as hexadecimal text.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_VECTORS_H
#define TESTS_SUPPORT_VECTORS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "tests/support/hex.h"

enum { VECTORS_SKIPPED = 77, VECTORS_ROOM = 1024 };

/* Octets of one member. */
struct octets {
    uint8_t room[VECTORS_ROOM];
    struct cv_span s;
};

/* The file below the shared vectors; NULL when it is not there. */
static inline json_t *vectors_load(const char *name)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/vectors/%s", TEST_SHARED, name);
    return json_load_file(path, 0, NULL);
}

static inline bool vectors_present(const char *name)
{
    json_t *file = vectors_load(name);
    bool present = file != NULL;

    if (!present)
        printf("skipped: no vectors at %s/vectors/%s\n", TEST_SHARED, name);
    json_decref(file);
    return present;
}

/* A text member; a test cannot go on without it. */
static inline const char *vectors_text(const json_t *test, const char *key)
{
    const char *text = json_string_value(json_object_get(test, key));

    if (text == NULL) {
        fprintf(stderr, "vector without \"%s\"\n", key);
        abort();
    }
    return text;
}

static inline size_t vectors_number(const json_t *test, const char *key)
{
    return (size_t)json_integer_value(json_object_get(test, key));
}

/* Fills o from a text member and returns the octets. */
static inline struct cv_span vectors_octets(struct octets *o, const json_t *test,
                                            const char *key)
{
    o->s = hex_read(o->room, sizeof(o->room), vectors_text(test, key));
    return o->s;
}

#endif
