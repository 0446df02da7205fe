/* Words and values of one line of `ip xfrm state`.  Nothing here reads past the line's end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/packet/xfrm_read.h"
#include "text/text.h"

bool reader_fail(struct reader *r, const char *fmt, ...)
{
    char text[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return problem_in(r->why, r->name, (int)r->line, "%s", text);
}

bool reader_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool reader_at_end(const struct reader *r)
{
    return r->p == r->end || *r->p == '\n';
}

void reader_skip_line(struct reader *r)
{
    while (!reader_at_end(r))
        r->p++;
}

/* Blanks, comments and what `ip -s` adds in parentheses. */
static void skip_blanks(struct reader *r)
{
    while (!reader_at_end(r) && (reader_is_blank(*r->p) || *r->p == '(')) {
        if (*r->p == '(')
            while (!reader_at_end(r) && *r->p != ')')
                r->p++;
        if (!reader_at_end(r))
            r->p++;
    }
    if (!reader_at_end(r) && *r->p == '#')
        reader_skip_line(r);
}

/* The next word of this line; the empty one at its end.  Quotes and a comma behind go.
 * A word that is too long is cut, and then no value or keyword. */
bool reader_word(struct reader *r)
{
    char quote = '\0';
    size_t n = 0;

    skip_blanks(r);
    if (!reader_at_end(r) && (*r->p == '\'' || *r->p == '"'))
        quote = *r->p++;
    while (!reader_at_end(r) && (quote != '\0' ? *r->p != quote : !reader_is_blank(*r->p))) {
        if (n + 1 < sizeof(r->word))
            r->word[n++] = *r->p;
        r->p++;
    }
    if (quote != '\0' && !reader_at_end(r))
        r->p++;
    if (quote == '\0' && n > 1 && r->word[n - 1] == ',')
        n--;
    r->word[n] = '\0';
    return n > 0 || quote != '\0';
}

bool reader_need(struct reader *r, const char *expected)
{
    return reader_word(r) || reader_fail(r, "expected %s at the end of the line", expected);
}

/* Takes the next word when it is this one. */
bool reader_accept(struct reader *r, const char *word)
{
    const char *back = r->p;

    if (reader_word(r) && strcmp(r->word, word) == 0)
        return true;
    r->p = back;
    return false;
}

/* A number in any of C's notations; "0x301(769)" is one too. */
bool reader_number(struct reader *r, const char *expected, uint64_t max, uint64_t *out)
{
    char *end;

    if (!reader_need(r, expected))
        return false;
    errno = 0;
    *out = strtoull(r->word, &end, 0);
    if (errno == 0 && end != r->word && r->word[0] != '-' && (*end == '\0' || *end == '(') &&
        *out <= max)
        return true;
    return reader_fail(r, "expected %s, not %.60s", expected, r->word);
}

bool reader_u32(struct reader *r, const char *expected, uint32_t *out)
{
    uint64_t n = 0;
    bool good = reader_number(r, expected, UINT32_MAX, &n);

    *out = (uint32_t)n;
    return good;
}

bool reader_u16(struct reader *r, const char *expected, uint16_t *out)
{
    uint64_t n = 0;
    bool good = reader_number(r, expected, UINT16_MAX, &n);

    *out = (uint16_t)n;
    return good;
}

bool reader_addr(struct reader *r, const char *expected, struct cv_addr *out)
{
    return reader_need(r, expected) &&
           (addr_parse(out, r->word) ||
            reader_fail(r, "expected %s, not %.60s", expected, r->word));
}
