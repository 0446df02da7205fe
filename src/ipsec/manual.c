/* The primitive library of culvert/ipsec.h: one SA without a data plane around it.
 *
 * Invariant: a struct manual_sa lies in its struct cv_sa; its window's blocks lie in it too,
 * which is why it cannot move.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/ipsec.h>

#include <string.h>

#include "base/secret.h"
#include "ipsec/replay.h"
#include "ipsec/wrap.h"

enum { KEY_MAX = CV_CIPHER_KEY_MAX + CV_INTEG_KEY_MAX };

struct manual_sa {
    struct esp_sa sa;
    struct esp_key key;
    struct path path;
    struct replay replay;
    struct replay_blocks blocks;
    uint32_t next_free[REPLAY_BLOCKS_MAX];
    uint32_t words[REPLAY_BLOCKS_MAX][REPLAY_BLOCK_WORDS];
};
_Static_assert(sizeof(struct manual_sa) <= sizeof(struct cv_sa), "what is promised in public");
_Static_assert(CV_SA_WINDOW_MAX == REPLAY_WINDOW_MAX, "what is promised in public");

/* The storage is declared as uint64_t for its alignment and is never used as such. */
static struct manual_sa *inside(struct cv_sa *sa)
{
    return (struct manual_sa *)(void *)sa->opaque;
}

static const struct manual_sa *inside_const(const struct cv_sa *sa)
{
    return (const struct manual_sa *)(const void *)sa->opaque;
}

static struct cv_suite suite_of(const struct cv_sa_config *cfg)
{
    return (struct cv_suite){
        .encr = cfg->encr,
        .encr_bits = cfg->encr_bits,
        .integ = cfg->integ,
        .esn = cfg->esn ? CV_ESN_YES : CV_ESN_NO,
    };
}

size_t cv_sa_key_len(const struct cv_sa_config *cfg)
{
    const struct cv_suite suite = suite_of(cfg);

    if (IPSEC_AH && cfg->protocol == CV_PROTO_AH)
        return ah_key_len(cfg->crypto, &suite);
    return cfg->protocol == CV_PROTO_ESP ? esp_key_len(cfg->crypto, &suite) : 0;
}

static bool has_addrs(const struct cv_sa_config *cfg)
{
    return addr_len(cfg->local.addr.family) != 0 &&
           cfg->local.addr.family == cfg->remote.addr.family;
}

static enum cv_err check_config(const struct cv_sa_config *cfg)
{
    const bool ah = cfg->protocol == CV_PROTO_AH;

    if (cfg->mode != CV_TUNNEL && cfg->mode != CV_TRANSPORT)
        return CV_ERR_UNSUPPORTED;
    if (ah && cfg->encap)
        return CV_ERR_UNSUPPORTED;
    if (cfg->spi <= 255) /* RFC 4303 section 2.1: reserved */
        return CV_ERR_ARGUMENT;
    if ((ah || cfg->mode == CV_TRANSPORT) && !has_addrs(cfg))
        return CV_ERR_ARGUMENT;
    if (cfg->window > CV_SA_WINDOW_MAX || (!cfg->esn && cfg->first_seq > UINT32_MAX))
        return CV_ERR_ARGUMENT;
    if (cv_sa_key_len(cfg) == 0)
        return CV_ERR_UNSUPPORTED;
    return cfg->key.n + cfg->integ_key.n == cv_sa_key_len(cfg) ? CV_OK : CV_ERR_ARGUMENT;
}

static enum cv_err open_sa(struct manual_sa *m, const struct cv_sa_config *cfg)
{
    const struct cv_suite suite = suite_of(cfg);
    uint8_t keymat[KEY_MAX];
    struct wr w = wr_init(keymat, sizeof(keymat));
    enum cv_err err = IPSEC_AH && cfg->protocol == CV_PROTO_AH
                          ? ah_sa_open(&m->sa, cfg->crypto, &suite, cfg->spi)
                          : esp_sa_open(&m->sa, cfg->crypto, &suite, cfg->spi);

    wr_span(&w, cfg->key);
    wr_span(&w, cfg->integ_key);
    if (err == CV_OK)
        err = esp_key_open(&m->key, cfg->crypto, &suite, wr_done(&w));
    m->sa.key = &m->key;
    wipe(keymat, sizeof(keymat));
    return err;
}

enum cv_err cv_sa_init(struct cv_sa *sa, const struct cv_sa_config *cfg)
{
    struct manual_sa *m = inside(sa);
    enum cv_err err = check_config(cfg);

    memset(sa, 0, sizeof(*sa));
    if (err == CV_OK)
        err = open_sa(m, cfg);
    if (err != CV_OK)
        return err;
    m->sa.seq = cfg->first_seq;
    m->path = (struct path){
        .local = cfg->local,
        .remote = cfg->remote,
        .mtu = cfg->mtu,
        .tfc = cfg->tfc,
        .ah = cfg->protocol == CV_PROTO_AH,
        .transport = cfg->mode == CV_TRANSPORT,
        .encap = cfg->encap,
    };
    m->blocks.words = m->words;
    pool_init(&m->blocks.pool, m->words, m->next_free, sizeof(m->words[0]), REPLAY_BLOCKS_MAX);
    replay_open(&m->replay, &m->blocks, cfg->window);
    replay_resume(&m->replay, &m->blocks, cfg->first_seq);
    return CV_OK;
}

void cv_sa_close(struct cv_sa *sa)
{
    esp_key_close(&inside(sa)->key);
    wipe(sa, sizeof(*sa));
}

void cv_sa_raise_seq(struct cv_sa *sa, uint64_t seq)
{
    esp_raise_seq(&inside(sa)->sa, seq);
}

uint64_t cv_sa_seq(const struct cv_sa *sa)
{
    const struct manual_sa *m = inside_const(sa);

    return m->sa.seq > m->replay.top ? m->sa.seq : m->replay.top;
}

enum cv_err cv_sa_seal(struct cv_sa *sa, struct cv_packet *pkt)
{
    struct manual_sa *m = inside(sa);
    struct ip_flow flow;

    pkt->verdict = CV_DROP;
    pkt->err = ip_parse(&flow, span(cv_packet_data(pkt), pkt->len));
    if (pkt->err == CV_OK)
        pkt->err = wrap_seal(&m->path, &m->sa, pkt, &flow);
    return pkt->err;
}

static enum cv_err open_packet(struct manual_sa *m, struct cv_packet *pkt)
{
    struct wrap_head head;
    struct ip_flow flow;
    uint64_t seq;
    enum cv_err err = wrap_read(pkt, &head);

    if (err == CV_OK && head.spi != m->sa.spi)
        err = CV_ERR_NO_SA;
    if (err == CV_OK)
        err = wrap_check(&m->path, &m->sa, pkt, &head);
    if (err != CV_OK)
        return err;
    seq = replay_infer(&m->replay, head.seq_low, m->sa.esn);
    if (!replay_check(&m->replay, &m->blocks, seq))
        return CV_ERR_REPLAY;
    err = wrap_open(&m->sa, seq, pkt, &head);
    if (err != CV_OK)
        return err;
    replay_commit(&m->replay, &m->blocks, seq);
    err = wrap_inner(&m->path, pkt, &head, &flow);
    if (err != CV_OK || pkt->verdict == CV_TAKEN)
        return err;
    return wrap_deliver(&m->path, &m->sa, pkt, &flow);
}

enum cv_err cv_sa_open(struct cv_sa *sa, struct cv_packet *pkt)
{
    pkt->verdict = CV_DROP;
    pkt->err = open_packet(inside(sa), pkt);
    return pkt->err;
}

size_t cv_sa_seal_batch(struct cv_sa *sa, struct cv_packet *pkts, size_t n)
{
    size_t n_good = 0;

    for (size_t i = 0; i < n; i++)
        n_good += cv_sa_seal(sa, &pkts[i]) == CV_OK;
    return n_good;
}

size_t cv_sa_open_batch(struct cv_sa *sa, struct cv_packet *pkts, size_t n)
{
    size_t n_good = 0;

    for (size_t i = 0; i < n; i++)
        n_good += cv_sa_open(sa, &pkts[i]) == CV_OK;
    return n_good;
}
