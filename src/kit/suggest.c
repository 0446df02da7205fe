/* Owns the measure of nearness: how many octets must be put in, taken out, replaced or
 * swapped with their neighbour to get from one word to the other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/suggest.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 48 /* longer words get no suggestion */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Row i holds the distances of a's first i octets to all beginnings of b; only the last
 * three rows are kept, the oldest for swapped neighbours. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), rows[3][WORD_MAX + 1];

    if (n > WORD_MAX || m > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(up[j], row[j - 1]) + 1;
            row[j] = least(row[j], up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], up2[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

struct suggest suggest_init(const char *word)
{
    size_t third = strlen(word) / 3;

    /* A third of the word may be wrong: enough for slips, too little for another word. */
    return (struct suggest){.word = word, .distance = (third > 1 ? third : 1) + 1};
}

void suggest_try(struct suggest *s, const char *known)
{
    size_t d = edit_distance(s->word, known);

    if (d >= s->distance || d >= strlen(known))
        return;
    s->distance = d;
    s->best = known;
}

const char *suggest_hint(const struct suggest *s, char *out, size_t n)
{
    out[0] = '\0';
    if (s->best != NULL)
        snprintf(out, n, ", did you mean '%s'?", s->best);
    return out;
}
