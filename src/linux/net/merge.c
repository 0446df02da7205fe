/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/merge.h"

#include <string.h>

#include "linux/net/sum.h"
#include "linux/net/upper.h"

enum { IP4_HEADER = 20, IP6_HEADER = 40, FIRST_OCTET_IP4 = 0x45, WHOLE_MAX = UINT16_MAX };
enum { IP4_PROTO_AT = 9, IP4_FRAGMENT = 0x3fff, IP4_DF = 0x4000, IP6_NEXT_AT = 6 };

static uint8_t *octets(const struct cv_packet *p)
{
    return p->buf + p->off;
}

/* ---- what may join ------------------------------------------------------------ */

/* The headers of p, when it is a packet that may join others; r->n is 0. */
static bool read_headers(struct merge_run *r, const struct cv_packet *p)
{
    const uint8_t *at = octets(p), *l4;

    if (p->len > IP4_HEADER + UDP_HEADER && at[0] == FIRST_OCTET_IP4 &&
        (upper_get16(at + IP4_FLAGS_AT) & IP4_FRAGMENT) == 0 && upper_get16(at + 2) == p->len) {
        r->l4 = IP4_HEADER;
        r->proto = at[IP4_PROTO_AT];
    } else if (p->len > IP6_HEADER + UDP_HEADER && at[0] >> 4 == 6 &&
               upper_get16(at + 4) == p->len - IP6_HEADER) {
        r->l4 = IP6_HEADER;
        r->proto = at[IP6_NEXT_AT];
    } else {
        return false;
    }
    l4 = at + r->l4;
    r->head = r->l4 + UDP_HEADER;
    if (r->proto == UPPER_TCP && p->len > r->l4 + TCP_HEADER_MIN) {
        r->head = r->l4 + 4 * (size_t)(l4[TCP_OFFSET_AT] >> 4);
        if (r->head < r->l4 + TCP_HEADER_MIN || (l4[TCP_FLAGS_AT] & ~TCP_PSH) != TCP_ACK)
            return false;
    } else if (r->proto != UPPER_UDP || upper_get16(l4 + UDP_LENGTH_AT) != p->len - r->l4 ||
               upper_get16(l4 + UDP_SUM_AT) == 0) {
        return false;
    }
    r->size = p->len > r->head ? p->len - r->head : 0;
    return r->size > 0;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
    return memcmp(a + from, b + from, to - from) == 0;
}

static bool same_flow(const struct merge_run *r, const struct merge_run *of, const uint8_t *at)
{
    const uint8_t *first = octets(r->pkts[0]);
    const size_t addresses = r->l4 == IP4_HEADER ? 12 : 8;

    return r->l4 == of->l4 && r->proto == of->proto && same(first, at, addresses, r->l4 + 4);
}

/* The kernel writes the same header in front of each segment, but for what counts on. */
static bool same_ip(const struct merge_run *r, const uint8_t *at)
{
    const uint8_t *first = octets(r->pkts[0]);

    if (r->l4 == IP6_HEADER)
        return same(first, at, 0, 4) && first[7] == at[7];
    return same(first, at, 0, 2) && same(first, at, IP4_FLAGS_AT, IP4_PROTO_AT + 1) &&
           ((upper_get16(at + IP4_FLAGS_AT) & IP4_DF) != 0 ||
            upper_get16(at + IP4_ID_AT) == (uint16_t)(upper_get16(first + IP4_ID_AT) + r->n));
}

static bool same_tcp(const struct merge_run *r, const uint8_t *tcp)
{
    const uint8_t *first = octets(r->pkts[0]) + r->l4;
    const size_t payload = r->len - r->head;

    return upper_get32(tcp + TCP_SEQ_AT) ==
               (uint32_t)(upper_get32(first + TCP_SEQ_AT) + payload) &&
           same(first, tcp, TCP_ACK_AT, TCP_FLAGS_AT) &&
           same(first, tcp, TCP_WINDOW_AT, TCP_SUM_AT) &&
           same(first, tcp, TCP_SUM_AT + 2, r->head - r->l4);
}

static bool sum_is_right(const struct merge_run *r, const struct cv_packet *p)
{
    const uint8_t *at = octets(p);
    const size_t n = p->len - r->l4;

    return sum_fold(sum_add(upper_pseudo(at, r->proto, n), at + r->l4, n)) == UINT16_MAX;
}

static bool may_join(struct merge_run *r, const struct merge_run *of, const struct cv_packet *p)
{
    const uint8_t *at = octets(p);

    if (r->closed || r->n == MERGE_MAX || of->head != r->head || of->size > r->size ||
        r->len + of->size > WHOLE_MAX || !same_ip(r, at) ||
        (r->proto == UPPER_TCP && !same_tcp(r, at + r->l4)))
        return false;
    r->checked = r->checked || sum_is_right(r, r->pkts[0]);
    return r->checked && sum_is_right(r, p);
}

/* ---- what goes ----------------------------------------------------------------- */

/* The first packet's headers become those of the whole. */
static void make_whole(const struct merge_run *r, struct virtio_net_hdr *say)
{
    uint8_t *first = octets(r->pkts[0]), *l4 = first + r->l4;
    const uint8_t *last = octets(r->pkts[r->n - 1]);
    const size_t sum_at = r->proto == UPPER_TCP ? TCP_SUM_AT : UDP_SUM_AT;
    const uint16_t sum = sum_fold(upper_pseudo(first, r->proto, r->len - r->l4));

    *say = (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = r->proto == UPPER_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4
                    : r->l4 == IP6_HEADER ? VIRTIO_NET_HDR_GSO_TCPV6
                                          : VIRTIO_NET_HDR_GSO_TCPV4,
        .hdr_len = (uint16_t)r->head,
        .gso_size = (uint16_t)r->size,
        .csum_start = (uint16_t)r->l4,
        .csum_offset = (uint16_t)sum_at,
    };
    upper_set_len(first, r->l4, r->len);
    if (r->proto == UPPER_TCP)
        l4[TCP_FLAGS_AT] |= last[r->l4 + TCP_FLAGS_AT] & TCP_PSH;
    else
        upper_put16(l4 + UDP_LENGTH_AT, r->len - r->l4);
    memcpy(l4 + sum_at, &sum, sizeof(sum));
}

static void send_run(struct merge *m, struct merge_run *r)
{
    struct virtio_net_hdr say = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};
    struct iovec iov[1 + MERGE_MAX] = {
        {&say, sizeof(say)}
    };

    if (r->n > 1)
        make_whole(r, &say);
    iov[1] = (struct iovec){octets(r->pkts[0]), r->pkts[0]->len};
    for (unsigned i = 1; i < r->n; i++)
        iov[1 + i] = (struct iovec){octets(r->pkts[i]) + r->head, r->pkts[i]->len - r->head};
    if (!m->write(m->ctx, iov, (int)(1 + r->n)))
        m->lost += r->n;
    r->n = 0;
}

/* ---- packets -------------------------------------------------------------------- */

void merge_begin(struct merge *m)
{
    m->n = 0;
    m->lost = 0;
}

static void send_alone(struct merge *m, const struct cv_packet *p)
{
    struct merge_run one = {.pkts = {p}, .n = 1};

    send_run(m, &one);
}

/* The run of this flow, or NULL. */
static struct merge_run *find_run(struct merge *m, const struct merge_run *of,
                                  const uint8_t *at)
{
    for (unsigned i = 0; i < m->n; i++)
        if (m->runs[i].n > 0 && same_flow(&m->runs[i], of, at))
            return &m->runs[i];
    return NULL;
}

/* A place for a new run; the oldest makes room. */
static struct merge_run *take_run(struct merge *m)
{
    if (m->n < MERGE_RUNS)
        return &m->runs[m->n++];
    for (unsigned i = 0; i < MERGE_RUNS; i++)
        if (m->runs[i].n == 0)
            return &m->runs[i];
    send_run(m, &m->runs[0]);
    return &m->runs[0];
}

static void start_run(struct merge_run *r, const struct merge_run *of,
                      const struct cv_packet *p)
{
    r->l4 = of->l4;
    r->head = of->head;
    r->size = of->size;
    r->proto = of->proto;
    r->pkts[0] = p;
    r->n = 1;
    r->len = p->len;
    r->checked = false;
    r->closed = r->proto == UPPER_TCP && (octets(p)[r->l4 + TCP_FLAGS_AT] & TCP_PSH) != 0;
}

/* Without payload, or with flags that say more, a TCP packet goes by itself, but not before
 * what its flow has sent. */
static void send_after_its_flow(struct merge *m, const struct merge_run *of,
                                const struct cv_packet *p)
{
    struct merge_run *r = of->l4 != 0 ? find_run(m, of, octets(p)) : NULL;

    if (r != NULL)
        send_run(m, r);
    send_alone(m, p);
}

void merge_packet(struct merge *m, const struct cv_packet *p)
{
    struct merge_run of = {.n = 0}, *r;

    if (!read_headers(&of, p) || (of.proto == UPPER_UDP && !m->udp)) {
        send_after_its_flow(m, &of, p);
        return;
    }
    r = find_run(m, &of, octets(p));
    if (r != NULL && may_join(r, &of, p)) {
        r->pkts[r->n++] = p;
        r->len += of.size;
        r->closed = of.size < r->size ||
                    (r->proto == UPPER_TCP && (octets(p)[r->l4 + TCP_FLAGS_AT] & TCP_PSH) != 0);
        return;
    }
    if (r != NULL)
        send_run(m, r);
    else
        r = take_run(m);
    start_run(r, &of, p);
}

void merge_end(struct merge *m)
{
    for (unsigned i = 0; i < m->n; i++)
        if (m->runs[i].n > 0)
            send_run(m, &m->runs[i]);
}
