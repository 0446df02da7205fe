/* What the log says of tables that were full.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LIMITS_H
#define DAEMON_LIMITS_H

#include <culvert/engine.h>

#include "kit/quota.h"

struct daemon;

struct limits {
    struct {
        uint64_t told; /* cv_limit_met.times of the last line */
        struct quota quota;
    } by_limit[CV_LIMIT_COUNT];
};

/* A line for each limit that was met since the last one, rationed: its name, its value, whom it
 * met last, how often. */
void limits_tell(struct daemon *d);

#endif
