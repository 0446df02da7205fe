/* Selector lists and the outbound index.  Invariant: a remote cell is in the chain of
 * its prefix's bucket exactly when its pair's out is set; each chain has the cells used
 * last first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/spd.h"

#include <string.h>

#include "base/expect.h"

void spd_init(struct spd *s, struct arena *a, uint32_t n_pairs, const uint64_t seed[2])
{
    const uint32_t n_cells = n_pairs * SPD_CELLS_PER_PAIR + SPD_CELLS_SPARE;
    uint32_t n_buckets = 1;
    uint32_t *next_free;

    while (n_buckets < n_cells)
        n_buckets *= 2;
    s->cells = arena_take(a, n_cells, sizeof(*s->cells));
    s->pairs = arena_take(a, n_pairs, sizeof(*s->pairs));
    s->buckets = arena_take(a, n_buckets, sizeof(*s->buckets));
    next_free = arena_take(a, n_cells, sizeof(*next_free));
    if (next_free == NULL)
        return;
    pool_init(&s->pool, s->cells, next_free, sizeof(*s->cells), n_cells);
    for (uint32_t i = 0; i < n_buckets; i++)
        s->buckets[i] = POOL_NONE;
    for (uint32_t i = 0; i < n_pairs; i++)
        s->pairs[i] = (struct spd_pair){.local = POOL_NONE, .remote = POOL_NONE};
    s->mask = n_buckets - 1;
    s->last = POOL_NONE;
    s->seed[0] = seed[0];
    s->seed[1] = seed[1];
}

/* ---- lists ---- */

static void drop_list(struct spd *s, uint32_t first)
{
    while (first != POOL_NONE) {
        uint32_t next = s->cells[first].next;

        pool_give(&s->pool, first);
        first = next;
    }
}

/* False: no cells left, and none taken. */
static bool put_list(struct spd *s, const struct cv_ts_list *list, uint32_t *first)
{
    *first = POOL_NONE;
    for (unsigned n = list->n; n-- > 0;) {
        const uint32_t c = pool_take(&s->pool);

        if (c == POOL_NONE) {
            drop_list(s, *first);
            *first = POOL_NONE;
            return false;
        }
        s->cells[c] = (struct spd_cell){
            .ts = list->ts[n],
            .prefix = selector_prefix(&list->ts[n]),
            .narrow = selector_narrow(&list->ts[n]),
            .next = *first,
            .chain = POOL_NONE,
        };
        *first = c;
    }
    return true;
}

static bool same_list(const struct spd *s, uint32_t first, const struct cv_ts_list *list)
{
    for (unsigned n = 0; n < list->n; n++, first = s->cells[first].next)
        if (first == POOL_NONE || !selector_equal(&s->cells[first].ts, &list->ts[n]))
            return false;
    return first == POOL_NONE;
}

static bool put_local(struct spd *s, const struct cv_ts_list *list, uint32_t *first)
{
    if (s->last != POOL_NONE && same_list(s, s->last, list))
        *first = s->last;
    else if (!put_list(s, list, first))
        return false;
    s->cells[*first].u.refs++;
    s->last = *first;
    return true;
}

static void drop_local(struct spd *s, uint32_t first)
{
    if (--s->cells[first].u.refs > 0)
        return;
    if (s->last == first)
        s->last = POOL_NONE;
    drop_list(s, first);
}

bool spd_put(struct spd *s, uint32_t i, const struct cv_ts_list *local,
             const struct cv_ts_list *remote)
{
    struct spd_pair *p = &s->pairs[i];

    if (!put_list(s, remote, &p->remote))
        return false;
    if (!put_local(s, local, &p->local)) {
        drop_list(s, p->remote);
        p->remote = POOL_NONE;
        return false;
    }
    for (uint32_t c = p->remote; c != POOL_NONE; c = s->cells[c].next)
        s->cells[c].u.pair = i;
    return true;
}

void spd_drop(struct spd *s, uint32_t i)
{
    struct spd_pair *p = &s->pairs[i];

    spd_stop_out(s, i);
    drop_list(s, p->remote);
    drop_local(s, p->local);
    *p = (struct spd_pair){.local = POOL_NONE, .remote = POOL_NONE};
}

static void get_list(const struct spd *s, uint32_t first, struct cv_ts_list *out)
{
    *out = (struct cv_ts_list){0};
    for (uint32_t c = first; c != POOL_NONE; c = s->cells[c].next)
        out->ts[out->n++] = s->cells[c].ts;
}

void spd_get(const struct spd *s, uint32_t i, struct cv_ts_list *local,
             struct cv_ts_list *remote)
{
    get_list(s, s->pairs[i].local, local);
    get_list(s, s->pairs[i].remote, remote);
}

/* The most specific cell of a list that end matches, or NULL. */
static const struct spd_cell *match_list(const struct spd *s, uint32_t first,
                                         const struct flow_end *end)
{
    const struct spd_cell *best = NULL;

    for (uint32_t c = first; c != POOL_NONE; c = s->cells[c].next) {
        const struct spd_cell *cell = &s->cells[c];

        if (selector_has(&cell->ts, end) && (best == NULL || cell->prefix > best->prefix))
            best = cell;
    }
    return best;
}

bool spd_allows_in(const struct spd *s, uint32_t i, const struct ip_flow *flow)
{
    const struct flow_end src = flow_src(flow), dst = flow_dst(flow);

    return match_list(s, s->pairs[i].remote, &src) != NULL &&
           match_list(s, s->pairs[i].local, &dst) != NULL;
}

/* What covers a group without naming it reaches beyond all groups, so its prefix is shorter
 * than that of any selector that does. */
bool spd_names_group(const struct spd *s, uint32_t i, const struct ip_flow *flow, bool inbound)
{
    const struct flow_end dst = flow_dst(flow);
    const uint32_t list = inbound ? s->pairs[i].local : s->pairs[i].remote;
    const struct spd_cell *cell = match_list(s, list, &dst);

    return cell != NULL && selector_is_group(&cell->ts);
}

/* ---- outbound index ---- */

/* The bucket of the first bits of an address. */
static uint32_t bucket_of(const struct spd *s, uint8_t family, unsigned bits,
                          const uint8_t addr[16])
{
    return (uint32_t)(selector_hash(s->seed, family, bits, addr) & s->mask);
}

static uint32_t *bucket_of_cell(struct spd *s, const struct spd_cell *cell)
{
    return &s->buckets[bucket_of(s, cell->ts.family, cell->prefix, cell->ts.lo)];
}

static void link_cell(struct spd *s, uint32_t c)
{
    struct spd_cell *cell = &s->cells[c];
    uint32_t *head = bucket_of_cell(s, cell);

    cell->chain = *head;
    *head = c;
    lengths_add(&s->prefixes[cell->ts.family == CV_IPV6], cell->prefix);
    s->n_out++;
}

static void unlink_cell(struct spd *s, uint32_t c)
{
    uint32_t *at = bucket_of_cell(s, &s->cells[c]);

    while (*at != c)
        at = &s->cells[*at].chain;
    *at = s->cells[c].chain;
    if (--s->n_out == 0)
        memset(s->prefixes, 0, sizeof(s->prefixes));
}

void spd_use_out(struct spd *s, uint32_t i)
{
    struct spd_pair *p = &s->pairs[i];

    if (p->out)
        return;
    for (uint32_t c = p->remote; c != POOL_NONE; c = s->cells[c].next)
        link_cell(s, c);
    p->out = true;
}

void spd_stop_out(struct spd *s, uint32_t i)
{
    struct spd_pair *p = &s->pairs[i];

    if (!p->out)
        return;
    for (uint32_t c = p->remote; c != POOL_NONE; c = s->cells[c].next)
        unlink_cell(s, c);
    p->out = false;
}

/* Pairs that a lookup passes over. */
struct spd_but {
    const uint32_t *pair;
    unsigned n;
};

static bool is_but(const struct spd_but *but, uint32_t pair)
{
    unsigned i = 0;

    while (i < but->n && but->pair[i] != pair)
        i++;
    return i < but->n;
}

/* The best pair among the selectors whose prefix is the first bits of the destination.
 * Equal merit: the first in the chain, which was used last. */
static uint32_t find_by_prefix(const struct spd *s, unsigned bits, const struct flow_end *src,
                               const struct flow_end *dst, const struct spd_but *but)
{
    uint32_t c = s->buckets[bucket_of(s, dst->addr->family, bits, dst->addr->b)];
    uint32_t best = POOL_NONE;
    unsigned best_merit = 0;

    for (; c != POOL_NONE; c = s->cells[c].chain) {
        const struct spd_cell *remote = &s->cells[c], *local;
        unsigned merit;

        if (remote->prefix != bits || !selector_has(&remote->ts, dst) ||
            is_but(but, remote->u.pair))
            continue;
        local = match_list(s, s->pairs[remote->u.pair].local, src);
        if (local == NULL)
            continue;
        merit = 1U + local->prefix + (LENGTHS_MAX + 1U) * (remote->narrow + local->narrow);
        if (merit > best_merit) {
            best = remote->u.pair;
            best_merit = merit;
        }
    }
    return best;
}

uint32_t spd_find_other(const struct spd *s, const struct ip_flow *flow, const uint32_t *but,
                        unsigned n)
{
    const struct flow_end src = flow_src(flow), dst = flow_dst(flow);
    const struct spd_but others = {but, n};
    const struct lengths *used = &s->prefixes[flow->dst.family == CV_IPV6];
    unsigned bits = LENGTHS_MAX + 1;
    uint32_t i = POOL_NONE;

    while (i == POOL_NONE && lengths_shorter(used, &bits))
        i = find_by_prefix(s, bits, &src, &dst, &others);
    return i;
}

uint32_t spd_find_out(const struct spd *s, const struct ip_flow *flow)
{
    return spd_find_other(s, flow, NULL, 0);
}

/* ---- ahead of a lookup ---- */

uint32_t spd_expect_bucket(const struct spd *s, const struct ip_flow *flow)
{
    unsigned bits = LENGTHS_MAX + 1;
    uint32_t i;

    if (!lengths_shorter(&s->prefixes[flow->dst.family == CV_IPV6], &bits))
        return POOL_NONE;
    i = bucket_of(s, flow->dst.family, bits, flow->dst.b);
    expect(&s->buckets[i], sizeof(s->buckets[i]));
    return i;
}

uint32_t spd_expect_cell(const struct spd *s, uint32_t bucket)
{
    const uint32_t c = s->buckets[bucket];

    if (c != POOL_NONE)
        expect(&s->cells[c], sizeof(s->cells[c]));
    return c;
}

uint32_t spd_pair_of(const struct spd *s, uint32_t cell)
{
    return s->cells[cell].u.pair;
}

void spd_expect_lists(const struct spd *s, uint32_t i)
{
    expect(&s->pairs[i], sizeof(s->pairs[i]));
}

void spd_expect_selectors(const struct spd *s, uint32_t i)
{
    expect(&s->cells[s->pairs[i].remote], sizeof(s->cells[0]));
    expect(&s->cells[s->pairs[i].local], sizeof(s->cells[0]));
}
