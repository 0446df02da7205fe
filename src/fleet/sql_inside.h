/* What the two kinds of database share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_SQL_INSIDE_H
#define FLEET_SQL_INSIDE_H

#include "fleet/sql.h"

/* One kind of database. */
struct sql_kind {
    const char *key;   /* the type of a primary key that is a number */
    const char *begin; /* a transaction that writes */
    void (*close)(struct sql *db);
    enum sql_err (*run)(struct sql *db, const struct sql_call *call);
    enum sql_err (*script)(struct sql *db, const char *text);
    bool (*has_moved)(struct sql *db);                               /* NULL: cannot */
    const char *(*text)(const struct sql_row *row, unsigned column); /* NULL: is NULL */
    unsigned (*columns)(const struct sql_row *row);
};

struct sql {
    const struct sql_kind *kind;
    int64_t changed;
    struct problem why;
};

struct sql *sqlite_open(const char *path, enum sql_err *err, struct problem *why);
struct sql *postgres_open(const char *uri, enum sql_err *err, struct problem *why);

/* The first member of each kind's own. */
struct sql_row {
    const struct sql_kind *kind;
};

#endif
