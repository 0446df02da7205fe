/* AH, RFC 4302, with extended sequence numbers (section 2.5.1).
 *
 * The ICV is computed over a copy of the headers, so the packet itself keeps what routers
 * put there; the payload is not copied.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/ah.h"

#include <string.h>

#include "base/secret.h"
#include "base/span.h"
#include "crypto/crypto.h"

enum { IP_TOTAL_MAX = 65535, IP4_ID_AT = 4, AH_LEN_MAX = AH_FIXED_LEN + CV_ICV_MAX + 4 };

/* ---- suites and lengths ---- */

size_t ah_key_len(const struct cv_crypto *crypto, const struct cv_suite *suite)
{
    const struct cv_integ *integ = crypto_integ(crypto, suite->integ);

    return suite->encr == 0 && integ != NULL ? integ->key_len : 0;
}

enum cv_err ah_sa_open(struct esp_sa *sa, const struct cv_crypto *crypto,
                       const struct cv_suite *suite, uint32_t spi)
{
    const struct cv_integ *integ = crypto_integ(crypto, suite->integ);

    *sa = (struct esp_sa){0};
    if (suite->encr != 0 || integ == NULL)
        return CV_ERR_UNSUPPORTED;
    *sa = (struct esp_sa){
        .spi = spi,
        .iv_len = integ->iv_len,
        .icv_len = integ->icv_len,
        .align = 1,
        .block = 1,
        .esn = suite->esn == CV_ESN_YES,
    };
    return CV_OK;
}

static size_t padded_len(const struct esp_sa *sa, size_t align)
{
    return (AH_FIXED_LEN + sa->icv_len + align - 1) & ~(align - 1);
}

size_t ah_len(const struct esp_sa *sa, bool v6)
{
    return padded_len(sa, v6 ? 8 : 4); /* RFC 4302 section 3.3.3.2.1 */
}

/* ---- ICV ---- */

/* Headers as they arrive, AH without its ICV, payload, and the half of an extended number
 * that is not sent (section 3.3.3).  icv begins with the IV, if the algorithm has one. */
static enum cv_err compute_icv(const struct esp_sa *sa, uint64_t seq,
                               const struct cv_packet *pkt, size_t at, size_t len,
                               uint8_t icv[CV_ICV_MAX])
{
    const uint8_t *p = cv_packet_data(pkt);
    uint8_t headers[AH_HEADERS_MAX], ah[AH_LEN_MAX], high[4];
    struct wr w = wr_init(high, sizeof(high));
    const struct cv_span parts[] = {
        {headers,      at                 },
        {ah,           len                },
        {p + at + len, pkt->len - at - len},
        {high,         sizeof(high)       },
    };
    enum cv_err err;

    memcpy(headers, p, at);
    memcpy(ah, p + at, len);
    memset(ah + AH_FIXED_LEN, 0, sa->icv_len);
    wr_u32(&w, (uint32_t)(seq >> 32));
    err = ah_settle(headers, at);
    if (err != CV_OK)
        return err;
    return sa->key->integ->mac(sa->key->integ_key, parts, sa->esn ? 4 : 3, icv) ? CV_OK
                                                                                : CV_ERR_CRYPTO;
}

/* ---- outbound ---- */

static enum cv_err check_seal(const struct esp_sa *sa, const struct cv_packet *pkt,
                              const struct ip_flow *flow, size_t len)
{
    const size_t fixed = flow->src.family == CV_IPV6 ? IP6_HDR_LEN : 0; /* not counted */
    uint8_t headers[AH_HEADERS_MAX];

    if (flow->hdr_len > sizeof(headers))
        return CV_ERR_LIMIT;
    if (pkt->len + len > IP_TOTAL_MAX + fixed)
        return CV_ERR_TOO_BIG;
    if (pkt->off < len)
        return CV_ERR_NO_ROOM;
    if (esp_seq_left(sa) == 0)
        return CV_ERR_SEQ_EXHAUSTED;
    memcpy(headers, cv_packet_data(pkt), flow->hdr_len);
    return ah_settle(headers, flow->hdr_len);
}

/* RFC 4543 section 3.1: any value that no other packet under this key has. */
static void put_iv(const struct esp_sa *sa, uint8_t icv[CV_ICV_MAX])
{
    struct wr w = wr_init(icv, sa->iv_len);

    if (sa->iv_len > 0)
        wr_u64(&w, sa->seq);
}

/* Where this is 0 a sending host's IP layer fills in one of its own, behind the back of the
 * ICV.  A 0 is only found in packets whose identification means nothing (RFC 6864 section
 * 4.1). */
static void give_id(uint8_t *packet, const struct ip_flow *flow, uint64_t seq)
{
    if (flow->src.family != CV_IPV4 || (packet[IP4_ID_AT] | packet[IP4_ID_AT + 1]) != 0)
        return;
    packet[IP4_ID_AT] = (uint8_t)(seq >> 8 & 0xff);
    packet[IP4_ID_AT + 1] = (uint8_t)((seq & 0xff) | (seq % 0x10000 == 0));
}

enum cv_err ah_seal(struct esp_sa *sa, struct cv_packet *pkt, const struct ip_flow *flow)
{
    const size_t len = ah_len(sa, flow->src.family == CV_IPV6), at = flow->hdr_len;
    struct ah_header ah = {.next = flow->proto, .len = len, .spi = sa->spi};
    enum cv_err err = check_seal(sa, pkt, flow, len);
    uint8_t icv[CV_ICV_MAX], *p;
    struct wr w;

    if (err != CV_OK)
        return err;
    ah.seq_low = (uint32_t)(++sa->seq & UINT32_MAX);
    pkt->off -= len;
    pkt->len += len;
    p = cv_packet_data(pkt);
    memmove(p, p + len, at);
    give_id(p, flow, sa->seq);
    ip_patch(p, pkt->len, flow->proto_at, IPPROTO_NUM_AH);
    w = wr_init(p + at, len);
    ah_put(&w, &ah);
    put_iv(sa, icv);
    err = compute_icv(sa, sa->seq, pkt, at, len, icv);
    if (err != CV_OK)
        return CV_ERR_CRYPTO;
    memcpy(p + at + AH_FIXED_LEN, icv, sa->icv_len);
    return CV_OK;
}

/* ---- inbound ---- */

enum cv_err ah_find(struct ah_place *out, const struct cv_packet *pkt)
{
    const struct cv_span packet = span(cv_packet_data(pkt), pkt->len);
    enum cv_err err = ip_parse(&out->outer, packet);
    struct rd r;

    if (err != CV_OK)
        return err;
    if (out->outer.fragment)
        return CV_ERR_FRAGMENT; /* RFC 4302 section 3.4.1: reassembled before AH */
    if (out->outer.proto != IPPROTO_NUM_AH)
        return CV_ERR_NEXT_HEADER;
    r = rd_init(span(packet.p, out->outer.total_len));
    rd_take(&r, out->outer.hdr_len);
    return ah_parse(&out->ah, rd_rest(&r), out->outer.src.family == CV_IPV6);
}

enum cv_err ah_check(const struct esp_sa *sa, const struct ah_place *at)
{
    if (at->outer.hdr_len > AH_HEADERS_MAX)
        return CV_ERR_LIMIT;
    /* Linux pads to eight octets in IPv4 too unless told otherwise; the padding is
     * authentic, so taking it costs nothing. */
    if (at->ah.len != ah_len(sa, true) &&
        at->ah.len != ah_len(sa, at->outer.src.family == CV_IPV6))
        return CV_ERR_MALFORMED;
    return CV_OK;
}

static struct cv_span icv_of(const struct esp_sa *sa, const struct cv_packet *pkt,
                             const struct ah_place *at)
{
    return span(cv_packet_data(pkt) + at->outer.hdr_len + AH_FIXED_LEN, sa->icv_len);
}

enum cv_err ah_open(const struct esp_sa *sa, uint64_t seq, const struct cv_packet *pkt,
                    const struct ah_place *at)
{
    const struct cv_span theirs = icv_of(sa, pkt, at);
    struct cv_packet whole = *pkt;
    uint8_t icv[CV_ICV_MAX];
    enum cv_err err;

    whole.len = at->outer.total_len;
    memcpy(icv, theirs.p, sa->iv_len);
    err = compute_icv(sa, seq, &whole, at->outer.hdr_len, at->ah.len, icv);
    if (err != CV_OK)
        return err;
    return ct_equal(icv, theirs.p, theirs.n) ? CV_OK : CV_ERR_ICV;
}

void ah_remove(struct cv_packet *pkt, const struct ah_place *at)
{
    uint8_t *p = cv_packet_data(pkt);

    memmove(p + at->ah.len, p, at->outer.hdr_len);
    pkt->off += at->ah.len;
    pkt->len = at->outer.total_len - at->ah.len;
    ip_patch(cv_packet_data(pkt), pkt->len, at->outer.proto_at, at->ah.next);
}

void ah_enter(struct cv_packet *pkt, const struct ah_place *at)
{
    const size_t n = at->outer.hdr_len + at->ah.len;

    pkt->off += n;
    pkt->len = at->outer.total_len - n;
}
