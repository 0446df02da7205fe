/* Owns: the file descriptor of one TUN device.  The device ends with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool tun_open(struct tun *t, const char *pattern)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int err;

    memset(t, 0, sizeof(*t));
    t->fd = -1;
    if (strlen(pattern) >= sizeof(ifr.ifr_name)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(ifr.ifr_name, pattern, strlen(pattern));
    t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (t->fd < 0)
        return false;
    if (ioctl(t->fd, TUNSETIFF, &ifr) < 0)
        goto fail;
    memcpy(t->name, ifr.ifr_name, sizeof(t->name));
    t->name[sizeof(t->name) - 1] = '\0';
    t->index = if_nametoindex(t->name);
    if (t->index == 0)
        goto fail;
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
}

unsigned tun_recv(struct tun *t, struct batch *b)
{
    unsigned n = 0;

    while (n < BATCH_MAX) {
        struct cv_packet *p = &b->pkts[n];
        ssize_t got;

        batch_reset(b, n);
        got = read(t->fd, cv_packet_data(p), batch_room());
        if (got <= 0)
            break;
        p->len = (size_t)got;
        n++;
    }
    return n;
}

bool tun_send(struct tun *t, const struct cv_packet *p)
{
    return write(t->fd, cv_packet_data(p), p->len) == (ssize_t)p->len;
}
