/* Requests to the kernel over netlink (routes, netfilter), one at a time or a batch that it
 * takes as one, each answered before the next.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_KERNEL_NL_H
#define LINUX_KERNEL_NL_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink {
    int fd; /* -1: not open */
    uint32_t seq;
    uint32_t port; /* names the author of a change in the kernel's news of it */
};

bool netlink_open(struct netlink *nl, int protocol); /* NETLINK_ROUTE ...; errno on false */
void netlink_close(struct netlink *nl);

enum { NETLINK_REQUEST_MAX = 1024 };

/* A request being built.  Running out of room makes bad stick. */
struct nl_request {
    size_t len;
    bool bad;
    uint8_t buf[NETLINK_REQUEST_MAX];
};

/* header is the family's own struct: rtmsg, ifaddrmsg, ifinfomsg, fib_rule_hdr, nfgenmsg. */
void nl_begin(struct nl_request *r, uint16_t type, uint16_t flags, const void *header,
              size_t n);
void nl_attr(struct nl_request *r, uint16_t type, const void *data, size_t n);
void nl_attr_u32(struct nl_request *r, uint16_t type, uint32_t value);
/* Attributes until nl_nest_end go inside.  The return value goes there. */
size_t nl_nest_begin(struct nl_request *r, uint16_t type);
void nl_nest_end(struct nl_request *r, size_t at);

/* Sends and waits for the kernel's word: 0 or an errno.  reply, when not NULL, gets the
 * message the kernel answered with, from its header on; reply_n comes in as the room and
 * goes out as the length. */
int netlink_ask(struct netlink *nl, struct nl_request *r, void *reply, size_t *reply_n);

/* The same for a list: each message of it is handed to take. */
int netlink_dump(struct netlink *nl, struct nl_request *r,
                 void (*take)(void *ctx, const void *message, size_t n), void *ctx);

/* Requests that go in one piece. */
enum { NETLINK_BATCH_MAX = 16384 };

struct nl_batch {
    size_t len;
    bool bad;
    uint32_t seq; /* of all of them */
    uint8_t buf[NETLINK_BATCH_MAX];
};

void nl_batch_begin(struct nl_batch *b, struct netlink *nl);
void nl_batch_add(struct nl_batch *b, const struct nl_request *r);
/* Sends without waiting for a word: 0 or an errno. */
int netlink_tell(struct netlink *nl, const struct nl_batch *b);
/* Sends and waits for the first word: that of a request that failed, or of the one that asked
 * for it with NLM_F_ACK. */
int netlink_ask_all(struct netlink *nl, const struct nl_batch *b);

/* Messages one after the other, as a datagram brings them. */
struct nl_walk {
    const uint8_t *p;
    size_t n;
};

/* Takes the first one off: its header, and the whole of it, n octets at p. */
bool nl_walk_next(struct nl_walk *w, struct nlmsghdr *h, const uint8_t **p, size_t *n);

/* Attributes one after the other. */
struct nl_attrs {
    const uint8_t *p;
    size_t n;
};

/* Those of a message, behind its family header of header_n octets. */
struct nl_attrs nl_attrs_of(const void *message, size_t message_n, size_t header_n);
/* Takes the first one off: its type when not NULL, and its value.  False: none is left. */
bool nl_attr_next(struct nl_attrs *a, uint16_t *type, struct nl_attrs *value);
/* The value of the first one of that type; n 0 when absent. */
struct nl_attrs nl_attr_find(struct nl_attrs a, uint16_t type);

/* The attribute of that type in a message whose family header has header_n octets; NULL when
 * absent.  n gets its length. */
const void *nl_find(const void *message, size_t message_n, size_t header_n, uint16_t type,
                    size_t *n);

#endif
