/* Owns: the descriptors packets come and go by, and the one batch they are read into.
 * Invariant: from a readable descriptor to the last system call of a batch there is no heap,
 * no copy and no log line; failures are counted and reported by others.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plane/netio.h"

#include <culvert/ipsec.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "linux/kernel/routes.h"
#include "linux/net/datagram.h"

/* Where a packet leaves: a UDP socket or, behind those, a raw one. */
enum { NETIO_LANES = NETIO_UDP + NETIO_RAW };

enum { TOO_BIG_PER_S = 100 };

static const struct {
    uint8_t family, carrier;
} lanes[NETIO_LANES] = {
    {CV_IPV4, CV_UDP_500 },
    {CV_IPV4, CV_UDP_4500},
    {CV_IPV6, CV_UDP_500 },
    {CV_IPV6, CV_UDP_4500},
    {CV_IPV4, CV_RAW_ESP },
    {CV_IPV6, CV_RAW_ESP },
    {CV_IPV4, CV_RAW_AH  },
    {CV_IPV6, CV_RAW_AH  },
};

void netio_init(struct netio *io)
{
    memset(io, 0, sizeof(*io));
    io->tun.fd = -1;
    for (unsigned i = 0; i < NETIO_UDP; i++)
        io->udp[i].fd = -1;
    for (unsigned i = 0; i < NETIO_RAW; i++)
        io->raw[i].fd = -1;
    io->bypass.fd4 = io->bypass.fd6 = io->whole.fd4 = io->whole.fd6 = -1;
}

static const char *hint(int err)
{
    switch (err) {
    case EADDRINUSE:
        return " (is another IKE daemon running, perhaps strongSwan's charon?)";
    case EPERM:
    case EACCES:
        return " (culvertd needs root or CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE)";
    case ENOENT:
    case ENODEV:
        return " (load the kernel module \"tun\")";
    default:
        return "";
    }
}

static bool family_missing(int err)
{
    return err == EAFNOSUPPORT || err == EADDRNOTAVAIL;
}

static bool open_udp(struct netio *io, uint16_t port, uint16_t port_nat_t,
                     void (*note)(void *ctx, const char *text), void *note_ctx,
                     struct problem *why)
{
    for (unsigned i = 0; i < NETIO_UDP; i++) {
        uint16_t p = lanes[i].carrier == CV_UDP_500 ? port : port_nat_t;

        if (udp_open(&io->udp[i], lanes[i].family, p, lanes[i].carrier, ROUTE_MARK)) {
            if (io->offload && lanes[i].carrier == CV_UDP_4500)
                udp_offload(&io->udp[i]);
            continue;
        }
        if (lanes[i].family == CV_IPV6 && family_missing(errno)) {
            if (lanes[i].carrier == CV_UDP_500)
                note(note_ctx, "this system has no IPv6; going on with IPv4 alone");
            continue;
        }
        return problem_set(why, "cannot open UDP port %u for IPv%u: %s%s", p, lanes[i].family,
                           strerror(errno), hint(errno));
    }
    return true;
}

static void open_raw(struct netio *io, void (*note)(void *ctx, const char *text),
                     void *note_ctx)
{
    for (unsigned i = 0; i < NETIO_RAW; i++) {
        uint8_t family = lanes[NETIO_UDP + i].family, carrier = lanes[NETIO_UDP + i].carrier;
        char text[128];

        if (raw_open(&io->raw[i], family, carrier, ROUTE_MARK) || family_missing(errno))
            continue;
        (void)snprintf(text, sizeof(text), "no raw socket for IPv%u (%s): %s", family,
                       strerror(errno),
                       carrier == CV_RAW_ESP ? "ESP will work inside UDP only" : "no AH");
        note(note_ctx, text);
    }
    whole_open(&io->whole);
    if (!bypass_open(&io->bypass))
        note(note_ctx, "no raw socket: what policy passes around the tunnels is dropped");
}

bool netio_open(struct netio *io, uint16_t port, uint16_t port_nat_t, const char *tun_name,
                void (*note)(void *ctx, const char *text), void *note_ctx, struct problem *why)
{
    if (!batch_init(&io->batch) || !batch_init(&io->pieces)) {
        problem_set(why, "no memory for packet buffers: %s", strerror(errno));
        netio_close(io);
        return false;
    }
    if (!open_udp(io, port, port_nat_t, note, note_ctx, why)) {
        netio_close(io);
        return false;
    }
    open_raw(io, note, note_ctx);
    if (!tun_open(&io->tun, tun_name, io->offload)) {
        problem_set(why, "cannot make the TUN device \"%s\" with /dev/net/tun: %s%s", tun_name,
                    strerror(errno), hint(errno));
        netio_close(io);
        return false;
    }
    return true;
}

void netio_close(struct netio *io)
{
    for (unsigned i = 0; i < NETIO_FDS; i++) {
        if (io->events[i] != NULL)
            event_free(io->events[i]);
        io->events[i] = NULL;
    }
    for (unsigned i = 0; i < NETIO_UDP; i++)
        udp_close(&io->udp[i]);
    for (unsigned i = 0; i < NETIO_RAW; i++)
        raw_close(&io->raw[i]);
    bypass_close(&io->bypass);
    whole_close(&io->whole);
    tun_close(&io->tun);
    batch_free(&io->batch);
    batch_free(&io->pieces);
}

bool netio_has(const struct netio *io, uint8_t family)
{
    for (unsigned i = 0; i < NETIO_UDP; i++)
        if (lanes[i].family == family && io->udp[i].fd >= 0)
            return true;
    return false;
}

void netio_offloads(const struct netio *io,
                    void (*put)(void *ctx, const char *name, uint64_t n), void *ctx)
{
    bool gso = false, gro = false;

    for (unsigned i = 0; i < NETIO_UDP; i++) {
        gso = gso || (io->udp[i].fd >= 0 && io->udp[i].way.gso);
        gro = gro || (io->udp[i].fd >= 0 && io->udp[i].gro);
    }
    put(ctx, "tun-tso", io->tun.tso);
    put(ctx, "tun-uso", io->tun.uso);
    put(ctx, "udp-gso", gso);
    put(ctx, "udp-gro", gro);
}

/* NETIO_LANES when there is no such socket. */
static unsigned lane_of(uint8_t family, uint8_t carrier)
{
    for (unsigned i = 0; i < NETIO_LANES; i++)
        if (lanes[i].family == family && lanes[i].carrier == carrier)
            return i;
    return NETIO_LANES;
}

static unsigned lane_send(struct netio *io, struct batch *b, unsigned lane,
                          const uint8_t *index, unsigned n)
{
    if (lane < NETIO_UDP)
        return udp_send(&io->udp[lane], b, index, n);
    return raw_send(&io->raw[lane - NETIO_UDP], b, index, n);
}

static void count_unsent(struct netio *io, unsigned n)
{
    io->failures.sends += n;
    io->failures.send_errno = errno;
}

/* In transport mode the packet's own header is in front of ESP. */
static void send_whole(struct netio *io, struct cv_packet *p)
{
    errno = EINVAL;
    if (cv_outer_put(p) == CV_OK && whole_send(&io->whole, p, io->now_ms()))
        return;
    if (errno == EMSGSIZE)
        p->err = CV_ERR_TOO_BIG;
    count_unsent(io, 1);
}

static void transmit(struct netio *io, struct batch *b, unsigned n)
{
    uint8_t index[NETIO_LANES][BATCH_MAX];
    unsigned count[NETIO_LANES] = {0};

    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &b->pkts[i];
        unsigned lane;

        if (p->verdict != CV_TRANSMIT)
            continue;
        if (p->head != 0 && whole_has(&io->whole, p->remote.addr.family)) {
            send_whole(io, p);
            continue;
        }
        lane = lane_of(p->remote.addr.family, p->carrier);
        if (lane < NETIO_LANES)
            index[lane][count[lane]++] = (uint8_t)i;
        else
            io->failures.sends++;
    }
    for (unsigned lane = 0; lane < NETIO_LANES; lane++) {
        unsigned sent;

        if (count[lane] == 0)
            continue;
        sent = lane_send(io, b, lane, index[lane], count[lane]);
        if (sent < count[lane])
            count_unsent(io, count[lane] - sent);
    }
}

/* What policy sends around the tunnels. */
static void go_around(struct netio *io, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &io->batch.pkts[i];

        if (p->verdict == CV_BYPASS &&
            !bypass_send(&io->bypass, io->nl, io->tun.index, p, io->now_ms()))
            count_unsent(io, 1);
    }
}

/* What the kernel found too long for its path tells the engine how long that may be.  The
 * packet itself is lost; its sender is told when it tries again. */
static void learn_mtu(struct netio *io, unsigned n)
{
    uint32_t last = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct cv_packet *p = &io->batch.pkts[i];

        if (p->verdict != CV_TRANSMIT || p->err != CV_ERR_TOO_BIG || !p->df || p->child == last)
            continue;
        last = p->child;
        cv_path_mtu(io->engine, p->child, datagram_path_mtu(&p->remote.addr, ROUTE_MARK),
                    io->now_ms());
    }
}

/* The sender of a packet that does not fit the path (RFC 4301 section 8.2.1). */
static void tell_too_big(struct netio *io, struct cv_packet *p)
{
    uint64_t second = io->now_ms() / 1000;

    if (second != io->told_s)
        io->told = 0;
    io->told_s = second;
    if (io->told < TOO_BIG_PER_S && cv_too_big(io->engine, p)) {
        io->told++;
        (void)tun_send(&io->tun, p);
    }
}

static void deliver(struct netio *io, unsigned n)
{
    const unsigned lost = tun_deliver(&io->tun, io->batch.pkts, n);

    if (lost == 0)
        return;
    io->failures.deliveries += lost;
    io->failures.deliver_errno = errno;
}

/* A descriptor that is readable but gives an error for ever would keep the loop spinning. */
static void check_broken(struct netio *io, int err, const char *what)
{
    if (err != EBADFD && err != EBADF && err != ENODEV && err != EIO)
        return;
    (void)event_del(io->events[NETIO_FDS - 1]);
    io->broken(io->ctx, what);
}

/* A batch may hold more IKE messages than the engine has room for effects: those it was too
 * busy for come again, one by one, when the effects are carried out. */
static void input_again(struct netio *io, unsigned n, const size_t *off, const size_t *len)
{
    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &io->batch.pkts[i];

        if (p->verdict != CV_DROP || p->err != CV_ERR_BUSY)
            continue;
        p->off = off[i];
        p->len = len[i];
        cv_input(io->engine, p, 1, io->now_ms());
        io->pump(io->ctx);
    }
}

/* Transport mode wants room in front of a packet for its header, which packets of one buffer do
 * not have.  The first that is refused for that is copied and comes again; from then on all get
 * room. */
static void make_room(struct netio *io, unsigned n, const size_t *len)
{
    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &io->batch.pkts[i];
        const struct cv_packet was = *p;

        if (p->verdict != CV_DROP || p->err != CV_ERR_NO_ROOM || was.off != 0 ||
            len[i] > BATCH_SMALL_ROOM)
            continue;
        io->batch.copies = true;
        batch_reset(&io->batch, i);
        memcpy(cv_packet_data(p), was.buf, len[i]);
        p->len = len[i];
        p->local = was.local;
        p->remote = was.remote;
        p->carrier = was.carrier;
        p->tos = was.tos;
        p->ttl = was.ttl;
        cv_input(io->engine, p, 1, io->now_ms());
    }
}

static void take_datagrams(struct netio *io, unsigned n)
{
    size_t off[BATCH_MAX], len[BATCH_MAX];

    if (n == 0)
        return;
    for (unsigned i = 0; i < n; i++) {
        off[i] = io->batch.pkts[i].off;
        len[i] = io->batch.pkts[i].len;
    }
    cv_input(io->engine, io->batch.pkts, n, io->now_ms());
    if (!io->batch.copies)
        make_room(io, n, len);
    deliver(io, n);
    io->pump(io->ctx);
    input_again(io, n, off, len);
}

static void on_udp(evutil_socket_t fd, short what, void *ctx)
{
    struct netio *io = ctx;

    (void)what;
    for (unsigned i = 0; i < NETIO_UDP; i++) {
        if (io->udp[i].fd != fd)
            continue;
        do
            take_datagrams(io, udp_recv(&io->udp[i], &io->batch));
        while (datagram_has_more(&io->batch));
    }
}

static void on_raw(evutil_socket_t fd, short what, void *ctx)
{
    struct netio *io = ctx;

    (void)what;
    for (unsigned i = 0; i < NETIO_RAW; i++)
        if (io->raw[i].fd == fd)
            take_datagrams(io, raw_recv(&io->raw[i], &io->batch));
}

/* Sends a packet that is too long for its path in pieces; p is the last of them, and not sent
 * yet. */
static void split(struct netio *io, struct cv_packet *p)
{
    unsigned n = 0;

    for (; p->verdict == CV_SPLIT; n++) {
        if (n == BATCH_LARGE) {
            transmit(io, &io->pieces, n);
            n = 0;
        }
        io->pieces.pkts[n] = batch_large(&io->pieces, n);
        if (!cv_split(io->engine, p, &io->pieces.pkts[n]))
            break;
        cv_output(io->engine, &io->pieces.pkts[n], 1, io->now_ms());
        cv_output(io->engine, p, 1, io->now_ms());
    }
    transmit(io, &io->pieces, n);
}

static void take_inner(struct netio *io, unsigned n)
{
    cv_output(io->engine, io->batch.pkts, n, io->now_ms());
    for (unsigned i = 0; i < n; i++)
        if (io->batch.pkts[i].verdict == CV_SPLIT)
            split(io, &io->batch.pkts[i]);
    transmit(io, &io->batch, n);
    go_around(io, n);
    learn_mtu(io, n);
    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &io->batch.pkts[i];

        if (p->verdict == CV_DROP && p->err == CV_ERR_TOO_BIG)
            tell_too_big(io, p);
        else if (p->verdict == CV_DROP)
            io->refused(io->ctx, p);
    }
    io->pump(io->ctx);
}

static void on_tun(evutil_socket_t fd, short what, void *ctx)
{
    struct netio *io = ctx;
    unsigned n = tun_recv(&io->tun, &io->batch);

    (void)fd;
    (void)what;
    if (n == 0)
        check_broken(io, errno, io->tun.name);
    else
        take_inner(io, n);
    while (tun_has_more(&io->tun))
        take_inner(io, tun_recv(&io->tun, &io->batch));
}

void netio_inject(struct netio *io, const struct cv_span *packets, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &io->batch.pkts[i];

        *p = batch_large(&io->batch, i);
        p->len = packets[i].n < batch_room(p) ? packets[i].n : batch_room(p);
        memcpy(cv_packet_data(p), packets[i].p, p->len);
    }
    take_inner(io, n);
}

bool netio_start(struct netio *io, struct event_base *base, struct problem *why)
{
    for (unsigned i = 0; i < NETIO_FDS; i++) {
        int fd = io->tun.fd;
        event_callback_fn callback = on_tun;

        if (i < NETIO_UDP) {
            fd = io->udp[i].fd;
            callback = on_udp;
        } else if (i < NETIO_LANES) {
            fd = io->raw[i - NETIO_UDP].fd;
            callback = on_raw;
        }
        if (fd < 0)
            continue;
        io->events[i] = event_new(base, fd, EV_READ | EV_PERSIST, callback, io);
        if (io->events[i] == NULL || event_add(io->events[i], NULL) != 0)
            return problem_set(why, "the event loop refuses a socket");
    }
    return true;
}

bool netio_remake_tun(struct netio *io, struct event_base *base)
{
    struct event **e = &io->events[NETIO_FDS - 1];
    char name[sizeof(io->tun.name)];

    if (*e != NULL)
        event_free(*e);
    *e = NULL;
    tun_close(&io->tun);
    memcpy(name, io->tun.name, sizeof(name));
    if (!tun_open(&io->tun, name, io->offload)) {
        memcpy(io->tun.name, name, sizeof(name)); /* for the next try */
        return false;
    }
    *e = event_new(base, io->tun.fd, EV_READ | EV_PERSIST, on_tun, io);
    return *e != NULL && event_add(*e, NULL) == 0;
}

void netio_send(struct netio *io, const struct cv_effect *fx)
{
    const struct cv_endpoint *remote = &fx->u.send.remote;
    unsigned lane = lane_of(remote->addr.family, fx->u.send.carrier);

    io->pieces.pkts[0] = batch_large(&io->pieces, 0);
    if (cv_send_nested(io->engine, fx, &io->pieces.pkts[0], io->now_ms())) {
        transmit(io, &io->pieces, 1);
        return;
    }
    errno = EAFNOSUPPORT;
    if (lane >= NETIO_UDP ||
        !udp_send_one(&io->udp[lane], &fx->u.send.local, remote, 0, fx->u.send.data))
        count_unsent(io, 1);
}
