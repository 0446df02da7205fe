/* Slots for SAs that move, and where their messages go meanwhile; see roam.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/roam.h"

#include "ike/exchange.h"
#include "wire/ip.h"

const struct roam *roam_of(const struct ike *k, const struct ike_sa *sa)
{
    return sa->roam == POOL_NONE ? NULL : pool_at(&k->roams, sa->roam);
}

struct roam *roam_of_mut(struct ike *k, const struct ike_sa *sa)
{
    return sa->roam == POOL_NONE ? NULL : pool_at(&k->roams, sa->roam);
}

bool roam_has_room(const struct ike *k, const struct ike_sa *sa)
{
    return sa->roam != POOL_NONE || k->roams.used < k->roams.cap;
}

struct roam *roam_take(struct ike *k, struct ike_sa *sa)
{
    if (sa->roam == POOL_NONE)
        sa->roam = pool_take(&k->roams);
    if (sa->roam == POOL_NONE)
        k->core.stats.errors[CV_ERR_FULL]++;
    return roam_of_mut(k, sa);
}

void roam_end(struct ike *k, struct ike_sa *sa)
{
    if (sa->roam != POOL_NONE)
        pool_give(&k->roams, sa->roam);
    sa->roam = POOL_NONE;
}

void roam_settle(struct ike *k, struct ike_sa *sa)
{
    const struct roam *r = roam_of(k, sa);

    if (r != NULL && r->peers.n == 0 && r->n_ways == 0 && !r->claims &&
        r->gateway.type == CV_ID_ANY)
        roam_end(k, sa);
}

void roam_pass_on(struct ike *k, struct ike_sa *from, struct ike_sa *to)
{
    roam_end(k, to);
    to->roam = from->roam;
    from->roam = POOL_NONE;
}

bool roam_hurries(const struct ike *k, const struct ike_sa *sa)
{
    const struct roam *r = roam_of(k, sa);

    return sa->doing == DO_MOVE || sa->doing == DO_PROVE ||
           (r != NULL && (r->n_ways > 0 || r->claims));
}

static bool is_in_use(const struct ike_sa *sa, const struct cv_way *w)
{
    return addr_equal(&w->local, &sa->peer.local.addr) &&
           addr_equal(&w->remote, &sa->peer.remote.addr);
}

static bool tries_the_one_in_use(const struct ike_sa *sa, const struct roam *r)
{
    for (unsigned i = 0; i < r->n_ways; i++)
        if (is_in_use(sa, &r->ways[i]))
            return true;
    return false;
}

/* The way in use, if it is on trial, has the first word. */
static unsigned trial_paths(const struct ike_sa *sa, const struct roam *r,
                            struct ike_path out[CV_WAYS_MAX])
{
    const struct ike_path now = {sa->peer.local, sa->peer.remote, sa->peer.carrier};

    out[0] = now;
    if (sa->tries == 0 && tries_the_one_in_use(sa, r))
        return 1;
    for (unsigned i = 0; i < r->n_ways; i++) {
        out[i] = now;
        out[i].local.addr = r->ways[i].local;
        out[i].remote.addr = r->ways[i].remote;
    }
    return r->n_ways;
}

unsigned roam_paths(const struct ike *k, const struct ike_sa *sa, uint32_t i,
                    struct ike_path out[CV_WAYS_MAX])
{
    const struct roam *r = i == sa->req ? roam_of(k, sa) : NULL;

    out[0] = (struct ike_path){sa->peer.local, sa->peer.remote, sa->peer.carrier};
    if (r != NULL && r->n_ways > 0)
        return trial_paths(sa, r, out);
    if (r == NULL || !r->claims)
        return 1;
    /* What shows where the peer is goes there alone; whatever else it waits for, both ways. */
    out[sa->doing == DO_PROVE ? 0 : 1] = r->claim;
    return sa->doing == DO_PROVE ? 1 : 2;
}
