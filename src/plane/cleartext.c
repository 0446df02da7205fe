/* Owns: the netfilter queue and table of one daemon, numbered and named after its TUN device.
 * Invariant: rules come after the queue has a listener and go before it; one batch a turn.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plane/cleartext.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "linux/kernel/nft.h"

/* Queue numbers that nobody else is likely to use: this and the low bits of the device's
 * index. */
enum { QUEUE_FIRST = 0xdc00, QUEUE_MASK = 0x3ff };

void cleartext_init(struct cleartext *c)
{
    *c = (struct cleartext){.queue.nl.fd = -1, .nft.fd = -1};
}

static void on_queue(evutil_socket_t fd, short what, void *ctx)
{
    struct cleartext *c = ctx;
    struct netio *io = c->io;
    const unsigned n = nfqueue_recv(&c->queue, &io->batch);

    (void)fd;
    (void)what;
    if (n == 0)
        return;
    cv_clear(io->engine, io->batch.pkts, n, io->now_ms());
    nfqueue_answer(&c->queue, &io->batch, n);
    io->pump(io->ctx);
}

static bool fails(struct cleartext *c, const char *what, int err, struct problem *why)
{
    const char *hint = err == EBUSY    ? " (another program has it)"
                       : err == EEXIST ? " (there is one of this name)"
                       : err == ENOENT ? " (this kernel lacks its fib or queue expressions)"
                                       : "";

    cleartext_stop(c);
    return problem_set(
        why,
        "what comes in the clear though policy protects it is not dropped: no %s: "
        "%s%s; the updown script strict-inbound is another way, "
        "culvert.cleartext = pass says that it is meant so",
        what, strerror(err), hint);
}

bool cleartext_start(struct cleartext *c, struct netio *io, struct event_base *base,
                     struct problem *why)
{
    const struct nft_inbound in = {
        .table = io->tun.name,
        .tun = io->tun.index,
        .port = io->udp[0].port,
        .port_nat_t = io->udp[1].port,
        .queue = (uint16_t)(QUEUE_FIRST | (io->tun.index & QUEUE_MASK)),
    };
    int err;

    c->io = io;
    if (!nfqueue_open(&c->queue, in.queue))
        return fails(c, "netfilter queue", errno, why);
    c->event = event_new(base, c->queue.nl.fd, EV_READ | EV_PERSIST, on_queue, c);
    if (c->event == NULL || event_add(c->event, NULL) != 0)
        return fails(c, "event for the netfilter queue", ENOMEM, why);
    if (!netlink_open(&c->nft, NETLINK_NETFILTER))
        return fails(c, "nf_tables socket", errno, why);
    err = nft_queue_inbound(&c->nft, &in);
    return err == 0 || fails(c, "nf_tables table", err, why);
}

void cleartext_stop(struct cleartext *c)
{
    netlink_close(&c->nft);
    if (c->event != NULL)
        event_free(c->event);
    c->event = NULL;
    nfqueue_close(&c->queue);
}
