/* The log of changes, by which others notice what one has written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_CHANGE_H
#define FLEET_REGISTRY_CHANGE_H

#include "fleet/registry.h"

/* what: "added", "state", "name", "address", "profile", "tenant", "credential", "removed",
 * "set" (of a device); "profile", "rules", "tenant", "setting" (of the name).  Numbers rise in
 * the order in which changes become visible, so that nobody who polls misses one. */
struct change {
    int64_t seq, at_s;
    int64_t device; /* 0: of none */
    char what[24];
    char name[64];
};

typedef void change_each(void *ctx, const struct change *c);
/* Those behind after, oldest first, at most limit.  REGISTRY_NONE: after is so old that some
 * have been forgotten; what is known is to be compared as a whole, from
 * registry_change_newest on. */
enum registry_err registry_change_list(struct registry *r, int64_t after, unsigned limit,
                                       change_each *each, void *ctx);
enum registry_err registry_change_newest(struct registry *r, int64_t *seq);
/* Forgets what is older than a day, some thousands in a call. */
enum registry_err registry_change_trim(struct registry *r);

#endif
