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
    FRAGMENT_LEN = 8,
    IP6_FRONT_MAX = 512 /* octets of headers in front of every fragment, and its own */
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

/* Behind what every router looks at, and the stops on the way (RFC 8200 section 4.5). */
bool fragment_send_ipv6(int fd, const struct cv_endpoint *local,
                        const struct cv_endpoint *remote, uint8_t tos,
                        const struct cv_packet *p)
{
    const size_t mtu = datagram_path_mtu(&remote->addr, ROUTE_MARK);
    uint8_t front_octets[IP6_FRONT_MAX] = {0}, *at = cv_packet_data(p);
    size_t head, step, left;
    struct ip_front front;

    errno = EMSGSIZE;
    if (ip_front_split(&front, span(at, p->len)) != CV_OK || front.fragment ||
        front.len > IP6_FRONT_MAX - FRAGMENT_LEN || p->off < FRAGMENT_LEN || mtu < IP6_MTU_MIN)
        return false;
    head = front.len + FRAGMENT_LEN;
    step = (mtu - head) & ~(size_t)7;
    memcpy(front_octets, at, front.len);
    front_octets[front.proto_at] = IPPROTO_NUM_FRAGMENT;
    front_octets[front.len] = front.next;
    if (getrandom(front_octets + front.len + 4, 4, GRND_NONBLOCK) != 4)
        return false;
    at -= FRAGMENT_LEN;
    left = p->len - front.len;
    for (size_t from = 0; left > 0; from += step) {
        const size_t n = left < step ? left : step, offset = from | (n < left);

        left -= n;
        ip_set_len(front_octets, head + n);
        front_octets[front.len + 2] = (uint8_t)(offset >> 8);
        front_octets[front.len + 3] = (uint8_t)offset;
        memcpy(at + from, front_octets, head);
        if (!datagram_send_one(fd, local, remote, tos, span(at + from, head + n), true))
            return false;
    }
    return true;
}
