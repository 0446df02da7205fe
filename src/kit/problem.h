/* Clear messages for people: what was wrong, where, what was expected; one, or all of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_PROBLEM_H
#define KIT_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

struct node;

/* "FILE:LINE: path.to.key: what", and where its parts begin.  Empty: nothing wrong. */
struct problem {
    char text[512];
    int line;                      /* 0: not of a file */
    size_t file_n;                 /* octets of the file's name, which comes first */
    size_t key_at, key_n, what_at; /* key_n 0: of no key */
    bool unsupported;              /* no slip: right, and nothing that we can do */
};

/* Formats the text; returns false so that callers can `return problem_set(...)`. */
bool problem_set(struct problem *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, preceded by "FILE:LINE: path.to.key: " of the node where it is known. */
bool problem_at(struct problem *p, const struct node *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, preceded by "FILE:LINE: "; for what has no node yet. */
bool problem_in(struct problem *p, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same as problem_at, about something that is written rightly and that we cannot do. */
bool problem_unsupported(struct problem *p, const struct node *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- all of them ------------------------------------------------------------ */

enum { PROBLEMS_MAX = 1000 }; /* that are kept, and the first error; others are counted */

struct finding {
    bool is_error; /* else a warning */
    struct problem problem;
};

/* What was found, in that order.  {0} is nothing. */
struct problems {
    struct finding *v;
    size_t n, cap;
    unsigned errors, warnings; /* in all */
    unsigned unsupported;      /* errors among them that are no slips */
};

/* Adds what p says, and empties it; nothing when it says nothing: what was reported once is
 * not reported again by those who called.  Returns false. */
bool problems_error(struct problems *all, struct problem *p);
void problems_warning(struct problems *all, struct problem *p);
/* The first error; NULL when there is none. */
const struct problem *problems_first_error(const struct problems *all);
void problems_free(struct problems *all); /* leaves {0} */

#endif
