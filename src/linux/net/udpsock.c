/* Owns: one bound UDP socket.
 * There is no SO_REUSEADDR on purpose: for UDP it would let a second IKE daemon share the
 * port and take our packets, where an error is what the operator needs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/udpsock.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "linux/kernel/sockaddr.h"
#include "linux/net/datagram.h"
#include "linux/net/header.h"

enum { UDP_HDR_LEN = 8 };

bool udp_open(struct udp_sock *s, uint8_t family, uint16_t port, uint8_t carrier, uint32_t mark)
{
    struct cv_endpoint any = {.addr.family = family, .port = port};
    struct sockaddr_storage sa;
    socklen_t n = addr_to_sockaddr(&sa, &any);
    int err;

    *s = (struct udp_sock){.family = family, .carrier = carrier, .port = port};
    s->fd = datagram_open(family, SOCK_DGRAM, IPPROTO_UDP, mark);
    if (s->fd < 0)
        return false;
    if (bind(s->fd, (const struct sockaddr *)&sa, n) == 0)
        return true;
    err = errno;
    udp_close(s);
    errno = err;
    return false;
}

/* Whether the devices can is seen when something is sent. */
void udp_offload(struct udp_sock *s)
{
    s->way.gso = true;
    s->gro = datagram_gather(s->fd);
}

void udp_close(struct udp_sock *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

unsigned udp_recv(struct udp_sock *s, struct batch *b)
{
    unsigned n = datagram_recv(s->fd, b);

    for (unsigned i = 0; i < n; i++) {
        b->pkts[i].local.port = s->port;
        b->pkts[i].carrier = s->carrier;
        if (b->pkts[i].off > 0) /* the kernel puts nothing together that has options */
            b->pkts[i].head = header_keep(&b->pkts[i], &b->msgs[b->origin[i]].msg_hdr,
                                          IPPROTO_UDP, UDP_HDR_LEN);
    }
    return n;
}

unsigned udp_send(struct udp_sock *s, struct batch *b, const uint8_t *index, unsigned n)
{
    return datagram_send(s->fd, b, index, n, false, &s->way);
}

bool udp_send_one(struct udp_sock *s, const struct cv_endpoint *local,
                  const struct cv_endpoint *remote, uint8_t tos, struct cv_span data)
{
    datagram_set_df(s->fd, s->family, &s->way, false); /* IKE has fragments of its own */
    return datagram_send_one(s->fd, local, remote, tos, data, false);
}
