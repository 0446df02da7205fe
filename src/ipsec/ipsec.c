/* The pairs of one engine's data plane: installed, moved, removed, looked at.
 *
 * Invariant: a pair is in the SAD and has selectors and keys exactly while used is set.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/plane.h"

#include <string.h>

#include "base/secret.h"

/* ---- lifecycle ---- */

static uint32_t hot_slots(uint32_t n_pairs, uint32_t n_hot)
{
    if (n_hot == 0)
        n_hot = IPSEC_HOT_DEFAULT;
    return n_hot / 2 < n_pairs ? n_hot : 2 * n_pairs;
}

struct ipsec *ipsec_init(struct arena *a, uint32_t n_pairs, uint32_t n_hot,
                         const struct cv_crypto *crypto, const uint64_t hash_seed[2])
{
    struct ipsec *p = arena_take(a, 1, sizeof(*p));
    struct ipsec plane = {.crypto = crypto, .n_pairs = n_pairs};

    plane.pairs = arena_take(a, n_pairs, sizeof(*plane.pairs));
    plane.raw = arena_take_raw(a, n_pairs, sizeof(*plane.raw));
    hot_init(&plane.hot, a, hot_slots(n_pairs, n_hot), crypto);
    sad_init(&plane.sad, a, n_pairs, hash_seed);
    spd_init(&plane.spd, a, n_pairs, hash_seed);
    flows_init(&plane.flows, a, n_pairs);
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

static enum cv_err check_config(const struct cv_pair_config *cfg)
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
    if (cfg->nested && (!IPSEC_NESTED || addr_len(cfg->local.addr.family) == 0 ||
                        addr_len(cfg->remote.addr.family) == 0))
        return IPSEC_NESTED ? CV_ERR_ARGUMENT : CV_ERR_UNSUPPORTED;
    /* RFC 4303 section 2.1: 0 MUST NOT be sent on the wire */
    if (cfg->spi_in == 0 || cfg->spi_out == 0)
        return CV_ERR_ARGUMENT;
    if (!selectors_sane(&cfg->local_ts) || !selectors_sane(&cfg->remote_ts))
        return CV_ERR_ARGUMENT;
    return CV_OK;
}

static enum cv_err open_sa(struct esp_sa *sa, const struct ipsec *p,
                           const struct cv_pair_config *cfg, uint32_t spi)
{
    return IPSEC_AH && cfg->protocol == CV_PROTO_AH
               ? ah_sa_open(sa, p->crypto, &cfg->suite, spi)
               : esp_sa_open(sa, p->crypto, &cfg->suite, spi);
}

/* Keeps both keys as they are, and expands them once: that they are good, and that there is
 * room for them, shows now. */
static enum cv_err install_keys(struct ipsec *p, uint32_t i, const struct cv_pair_config *cfg)
{
    struct raw_keys *raw = &p->raw[i];
    struct ipsec_pair *pair = &p->pairs[i];
    enum cv_err err = open_sa(&pair->in, p, cfg, cfg->spi_in);

    if (err == CV_OK)
        err = open_sa(&pair->out, p, cfg, cfg->spi_out);
    if (err != CV_OK)
        return err;
    if (cfg->key_in.n > IPSEC_KEY_MAX || cfg->key_out.n != cfg->key_in.n)
        return CV_ERR_ARGUMENT;
    *raw = (struct raw_keys){
        .encr = cfg->suite.encr,
        .encr_bits = cfg->suite.encr_bits,
        .integ = cfg->suite.integ,
        .n = (uint8_t)cfg->key_in.n,
    };
    if (raw->n > 0) {
        memcpy(raw->in, cfg->key_in.p, raw->n);
        memcpy(raw->out, cfg->key_out.p, raw->n);
    }
    err = hot_warm(&p->hot, &pair->in, raw, raw->in);
    return err == CV_OK ? hot_warm(&p->hot, &pair->out, raw, raw->out) : err;
}

static void drop_keys(struct ipsec *p, uint32_t i)
{
    hot_drop(&p->hot, &p->pairs[i].in);
    hot_drop(&p->hot, &p->pairs[i].out);
    wipe(&p->raw[i], sizeof(p->raw[i]));
}

/* Keys, selectors and SPI of a new pair: all of them or none. */
static enum cv_err install_parts(struct ipsec *p, uint32_t i, const struct cv_pair_config *cfg)
{
    enum cv_err err = install_keys(p, i, cfg);

    if (err == CV_OK && !spd_put(&p->spd, i, &cfg->local_ts, &cfg->remote_ts))
        err = CV_ERR_FULL;
    if (err == CV_OK && !sad_add(&p->sad, cfg->spi_in, i)) {
        spd_drop(&p->spd, i);
        err = CV_ERR_ARGUMENT;
    }
    if (err != CV_OK)
        drop_keys(p, i);
    return err;
}

static struct path path_of(const struct cv_pair_config *cfg)
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
        .df_set = cfg->df == CV_DF_SET,
        .df_clear = cfg->df == CV_DF_CLEAR,
        .df_fitting = cfg->df == CV_DF_FITTING,
        .split = cfg->split && cfg->mode == CV_TUNNEL,
    };
}

enum cv_err ipsec_install(struct ipsec *p, uint32_t i, const struct cv_pair_config *cfg,
                          uint64_t now_ms)
{
    struct ipsec_pair *pair;
    enum cv_err err = check_config(cfg);

    if (i >= p->n_pairs || p->pairs[i].used)
        return CV_ERR_ARGUMENT;
    if (err != CV_OK)
        return err;
    pair = &p->pairs[i];
    *pair = (struct ipsec_pair){
        .path = path_of(cfg),
        .id = cfg->id,
        .fixed_remote = cfg->fixed_remote,
        .nested = cfg->nested,
        .clock_seq = cfg->clock_seq,
        .since_s = (uint32_t)(now_ms / 1000 & UINT32_MAX),
    };
    err = install_parts(p, i, cfg);
    if (err != CV_OK)
        return err;
    replay_open(&pair->replay, &p->blocks, cfg->replay_window);
    lifetime_init(&pair->life, cfg);
    pair->used = true;
    p->n_nested += pair->nested;
    return CV_OK;
}

struct ipsec_pair *ipsec_used_pair(struct ipsec *p, uint32_t i)
{
    return i < p->n_pairs && p->pairs[i].used ? &p->pairs[i] : NULL;
}

void ipsec_use_out(struct ipsec *p, uint32_t i)
{
    if (ipsec_used_pair(p, i) == NULL)
        return;
    spd_use_out(&p->spd, i);
    flows_forget(&p->flows);
}

void ipsec_stop_out(struct ipsec *p, uint32_t i)
{
    if (ipsec_used_pair(p, i) == NULL)
        return;
    spd_stop_out(&p->spd, i);
    flows_forget(&p->flows);
}

void ipsec_remove(struct ipsec *p, uint32_t i)
{
    struct ipsec_pair *pair = ipsec_used_pair(p, i);

    if (pair == NULL)
        return;
    sad_remove(&p->sad, pair->in.spi);
    spd_drop(&p->spd, i);
    flows_forget(&p->flows);
    replay_close(&pair->replay, &p->blocks);
    drop_keys(p, i);
    pair->used = false;
    p->n_nested -= pair->nested;
}

void ipsec_move(struct ipsec *p, uint32_t i, const struct cv_pair_path *path)
{
    struct ipsec_pair *pair = ipsec_used_pair(p, i);

    if (pair == NULL)
        return;
    pair->path.local = path->local;
    pair->path.remote = path->remote;
    pair->path.encap = path->encap && !pair->path.ah;
    pair->fixed_remote = path->fixed_remote;
    pair->path.learned = 0; /* that was of another path */
}

void ipsec_restore(struct ipsec *p, uint32_t i, uint64_t sent, uint64_t received,
                   const uint32_t *seen, size_t n_words)
{
    struct ipsec_pair *pair = ipsec_used_pair(p, i);

    if (pair == NULL)
        return;
    esp_raise_seq(&pair->out, sent);
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

struct cv_endpoint ipsec_remote(const struct ipsec *p, uint32_t i)
{
    return i < p->n_pairs ? p->pairs[i].path.remote : (struct cv_endpoint){0};
}

const struct cv_pair_counters *ipsec_counters(const struct ipsec *p, uint32_t i)
{
    return i < p->n_pairs ? &p->pairs[i].count : NULL;
}

static struct cv_addr edge(const struct cv_ts *ts, bool last)
{
    struct cv_addr a = {.family = ts->family};

    memcpy(a.b, last ? ts->hi : ts->lo, sizeof(a.b));
    return a;
}

/* Ports that are any, or not to be seen, are those of a packet that has none to see. */
uint32_t ipsec_find_between(const struct ipsec *p, const struct cv_ts *local,
                            const struct cv_ts *remote, bool last)
{
    const struct ip_flow flow = {
        .src = edge(local, last),
        .dst = edge(remote, last),
        .proto = remote->proto,
        .ports_known = selector_narrow(local) == 2 || selector_narrow(remote) == 2,
        .sport = last ? local->port_hi : local->port_lo,
        .dport = last ? remote->port_hi : remote->port_lo,
    };

    return spd_find_out(&p->spd, &flow);
}

void ipsec_ts(const struct ipsec *p, uint32_t i, struct cv_ts_list *local,
              struct cv_ts_list *remote)
{
    if (i < p->n_pairs)
        spd_get(&p->spd, i, local, remote);
}
