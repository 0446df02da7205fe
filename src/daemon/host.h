/* Host names to addresses without stopping the loop: getaddrinfo runs in a thread of its own
 * and the answer comes back as an event.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HOST_H
#define DAEMON_HOST_H

#include <event2/event.h>

#include <culvert/types.h>

struct hosts;

enum host_state { HOST_READY, HOST_PENDING, HOST_FAILED };

/* done is called in the loop when the question about name is answered, well or not. */
struct hosts *hosts_new(struct event_base *base, void (*done)(void *ctx, const char *name),
                        void *ctx);
void hosts_free(struct hosts *h);
/* Nobody is asked before: threads keep the privileges with which they begin. */
void hosts_begin(struct hosts *h);

/* READY: out holds the first address.  PENDING: the question is on its way.  FAILED: why says
 * what the resolver answered; asking again starts over.  An answer is for the attempt that
 * asked: it is kept for two seconds. */
enum host_state hosts_find(struct hosts *h, const char *name, struct cv_addr *out,
                           const char **why);
/* The network has changed: names may mean other addresses. */
void hosts_forget(struct hosts *h);

#endif
