/* Owns: one netlink socket, and the layout of its messages (netlink(7)).
 * Invariant: the kernel answers a request while it takes it, so waiting for the answer does
 * not block the loop.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/kernel/nl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t align4(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

bool netlink_open(struct netlink *nl, int protocol)
{
    struct sockaddr_nl own = {.nl_family = AF_NETLINK};
    socklen_t n = sizeof(own);

    nl->seq = 0;
    nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (nl->fd < 0)
        return false;
    if (bind(nl->fd, (const struct sockaddr *)&own, sizeof(own)) != 0 ||
        getsockname(nl->fd, (struct sockaddr *)&own, &n) != 0) {
        netlink_close(nl);
        return false;
    }
    nl->port = own.nl_pid;
    return true;
}

void netlink_close(struct netlink *nl)
{
    if (nl->fd >= 0)
        close(nl->fd);
    nl->fd = -1;
}

static void append(struct nl_request *r, const void *data, size_t n)
{
    if (r->bad || align4(n) > sizeof(r->buf) - r->len) {
        r->bad = true;
        return;
    }
    if (n > 0)
        memcpy(r->buf + r->len, data, n);
    r->len += align4(n);
}

void nl_begin(struct nl_request *r, uint16_t type, uint16_t flags, const void *header, size_t n)
{
    struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};

    memset(r, 0, sizeof(*r));
    append(r, &h, sizeof(h));
    append(r, header, n);
}

void nl_attr(struct nl_request *r, uint16_t type, const void *data, size_t n)
{
    struct rtattr a = {.rta_len = (uint16_t)(sizeof(a) + n), .rta_type = type};

    append(r, &a, sizeof(a));
    append(r, data, n);
}

void nl_attr_u32(struct nl_request *r, uint16_t type, uint32_t value)
{
    nl_attr(r, type, &value, sizeof(value));
}

size_t nl_nest_begin(struct nl_request *r, uint16_t type)
{
    size_t at = r->len;

    nl_attr(r, type, NULL, 0);
    return at;
}

void nl_nest_end(struct nl_request *r, size_t at)
{
    uint16_t n = (uint16_t)(r->len - at);

    if (!r->bad)
        memcpy(r->buf + at + offsetof(struct rtattr, rta_len), &n, sizeof(n));
}

bool nl_walk_next(struct nl_walk *w, struct nlmsghdr *h, const uint8_t **p, size_t *n)
{
    size_t whole;

    if (w->n < sizeof(*h))
        return false;
    memcpy(h, w->p, sizeof(*h));
    if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > w->n)
        return false;
    *p = w->p;
    *n = h->nlmsg_len;
    whole = align4(*n) < w->n ? align4(*n) : w->n;
    w->p += whole;
    w->n -= whole;
    return true;
}

struct answer {
    uint32_t seq;
    int result;
    void (*take)(void *ctx, const void *message, size_t n); /* may be NULL */
    void *ctx;
};

/* One message of the answer.  True when the exchange is over, with its result. */
static bool take_message(struct answer *a, const uint8_t *p, size_t n)
{
    struct nlmsghdr h;

    memcpy(&h, p, sizeof(h));
    if (h.nlmsg_seq != a->seq)
        return false;
    if (h.nlmsg_type == NLMSG_DONE)
        return true;
    if (h.nlmsg_type == NLMSG_ERROR) {
        struct nlmsgerr e;
        a->result = EBADMSG;
        if (n >= sizeof(h) + sizeof(e)) {
            memcpy(&e, p + sizeof(h), sizeof(e));
            a->result = -e.error;
        }
        return true;
    }
    if (a->take != NULL)
        a->take(a->ctx, p, n);
    return false;
}

static int await_answer(struct netlink *nl, struct answer *a)
{
    for (;;) {
        uint8_t buf[8192];
        const ssize_t got = recv(nl->fd, buf, sizeof(buf), 0);
        struct nl_walk walk = {buf, got > 0 ? (size_t)got : 0};
        struct nlmsghdr h;
        const uint8_t *p;
        size_t n;

        if (got < 0 && errno != EINTR)
            return errno;
        while (nl_walk_next(&walk, &h, &p, &n))
            if (take_message(a, p, n))
                return a->result;
    }
}

/* p is the message, n octets: completes its header. */
static void complete(uint8_t *p, size_t n, uint16_t flags, uint32_t seq)
{
    struct nlmsghdr h;

    memcpy(&h, p, sizeof(h));
    h.nlmsg_len = (uint32_t)n;
    h.nlmsg_flags |= flags;
    h.nlmsg_seq = seq;
    memcpy(p, &h, sizeof(h));
}

static int ask(struct netlink *nl, struct nl_request *r, uint16_t flags, struct answer *a)
{
    if (r->bad)
        return EMSGSIZE;
    a->seq = ++nl->seq;
    complete(r->buf, r->len, flags, a->seq);
    if (send(nl->fd, r->buf, r->len, 0) < 0)
        return errno;
    return await_answer(nl, a);
}

struct reply {
    void *room;
    size_t *n;
};

static void keep_reply(void *ctx, const void *message, size_t n)
{
    const struct reply *r = ctx;

    *r->n = n < *r->n ? n : *r->n;
    memcpy(r->room, message, *r->n);
}

int netlink_ask(struct netlink *nl, struct nl_request *r, void *reply, size_t *reply_n)
{
    struct reply keep = {reply, reply_n};
    struct answer a = {.take = reply != NULL ? keep_reply : NULL, .ctx = &keep};

    return ask(nl, r, NLM_F_ACK, &a);
}

int netlink_dump(struct netlink *nl, struct nl_request *r,
                 void (*take)(void *ctx, const void *message, size_t n), void *ctx)
{
    struct answer a = {.take = take, .ctx = ctx};

    return ask(nl, r, NLM_F_DUMP, &a);
}

void nl_batch_begin(struct nl_batch *b, struct netlink *nl)
{
    b->len = 0;
    b->bad = false;
    b->seq = ++nl->seq;
}

void nl_batch_add(struct nl_batch *b, const struct nl_request *r)
{
    if (b->bad || r->bad || r->len > sizeof(b->buf) - b->len) {
        b->bad = true;
        return;
    }
    memcpy(b->buf + b->len, r->buf, r->len);
    complete(b->buf + b->len, r->len, 0, b->seq);
    b->len += r->len;
}

int netlink_tell(struct netlink *nl, const struct nl_batch *b)
{
    if (b->bad)
        return EMSGSIZE;
    return send(nl->fd, b->buf, b->len, 0) < 0 ? errno : 0;
}

int netlink_ask_all(struct netlink *nl, const struct nl_batch *b)
{
    struct answer a = {.seq = b->seq};
    int err = netlink_tell(nl, b);

    return err != 0 ? err : await_answer(nl, &a);
}

struct nl_attrs nl_attrs_of(const void *message, size_t message_n, size_t header_n)
{
    const size_t at = sizeof(struct nlmsghdr) + align4(header_n);

    if (message_n <= at)
        return (struct nl_attrs){0};
    return (struct nl_attrs){(const uint8_t *)message + at, message_n - at};
}

bool nl_attr_next(struct nl_attrs *a, uint16_t *type, struct nl_attrs *value)
{
    struct rtattr h;
    size_t whole;

    if (a->n < sizeof(h))
        return false;
    memcpy(&h, a->p, sizeof(h));
    if (h.rta_len < sizeof(h) || h.rta_len > a->n)
        return false;
    if (type != NULL)
        *type = (uint16_t)(h.rta_type & ~(unsigned)(NLA_F_NESTED | NLA_F_NET_BYTEORDER));
    *value = (struct nl_attrs){a->p + sizeof(h), h.rta_len - sizeof(h)};
    whole = align4(h.rta_len) < a->n ? align4(h.rta_len) : a->n;
    a->p += whole;
    a->n -= whole;
    return true;
}

struct nl_attrs nl_attr_find(struct nl_attrs a, uint16_t type)
{
    struct nl_attrs value;
    uint16_t t;

    while (nl_attr_next(&a, &t, &value))
        if (t == type)
            return value;
    return (struct nl_attrs){0};
}

const void *nl_find(const void *message, size_t message_n, size_t header_n, uint16_t type,
                    size_t *n)
{
    struct nl_attrs found = nl_attr_find(nl_attrs_of(message, message_n, header_n), type);

    if (found.p == NULL)
        return NULL;
    *n = found.n;
    return found.p;
}
