/* Owns: the rules and policies of shunts.
 * Invariant: a rule is in the kernel while at least one policy wants it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plane/shunts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"
#include "wire/ip.h"

enum { RULES_MAX = 256 }; /* of one policy */
_Static_assert(POLICY_FIXED_MAX < POLICY_PASS, "a priority of its own comes first");

struct shunt_use {
    const struct cv_child_config *child;
    struct route_shunt rule;
    struct shunt_use *next;
};

/* ---- from selectors to rules ------------------------------------------------ */

struct side {
    struct prefix p[PREFIXES_MAX];
    unsigned n;
};

/* "dynamic" is any address: a shunt has no peer. */
static struct cv_ts selector_of(const struct cv_ts_config *cfg, uint8_t family)
{
    struct cv_ts ts = cfg->ts;

    if (cfg->dynamic) {
        ts.family = family;
        memset(ts.hi, 0xff, addr_len(family));
    }
    return ts;
}

static bool any_port(const struct cv_ts *ts)
{
    return ts->port_lo == 0 && ts->port_hi == UINT16_MAX;
}

/* No packet has two protocols. */
static bool contradict(const struct cv_ts *local, const struct cv_ts *remote)
{
    return local->proto != 0 && remote->proto != 0 && local->proto != remote->proto;
}

static uint8_t proto_of(const struct cv_ts *local, const struct cv_ts *remote)
{
    return local->proto != 0 ? local->proto : remote->proto;
}

/* Rules know the ports of TCP, UDP and the like; the types of ICMP are none to them. */
static bool expressible(const struct cv_ts *local, const struct cv_ts *remote)
{
    const uint8_t proto = proto_of(local, remote);

    if (any_port(local) && any_port(remote))
        return true;
    return proto != IPPROTO_NUM_ICMP && proto != IPPROTO_NUM_ICMPV6 &&
           local->port_lo <= local->port_hi && remote->port_lo <= remote->port_hi;
}

static uint32_t own_priority(const struct cv_child_config *child)
{
    const struct child_conf *host = child->host;

    return host->priority;
}

static uint8_t kind_of(const struct cv_child_config *child, bool exact)
{
    const bool drop = child_shunt(child) == SHUNT_DROP;

    if (own_priority(child) != 0)
        return ROUTE_ASK_FIRST;
    if (exact)
        return drop ? ROUTE_DROP : ROUTE_PASS;
    return drop ? ROUTE_ASK_LAST : ROUTE_ASK_FIRST;
}

/* ---- rules in the kernel ---------------------------------------------------- */

static bool same_rule(const struct route_shunt *a, const struct route_shunt *b)
{
    return prefix_equal(&a->from, &b->from) && prefix_equal(&a->to, &b->to) &&
           a->proto == b->proto && a->sport_lo == b->sport_lo && a->sport_hi == b->sport_hi &&
           a->dport_lo == b->dport_lo && a->dport_hi == b->dport_hi && a->kind == b->kind;
}

static bool wanted(const struct shunts *s, const struct route_shunt *rule)
{
    for (const struct shunt_use *u = s->uses; u != NULL; u = u->next)
        if (same_rule(&u->rule, rule))
            return true;
    return false;
}

/* Before the first such rule of a family: else IKE and ESP could be what it is for. */
static int let_ours_past(struct shunts *s, uint8_t family, bool first)
{
    bool *done = &s->past[family == CV_IPV6][first];
    int err = *done ? 0 : route_past_add(s->nl, family, first);

    *done = err == 0;
    return err;
}

static bool asks(const struct route_shunt *rule)
{
    return rule->kind == ROUTE_ASK_FIRST || rule->kind == ROUTE_ASK_LAST;
}

/* What asks the device needs a way there, with the source that local programs would get without
 * it; for a default route that is the one towards the peer. */
static int lead_to_device(struct shunts *s, const struct prefix *to)
{
    const struct cv_addr *there = &to->addr;
    struct cv_addr src = {0};

    if (to->len == 0 && s->peer.family == to->addr.family)
        there = &s->peer;
    if (route_source(s->nl, there, ROUTE_MARK, &src, NULL) != 0)
        src = (struct cv_addr){0};
    return route_ask_add(s->nl, s->ifindex, to, &src);
}

void shunts_outside(struct shunts *s, const struct cv_addr *peer)
{
    s->peer = *peer;
    for (const struct shunt_use *u = s->uses; u != NULL; u = u->next)
        if (asks(&u->rule))
            (void)lead_to_device(s, &u->rule.to);
}

static int prepare(struct shunts *s, const struct route_shunt *rule)
{
    int err = 0;

    if (rule->kind != ROUTE_PASS)
        err = let_ours_past(s, rule->to.addr.family, rule->kind == ROUTE_ASK_FIRST);
    if (err == 0 && asks(rule))
        err = lead_to_device(s, &rule->to);
    return err;
}

static void complain(struct shunts *s, const char *name, const char *why)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "cannot install the policy %s: %s", name, why);
    s->note(s->ctx, text);
}

static bool add_rule(struct shunts *s, const struct cv_child_config *child,
                     const struct route_shunt *rule)
{
    struct shunt_use *use;
    int err = prepare(s, rule);

    if (err == 0 && !wanted(s, rule)) {
        err = route_shunt_add(s->nl, rule);
        if (err == 0 && s->guard != NULL)
            guard_shunt(s->guard, rule);
    }
    if (err != 0) {
        complain(s, child->name, strerror(err));
        return false;
    }
    use = mem_new(1, sizeof(*use));
    *use = (struct shunt_use){child, *rule, s->uses};
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

static bool add_pair(struct shunts *s, const struct cv_child_config *child,
                     const struct route_shunt *rule)
{
    struct route_shunt back = reverse(rule);

    if (!add_rule(s, child, rule))
        return false;
    /* To the engine what comes the other way is inbound; the device only has outbound. */
    return asks(rule) || add_rule(s, child, &back);
}

/* ---- policies --------------------------------------------------------------- */

/* Number of the owner of a shunt's policies: no Child SA, no trap. */
static uint64_t owner_of(const struct cv_child_config *child)
{
    return UINT64_C(1) << 63 | (uint64_t)(uintptr_t)child;
}

static void add_rules(struct shunts *s, const struct cv_child_config *child,
                      const struct cv_ts *local, const struct cv_ts *remote)
{
    const bool exact = expressible(local, remote);
    struct route_shunt rule = {.kind = kind_of(child, exact),
                               .proto = proto_of(local, remote),
                               .sport_hi = UINT16_MAX,
                               .dport_hi = UINT16_MAX};
    struct side from = {0}, to = {0};
    unsigned room = RULES_MAX;

    if (exact) {
        rule.sport_lo = local->port_lo;
        rule.sport_hi = local->port_hi;
        rule.dport_lo = remote->port_lo;
        rule.dport_hi = remote->port_hi;
    }
    from.n = prefixes_of(from.p, PREFIXES_MAX, local);
    to.n = prefixes_of(to.p, PREFIXES_MAX, remote);
    for (unsigned i = 0; i < from.n; i++) {
        for (unsigned k = 0; k < to.n; k++) {
            if (room-- == 0) {
                complain(s, child->name, "its address ranges take too many rules");
                return;
            }
            rule.from = from.p[i];
            rule.to = to.p[k];
            if (!add_pair(s, child, &rule))
                return;
        }
    }
}

static void add_to_engine(struct shunts *s, const struct cv_child_config *child,
                          const struct cv_ts *local, const struct cv_ts *remote)
{
    const bool drop = child_shunt(child) == SHUNT_DROP;
    struct cv_policy p = {
        .action = drop ? CV_POLICY_DISCARD : CV_POLICY_BYPASS,
        .directions = CV_BOTH,
        .priority = own_priority(child),
        .local = *local,
        .remote = *remote,
    };

    if (p.priority == 0)
        p.priority = (drop ? POLICY_DROP : POLICY_PASS) + policy_width(local, remote);
    policyset_add(s->policies, owner_of(child), &p);
    if (!expressible(local, remote))
        policyset_rest(s->policies, owner_of(child), local, remote, proto_of(local, remote),
                       !drop);
}

static void add_policy(struct shunts *s, const struct cv_child_config *child, uint8_t family)
{
    for (unsigned i = 0; i < child->n_local_ts; i++) {
        for (unsigned k = 0; k < child->n_remote_ts; k++) {
            const struct cv_ts local = selector_of(&child->local_ts[i], family);
            const struct cv_ts remote = selector_of(&child->remote_ts[k], family);

            if (local.family != family || remote.family != family ||
                contradict(&local, &remote))
                continue;
            add_to_engine(s, child, &local, &remote);
            if (s->nl != NULL)
                add_rules(s, child, &local, &remote);
        }
    }
}

void shunts_install(struct shunts *s, const struct cv_child_config *child)
{
    add_policy(s, child, CV_IPV4);
    if (s->ipv6)
        add_policy(s, child, CV_IPV6);
}

void shunts_add(struct shunts *s, const struct conn *c)
{
    for (unsigned i = 0; i < c->n_shunts; i++)
        if (c->shunts[i]->start_action != CV_ACTION_NONE)
            shunts_install(s, c->shunts[i]);
}

/* Rules of a table cannot be named; those that stay are written anew. */
static void guard_again(struct shunts *s)
{
    if (s->guard == NULL)
        return;
    guard_forget_shunts(s->guard);
    for (const struct shunt_use *u = s->uses; u != NULL; u = u->next)
        guard_shunt(s->guard, &u->rule);
}

/* child NULL: all. */
static void remove_uses(struct shunts *s, const struct cv_child_config *child)
{
    struct shunt_use **at = &s->uses;
    bool changed = false;

    while (*at != NULL) {
        struct shunt_use *gone = *at;
        int err = 0;

        if (child != NULL && gone->child != child) {
            at = &gone->next;
            continue;
        }
        *at = gone->next;
        if (!wanted(s, &gone->rule)) {
            err = route_shunt_del(s->nl, &gone->rule);
            changed = true;
        }
        if (err != 0)
            complain(s, "that ended", strerror(err));
        free(gone);
    }
    if (changed)
        guard_again(s);
}

void shunts_uninstall(struct shunts *s, const struct cv_child_config *child)
{
    policyset_drop(s->policies, owner_of(child));
    remove_uses(s, child);
}

void shunts_remove(struct shunts *s, const struct conn *c)
{
    for (unsigned i = 0; i < c->n_shunts; i++)
        shunts_uninstall(s, c->shunts[i]);
}

void shunts_renew(struct shunts *s, bool guard_too, struct renewal *r)
{
    if (s->nl == NULL)
        return;
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (unsigned first = 0; first < 2; first++)
            if (s->past[v6][first])
                renewal_note(r, route_past_put(s->nl, v6 ? CV_IPV6 : CV_IPV4, first != 0));
    for (const struct shunt_use *u = s->uses; u != NULL; u = u->next) {
        renewal_note(r, route_shunt_put(s->nl, &u->rule));
        if (asks(&u->rule))
            (void)lead_to_device(s, &u->rule.to);
    }
    if (guard_too)
        guard_again(s);
}

void shunts_clear(struct shunts *s)
{
    if (s->nl == NULL)
        return;
    remove_uses(s, NULL);
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (unsigned first = 0; first < 2; first++)
            if (s->past[v6][first])
                (void)route_past_del(s->nl, v6 ? CV_IPV6 : CV_IPV4, first != 0);
    memset(s->past, 0, sizeof(s->past));
}
