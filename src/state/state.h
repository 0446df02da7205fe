/* What outlives a restart: leases and counters, in a database of the state directory.
 *
 * One batch of changes is gathered, handed to the writer, and done before the next begins; a
 * batch that could not be written is tried again until it can.  All calls come from the loop's
 * thread and none of them waits for the disk, but for state_open, state_settle and
 * state_close.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "fleet/pools.h"
#include "kit/problem.h"

struct state;

/* What is told of each row that is there. */
struct state_reader {
    void (*lease)(void *ctx, const struct pool_lease *lease); /* oldest first, online last */
    void (*counter)(void *ctx, const char *name, uint64_t value);
    void *ctx;
};

/* Opens or makes DIR/culvert.db, tells what is in it and starts the writer.  Never NULL: when
 * the disk is of no use for now, *told says why and what to do, and what was readable has been
 * told all the same.  *told is empty when all is well. */
struct state *state_open(const char *dir, const struct state_reader *r, struct problem *told);
/* Before the end: waits some seconds for the batch that was handed over.  False: the disk does
 * not take it. */
bool state_settle(struct state *s);
void state_close(struct state *s);

bool state_is_idle(const struct state *s); /* may a batch be gathered? */
bool state_has_room(const struct state *s);
void state_put_lease(struct state *s, const struct pool_lease *lease);
void state_forget_pool(struct state *s, const char *pool);
void state_put_counter(struct state *s, const char *name, uint64_t value);
bool state_write(struct state *s); /* hands the batch over; false: there is nothing in it */

/* Readable when there is news. */
int state_fd(const struct state *s);
struct state_news {
    bool failed;         /* first failure; told says why and what to do */
    bool mended;         /* after a failure: it is written now */
    bool renewed;        /* the database had to be made anew: all is to be written again */
    struct problem told; /* failed, renewed: why */
};
void state_hear(struct state *s, struct state_news *news);

#endif
