/* Owns: the raw sockets of packets whose header is ours, with what the kernel checks only where
 * it writes the header itself: the path's MTU (raw(7)).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/whole.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <unistd.h>

#include "linux/kernel/routes.h"
#include "linux/net/datagram.h"
#include "linux/net/fragment.h"
#include "wire/ip.h"

enum {
    MTU_KEPT_MS = 1000,
    IP4_MTU_MIN = 576, /* what every path carries is not asked for */
    IP4_ID_AT = 4
};

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

/* IPv4 takes the source address from a socket that writes headers, IPv6 wants to be told
 * (IPV6_FREEBIND). */
int whole_socket(uint8_t family)
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

void whole_open(struct whole *w)
{
    *w = (struct whole){.fd4 = whole_socket(CV_IPV4)};
    w->fd6 = whole_socket(CV_IPV6);
}

void whole_close(struct whole *w)
{
    if (w->fd4 >= 0)
        close(w->fd4);
    if (w->fd6 >= 0)
        close(w->fd6);
    w->fd4 = w->fd6 = -1;
}

static int fd_of(const struct whole *w, uint8_t family)
{
    return family == CV_IPV4 ? w->fd4 : w->fd6;
}

bool whole_has(const struct whole *w, uint8_t family)
{
    return fd_of(w, family) >= 0;
}

/* The kernel would give each fragment of a packet without an identification another one. */
static void identify(uint8_t id[2])
{
    if ((id[0] | id[1]) == 0 && getrandom(id, 2, GRND_NONBLOCK) == 2)
        id[1] |= 1;
}

bool whole_fragment(int fd, struct cv_packet *p)
{
    if (p->remote.addr.family == CV_IPV6)
        return fragment_send_ipv6(fd, &p->local, &p->remote, p->tos, p);
    identify(cv_packet_data(p) + IP4_ID_AT);
    return fragment_send(fd, &p->local, &p->remote, p->tos, p);
}

static unsigned path_mtu(struct whole *w, const struct cv_addr *to, uint64_t now_ms)
{
    if (!addr_equal(&w->to, to) || now_ms - w->asked_ms >= MTU_KEPT_MS) {
        w->to = *to;
        w->asked_ms = now_ms;
        w->mtu = datagram_path_mtu(to, ROUTE_MARK);
    }
    return w->mtu;
}

/* The kernel compares such a packet with the device's MTU alone, and drops later what the path
 * does not take, but for IPv4 without DF, which it fragments. */
static bool fits(struct whole *w, const struct cv_packet *p, uint64_t now_ms)
{
    const bool v6 = p->remote.addr.family == CV_IPV6;
    unsigned mtu;

    if (p->len <= (v6 ? IP6_MTU_MIN : IP4_MTU_MIN) || (!v6 && !p->df))
        return true;
    mtu = path_mtu(w, &p->remote.addr, now_ms);
    return mtu == 0 || p->len <= mtu;
}

bool whole_send(struct whole *w, struct cv_packet *p, uint64_t now_ms)
{
    const int fd = fd_of(w, p->remote.addr.family);

    errno = EMSGSIZE;
    if (fits(w, p, now_ms) && datagram_send_one(fd, &p->local, &p->remote, p->tos,
                                                span(cv_packet_data(p), p->len), true))
        return true;
    return errno == EMSGSIZE && !p->df && whole_fragment(fd, p);
}
