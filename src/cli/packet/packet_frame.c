/* What a daemon's sockets do before the data plane: outer IP and UDP headers off.
 *
 * RFC 791, 768, 8200; RFC 3948 for ESP in UDP.  The result is an IP packet of its own; the
 * capture's octets are only read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <culvert/ipsec.h>

#include "cli/packet/packet.h"

enum { UDP_HDR_LEN = 8, IKE_PORT = 500 };

enum cv_err frame_copy(struct cv_packet *pkt, struct cv_span ip)
{
    if (ip.n > FRAME_MAX)
        return CV_ERR_TOO_BIG;
    pkt->off = FRAME_HEAD;
    pkt->len = ip.n;
    memcpy(cv_packet_data(pkt), ip.p, ip.n);
    return CV_OK;
}

static void advance(struct cv_packet *pkt, size_t n)
{
    pkt->off += n;
    pkt->len -= n;
}

static bool carries_esp(const uint32_t ports[65536 / 32], uint16_t port)
{
    return ports[port / 32] >> (port % 32) & 1;
}

/* RFC 3948 section 2: one 0xff octet is a keepalive, four zero octets mark IKE, anything
 * else is ESP. */
static enum cv_err enter_encap(struct frame *f, struct cv_packet *pkt)
{
    struct rd r = rd_init(span(cv_packet_data(pkt), pkt->len));

    if (pkt->len == 1 && rd_u8(&r) == 0xff)
        return CV_ERR_KEEPALIVE;
    if (pkt->len < 4)
        return CV_ERR_SHORT;
    if (rd_u32(&r) == 0)
        return CV_ERR_IKE_SPI;
    f->esp = f->udp = true;
    pkt->carrier = CV_UDP_4500;
    return CV_OK;
}

static enum cv_err enter_udp(struct frame *f, struct cv_packet *pkt,
                             const uint32_t ports[65536 / 32])
{
    struct rd r = rd_init(span(cv_packet_data(pkt), pkt->len));
    const uint16_t sport = rd_u16(&r), dport = rd_u16(&r);
    const size_t len = rd_u16(&r);

    rd_u16(&r); /* the checksum: zero for ESP in UDP (RFC 3948 section 2.1) */
    if (!rd_ok(&r))
        return CV_ERR_SHORT;
    if (!carries_esp(ports, sport) && !carries_esp(ports, dport))
        return sport == IKE_PORT || dport == IKE_PORT ? CV_ERR_IKE_SPI : CV_ERR_CLEARTEXT;
    if (len < UDP_HDR_LEN || len > pkt->len)
        return CV_ERR_MALFORMED;
    pkt->remote.port = sport;
    pkt->local.port = dport;
    pkt->len = len;
    advance(pkt, UDP_HDR_LEN);
    return enter_encap(f, pkt);
}

/* SPI and number stand at the start of ESP, and behind four octets of AH. */
static enum cv_err read_numbers(struct frame *f, const struct cv_packet *pkt, size_t at)
{
    struct rd r = rd_init(span(cv_packet_data(pkt), pkt->len));

    rd_take(&r, at);
    f->spi = rd_u32(&r);
    f->seq_low = rd_u32(&r);
    return rd_ok(&r) ? CV_OK : CV_ERR_SHORT;
}

enum cv_err frame_read(struct frame *f, struct cv_packet *pkt, struct cv_span ip,
                       const uint32_t ports[65536 / 32])
{
    enum cv_err err;

    *f = (struct frame){.len = ip.n};
    f->parsed = ip.n == 0 ? CV_ERR_VERSION : ip_parse(&f->flow, ip);
    if (f->parsed != CV_OK) {
        f->flow = (struct ip_flow){0};
        return f->parsed;
    }
    f->len = f->flow.total_len; /* Ethernet pads short packets */
    if (f->flow.fragment)
        return CV_ERR_FRAGMENT;
    err = frame_copy(pkt, span(ip.p, f->len));
    if (err != CV_OK)
        return err;
    pkt->tos = f->flow.tos;
    pkt->remote = (struct cv_endpoint){.addr = f->flow.src};
    pkt->local = (struct cv_endpoint){.addr = f->flow.dst};
    if (f->flow.proto == IPPROTO_NUM_AH) {
        f->ah = true;
        pkt->carrier = CV_RAW_AH;
        return read_numbers(f, pkt, f->flow.hdr_len + 4);
    }
    advance(pkt, f->flow.hdr_len);
    pkt->head = (uint16_t)f->flow.hdr_len;
    if (f->flow.proto == IPPROTO_NUM_ESP) {
        f->esp = true;
        pkt->carrier = CV_RAW_ESP;
    } else {
        err = f->flow.proto == IPPROTO_NUM_UDP ? enter_udp(f, pkt, ports) : CV_ERR_CLEARTEXT;
    }
    return err == CV_OK ? read_numbers(f, pkt, 0) : err;
}

bool frame_enter(struct frame *f, struct cv_packet *pkt, const uint32_t ports[65536 / 32])
{
    struct cv_packet inside = *pkt;

    *f = (struct frame){.len = pkt->len};
    f->parsed = ip_parse(&f->flow, span(cv_packet_data(pkt), pkt->len));
    if (cv_outer_take(&inside) != CV_OK)
        return false;
    f->ah = inside.carrier == CV_RAW_AH;
    f->udp = inside.carrier == CV_UDP_4500;
    f->esp = !f->ah;
    if (f->udp && !carries_esp(ports, f->flow.sport) && !carries_esp(ports, f->flow.dport))
        return false;
    if (read_numbers(f, &inside, f->ah ? f->flow.hdr_len + 4 : 0) != CV_OK)
        return false;
    *pkt = inside;
    return true;
}
