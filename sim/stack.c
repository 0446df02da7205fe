/* Inner packets.  See stack.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "sim/agenda.h"
#include "sim/prng.h"
#include "wire/ip.h"

enum { CANARY_LEN = 16 };

static const uint8_t canary[CANARY_LEN] = "INNER CANARY OCT";

void stack_free(struct stack *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        free(s->flows[i].seen);
    free(s->flows);
    *s = (struct stack){0};
}

static void push(struct stack *s, const struct flow *f)
{
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 16 : 2 * s->cap;
        s->flows = realloc(s->flows, s->cap * sizeof(*s->flows));
        if (s->flows == NULL)
            abort();
    }
    s->flows[s->n++] = *f;
}

uint32_t stack_add(struct stack *s, const struct flow *f)
{
    struct flow there = *f, back = *f;

    if (there.payload < STACK_PAYLOAD_MIN)
        there.payload = STACK_PAYLOAD_MIN;
    if (there.sport == 0) {
        there.sport = (uint16_t)(STACK_FLOW_PORT + s->n);
        there.dport = STACK_FLOW_PORT;
    }
    back.payload = there.payload;
    back.from = f->to;
    back.to = f->from;
    back.src = f->dst;
    back.dst = f->src;
    back.sport = there.dport;
    back.dport = there.sport;
    back.echo = false;
    push(s, &there);
    push(s, &back);
    return s->n - 2;
}

static void put_ipv4(struct wr *w, const struct flow *f, size_t udp_len)
{
    uint16_t sum;

    wr_u16(w, 0x4500);
    wr_u16(w, (uint16_t)(20 + udp_len));
    wr_u32(w, 0x4000); /* identification 0, DF */
    wr_u16(w, 0x4011); /* TTL 64, UDP */
    wr_u16(w, 0);      /* checksum, below */
    wr_copy(w, f->src.b, 4);
    wr_copy(w, f->dst.b, 4);
    sum = ip_checksum(wr_done(w));
    wr_patch_u16(w, 10, sum);
}

static void put_ipv6(struct wr *w, const struct flow *f, size_t udp_len)
{
    wr_u32(w, 0x60000000);
    wr_u16(w, (uint16_t)udp_len);
    wr_u16(w, 0x1140); /* UDP, hop limit 64 */
    wr_copy(w, f->src.b, 16);
    wr_copy(w, f->dst.b, 16);
}

size_t stack_build(const struct stack *s, uint32_t i, uint32_t seq, uint8_t *out)
{
    const struct flow *f = &s->flows[i];
    struct wr w = wr_init(out, STACK_PACKET_MAX);
    struct prng filler = prng_seed((uint64_t)i << 32 | seq);
    size_t fill = (size_t)f->payload - CANARY_LEN - 8;

    if (f->src.family == CV_IPV6)
        put_ipv6(&w, f, 8u + f->payload);
    else
        put_ipv4(&w, f, 8u + f->payload);
    wr_u16(&w, f->sport);
    wr_u16(&w, f->dport);
    wr_u16(&w, (uint16_t)(8 + f->payload));
    wr_u16(&w, 0); /* no UDP checksum: the canary's filler is a better one */
    wr_copy(&w, canary, CANARY_LEN);
    wr_u32(&w, i);
    wr_u32(&w, seq);
    prng_fill(&filler, wr_reserve(&w, fill), fill);
    return wr_done(&w).n;
}

static bool mark(struct flow *f, uint32_t seq)
{
    if (seq >= f->seen_bits) {
        uint32_t bits = (seq | 1023) + 1;

        f->seen = realloc(f->seen, bits / 8);
        if (f->seen == NULL)
            abort();
        memset(f->seen + f->seen_bits / 8, 0, (bits - f->seen_bits) / 8);
        f->seen_bits = bits;
    }
    if (f->seen[seq / 8] >> (seq % 8) & 1)
        return false;
    f->seen[seq / 8] = (uint8_t)(f->seen[seq / 8] | 1u << (seq % 8));
    return true;
}

/* Is this the packet that was sent? */
static bool is_same(const struct flow *f, struct cv_span packet, struct cv_span want)
{
    const size_t addrs = 2 * addr_len(f->src.family), head = ip_head_len(f->src.family);

    if (!f->transport || packet.n != want.n)
        return span_equal(packet, want);
    return memcmp(packet.p + head - addrs, want.p + head - addrs, want.n - head + addrs) == 0;
}

enum stack_finding stack_accept(struct stack *s, uint32_t at, struct cv_span packet,
                                uint32_t *out)
{
    struct rd r = rd_init(packet);
    bool v6 = packet.n > 0 && packet.p[0] >> 4 == 6;
    uint8_t want[STACK_PACKET_MAX];
    uint32_t i, seq;

    (void)rd_take(&r, (v6 ? 40u : 20u) + 8u);
    if (!span_equal(rd_take(&r, CANARY_LEN), span(canary, CANARY_LEN)))
        return STACK_FOREIGN;
    i = rd_u32(&r);
    seq = rd_u32(&r);
    if (!rd_ok(&r) || i >= s->n || seq >= s->flows[i].sent)
        return STACK_CHANGED;
    *out = i;
    if (!is_same(&s->flows[i], packet, span(want, stack_build(s, i, seq, want))))
        return STACK_CHANGED;
    if (s->flows[i].to != at)
        return STACK_ASTRAY;
    if (!mark(&s->flows[i], seq))
        return STACK_REPEATED;
    s->flows[i].received++;
    return STACK_FINE;
}

bool stack_leaks(struct cv_span outer)
{
    const uint8_t *at = outer.p;
    size_t left = outer.n;

    while (left >= CANARY_LEN) {
        const uint8_t *hit = memchr(at, canary[0], left - CANARY_LEN + 1);

        if (hit == NULL)
            return false;
        if (memcmp(hit, canary, CANARY_LEN) == 0)
            return true;
        left -= (size_t)(hit + 1 - at);
        at = hit + 1;
    }
    return false;
}
