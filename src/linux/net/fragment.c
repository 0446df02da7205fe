/* Owns: cutting a packet into fragments (RFC 791 section 2.3, RFC 8200 section 4.5).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/fragment.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/span.h"
#include "linux/kernel/routes.h"
#include "linux/net/datagram.h"
#include "wire/ip.h"

enum {
    HEADER_MIN = 20,
    HEADER_MAX = 60,
    FLAGS_AT = 6,
    MORE_FRAGMENTS = 0x2000,
    OFFSET = 0x1fff,
    IP6_LEN = 40,
    IP6_NEXT_AT = 6,
    IP6_ID_AT = IP6_LEN + 4, /* in the fragment header */
    IP6_HEAD = IP6_LEN + 8
};

/* The header is written over what has been sent already; length and checksum are the kernel's
 * (raw(7)). */
bool fragment_send(int fd, const struct cv_endpoint *local, const struct cv_endpoint *remote,
                   uint8_t tos, const struct cv_packet *p)
{
    uint8_t head[HEADER_MAX], *at = cv_packet_data(p);
    size_t hdr = p->len < HEADER_MIN ? 0 : (size_t)(at[0] & 0x0f) * 4, left, step;
    size_t mtu = datagram_path_mtu(&remote->addr, ROUTE_MARK);
    unsigned was, offset;

    errno = EMSGSIZE;
    if (hdr < HEADER_MIN || hdr > p->len || mtu < hdr + 8)
        return false;
    was = (unsigned)at[FLAGS_AT] << 8 | at[FLAGS_AT + 1];
    offset = was & OFFSET;
    memcpy(head, at, hdr);
    left = p->len - hdr;
    step = (mtu - hdr) & ~(size_t)7;
    for (size_t from = 0; left > 0; from += step) {
        size_t n = left < step ? left : step;
        unsigned flags = (unsigned)(offset + from / 8);

        left -= n;
        flags |= left > 0 ? MORE_FRAGMENTS : was & MORE_FRAGMENTS;
        memcpy(at + from, head, hdr);
        at[from + FLAGS_AT] = (uint8_t)(flags >> 8);
        at[from + FLAGS_AT + 1] = (uint8_t)flags;
        if (!datagram_send_one(fd, local, remote, tos, span(at + from, hdr + n), true))
            return false;
    }
    return true;
}

static bool is_extension(uint8_t next)
{
    return next == IPPROTO_NUM_HOP_BY_HOP || next == IPPROTO_NUM_ROUTING ||
           next == IPPROTO_NUM_FRAGMENT || next == IPPROTO_NUM_DEST_OPTIONS;
}

bool fragment_send_ipv6(int fd, const struct cv_endpoint *local,
                        const struct cv_endpoint *remote, uint8_t tos,
                        const struct cv_packet *p)
{
    const size_t mtu = datagram_path_mtu(&remote->addr, ROUTE_MARK);
    const size_t step = mtu < IP6_MTU_MIN ? 0 : (mtu - IP6_HEAD) & ~(size_t)7;
    uint8_t head[IP6_HEAD] = {0}, *at = cv_packet_data(p);
    size_t left;

    errno = EMSGSIZE;
    if (p->len < IP6_LEN || is_extension(at[IP6_NEXT_AT]) || p->off < IP6_HEAD - IP6_LEN ||
        step == 0 || getrandom(head + IP6_ID_AT, 4, GRND_NONBLOCK) != 4)
        return false;
    memcpy(head, at, IP6_LEN);
    head[IP6_LEN] = at[IP6_NEXT_AT];
    head[IP6_NEXT_AT] = IPPROTO_NUM_FRAGMENT;
    at -= IP6_HEAD - IP6_LEN;
    left = p->len - IP6_LEN;
    for (size_t from = 0; left > 0; from += step) {
        const size_t n = left < step ? left : step, len = n + IP6_HEAD - IP6_LEN;
        const size_t offset = from | (n < left);

        left -= n;
        head[4] = (uint8_t)(len >> 8);
        head[5] = (uint8_t)len;
        head[IP6_LEN + 2] = (uint8_t)(offset >> 8);
        head[IP6_LEN + 3] = (uint8_t)offset;
        memcpy(at + from, head, IP6_HEAD);
        if (!datagram_send_one(fd, local, remote, tos, span(at + from, IP6_HEAD + n), true))
            return false;
    }
    return true;
}
