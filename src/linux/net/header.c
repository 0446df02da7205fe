/* Owns: nothing; what a control message holds is copied in front of the packet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/header.h"

#include <netinet/in.h>
#include <string.h>

#include "base/span.h"
#include "wire/ip.h"

enum { HEADERS_MAX = 256 /* octets; of AH the same */, HOPS = 64 };

/* The number of the extension header in a control message; IPPROTO_NONE: there is none. */
static uint8_t extension_in(const struct cmsghdr *c)
{
    if (c->cmsg_level != IPPROTO_IPV6)
        return IPPROTO_NONE;
    switch (c->cmsg_type) {
    case IPV6_HOPOPTS:
        return IPPROTO_HOPOPTS;
    case IPV6_DSTOPTS:
        return IPPROTO_DSTOPTS;
    case IPV6_RTHDR:
        return IPPROTO_ROUTING;
    default:
        return IPPROTO_NONE;
    }
}

static bool is_options(const struct cmsghdr *c)
{
    return c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVOPTS;
}

/* Writes the extension headers; *first is the number of the first one, or upper.  False: they
 * are not the whole chain up to there. */
static bool put_extensions(struct wr *w, struct msghdr *h, uint8_t upper, uint8_t *first)
{
    uint8_t *next = first;

    *first = upper;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
        const uint8_t type = extension_in(c);
        uint8_t *at;

        if (type == IPPROTO_NONE)
            continue;
        if (next != first && *next != type)
            return false;
        *next = type;
        at = wr_reserve(w, c->cmsg_len - CMSG_LEN(0));
        if (at == NULL)
            return false;
        memcpy(at, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
        next = at;
    }
    return *next == upper;
}

/* The kernel gives options in whole words, and with them what it has written into them. */
static void put_options(struct wr *w, struct msghdr *h)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c))
        if (is_options(c))
            wr_span(w, span(CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0)));
}

/* A header for n octets behind w's, which is written over its beginning. */
static void put_first(struct wr *w, uint8_t *at, const struct cv_packet *p, uint8_t proto,
                      size_t n)
{
    const struct ip_head head = {
        .src = p->remote.addr,
        .dst = p->local.addr,
        .proto = proto,
        .tos = p->tos,
        .ttl = p->ttl != 0 ? p->ttl : HOPS,
        .df = true,
    };

    ip_put_head(at, &head, w->n - ip_head_len(head.src.family) + n);
    if (head.src.family == CV_IPV4)
        at[0] = (uint8_t)(4 << 4 | w->n / 4);
    ip_set_len(at, w->n + n);
}

/* Behind the packet there is room for as much as was missing in front. */
static bool make_room(struct cv_packet *p, size_t n)
{
    const size_t more = p->off < n ? n - p->off : 0;

    if (p->len + n > UINT16_MAX || p->cap - p->off - p->len < more)
        return false;
    memmove(cv_packet_data(p) + more, cv_packet_data(p), p->len);
    p->off += more;
    return true;
}

size_t header_put(struct cv_packet *p, struct msghdr *h, uint8_t upper, size_t gap)
{
    const size_t head = ip_head_len(p->remote.addr.family);
    uint8_t octets[HEADERS_MAX], first = upper;
    struct wr w = wr_init(octets, sizeof(octets));
    bool whole = (h->msg_flags & MSG_CTRUNC) == 0;

    wr_zero(&w, head);
    if (p->remote.addr.family == CV_IPV6)
        whole = put_extensions(&w, h, upper, &first) && whole;
    else
        put_options(&w, h);
    if (!whole || !wr_ok(&w) || !make_room(p, w.n + gap))
        return 0;
    put_first(&w, octets, p, first, p->len + gap);
    memcpy(cv_packet_data(p) - gap - w.n, octets, w.n);
    return w.n;
}

static bool had_more(struct msghdr *h)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c))
        if (is_options(c) || extension_in(c) != IPPROTO_NONE)
            return true;
    return (h->msg_flags & MSG_CTRUNC) != 0;
}

uint16_t header_keep(struct cv_packet *p, struct msghdr *h, uint8_t upper, size_t gap)
{
    size_t n;

    if (!had_more(h))
        return 0;
    n = header_put(p, h, upper, gap);
    return n != 0 ? (uint16_t)n : UINT16_MAX;
}
