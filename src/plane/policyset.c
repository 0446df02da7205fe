/* Owns: which policy in the engine is whose.
 * Invariant: every policy in the engine has one owner and goes with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plane/policyset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/htab.h"
#include "ident/selector.h"
#include "kit/mem.h"
#include "wire/ip.h"

enum { BUCKETS_MIN = 16, BUCKETS_MAX = 1 << 20 };

struct policy_use {
    uint64_t owner;
    uint32_t number;
    struct policy_use *next;
};

void policyset_init(struct policyset *s, struct cv_engine *engine, uint32_t expected)
{
    uint32_t n = BUCKETS_MIN;

    while (n < expected && n < BUCKETS_MAX)
        n *= 2;
    s->engine = engine;
    s->mask = n - 1;
    s->by_owner = mem_new(n, sizeof(struct policy_use *));
    if (getrandom(s->seed, sizeof(s->seed), GRND_NONBLOCK) != (ssize_t)sizeof(s->seed))
        s->seed[0] = s->seed[1] = 0;
}

static struct policy_use **bucket_of(const struct policyset *s, uint64_t owner)
{
    return &s->by_owner[siphash24(s->seed, &owner, sizeof(owner)) & s->mask];
}

void policyset_free(struct policyset *s)
{
    for (uint32_t i = 0; s->by_owner != NULL && i <= s->mask; i++) {
        while (s->by_owner[i] != NULL) {
            struct policy_use *gone = s->by_owner[i];

            s->by_owner[i] = gone->next;
            free(gone);
        }
    }
    free(s->by_owner);
    s->by_owner = NULL;
}

void policyset_add(struct policyset *s, uint64_t owner, const struct cv_policy *policy)
{
    struct policy_use **at = bucket_of(s, owner), *use;
    uint32_t number;
    enum cv_err err = cv_policy_add(s->engine, policy, &number);
    char text[128];

    if (err != CV_OK) {
        (void)snprintf(text, sizeof(text), "cannot add a policy: %s%s", cv_err_text(err),
                       err == CV_ERR_FULL ? " (culvert.policies)" : "");
        s->note(s->ctx, text);
        return;
    }
    use = mem_new(1, sizeof(*use));
    *use = (struct policy_use){owner, number, *at};
    *at = use;
}

void policyset_drop(struct policyset *s, uint64_t owner)
{
    struct policy_use **at = s->by_owner != NULL ? bucket_of(s, owner) : NULL;

    while (at != NULL && *at != NULL) {
        struct policy_use *gone = *at;

        if (gone->owner != owner) {
            at = &gone->next;
            continue;
        }
        *at = gone->next;
        cv_policy_remove(s->engine, gone->number);
        free(gone);
    }
}

/* ---- what selectors mean ---- */

uint32_t policy_width(const struct cv_ts *local, const struct cv_ts *remote)
{
    const unsigned bits = 2 * 8 * (unsigned)addr_len(local->family);
    const unsigned fixed = selector_prefix(local) + selector_prefix(remote);
    const unsigned narrow = selector_narrow(local) + selector_narrow(remote);

    return (bits - fixed) * 8 + 4 - narrow;
}

/* Selectors of two families, or of none, meet in no packet.  "Any address" on our side takes
 * the family of the other; which of them is ours is not known yet, so it says nothing of what
 * comes in. */
static bool make_pair(struct cv_policy *p, const struct cv_ts *local,
                      const struct cv_ts *remote)
{
    p->directions = CV_BOTH;
    p->local = *local;
    p->remote = *remote;
    if (local->family == CV_ANY_FAMILY) {
        p->directions = CV_OUT;
        p->local.family = remote->family;
        memset(p->local.lo, 0, sizeof(p->local.lo));
        memset(p->local.hi, 0, sizeof(p->local.hi));
        memset(p->local.hi, 0xff, addr_len(remote->family));
    }
    return p->remote.family != CV_ANY_FAMILY && p->local.family == p->remote.family;
}

void policyset_protect(struct policyset *s, uint64_t owner, const struct cv_ts_list *local,
                       const struct cv_ts_list *remote, uint32_t cookie)
{
    struct cv_policy p = {.action = CV_POLICY_PROTECT, .cookie = cookie};

    for (unsigned i = 0; i < local->n; i++) {
        for (unsigned k = 0; k < remote->n; k++) {
            if (!make_pair(&p, &local->ts[i], &remote->ts[k]))
                continue;
            p.priority = CV_PRIORITY_SA + policy_width(&p.local, &p.remote);
            policyset_add(s, owner, &p);
        }
    }
}

static void set_upper(struct cv_ts *ts, uint8_t proto, uint16_t port_lo, uint16_t port_hi)
{
    ts->proto = proto;
    ts->port_lo = port_lo;
    ts->port_hi = port_hi;
}

static bool names_ports(const struct cv_ts *ts)
{
    return selector_narrow(ts) > (ts->proto != 0);
}

void policyset_rest(struct policyset *s, uint64_t owner, const struct cv_ts *local,
                    const struct cv_ts *remote, uint8_t proto, bool fragments)
{
    struct cv_policy p = {.action = CV_POLICY_DISCARD, .priority = POLICY_CLEAR - 1};
    const uint8_t named = local->proto != 0 ? local->proto : remote->proto;

    if (!make_pair(&p, local, remote))
        return;
    if (!fragments && (names_ports(local) || names_ports(remote))) {
        set_upper(&p.local, named, UINT16_MAX, 0); /* OPAQUE */
        set_upper(&p.remote, named, UINT16_MAX, 0);
        policyset_add(s, owner, &p);
    }
    p.action = CV_POLICY_BYPASS;
    p.priority = POLICY_CLEAR;
    set_upper(&p.local, proto, 0, UINT16_MAX);
    set_upper(&p.remote, proto, 0, UINT16_MAX);
    policyset_add(s, owner, &p);
}

/* Is one of these meant for all that the addresses of ts say? */
static bool names_all(const struct cv_ts_config *cfg, unsigned n, const struct cv_ts *ts)
{
    for (unsigned i = 0; i < n; i++) {
        const struct cv_ts *c = &cfg[i].ts;

        if (selector_narrow(c) == 0 &&
            (cfg[i].dynamic ||
             (c->family == ts->family && memcmp(c->lo, ts->lo, sizeof(c->lo)) <= 0 &&
              memcmp(ts->hi, c->hi, sizeof(c->hi)) <= 0)))
            return true;
    }
    return false;
}

void policyset_narrow(struct policyset *s, uint64_t owner, const struct cv_child_config *child,
                      const struct cv_ts_list *local, const struct cv_ts_list *remote)
{
    for (unsigned i = 0; i < local->n; i++) {
        for (unsigned k = 0; k < remote->n; k++) {
            const struct cv_ts *l = &local->ts[i], *r = &remote->ts[k];

            if (selector_narrow(l) + selector_narrow(r) > 0 &&
                !(names_all(child->local_ts, child->n_local_ts, l) &&
                  names_all(child->remote_ts, child->n_remote_ts, r)))
                policyset_rest(s, owner, l, r, 0, false);
        }
    }
}
