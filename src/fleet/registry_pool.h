/* Handles of one registry for many threads: each call borrows one, opened on demand.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_POOL_H
#define FLEET_REGISTRY_POOL_H

#include "fleet/registry.h"

struct registry_pool;

/* The texts of c are copied.  Opens nothing yet. */
struct registry_pool *registry_pool_new(const struct registry_config *c);
/* A handle that nobody else has; NULL with the problem when the database cannot be opened. */
struct registry *registry_pool_take(struct registry_pool *p, enum registry_err *err,
                                    struct problem *why);
void registry_pool_give(struct registry_pool *p, struct registry *r);
/* All handles have been given back. */
void registry_pool_free(struct registry_pool *p);

#endif
