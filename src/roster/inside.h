/* The inside of the roster: roster.c (who comes in), presence.c (what is seen of them) and
 * happened.c (what is told of them).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ROSTER_INSIDE_H
#define ROSTER_INSIDE_H

#include "kit/quota.h"
#include "roster/clerk.h"
#include "roster/roll.h"
#include "roster/roster.h"

enum { REFUSALS_KEPT = 1024 };

struct roster {
    struct roster_host host;
    struct clerk *clerk;
    struct roll *roll;
    struct event *turn; /* a timer */
    struct roster_stats stats;

    /* presence.c */
    uint32_t walk_at;
    uint64_t walk_ms; /* the next round begins then */
    int64_t *dirty;   /* devices whose presence is to be written */
    size_t n_dirty, dirty_cap;
    struct device_seen *parted; /* the last word about those that have gone */
    size_t n_parted, parted_cap;

    /* happened.c */
    struct fleet_event *events; /* to be written */
    size_t n_events, events_cap;
    struct { /* who was refused lately: told once a minute each */
        uint64_t key, until_ms;
    } refusals[REFUSALS_KEPT];
    struct quota strangers; /* what anybody can cause */
};

/* roster.c: told, and counted; no answer is given. */
void roster_refused(struct roster *r, const struct clerk_answer *a, const char *why);

/* presence.c */
void presence_up(struct roster *r, uint32_t ike);
void presence_moved(struct roster *r, uint32_t ike);
void presence_child_ends(struct roster *r, const struct cv_effect *fx);
void presence_down(struct roster *r, struct roll_device *d); /* the last of its IKE SAs */
/* Some of the table, and what is to be written to the clerk. */
void presence_turn(struct roster *r);

/* happened.c */
/* d NULL: of a device that is not here, or of none. */
void happened(struct roster *r, const struct roll_device *d, struct fleet_event *e);
struct refused {
    const char *identity;
    int64_t device; /* 0: not known */
    const char *peer, *why;
};
void happened_refused(struct roster *r, const struct refused *who, uint32_t ike);
void happened_up(struct roster *r, const struct roll_device *d);
void happened_moved(struct roster *r, const struct roll_device *d);
void happened_down(struct roster *r, const struct roll_device *d, enum cv_err err);
void happened_in_engine(struct roster *r, const struct cv_effect *fx); /* alarms, bad proofs */
void happened_turn(struct roster *r);
void endpoint_words(char *out, size_t n, const struct cv_endpoint *e);

#endif
