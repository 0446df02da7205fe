/* One dialect of SQL over SQLite and over PostgreSQL's protocol.
 *
 * The dialect is what SQLite, PostgreSQL, CockroachDB and YugabyteDB have in common: TEXT and
 * BIGINT, `$1` for values, ON CONFLICT, RETURNING.  Only `BIGKEY` is ours: the type of a
 * primary key that is a number.
 *
 * A connection belongs to one thread at a time.  Every call has an end: a database that does
 * not answer within SQL_PATIENCE_MS is away.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_SQL_H
#define FLEET_SQL_H

#include <stdint.h>

#include "kit/problem.h"

enum { SQL_PATIENCE_MS = 5000, SQL_VALUES_MAX = 24 };

enum sql_err {
    SQL_OK,
    SQL_AGAIN,   /* another writer was quicker: the transaction is to be made anew */
    SQL_EXISTS,  /* a row that is unique is there */
    SQL_AWAY,    /* it cannot be reached for now */
    SQL_FULL,    /* its disk */
    SQL_DAMAGED, /* it is no database, or a broken one */
    SQL_FAILED,  /* anything else */
};

struct sql;
struct sql_row;

/* A value of a statement: text, a number, or NULL. */
struct sql_value {
    enum { SQL_IS_TEXT, SQL_IS_NUMBER, SQL_IS_NULL } kind;
    const char *text;
    int64_t number;
};
#define SQL_T(t) ((struct sql_value){.kind = SQL_IS_TEXT, .text = (t)})
#define SQL_N(n) ((struct sql_value){.kind = SQL_IS_NUMBER, .number = (int64_t)(n)})
/* NULL where the text is empty: such a value may occur more than once where it is unique. */
#define SQL_T_OR_NULL(t)                                                                       \
    ((struct sql_value){.kind = *(t) != '\0' ? SQL_IS_TEXT : SQL_IS_NULL, .text = (t)})

/* uri: a path, or postgresql://...  NULL: why says what is wrong, *err which kind that is. */
struct sql *sql_open(const char *uri, enum sql_err *err, struct problem *why);
void sql_close(struct sql *db);
bool sql_is_file(const char *uri); /* else it is a server's */
/* Is another file in the place of the one that was opened, or none? */
bool sql_has_moved(struct sql *db);
/* The same without a password, for people. */
void sql_name(const char *uri, char *out, size_t n);

/* After anything but SQL_OK the whole transaction has failed, and sql_undo is to follow. */
enum sql_err sql_begin(struct sql *db);
enum sql_err sql_commit(struct sql *db);
void sql_undo(struct sql *db);

typedef void sql_each(void *ctx, const struct sql_row *row);

/* A statement with its values.  each (or NULL) is called for each row; it makes no other call
 * of db. */
struct sql_call {
    const char *text; /* lives as long as db: it is prepared once; else see once */
    const struct sql_value *v;
    unsigned n;
    bool once;   /* text has been put together: nothing is kept of it */
    bool stream; /* of very many rows, a few at a time are in memory */
    sql_each *each;
    void *ctx;
};
enum sql_err sql_run(struct sql *db, const struct sql_call *call);
/* Several statements without values, such as a schema; BIGKEY is put in. */
enum sql_err sql_script(struct sql *db, const char *text);
int64_t sql_changed(const struct sql *db); /* rows that the last statement has written */

/* Columns from 0.  NULL is "" and 0.  Text is valid within each. */
const char *sql_text(const struct sql_row *row, unsigned column);
int64_t sql_number(const struct sql_row *row, unsigned column);

bool sql_is_null(const struct sql_row *row, unsigned column);
unsigned sql_columns(const struct sql_row *row);

/* Copies a file's database into another file, made if it is not there, while others have either
 * open. */
enum sql_err sql_copy_file(const char *from, const char *to, struct problem *why);

/* What went wrong last, in words. */
const char *sql_why(const struct sql *db);

#endif
