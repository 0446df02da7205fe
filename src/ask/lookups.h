/* What verdicts wait for: documents about the status of certificates, each fetched once for all
 * who wait for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASK_LOOKUPS_H
#define ASK_LOOKUPS_H

#include <event2/event.h>

#include "creds/creds.h"

struct lookups;

/* The first member of whatever waits. */
struct lookup_waiter {
    struct lookup_waiter *next;
};

struct lookups_host {
    struct event_base *base;
    /* The document is there, or a failure is known: w can be asked again. */
    void (*ready)(void *ctx, struct lookup_waiter *w);
    void (*rest)(void *ctx); /* after all who waited for one document */
    void (*note)(void *ctx, int level, const char *text);
    void *ctx;
    int64_t (*unix_s)(void);
    uint32_t limit_ms; /* for one document */
};

/* NULL: the system gives no descriptor. */
struct lookups *lookups_new(const struct lookups_host *host);
bool lookups_start(struct lookups *l);
/* Takes want over.  False: too many are under way, with its server or in all; w does not wait,
 * and why says so. */
bool lookups_wait(struct lookups *l, struct lookup *want, struct lookup_waiter *w,
                  const char **why);
/* Breaks off what is under way; those who wait come out one by one. */
void lookups_stop(struct lookups *l);
struct lookup_waiter *lookups_left(struct lookups *l);
void lookups_free(struct lookups *l);

#endif
