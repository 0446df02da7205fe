/* Ways that lead to the peer as the host says, and the one that is taken; RFC 4555 section 3.5.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ike/addr_list.h"
#include "ike/mobike.h"
#include "ike/roam.h"
#include "wire/ip.h"

static struct ike_path path_of_way(const struct ike_sa *sa, const struct cv_way *way)
{
    return (struct ike_path){
        {way->local,  sa->peer.local.port },
        {way->remote, sa->peer.remote.port},
        sa->peer.carrier
    };
}

static bool is_in_use(const struct ike_sa *sa, const struct cv_way *w)
{
    return addr_equal(&w->local, &sa->peer.local.addr) &&
           addr_equal(&w->remote, &sa->peer.remote.addr);
}

static void end_trial(struct ike *k, struct ike_sa *sa)
{
    struct roam *r = roam_of_mut(k, sa);

    if (r != NULL)
        r->n_ways = 0;
    roam_settle(k, sa);
}

/* The peer may not know yet that this SA has replaced another one, if our answer to its rekey
 * was lost: it does not come here to ask again, and what we tell it in this SA says nothing to
 * it. */
static void answer_rekey_again(struct ike *k, const struct ike_sa *sa)
{
    struct ike_sa *older = sa_by_number_mut(k, sa->peer.predecessor);

    if (older != NULL && older->state == ST_REKEYED)
        send_again(k, older, older->resp);
}

/* This is the way from now on; the peer is told as soon as nothing else is outstanding. */
static void go(struct ike *k, struct ike_sa *sa, const struct cv_way *way)
{
    const struct ike_path path = path_of_way(sa, way);
    struct roam *r;

    end_trial(k, sa);
    if (!addr_equal(&way->remote, &sa->peer.remote.addr)) {
        r = roam_take(k, sa); /* one that is left is one to come back to */
        if (r != NULL)
            addr_list_add(&r->peers, &sa->peer.remote.addr);
    }
    sa_set_path(k, sa, &path);
    answer_rekey_again(k, sa);
    sa->want |= WANT_MOVE;
    sa->retry_ms = k->core.now_ms;
}

void mobike_heard(struct ike *k, struct ike_sa *sa, const struct ike_path *path)
{
    const struct roam *r = roam_of(k, sa);

    if (r == NULL)
        return;
    for (unsigned i = 0; i < r->n_ways; i++) {
        const struct cv_way way = r->ways[i];

        if (!addr_equal(&way.local, &path->local.addr) ||
            !addr_equal(&way.remote, &path->remote.addr))
            continue;
        if (is_in_use(sa, &way))
            end_trial(k, sa);
        else
            go(k, sa, &way);
        return;
    }
}

static bool is_way(const struct cv_way *w)
{
    return w->local.family == w->remote.family && addr_is_host(&w->local) &&
           addr_is_host(&w->remote) && !addr_equal(&w->local, &w->remote);
}

/* Sends what is outstanding, or else a question, by whatever ways there are now. */
static void ask_now(struct ike *k, struct ike_sa *sa)
{
    if (sa->req == POOL_NONE) {
        sa->want |= WANT_LIVENESS;
        sa->retry_ms = k->core.now_ms;
        return;
    }
    send_again(k, sa, sa->req);
    resend_arm(k, sa);
}

static void try_ways(struct ike *k, struct ike_sa *sa, const struct cv_way *ways, unsigned n)
{
    struct roam *r = n > 1 ? roam_take(k, sa) : NULL;

    if (r == NULL && !is_in_use(sa, &ways[0])) {
        go(k, sa, &ways[0]);
        if (sa->req != POOL_NONE)
            ask_now(k, sa);
        return;
    }
    if (r == NULL) {
        end_trial(k, sa);
    } else {
        r->n_ways = (uint8_t)n;
        memcpy(r->ways, ways, n * sizeof(ways[0]));
    }
    ask_now(k, sa);
}

/* Of an SA that the peer began: it decides.  But what we send must leave from an address that
 * we have. */
static void send_from(struct ike *k, struct ike_sa *sa, const struct cv_way *ways, unsigned n)
{
    struct ike_path path;

    if (n > 0 && !is_in_use(sa, &ways[0]) &&
        addr_equal(&ways[0].remote, &sa->peer.remote.addr)) {
        path = path_of_way(sa, &ways[0]);
        sa_set_path(k, sa, &path);
        if (sa->req != POOL_NONE)
            ask_now(k, sa);
    }
    if (sa->told != k->own_at)
        sa->want |= WANT_TELL;
}

void mobike_ways(struct ike *k, struct ike_sa *sa, const struct cv_way *ways, size_t n)
{
    struct cv_way fit[CV_WAYS_MAX];
    unsigned n_fit = 0;

    for (size_t i = 0; i < n && n_fit < CV_WAYS_MAX; i++)
        if (is_way(&ways[i]))
            fit[n_fit++] = ways[i];
    if (!sa->peer.first_initiator)
        send_from(k, sa, fit, n_fit);
    else if (n_fit > 0)
        try_ways(k, sa, fit, n_fit);
    if (sa->peer.first_initiator && sa->told != k->own_at && !(sa->want & WANT_MOVE))
        sa->want |= WANT_TELL;
}

size_t mobike_peer_addresses(const struct ike *k, const struct ike_sa *sa, struct cv_addr *out,
                             size_t max)
{
    const struct roam *r = roam_of(k, sa);
    size_t n = 0;

    if (max > 0)
        out[n++] = sa->peer.remote.addr;
    for (unsigned i = 0; r != NULL && i < r->peers.n && n < max; i++)
        if (!addr_equal(&r->peers.a[i], &out[0]))
            out[n++] = r->peers.a[i];
    return n;
}

void mobike_set_addresses(struct ike *k, const struct cv_addr *addrs, size_t n)
{
    struct addr_list now = {0};
    bool same;

    addr_list_take(&now, addrs, n);
    same = now.n == k->own.n;
    for (unsigned i = 0; i < now.n && same; i++)
        same = addr_equal(&now.a[i], &k->own.a[i]);
    k->own = now;
    k->own_at = (uint8_t)(k->own_at + !same);
}
