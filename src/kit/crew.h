/* A few threads that do jobs in the order in which they come; what is finished comes back to
 * the loop.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_CREW_H
#define KIT_CREW_H

#include <event2/event.h>

#include <culvert/types.h>

struct crew;

/* The first member of whatever a job is about. */
struct job {
    void (*run)(struct job *job); /* in a thread of the crew */
    struct job *next;
};

/* finished is called in the loop, once for each job that was run.  NULL: no descriptor. */
struct crew *crew_new(struct event_base *base, void (*finished)(void *ctx, struct job *job),
                      void *ctx);
/* Starts threads, which have the privileges of the caller from then on and take no signals.
 * How many there are; 0 when the system gives none. */
unsigned crew_start(struct crew *c, unsigned threads);
/* The job is the crew's until finished has it. */
void crew_give(struct crew *c, struct job *job);
/* Jobs that were given and have not come back. */
unsigned crew_load(const struct crew *c);
/* Waits for the jobs that are being run, begins no other and ends the threads. */
void crew_stop(struct crew *c);
/* After that: the jobs that finished has not seen, one by one; NULL: no more. */
struct job *crew_left(struct crew *c);
void crew_free(struct crew *c);

#endif
