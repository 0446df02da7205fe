/* Webhooks: events of the fleet on their way to those who want to hear of them.
 *
 * One thread with a handle of the registry of its own.  The list of events is the queue on
 * disk, and each hook has a place in it that moves on when a delivery has been answered with
 * 2xx: an event comes at least once, in order, and a receiver that is away holds up only
 * itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HOOKS_HOOKS_H
#define HOOKS_HOOKS_H

#include "fleet/registry.h"

struct hooks;

/* With the privileges that the caller has by now.  NULL: no thread, or libcurl does not work.
 */
struct hooks *hooks_start(const struct registry_config *c);
/* A delivery that is under way is broken off; it comes again. */
void hooks_stop(struct hooks *h);

enum { HOOK_SIGNATURE = 96 };
/* What proves who sent a body and when: "t=1800000000,v1=" and HMAC-SHA-256 of "1800000000."
 * and the body under the hook's secret, in hex. */
void hook_sign(const char *secret, int64_t now_s, const char *body, size_t n,
               char out[HOOK_SIGNATURE]);
/* How long until the next try after so many in vain. */
int64_t hook_pause_ms(int64_t tries);

#endif
