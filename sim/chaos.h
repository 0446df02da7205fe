/* One random life: a topology, configurations, commands and mishaps, all from a seed;
 * then quiet, then agreement; then everything is deleted and must be gone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_CHAOS_H
#define SIM_CHAOS_H

#include "sim/world.h"

/* True when every invariant held.  silent: no ladder, only the reason in why. */
bool chaos_run(uint64_t seed, bool silent, char *why, size_t cap);

#endif
