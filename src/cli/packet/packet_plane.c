/* The data plane of a capture: every SA of the file is one pair of which one direction is
 * used.  The packets take the way they take in the daemon, ipsec_in and ipsec_out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "cli/packet/packet.h"
#include "ipsec/replay.h"
#include "text/text.h"

enum {
    LAYERS_MAX = 64,
    OTHER_SPI = 1 /* of the direction that is not used */
};

struct plane_layer {
    struct ipsec *ipsec;
    void *mem;
    size_t mem_len;
    uint32_t *sa_of; /* for each pair: its SA's index */
    uint32_t n, cap;
};

/* ---- building --------------------------------------------------------------------- */

static bool layer_open(struct plane_layer *l, const struct xfrm_list *sas)
{
    static const uint64_t seed[2] = {1, 2}; /* whoever writes the file attacks only himself */
    struct arena a = {0};
    uint32_t slots = (uint32_t)sas->n;

    /* one bitmap block a pair is enough for most; wide windows need the blocks of four */
    for (size_t i = 0; i < sas->n; i++)
        if (sas->sa[i].window > REPLAY_BLOCK_BITS)
            slots = (uint32_t)sas->n * REPLAY_BLOCKS_MAX;
    *l = (struct plane_layer){.cap = (uint32_t)sas->n};
    ipsec_init(&a, slots, 0, &cv_crypto_openssl, seed);
    l->mem_len = a.used;
    l->mem = malloc(a.used);
    l->sa_of = calloc(sas->n, sizeof(*l->sa_of));
    if (l->mem == NULL || l->sa_of == NULL)
        return false;
    a = (struct arena){.p = l->mem, .cap = l->mem_len};
    l->ipsec = ipsec_init(&a, slots, 0, &cv_crypto_openssl, seed);
    return l->ipsec != NULL;
}

static void layer_close(struct plane_layer *l)
{
    if (l->ipsec != NULL)
        ipsec_close(l->ipsec);
    free(l->mem);
    free(l->sa_of);
}

static void whole_range(struct cv_ts *ts, uint8_t family)
{
    ts->family = family;
    memset(ts->lo, 0x00, sizeof(ts->lo));
    memset(ts->hi, 0x00, sizeof(ts->hi));
    memset(ts->hi, 0xff, addr_len(family));
}

static void one_address(struct cv_ts *ts, const struct cv_addr *addr)
{
    ts->family = addr->family;
    memcpy(ts->lo, addr->b, sizeof(ts->lo));
    memcpy(ts->hi, addr->b, sizeof(ts->hi));
}

/* The packets that an SA is for.  A transport mode SA carries those between its own
 * addresses (RFC 4301 section 4.1); a tunnel without selector carries any. */
static struct cv_ts_list selectors(const struct xfrm_sa *sa, const struct cv_ts *ts,
                                   const struct cv_addr *addr)
{
    struct cv_ts_list list = {.n = 1, .ts = {*ts}};

    if (sa->mode == CV_TRANSPORT) {
        one_address(&list.ts[0], addr);
    } else if (ts->family == CV_ANY_FAMILY) {
        list.n = 2;
        list.ts[1] = *ts;
        whole_range(&list.ts[0], CV_IPV4);
        whole_range(&list.ts[1], CV_IPV6);
    }
    return list;
}

static struct cv_pair_config config_of(const struct planes *p, uint32_t sa_index, uint32_t pair)
{
    const struct xfrm_sa *sa = &p->sas->sa[sa_index];
    const bool in = p->way == PLANE_IN;
    const struct cv_endpoint src = {sa->src, sa->sport}, dst = {sa->dst, sa->dport};
    const struct cv_ts_list from = selectors(sa, &sa->from, &sa->src);
    const struct cv_ts_list to = selectors(sa, &sa->to, &sa->dst);

    return (struct cv_pair_config){
        .id = sa_index + 1,
        .spi_in = in ? sa->spi : pair + 1,
        .spi_out = in ? OTHER_SPI : sa->spi,
        .protocol = sa->protocol,
        .mode = sa->mode,
        .suite = sa->suite,
        .key_in = {sa->key, sa->key_len},
        .key_out = {sa->key, sa->key_len},
        .local_ts = in ? to : from,
        .remote_ts = in ? from : to,
        .local = in ? dst : src,
        .remote = in ? src : dst,
        .encap = sa->encap,
        .fixed_remote = true,
        .replay_window = sa->window,
    };
}

static struct plane_layer *add_layer(struct planes *p)
{
    struct plane_layer *l;

    if (p->n_layers == LAYERS_MAX)
        return NULL;
    l = realloc(p->layers, (p->n_layers + 1) * sizeof(*l));
    if (l == NULL)
        return NULL;
    p->layers = l;
    l = &p->layers[p->n_layers++];
    return layer_open(l, p->sas) ? l : NULL;
}

/* The first layer in which the SA's SPI is free; outbound any. */
static struct plane_layer *find_room(struct planes *p, const struct xfrm_sa *sa,
                                     const char *name, struct problem *why)
{
    struct plane_layer *l;

    for (size_t i = 0; i < p->n_layers; i++) {
        const struct xfrm_sa *other;
        uint32_t pair = POOL_NONE;

        l = &p->layers[i];
        if (p->way == PLANE_IN)
            pair = ipsec_find_spi(l->ipsec, sa->spi);
        if (pair == POOL_NONE)
            return l;
        other = &p->sas->sa[l->sa_of[pair]];
        if (other->protocol == sa->protocol && addr_equal(&other->dst, &sa->dst)) {
            problem_in(why, name, (int)sa->line,
                       "destination and SPI are those of line %u; expected one SA for each",
                       other->line);
            return NULL;
        }
    }
    l = add_layer(p);
    if (l == NULL)
        problem_in(why, name, (int)sa->line, "out of memory");
    return l;
}

static bool install(struct planes *p, uint32_t i, const char *name, struct problem *why)
{
    const struct xfrm_sa *sa = &p->sas->sa[i];
    struct plane_layer *l = find_room(p, sa, name, why);
    struct cv_pair_config cfg;
    enum cv_err err;

    if (l == NULL)
        return false;
    cfg = config_of(p, i, l->n);
    err = ipsec_install(l->ipsec, l->n, &cfg, 0);
    if (err != CV_OK)
        return problem_in(why, name, (int)sa->line, "this SA cannot be used: %s",
                          cv_err_text(err));
    l->sa_of[l->n] = i;
    p->numbers[i] = p->way == PLANE_IN ? sa->seq : sa->oseq;
    ipsec_restore(l->ipsec, l->n, sa->oseq, sa->seq, sa->seen, XFRM_BITMAP_WORDS);
    l->n++;
    return true;
}

bool planes_open(struct planes *p, const struct xfrm_list *sas, enum plane_way way,
                 const char *name, struct problem *why)
{
    *p = (struct planes){.sas = sas, .way = way};
    p->numbers = calloc(sas->n, sizeof(*p->numbers));
    if (p->numbers == NULL)
        return problem_set(why, "out of memory");
    for (uint32_t i = 0; i < sas->n; i++)
        if (!install(p, i, name, why))
            return false;
    /* Of equal selectors the pair put into use last is taken: here the first of the file. */
    for (uint32_t i = (uint32_t)sas->n; way == PLANE_OUT && i-- > 0;)
        ipsec_use_out(p->layers[0].ipsec, i);
    return true;
}

void planes_close(struct planes *p)
{
    for (size_t i = 0; i < p->n_layers; i++)
        layer_close(&p->layers[i]);
    free(p->layers);
    free(p->numbers);
    *p = (struct planes){0};
}

/* ---- packets ---------------------------------------------------------------------- */

/* Destination, protocol and SPI name an SA (RFC 4301 section 4.1).  Behind a NAT the
 * destination is another than in the SA, and the SPI must do, as it does for the daemon. */
static const struct plane_layer *find_layer(const struct planes *p, uint8_t protocol,
                                            uint32_t spi, const struct cv_addr *dst,
                                            uint32_t *pair)
{
    const struct plane_layer *found = NULL;
    int best = -1;

    for (size_t i = 0; i < p->n_layers; i++) {
        const struct plane_layer *l = &p->layers[i];
        const uint32_t at = ipsec_find_spi(l->ipsec, spi);
        const struct xfrm_sa *sa;
        int merit;

        if (at == POOL_NONE)
            continue;
        sa = &p->sas->sa[l->sa_of[at]];
        merit = 2 * (sa->protocol == protocol) + addr_equal(&sa->dst, dst);
        if (merit > best) {
            best = merit;
            found = l;
            *pair = at;
        }
    }
    return found;
}

const struct xfrm_sa *planes_find(const struct planes *p, uint8_t protocol, uint32_t spi,
                                  const struct cv_addr *dst)
{
    uint32_t pair;
    const struct plane_layer *l = find_layer(p, protocol, spi, dst, &pair);

    return l == NULL ? NULL : &p->sas->sa[l->sa_of[pair]];
}

static struct ipsec *ipsec_of(const struct planes *p, const struct xfrm_sa *sa)
{
    uint32_t pair = 0;
    const struct plane_layer *l =
        sa == NULL ? NULL : find_layer(p, sa->protocol, sa->spi, &sa->dst, &pair);

    return l == NULL ? p->layers[0].ipsec : l->ipsec;
}

void planes_in(struct planes *p, const struct xfrm_sa *sa, struct cv_packet *pkt,
               uint32_t seq_low, uint64_t *seq)
{
    struct replay window = {0};
    struct ipsec_way way;

    *seq = seq_low;
    if (sa != NULL) {
        window.top = p->numbers[sa - p->sas->sa];
        window.window = (uint16_t)sa->window;
        *seq = replay_infer(&window, seq_low, sa->suite.esn == CV_ESN_YES);
    }
    ipsec_in(ipsec_of(p, sa), pkt, 0, &way);
    if (sa != NULL && pkt->verdict != CV_DROP && *seq > window.top)
        p->numbers[sa - p->sas->sa] = *seq;
}

void planes_out(struct planes *p, struct cv_packet *pkt)
{
    struct ipsec_way way;

    ipsec_out(p->layers[0].ipsec, pkt, 0, &way);
    if (pkt->verdict == CV_TRANSMIT && pkt->child > 0)
        p->numbers[pkt->child - 1]++;
}

const struct xfrm_sa *planes_sealed(const struct planes *p, const struct cv_packet *pkt,
                                    uint64_t *seq)
{
    if (pkt->child == 0 || pkt->child > p->sas->n)
        return NULL;
    *seq = p->numbers[pkt->child - 1];
    return &p->sas->sa[pkt->child - 1];
}
