/* Webhooks: who is told of events, and how far they have been told.  The list of events is
 * their queue on disk: each hook has a place in it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_HOOK_H
#define FLEET_REGISTRY_HOOK_H

#include "fleet/registry_event.h"

struct hook {
    int64_t id;
    char name[64]; /* unique */
    char url[512];
    char secret[128];          /* signs what is sent */
    enum event_severity least; /* events less severe are left out */
    char tenant[64];           /* "": all */
    int64_t created_s;
    int64_t at;      /* the last event that was told, or left out */
    int64_t tries;   /* of what is told now, in vain */
    int64_t next_ms; /* not before then */
    char last[256];  /* how the last try ended */
};

/* From the newest event on.  Fills in id and created_s; secret "" is made up. */
enum registry_err registry_hook_add(struct registry *r, struct hook *h);
enum registry_err registry_hook_remove(struct registry *r, const char *name);
typedef void hook_each(void *ctx, const struct hook *h);
enum registry_err registry_hook_list(struct registry *r, hook_each *each, void *ctx);
/* One process at a time tells a hook, for lease_ms at most.  REGISTRY_NONE: another does. */
enum registry_err registry_hook_claim(struct registry *r, int64_t id, int64_t lease_ms);
/* Writes at, tries, next_ms and last. */
enum registry_err registry_hook_told(struct registry *r, const struct hook *h);

#endif
