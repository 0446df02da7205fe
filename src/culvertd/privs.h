/* Giving up what the daemon no longer needs once its sockets are open.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERTD_PRIVS_H
#define CULVERTD_PRIVS_H

#include "kit/problem.h"

/* Keeps CAP_NET_ADMIN (routes, addresses) and CAP_NET_RAW (iptables in updown scripts), and
 * becomes user when not NULL.  From then on no program we start can gain more.  dirs,
 * up to a NULL, are given to user, so that files in them can be made and removed. */
bool privs_drop(const char *user, const char *const *dirs, struct problem *why);

/* Whether CAP_NET_ADMIN is effective: without it nothing works, and the message can say so. */
bool privs_enough(void);

#endif
