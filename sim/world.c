/* The world's clock and its hosts.  See world.h; a scenario's strings are in strings.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/crypto.h"
#include "sim/invariants.h"

enum { START_MS = 1000000 }; /* the clock never starts at zero, where bugs hide */

void world_fail(struct world *w, const char *format, ...)
{
    va_list ap;

    if (w->failed)
        return;
    w->failed = true;
    va_start(ap, format);
    vsnprintf(w->why, sizeof(w->why), format, ap);
    va_end(ap);
    if (w->silent)
        return;
    trace_dump(&w->trace);
    fprintf(stderr, "BROKEN at %.3f s, seed %llu: %s\n", (double)world_now(w) / 1000.0,
            (unsigned long long)w->seed, w->why);
}

static void on_seal(void *ctx, struct cv_span aad, uint8_t *plain, size_t n)
{
    struct world *w = ctx;

    trace_seal(&w->trace, aad, (struct cv_span){plain, n});
    if (w->mangle != NULL && w->active != NULL)
        w->mangle(w->mangle_ctx, w->active, aad, plain, n);
}

static void on_note(void *ctx, const struct datagram *d, const char *fate)
{
    struct world *w = ctx;

    trace_datagram(&w->trace, &w->net, d, fate);
}

/* The network's tap: the scenario's own first, then held and lost messages. */
static enum net_fate on_send(void *ctx, struct datagram *d)
{
    struct world *w = ctx;
    struct host *h = d->from < w->n_hosts ? w->hosts[d->from] : NULL;
    enum net_fate fate = w->tap == NULL ? NET_PASS : w->tap(w->tap_ctx, d);

    invariants_outside(w, d);
    if (fate != NET_PASS || h == NULL || trace_ike(d).n == 0)
        return fate;
    if (h->lose_in > 0 && --h->lose_in == 0)
        return NET_LOSE;
    return h->held ? NET_HOLD : NET_PASS;
}

struct world *world_new(uint64_t seed)
{
    struct world *w = sim_alloc(sizeof(*w));

    w->seed = seed;
    w->prng = prng_seed(seed);
    agenda_init(&w->agenda, START_MS);
    net_init(&w->net, &w->agenda, &w->prng);
    trace_init(&w->trace);
    w->net.tap = on_send;
    w->net.tap_ctx = w;
    w->net.note = on_note;
    w->net.note_ctx = w;
    sim_crypto_start(seed, on_seal, w);
    return w;
}

void world_free(struct world *w)
{
    for (uint32_t i = 0; i < w->n_hosts; i++) {
        host_stop(w->hosts[i]);
        free(w->hosts[i]);
    }
    free(w->hosts);
    agenda_free(&w->agenda);
    net_free(&w->net);
    stack_free(&w->stack);
    trace_free(&w->trace);
    sim_crypto_stop();
    free(w);
}

/* ---- hosts ---------------------------------------------------------------------------- */

static void set_defaults(struct host *h)
{
    h->settings = (struct cv_settings){
        .limits = {.ike_sas = 16,
                   .child_sas = 32,
                   .conns = HOST_CONNS,
                   .handshakes = 16,
                   .messages = 64,
                   .message_size = 8192,
                   .effects = 64},
        .crypto = sim_crypto(),
        .cookie_threshold = 10,
    };
    h->psk = "the secret of this world";
    h->deadline_ms = CV_NO_DEADLINE;
    h->pool_net = 200;
}

struct host *world_add(struct world *w, const char *name)
{
    struct host *h = sim_alloc(sizeof(*h));
    uint32_t x = w->n_hosts + 1;

    if (w->n_hosts == w->cap_hosts) {
        w->cap_hosts = w->cap_hosts == 0 ? 8 : 2 * w->cap_hosts;
        w->hosts = realloc(w->hosts, w->cap_hosts * sizeof(struct host *));
        if (w->hosts == NULL)
            abort();
    }
    w->hosts[w->n_hosts] = h;
    h->index = w->n_hosts++;
    h->world = w;
    snprintf(h->name, sizeof(h->name), "%s", name);
    h->v4 = recipe_v4(192, x < 250 ? 0 : (uint8_t)(10 + x / 250), 2, (uint8_t)(x % 250));
    h->v6 = recipe_v6(0, (uint16_t)x);
    h->inner[0] = recipe_v4(10, (uint8_t)(x / 250 + 1), (uint8_t)(x % 250), 1);
    h->inner[1] = recipe_v6((uint16_t)x, 1);
    set_defaults(h);
    h->port = net_attach(&w->net, name, &h->v4, &h->v6, host_receive, h);
    return h;
}

int world_add_nat(struct world *w, uint32_t timeout_ms)
{
    struct cv_addr public = recipe_v4(198, 51, 100, (uint8_t)(w->net.n_nats + 1));

    return net_add_nat(&w->net, &public, timeout_ms);
}

void world_behind_nat(struct world *w, struct host *h, int nat)
{
    struct net_port *p = &w->net.ports[h->port];

    h->v4 = recipe_v4(172, (uint8_t)(16 + nat), (uint8_t)((h->index + 1) >> 8),
                      (uint8_t)(h->index + 1));
    p->addr[0] = h->v4;
    p->nat = nat;
}

void world_set_links(struct world *w, struct net_link link)
{
    for (uint32_t i = 0; i < w->net.n_ports; i++) {
        w->net.ports[i].out = link;
        w->net.ports[i].in = (struct net_link){.mtu = link.mtu, .down = link.down};
    }
}

/* ---- time ------------------------------------------------------------------------------ */

static struct host *most_urgent(const struct world *w)
{
    struct host *first = NULL;

    for (uint32_t i = 0; i < w->n_hosts; i++) {
        if (first == NULL || w->hosts[i]->deadline_ms < first->deadline_ms)
            first = w->hosts[i];
    }
    return first;
}

/* Does the next thing if it is due until end_ms. */
static bool step(struct world *w, uint64_t end_ms)
{
    uint64_t event = agenda_next(&w->agenda);
    struct host *h = most_urgent(w);
    uint64_t deadline = h == NULL ? CV_NO_DEADLINE : h->deadline_ms;

    if (w->failed || (event > end_ms && deadline > end_ms))
        return false;
    w->steps++;
    if (event <= deadline) {
        agenda_fire(&w->agenda);
        return true;
    }
    if (deadline > w->agenda.now_ms)
        w->agenda.now_ms = deadline;
    host_tick(h);
    return true;
}

void world_run(struct world *w, uint64_t ms)
{
    uint64_t end = world_now(w) + ms;

    while (step(w, end))
        ;
    if (!w->failed)
        w->agenda.now_ms = end;
}

void world_settle(struct world *w)
{
    world_run(w, 0);
}

bool world_run_until(struct world *w, uint64_t ms, world_done_fn *done, void *ctx)
{
    uint64_t end = world_now(w) + ms;

    while (!done(ctx)) {
        if (!step(w, end))
            return done(ctx);
    }
    return true;
}

/* ---- inner traffic --------------------------------------------------------------------- */

struct traffic {
    uint32_t flow, interval_ms, left;
};

uint32_t world_flow_between(struct world *w, const struct host *from, const struct cv_addr *src,
                            const struct host *to, const struct cv_addr *dst)
{
    struct flow f = {.from = from->index, .to = to->index, .src = *src, .dst = *dst};

    return stack_add(&w->stack, &f);
}

uint32_t world_flow(struct world *w, const struct host *from, const struct host *to,
                    enum cv_family family)
{
    unsigned i = family == CV_IPV6;

    return world_flow_between(w, from, &from->inner[i], to, &to->inner[i]);
}

static void send_one(void *ctx, void *arg)
{
    struct world *w = ctx;
    const struct traffic *t = arg;
    struct traffic *next;

    host_send_inner(w->hosts[w->stack.flows[t->flow].from], t->flow);
    if (t->left <= 1)
        return;
    next = sim_alloc(sizeof(*next));
    *next = (struct traffic){t->flow, t->interval_ms, t->left - 1};
    agenda_at(&w->agenda, world_now(w) + t->interval_ms, send_one, w, next);
}

void world_traffic(struct world *w, uint32_t flow, uint32_t interval_ms, uint32_t count)
{
    struct traffic *t = sim_alloc(sizeof(*t));

    *t = (struct traffic){flow, interval_ms, count};
    agenda_at(&w->agenda, world_now(w), send_one, w, t);
}

struct waiting {
    const struct flow *flow;
    uint32_t received;
};

static bool answered(void *ctx)
{
    const struct waiting *p = ctx;

    return p->flow->received > p->received;
}

bool world_ping(struct world *w, uint32_t flow)
{
    struct waiting p = {&w->stack.flows[flow ^ 1], w->stack.flows[flow ^ 1].received};
    bool back;

    w->stack.flows[flow].echo = true;
    host_send_inner(w->hosts[w->stack.flows[flow].from], flow);
    back = world_run_until(w, 1000, answered, &p);
    w->stack.flows[flow].echo = false;
    return back;
}

uint32_t world_missing(const struct world *w, uint32_t flow)
{
    return w->stack.flows[flow].sent - w->stack.flows[flow].received;
}
