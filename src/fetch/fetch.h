/* Documents from URIs, by libcurl on a thread of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include <event2/event.h>
#include <sys/socket.h>

#include <culvert/types.h>

struct fetch;

enum { FETCH_ERROR_MAX = 160 };

/* The first member of whatever it is about.  Filled before it is given; uri and post stay as
 * they are until it comes back. */
struct fetch_job {
    const char *uri;
    struct cv_span post;    /* none: GET */
    const char *media_type; /* of post */
    size_t most;            /* octets of an answer; a longer one is a failure */
    uint32_t limit_ms;      /* for all of it; 0: as long as any may take */
    unsigned redirects;     /* that are followed */
    bool http_only;         /* neither https nor another scheme */
    bool file_too;          /* file: as well, of which only our own configuration may speak */
    /* May it be asked?  In the fetching thread; NULL: any address. */
    bool (*may_reach)(const struct fetch_job *job, const struct sockaddr *to);
    /* In the fetching thread, before the job comes back; NULL: nothing to do there. */
    void (*digest)(struct fetch_job *job);

    uint8_t *body; /* what came; freed with free() by whoever takes the job back */
    size_t n;
    char error[FETCH_ERROR_MAX]; /* empty: body is whole */

    void *transfer; /* the thread's */
    struct fetch_job *next;
};

/* Called in the loop, once for each job. */
typedef void fetch_finished(void *ctx, struct fetch_job *job);

/* NULL: the system gives no descriptor, or libcurl does not work. */
struct fetch *fetch_new(struct event_base *base, fetch_finished *finished, void *ctx);
/* Starts the thread, with the privileges that the caller has by now. */
bool fetch_start(struct fetch *f);
/* The job is fetch's until finished has it. */
void fetch_give(struct fetch *f, struct fetch_job *job);
/* Breaks off what is under way and ends the thread. */
void fetch_stop(struct fetch *f);
/* After that: the jobs that finished has not seen, one by one; NULL: no more. */
struct fetch_job *fetch_left(struct fetch *f);
void fetch_free(struct fetch *f);

#endif
