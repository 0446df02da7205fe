/* Traffic belongs to the peer who came first: what one identity's Child SA protects is not
 * given to another one (the Peer Authorization Database says who may ask, RFC 4301
 * section 4.4.3, and several may be allowed to ask for the same).
 *
 * It is enough to look where the first and the last address of each selector asked for would be
 * sent now: of selectors that only lie inside, the more specific one goes on to win.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ident/id.h"
#include "ident/selector.h"
#include "ike/exchange.h"

static struct cv_addr end_of(const struct cv_ts *ts, bool last)
{
    struct cv_addr a = {.family = ts->family};
    struct rd r = rd_init(span(last ? ts->hi : ts->lo, sizeof(ts->lo)));

    rd_copy(&r, a.b, sizeof(a.b));
    return a;
}

/* Is it more than a default route that child c is in the way with?  Whoever has everything has
 * what nobody else asks for. */
static bool is_meant(const struct ike *k, const struct child_sa *c, const struct cv_ts *asked,
                     bool last)
{
    const struct cv_addr addr = end_of(asked, last);
    const struct flow_end end = {.addr = &addr, .proto = asked->proto, .port_wild = true};
    struct cv_ts_list local, remote;

    if (selector_prefix(asked) == 0)
        return true;
    pair_ts(&k->core, child_index(&k->core, c), &local, &remote);
    for (unsigned i = 0; i < remote.n; i++) {
        if (selector_prefix(&remote.ts[i]) > 0 && selector_has(&remote.ts[i], &end))
            return true;
    }
    return false;
}

static const struct child_sa *owner_of(const struct ike *k, const struct ike_sa *sa,
                                       const struct child_plan *plan, const struct cv_ts *local,
                                       const struct cv_ts *remote, bool last)
{
    const struct child_sa *c;
    uint32_t i;

    if (!pair_find_out(&k->core, local, remote, last, &i))
        return NULL;
    c = child_at(&k->core, i);
    if (id_equal(&sa_at(k, c->ike)->peer.remote_id, &sa->peer.remote_id))
        return NULL;
    /* one SA may carry the packets of another (RFC 4301 appendix E) */
    if (c->cfg->nested != plan->cfg->nested)
        return NULL;
    return is_meant(k, c, remote, last) ? c : NULL;
}

enum cv_err claim_check(const struct ike *k, const struct ike_sa *sa, struct child_plan *plan)
{
    const struct cv_ts_list *local = &plan->local_ts, *remote = &plan->remote_ts;
    const unsigned n = plan->mode == CV_TUNNEL ? 2U * local->n * remote->n : 0;

    for (unsigned i = 0; i < n; i++) {
        const struct cv_ts *l = &local->ts[i / 2 % local->n];
        const struct child_sa *c =
            owner_of(k, sa, plan, l, &remote->ts[i / 2 / local->n], i % 2 == 1);

        if (c == NULL)
            continue;
        plan->taken_by = c->id;
        return CV_ERR_TS_TAKEN;
    }
    return CV_OK;
}

void claim_tell(struct ike *k, const struct ike_sa *sa, uint32_t owner)
{
    const struct child_sa *c = child_by_number(&k->core, owner);
    struct cv_effect *fx;

    if (c == NULL)
        return;
    fx = event_put(&k->core, CV_EV_TAKEN, &sa->peer, CV_ERR_TS_TAKEN);
    if (fx == NULL)
        return;
    fx->u.event.notify = notify_of_err(CV_ERR_TS_TAKEN);
    fx->u.event.child = owner;
    fx->u.event.child_cfg = c->cfg;
    fx->u.event.ike_new = sa_at(k, c->ike)->peer.id;
}
