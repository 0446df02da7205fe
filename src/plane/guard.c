/* Owns: the table that guards what leaves, and what is kept in it when no tunnel has it.
 * Invariant: a prefix is in the table before it is routed into the device, and no shorter.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plane/guard.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

/* What is kept for tunnels that may never come back has a bound. */
enum { KEPT_MAX = 65536 };

void guard_init(struct guard *g)
{
    *g = (struct guard){.nl.fd = -1};
}

static void name_table(struct nft_guard *t, const char *device)
{
    (void)snprintf(t->table, sizeof(t->table), "%s-guard", device);
}

static void name_device(struct nft_guard *t, const char *device, const char *pattern)
{
    const char *percent = strchr(pattern, '%');

    if (percent == NULL)
        (void)snprintf(t->device, sizeof(t->device), "%s", device);
    else
        (void)snprintf(t->device, sizeof(t->device), "%.*s*", (int)(percent - pattern),
                       pattern);
}

static void complain(struct guard *g, const char *what, int err)
{
    char text[160];

    if (err == 0)
        return;
    (void)snprintf(text, sizeof(text), "%s what must not leave in the clear: %s", what,
                   strerror(err));
    g->note(g->ctx, text);
}

/* ---- prefixes --------------------------------------------------------------- */

static int put(struct guard *g, const struct prefix *to)
{
    bool *known = &g->looked_up[to->addr.family == CV_IPV6][to->len];
    int err = nft_guard_add(&g->nl, &g->table, to);

    if (err == 0 && !*known) {
        err = nft_guard_length(&g->nl, &g->table, to->addr.family, to->len);
        *known = err == 0;
    }
    return err;
}

static void keep(struct guard *g, const struct prefix *to)
{
    const struct route_via none = {0};

    if (g->n_kept == KEPT_MAX) {
        complain(g, "cannot keep", ENOSPC);
        return;
    }
    routeset_add(&g->kept, 0, to, &none);
    g->n_kept++;
}

void guard_protect(struct guard *g, const struct prefix *to)
{
    const struct route_use *was = g->on ? routeset_to(&g->kept, to) : NULL;

    if (!g->on)
        return;
    if (was != NULL) {
        routeset_remove(&g->kept, was);
        g->n_kept--;
        return;
    }
    complain(g, "cannot add", put(g, to));
}

void guard_release(struct guard *g, const struct prefix *to)
{
    if (!g->on)
        return;
    if (g->table.outlives)
        keep(g, to);
    else
        complain(g, "cannot remove", nft_guard_del(&g->nl, &g->table, to));
}

/* ---- shunts ----------------------------------------------------------------- */

void guard_shunt(struct guard *g, const struct route_shunt *s)
{
    if (g->on)
        complain(g, "cannot add a policy to", nft_guard_shunt(&g->nl, &g->table, s));
}

void guard_forget_shunts(struct guard *g)
{
    if (g->on)
        complain(g, "cannot change the policies of",
                 nft_guard_forget_shunts(&g->nl, &g->table));
}

/* ---- the table -------------------------------------------------------------- */

static void take_over(void *ctx, const struct prefix *to)
{
    keep(ctx, to);
}

struct refill {
    struct guard *g;
    int err;
};

static void put_again(void *ctx, struct route_use *use)
{
    struct refill *r = ctx;
    const int err = put(r->g, &use->to);

    if (r->err == 0)
        r->err = err;
}

static int put_all(struct guard *g, const struct routeset *routes)
{
    struct refill r = {.g = g};

    memset(g->looked_up, 0, sizeof(g->looked_up));
    routeset_each(&g->kept, put_again, &r);
    if (routes != NULL)
        routeset_each(routes, put_again, &r);
    return r.err;
}

static bool fails(struct guard *g, int err, struct problem *why)
{
    netlink_close(&g->nl);
    routeset_free(&g->kept);
    return problem_set(why,
                       "packets that must not leave in the clear are not held by nf_tables: "
                       "%s%s; they follow the routes, and where somebody removes those, for "
                       "some milliseconds past the tunnel",
                       strerror(err),
                       err == EPERM ? " (another program owns a table of this name)" : "");
}

bool guard_start(struct guard *g, const char *device, const char *pattern, bool outlives,
                 struct problem *why)
{
    int err;

    name_table(&g->table, device);
    name_device(&g->table, device, pattern);
    g->table.outlives = outlives;
    routeset_init(&g->kept, 0);
    if (!netlink_open(&g->nl, NETLINK_NETFILTER))
        return fails(g, errno, why);
    err = nft_guard_install(&g->nl, &g->table);
    if (err != 0)
        return fails(g, err, why);
    g->on = true;
    if (!outlives)
        return true;
    err = nft_guard_list(&g->nl, &g->table, take_over, g);
    if (err == 0)
        err = put_all(g, NULL);
    return err == 0 || fails(g, err, why);
}

void guard_stop(struct guard *g)
{
    if (!g->on)
        return;
    g->on = false;
    routeset_free(&g->kept);
    netlink_close(&g->nl);
}

static void overlook(void *ctx, const struct prefix *to)
{
    (void)ctx;
    (void)to;
}

bool guard_stands(struct guard *g)
{
    return !g->on || nft_guard_list(&g->nl, &g->table, overlook, NULL) == 0;
}

bool guard_renew(struct guard *g, const struct routeset *routes)
{
    int err;

    if (!g->on)
        return true;
    err = nft_guard_install(&g->nl, &g->table);
    if (err == 0)
        err = put_all(g, routes);
    complain(g, "cannot restore", err);
    return err == 0;
}

int guard_unblock(const char *device)
{
    struct nft_guard t = {0};
    struct netlink nl;
    int err;

    name_table(&t, device);
    if (!netlink_open(&nl, NETLINK_NETFILTER))
        return errno;
    err = nft_guard_remove(&nl, &t);
    netlink_close(&nl);
    return err;
}
