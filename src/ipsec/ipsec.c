/* The data plane of one engine: ties SAD, SPD, windows and ESP together.
 *
 * Invariant: a pair is in the SAD and has selectors and keys exactly while used is set.
 * Inbound, nothing in a pair but its drop counters changes before the packet is
 * authentic (RFC 4303 section 3.4).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/ipsec.h"

#include "ipsec/ecn.h"
#include "ipsec/esp.h"
#include "ipsec/lifetime.h"
#include "ipsec/replay.h"
#include "ipsec/sad.h"
#include "ipsec/spd.h"

/* Ask for a rekey while this many sequence numbers are left. */
static const uint64_t SEQ_MARGIN = UINT64_C(1) << 20;

/* Replays below this many may be a network that duplicates. */
static const uint64_t REPLAY_ALARM = 16;

struct ipsec_pair {
    struct esp_sa in, out;
    struct replay replay;
    struct lifetime life;
    struct ipsec_counters count;
    struct cv_endpoint local, remote;
    uint32_t id;
    bool used, encap, fixed_remote;
};
_Static_assert(sizeof(struct ipsec_pair) <= 328, "a million of these fit a gateway");

struct ipsec {
    const struct cv_crypto *crypto;
    struct ipsec_pair *pairs;
    uint32_t n_pairs;
    struct sad sad;
    struct spd spd;
    struct replay_blocks blocks;
};

/* ---- lifecycle ---- */

struct ipsec *ipsec_init(struct arena *a, uint32_t n_pairs, const struct cv_crypto *crypto,
                         const uint64_t hash_seed[2])
{
    struct ipsec *p = arena_take(a, 1, sizeof(*p));
    struct ipsec plane = {.crypto = crypto, .n_pairs = n_pairs};

    plane.pairs = arena_take(a, n_pairs, sizeof(*plane.pairs));
    sad_init(&plane.sad, a, n_pairs, hash_seed);
    spd_init(&plane.spd, a, n_pairs, hash_seed);
    replay_blocks_init(&plane.blocks, a, n_pairs);
    if (p == NULL || a->bad)
        return NULL;
    *p = plane;
    return p;
}

void ipsec_close(struct ipsec *p)
{
    for (uint32_t i = 0; i < p->n_pairs; i++)
        ipsec_remove(p, i);
}

size_t ipsec_key_len(const struct cv_crypto *crypto, const struct cv_suite *suite)
{
    return esp_key_len(crypto, suite);
}

static bool selectors_sane(const struct cv_ts_list *list)
{
    for (unsigned n = 0; n < list->n && n < CV_TS_MAX; n++)
        if (addr_len(list->ts[n].family) == 0)
            return false;
    return list->n > 0 && list->n <= CV_TS_MAX;
}

static enum cv_err check_config(const struct ipsec_config *cfg)
{
    if (cfg->protocol != CV_PROTO_ESP || cfg->mode != CV_TUNNEL)
        return CV_ERR_UNSUPPORTED;
    /* RFC 4303 section 2.1: 0 MUST NOT be sent on the wire */
    if (cfg->spi_in == 0 || cfg->spi_out == 0)
        return CV_ERR_ARGUMENT;
    if (!selectors_sane(&cfg->local_ts) || !selectors_sane(&cfg->remote_ts))
        return CV_ERR_ARGUMENT;
    return CV_OK;
}

/* Keys, selectors and SPI of a new pair: all of them or none. */
static enum cv_err install_parts(struct ipsec *p, uint32_t i, const struct ipsec_config *cfg)
{
    struct ipsec_pair *pair = &p->pairs[i];
    enum cv_err err = esp_sa_open(&pair->in, p->crypto, &cfg->suite, cfg->spi_in, cfg->key_in);

    if (err == CV_OK)
        err = esp_sa_open(&pair->out, p->crypto, &cfg->suite, cfg->spi_out, cfg->key_out);
    if (err == CV_OK && !spd_put(&p->spd, i, &cfg->local_ts, &cfg->remote_ts))
        err = CV_ERR_FULL;
    if (err == CV_OK && !sad_add(&p->sad, cfg->spi_in, i)) {
        spd_drop(&p->spd, i);
        err = CV_ERR_ARGUMENT;
    }
    if (err != CV_OK) {
        esp_sa_close(&pair->in);
        esp_sa_close(&pair->out);
    }
    return err;
}

enum cv_err ipsec_install(struct ipsec *p, uint32_t i, const struct ipsec_config *cfg,
                          uint64_t now_ms)
{
    struct ipsec_pair *pair;
    enum cv_err err = check_config(cfg);

    (void)now_ms; /* lifetimes in seconds are the engine's */
    if (i >= p->n_pairs || p->pairs[i].used)
        return CV_ERR_ARGUMENT;
    if (err != CV_OK)
        return err;
    pair = &p->pairs[i];
    *pair = (struct ipsec_pair){
        .local = cfg->local,
        .remote = cfg->remote,
        .id = cfg->id,
        .encap = cfg->encap,
        .fixed_remote = cfg->fixed_remote,
    };
    err = install_parts(p, i, cfg);
    if (err != CV_OK)
        return err;
    replay_open(&pair->replay, &p->blocks, cfg->replay_window);
    lifetime_init(&pair->life, cfg);
    pair->used = true;
    return CV_OK;
}

static struct ipsec_pair *used_pair(struct ipsec *p, uint32_t i)
{
    return i < p->n_pairs && p->pairs[i].used ? &p->pairs[i] : NULL;
}

void ipsec_use_out(struct ipsec *p, uint32_t i)
{
    if (used_pair(p, i) != NULL)
        spd_use_out(&p->spd, i);
}

void ipsec_stop_out(struct ipsec *p, uint32_t i)
{
    if (used_pair(p, i) != NULL)
        spd_stop_out(&p->spd, i);
}

void ipsec_remove(struct ipsec *p, uint32_t i)
{
    struct ipsec_pair *pair = used_pair(p, i);

    if (pair == NULL)
        return;
    sad_remove(&p->sad, pair->in.spi);
    spd_drop(&p->spd, i);
    replay_close(&pair->replay, &p->blocks);
    esp_sa_close(&pair->in);
    esp_sa_close(&pair->out);
    pair->used = false;
}

void ipsec_move(struct ipsec *p, uint32_t i, const struct cv_endpoint *local,
                const struct cv_endpoint *remote, bool encap)
{
    struct ipsec_pair *pair = used_pair(p, i);

    if (pair == NULL)
        return;
    pair->local = *local;
    pair->remote = *remote;
    pair->encap = encap;
}

/* ---- inspection ---- */

uint32_t ipsec_find_spi(const struct ipsec *p, uint32_t spi_in)
{
    return sad_find(&p->sad, spi_in);
}

const struct ipsec_counters *ipsec_counters(const struct ipsec *p, uint32_t i)
{
    return i < p->n_pairs ? &p->pairs[i].count : NULL;
}

void ipsec_ts(const struct ipsec *p, uint32_t i, struct cv_ts_list *local,
              struct cv_ts_list *remote)
{
    if (i < p->n_pairs)
        spd_get(&p->spd, i, local, remote);
}

/* ---- inbound ---- */

/* A drop on an SA that exists goes into the pair's own counters too.  Every power of
 * two is an alarm: an attack is told at once, and a long one does not flood. */
static unsigned count_drop(struct ipsec_pair *pair, enum cv_err err)
{
    const enum cv_child_drop kind = err == CV_ERR_REPLAY     ? CV_CD_REPLAY
                                    : err == CV_ERR_ICV      ? CV_CD_ICV
                                    : err == CV_ERR_SELECTOR ? CV_CD_SELECTOR
                                                             : CV_CD_MALFORMED;
    const uint64_t n = ++pair->count.drops[kind];

    if (kind == CV_CD_MALFORMED || (kind == CV_CD_REPLAY && n < REPLAY_ALARM))
        return 0;
    return (n & (n - 1)) == 0 ? IPSEC_ALARM : 0;
}

/* The packet is authentic and new: everything that follows from this alone. */
static unsigned commit_in(struct ipsec *p, struct ipsec_pair *pair, const struct cv_packet *pkt,
                          uint64_t seq, uint64_t now_ms)
{
    const bool newest = replay_commit(&pair->replay, &p->blocks, seq);
    unsigned notices = 0;

    if (pair->count.packets_in++ == 0)
        notices |= IPSEC_FIRST_IN;
    pair->count.last_in_ms = now_ms;
    /* RFC 7296 section 2.23.  An older packet that comes late must not move the endpoint
     * back, and a raw one tells nothing about the NAT's mapping. */
    if (newest && pair->encap && !pair->fixed_remote && pkt->carrier == CV_UDP_4500 &&
        !endpoint_equal(&pair->remote, &pkt->remote)) {
        pair->remote = pkt->remote;
        notices |= IPSEC_PEER_MOVED;
    }
    return notices;
}

/* pkt holds what was decrypted; leaves the inner packet. */
static enum cv_err accept_inner(struct ipsec *p, uint32_t i, struct cv_packet *pkt)
{
    struct ip_flow flow;
    uint8_t next_header;

    if (esp_strip(pkt, &next_header) != CV_OK)
        return CV_ERR_PADDING;
    if (next_header == IPPROTO_NUM_NONE) {
        pkt->verdict = CV_TAKEN; /* a dummy packet, RFC 4303 section 2.6 */
        return CV_OK;
    }
    if (next_header != IPPROTO_NUM_IPIP && next_header != IPPROTO_NUM_IPV6)
        return CV_ERR_NEXT_HEADER;
    if (ip_parse(&flow, span(cv_packet_data(pkt), pkt->len)) != CV_OK)
        return CV_ERR_INNER;
    if (flow.src.family != (next_header == IPPROTO_NUM_IPV6 ? CV_IPV6 : CV_IPV4))
        return CV_ERR_NEXT_HEADER;
    /* RFC 4301 section 5.2: the SA's own selectors, not only any policy's */
    if (!spd_allows_in(&p->spd, i, &flow))
        return CV_ERR_SELECTOR;
    if (!ecn_decapsulate(cv_packet_data(pkt), &flow, pkt->tos))
        return CV_ERR_MALFORMED;
    pkt->len = flow.total_len; /* traffic flow confidentiality padding goes, section 2.7 */
    pkt->verdict = CV_DELIVER;
    return CV_OK;
}

static enum cv_err open_packet(struct ipsec *p, uint32_t i, struct cv_packet *pkt,
                               uint32_t seq_low, uint64_t now_ms, unsigned *notices)
{
    struct ipsec_pair *pair = &p->pairs[i];
    const uint64_t seq = replay_infer(&pair->replay, seq_low, pair->in.esn);
    enum cv_err err = esp_check_len(&pair->in, pkt->len);

    if (err != CV_OK)
        return err;
    if (lifetime_over(&pair->life))
        return CV_ERR_EXPIRED;
    if (!replay_check(&pair->replay, &p->blocks, seq))
        return CV_ERR_REPLAY;
    err = esp_open(&pair->in, seq, pkt);
    if (err != CV_OK)
        return err;
    *notices |= commit_in(p, pair, pkt, seq, now_ms);
    err = accept_inner(p, i, pkt);
    if (pkt->verdict == CV_DELIVER)
        pair->count.bytes_in += pkt->len;
    *notices |= lifetime_note(&pair->life, pair->count.bytes_in, pair->count.packets_in);
    return err;
}

void ipsec_in(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, uint32_t *pair,
              unsigned *notices)
{
    uint32_t spi, seq_low;

    *pair = POOL_NONE;
    *notices = 0;
    pkt->verdict = CV_DROP;
    pkt->child = 0;
    pkt->err = esp_read_header(pkt, &spi, &seq_low);
    if (pkt->err != CV_OK)
        return;
    /* Either carrier is good for any SA: RFC 7296 section 2.23 has UDP processed even
     * where no NAT was found. */
    if (pkt->carrier != CV_UDP_4500 && pkt->carrier != CV_RAW_ESP) {
        pkt->err = CV_ERR_ENCAP;
        return;
    }
    *pair = sad_find(&p->sad, spi);
    if (*pair == POOL_NONE) {
        pkt->err = CV_ERR_NO_SA;
        return;
    }
    pkt->child = p->pairs[*pair].id;
    pkt->err = open_packet(p, *pair, pkt, seq_low, now_ms, notices);
    if (pkt->err != CV_OK && pkt->err != CV_ERR_EXPIRED)
        *notices |= count_drop(&p->pairs[*pair], pkt->err);
}

/* ---- outbound ---- */

static struct cv_endpoint on_carrier(const struct cv_endpoint *e, bool encap)
{
    return (struct cv_endpoint){e->addr, encap ? e->port : 0};
}

/* flow is the packet's own. */
static enum cv_err seal_packet(struct ipsec_pair *pair, struct cv_packet *pkt,
                               const struct ip_flow *flow, uint64_t now_ms, unsigned *notices)
{
    const bool v6 = flow->src.family == CV_IPV6;
    enum cv_err err;

    if (lifetime_over(&pair->life))
        return CV_ERR_EXPIRED;
    pkt->len = flow->total_len;
    err = esp_seal(&pair->out, pkt, v6 ? IPPROTO_NUM_IPV6 : IPPROTO_NUM_IPIP);
    if (err == CV_ERR_SEQ_EXHAUSTED)
        *notices |= lifetime_say(&pair->life, IPSEC_HARD_LIMIT);
    if (err != CV_OK)
        return err;
    pair->count.packets_out++;
    pair->count.bytes_out += flow->total_len;
    pair->count.last_out_ms = now_ms;
    *notices |= lifetime_note(&pair->life, pair->count.bytes_out, pair->count.packets_out);
    if (esp_seq_left(&pair->out) < SEQ_MARGIN)
        *notices |= lifetime_say(&pair->life, IPSEC_SOFT_LIMIT);
    pkt->carrier = pair->encap ? CV_UDP_4500 : CV_RAW_ESP;
    pkt->local = on_carrier(&pair->local, pair->encap);
    pkt->remote = on_carrier(&pair->remote, pair->encap);
    pkt->tos = flow->tos; /* DSCP: RFC 4301 section 5.1.2; ECN: RFC 6040 section 4.1 */
    pkt->verdict = CV_TRANSMIT;
    return CV_OK;
}

void ipsec_out(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, uint32_t *pair,
               unsigned *notices)
{
    struct ip_flow flow;

    *pair = POOL_NONE;
    *notices = 0;
    pkt->verdict = CV_DROP;
    pkt->child = 0;
    pkt->err = ip_parse(&flow, span(cv_packet_data(pkt), pkt->len));
    if (pkt->err != CV_OK)
        return;
    *pair = spd_find_out(&p->spd, &flow);
    if (*pair == POOL_NONE) {
        pkt->err = CV_ERR_NO_TUNNEL;
        return;
    }
    pkt->child = p->pairs[*pair].id;
    pkt->err = seal_packet(&p->pairs[*pair], pkt, &flow, now_ms, notices);
}
