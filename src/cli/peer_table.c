/* Owns the form of the table: columns as wide as what is in them, and no column that nobody
 * fills.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/peer_table.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "kit/json.h"

enum column {
    COL_NAME,
    COL_IDENTITY,
    COL_ADDRESS,
    COL_INNER,
    COL_STATE,
    COL_SINCE,
    COL_SEEN,
    COL_IN,
    COL_OUT,
    COL_DROPS,
    N_COLUMNS
};

static const struct {
    const char *title;
    bool right; /* numbers end where the column does */
} columns[N_COLUMNS] = {
    [COL_NAME] = {"NAME",     false},
      [COL_IDENTITY] = {"IDENTITY", false},
    [COL_ADDRESS] = {"ADDRESS",  false},
      [COL_INNER] = {"INNER",    false},
    [COL_STATE] = {"STATE",    false},
      [COL_SINCE] = {"SINCE",    true },
    [COL_SEEN] = {"SEEN",     true },
      [COL_IN] = {"IN",       true },
    [COL_OUT] = {"OUT",      true },
      [COL_DROPS] = {"DROPS",    true },
};

static const char *age(char out[32], uint64_t seconds)
{
    return seconds == PEER_NEVER ? "-" : text_age(out, seconds);
}

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

/* The text of a cell, in out or the peer's own. */
static const char *cell(char out[32], const struct peer *p, enum column c)
{
    switch (c) {
    case COL_NAME:
        return p->name;
    case COL_IDENTITY:
        return or_dash(p->identity);
    case COL_ADDRESS:
        return or_dash(p->address);
    case COL_INNER:
        return p->inner;
    case COL_STATE:
        return p->state;
    case COL_SINCE:
        return age(out, p->since_s);
    case COL_SEEN:
        return age(out, p->seen_s);
    case COL_IN:
        return text_bytes(out, p->bytes_in);
    case COL_OUT:
        return text_bytes(out, p->bytes_out);
    default:
        return text_count(out, p->drops);
    }
}

/* How wide text is on a terminal, a character of UTF-8 a place. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void measure(size_t width[N_COLUMNS], const struct peers *p)
{
    char text[32];

    for (unsigned c = 0; c < N_COLUMNS; c++)
        width[c] = 0;
    for (size_t i = 0; i < p->n; i++)
        for (unsigned c = 0; c < N_COLUMNS; c++) {
            size_t n = width_of(cell(text, &p->v[i], c));

            width[c] = n > width[c] ? n : width[c];
        }
    for (unsigned c = 0; c < N_COLUMNS; c++)
        if (width[c] > 0 && width[c] < strlen(columns[c].title))
            width[c] = strlen(columns[c].title);
}

static void print_cell(const char *text, size_t width, enum column c)
{
    const size_t n = width_of(text), fill = n < width ? width - n : 0;

    if (columns[c].right)
        printf("%*s", (int)fill, "");
    text_print(text);
    if (!columns[c].right)
        printf("%*s", (int)fill, "");
}

static void print_line(const size_t width[N_COLUMNS], const struct peer *p)
{
    const char *gap = "";
    char text[32];

    for (unsigned c = 0; c < N_COLUMNS; c++) {
        if (width[c] == 0)
            continue;
        fputs(gap, stdout);
        print_cell(p != NULL ? cell(text, p, c) : columns[c].title, width[c], c);
        gap = "  ";
    }
    putchar('\n');
}

void table_print(const struct peers *p)
{
    size_t width[N_COLUMNS];

    if (p->n == 0)
        return;
    measure(width, p);
    print_line(width, NULL);
    for (size_t i = 0; i < p->n; i++)
        print_line(width, &p->v[i]);
}

/* ---- JSON ------------------------------------------------------------------- */

static void put_time(struct json *j, const char *name, uint64_t ago_s, int64_t now_s)
{
    char text[TEXT_TIME];

    if (ago_s == PEER_NEVER)
        json_null(j, name);
    else
        json_text(j, name, text_time(text, now_s - (int64_t)ago_s));
}

/* What is separated by sep, as an array. */
static void put_list(struct json *j, const char *name, const char *text, const char *sep)
{
    json_array(j, name);
    while (*text != '\0') {
        const char *end = strstr(text, sep);
        size_t n = end != NULL ? (size_t)(end - text) : strlen(text);

        json_text_n(j, NULL, text, n);
        text += end != NULL ? n + strlen(sep) : n;
    }
    json_end_array(j);
}

void peer_print_json(const struct peer *p, int64_t now_s)
{
    struct json j = {.out = stdout, .compact = true};

    json_object(&j, NULL);
    json_text(&j, "name", p->name);
    json_text(&j, "identity", p->identity);
    json_text(&j, "address", p->address);
    json_number(&j, "port", p->port);
    put_list(&j, "inner", p->inner, ", ");
    json_text(&j, "state", p->state);
    json_bool(&j, "up", p->up);
    json_number(&j, "id", p->id);
    put_time(&j, "since", p->since_s, now_s);
    put_time(&j, "last-seen", p->seen_s, now_s);
    json_number(&j, "bytes-in", p->bytes_in);
    json_number(&j, "bytes-out", p->bytes_out);
    json_number(&j, "drops", p->drops);
    put_list(&j, "children", p->children, "\n");
    json_end_object(&j);
    json_finish(&j);
}
