/* Packets in: SPI, length, a look at the window, open, commit, inner packet, selectors; and the
 * same again for a nested pair's packet inside.
 *
 * Invariant: nothing in a pair but its drop counters changes before the packet is authentic
 * (RFC 4302 and 4303 section 3.4).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/ipsec.h>

#include "ipsec/plane.h"

/* Replays below this many may be a network that duplicates. */
static const uint64_t REPLAY_ALARM = 16;

enum cv_child_drop ipsec_drop_kind(enum cv_err err)
{
    switch (err) {
    case CV_ERR_REPLAY:
        return CV_CD_REPLAY;
    case CV_ERR_ICV:
        return CV_CD_ICV;
    case CV_ERR_SELECTOR:
        return CV_CD_SELECTOR;
    case CV_ERR_CLEARTEXT:
        return CV_CD_CLEARTEXT;
    default:
        return CV_CD_MALFORMED;
    }
}

/* A drop on an SA that exists goes into the pair's own counters too.  Every power of
 * two is an alarm: an attack is told at once, and a long one does not flood. */
unsigned ipsec_count_drop(struct ipsec_pair *pair, enum cv_err err)
{
    const enum cv_child_drop kind = ipsec_drop_kind(err);
    const uint64_t n = ++pair->count.drops[kind];

    if (kind == CV_CD_MALFORMED || (kind == CV_CD_REPLAY && n < REPLAY_ALARM))
        return 0;
    return (n & (n - 1)) == 0 ? CV_NOTICE_ALARM : 0;
}

/* The packet is authentic and new: everything that follows from this alone. */
static unsigned commit_in(struct ipsec *p, struct ipsec_pair *pair, const struct cv_packet *pkt,
                          uint64_t seq, uint64_t now_ms)
{
    const bool newest = replay_commit(&pair->replay, &p->blocks, seq);
    unsigned notices = 0;

    if (pair->count.packets_in++ == 0)
        notices |= CV_NOTICE_FIRST_IN;
    pair->count.last_in_ms = now_ms;
    /* RFC 7296 section 2.23.  An older packet that comes late must not move the endpoint
     * back, and a raw one tells nothing about the NAT's mapping. */
    if (newest && pair->path.encap && !pair->fixed_remote && pkt->carrier == CV_UDP_4500 &&
        !endpoint_equal(&pair->path.remote, &pkt->remote)) {
        pair->path.remote = pkt->remote;
        notices |= CV_NOTICE_MOVED;
    }
    return notices;
}

/* RFC 1122 section 3.2.1.3, RFC 4291 sections 2.5.2, 2.5.3 and 2.7: not these, whatever the
 * selectors say. */
static bool may_be_source(const struct cv_addr *a)
{
    return !addr_is_zero(a) && !addr_is_loopback(a) && !addr_is_group(a);
}

static enum cv_err judge_inner(const struct ipsec *p, uint32_t i, const struct ip_flow *flow)
{
    /* RFC 4301 section 5.2: the SA's own selectors, not only any policy's */
    if (!spd_allows_in(&p->spd, i, flow))
        return CV_ERR_SELECTOR;
    if (!may_be_source(&flow->src))
        return CV_ERR_INNER_SOURCE;
    if (addr_is_group(&flow->dst) && !spd_names_group(&p->spd, i, flow, true))
        return CV_ERR_MULTICAST;
    return CV_OK;
}

/* pkt holds what was opened; leaves the inner packet. */
static enum cv_err accept_inner(struct ipsec *p, uint32_t i, struct cv_packet *pkt,
                                const struct wrap_head *head)
{
    const struct ipsec_pair *pair = &p->pairs[i];
    struct ip_flow flow;
    enum cv_err err = wrap_inner(&pair->path, pkt, head, &flow);

    if (err != CV_OK || pkt->verdict == CV_TAKEN)
        return err;
    if (flows_find(&p->flows, &flow, i) != i) {
        err = judge_inner(p, i, &flow);
        if (err != CV_OK)
            return err;
        flows_keep(&p->flows, &flow, i, i);
    }
    return wrap_deliver(&pair->path, &pair->out, pkt, &flow);
}

static enum cv_err open_packet(struct ipsec *p, uint32_t i, struct cv_packet *pkt,
                               const struct wrap_head *head, uint64_t now_ms, unsigned *notices)
{
    struct ipsec_pair *pair = &p->pairs[i];
    const uint64_t seq = replay_infer(&pair->replay, head->seq_low, pair->in.esn);
    enum cv_err err = wrap_check(&pair->path, &pair->in, pkt, head);

    if (err != CV_OK)
        return err;
    if (lifetime_over(&pair->life))
        return CV_ERR_EXPIRED;
    if (!replay_check(&pair->replay, &p->blocks, seq))
        return CV_ERR_REPLAY;
    if (pair->in.key == NULL)
        err = hot_admit(&p->hot, &pair->in, &p->raw[i], p->raw[i].in);
    if (err == CV_OK)
        err = wrap_open(&pair->in, seq, pkt, head);
    if (err != CV_OK) {
        hot_leave(&p->hot, &pair->in);
        return err;
    }
    hot_note(&p->hot, &pair->in);
    sad_keep_near(&p->sad, head->spi, i);
    *notices |= commit_in(p, pair, pkt, seq, now_ms);
    err = accept_inner(p, i, pkt, head);
    if (pkt->verdict == CV_DELIVER)
        pair->count.bytes_in += pkt->len;
    *notices |= lifetime_note(&pair->life, pair->count.bytes_in, pair->count.packets_in);
    return err;
}

static enum cv_err take_packet(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms,
                               struct ipsec_way *way)
{
    struct wrap_head head;
    enum cv_err err = wrap_read(pkt, &head);
    unsigned *notices;
    uint32_t i;

    if (err != CV_OK)
        return err;
    i = sad_find(&p->sad, head.spi);
    if (i == POOL_NONE)
        return CV_ERR_NO_SA;
    if (way->n == CV_NESTED_MAX)
        return CV_ERR_LIMIT;
    notices = &way->notices[way->n];
    way->pair[way->n++] = i;
    *notices = 0;
    pkt->child = p->pairs[i].id;
    /* by itself, what must come inside another SA */
    err = p->pairs[i].nested && way->n == 1 ? CV_ERR_ENCAP
                                            : open_packet(p, i, pkt, &head, now_ms, notices);
    /* ended, or no room for its keys: not the packet's fault */
    if (err != CV_OK && err != CV_ERR_EXPIRED && err != CV_ERR_FULL)
        *notices |= ipsec_count_drop(&p->pairs[i], err);
    return err;
}

/* Is the packet that was delivered one of a nested pair's, to us?  Then it is ready for
 * take_packet.  All others go through the host, as if they had come by themselves. */
static bool enter_nested(const struct ipsec *p, struct cv_packet *pkt)
{
    const struct ipsec_pair *pair;
    struct cv_packet inside;
    struct wrap_head head;
    uint32_t i;

    if (!IPSEC_NESTED || p->n_nested == 0)
        return false;
    inside = *pkt;
    if (cv_outer_take(&inside) != CV_OK || wrap_read(&inside, &head) != CV_OK)
        return false;
    i = sad_find(&p->sad, head.spi);
    if (i == POOL_NONE)
        return false;
    pair = &p->pairs[i];
    if (!pair->nested || !addr_equal(&inside.local.addr, &pair->path.local.addr))
        return false;
    *pkt = inside;
    return true;
}

void ipsec_in(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, struct ipsec_way *way)
{
    way->n = 0;
    pkt->child = 0;
    do {
        pkt->verdict = CV_DROP;
        pkt->err = take_packet(p, pkt, now_ms, way);
    } while (pkt->verdict == CV_DELIVER && enter_nested(p, pkt));
}
