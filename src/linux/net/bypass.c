/* Owns: the raw sockets of packets that go around the tunnels (raw(7), ip(7), ipv6(7)).
 * Invariant: no packet is sent whose route leads back into the TUN device.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/bypass.h"

#include <errno.h>
#include <unistd.h>

#include "linux/kernel/routes.h"
#include "linux/net/datagram.h"
#include "linux/net/whole.h"
#include "wire/ip.h"

enum { ROUTE_KEPT_MS = 1000 };

bool bypass_open(struct bypass *b)
{
    *b = (struct bypass){.fd6 = whole_socket(CV_IPV6)};
    b->fd4 = whole_socket(CV_IPV4);
    return b->fd4 >= 0;
}

void bypass_close(struct bypass *b)
{
    if (b->fd4 >= 0)
        close(b->fd4);
    if (b->fd6 >= 0)
        close(b->fd6);
    b->fd4 = b->fd6 = -1;
}

static bool leads_back(struct bypass *b, struct netlink *nl, unsigned tun,
                       const struct cv_addr *to, uint64_t now_ms)
{
    struct cv_addr src;

    if (!addr_equal(&b->to, to) || now_ms - b->asked_ms >= ROUTE_KEPT_MS) {
        b->to = *to;
        b->asked_ms = now_ms;
        (void)route_source(nl, to, ROUTE_MARK, &src, &b->ifindex); /* none: sending says so */
    }
    return b->ifindex == tun;
}

bool bypass_send(struct bypass *b, struct netlink *nl, unsigned tun, struct cv_packet *p,
                 uint64_t now_ms)
{
    struct ip_flow flow;
    int fd;

    errno = EINVAL;
    if (ip_parse(&flow, span(cv_packet_data(p), p->len)) != CV_OK)
        return false;
    p->local = (struct cv_endpoint){.addr = flow.src};
    p->remote = (struct cv_endpoint){.addr = flow.dst};
    p->tos = flow.tos;
    p->len = flow.total_len;
    fd = flow.dst.family == CV_IPV4 ? b->fd4 : b->fd6;
    errno = EAFNOSUPPORT;
    if (fd < 0)
        return false;
    errno = ELOOP;
    if (leads_back(b, nl, tun, &flow.dst, now_ms))
        return false;
    if (datagram_send_one(fd, &p->local, &p->remote, p->tos, span(cv_packet_data(p), p->len),
                          true))
        return true;
    return errno == EMSGSIZE && whole_fragment(fd, p);
}
