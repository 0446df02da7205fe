/* Owns the reading of JSON that others send.  Invariant: it never goes deeper than its limit,
 * makes no more nodes than its limit, and no text with a NUL.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/json_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/span.h"
#include "kit/mem.h"

enum { TEXT_MAX = 8192 };

struct reading {
    struct rd r;
    size_t all;
    struct node *at; /* the object or list that is being filled */
    unsigned depth, n_values;
    const char *wrong; /* NULL: nothing */
    char text[TEXT_MAX], name[TEXT_MAX];
};

static bool fail(struct reading *j, const char *what)
{
    if (j->wrong == NULL)
        j->wrong = what;
    return false;
}

static int peek(const struct reading *j)
{
    return j->r.n > 0 ? j->r.p[0] : -1;
}

static void skip_blanks(struct reading *j)
{
    while (peek(j) == ' ' || peek(j) == '\t' || peek(j) == '\n' || peek(j) == '\r')
        rd_u8(&j->r);
}

static bool take(struct reading *j, int c)
{
    skip_blanks(j);
    if (peek(j) != c)
        return false;
    rd_u8(&j->r);
    return true;
}

/* ---- texts ------------------------------------------------------------------ */

static bool put_utf8(char *out, size_t *n, uint32_t c)
{
    static const uint8_t lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    const unsigned len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    if (*n + len >= TEXT_MAX)
        return false;
    for (unsigned i = len; i > 1; i--, c >>= 6)
        out[*n + i - 1] = (char)(0x80 | (c & 0x3f));
    out[*n] = (char)(lead[len] | c);
    *n += len;
    return true;
}

static bool read_hex(struct reading *j, uint32_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < 4; i++) {
        const int c = rd_u8(&j->r);
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;

        if (digit < 0)
            return fail(j, "\\u is followed by four hexadecimal digits");
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

static bool read_unicode(struct reading *j, uint32_t *c)
{
    uint32_t low;

    if (!read_hex(j, c))
        return false;
    if (*c == 0 || (*c >= 0xdc00 && *c < 0xe000))
        return fail(j, "there is no such character");
    if (*c < 0xd800 || *c >= 0xe000)
        return true;
    if (rd_u8(&j->r) != '\\' || rd_u8(&j->r) != 'u' || !read_hex(j, &low) || low < 0xdc00 ||
        low >= 0xe000)
        return fail(j, "half of a surrogate pair is missing");
    *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static bool read_escape(struct reading *j, uint32_t *c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const uint8_t letter = rd_u8(&j->r);
    const char *at = letter != 0 ? strchr(from, letter) : NULL;

    if (letter == 'u')
        return read_unicode(j, c);
    if (at == NULL)
        return fail(j, "there is no such escape");
    *c = (uint8_t)to[at - from];
    return true;
}

/* The opening quote has been read. */
static bool read_text(struct reading *j, char out[TEXT_MAX])
{
    size_t n = 0;

    for (;;) {
        uint32_t c = rd_u8(&j->r);

        if (!rd_ok(&j->r))
            return fail(j, "a text has no end");
        if (c == '"')
            break;
        if (c < 0x20)
            return fail(j, "a control character in a text");
        if (c >= 0x80) { /* UTF-8 goes through as it is; those who write it check it */
            if (n + 1 >= TEXT_MAX)
                return fail(j, "a text is too long");
            out[n++] = (char)c;
            continue;
        }
        if (c == '\\' && !read_escape(j, &c))
            return false;
        if (!put_utf8(out, &n, c))
            return fail(j, "a text is too long");
    }
    out[n] = '\0';
    return true;
}

/* true, false, null or a number. */
static bool read_word(struct reading *j)
{
    size_t n = 0;

    while (n + 1 < TEXT_MAX && peek(j) > 0 &&
           strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", peek(j)))
        j->text[n++] = (char)rd_u8(&j->r);
    j->text[n] = '\0';
    if (strcmp(j->text, "null") == 0)
        j->text[0] = '\0';
    else if (strcmp(j->text, "true") != 0 && strcmp(j->text, "false") != 0 &&
             (n == 0 || n > 32 || strspn(j->text, "+-.0123456789eE") != n ||
              strchr("-0123456789", j->text[0]) == NULL))
        return fail(j, "expected a value");
    return true;
}

/* ---- objects and lists ------------------------------------------------------ */

static bool open_inside(struct reading *j, struct node *inside)
{
    if (++j->depth > JSON_READ_DEPTH)
        return fail(j, "too many objects inside others");
    j->at = inside;
    return true;
}

/* A member of the object j->at, or an item of the list. */
static bool read_value(struct reading *j, const char *name)
{
    if (++j->n_values > JSON_READ_VALUES)
        return fail(j, "too many values");
    if (name == NULL && (peek(j) == '{' || peek(j) == '['))
        return fail(j, "a list holds values, not objects or lists");
    if (take(j, '{'))
        return open_inside(j, tree_add_section(j->at, name));
    if (take(j, '['))
        return open_inside(j, tree_add_list(j->at, name));
    if (take(j, '"') ? !read_text(j, j->text) : !read_word(j))
        return false;
    if (name != NULL)
        tree_add_value(j->at, name, j->text);
    else
        tree_add_item(j->at, j->text);
    return true;
}

static bool read_member(struct reading *j)
{
    if (!take(j, '"'))
        return fail(j, "expected a name in quotes");
    if (!read_text(j, j->name))
        return false;
    if (tree_find(j->at, j->name) != NULL)
        return fail(j, "a name occurs twice");
    if (!take(j, ':'))
        return fail(j, "expected ':' behind the name");
    skip_blanks(j);
    return read_value(j, j->name);
}

/* What follows a value, up to the next one: false at the end of all, or when it is wrong. */
static bool close_some(struct reading *j, const struct node *root)
{
    for (;;) {
        const int end = j->at->kind == NODE_LIST ? ']' : '}';

        if (take(j, ','))
            return j->at->first != NULL || fail(j, "nothing before ','");
        if (!take(j, end))
            return fail(j, end == ']' ? "expected ',' or ']'" : "expected ',' or '}'");
        j->depth--;
        if (j->at == root)
            return false;
        j->at = j->at->parent;
    }
}

/* What has just been opened may be empty. */
static bool goes_on(struct reading *j, const struct node *root)
{
    skip_blanks(j);
    if (j->at->first == NULL && peek(j) != (j->at->kind == NODE_LIST ? ']' : '}'))
        return true;
    return close_some(j, root);
}

static void read_all(struct reading *j, struct node *root)
{
    if (!take(j, '{')) {
        fail(j, "expected an object");
        return;
    }
    j->depth = 1;
    while (j->wrong == NULL && goes_on(j, root)) {
        skip_blanks(j);
        if (!(j->at->kind == NODE_LIST ? read_value(j, NULL) : read_member(j)))
            return;
    }
    skip_blanks(j);
    if (j->wrong == NULL && rd_left(&j->r) > 0)
        fail(j, "something follows the object");
}

struct node *json_read(struct cv_span text, struct problem *why)
{
    struct reading *j = mem_new(1, sizeof(*j));
    struct node *root = tree_new();

    j->r = rd_init(text);
    j->at = root;
    read_all(j, root);
    if (j->wrong != NULL) {
        problem_set(why, "JSON: %s, at octet %zu", j->wrong, text.n - rd_left(&j->r));
        tree_free(root);
        root = NULL;
    }
    wipe(j, sizeof(*j));
    free(j);
    return root;
}
