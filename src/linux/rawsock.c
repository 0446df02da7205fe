/* Owns: one raw socket.  The kernel hands IPv4 packets with their header and IPv6 ones
 * without (raw(7), RFC 3542 section 3); here ESP has none and AH has one, whatever the family.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/rawsock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "linux/datagram.h"
#include "linux/fragment.h"

enum { IP4_LEN_MIN = 20, IP6_LEN = 40, DF = 0x40 };

/* IPv4 AH goes out with the header that the engine has written and protected.  For IPv6 the
 * kernel's own is the same in all that is protected, and with it the kernel fragments. */
static bool write_headers(const struct raw_sock *s)
{
    int on = 1;

    return s->carrier != CV_RAW_AH || s->family != CV_IPV4 ||
           setsockopt(s->fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) == 0;
}

bool raw_open(struct raw_sock *s, uint8_t family, uint8_t carrier, uint32_t mark)
{
    int protocol = carrier == CV_RAW_AH ? IPPROTO_AH : IPPROTO_ESP, err;

    *s = (struct raw_sock){.family = family, .carrier = carrier};
    s->fd = datagram_open(family, SOCK_RAW, protocol, mark);
    if (s->fd < 0 || write_headers(s))
        return s->fd >= 0;
    err = errno;
    raw_close(s);
    errno = err;
    return false;
}

void raw_close(struct raw_sock *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* ---- receiving ---- */

/* A packet whose header does not fit becomes empty, which the engine drops and counts. */
static void strip_ipv4(struct cv_packet *p)
{
    size_t hdr = p->len == 0 ? 0 : (size_t)(cv_packet_data(p)[0] & 0x0f) * 4;

    if (hdr < IP4_LEN_MIN || hdr > p->len)
        hdr = p->len;
    p->off += hdr;
    p->len -= hdr;
}

/* The header that the kernel took off (RFC 8200 section 3). */
static void rebuild_ipv6(struct cv_packet *p)
{
    struct wr w;

    if (p->off < IP6_LEN || p->len > UINT16_MAX) {
        p->len = 0;
        return;
    }
    p->off -= IP6_LEN;
    w = wr_init(cv_packet_data(p), IP6_LEN);
    wr_u32(&w, UINT32_C(6) << 28 | (uint32_t)p->tos << 20);
    wr_u16(&w, (uint16_t)p->len);
    wr_u8(&w, IPPROTO_AH);
    wr_u8(&w, 64); /* the hop limit is not protected */
    wr_copy(&w, p->remote.addr.b, 16);
    wr_copy(&w, p->local.addr.b, 16);
    p->len += IP6_LEN;
}

unsigned raw_recv(struct raw_sock *s, struct batch *b)
{
    unsigned n = datagram_recv(s->fd, b);

    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &b->pkts[i];
        if (s->carrier == CV_RAW_ESP && s->family == CV_IPV4)
            strip_ipv4(p);
        if (s->carrier == CV_RAW_AH && s->family == CV_IPV6)
            rebuild_ipv6(p);
        p->carrier = s->carrier;
        p->remote.port = 0; /* the kernel puts the protocol number there */
    }
    return n;
}

/* ---- sending AH ---- */

static bool send_octets(struct raw_sock *s, const struct cv_packet *p, const uint8_t *data,
                        size_t n)
{
    return datagram_send_one(s->fd, &p->local, &p->remote, p->tos, span(data, n), true);
}

static bool send_ah4(struct raw_sock *s, const struct cv_packet *p)
{
    uint8_t *at = cv_packet_data(p);
    size_t hdr = p->len < IP4_LEN_MIN ? 0 : (size_t)(at[0] & 0x0f) * 4;

    if (hdr < IP4_LEN_MIN || hdr > p->len) {
        errno = EINVAL;
        return false;
    }
    /* Flags are not protected (RFC 4302 section 3.3.3.1.1.1).  A packet of this host's own may
     * say DF though it is too large for any link: see ROUTE_MTU_WHOLE. */
    if (!p->df)
        at[6] &= (uint8_t)~DF;
    if (send_octets(s, p, at, p->len))
        return true;
    return errno == EMSGSIZE && !p->df &&
           fragment_send(s->fd, &p->local, &p->remote, p->tos, p);
}

static bool send_ah6(struct raw_sock *s, const struct cv_packet *p)
{
    const uint8_t *at = cv_packet_data(p);

    if (p->len < IP6_LEN || at[6] != IPPROTO_AH) {
        errno = EPROTONOSUPPORT;
        return false;
    }
    return send_octets(s, p, at + IP6_LEN, p->len - IP6_LEN);
}

static unsigned send_ah(struct raw_sock *s, struct batch *b, const uint8_t *index, unsigned n)
{
    unsigned sent = 0;

    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &b->pkts[index[i]];

        if (s->family == CV_IPV4 ? send_ah4(s, p) : send_ah6(s, p))
            sent++;
        else if (errno == EMSGSIZE)
            p->err = CV_ERR_TOO_BIG;
    }
    return sent;
}

unsigned raw_send(struct raw_sock *s, struct batch *b, const uint8_t *index, unsigned n)
{
    if (s->carrier == CV_RAW_AH)
        return send_ah(s, b, index, n);
    return datagram_send(s->fd, b, index, n, true, &s->df);
}
