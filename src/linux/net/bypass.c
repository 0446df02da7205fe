/* Owns: the raw sockets of packets that go around the tunnels (raw(7), ip(7), ipv6(7)).
 * Invariant: no packet is sent whose route leads back into the TUN device.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/bypass.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <unistd.h>

#include "linux/kernel/routes.h"
#include "linux/net/datagram.h"
#include "linux/net/fragment.h"
#include "wire/ip.h"

enum { ROUTE_KEPT_MS = 1000, IP4_ID_AT = 4 };

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

/* The source address is that of any host behind this one: IPv4 takes it from a
 * socket that writes headers, IPv6 wants to be told (IPV6_FREEBIND). */
static int open_family(uint8_t family)
{
    int fd = datagram_open(family, SOCK_RAW, IPPROTO_RAW, ROUTE_MARK), on = 1, err;

    if (fd < 0)
        return -1;
    if (family == CV_IPV4
            ? setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) == 0
            : setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on)) == 0 &&
                  setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) == 0)
        return fd;
    err = errno;
    close(fd);
    errno = err;
    return -1;
}

bool bypass_open(struct bypass *b)
{
    *b = (struct bypass){.fd6 = open_family(CV_IPV6)};
    b->fd4 = open_family(CV_IPV4);
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

/* The kernel would give each fragment of a packet without an identification another one. */
static void identify(uint8_t id[2])
{
    if ((id[0] | id[1]) == 0 && getrandom(id, 2, GRND_NONBLOCK) == 2)
        id[1] |= 1;
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
    struct cv_span whole = span(cv_packet_data(p), p->len);
    struct cv_endpoint src = {0}, dst = {0};
    struct ip_flow flow;
    int fd;

    errno = EINVAL;
    if (ip_parse(&flow, whole) != CV_OK)
        return false;
    src.addr = flow.src;
    dst.addr = flow.dst;
    whole.n = flow.total_len;
    fd = flow.dst.family == CV_IPV4 ? b->fd4 : b->fd6;
    errno = EAFNOSUPPORT;
    if (fd < 0)
        return false;
    errno = ELOOP;
    if (leads_back(b, nl, tun, &flow.dst, now_ms))
        return false;
    if (datagram_send_one(fd, &src, &dst, flow.tos, whole, true))
        return true;
    if (errno != EMSGSIZE)
        return false;
    p->len = flow.total_len;
    if (flow.dst.family == CV_IPV6)
        return fragment_send_ipv6(fd, &src, &dst, flow.tos, p);
    identify(cv_packet_data(p) + IP4_ID_AT);
    return fragment_send(fd, &src, &dst, flow.tos, p);
}
