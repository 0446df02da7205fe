/* The whole registry as a file, and back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_COPY_H
#define FLEET_REGISTRY_COPY_H

#include "fleet/registry.h"

/* A copy as a file of its own, taken while others write; what was at to is replaced once the
 * copy is whole. */
enum registry_err registry_backup(struct registry *r, const char *to);
/* Puts a backup in the place of the registry at uri, while others have it open: they go on with
 * what is there now.  What was there is kept as uri.before.  A server's registry must have no
 * devices. */
enum registry_err registry_restore(const char *from, const char *uri, struct problem *why);

#endif
