/* A scenario's strings on the network: messages held back, let go in any order, lost.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sim/world.h"

void world_hold(struct world *w, const struct host *h)
{
    w->hosts[h->index]->held = true;
}

void world_hold_all(struct world *w)
{
    for (uint32_t i = 0; i < w->n_hosts; i++)
        w->hosts[i]->held = true;
}

void world_unhold(struct world *w)
{
    for (uint32_t i = 0; i < w->n_hosts; i++)
        w->hosts[i]->held = false;
}

unsigned world_held(const struct world *w, const struct host *h)
{
    unsigned n = 0;

    for (unsigned i = 0; i < w->net.n_held; i++)
        n += w->net.held[i]->from == h->port;
    return n;
}

/* The place in net.held of the n-th message from h, or net.n_held. */
static unsigned find(const struct world *w, const struct host *h, unsigned n)
{
    unsigned i = 0;

    for (; i < w->net.n_held; i++) {
        if (w->net.held[i]->from == h->port && n-- == 0)
            break;
    }
    return i;
}

void world_deliver_nth(struct world *w, const struct host *h, unsigned n)
{
    unsigned i = find(w, h, n);

    if (i == w->net.n_held) {
        world_fail(w, "scenario: %s has no message %u to deliver", h->name, n);
        return;
    }
    net_release(&w->net, i);
    world_settle(w);
}

void world_deliver(struct world *w, const struct host *h)
{
    world_deliver_nth(w, h, 0);
}

void world_drop(struct world *w, const struct host *h)
{
    unsigned i = find(w, h, 0);

    if (i == w->net.n_held)
        world_fail(w, "scenario: %s has no message to drop", h->name);
    else
        net_discard(&w->net, i);
}

void world_release(struct world *w)
{
    world_unhold(w);
    while (w->net.n_held > 0) {
        net_release(&w->net, 0);
        world_settle(w);
    }
}

void world_lose_nth(struct world *w, const struct host *h, unsigned n)
{
    w->hosts[h->index]->lose_in = n + 1;
}
