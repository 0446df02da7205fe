/* The thread that asks the registry and writes to it, so that the loop never waits.
 *
 * All calls are the loop's.  What comes back is told in the loop by the host's functions, in
 * the order in which the thread found it: who was let in is told before what changed later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ROSTER_CLERK_H
#define ROSTER_CLERK_H

#include <event2/event.h>

#include <culvert/types.h>

#include "fleet/registry_device.h"
#include "fleet/registry_event.h"

enum {
    CLERK_LINE_MAX = 4096,
    CLERK_SEEN_MAX = 2000,
    CLERK_EVENTS_MAX = 1000,
    CLERK_SECRET_MAX = 256
};

/* Who wants to come in; or, before it has proven itself, by what it does. */
struct clerk_question {
    uint32_t question, ike;
    bool secret; /* what is asked for is its shared secret, and nothing is watched */
    char identity[256];
    struct cv_addr_range v4, v6; /* a device without an address for good gets one of these;
                                    family 0: none */
};

struct clerk_answer {
    struct clerk_question about;
    enum registry_err err; /* REGISTRY_OK: device is there, whatever its state */
    struct device device;
    char secret[CLERK_SECRET_MAX]; /* REGISTRY_OK: where it was asked for; wiped behind answered
                                    */
};

struct clerk_host {
    struct event_base *base;
    /* With REGISTRY_OK the device is watched from now on, once for each answer, until
     * clerk_forget. */
    void (*answered)(void *ctx, const struct clerk_answer *a);
    /* Of a watched device; removed: it is no longer there. */
    void (*changed)(void *ctx, const struct device *d, bool removed);
    /* The registry is away, or back. */
    void (*turned)(void *ctx, bool away, const char *why);
    void *ctx;
};

struct clerk;

/* gateway: who writes; NULL: this host's name.  most: devices that are watched at one time.
 * NULL: no descriptor. */
struct clerk *clerk_new(const struct clerk_host *host, const char *uri, const char *gateway,
                        uint32_t most);
/* Starts the thread, with the privileges that the caller has by now. */
bool clerk_start(struct clerk *c);
/* What was handed over is written before, if that takes no more than some seconds. */
void clerk_free(struct clerk *c);

/* False: the line is full. */
bool clerk_ask(struct clerk *c, const struct clerk_question *q);
void clerk_forget(struct clerk *c, int64_t device);
bool clerk_is_away(struct clerk *c);

/* One batch at a time: gathered while the clerk is idle, then handed over.  What the registry
 * does not take for now is tried again. */
bool clerk_is_idle(struct clerk *c);
bool clerk_has_room(const struct clerk *c); /* for one of either */
void clerk_see(struct clerk *c, const struct device_seen *s);
void clerk_tell(struct clerk *c, const struct fleet_event *e);
void clerk_write(struct clerk *c);

#endif
