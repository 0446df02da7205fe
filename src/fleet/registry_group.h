/* What devices share: profiles and tenants.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_GROUP_H
#define FLEET_REGISTRY_GROUP_H

#include "fleet/registry.h"

enum group_kind { GROUP_PROFILE, GROUP_TENANT };
enum { GROUP_TEXT_MAX = 16384 };

struct group {
    char name[64]; /* letters, digits, '.', '_', '-' */
    char notes[512];
    int64_t created_s, changed_s;
    int64_t silent_s; /* profile: a device that is silent for longer is told; 0: never */
};

enum registry_err registry_group_get(struct registry *r, enum group_kind kind, const char *name,
                                     struct group *out);
/* Adds it or changes it; *made says which (NULL: no matter). */
enum registry_err registry_group_put(struct registry *r, enum group_kind kind,
                                     const struct group *g, bool *made);
/* REGISTRY_BAD while devices are in it. */
enum registry_err registry_group_remove(struct registry *r, enum group_kind kind,
                                        const char *name);
typedef void group_each(void *ctx, const struct group *g);
enum registry_err registry_group_list(struct registry *r, enum group_kind kind,
                                      group_each *each, void *ctx);

/* A profile's rules, which are the business of those who compile them.  REGISTRY_NONE: no such
 * profile; "" as long as there are none. */
enum registry_err registry_rules_get(struct registry *r, const char *profile, char *out,
                                     size_t n);
enum registry_err registry_rules_put(struct registry *r, const char *profile,
                                     const char *rules);

#endif
