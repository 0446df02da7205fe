/* Just enough JSON to read vector files: string members of flat objects, in order.
 *
 * A text is NUL-terminated; a member is looked for from a place in it up to another.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_JSON_H
#define TESTS_SUPPORT_JSON_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole file, which the caller frees; NULL when it cannot be read. */
static inline char *json_read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t n = 0, cap = 0;

    if (f == NULL)
        return NULL;
    do {
        cap = cap * 2 + 4096;
        text = realloc(text, cap);
        if (text == NULL)
            abort();
        n += fread(text + n, 1, cap - 1 - n, f);
    } while (n == cap - 1);
    text[n] = '\0';
    fclose(f);
    return text;
}

/* Copies the string value of "key" between from and end (NULL: the end of the text).  False,
 * and an empty out, when there is none or it does not fit. */
static inline bool json_string(const char *from, const char *end, const char *key, char *out,
                               size_t cap)
{
    char quoted[64];
    const char *at, *close;

    out[0] = '\0';
    snprintf(quoted, sizeof(quoted), "\"%s\"", key);
    at = strstr(from, quoted);
    if (at == NULL || (end != NULL && at >= end))
        return false;
    at += strlen(quoted);
    at += strspn(at, " \n:");
    close = at[0] == '"' ? strchr(at + 1, '"') : NULL;
    if (close == NULL || (size_t)(close - at) > cap)
        return false;
    memcpy(out, at + 1, (size_t)(close - at - 1));
    out[close - at - 1] = '\0';
    return true;
}

#endif
