/* Owns the syntax of strongswan.conf files: text becomes a tree, or an error with file and
 * line.
 *
 *     file    := (section | value | include)*
 *     section := NAME [":" NAME ("," NAME)*] "{" file "}"
 *     value   := NAME "=" (word | string)* end of line, "}" or "#"
 *     include := "include" PATTERN
 *
 * Everything is bounded: octets of a file, depth of sections, of includes, nodes in all.
 * What `name : base` means is in tree_refs.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kit/mem.h"
#include "kit/tree.h"
#include "kit/tree_refs.h"

enum {
    FILE_MAX = 64 * 1024 * 1024, /* octets */
    DEPTH_MAX = 16,              /* sections in sections */
    INCLUDE_MAX = 10             /* files including files */
};

/* One text being read.  base is the section it belongs to, cur the innermost open one. */
struct source {
    const char *p, *end;
    const char *file; /* interned */
    int line;
    struct node *base, *cur;
    unsigned depth, includes;
};

struct reader {
    struct node *root;
    struct tree_refs refs;
    struct problem *why; /* the error at hand */
    struct problems *found;
    bool over; /* files include each other without end: nothing more is read */
};

static bool read_into(struct reader *r, const char *path, struct node *base, unsigned depth,
                      unsigned includes);

/* ---- characters ------------------------------------------------------------- */

/* A growing text, for values in pieces; wiped, since it may be a secret. */
struct text {
    char *p;
    size_t n, cap;
};

static void text_put(struct text *t, char c)
{
    if (t->n + 1 >= t->cap) {
        size_t cap = t->cap > 0 ? t->cap * 2 : 64;
        char *p = mem_new(cap, 1);

        if (t->p != NULL) {
            memcpy(p, t->p, t->n);
            wipe(t->p, t->n);
        }
        free(t->p);
        t->p = p;
        t->cap = cap;
    }
    t->p[t->n++] = c;
}

static void text_free(struct text *t)
{
    if (t->p != NULL)
        wipe(t->p, t->n);
    free(t->p);
}

static int peek(const struct source *s)
{
    return s->p < s->end ? (unsigned char)*s->p : EOF;
}

static int take(struct source *s)
{
    int c = peek(s);

    if (c != EOF)
        s->p++;
    if (c == '\n')
        s->line++;
    return c;
}

/* After an error from which nothing can be told about what follows. */
static void give_up(struct source *s)
{
    s->p = s->end;
    s->cur = s->base;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_value(int c)
{
    return c == EOF || c == '\n' || c == '}' || c == '#';
}

static bool is_name_char(int c)
{
    return c != EOF && !is_blank(c) && strchr("\n#{}=:,\"", c) == NULL;
}

static void skip_blanks(struct source *s)
{
    while (is_blank(peek(s)))
        take(s);
}

/* Blanks, line ends and comments. */
static void skip_space(struct source *s)
{
    for (;;) {
        skip_blanks(s);
        if (peek(s) == '#')
            while (peek(s) != EOF && peek(s) != '\n')
                take(s);
        if (peek(s) != '\n')
            return;
        take(s);
    }
}

static char *take_name(struct source *s)
{
    const char *from = s->p;

    while (is_name_char(peek(s)))
        take(s);
    return mem_text_n(from, (size_t)(s->p - from));
}

/* ---- values ----------------------------------------------------------------- */

/* The rest of a string after its opening quote. */
static bool take_string(struct reader *r, struct source *s, struct text *out)
{
    int opened = s->line;

    for (;;) {
        int c = take(s);

        if (c == '"')
            return true;
        if (c == '\\') {
            c = take(s);
            if (c == '\r' && peek(s) == '\n')
                c = take(s);
            if (c == '\n')
                continue; /* the string goes on in the next line */
            if (c != EOF)
                c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        if (c == EOF) {
            give_up(s);
            return problem_in(r->why, s->file, opened, "string is not closed with '\"'");
        }
        text_put(out, (char)c);
    }
}

/* Words and strings up to the end of the line, with one space between them. */
static bool take_value(struct reader *r, struct source *s, struct text *out)
{
    for (;;) {
        skip_blanks(s);
        if (ends_value(peek(s)))
            return true;
        if (out->n > 0)
            text_put(out, ' ');
        if (peek(s) == '"') {
            take(s);
            if (!take_string(r, s, out))
                return false;
            continue;
        }
        while (!ends_value(peek(s)) && !is_blank(peek(s)) && peek(s) != '"')
            text_put(out, (char)take(s));
    }
}

static bool read_value(struct reader *r, struct source *s, const char *name)
{
    struct node *n = tree_find(s->cur, name);
    struct text value = {0};
    int line = s->line;
    bool ok = take_value(r, s, &value);

    if (ok && n != NULL && n->kind == NODE_SECTION)
        ok = problem_in(r->why, s->file, line,
                        "'%s' is a section in line %d already, not a key", name, n->line);
    if (ok) {
        if (n == NULL)
            n = tree_add_bytes(s->cur, name, "", 0);
        tree_set_value(n, value.p, value.n);
        n->file = s->file;
        n->line = line;
    }
    text_free(&value);
    return ok;
}

/* ---- sections --------------------------------------------------------------- */

/* The bases of a section, after its ':' and up to its '{'. */
static bool read_refs(struct reader *r, struct source *s, struct node *section)
{
    do {
        char *target;

        take(s);
        skip_space(s);
        target = take_name(s);
        if (target[0] == '\0') {
            free(target);
            give_up(s);
            return problem_in(r->why, s->file, s->line,
                              "expected the name of a section that '%s' is based on",
                              section->name);
        }
        tree_refs_add(&r->refs, section, target, s->file, s->line);
        skip_space(s);
    } while (peek(s) == ',');
    return true;
}

static bool open_section(struct reader *r, struct source *s, const char *name, int line)
{
    struct node *n = tree_find(s->cur, name);

    if (n != NULL && n->kind != NODE_SECTION) {
        problem_in(r->why, s->file, line, "'%s' is a key in line %d already, not a section",
                   name, n->line);
        problems_error(r->found, r->why);
        n = NULL; /* what is inside is read all the same */
    }
    if (s->depth >= DEPTH_MAX) {
        give_up(s);
        return problem_in(r->why, s->file, line, "more than %d sections inside each other",
                          DEPTH_MAX);
    }
    if (n == NULL) {
        n = tree_add_section(s->cur, name);
        n->file = s->file;
        n->line = line;
    }
    if (peek(s) == ':' && !read_refs(r, s, n))
        return false;
    if (peek(s) != '{') {
        give_up(s);
        return problem_in(r->why, s->file, s->line, "expected '{' to begin section '%s'", name);
    }
    take(s);
    s->cur = n;
    s->depth++;
    return true;
}

/* ---- includes --------------------------------------------------------------- */

static bool take_pattern(struct reader *r, struct source *s, struct text *out)
{
    skip_blanks(s);
    while (!ends_value(peek(s)) && !is_blank(peek(s))) {
        int c = take(s);

        if (c == '"') {
            if (!take_string(r, s, out))
                return false;
            continue;
        }
        if (c == '\\' && peek(s) != EOF && strchr("\"#} ", peek(s)) != NULL)
            c = take(s);
        text_put(out, (char)c);
    }
    text_put(out, '\0');
    return true;
}

/* A relative pattern is meant from the directory of the file that includes. */
static char *resolve_pattern(const char *file, const char *pattern)
{
    const char *slash = strrchr(file, '/');
    size_t dir = slash != NULL ? (size_t)(slash - file) + 1 : 0;
    char *path;

    if (pattern[0] == '/')
        return mem_text(pattern);
    path = mem_new(dir + strlen(pattern) + 1, 1);
    memcpy(path, file, dir);
    strcpy(path + dir, pattern);
    return path;
}

static bool include_matches(struct reader *r, struct source *s, const char *path)
{
    glob_t found;
    bool ok = true;
    int err = glob(path, 0, NULL, &found);

    if (err == GLOB_NOMATCH && strpbrk(path, "*?[") != NULL)
        return true; /* an empty conf.d is not an error */
    if (err == GLOB_NOMATCH)
        return problem_in(r->why, s->file, s->line, "cannot include '%s': no such file", path);
    if (err != 0)
        return problem_in(r->why, s->file, s->line, "cannot include '%s': cannot list it",
                          path);
    for (size_t i = 0; i < found.gl_pathc && !r->over; i++)
        ok = read_into(r, found.gl_pathv[i], s->cur, s->depth, s->includes + 1) && ok;
    globfree(&found);
    return ok;
}

static bool read_include(struct reader *r, struct source *s)
{
    struct text pattern = {0};
    bool ok = take_pattern(r, s, &pattern);

    if (ok && pattern.p[0] == '\0')
        ok = problem_in(r->why, s->file, s->line, "expected a file name after 'include'");
    if (ok && s->includes >= INCLUDE_MAX) {
        r->over = true;
        ok = problem_in(r->why, s->file, s->line,
                        "files include each other more than %d levels deep", INCLUDE_MAX);
    }
    if (ok) {
        char *path = resolve_pattern(s->file, pattern.p);

        ok = include_matches(r, s, path);
        free(path);
    }
    text_free(&pattern);
    return ok;
}

/* ---- files ------------------------------------------------------------------ */

/* What follows a name: "= value", "{" or ": base {"; "include" is a name like others when '='
 * or '{' follows. */
static bool read_statement(struct reader *r, struct source *s)
{
    int line = s->line;
    char *name = take_name(s);
    bool ok, blank = is_blank(peek(s));

    skip_blanks(s);
    if (name[0] == '\0') {
        ok = problem_in(r->why, s->file, line, "expected a name, not '%c'", peek(s));
    } else if (peek(s) == '=') {
        take(s);
        ok = read_value(r, s, name);
    } else if (blank && strcmp(name, "include") == 0 && peek(s) != '{' && peek(s) != ':') {
        ok = read_include(r, s);
    } else {
        skip_space(s);
        if (peek(s) == '{' || peek(s) == ':')
            ok = open_section(r, s, name, line);
        else
            ok = problem_in(r->why, s->file, line, "expected '=' or '{' after '%s'", name);
    }
    free(name);
    return ok;
}

/* The reader goes on after an error in the next line, so that all of them are found at once;
 * the tree is of no use then. */
static void skip_line(struct reader *r, struct source *s)
{
    problems_error(r->found, r->why);
    while (peek(s) != EOF && peek(s) != '\n')
        take(s);
}

/* Windows' editors begin a file so. */
static void skip_byte_order_mark(struct source *s)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (s->end - s->p >= 3 && memcmp(s->p, mark, 3) == 0)
        s->p += 3;
}

static void close_section(struct reader *r, struct source *s)
{
    if (s->cur == s->base) {
        problem_in(r->why, s->file, s->line, "'}' closes no section");
        problems_error(r->found, r->why);
        take(s);
        return;
    }
    take(s);
    s->cur = s->cur->parent;
    s->depth--;
}

static bool read_source(struct reader *r, struct source *s)
{
    const unsigned before = r->found->errors;

    skip_byte_order_mark(s);
    if (memchr(s->p, '\0', (size_t)(s->end - s->p)) != NULL) {
        problem_in(r->why, s->file, 1, "not a text file");
        return problems_error(r->found, r->why);
    }
    for (;;) {
        skip_space(s);
        if (r->over)
            give_up(s);
        if (peek(s) == EOF)
            break;
        if (peek(s) == '}')
            close_section(r, s);
        else if (!read_statement(r, s))
            skip_line(r, s);
    }
    if (s->cur != s->base) {
        problem_in(r->why, s->file, s->line, "section '%s' of line %d is not closed",
                   s->cur->name, s->cur->line);
        problems_error(r->found, r->why);
    }
    return r->found->errors == before;
}

/* The file's text, to be wiped and freed by the caller; NULL with errno set. */
static char *load(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t cap = 0, got;

    if (f == NULL)
        return NULL;
    *n = 0;
    do {
        text = mem_grow(text, &cap, *n + 65536, 1);
        got = fread(text + *n, 1, cap - *n, f);
        *n += got;
    } while (got > 0 && *n <= FILE_MAX);
    if (ferror(f) || *n > FILE_MAX) {
        int err = ferror(f) ? errno : EFBIG;

        wipe(text, *n);
        free(text);
        text = NULL;
        errno = err;
    }
    fclose(f);
    return text;
}

/* Reads a file into a section.  Calls itself through include, at most INCLUDE_MAX deep. */
static bool read_into(struct reader *r, const char *path, struct node *base, unsigned depth,
                      unsigned includes)
{
    const char *file = tree_intern(r->root, path);
    size_t n;
    char *text = load(path, &n);
    bool ok;

    if (text == NULL) {
        problem_set(r->why, "%s: cannot read: %s", path, strerror(errno));
        return problems_error(r->found, r->why);
    }
    struct source s = {.p = text,
                       .end = text + n,
                       .file = file,
                       .line = 1,
                       .base = base,
                       .cur = base,
                       .depth = depth,
                       .includes = includes};
    ok = read_source(r, &s);
    wipe(text, n);
    free(text);
    return ok;
}

static struct node *finish(struct reader *r, bool ok)
{
    ok = ok && tree_refs_follow(&r->refs, r->root, r->found);
    tree_refs_free(&r->refs);
    if (ok)
        return r->root;
    tree_free(r->root);
    return NULL;
}

struct node *tree_read_file(const char *path, struct problems *found)
{
    struct problem why = {.text = ""};
    struct reader r = {.root = tree_new(), .why = &why, .found = found};

    return finish(&r, read_into(&r, path, r.root, 0, 0));
}

struct node *tree_read_text(const char *text, size_t n, const char *name,
                            struct problems *found)
{
    struct problem why = {.text = ""};
    struct reader r = {.root = tree_new(), .why = &why, .found = found};
    struct source s = {.p = text,
                       .end = text + n,
                       .file = tree_intern(r.root, name),
                       .line = 1,
                       .base = r.root,
                       .cur = r.root};

    return finish(&r, read_source(&r, &s));
}
