/* Owns: the control messages that carry local address and TOS (ip(7), ipv6(7), RFC 3542),
 * and the batched calls.
 * Invariant: what is sent leaves from the address that the engine chose, never from one the
 * routing table would prefer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "linux/kernel/sockaddr.h"

enum { RECEIVE_QUEUE = 4 << 20 }; /* octets; a burst while the loop signs or verifies */

static bool set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static bool set_options(int fd, uint8_t family, int type, uint32_t mark)
{
    if (mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0)
        return false;
    /* A larger queue is a wish; without the privilege the system's limit applies. */
    if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_QUEUE))
        (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_QUEUE);
    if (family == CV_IPV4)
        return set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) &&
               set_int(fd, IPPROTO_IP, IP_RECVTOS, 1) &&
               set_int(fd, IPPROTO_IP, IP_RECVTTL, 1) &&
               set_int(fd, IPPROTO_IP, IP_RECVOPTS, 1) &&
               set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    /* A raw socket is of one family anyway, and refuses the option. */
    if (type != SOCK_RAW && !set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
        return false;
    return set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_RECVRTHDR, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
}

int datagram_open(uint8_t family, int type, int protocol, uint32_t mark)
{
    int fd = socket(addr_family(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

    if (fd < 0)
        return -1;
    if (!set_options(fd, family, type, mark)) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

static uint8_t read_octet(const struct cmsghdr *c)
{
    int value;

    memcpy(&value, CMSG_DATA(c), sizeof(value));
    return (uint8_t)value;
}

static void read_control(struct cv_packet *p, struct msghdr *h)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            p->local.addr = addr_make(CV_IPV4, &info.ipi_addr);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            memcpy(&p->tos, CMSG_DATA(c), 1);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            p->local.addr = addr_make(CV_IPV6, &info.ipi6_addr);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            p->tos = read_octet(c);
        } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
                   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
            p->ttl = read_octet(c);
        }
    }
}

unsigned datagram_recv(int fd, struct batch *b)
{
    int n;

    for (unsigned i = 0; i < BATCH_MAX; i++) {
        batch_reset(b, i);
        b->iov[i] = (struct iovec){cv_packet_data(&b->pkts[i]), batch_room()};
        b->msgs[i].msg_hdr = (struct msghdr){
            .msg_name = &b->names[i],
            .msg_namelen = sizeof(b->names[i]),
            .msg_iov = &b->iov[i],
            .msg_iovlen = 1,
            .msg_control = b->control[i],
            .msg_controllen = BATCH_CONTROL,
        };
    }
    n = recvmmsg(fd, b->msgs, BATCH_MAX, MSG_DONTWAIT, NULL);
    if (n <= 0)
        return 0;
    for (unsigned i = 0; i < (unsigned)n; i++) {
        struct cv_packet *p = &b->pkts[i];
        p->len = b->msgs[i].msg_len;
        (void)addr_from_sockaddr(&p->remote, &b->names[i]);
        read_control(p, &b->msgs[i].msg_hdr);
    }
    return (unsigned)n;
}

static void put_control(struct msghdr *h, struct cmsghdr **at, int level, int type,
                        const void *data, size_t n)
{
    struct cmsghdr *c = *at;

    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(n);
    memcpy(CMSG_DATA(c), data, n);
    h->msg_controllen += CMSG_SPACE(n);
    *at = (struct cmsghdr *)(void *)((uint8_t *)c + CMSG_SPACE(n));
}

/* h->msg_control points to BATCH_CONTROL zero octets. */
static void write_control(struct msghdr *h, const struct cv_addr *local, uint8_t tos,
                          uint8_t ttl)
{
    struct cmsghdr *at = h->msg_control;
    const int value = tos, hops = ttl;

    h->msg_controllen = 0;
    if (local->family == CV_IPV4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->b, 4);
        put_control(h, &at, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        if (tos != 0)
            put_control(h, &at, IPPROTO_IP, IP_TOS, &value, sizeof(value));
        if (ttl != 0)
            put_control(h, &at, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
    } else if (local->family == CV_IPV6) {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, local->b, 16);
        put_control(h, &at, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
        if (tos != 0)
            put_control(h, &at, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
        if (ttl != 0)
            put_control(h, &at, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
    }
    if (h->msg_controllen == 0)
        h->msg_control = NULL;
}

static void prepare(struct batch *b, unsigned slot, const struct cv_packet *p, bool raw)
{
    struct cv_endpoint to = p->remote;

    if (raw)
        to.port = 0;
    b->iov[slot] = (struct iovec){cv_packet_data(p), p->len};
    memset(b->control[slot], 0, BATCH_CONTROL);
    b->msgs[slot].msg_hdr = (struct msghdr){
        .msg_name = &b->names[slot],
        .msg_namelen = addr_to_sockaddr(&b->names[slot], &to),
        .msg_iov = &b->iov[slot],
        .msg_iovlen = 1,
        .msg_control = b->control[slot],
    };
    write_control(&b->msgs[slot].msg_hdr, &p->local.addr, p->tos, p->ttl);
}

void datagram_set_df(int fd, uint8_t family, bool *now, bool df)
{
    if (family != CV_IPV4 || *now == df)
        return;
    if (set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT))
        *now = df;
}

unsigned datagram_path_mtu(const struct cv_addr *to, uint32_t mark)
{
    struct cv_endpoint peer = {.addr = *to, .port = 9}; /* nothing is sent */
    struct sockaddr_storage sa;
    socklen_t n = addr_to_sockaddr(&sa, &peer), value_n = sizeof(int);
    bool v6 = to->family == CV_IPV6;
    int fd = socket(addr_family(to->family), SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
    int mtu = 0;

    if (fd < 0)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0 ||
        connect(fd, (const struct sockaddr *)&sa, n) != 0 ||
        getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu,
                   &value_n) != 0)
        mtu = 0;
    close(fd);
    return mtu > 0 ? (unsigned)mtu : 0;
}

/* Messages from..to of b->msgs, packets of b by index; returns how many went, and in *blocked
 * whether the rest would not go either. */
static unsigned send_run(int fd, struct batch *b, const uint8_t *index, unsigned from,
                         unsigned to, bool *blocked)
{
    unsigned sent = 0;

    while (from < to) {
        int got = sendmmsg(fd, b->msgs + from, to - from, MSG_DONTWAIT);
        if (got > 0) {
            from += (unsigned)got;
            sent += (unsigned)got;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            *blocked = true; /* the device's queue is full: the rest would be late */
            break;
        } else if (errno != EINTR) {
            if (errno == EMSGSIZE)
                b->pkts[index[from]].err = CV_ERR_TOO_BIG;
            from++; /* this one cannot go; the next may have another destination */
        }
    }
    return sent;
}

unsigned datagram_send(int fd, struct batch *b, const uint8_t *index, unsigned n, bool raw,
                       bool *now)
{
    unsigned sent = 0;
    bool blocked = false;

    for (unsigned i = 0; i < n; i++)
        prepare(b, i, &b->pkts[index[i]], raw);
    for (unsigned from = 0, to; from < n && !blocked; from = to) {
        const struct cv_packet *first = &b->pkts[index[from]];

        for (to = from + 1; to < n && b->pkts[index[to]].df == first->df;)
            to++;
        datagram_set_df(fd, first->remote.addr.family, now, first->df);
        sent += send_run(fd, b, index, from, to, &blocked);
    }
    return sent;
}

bool datagram_send_one(int fd, const struct cv_endpoint *local,
                       const struct cv_endpoint *remote, uint8_t tos, struct cv_span data,
                       bool raw)
{
    _Alignas(size_t) uint8_t control[BATCH_CONTROL] = {0};
    struct sockaddr_storage name;
    struct cv_endpoint to = *remote;
    struct iovec iov = {(void *)(uintptr_t)data.p, data.n};
    struct msghdr h = {.msg_name = &name, .msg_iov = &iov, .msg_iovlen = 1};

    if (raw)
        to.port = 0;
    h.msg_namelen = addr_to_sockaddr(&name, &to);
    h.msg_control = control;
    write_control(&h, &local->addr, tos, 0);
    return sendmsg(fd, &h, MSG_DONTWAIT) == (ssize_t)data.n;
}
