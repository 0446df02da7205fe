/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/cut.h"

#include <string.h>

#include "linux/net/sum.h"
#include "linux/net/upper.h"

enum { IP4_HEADER_MIN = 20, IP6_HEADER = 40 };

/* The type without the flag that says that the sender speaks ECN. */
static uint8_t proto_of(const struct virtio_net_hdr *say)
{
    switch (say->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return UPPER_TCP;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        return UPPER_UDP;
    default:
        return 0;
    }
}

/* The kernel's numbers, held against the packet: a device in user space believes nobody. */
static bool find_headers(struct cut *c, const struct virtio_net_hdr *say)
{
    const bool v6 = c->data[0] >> 4 == 6;

    c->l4 = say->csum_start;
    if (c->l4 < (v6 ? IP6_HEADER : IP4_HEADER_MIN) || c->l4 > c->len)
        return false;
    if (!v6 && c->l4 != 4 * (size_t)(c->data[0] & 0x0f))
        return false;
    if (c->len - c->l4 < (c->proto == UPPER_TCP ? TCP_HEADER_MIN : UDP_HEADER))
        return false;
    c->head = c->l4 + UDP_HEADER;
    if (c->proto == UPPER_TCP)
        c->head = c->l4 + 4 * (size_t)(c->data[c->l4 + TCP_OFFSET_AT] >> 4);
    return c->head >= c->l4 + UDP_HEADER && c->head < c->len;
}

bool cut_begin(struct cut *c, const struct virtio_net_hdr *say, const uint8_t *data, size_t len)
{
    *c = (struct cut){.data = data, .len = len, .size = say->gso_size, .proto = proto_of(say)};
    if (c->proto == 0 || c->size == 0 || len == 0 || !find_headers(c, say)) {
        c->at = c->len = 0;
        return false;
    }
    c->at = c->head;
    return true;
}

size_t cut_next_len(const struct cut *c)
{
    const size_t left = c->len - c->at;

    return left == 0 ? 0 : c->head + (left < c->size ? left : c->size);
}

/* RFC 9293: the sequence number counts on; what ends a stream is in the last segment, and what
 * answers congestion in the first (RFC 3168 section 6.1.2). */
static void set_tcp(const struct cut *c, uint8_t *tcp, bool last)
{
    upper_put32(tcp + TCP_SEQ_AT, upper_get32(tcp + TCP_SEQ_AT) + (uint32_t)(c->at - c->head));
    if (!last)
        tcp[TCP_FLAGS_AT] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (c->n > 0)
        tcp[TCP_FLAGS_AT] &= (uint8_t)~TCP_CWR;
}

static void set_sum(const struct cut *c, uint8_t *out, size_t len)
{
    uint8_t *at = out + c->l4 + (c->proto == UPPER_TCP ? TCP_SUM_AT : UDP_SUM_AT);
    uint16_t sum;

    upper_put16(at, 0);
    sum = (uint16_t)~sum_fold(
        sum_add(upper_pseudo(out, c->proto, len - c->l4), out + c->l4, len - c->l4));
    if (sum == 0 && c->proto == UPPER_UDP) /* RFC 768: zero would be "none" */
        sum = UINT16_MAX;
    memcpy(at, &sum, sizeof(sum));
}

void cut_next(struct cut *c, uint8_t *out)
{
    const size_t len = cut_next_len(c), payload = len - c->head;
    const bool last = c->at + payload == c->len;

    memcpy(out, c->data, c->head);
    memcpy(out + c->head, c->data + c->at, payload);
    if (out[0] >> 4 == 4)
        upper_put16(out + IP4_ID_AT, upper_get16(out + IP4_ID_AT) + c->n);
    upper_set_len(out, c->l4, len);
    if (c->proto == UPPER_TCP)
        set_tcp(c, out + c->l4, last);
    else
        upper_put16(out + c->l4 + UDP_LENGTH_AT, len - c->l4);
    set_sum(c, out, len);
    c->at += payload;
    c->n++;
}

bool cut_finish_sum(const struct virtio_net_hdr *say, uint8_t *data, size_t len)
{
    const size_t start = say->csum_start, at = start + say->csum_offset;
    uint16_t sum;

    if (at + sizeof(sum) > len)
        return false;
    sum = (uint16_t)~sum_fold(sum_add(0, data + start, len - start));
    if (sum == 0 && say->csum_offset == UDP_SUM_AT)
        sum = UINT16_MAX;
    memcpy(data + at, &sum, sizeof(sum));
    return true;
}
