/* Owns: the file descriptor of one TUN device.  The device ends with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the kernel may hand over unsegmented, the most first. */
static const struct {
    unsigned flags;
    bool tso, uso;
} offloads[] = {
    {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6, true,
     true                                                                                        },
    {TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,                           true,  false},
    {0,                                                                              false, false},
};

static void choose_offloads(struct tun *t)
{
    size_t i = 0;

    while (i < sizeof(offloads) / sizeof(offloads[0]) - 1 &&
           ioctl(t->fd, TUNSETOFFLOAD, offloads[i].flags) != 0)
        i++;
    t->tso = offloads[i].tso;
    t->uso = offloads[i].uso;
    t->merge.udp = t->uso;
}

static bool write_parts(void *ctx, const struct iovec *iov, int n);

/* Without headers for offloads where the kernel has none. */
static bool attach(struct tun *t, struct ifreq *ifr, bool offload)
{
    t->vnet = offload;
    ifr->ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0));
    if (ioctl(t->fd, TUNSETIFF, ifr) >= 0)
        return true;
    return offload && errno == EINVAL && attach(t, ifr, false);
}

bool tun_open(struct tun *t, const char *pattern, bool offload)
{
    struct ifreq ifr = {.ifr_flags = 0};
    int err;

    memset(t, 0, sizeof(*t));
    t->fd = -1;
    t->merge.write = write_parts;
    t->merge.ctx = t;
    if (strlen(pattern) >= sizeof(ifr.ifr_name)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(ifr.ifr_name, pattern, strlen(pattern));
    t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (t->fd < 0)
        return false;
    if (!attach(t, &ifr, offload))
        goto fail;
    memcpy(t->name, ifr.ifr_name, sizeof(t->name));
    t->name[sizeof(t->name) - 1] = '\0';
    t->index = if_nametoindex(t->name);
    if (t->index == 0)
        goto fail;
    if (t->vnet)
        choose_offloads(t);
    return true;

fail:
    err = errno;
    tun_close(t);
    errno = err;
    return false;
}

void tun_close(struct tun *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    t->cut = (struct cut){.len = 0};
}

/* ---- what comes ------------------------------------------------------------------ */

/* Large buffer 0 is for what is to be cut; the others are for packets larger than a slot. */
enum { CUT_BUFFER = 0 };

bool tun_has_more(const struct tun *t)
{
    return cut_next_len(&t->cut) != 0;
}

/* Packet n with room for len octets; false: there is none left. */
static bool take_slot(struct batch *b, unsigned n, size_t len, unsigned *large)
{
    if (n == BATCH_MAX)
        return false;
    batch_reset(b, n);
    if (len <= batch_room(&b->pkts[n]))
        return true;
    if (*large == BATCH_LARGE)
        return false;
    b->pkts[n] = batch_large(b, (*large)++);
    return true;
}

static unsigned cut_all(struct tun *t, struct batch *b, unsigned n, unsigned *large)
{
    size_t len;

    while ((len = cut_next_len(&t->cut)) != 0 && take_slot(b, n, len, large)) {
        cut_next(&t->cut, cv_packet_data(&b->pkts[n]));
        b->pkts[n++].len = len;
    }
    return n;
}

/* One read: into the slot of packet n, and what does not fit there behind the place in the
 * large buffer where the rest of it belongs.  Returns as read(2). */
static ssize_t read_one(struct tun *t, struct batch *b, unsigned n, unsigned large,
                        struct virtio_net_hdr *say)
{
    struct cv_packet *p = &b->pkts[n], whole = batch_large(b, large);
    struct iovec iov[3];
    size_t room;
    ssize_t got;

    batch_reset(b, n);
    room = batch_room(p);
    iov[0] = (struct iovec){say, sizeof(*say)};
    iov[1] = (struct iovec){cv_packet_data(p), room};
    iov[2] = (struct iovec){cv_packet_data(&whole) + room, batch_room(&whole) - room};
    got = t->vnet ? readv(t->fd, iov, 3) : readv(t->fd, iov + 1, 2);
    if (got <= 0 || !t->vnet) {
        say->flags = 0;
        say->gso_type = VIRTIO_NET_HDR_GSO_NONE;
    } else {
        got -= (ssize_t)sizeof(*say);
    }
    if (got > (ssize_t)room || (got > 0 && say->gso_type != VIRTIO_NET_HDR_GSO_NONE)) {
        memcpy(cv_packet_data(&whole), cv_packet_data(p),
               (size_t)got < room ? (size_t)got : room);
        *p = whole;
    }
    p->len = got > 0 ? (size_t)got : 0;
    return got;
}

unsigned tun_recv(struct tun *t, struct batch *b)
{
    unsigned large = CUT_BUFFER + 1, n = cut_all(t, b, 0, &large);
    struct virtio_net_hdr say;

    while (n < BATCH_MAX && !tun_has_more(t) && large < BATCH_LARGE) {
        struct cv_packet *p = &b->pkts[n];

        if (read_one(t, b, n, CUT_BUFFER, &say) <= 0)
            break;
        if (say.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
            if (cut_begin(&t->cut, &say, cv_packet_data(p), p->len))
                n = cut_all(t, b, n, &large);
            continue;
        }
        if ((say.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 &&
            !cut_finish_sum(&say, cv_packet_data(p), p->len))
            continue;
        if (p->len > BATCH_SMALL_ROOM) { /* out of the way of the next */
            const struct cv_packet whole = *p;

            *p = batch_large(b, large++);
            memcpy(cv_packet_data(p), cv_packet_data(&whole), whole.len);
            p->len = whole.len;
        }
        n++;
    }
    return n;
}

/* ---- what goes ------------------------------------------------------------------- */

static bool write_parts(void *ctx, const struct iovec *iov, int n)
{
    const struct tun *t = ctx;
    size_t want = 0;

    if (!t->vnet) {
        iov++;
        n--;
    }
    for (int i = 0; i < n; i++)
        want += iov[i].iov_len;
    return writev(t->fd, iov, n) == (ssize_t)want;
}

bool tun_send(struct tun *t, const struct cv_packet *p)
{
    struct virtio_net_hdr say = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};
    const struct iovec iov[] = {
        {&say,              sizeof(say)},
        {cv_packet_data(p), p->len     }
    };

    return write_parts(t, iov, 2);
}

unsigned tun_deliver(struct tun *t, const struct cv_packet *pkts, unsigned n)
{
    unsigned lost = 0;

    merge_begin(&t->merge);
    for (unsigned i = 0; i < n; i++) {
        if (pkts[i].verdict != CV_DELIVER)
            continue;
        if (t->tso)
            merge_packet(&t->merge, &pkts[i]);
        else
            lost += !tun_send(t, &pkts[i]);
    }
    merge_end(&t->merge);
    return lost + t->merge.lost;
}
