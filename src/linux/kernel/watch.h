/* What the kernel says of its own accord: rules, routes, addresses and links that changed, and
 * tables of nf_tables that went, whoever did it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_KERNEL_WATCH_H
#define LINUX_KERNEL_WATCH_H

#include "linux/kernel/routes.h"

enum news_kind {
    NEWS_LINK = 1, /* ifindex, up, mtu; gone: the device was deleted */
    NEWS_ADDR,     /* ifindex, to */
    NEWS_ROUTE,    /* table, ifindex, to */
    NEWS_RULE,     /* priority */
    NEWS_TABLE,    /* name: an nf_tables table, or something in it */
    NEWS_LOST      /* some were lost: nothing is known any more */
};

struct news {
    uint8_t kind, family;
    bool gone; /* else it is new or has changed */
    bool up;
    uint32_t author; /* netlink_port of who asked for it; 0: the kernel by itself */
    uint32_t table, priority, mtu;
    unsigned ifindex;
    struct prefix to;
    char name[32];
};

struct watch {
    struct netlink routes, tables; /* fd -1: not open */
};

/* False with errno: there is no hearing the kernel's news.  That of nf_tables may be missing.
 */
bool watch_open(struct watch *w);
void watch_close(struct watch *w);

/* Hands over the news that wait on one of the two sockets, of at most so many datagrams. */
void watch_read(struct watch *w, int fd, unsigned most,
                void (*take)(void *ctx, const struct news *n), void *ctx);

#endif
