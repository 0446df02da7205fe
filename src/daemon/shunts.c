/* Owns: the rules of shunt policies.
 * Invariant: a rule is in the kernel while at least one policy wants it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shunts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/mem.h"

enum { RULES_MAX = 256 }; /* of one policy */

struct shunt_use {
    const struct conn *conn;
    struct route_shunt rule;
    struct shunt_use *next;
};

/* ---- from selectors to rules ------------------------------------------------ */

struct side {
    struct prefix p[PREFIXES_MAX];
    unsigned n;
};

/* "dynamic" is any address: a shunt has no peer. */
static void side_of(struct side *out, const struct cv_ts_config *cfg, uint8_t family)
{
    out->n = 0;
    if (cfg->dynamic) {
        out->p[0] = (struct prefix){.addr.family = family};
        out->n = 1;
    } else if (cfg->ts.family == family) {
        out->n = prefixes_of(out->p, PREFIXES_MAX, &cfg->ts);
    }
}

static bool any_port(const struct cv_ts *ts)
{
    return ts->port_lo == 0 && ts->port_hi == UINT16_MAX;
}

/* Rules know the ports of TCP, UDP and the like; the types of ICMP are none to them. */
static bool expressible(const struct cv_ts *local, const struct cv_ts *remote)
{
    uint8_t proto = local->proto != 0 ? local->proto : remote->proto;

    if (local->proto != 0 && remote->proto != 0 && local->proto != remote->proto)
        return false;
    if (any_port(local) && any_port(remote))
        return true;
    return proto != 1 && proto != 58 && local->port_lo <= local->port_hi &&
           remote->port_lo <= remote->port_hi;
}

/* ---- rules in the kernel ---------------------------------------------------- */

static bool same_rule(const struct route_shunt *a, const struct route_shunt *b)
{
    return prefix_equal(&a->from, &b->from) && prefix_equal(&a->to, &b->to) &&
           a->proto == b->proto && a->sport_lo == b->sport_lo && a->sport_hi == b->sport_hi &&
           a->dport_lo == b->dport_lo && a->dport_hi == b->dport_hi && a->drop == b->drop;
}

static bool wanted(const struct shunts *s, const struct route_shunt *rule)
{
    for (const struct shunt_use *u = s->uses; u != NULL; u = u->next)
        if (same_rule(&u->rule, rule))
            return true;
    return false;
}

/* Before the first drop of a family: else IKE and ESP could be what is dropped. */
static int let_ours_past(struct shunts *s, uint8_t family)
{
    bool *done = family == CV_IPV6 ? &s->past_v6 : &s->past_v4;
    int err = *done ? 0 : route_past_drops_add(s->nl, family);

    *done = err == 0;
    return err;
}

static void complain(struct shunts *s, const char *name, const char *why)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "cannot install the policy %s: %s", name, why);
    s->note(s->ctx, text);
}

static bool add_rule(struct shunts *s, const struct conn *c, const struct route_shunt *rule)
{
    struct shunt_use *use;
    int err = rule->drop ? let_ours_past(s, rule->to.addr.family) : 0;

    if (err == 0 && !wanted(s, rule))
        err = route_shunt_add(s->nl, rule);
    if (err != 0) {
        complain(s, c->cv.name, strerror(err));
        return false;
    }
    use = mem_new(1, sizeof(*use));
    *use = (struct shunt_use){c, *rule, s->uses};
    s->uses = use;
    return true;
}

/* What is forwarded the other way is no less to be dropped. */
static struct route_shunt reverse(const struct route_shunt *rule)
{
    struct route_shunt back = *rule;

    back.from = rule->to;
    back.to = rule->from;
    back.sport_lo = rule->dport_lo;
    back.sport_hi = rule->dport_hi;
    back.dport_lo = rule->sport_lo;
    back.dport_hi = rule->sport_hi;
    return back;
}

static bool add_pair(struct shunts *s, const struct conn *c, const struct cv_ts *local,
                     const struct cv_ts *remote, const struct route_shunt *addresses)
{
    struct route_shunt rule = *addresses, back;

    rule.proto = local->proto != 0 ? local->proto : remote->proto;
    rule.sport_lo = local->port_lo;
    rule.sport_hi = local->port_hi;
    rule.dport_lo = remote->port_lo;
    rule.dport_hi = remote->port_hi;
    back = reverse(&rule);
    return add_rule(s, c, &rule) && add_rule(s, c, &back);
}

/* ---- policies --------------------------------------------------------------- */

static void add_selectors(struct shunts *s, const struct conn *c,
                          const struct cv_child_config *child, const struct cv_ts_config *local,
                          const struct cv_ts_config *remote, uint8_t family)
{
    struct side from, to;
    unsigned room = RULES_MAX;

    side_of(&from, local, family);
    side_of(&to, remote, family);
    if (from.n * to.n > 0 && !expressible(&local->ts, &remote->ts)) {
        complain(s, child->name, "routing rules cannot tell its protocols or ports");
        return;
    }
    for (unsigned i = 0; i < from.n; i++) {
        for (unsigned k = 0; k < to.n; k++) {
            struct route_shunt rule = {
                .from = from.p[i], .to = to.p[k], .drop = child_shunt(child) == SHUNT_DROP};

            if (room-- == 0) {
                complain(s, child->name, "its address ranges take too many rules");
                return;
            }
            if (!add_pair(s, c, &local->ts, &remote->ts, &rule))
                return;
        }
    }
}

static void add_policy(struct shunts *s, const struct conn *c,
                       const struct cv_child_config *child)
{
    for (unsigned i = 0; i < child->n_local_ts; i++) {
        for (unsigned k = 0; k < child->n_remote_ts; k++) {
            const struct cv_ts_config *local = &child->local_ts[i];
            const struct cv_ts_config *remote = &child->remote_ts[k];

            add_selectors(s, c, child, local, remote, CV_IPV4);
            if (s->ipv6)
                add_selectors(s, c, child, local, remote, CV_IPV6);
        }
    }
}

void shunts_add(struct shunts *s, const struct conn *c)
{
    for (unsigned i = 0; i < c->n_shunts; i++)
        if (c->shunts[i]->start_action != CV_ACTION_NONE)
            add_policy(s, c, c->shunts[i]);
}

void shunts_remove(struct shunts *s, const struct conn *c)
{
    struct shunt_use **at = &s->uses;

    while (*at != NULL) {
        struct shunt_use *gone = *at;
        int err = 0;

        if (c != NULL && gone->conn != c) {
            at = &gone->next;
            continue;
        }
        *at = gone->next;
        if (!wanted(s, &gone->rule))
            err = route_shunt_del(s->nl, &gone->rule);
        if (err != 0)
            complain(s, "that ended", strerror(err));
        free(gone);
    }
}

void shunts_clear(struct shunts *s)
{
    if (s->nl == NULL)
        return;
    shunts_remove(s, NULL);
    if (s->past_v4)
        (void)route_past_drops_del(s->nl, CV_IPV4);
    if (s->past_v6)
        (void)route_past_drops_del(s->nl, CV_IPV6);
    s->past_v4 = s->past_v6 = false;
}
