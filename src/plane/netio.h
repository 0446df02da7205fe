/* Sockets and TUN on one side, the engine on the other: the packet path.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_NETIO_H
#define PLANE_NETIO_H

#include <event2/event.h>

#include <culvert/engine.h>

#include "kit/problem.h"
#include "linux/net/batch.h"
#include "linux/net/bypass.h"
#include "linux/net/rawsock.h"
#include "linux/net/tun.h"
#include "linux/net/udpsock.h"
#include "linux/net/whole.h"

enum { NETIO_UDP = 4, NETIO_RAW = 4, NETIO_FDS = NETIO_UDP + NETIO_RAW + 1 };

/* What could not be done since the last report; errno of the latest. */
struct netio_failures {
    uint64_t sends, deliveries;
    int send_errno, deliver_errno;
};

struct netio {
    struct udp_sock udp[NETIO_UDP];
    struct raw_sock raw[NETIO_RAW];
    struct bypass bypass;
    struct whole whole;
    struct tun tun;
    struct batch batch, pieces;
    bool offload; /* several packets at one time, as far as the kernel can; set before
                     netio_open */
    struct event *events[NETIO_FDS];
    struct netio_failures failures;
    uint64_t told_s; /* answers to packets that were too big: how many in this second */
    unsigned told;
    /* what the host of this packet path does around it */
    struct cv_engine *engine;
    struct netlink *nl; /* asked for routes */
    uint64_t (*now_ms)(void);
    void (*pump)(void *ctx); /* after every engine call */
    /* an inner packet that no SA took; may start one.  Before pump. */
    void (*refused)(void *ctx, const struct cv_packet *p);
    void (*broken)(void *ctx, const char *what); /* TUN or socket is no longer usable */
    void *ctx;
};

/* Nothing is open; netio_close is allowed from here on. */
void netio_init(struct netio *io);
/* Opens everything.  What is optional (IPv6, raw ESP) and missing is told to note.  On false
 * the problem says what, why and what to do. */
bool netio_open(struct netio *io, uint16_t port, uint16_t port_nat_t, const char *tun_name,
                void (*note)(void *ctx, const char *text), void *note_ctx, struct problem *why);
/* Begins to listen for events; engine and callbacks are set. */
bool netio_start(struct netio *io, struct event_base *base, struct problem *why);
void netio_close(struct netio *io);

/* The TUN device is gone: makes one of the same name, down.  False: still none, and errno. */
bool netio_remake_tun(struct netio *io, struct event_base *base);

bool netio_has(const struct netio *io, uint8_t family);

/* Which offloads are in use, each by its name, 1 or 0. */
void netio_offloads(const struct netio *io,
                    void (*put)(void *ctx, const char *name, uint64_t n), void *ctx);

/* As if the packets had come by TUN; at most BATCH_LARGE.  Not from within a callback. */
void netio_inject(struct netio *io, const struct cv_span *packets, unsigned n);

/* Sends the IKE message of a CV_SEND.  Failures are counted. */
void netio_send(struct netio *io, const struct cv_effect *fx);

#endif
