/* Owns: cutting an IPv4 packet into fragments (RFC 791 section 2.3).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/fragment.h"

#include <errno.h>
#include <string.h>

#include "base/span.h"
#include "linux/datagram.h"
#include "linux/routes.h"

enum {
    HEADER_MIN = 20,
    HEADER_MAX = 60,
    FLAGS_AT = 6,
    MORE_FRAGMENTS = 0x2000,
    OFFSET = 0x1fff
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
