/* See redirect.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/redirect.h"

#include <string.h>

#include "ike/addr_list.h"
#include "ike/roam.h"
#include "wire/ip.h"

/* RFC 5685 section 10. */
enum { REDIRECTS_MAX = 5, REDIRECT_PERIOD_MS = 300000 };

static const struct cv_span nothing = {NULL, 0};

/* ---- what is said ---- */

static struct cv_id id_of_addr(const struct cv_addr *a)
{
    struct cv_id id = {.type = a->family == CV_IPV6 ? CV_ID_IPV6 : CV_ID_IPV4,
                       .n = (uint8_t)addr_len(a->family)};

    memcpy(id.b, a->b, id.n);
    return id;
}

void redirect_announce(const struct ike *k, const struct ike_hs *hs, struct ike_chain *c)
{
    struct cv_id from;

    if (k->core.set.ignore_redirects)
        return;
    if (hs->redirected_from.family == CV_ANY_FAMILY) {
        ike_put_notify(c, 0, nothing, N_REDIRECT_SUPPORTED, nothing);
        return;
    }
    from = id_of_addr(&hs->redirected_from);
    ike_put_gateway(c, N_REDIRECTED_FROM, &from, nothing);
}

bool redirect_in_init(const struct ike *k, const struct ike_hs *hs, const struct ike_msg *m,
                      struct ike_change *ch)
{
    const struct ike_notify *n = ike_find_notify(m, N_REDIRECT);
    struct cv_span nonce;

    /* Section 3: what does not know our nonce is not an answer to us. */
    if (n == NULL || k->core.set.ignore_redirects ||
        ike_read_gateway(n, &ch->gateway, &nonce) != CV_OK ||
        !span_equal(nonce, span(hs->ni, hs->ni_len)))
        return false;
    ch->redirects = true;
    return true;
}

bool redirect_put_init(const struct cv_conn *conn, const struct ike_msg *request,
                       struct ike_out *out, struct ike_change *ch)
{
    /* Who was sent here stays (section 3): two gateways must not play with it. */
    if (conn->redirect == NULL || ike_find_notify(request, N_REDIRECT_SUPPORTED) == NULL ||
        ike_find_notify(request, N_REDIRECTED_FROM) != NULL)
        return false;
    ike_put_gateway(&out->chain, N_REDIRECT, conn->redirect, request->nonce);
    ch->failed = CV_ERR_REDIRECTED;
    ch->notify = N_REDIRECT;
    return true;
}

bool redirect_read(const struct ike *k, const struct ike_msg *m, struct cv_id *gateway)
{
    const struct ike_notify *n = ike_find_notify(m, N_REDIRECT);
    struct cv_span rest;

    return n != NULL && !k->core.set.ignore_redirects &&
           ike_read_gateway(n, gateway, &rest) == CV_OK && rest.n == 0;
}

/* ---- the client ---- */

void redirect_tell(struct ike *k, struct ike_sa *sa, const struct cv_id *gateway)
{
    struct cv_effect *fx = event_put(&k->core, CV_EV_REDIRECT, &sa->peer, CV_ERR_REDIRECTED);

    sa->retry_ms = k->core.now_ms + REFUSED_MS; /* nothing is begun here meanwhile */
    if (fx != NULL)
        fx->u.event.gateway = *gateway;
}

void redirect_commit(struct ike *k, struct ike_sa *sa, const struct ike_change *ch)
{
    if (ch->answer && sa->doing == DO_REDIRECT) { /* it goes, or it is made to go */
        sa->peer.hard_ms = k->core.now_ms + REPLACED_MS;
        if (sa->peer.reason == CV_OK)
            sa->peer.reason = CV_ERR_REDIRECTED;
    }
    if (ch->redirects && !ch->refused)
        redirect_tell(k, sa, &ch->gateway);
}

/* The children that it has, or that it was to have. */
static enum cv_err want_children(struct ike *k, struct ike_sa *sa, const struct ike_sa *old)
{
    for (uint32_t i = old->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        const struct child_sa *c = child_at(&k->core, i);

        if (c->state != CV_CHILD_INSTALLED && c->state != CV_CHILD_REKEYING &&
            c->state != CV_CHILD_CREATED)
            continue;
        if (c->rekeys == 0 && child_new(&k->core, &sa->peer, c->conn, c->cfg) == NULL)
            return CV_ERR_FULL;
    }
    return CV_OK;
}

/* Who never got anywhere ends without a word: it goes on elsewhere. */
static void leave(struct ike *k, struct ike_sa *old, struct ike_sa *sa)
{
    if (old->state == ST_UP) {
        sa->reauth_of = old->peer.id;
        old->reauth_by = sa->peer.id;
        return;
    }
    old->peer.quiet = true;
    for (uint32_t i = old->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next)
        child_at_mut(&k->core, i)->quiet = true;
    sa_close(k, old, CV_ERR_REDIRECTED, false);
}

static unsigned count(const struct ike *k, const struct ike_sa *old)
{
    const bool stood =
        old->state == ST_UP && k->core.now_ms - old->peer.up_ms >= REDIRECT_PERIOD_MS;

    return stood ? 1 : old->redirects + 1U;
}

static enum cv_err check_path(const struct ike *k, const struct ike_sa *old,
                              const struct ike_path *path)
{
    if (!addr_is_host(&path->remote.addr) ||
        addr_equal(&path->remote.addr, &old->peer.remote.addr) ||
        addr_equal(&path->remote.addr, &path->local.addr) ||
        path->local.addr.family != path->remote.addr.family)
        return CV_ERR_PATH;
    return count(k, old) > REDIRECTS_MAX ? CV_ERR_RATE : CV_OK;
}

enum cv_err redirect_follow(struct ike *k, struct ike_sa *old, const struct ike_path *path,
                            uint32_t *number)
{
    enum cv_err err = check_path(k, old, path);
    struct ike_sa *sa;

    if (err != CV_OK)
        return err;
    sa = sa_new(k, old->peer.conn, true);
    if (sa == NULL)
        return CV_ERR_FULL;
    sa->peer.local = path->local;
    sa->peer.remote = path->remote;
    sa->peer.carrier = path->carrier;
    sa->redirects = (uint8_t)count(k, old);
    peer_link_way(&k->core, &sa->peer);
    err = want_children(k, sa, old);
    if (err == CV_OK)
        err = init_start(k, sa, &old->peer.remote.addr);
    if (err != CV_OK) {
        sa->peer.quiet = true;
        sa_close(k, sa, err, false);
        return err;
    }
    leave(k, old, sa);
    sa_touch(k, sa);
    *number = sa->peer.id;
    return CV_OK;
}

/* ---- the gateway ---- */

enum cv_err redirect_want(struct ike *k, struct ike_sa *sa, const struct cv_id *gateway)
{
    struct roam *r;

    if (!sa->peer.follows)
        return CV_ERR_UNSUPPORTED;
    r = roam_take(k, sa);
    if (r == NULL)
        return CV_ERR_FULL;
    r->gateway = *gateway;
    sa->want |= WANT_REDIRECT;
    sa_touch(k, sa);
    return CV_OK;
}

enum cv_err redirect_start(struct ike *k, struct ike_sa *sa)
{
    struct roam *r = roam_of_mut(k, sa);
    struct ike_out o;
    enum cv_err err;

    if (r == NULL || r->gateway.type == CV_ID_ANY) {
        sa->want &= (uint16_t)~WANT_REDIRECT;
        return CV_OK;
    }
    out_begin(k, &o);
    ike_put_gateway(&o.chain, N_REDIRECT, &r->gateway, nothing);
    err = send_request(k, sa, EX_INFORMATIONAL, DO_REDIRECT, &o);
    if (err != CV_OK)
        return err;
    sa->want &= (uint16_t)~WANT_REDIRECT;
    r->gateway.type = CV_ID_ANY;
    roam_settle(k, sa);
    return CV_OK;
}
