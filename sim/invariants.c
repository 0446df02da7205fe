/* The checks.  See invariants.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/invariants.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "sim/crypto.h"
#include "wire/ip.h"

/* ---- after every step ------------------------------------------------------------------ */

static void check_limits(struct world *w, const struct host *h)
{
    const struct cv_limits *lim = &h->settings.limits;
    struct cv_stats s;

    cv_get_stats(h->engine, &s);
    if (s.ike_sas > lim->ike_sas || s.child_sas > lim->child_sas ||
        s.handshakes > lim->handshakes ||
        s.gathers > (lim->gathers != 0 ? lim->gathers : lim->handshakes) ||
        s.messages > lim->messages)
        world_fail(w, "%s: a table holds more than its limit", h->name);
    if (s.errors[CV_ERR_BUG] != 0)
        world_fail(w, "%s: the engine reports a bug of its own", h->name);
    if (s.half_open > s.ike_sas)
        world_fail(w, "%s: %u half-open SAs of %u", h->name, (unsigned)s.half_open,
                   (unsigned)s.ike_sas);
}

/* What finds SAs and Child SAs must know where they are by now, and nothing is left touched. */
static void check_indexes(struct world *w, const struct host *h)
{
    const struct core *core = &h->engine->ike.core;
    unsigned listed = 0, installed = 0;

    for (uint32_t i = 0; i < core->sas.cap; i++) {
        const struct peer *p = peer_at(core, i);

        if (p != NULL && !p->is_ended && sa_at(&h->engine->ike, i)->state < ST_LINGER &&
            !peer_is_on_way(core, p))
            world_fail(w, "%s: IKE SA %u is not found by its address", h->name, p->id);
    }
    for (uint32_t i = 0; i < core->children.cap; i++) {
        const struct child_sa *c = child_at(core, i);

        if (c == NULL || c->state == CV_CHILD_DEAD || !c->installed || c->drains ||
            c->mode != CV_TRANSPORT)
            continue;
        installed++;
        for (const struct child_sa *at =
                 child_first_at(core, &peer_at(core, c->ike)->remote.addr);
             at != NULL; at = child_next_at(core, at))
            listed += at == c;
    }
    if (listed != installed)
        world_fail(w, "%s: %u of %u Child SAs are found by their address", h->name, listed,
                   installed);
    if (core->touched.n != 0)
        world_fail(w, "%s: an SA waits to be looked at", h->name);
}

static void check_spis(struct world *w, const struct host *h)
{
    struct cv_child_info a, b;
    uint32_t i = 0, k;

    while (cv_child_next(h->engine, 0, &i, &a)) {
        for (k = i; cv_child_next(h->engine, 0, &k, &b);) {
            if (a.spi_in == b.spi_in && a.id != b.id)
                world_fail(w, "%s: Child SAs %u and %u share inbound SPI %08x", h->name,
                           (unsigned)a.id, (unsigned)b.id, (unsigned)a.spi_in);
        }
    }
}

void invariants_step(struct world *w, const struct host *h)
{
    if (sim_crypto_reused() != 0)
        world_fail(w, "%s: a nonce was used twice under one key", h->name);
    if (w->quick)
        return;
    check_limits(w, h);
    check_indexes(w, h);
    check_spis(w, h);
}

/* ---- packets ------------------------------------------------------------- */

static bool ts_covers(const struct cv_ts_list *list, const struct cv_addr *a, uint8_t proto,
                      uint16_t port)
{
    size_t n = addr_len(a->family);

    for (unsigned i = 0; i < list->n; i++) {
        const struct cv_ts *ts = &list->ts[i];

        if (ts->family == a->family && (ts->proto == 0 || ts->proto == proto) &&
            ts->port_lo <= port && port <= ts->port_hi && memcmp(ts->lo, a->b, n) <= 0 &&
            memcmp(a->b, ts->hi, n) <= 0)
            return true;
    }
    return false;
}

static void check_selectors(struct world *w, const struct host *h, uint32_t child,
                            const struct flow *f)
{
    struct cv_child_info info;

    if (!cv_child_info(h->engine, child, &info)) {
        world_fail(w, "%s: delivered a packet of unknown Child SA %u", h->name,
                   (unsigned)child);
        return;
    }
    if (!ts_covers(&info.remote_ts, &f->src, IPPROTO_NUM_UDP, f->sport) ||
        !ts_covers(&info.local_ts, &f->dst, IPPROTO_NUM_UDP, f->dport))
        world_fail(w, "%s: delivered a packet outside the selectors of Child SA %u", h->name,
                   (unsigned)child);
}

void invariants_delivered(struct world *w, const struct host *h, const struct cv_packet *p,
                          uint32_t *flow)
{
    static const char *const words[] = {"fine", "foreign", "changed", "repeated", "astray"};
    struct cv_span packet = {p->buf + p->off, p->len};
    enum stack_finding found = stack_accept(&w->stack, h->index, packet, flow);

    if (found != STACK_FINE) {
        world_fail(w, "%s: delivered a packet that is %s", h->name, words[found]);
        *flow = UINT32_MAX;
        return;
    }
    check_selectors(w, h, p->child, &w->stack.flows[*flow]);
}

void invariants_outside(struct world *w, const struct datagram *d)
{
    if (!w->readable && stack_leaks((struct cv_span){d->data, d->n}))
        world_fail(w, "plaintext of an inner packet on the outer network");
}

/* ---- after quiet time
 * ------------------------------------------------------------------------ */

static bool same_spis(const struct cv_ike_info *a, const struct cv_ike_info *b)
{
    return memcmp(a->spi_i, b->spi_i, 8) == 0 && memcmp(a->spi_r, b->spi_r, 8) == 0;
}

static const struct host *find_peer(const struct world *w, const struct host *h,
                                    const struct cv_ike_info *mine, struct cv_ike_info *theirs)
{
    for (uint32_t i = 0; i < w->n_hosts; i++) {
        uint32_t at = 0;

        if (w->hosts[i] == h || w->hosts[i]->engine == NULL)
            continue;
        while (cv_ike_next(w->hosts[i]->engine, &at, theirs)) {
            if (same_spis(mine, theirs))
                return w->hosts[i];
        }
    }
    return NULL;
}

static bool same_suite(const struct cv_suite *a, const struct cv_suite *b)
{
    return a->encr == b->encr && a->encr_bits == b->encr_bits && a->integ == b->integ &&
           a->prf == b->prf && a->ke == b->ke && a->esn == b->esn;
}

static bool same_ts(const struct cv_ts_list *a, const struct cv_ts_list *b)
{
    if (a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++) {
        const struct cv_ts *x = &a->ts[i], *y = &b->ts[i];

        if (x->family != y->family || x->proto != y->proto || x->port_lo != y->port_lo ||
            x->port_hi != y->port_hi || memcmp(x->lo, y->lo, 16) != 0 ||
            memcmp(x->hi, y->hi, 16) != 0)
            return false;
    }
    return true;
}

/* What is wrong with one Child SA, or NULL. */
static const char *child_differs(const struct host *peer, uint32_t peer_ike,
                                 const struct cv_child_info *mine)
{
    struct cv_child_info theirs;
    uint32_t at = 0;

    if (mine->state != CV_CHILD_INSTALLED)
        return "is not installed";
    while (cv_child_next(peer->engine, peer_ike, &at, &theirs)) {
        if (theirs.spi_in != mine->spi_out || theirs.spi_out != mine->spi_in)
            continue;
        if (theirs.state != CV_CHILD_INSTALLED)
            return "is not installed at the peer";
        if (!same_suite(&mine->suite, &theirs.suite))
            return "has another suite at the peer";
        if (mine->mode != theirs.mode || mine->encap != theirs.encap)
            return "has another mode at the peer";
        /* in transport mode a NAT shows each side other addresses (RFC 7296 section 2.23.1) */
        if (mine->mode == CV_TRANSPORT && mine->encap)
            return NULL;
        if (!same_ts(&mine->local_ts, &theirs.remote_ts) ||
            !same_ts(&mine->remote_ts, &theirs.local_ts))
            return "has other selectors at the peer";
        return NULL;
    }
    return "is unknown to the peer";
}

static bool ike_agrees(const struct world *w, const struct host *h,
                       const struct cv_ike_info *mine, char *why, size_t cap)
{
    struct cv_ike_info theirs;
    const struct host *peer = find_peer(w, h, mine, &theirs);
    const char *wrong = NULL;
    struct cv_child_info child;
    uint32_t at = 0;

    if (mine->state != CV_IKE_ESTABLISHED)
        wrong = "is not established";
    else if (peer == NULL)
        wrong = "is unknown to every other host";
    else if (theirs.state != CV_IKE_ESTABLISHED)
        wrong = "is not established at the peer";
    else if (theirs.initiator == mine->initiator)
        wrong = "has two sides of one role";
    else if (!same_suite(&mine->suite, &theirs.suite))
        wrong = "has another suite at the peer";
    if (wrong != NULL) {
        snprintf(why, cap, "%s: IKE SA %u (%02x%02x, state %u) %s", h->name, (unsigned)mine->id,
                 mine->spi_i[0], mine->spi_i[1], mine->state, wrong);
        return false;
    }
    while (cv_child_next(h->engine, mine->id, &at, &child)) {
        wrong = child_differs(peer, theirs.id, &child);
        if (wrong == NULL)
            continue;
        snprintf(why, cap, "%s: Child SA %u (%08x, state %u) %s", h->name, (unsigned)child.id,
                 (unsigned)child.spi_in, child.state, wrong);
        return false;
    }
    return true;
}

bool invariants_agree(const struct world *w, char *why, size_t cap)
{
    for (uint32_t i = 0; i < w->n_hosts; i++) {
        struct cv_ike_info info;
        uint32_t at = 0;

        if (w->hosts[i]->engine == NULL)
            continue;
        while (cv_ike_next(w->hosts[i]->engine, &at, &info)) {
            if (!ike_agrees(w, w->hosts[i], &info, why, cap))
                return false;
        }
    }
    return true;
}

bool invariants_empty(const struct world *w, char *why, size_t cap)
{
    for (uint32_t i = 0; i < w->n_hosts; i++) {
        const struct host *h = w->hosts[i];
        struct cv_stats s;

        if (h->engine == NULL)
            continue;
        if (h->engine->ike.roams.used != 0) {
            snprintf(why, cap, "%s: an SA that is gone still moves", h->name);
            return false;
        }
        if (!host_is_empty(h) || h->n_leases != 0) {
            cv_get_stats(h->engine, &s);
            snprintf(why, cap,
                     "%s: left over: %u IKE SAs, %u Child SAs, %u handshakes, %u messages, "
                     "%u half open, %u leases",
                     h->name, s.ike_sas, s.child_sas, s.handshakes, s.messages, s.half_open,
                     h->n_leases);
            return false;
        }
        for (unsigned k = 0; k < h->n_recipes; k++) {
            unsigned users = cv_conn_users(h->engine, &h->recipes[k]->conn);

            if (users != 0) {
                snprintf(why, cap, "%s: connection %s has %u users", h->name,
                         h->recipes[k]->name, users);
                return false;
            }
        }
    }
    return true;
}
