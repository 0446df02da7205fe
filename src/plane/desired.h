/* Rules, routes, addresses, links and tables as they should be, compared with what the kernel
 * says of them: whoever changes them, they are put right at once.
 *
 * The work is bounded.  News of what is not ours costs a look at it.  One of our routes that
 * went is put back by itself, a rule or an address with its few kin; all routes are compared
 * only when the device changed or news were lost, and then at most a twentieth of the time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_DESIRED_H
#define PLANE_DESIRED_H

#include <event2/event.h>

#include "linux/kernel/watch.h"
#include "plane/netconf.h"
#include "plane/shunts.h"

enum desired_kind {
    DESIRED_DEVICE, /* the TUN device itself */
    DESIRED_LINK,   /* up, with its MTU */
    DESIRED_ADDRESSES,
    DESIRED_RULES,
    DESIRED_ROUTES,
    DESIRED_GUARD,   /* the table that guards what leaves */
    DESIRED_INBOUND, /* the one that finds what comes in the clear */
    DESIRED_KINDS
};

const char *desired_name(enum desired_kind kind); /* as counters and the log call it */

struct desired_stats {
    uint64_t restored[DESIRED_KINDS]; /* rules, routes ... that were put back */
    uint64_t failed[DESIRED_KINDS];   /* times when that did not work */
    uint64_t news, lost;              /* messages heard; times when some were lost */
    uint64_t compared;                /* times when all routes were */
    uint64_t longest_us;              /* from a change heard to all as it should be */
};

struct desired {
    struct watch watch;
    struct event *events[2], *timer, *settle;
    struct desired_stats stats;
    unsigned failures;                 /* in a row */
    uint8_t amiss;                     /* bits of desired_kind */
    uint64_t heard_us;                 /* when the first of it was; 0: nothing is amiss */
    uint64_t next_us;                  /* not before then */
    uint64_t told_s[DESIRED_KINDS][2]; /* when the log last heard of it: mended, failed */
    uint64_t paths_us;                 /* when the host last heard of other ways out */
    bool settling;
    /* who is looked after; set before desired_start */
    struct netconf *net;
    struct shunts *shunts;
    struct guard *guard;
    const char *inbound; /* that table's name */
    struct desired_host {
        /* The device is gone: makes another, or says in why that it cannot. */
        bool (*remake)(void *ctx, struct problem *why);
        /* The table for what comes in is gone: writes it again. */
        bool (*rewrite)(void *ctx);
        /* This cannot be put right: nothing that needs it may count as up. */
        void (*give_up)(void *ctx, enum desired_kind kind, const char *why);
        /* Addresses, links or routes of others have changed: there may be another way out. */
        void (*paths)(void *ctx);
        void (*note)(void *ctx, const char *text);
        void *ctx;
    } host;
};

void desired_init(struct desired *d);
/* False: there is no hearing the kernel, and nothing will be put right by itself. */
bool desired_start(struct desired *d, struct event_base *base);
void desired_stop(struct desired *d);

/* Everything is compared now, whatever has been heard. */
void desired_check(struct desired *d);
/* This is known to be amiss. */
void desired_amiss(struct desired *d, enum desired_kind kind);

#endif
