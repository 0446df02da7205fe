/* What the log says of refusals.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_REFUSALS_H
#define DAEMON_REFUSALS_H

#include <culvert/engine.h>

#include "kit/quota.h"

struct daemon;
struct event;

/* Refusals that anybody can cause, by reason: lines are rationed, what is left out counted. */
struct refusals {
    struct quota by_err[CV_ERR_COUNT];
    struct event *owed; /* when it is told what was left out */
};

bool refusals_start(struct daemon *d);
void refusals_stop(struct daemon *d);

/* A sentence for each kind: CV_EV_REJECTED, CV_EV_AUTH_FAILED: we refuse; CV_EV_PEER_NOTIFY:
 * the peer does; CV_EV_CHILD_FAILED: either. */
void refusals_rejected(struct daemon *d, const struct cv_effect *fx);
void refusals_auth_failed(struct daemon *d, const struct cv_effect *fx);
void refusals_by_peer(struct daemon *d, const struct cv_effect *fx);
void refusals_child_failed(struct daemon *d, const struct cv_effect *fx);
/* CV_EV_TAKEN: who asked for what is whose. */
void refusals_taken(struct daemon *d, const struct cv_effect *fx);

#endif
