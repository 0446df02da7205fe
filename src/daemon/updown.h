/* Updown scripts: what charon's updown plugin calls, with the same environment.
 *
 * Scripts run one after the other in the order of the events, beside the loop.  Whatever a
 * peer may choose reaches them as environment only; the command line is the operator's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_UPDOWN_H
#define DAEMON_UPDOWN_H

#include <event2/event.h>

#include <culvert/engine.h>

struct updown;

/* name: what its output is told as, "updown". */
struct updown *updown_new(struct event_base *base, const char *name,
                          void (*note)(void *ctx, int level, const char *text), void *ctx);
void updown_free(struct updown *u); /* forgets what is queued */

/* Queues the script of child's configuration, if it has one, once for each pair of selectors
 * of one family.  interface: the TUN device's name. */
void updown_run(struct updown *u, bool up, const struct cv_ike_info *ike,
                const struct cv_child_info *child, const char *interface);

/* Queues a command of our own. */
void updown_command(struct updown *u, const char *command);

/* Call on SIGCHLD. */
void updown_reap(struct updown *u);

/* Nothing runs and nothing waits. */
bool updown_idle(const struct updown *u);

#endif
