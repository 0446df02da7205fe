/* The known word nearest to a mistyped one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_SUGGEST_H
#define KIT_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *word; /* as written */
    const char *best; /* the nearest so far that is near enough, or NULL */
    size_t distance;  /* of best, or the first distance that is too far */
};

struct suggest suggest_init(const char *word);
void suggest_try(struct suggest *s, const char *known); /* s keeps the pointer */
/* ", did you mean 'known'?" or nothing; in out, which is returned. */
const char *suggest_hint(const struct suggest *s, char *out, size_t n);

#endif
