/* RFC 4301 section 5, RFC 4302 and 4303 section 3.1.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/wrap.h"

#include <string.h>

#include "ipsec/ecn.h"
#include "ipsec/mss.h"
#include "ipsec/transport.h"

enum { TTL = 64, UDP_LEN = 8 };

/* ---- inbound ---- */

enum cv_err wrap_read(const struct cv_packet *pkt, struct wrap_head *head)
{
    enum cv_err err;

    head->esp_at = pkt->off;
    head->ah = IPSEC_AH && pkt->carrier == CV_RAW_AH;
    if (!head->ah) {
        err = esp_read_header(pkt, &head->spi, &head->seq_low);
        if (err != CV_OK)
            return err;
        /* Either carrier is good for any SA: RFC 7296 section 2.23 has UDP processed even
         * where no NAT was found. */
        return pkt->carrier == CV_UDP_4500 || pkt->carrier == CV_RAW_ESP ? CV_OK : CV_ERR_ENCAP;
    }
    err = ah_find(&head->at, pkt);
    if (err != CV_OK)
        return err;
    head->spi = head->at.ah.spi;
    head->seq_low = head->at.ah.seq_low;
    return CV_OK;
}

enum cv_err wrap_check(const struct path *path, const struct esp_sa *sa,
                       const struct cv_packet *pkt, const struct wrap_head *head)
{
    enum cv_err err = CV_OK;

    if (head->ah != path->ah)
        return CV_ERR_ENCAP;
    if (IPSEC_AH && head->ah)
        return ah_check(sa, &head->at);
    /* The header to come is looked for before the number is spent. */
    if (path->transport)
        err = transport_may_open(pkt, (size_t)ESP_HDR_LEN + sa->iv_len);
    return err == CV_OK ? esp_check_len(sa, pkt->len) : err;
}

enum cv_err wrap_open(const struct esp_sa *sa, uint64_t seq, struct cv_packet *pkt,
                      const struct wrap_head *head)
{
    if (IPSEC_AH && head->ah)
        return ah_open(sa, seq, pkt, &head->at);
    return esp_open(sa, seq, pkt);
}

/* The next header of what was opened; it is at pkt->off, still without an IP header in ESP's
 * transport mode. */
static enum cv_err unwrap(const struct path *path, struct cv_packet *pkt,
                          const struct wrap_head *head, uint8_t *next_header)
{
    if (!IPSEC_AH || !head->ah)
        return esp_strip(pkt, next_header);
    *next_header = head->at.ah.next;
    pkt->tos = head->at.outer.tos;
    if (path->transport)
        ah_remove(pkt, &head->at);
    else
        ah_enter(pkt, &head->at);
    return CV_OK;
}

enum cv_err wrap_inner(const struct path *path, struct cv_packet *pkt,
                       const struct wrap_head *head, struct ip_flow *flow)
{
    uint8_t next_header;
    enum cv_err err = unwrap(path, pkt, head, &next_header);

    if (err != CV_OK)
        return err;
    if (next_header == IPPROTO_NUM_NONE) {
        pkt->verdict = CV_TAKEN; /* a dummy packet, RFC 4303 section 2.6 */
        return CV_OK;
    }
    if (path->transport && !path->ah)
        err = transport_restore(pkt, next_header, head->esp_at);
    else if (!path->transport && next_header != IPPROTO_NUM_IPIP &&
             next_header != IPPROTO_NUM_IPV6)
        err = CV_ERR_NEXT_HEADER;
    if (err != CV_OK)
        return err;
    if (ip_parse(flow, span(cv_packet_data(pkt), pkt->len)) != CV_OK)
        return CV_ERR_INNER;
    if (path->transport)
        return flow->fragment ? CV_ERR_FRAGMENT : CV_OK;
    return flow->src.family == (next_header == IPPROTO_NUM_IPV6 ? CV_IPV6 : CV_IPV4)
               ? CV_OK
               : CV_ERR_NEXT_HEADER;
}

enum cv_err wrap_deliver(const struct path *path, const struct esp_sa *sa,
                         struct cv_packet *pkt, struct ip_flow *flow)
{
    if (!path->transport && !ecn_decapsulate(cv_packet_data(pkt), flow, pkt->tos))
        return CV_ERR_MALFORMED;
    if (path->transport && pkt->carrier == CV_UDP_4500)
        transport_fix_checksum(pkt, flow);
    if (path->mss != 0)
        mss_clamp(cv_packet_data(pkt), flow, path_inner_mtu(path, sa), path->mss);
    pkt->len = flow->total_len; /* traffic flow confidentiality padding goes, section 2.7 */
    pkt->head = 0;
    pkt->verdict = CV_DELIVER;
    return CV_OK;
}

/* ---- outbound ---- */

static uint8_t tunnel_proto(const struct ip_flow *flow)
{
    return flow->src.family == CV_IPV6 ? IPPROTO_NUM_IPV6 : IPPROTO_NUM_IPIP;
}

/* Hides how long the packet is: zeros behind it, which its own length leaves out (RFC 4303
 * section 2.7).  False: no room. */
static bool pad_flow(const struct path *path, const struct esp_sa *sa, struct cv_packet *pkt)
{
    size_t want;

    if (path->tfc == 0)
        return true;
    want = path_padded_len(path, sa);
    if (want <= pkt->len)
        return true;
    if (want > pkt->cap - pkt->off)
        return false;
    memset(cv_packet_data(pkt) + pkt->len, 0, want - pkt->len);
    pkt->len = want;
    return true;
}

static enum cv_err seal_tunnel(const struct path *path, struct esp_sa *sa,
                               struct cv_packet *pkt, const struct ip_flow *flow)
{
    const size_t len = pkt->len;
    enum cv_err err = CV_ERR_NO_ROOM;

    if (pad_flow(path, sa, pkt))
        err = esp_seal(sa, pkt, tunnel_proto(flow));
    if (err == CV_ERR_NO_ROOM || err == CV_ERR_SEQ_EXHAUSTED)
        pkt->len = len;
    return err;
}

static enum cv_err seal_transport(const struct path *path, struct esp_sa *sa,
                                  struct cv_packet *pkt, const struct ip_front *front)
{
    const size_t room = (size_t)ESP_HDR_LEN + sa->iv_len + (path->encap ? UDP_LEN : 0);
    enum cv_err err;

    if (pkt->off < room)
        return CV_ERR_NO_ROOM;
    transport_strip(pkt, front, room);
    err = esp_seal(sa, pkt, front->next);
    if (err == CV_ERR_NO_ROOM || err == CV_ERR_SEQ_EXHAUSTED)
        transport_unstrip(pkt, room);
    else
        transport_name(pkt, front, path->encap);
    return err;
}

static enum cv_err seal_ah(const struct path *path, struct esp_sa *sa, struct cv_packet *pkt,
                           const struct ip_flow *flow)
{
    const struct cv_packet was = *pkt;
    const uint8_t family = path->remote.addr.family;
    const size_t n = ip_head_len(family), add = ah_len(sa, family == CV_IPV6);
    const uint16_t id = (uint16_t)(sa->seq & UINT16_MAX);
    const struct ip_head head = {
        .src = path->local.addr,
        .dst = path->remote.addr,
        .proto = tunnel_proto(flow),
        .tos = flow->tos,
        .ttl = TTL,
        .df = pkt->df,
        .id = id != 0 ? id : 1, /* an operating system would fill in a 0 */
    };
    struct ip_flow outer;
    enum cv_err err;

    if (path->transport)
        return ah_seal(sa, pkt, flow);
    if (pkt->off < n + add)
        return CV_ERR_NO_ROOM;
    if (pkt->len > UINT16_MAX - n - add)
        return CV_ERR_TOO_BIG;
    pkt->off -= n;
    pkt->len += n;
    ip_put_head(cv_packet_data(pkt), &head, was.len);
    err = ip_parse(&outer, span(cv_packet_data(pkt), pkt->len));
    if (err == CV_OK)
        err = ah_seal(sa, pkt, &outer);
    if (err != CV_OK && err != CV_ERR_CRYPTO)
        *pkt = was;
    return err;
}

/* Where it goes from and to. */
static void address(struct cv_packet *pkt, const struct path *path)
{
    pkt->carrier = path->ah ? CV_RAW_AH : path->encap ? CV_UDP_4500 : CV_RAW_ESP;
    pkt->local = path->local;
    pkt->remote = path->remote;
    if (!path->encap)
        pkt->local.port = pkt->remote.port = 0;
}

/* What of the packet stays outside, if policy lets it pass here at all. */
static enum cv_err read_front(const struct path *path, const struct cv_packet *pkt,
                              const struct ip_flow *flow, struct ip_front *front)
{
    enum cv_err err = CV_OK;

    *front = (struct ip_front){.len = ip_head_len(path->remote.addr.family)};
    if (path->transport)
        err = transport_check(flow, &path->local.addr, &path->remote.addr);
    if (err != CV_OK || !path->transport || path->ah)
        return err;
    return ip_front_split(front, span(cv_packet_data(pkt), flow->total_len));
}

static enum cv_err seal(const struct path *path, struct esp_sa *sa, struct cv_packet *pkt,
                        const struct ip_flow *flow, const struct ip_front *front)
{
    if (IPSEC_AH && path->ah)
        return seal_ah(path, sa, pkt, flow);
    return path->transport ? seal_transport(path, sa, pkt, front)
                           : seal_tunnel(path, sa, pkt, flow);
}

enum cv_err wrap_seal(const struct path *path, struct esp_sa *sa, struct cv_packet *pkt,
                      const struct ip_flow *flow)
{
    struct ip_front front;
    enum cv_err err = read_front(path, pkt, flow, &front);

    if (err == CV_OK)
        err = path_check(path, sa, flow, front.len, &pkt->df);
    if (err != CV_OK)
        return err;
    pkt->len = flow->total_len;
    pkt->ttl = 0; /* a tunnel's outer header is the host's own (RFC 4301 section 5.1.2.1) */
    pkt->head = 0;
    if (path->mss != 0)
        mss_clamp(cv_packet_data(pkt), flow, path_inner_mtu(path, sa), path->mss);
    err = seal(path, sa, pkt, flow, &front);
    if (err != CV_OK)
        return err;
    address(pkt, path);
    pkt->tos = flow->tos; /* DSCP: RFC 4301 section 5.1.2; ECN: RFC 6040 section 4.1 */
    pkt->verdict = CV_TRANSMIT;
    return CV_OK;
}
