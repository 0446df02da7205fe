/* Owns: one raw socket.  The kernel hands IPv4 packets with their header and IPv6 ones
 * without (raw(7), RFC 3542 section 3); here ESP has none and AH has one, whatever the family.
 * IPv6 extension headers come as control messages, in the order of the packet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/rawsock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "linux/net/datagram.h"
#include "linux/net/fragment.h"
#include "linux/net/header.h"
#include "wire/ip.h"

enum { IP4_PROTO_AT = 9, IP4_LEN_MIN = 20, IP6_LEN = 40, DF = 0x40 };

static bool set_ip6(const struct raw_sock *s, int option, int value)
{
    return setsockopt(s->fd, IPPROTO_IPV6, option, &value, sizeof(value)) == 0;
}

/* IPv4 AH goes out with the header that the engine has written and protected.  For IPv6 the
 * kernel's own is the same in all that is protected, and with it the kernel fragments. */
static bool set_headers(const struct raw_sock *s)
{
    int on = 1;

    if (s->carrier != CV_RAW_AH)
        return true;
    return s->family != CV_IPV4 ||
           setsockopt(s->fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) == 0;
}

bool raw_open(struct raw_sock *s, uint8_t family, uint8_t carrier, uint32_t mark)
{
    int protocol = carrier == CV_RAW_AH ? IPPROTO_AH : IPPROTO_ESP, err;

    *s = (struct raw_sock){.family = family, .carrier = carrier};
    s->fd = datagram_open(family, SOCK_RAW, protocol, mark);
    if (s->fd < 0 || set_headers(s))
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
    else
        p->head = (uint16_t)hdr;
    p->off += hdr;
    p->len -= hdr;
}

/* The kernel has verified the checksum, and then written into options that ask for it, a
 * timestamp or a route, without summing up again.  AH does not protect either. */
static void sum_ipv4(struct cv_packet *p)
{
    uint8_t *at = cv_packet_data(p);
    const size_t hdr = p->len < IP4_LEN_MIN ? 0 : (size_t)(at[0] & 0x0f) * 4;

    if (hdr > IP4_LEN_MIN && hdr <= p->len)
        ip_patch(at, (size_t)at[2] << 8 | at[3], IP4_PROTO_AT, at[IP4_PROTO_AT]);
}

/* AH begins with the headers in front of it, whatever the kernel took off. */
static void rebuild_ipv6(struct cv_packet *p, struct msghdr *h)
{
    const size_t n = header_put(p, h, IPPROTO_AH, 0);

    p->off -= n;
    p->len = n != 0 ? p->len + n : 0;
}

static void take_off(const struct raw_sock *s, struct cv_packet *p, struct msghdr *h)
{
    if (s->carrier == CV_RAW_AH && s->family == CV_IPV4)
        sum_ipv4(p);
    else if (s->carrier == CV_RAW_AH)
        rebuild_ipv6(p, h);
    else if (s->family == CV_IPV4)
        strip_ipv4(p);
    else
        p->head = header_keep(p, h, IPPROTO_ESP, 0);
}

unsigned raw_recv(struct raw_sock *s, struct batch *b)
{
    unsigned n = datagram_recv(s->fd, b);

    for (unsigned i = 0; i < n; i++) {
        struct cv_packet *p = &b->pkts[i];
        take_off(s, p, &b->msgs[b->origin[i]].msg_hdr);
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

/* Extension headers in front of AH are the engine's: the kernel would order its own anew. */
static bool send_ah6(struct raw_sock *s, const struct cv_packet *p)
{
    const uint8_t *at = cv_packet_data(p);
    bool sent;
    int err;

    if (p->len < IP6_LEN) {
        errno = EINVAL;
        return false;
    }
    if (at[6] == IPPROTO_AH)
        return send_octets(s, p, at + IP6_LEN, p->len - IP6_LEN);
    if (!set_ip6(s, IPV6_HDRINCL, 1))
        return false;
    sent = send_octets(s, p, at, p->len);
    err = errno;
    (void)set_ip6(s, IPV6_HDRINCL, 0);
    errno = err;
    return sent;
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
    return datagram_send(s->fd, b, index, n, true, &s->way);
}
