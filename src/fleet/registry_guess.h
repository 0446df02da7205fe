/* Wrong codes: how many there were and from where.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_GUESS_H
#define FLEET_REGISTRY_GUESS_H

#include "fleet/registry.h"

/* Has the source to wait before another wrong one is even counted?  Then *wait_s > 0. */
enum registry_err registry_guess_wait(struct registry *r, const char *from, int64_t *wait_s);
/* Counts the one that r->guess tells of, and tells of many by an event.  Returns err, or why it
 * could not be counted. */
enum registry_err registry_guess_count(struct registry *r, enum registry_err err);

#endif
