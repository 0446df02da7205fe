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

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

/* What the kernel makes datagrams of at one time. */
enum { GSO_SEGMENTS_MAX = 64, GSO_OCTETS_MAX = 65000 };

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

static unsigned read_int(const struct cmsghdr *c)
{
    int value;

    memcpy(&value, CMSG_DATA(c), sizeof(value));
    return value > 0 ? (unsigned)value : 0;
}

static uint8_t read_octet(const struct cmsghdr *c)
{
    return (uint8_t)read_int(c);
}

/* *each: how long the datagrams are that the kernel has put together; 0: it has not. */
static void read_control(struct cv_packet *p, size_t *each, struct msghdr *h)
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
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            *each = read_int(c);
        }
    }
}

/* ---- receiving ---- */

static unsigned receive(int fd, struct batch *b)
{
    int n;

    for (unsigned i = 0; i < BATCH_LARGE; i++) {
        const struct cv_packet p = batch_large(b, i);

        b->iov[i] = (struct iovec){cv_packet_data(&p), batch_room(&p)};
        b->msgs[i].msg_hdr = (struct msghdr){
            .msg_name = &b->names[i],
            .msg_namelen = sizeof(b->names[i]),
            .msg_iov = &b->iov[i],
            .msg_iovlen = 1,
            .msg_control = b->control[i],
            .msg_controllen = BATCH_CONTROL,
        };
    }
    n = recvmmsg(fd, b->msgs, BATCH_LARGE, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

/* Datagram b->next becomes b->whole, from which packets are taken. */
static void begin_datagram(struct batch *b)
{
    const unsigned i = b->next;

    b->whole = batch_large(b, i);
    b->whole.len = b->msgs[i].msg_len;
    b->each = 0;
    (void)addr_from_sockaddr(&b->whole.remote, &b->names[i]);
    read_control(&b->whole, &b->each, &b->msgs[i].msg_hdr);
    if (b->each == 0 || b->each >= b->whole.len)
        b->each = SIZE_MAX;
}

/* The next n octets of b->whole are a packet of their own. */
static void take_part(struct batch *b, struct cv_packet *p, unsigned i, size_t n)
{
    if (b->copies && n <= BATCH_SMALL_ROOM) {
        batch_reset(b, i);
        memcpy(cv_packet_data(p), cv_packet_data(&b->whole), n);
        p->local = b->whole.local;
        p->remote = b->whole.remote;
        p->tos = b->whole.tos;
        p->ttl = b->whole.ttl;
    } else {
        *p = b->whole;
        p->buf = cv_packet_data(&b->whole);
        p->off = 0;
        p->cap = n;
    }
    p->len = n;
    b->whole.off += n;
    b->whole.len -= n;
}

bool datagram_has_more(const struct batch *b)
{
    return b->next < b->received;
}

unsigned datagram_recv(int fd, struct batch *b)
{
    unsigned n = 0;

    if (!datagram_has_more(b)) {
        b->next = 0;
        b->received = receive(fd, b);
        if (b->received > 0)
            begin_datagram(b);
    }
    while (datagram_has_more(b) && n < BATCH_MAX) {
        struct cv_packet *p = &b->pkts[n];

        b->origin[n] = (uint8_t)b->next;
        if (b->each == SIZE_MAX)
            *p = b->whole;
        else
            take_part(b, p, n, b->each < b->whole.len ? b->each : b->whole.len);
        n++;
        if ((b->each == SIZE_MAX || b->whole.len == 0) && ++b->next < b->received)
            begin_datagram(b);
    }
    return n;
}

bool datagram_gather(int fd)
{
    return set_int(fd, IPPROTO_UDP, UDP_GRO, 1);
}

/* ---- sending ---- */

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

/* h->msg_control points to BATCH_CONTROL zero octets.  each: how long the datagrams are that
 * the kernel is to make of the message; 0: it is one. */
static void write_control(struct msghdr *h, const struct cv_packet *p, uint16_t each)
{
    const struct cv_addr *local = &p->local.addr;
    struct cmsghdr *at = h->msg_control;
    const int value = p->tos, hops = p->ttl;

    h->msg_controllen = 0;
    if (local->family == CV_IPV4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->b, 4);
        put_control(h, &at, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        if (value != 0)
            put_control(h, &at, IPPROTO_IP, IP_TOS, &value, sizeof(value));
        if (hops != 0)
            put_control(h, &at, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
    } else if (local->family == CV_IPV6) {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, local->b, 16);
        put_control(h, &at, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
        if (value != 0)
            put_control(h, &at, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
        if (hops != 0)
            put_control(h, &at, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
    }
    if (each != 0)
        put_control(h, &at, IPPROTO_UDP, UDP_SEGMENT, &each, sizeof(each));
    if (h->msg_controllen == 0)
        h->msg_control = NULL;
}

/* Message slot of b carries n packets of b, of one size but for the last: those from index on,
 * whose octets are in b->iov from at on. */
static void prepare(struct batch *b, unsigned slot, const uint8_t *index, unsigned at,
                    unsigned n, bool raw)
{
    const struct cv_packet *first = &b->pkts[index[at]];
    struct msghdr *h = &b->msgs[slot].msg_hdr;
    struct cv_endpoint to = first->remote;

    if (raw)
        to.port = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct cv_packet *p = &b->pkts[index[at + i]];

        b->iov[at + i] = (struct iovec){cv_packet_data(p), p->len};
    }
    memset(b->control[slot], 0, BATCH_CONTROL);
    *h = (struct msghdr){
        .msg_name = &b->names[slot],
        .msg_namelen = addr_to_sockaddr(&b->names[slot], &to),
        .msg_iov = &b->iov[at],
        .msg_iovlen = n,
        .msg_control = b->control[slot],
    };
    write_control(h, first, n > 1 ? (uint16_t)first->len : 0);
}

/* How many packets from index[at] on go in one message: of one size, the last one perhaps
 * shorter, to one peer from one address. */
static unsigned alike(const struct batch *b, const uint8_t *index, unsigned at, unsigned to)
{
    const struct cv_packet *first = &b->pkts[index[at]];
    size_t octets = first->len;
    unsigned n = 1;

    for (; at + n < to && n < GSO_SEGMENTS_MAX; n++) {
        const struct cv_packet *p = &b->pkts[index[at + n]];

        if (p->len > first->len || octets + p->len > GSO_OCTETS_MAX || p->tos != first->tos ||
            p->ttl != first->ttl || p->remote.port != first->remote.port ||
            memcmp(&p->remote.addr, &first->remote.addr, sizeof(p->remote.addr)) != 0 ||
            memcmp(&p->local.addr, &first->local.addr, sizeof(p->local.addr)) != 0)
            break;
        octets += p->len;
        if (p->len < first->len)
            return n + 1;
    }
    return n;
}

void datagram_set_df(int fd, uint8_t family, struct datagram_way *way, bool df)
{
    if (family != CV_IPV4 || way->df == df)
        return;
    if (set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT))
        way->df = df;
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

/* What is being sent. */
struct outbox {
    int fd;
    struct batch *b;
    const uint8_t *index;
    bool raw;
    struct datagram_way *way;
    unsigned at[BATCH_MAX], n[BATCH_MAX]; /* of each message: its first packet, how many */
    unsigned sent;                        /* packets */
    bool blocked;                         /* the rest would not go either */
};

static bool is_full(int err)
{
    return err == EAGAIN || err == EWOULDBLOCK;
}

/* The packets of message m, which did not go together, go one by one.  EIO is a device that
 * cannot make datagrams of a message at all; other reasons are this path's. */
static void send_singly(struct outbox *o, unsigned m)
{
    if (errno == EIO || errno == EOPNOTSUPP)
        o->way->gso = false;
    for (unsigned i = 0; i < o->n[m] && !o->blocked; i++) {
        prepare(o->b, m, o->index, o->at[m] + i, 1, o->raw);
        if (sendmsg(o->fd, &o->b->msgs[m].msg_hdr, MSG_DONTWAIT) >= 0)
            o->sent++;
        else if (is_full(errno))
            o->blocked = true;
        else if (errno == EMSGSIZE)
            o->b->pkts[o->index[o->at[m] + i]].err = CV_ERR_TOO_BIG;
    }
}

static void send_messages(struct outbox *o, unsigned n)
{
    for (unsigned from = 0; from < n && !o->blocked;) {
        int got = sendmmsg(o->fd, o->b->msgs + from, n - from, MSG_DONTWAIT);

        if (got > 0) {
            for (; got > 0; got--)
                o->sent += o->n[from++];
        } else if (is_full(errno)) {
            o->blocked = true; /* the device's queue is full: the rest would be late */
        } else if (errno != EINTR && o->n[from] > 1) {
            send_singly(o, from++);
        } else if (errno != EINTR) {
            if (errno == EMSGSIZE)
                o->b->pkts[o->index[o->at[from]]].err = CV_ERR_TOO_BIG;
            from++; /* this one cannot go; the next may have another destination */
        }
    }
}

/* Packets at..to, which are alike in their DF bit. */
static void send_run(struct outbox *o, unsigned at, unsigned to)
{
    unsigned n = 0;

    for (; at < to; n++) {
        o->at[n] = at;
        o->n[n] = o->way->gso ? alike(o->b, o->index, at, to) : 1;
        prepare(o->b, n, o->index, at, o->n[n], o->raw);
        at += o->n[n];
    }
    send_messages(o, n);
}

unsigned datagram_send(int fd, struct batch *b, const uint8_t *index, unsigned n, bool raw,
                       struct datagram_way *way)
{
    struct outbox o;

    o.fd = fd;
    o.b = b;
    o.index = index;
    o.raw = raw;
    o.way = way;
    o.sent = 0;
    o.blocked = false;
    for (unsigned from = 0, to; from < n && !o.blocked; from = to) {
        const struct cv_packet *first = &b->pkts[index[from]];

        for (to = from + 1; to < n && b->pkts[index[to]].df == first->df;)
            to++;
        datagram_set_df(fd, first->remote.addr.family, way, first->df);
        send_run(&o, from, to);
    }
    return o.sent;
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
    write_control(&h, &(struct cv_packet){.local = *local, .tos = tos}, 0);
    return sendmsg(fd, &h, MSG_DONTWAIT) == (ssize_t)data.n;
}
