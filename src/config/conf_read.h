/* Reading one section by a table of its keys.
 *
 * A table says which keys there are, how each value is read and where it goes; what is not in
 * the table is an error that names the nearest known key.  Each take function reads one value
 * into the field that the table names, and reports with problem_at; reading goes on with the
 * next key, so that all errors are found in one go.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_CONF_READ_H
#define CONFIG_CONF_READ_H

#include <stdint.h>

#include "config/config.h"
#include "kit/mem.h"

#define CONF_UNSET UINT64_MAX /* a time, size or count that was not given */

/* What reading goes on with. */
struct conf_reader {
    struct mem *mem; /* where lists and texts go */
    struct creds *creds;
    const char *dir;     /* of the file, for certificates and keys; NULL: they come as octets */
    struct problem *why; /* the error at hand */
    struct problems *found; /* all of them, and what is only warned of */
    /* a whole file only */
    const struct node *secrets; /* its secrets section, or NULL */
    struct node *strongswan;    /* what strongswan.conf has, or NULL */
};

typedef bool conf_take(struct conf_reader *r, const struct node *n, void *field,
                       const void *arg);

struct conf_key {
    const char *name;
    conf_take *take;
    size_t at; /* offset of the field */
    const void *arg;
};

/* The sections inside: by name, or "name*" for all that begin so.  A key named "#" is every
 * number. */
struct conf_table {
    const struct conf_key *keys;
    size_t n_keys;
    const char *const *sections;            /* NULL at the end */
    const struct conf_elsewhere *elsewhere; /* keys that people put here by mistake */
};

struct conf_elsewhere {
    const struct conf_table *table; /* NULL at the end */
    const char *where;              /* "children { NAME { } }" */
};

/* Notes the error at hand, if it is not noted yet, so that reading can go on and the next one
 * is found as well.  Returns false. */
bool conf_error(struct conf_reader *r);
/* Notes what problem_set or problem_at has put into r->why as a warning. */
void conf_warning(struct conf_reader *r);

/* Fills out from the section's keys.  Sections inside are only checked for their names.  False:
 * there were errors, all of which are noted. */
CV_MUST_USE bool conf_read(struct conf_reader *r, const struct node *section,
                           const struct conf_table *table, void *out);

/* Fills out from those of the section's keys that the table has, and leaves all else alone: the
 * section is somebody else's.  A value that cannot be read is warned of and left out. */
void conf_read_known(struct conf_reader *r, const struct node *section,
                     const struct conf_table *table, void *out);

/* Does a name fit "name", "name*", or "#", which is any number? */
bool conf_fits(const char *pattern, const char *name);

struct conf_texts {
    char **v;
    unsigned n;
};

struct conf_range {
    uint64_t min, max;
};

struct conf_choice {
    const char *word; /* NULL at the end */
    uint8_t value;
};

/* The value of a word; a wrong one is an error that lists them. */
CV_MUST_USE bool conf_choose(struct conf_reader *r, const struct node *n, const char *word,
                             const struct conf_choice *choices, uint8_t *out);

conf_take take_bool;   /* bool */
conf_take take_number; /* uint32_t; arg: struct conf_range or NULL */
conf_take take_port;   /* uint16_t */
conf_take take_time;   /* uint64_t seconds: "90", "1h 30m" */
conf_take take_bytes;  /* uint64_t: "500M" */
conf_take take_count;  /* uint64_t */
conf_take take_choice; /* uint8_t; arg: array of struct conf_choice */
conf_take take_text;   /* const char * */
conf_take take_texts;  /* struct conf_texts: a list, or values with commas between */
conf_take take_node;   /* const struct node *: read later */

/* strongSwan's keys that we lack: accepted while they say what we do anyway. */
conf_take take_only;    /* arg: array of words, NULL at the end; the first is the default */
conf_take take_foreign; /* never accepted */
conf_take
    take_idle; /* struct conf_idle: whatever is asked for, leaving it undone harms nobody */

struct conf_idle {
    const char *const
        *same;       /* words that ask for what happens anyway, NULL at the end; or NULL */
    const char *why; /* of the warning that the others earn */
};

/* Common args of take_only. */
extern const char *const conf_only_no[], *const conf_only_yes[], *const conf_only_zero[];

/* The whole text of a value that is text; NULL with the problem filled for a list of several
 * or octets that are not text. */
const char *conf_text(struct conf_reader *r, const struct node *n);

#endif
