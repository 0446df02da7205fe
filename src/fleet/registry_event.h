/* What happened: one list for gateways, enrolment and operators.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_EVENT_H
#define FLEET_REGISTRY_EVENT_H

#include "fleet/registry.h"

/* As syslog has them (RFC 5424 section 6.2.1), those that are used: worse is higher here. */
enum event_severity { EVENT_INFO, EVENT_NOTICE, EVENT_WARNING, EVENT_ALARM, EVENT_SEVERITIES };
const char *event_severity_name(enum event_severity s); /* "info" */
bool event_severity_of(const char *name, enum event_severity *out);
int event_severity_syslog(enum event_severity s); /* 6, 5, 4, 1 */

/* kind is a word or two with a dash: "up", "down", "refused", "tamper", "suspended",
 * "wrong-codes".  The registry fills in seq, at_ms (where 0), gateway (where ""), and from the
 * device its name and tenant. */
struct fleet_event {
    int64_t seq, at_ms;
    enum event_severity severity;
    char kind[32];
    int64_t device; /* 0: of none */
    char name[64];  /* the device's then */
    char tenant[64];
    char gateway[64];
    char peer[64];  /* endpoint from outside */
    char text[512]; /* a sentence for people */
};

enum registry_err registry_event_add(struct registry *r, struct fleet_event *v, size_t n);

enum { EVENT_PAGE_MAX = 1000 };

struct event_filter {
    int64_t device;            /* 0: all */
    const char *tenant, *kind; /* NULL, "": all */
    enum event_severity least;
    int64_t from_ms, to_ms; /* 0: no bound; to is left out */
};

struct event_page {
    struct event_filter filter;
    int64_t after;     /* a seq to begin behind; 0 at first */
    bool newest_first; /* then before it, 0 being the newest */
    unsigned limit;    /* at most EVENT_PAGE_MAX; 0: 100 */
};

/* *next is where the next page begins, 0 at the end (oldest first: of what there is by now).
 * As with devices, a page may hold fewer events than there is room for, and not be the last. */
typedef void event_each(void *ctx, const struct fleet_event *e);
enum registry_err registry_event_list(struct registry *r, const struct event_page *page,
                                      event_each *each, void *ctx, int64_t *next);
enum registry_err registry_event_newest(struct registry *r,
                                        int64_t *seq); /* 0: there is none */

/* Forgets the oldest ones beyond keep, some thousands in a call. */
enum registry_err registry_event_trim(struct registry *r, int64_t keep);

#endif
