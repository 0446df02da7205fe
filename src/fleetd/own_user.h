/* Giving up what is not needed once sockets and keys are open.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEETD_OWN_USER_H
#define FLEETD_OWN_USER_H

#include "kit/problem.h"

/* Becomes user, where one is named, and keeps no capability in any case: from then on neither
 * this process nor what it starts can gain one. */
bool own_user_become(const char *user, struct problem *why);

#endif
