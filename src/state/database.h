/* The tables in the state directory's database.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STATE_DATABASE_H
#define STATE_DATABASE_H

#include <sqlite3.h>

#include "state/state.h"

enum { DATABASE_OPS_MAX = 256 }; /* in one transaction: the loop gathers them at one go */

enum state_op_kind { OP_FORGET_POOL, OP_LEASE, OP_COUNTER };

struct state_op {
    enum state_op_kind kind;
    char *name; /* the pool's or the counter's */
    struct pool_lease lease;
    uint64_t value;
};

struct database {
    sqlite3 *db; /* NULL: to be opened */
    char *path;
};

enum database_result {
    DATABASE_OK,
    DATABASE_FAILED,  /* for now; the problem says why, and the database is closed */
    DATABASE_DAMAGED, /* put it aside */
};

/* Opens the file for writing, making it or its tables where they are missing; *made says that
 * it was empty. */
enum database_result database_open(struct database *d, bool *made, struct problem *why);
void database_close(struct database *d);
/* Tells all rows. */
enum database_result database_read(struct database *d, const struct state_reader *r,
                                   struct problem *why);
/* The same of a file that cannot be opened for writing, as far as it can be read. */
void database_read_only(const char *path, const struct state_reader *r);
/* All of them or none. */
enum database_result database_write(struct database *d, const struct state_op *ops, size_t n,
                                    struct problem *why);
/* Renames what is there, so that a new one can be made.  False: that failed, too. */
bool database_put_aside(struct database *d, struct problem *why);
/* Is the file still the one that was opened? */
bool database_is_there(struct database *d);

#endif
