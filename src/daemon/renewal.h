/* Certificates of ours that come to their end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_RENEWAL_H
#define DAEMON_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct renewal_watch;

/* Runs culvert.renew when two thirds of a certificate's time have passed, and again, more
 * seldom, until there is a newer one; also at the start of a machine whose clock was not set.
 * NULL when the setting is not there, or there is no timer. */
struct renewal_watch *renewal_start(struct daemon *d);
void renewal_free(struct renewal_watch *w); /* NULL is fine */
void renewal_reap(struct renewal_watch *w); /* call on SIGCHLD */
void renewal_look(struct renewal_watch *w); /* certificates may be others now */

/* How long to wait at now_s, in seconds: until two thirds have passed; after a try in vain,
 * which was at now_s, a part of what is left. */
struct renewal_time {
    int64_t from_s, until_s;
};
int64_t renewal_wait_s(const struct renewal_time *t, int64_t now_s);

#endif
