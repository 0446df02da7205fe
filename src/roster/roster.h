/* The fleet on the loop: whom of the registry's devices the engine lets in, with which address,
 * and what becomes of those that are connected when somebody changes the registry.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ROSTER_ROSTER_H
#define ROSTER_ROSTER_H

#include <event2/event.h>

#include "ask/ask.h"
#include "creds/creds.h"
#include "fleet/pools.h"
#include "fleet/registry_event.h"

struct roster;

struct roster_host {
    struct event_base *base;
    struct cv_engine *engine;
    struct ask *ask;
    struct pools *pools;
    struct creds *creds;     /* their secrets go before the registry's */
    void (*pump)(void *ctx); /* after what came by itself */
    void (*note)(void *ctx, int level, uint32_t ike, const char *text);
    void (*event)(void *ctx, const struct fleet_event *e); /* hears of each */
    void *ctx;
};

/* uri: the registry.  gateway: this one's name there, NULL: the host's.  most: IKE SAs.  NULL:
 * the system gives no descriptor. */
struct roster *roster_new(const struct roster_host *host, const char *uri, const char *gateway,
                          uint32_t most);
/* Starts the thread that talks to the registry, with the privileges that the caller has by now.
 */
bool roster_start(struct roster *r);
/* Before the engine and ask go. */
void roster_free(struct roster *r);

/* An event of the engine; its SAs still answer. */
void roster_event(struct roster *r, const struct cv_effect *fx);

struct roster_stats {
    uint32_t devices; /* connected, or on their way */
    uint64_t admitted, refused;
    uint64_t unasked;     /* let in as known while the registry was away */
    uint64_t events_lost; /* that could not be written for too long */
    bool away;
};
void roster_get_stats(struct roster *r, struct roster_stats *out);

#endif
