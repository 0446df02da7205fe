/* The data plane of one engine: ties SAD, SPD, windows, ESP and AH together.
 *
 * Invariant: a pair is in the SAD and has selectors and keys exactly while used is set.
 * Inbound, nothing in a pair but its drop counters changes before the packet is
 * authentic (RFC 4302 and 4303 section 3.4).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/ipsec.h"

#include "ipsec/lifetime.h"
#include "ipsec/pmtu.h"
#include "ipsec/replay.h"
#include "ipsec/sad.h"
#include "ipsec/spd.h"
#include "ipsec/wrap.h"

/* Ask for a rekey while this many sequence numbers are left. */
static const uint64_t SEQ_MARGIN = UINT64_C(1) << 20;

/* Replays below this many may be a network that duplicates. */
static const uint64_t REPLAY_ALARM = 16;

enum { ICMP_PER_SECOND = 8 };

struct ipsec_pair {
    struct esp_sa in, out;
    struct replay replay;
    struct lifetime life;
    struct ipsec_counters count;
    struct path path;
    uint32_t id;
    bool used, fixed_remote;
};
_Static_assert(sizeof(struct ipsec_pair) <= 344, "a million of these fit a gateway");

struct ipsec {
    const struct cv_crypto *crypto;
    struct ipsec_pair *pairs;
    uint32_t n_pairs;
    struct sad sad;
    struct spd spd;
    struct policies policies;
    struct replay_blocks blocks;
    uint64_t icmp_second; /* the second that icmp_seen belongs to */
    unsigned icmp_seen;
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

void ipsec_carve_policies(struct ipsec *p, struct arena *a, uint32_t n)
{
    struct policies unused = {0};

    policies_init(p != NULL ? &p->policies : &unused, a, n,
                  p != NULL ? p->spd.seed : unused.seed);
}

void ipsec_close(struct ipsec *p)
{
    for (uint32_t i = 0; i < p->n_pairs; i++)
        ipsec_remove(p, i);
}

size_t ipsec_key_len(const struct cv_crypto *crypto, const struct cv_suite *suite)
{
    return IPSEC_AH && suite->encr == 0 ? ah_key_len(crypto, suite)
                                        : esp_key_len(crypto, suite);
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
    const bool ah = IPSEC_AH && cfg->protocol == CV_PROTO_AH;

    if (!ah && cfg->protocol != CV_PROTO_ESP)
        return CV_ERR_UNSUPPORTED;
    /* AH has no UDP encapsulation (RFC 3948 section 1), and writes the outer header */
    if (ah && cfg->encap)
        return CV_ERR_UNSUPPORTED;
    if (cfg->mode != CV_TUNNEL && cfg->mode != CV_TRANSPORT)
        return CV_ERR_UNSUPPORTED;
    if (ah && (addr_len(cfg->remote.addr.family) == 0 ||
               cfg->local.addr.family != cfg->remote.addr.family))
        return CV_ERR_ARGUMENT;
    /* RFC 4303 section 2.1: 0 MUST NOT be sent on the wire */
    if (cfg->spi_in == 0 || cfg->spi_out == 0)
        return CV_ERR_ARGUMENT;
    if (!selectors_sane(&cfg->local_ts) || !selectors_sane(&cfg->remote_ts))
        return CV_ERR_ARGUMENT;
    return CV_OK;
}

static enum cv_err open_sa(struct esp_sa *sa, const struct ipsec *p,
                           const struct ipsec_config *cfg, uint32_t spi, struct cv_span key)
{
    return IPSEC_AH && cfg->protocol == CV_PROTO_AH
               ? ah_sa_open(sa, p->crypto, &cfg->suite, spi, key)
               : esp_sa_open(sa, p->crypto, &cfg->suite, spi, key);
}

/* Keys, selectors and SPI of a new pair: all of them or none. */
static enum cv_err install_parts(struct ipsec *p, uint32_t i, const struct ipsec_config *cfg)
{
    struct ipsec_pair *pair = &p->pairs[i];
    enum cv_err err = open_sa(&pair->in, p, cfg, cfg->spi_in, cfg->key_in);

    if (err == CV_OK)
        err = open_sa(&pair->out, p, cfg, cfg->spi_out, cfg->key_out);
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

static struct path path_of(const struct ipsec_config *cfg)
{
    return (struct path){
        .local = cfg->local,
        .remote = cfg->remote,
        .mtu = cfg->mtu,
        .mss = cfg->mss,
        .tfc = cfg->tfc,
        .ah = cfg->protocol == CV_PROTO_AH,
        .transport = cfg->mode == CV_TRANSPORT,
        .encap = cfg->encap,
        .df_set = cfg->df == PATH_DF_SET,
        .df_clear = cfg->df == PATH_DF_CLEAR,
    };
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
        .path = path_of(cfg),
        .id = cfg->id,
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
    pair->path.local = *local;
    pair->path.remote = *remote;
    pair->path.encap = encap && !pair->path.ah;
    pair->path.learned = 0; /* that was of another path */
}

void ipsec_restore(struct ipsec *p, uint32_t i, uint64_t sent, uint64_t received,
                   const uint32_t *seen, size_t n_words)
{
    struct ipsec_pair *pair = used_pair(p, i);

    if (pair == NULL)
        return;
    if (sent > pair->out.seq)
        pair->out.seq = sent;
    for (size_t k = n_words * 32; k-- > 0;)
        if (k < received && (seen[k / 32] >> (k % 32) & 1))
            replay_commit(&pair->replay, &p->blocks, received - k);
    if (received > 0)
        replay_commit(&pair->replay, &p->blocks, received);
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

/* ---- path MTU ---- */

size_t ipsec_inner_mtu(const struct ipsec *p, uint32_t i)
{
    if (i >= p->n_pairs || !p->pairs[i].used)
        return SIZE_MAX;
    return path_inner_mtu(&p->pairs[i].path, &p->pairs[i].out);
}

void ipsec_learn_mtu(struct ipsec *p, uint32_t i, size_t mtu, uint64_t now_ms)
{
    struct ipsec_pair *pair = used_pair(p, i);

    if (pair != NULL)
        path_learn(&pair->path, mtu, now_ms);
}

/* A report is believed as far as it quotes what only our path has seen: addresses and SPI, or
 * where the router quoted too little, both UDP ports. */
static bool is_about(const struct pmtu_report *r, const struct ipsec_pair *pair)
{
    const struct path *path = &pair->path;
    const uint8_t proto = path->ah      ? IPPROTO_NUM_AH
                          : path->encap ? IPPROTO_NUM_UDP
                                        : IPPROTO_NUM_ESP;

    if (!pair->used || r->proto != proto || !addr_equal(&r->remote, &path->remote.addr))
        return false;
    if (!addr_is_zero(&path->local.addr) && !addr_equal(&r->local, &path->local.addr))
        return false;
    if (path->encap && (r->sport != path->local.port || r->dport != path->remote.port))
        return false;
    return r->spi == pair->out.spi || (path->encap && r->spi == 0);
}

/* Bounds the search through all pairs that a forger could ask for. */
static bool icmp_is_welcome(struct ipsec *p, uint64_t now_ms)
{
    if (p->icmp_second != now_ms / 1000) {
        p->icmp_second = now_ms / 1000;
        p->icmp_seen = 0;
    }
    return p->icmp_seen++ < ICMP_PER_SECOND;
}

enum cv_err ipsec_take_icmp(struct ipsec *p, struct cv_span packet, uint64_t now_ms,
                            uint32_t *pair)
{
    struct pmtu_report report;
    enum cv_err err = pmtu_parse(&report, packet);

    *pair = POOL_NONE;
    if (err != CV_OK)
        return err;
    if (!icmp_is_welcome(p, now_ms))
        return CV_ERR_BUSY;
    for (uint32_t i = 0; i < p->n_pairs; i++) {
        if (!is_about(&report, &p->pairs[i]))
            continue;
        path_learn(&p->pairs[i].path, report.mtu, now_ms);
        *pair = i;
    }
    return *pair != POOL_NONE ? CV_OK : CV_ERR_NO_SA;
}

/* ---- policies ---- */

enum cv_err ipsec_policy_add(struct ipsec *p, const struct ipsec_policy *policy,
                             uint32_t *number)
{
    return policies_add(&p->policies, policy, number);
}

void ipsec_policy_remove(struct ipsec *p, uint32_t number)
{
    policies_remove(&p->policies, number);
}

static const struct ipsec_policy *policy_for(const struct ipsec *p, uint8_t direction,
                                             const struct ip_flow *flow)
{
    return policies_any(&p->policies) ? policies_find(&p->policies, direction, flow) : NULL;
}

const struct ipsec_policy *ipsec_policy_find(const struct ipsec *p, uint8_t direction,
                                             struct cv_span packet)
{
    struct ip_flow flow;

    return ip_parse(&flow, packet) == CV_OK ? policy_for(p, direction, &flow) : NULL;
}

/* Does policy decide before SA pairs are looked at? */
static bool is_shunt(const struct ipsec_policy *policy)
{
    return policy != NULL && policy->action != IPSEC_PROTECT &&
           policy->priority < IPSEC_PRIORITY_SA;
}

/* An inbound pair's selectors are those of outbound packets the other way round. */
static struct ip_flow reversed(const struct ip_flow *flow)
{
    struct ip_flow r = *flow;

    r.src = flow->dst;
    r.dst = flow->src;
    r.sport = flow->dport;
    r.dport = flow->sport;
    return r;
}

enum cv_err ipsec_clear_ok(const struct ipsec *p, struct cv_span packet)
{
    const struct ipsec_policy *policy;
    struct ip_flow flow, back;
    enum cv_err err = ip_parse(&flow, packet);

    if (err != CV_OK)
        return err;
    policy = policy_for(p, IPSEC_IN, &flow);
    back = reversed(&flow);
    if (!is_shunt(policy) && spd_find_out(&p->spd, &back) != POOL_NONE)
        return CV_ERR_CLEARTEXT;
    if (policy == NULL || policy->action == IPSEC_BYPASS)
        return CV_OK;
    return policy->action == IPSEC_DISCARD ? CV_ERR_DISCARD : CV_ERR_CLEARTEXT;
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
    if (newest && pair->path.encap && !pair->fixed_remote && pkt->carrier == CV_UDP_4500 &&
        !endpoint_equal(&pair->path.remote, &pkt->remote)) {
        pair->path.remote = pkt->remote;
        notices |= IPSEC_PEER_MOVED;
    }
    return notices;
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
    /* RFC 4301 section 5.2: the SA's own selectors, not only any policy's */
    if (!spd_allows_in(&p->spd, i, &flow))
        return CV_ERR_SELECTOR;
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
    err = wrap_open(&pair->in, seq, pkt, head);
    if (err != CV_OK)
        return err;
    *notices |= commit_in(p, pair, pkt, seq, now_ms);
    err = accept_inner(p, i, pkt, head);
    if (pkt->verdict == CV_DELIVER)
        pair->count.bytes_in += pkt->len;
    *notices |= lifetime_note(&pair->life, pair->count.bytes_in, pair->count.packets_in);
    return err;
}

void ipsec_in(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, uint32_t *pair,
              unsigned *notices)
{
    struct wrap_head head;

    *pair = POOL_NONE;
    *notices = 0;
    pkt->verdict = CV_DROP;
    pkt->child = 0;
    pkt->err = wrap_read(pkt, &head);
    if (pkt->err != CV_OK)
        return;
    *pair = sad_find(&p->sad, head.spi);
    if (*pair == POOL_NONE) {
        pkt->err = CV_ERR_NO_SA;
        return;
    }
    pkt->child = p->pairs[*pair].id;
    pkt->err = open_packet(p, *pair, pkt, &head, now_ms, notices);
    if (pkt->err != CV_OK && pkt->err != CV_ERR_EXPIRED)
        *notices |= count_drop(&p->pairs[*pair], pkt->err);
}

/* ---- outbound ---- */

/* flow is the packet's own. */
static enum cv_err seal_packet(struct ipsec_pair *pair, struct cv_packet *pkt,
                               const struct ip_flow *flow, uint64_t now_ms, unsigned *notices)
{
    enum cv_err err;

    if (lifetime_over(&pair->life))
        return CV_ERR_EXPIRED;
    path_age(&pair->path, now_ms);
    err = wrap_seal(&pair->path, &pair->out, pkt, flow);
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
    return CV_OK;
}

/* What becomes of a packet that no SA takes. */
static enum cv_err without_sa(const struct ipsec *p, const struct ipsec_policy *policy,
                              struct cv_packet *pkt)
{
    if (policy == NULL)
        return policies_any(&p->policies) ? CV_ERR_NO_POLICY : CV_ERR_NO_TUNNEL;
    if (policy->action == IPSEC_DISCARD)
        return CV_ERR_DISCARD;
    if (policy->action == IPSEC_PROTECT)
        return CV_ERR_NO_TUNNEL;
    pkt->verdict = CV_BYPASS;
    return CV_OK;
}

void ipsec_out(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, uint32_t *pair,
               unsigned *notices)
{
    const struct ipsec_policy *policy;
    struct ip_flow flow;

    *pair = POOL_NONE;
    *notices = 0;
    pkt->verdict = CV_DROP;
    pkt->child = 0;
    pkt->err = ip_parse(&flow, span(cv_packet_data(pkt), pkt->len));
    if (pkt->err != CV_OK)
        return;
    policy = policy_for(p, IPSEC_OUT, &flow);
    if (!is_shunt(policy))
        *pair = spd_find_out(&p->spd, &flow);
    if (*pair == POOL_NONE) {
        pkt->err = without_sa(p, policy, pkt);
        return;
    }
    pkt->child = p->pairs[*pair].id;
    pkt->err = seal_packet(&p->pairs[*pair], pkt, &flow, now_ms, notices);
}
