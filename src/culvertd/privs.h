/* Giving up what the daemon no longer needs once its sockets are open.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERTD_PRIVS_H
#define CULVERTD_PRIVS_H

#include "kit/problem.h"

/* Keeps CAP_NET_ADMIN (routes, addresses) and CAP_NET_RAW (iptables in updown scripts), and
 * becomes user when not NULL.  From then on no program we start can gain more.  dir, when not
 * NULL, is given to user, so that its files can be removed at the end. */
bool privs_drop(const char *user, const char *dir, struct problem *why);

/* Whether CAP_NET_ADMIN is effective: without it nothing works, and the message can say so. */
bool privs_enough(void);

#endif
