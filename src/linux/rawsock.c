/* Owns: one raw socket.  The kernel hands IPv4 packets with their header and IPv6 ones
 * without (raw(7), RFC 3542 section 3); here both lose it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/rawsock.h"

#include <netinet/in.h>
#include <unistd.h>

#include "linux/datagram.h"

bool raw_open(struct raw_sock *s, uint8_t family, uint8_t carrier, uint32_t mark)
{
    int protocol = carrier == CV_RAW_AH ? IPPROTO_AH : IPPROTO_ESP;

    *s = (struct raw_sock){.family = family, .carrier = carrier};
    s->fd = datagram_open(family, SOCK_RAW, protocol, mark);
    return s->fd >= 0;
}

void raw_close(struct raw_sock *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* A packet whose header does not fit becomes empty, which the engine drops and counts. */
static void strip_ipv4(struct cv_packet *p)
{
    size_t hdr = p->len == 0 ? 0 : (size_t)(cv_packet_data(p)[0] & 0x0f) * 4;

    if (hdr < 20 || hdr > p->len)
        hdr = p->len;
    p->off += hdr;
    p->len -= hdr;
}

unsigned raw_recv(struct raw_sock *s, struct batch *b)
{
    unsigned n = datagram_recv(s->fd, b);

    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &b->pkts[i];
        if (s->family == CV_IPV4)
            strip_ipv4(p);
        p->carrier = s->carrier;
        p->remote.port = 0; /* the kernel puts the protocol number there */
    }
    return n;
}

unsigned raw_send(struct raw_sock *s, struct batch *b, const uint8_t *index, unsigned n)
{
    return datagram_send(s->fd, b, index, n, true);
}
