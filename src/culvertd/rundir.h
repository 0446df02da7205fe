/* The run directory: made on demand, and held by one daemon at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERTD_RUNDIR_H
#define CULVERTD_RUNDIR_H

#include "kit/problem.h"

/* Makes dir (0700) and its parents, and locks dir/culvertd.pid, which gets our process id.
 * Returns the descriptor that holds the lock; -1 with the problem filled. */
int rundir_hold(const char *dir, struct problem *why);
void rundir_release(int fd);

/* dir and its parents, the last one 0700. */
bool rundir_make(const char *dir, struct problem *why);

#endif
