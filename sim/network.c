/* Links, routing and translation of the simulated network.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ip.h"

void net_init(struct net *net, struct agenda *agenda, struct prng *prng)
{
    *net = (struct net){.agenda = agenda, .prng = prng};
}

void net_free(struct net *net)
{
    for (unsigned i = 0; i < net->n_held; i++)
        free(net->held[i]);
    free(net->ports);
    *net = (struct net){0};
}

uint32_t net_attach(struct net *net, const char *name, const struct cv_addr *v4,
                    const struct cv_addr *v6, net_receive_fn *receive, void *ctx)
{
    struct net_port *p;

    if (net->n_ports == net->cap_ports) {
        net->cap_ports = net->cap_ports == 0 ? 8 : 2 * net->cap_ports;
        net->ports = realloc(net->ports, net->cap_ports * sizeof(*net->ports));
        if (net->ports == NULL)
            abort();
    }
    p = &net->ports[net->n_ports];
    *p = (struct net_port){.nat = NET_NO_NAT, .receive = receive, .ctx = ctx};
    snprintf(p->name, sizeof(p->name), "%s", name);
    if (v4 != NULL)
        p->addr[0] = *v4;
    if (v6 != NULL)
        p->addr[1] = *v6;
    return net->n_ports++;
}

int net_add_nat(struct net *net, const struct cv_addr *public, uint32_t timeout_ms)
{
    if (net->n_nats == NET_NATS_MAX)
        abort();
    nat_init(&net->nats[net->n_nats], public, timeout_ms);
    return (int)net->n_nats++;
}

static bool port_has(const struct net_port *p, const struct cv_addr *addr)
{
    return addr_equal(&p->addr[0], addr) || addr_equal(&p->addr[1], addr);
}

uint32_t net_find(const struct net *net, const struct cv_addr *addr)
{
    for (uint32_t i = 0; i < net->n_ports; i++) {
        if (port_has(&net->ports[i], addr))
            return i;
    }
    return UINT32_MAX;
}

static void note(struct net *net, const struct datagram *d, const char *fate)
{
    if (net->note != NULL)
        net->note(net->note_ctx, d, fate);
}

/* Where the datagram ends up, after the receiver's NAT; NULL when nowhere. */
static struct net_port *route(struct net *net, struct datagram *d)
{
    uint32_t i = net_find(net, &d->dst.addr);

    /* A private address is reachable from behind the same NAT only. */
    if (i != UINT32_MAX) {
        struct net_port *p = &net->ports[i];
        bool private = p->nat != NET_NO_NAT && d->dst.addr.family == CV_IPV4;

        if (!private || (d->from != NET_NOBODY && net->ports[d->from].nat == p->nat))
            return p;
    }
    for (unsigned k = 0; k < net->n_nats; k++) {
        struct cv_endpoint inner;

        if (!addr_equal(&net->nats[k].public, &d->dst.addr))
            continue;
        if (!nat_in(&net->nats[k], d->dst.port, &d->src, net->agenda->now_ms, &inner)) {
            net->count.filtered++;
            note(net, d, "filtered by NAT");
            return NULL;
        }
        d->dst = inner;
        i = net_find(net, &inner.addr);
        return i == UINT32_MAX ? NULL : &net->ports[i];
    }
    net->count.no_route++;
    note(net, d, "no route");
    return NULL;
}

static size_t ip_size(const struct datagram *d)
{
    size_t ip = d->src.addr.family == CV_IPV6 ? 40 : 20;

    return ip + (d->src.port == 0 ? 0 : 8) + d->n;
}

/* True when the link swallows the datagram. */
static bool link_loses(struct net *net, const struct net_link *link, const struct datagram *d)
{
    if (link->mtu != 0 && ip_size(d) > link->mtu) {
        net->count.too_big++;
        note(net, d, "too big");
        return true;
    }
    if (link->down || prng_chance(net->prng, link->loss_pm)) {
        net->count.lost++;
        note(net, d, "lost");
        return true;
    }
    return false;
}

static void hand_over(struct net *net, struct datagram *d, bool lossless)
{
    struct net_port *p = route(net, d);

    if (p == NULL || (!lossless && link_loses(net, &p->in, d)))
        return;
    if (d->dst.port != 0)
        d->carrier = d->dst.port == 500 ? CV_UDP_500 : CV_UDP_4500;
    net->count.delivered++;
    p->receive(p->ctx, d);
}

static void arrive(void *ctx, void *arg)
{
    hand_over(ctx, arg, false);
}

static void arrive_surely(void *ctx, void *arg)
{
    hand_over(ctx, arg, true);
}

static struct datagram *copy(const struct datagram *d)
{
    struct datagram *c = sim_alloc(sizeof(*c) + d->n);

    memcpy(c, d, sizeof(*c) + d->n);
    return c;
}

/* Applies the sender's NAT.  False: it cannot carry this datagram. */
static bool translate(struct net *net, struct datagram *d)
{
    const struct net_port *p = &net->ports[d->from];
    uint32_t to = net_find(net, &d->dst.addr);

    if (p->nat == NET_NO_NAT || d->src.addr.family != CV_IPV4)
        return true;
    if (to != UINT32_MAX && net->ports[to].nat == p->nat)
        return true; /* neighbours behind one NAT */
    if (nat_out(&net->nats[p->nat], &d->src, &d->dst, net->agenda->now_ms, &d->src))
        return true;
    net->count.filtered++;
    note(net, d, "refused by NAT");
    return false;
}

static void travel(struct net *net, struct datagram *d)
{
    const struct net_port *from = &net->ports[d->from];
    uint32_t to = net_find(net, &d->dst.addr);
    uint64_t at = net->agenda->now_ms + from->out.delay_ms;

    at += prng_below(net->prng, from->out.jitter_ms + 1);
    if (to != UINT32_MAX) {
        at += net->ports[to].in.delay_ms;
        at += prng_below(net->prng, net->ports[to].in.jitter_ms + 1);
    }
    agenda_at(net->agenda, at, arrive, net, d);
}

static void transmit(struct net *net, struct datagram *d)
{
    const struct net_port *from = &net->ports[d->from];

    if (link_loses(net, &from->out, d) || !translate(net, d)) {
        free(d);
        return;
    }
    if (prng_chance(net->prng, from->out.dup_pm)) {
        net->count.duplicated++;
        note(net, d, "duplicated");
        travel(net, copy(d));
    }
    travel(net, d);
}

static struct datagram *make(uint32_t from, const struct cv_endpoint *src,
                             const struct cv_endpoint *dst, uint8_t carrier,
                             struct cv_span data)
{
    struct datagram *d = sim_alloc(sizeof(*d) + data.n);

    *d = (struct datagram){
        .src = *src, .dst = *dst, .carrier = carrier, .from = from, .n = data.n};
    if (data.n > 0)
        memcpy(d->data, data.p, data.n);
    return d;
}

void net_send(struct net *net, uint32_t port, const struct cv_endpoint *src,
              const struct cv_endpoint *dst, uint8_t carrier, uint8_t tos, struct cv_span data)
{
    struct datagram *d = make(port, src, dst, carrier, data);
    enum net_fate fate = net->tap == NULL ? NET_PASS : net->tap(net->tap_ctx, d);

    d->tos = tos;
    net->count.sent++;
    if (fate == NET_HOLD && net->n_held == NET_HELD_MAX)
        abort(); /* a scenario that holds this much has lost its thread */
    note(net, d, fate == NET_PASS ? "" : fate == NET_HOLD ? "held" : "lost (scenario)");
    if (fate == NET_HOLD) {
        net->held[net->n_held++] = d;
    } else if (fate == NET_LOSE) {
        net->count.lost++;
        free(d);
    } else {
        transmit(net, d);
    }
}

void net_inject(struct net *net, const struct cv_endpoint *src, const struct cv_endpoint *dst,
                uint8_t carrier, struct cv_span data)
{
    struct datagram *d = make(NET_NOBODY, src, dst, carrier, data);

    note(net, d, "injected");
    agenda_at(net->agenda, net->agenda->now_ms, arrive_surely, net, d);
}

static struct datagram *unhold(struct net *net, unsigned i)
{
    struct datagram *d = net->held[i];

    net->n_held--;
    memmove(&net->held[i], &net->held[i + 1], (net->n_held - i) * sizeof(net->held[0]));
    return d;
}

void net_release(struct net *net, unsigned i)
{
    struct datagram *d = unhold(net, i);

    if (!translate(net, d)) {
        free(d);
        return;
    }
    note(net, d, "released");
    agenda_at(net->agenda, net->agenda->now_ms, arrive_surely, net, d);
}

void net_discard(struct net *net, unsigned i)
{
    free(unhold(net, i));
}
