/* IKE_AUTH as the initiator; RFC 7296 sections 1.2, 2.15, 2.19, 2.21.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ident/id.h"
#include "ike/auth.h"
#include "ike/mobike.h"
#include "wire/ip.h"

/* The Child SA that goes with IKE_AUTH: the first one wanted. */
static const struct child_sa *first_child(const struct ike *k, const struct ike_sa *sa)
{
    const struct child_sa *found = NULL;

    /* the list is newest first */
    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        if (child_at(&k->core, i)->state == CV_CHILD_CREATED)
            found = child_at(&k->core, i);
    }
    return found;
}

enum cv_err auth_start(struct ike *k, struct ike_sa *sa)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);

    peer_local_id(&sa->peer, &hs->local_id);
    if (!id_has_wildcard(&sa->peer.conn->remote.id))
        hs->asked_id = sa->peer.conn->remote.id;
    /* Without RFC 6023 the first exchange carries a Child SA, asked for or not. */
    if (first_child(k, sa) == NULL && !sa->peer_childless && sa->peer.conn->n_children > 0 &&
        child_new(&k->core, &sa->peer, sa->peer.conn, sa->peer.conn->children[0]) == NULL)
        return CV_ERR_FULL;
    return CV_OK;
}

/* RFC 7296 section 2.4: say so when we know of no other SA with this peer. */
static bool is_first_contact(const struct ike *k, const struct ike_sa *sa,
                             const struct ike_hs *hs)
{
    if (sa->reauth_of != 0 || sa->peer.conn->unique == CV_UNIQUE_NEVER)
        return false;
    return hs->asked_id.type == CV_ID_ANY || sa_first_with_id(k, &hs->asked_id) == NULL;
}

static void put_cp_request(const struct ike *k, const struct ike_sa *sa, struct ike_out *o)
{
    const struct ike_sa *old = sa_by_number(k, sa->reauth_of); /* its addresses go on */
    struct ike_cp cp = {.type = CP_REQUEST, .v6_prefix = 128, .want_domains = true};

    if (sa->peer.conn->n_vips == 0)
        return;
    for (unsigned i = 0; i < sa->peer.conn->n_vips; i++) {
        const struct cv_addr *a = &sa->peer.conn->vips[i];

        if (a->family == CV_IPV6) {
            cp.has_v6 = cp.want_dns6 = true;
            cp.v6 = old != NULL && old->peer.vip6.family != 0 ? old->peer.vip6 : *a;
        } else {
            cp.has_v4 = cp.want_dns4 = true;
            cp.v4 = old != NULL && old->peer.vip4.family != 0 ? old->peer.vip4 : *a;
        }
    }
    ike_payload_begin(&o->chain, PL_CP);
    ike_put_cp_body(&o->w, &cp);
    ike_payload_end(&o->chain);
}

/* The host has made our proof: the request can go. */
enum cv_err initiator_proven(const struct ike *k, const struct ike_sa *sa,
                             const struct ike_in *in, struct ike_out *out,
                             struct ike_change *ch)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    const struct child_sa *c = first_child(k, sa);
    struct auth_proof proof;
    enum cv_err err = auth_prove(k, sa, in, &proof);

    if (err == CV_OK) {
        auth_put_id(out, PL_IDI, &hs->local_id);
        auth_put_certs(&proof, out);
        if (is_first_contact(k, sa, hs))
            ike_put_notify(&out->chain, 0, span(NULL, 0), N_INITIAL_CONTACT, span(NULL, 0));
        alert_announce(out);
        if (sa->peer.conn->mobike)
            mobike_announce(k, sa->peer.conn, &sa->peer.local.addr, out);
        auth_put_certreq(sa->peer.conn, out);
        if (hs->asked_id.type != CV_ID_ANY)
            auth_put_id(out, PL_IDR, &hs->asked_id);
        auth_put_auth(&proof, out);
        put_cp_request(k, sa, out);
        if (c != NULL)
            err = child_put_request(k, sa, c, false, out);
    }
    wipe(&proof, sizeof(proof));
    if (err != CV_OK) {
        auth_fail(sa, err, out, ch);
        return CV_OK;
    }
    ch->send = SEND_AUTH;
    ch->child_asked = c == NULL ? 0 : c->id;
    return CV_OK;
}

/* The peer refused the whole SA: an error notify and no AUTH. */
static void note_refusal(struct ike_change *ch, const struct ike_notify *n)
{
    ch->close = n == NULL ? CV_ERR_SYNTAX : err_of_notify(n->type);
    ch->notify = n == NULL ? 0 : n->type;
    ch->by_peer = n != NULL;
}

enum cv_err auth_response(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                          struct ike_out *out, struct ike_change *ch)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    const struct ike_msg *m = in->m;
    struct cv_id idr;
    enum cv_err err = CV_OK;

    if (!ike_has(m, PL_AUTH) || !ike_has(m, PL_IDR)) {
        note_refusal(ch, ike_error_notify(m));
        return CV_OK;
    }
    err = ike_parse_id(&idr, m->idr);
    if (err != CV_OK) {
        auth_fail(sa, err == CV_ERR_LIMIT ? CV_ERR_ID_SIZE : CV_ERR_SYNTAX, out, ch);
        return CV_OK;
    }
    ch->peer_id = idr;
    ch->has_words = true;
    auth_read(k, &ch->words, m, false);
    ch->ask = auth_question(sa->peer.conn, m->auth_method);
    if (id_matches(&sa->peer.conn->remote.id, &idr) == ID_NO ||
        (hs->asked_id.type != CV_ID_ANY && !id_equal(&hs->asked_id, &idr)))
        err = CV_ERR_ID_MISMATCH;
    else if (ch->ask == 0)
        err = CV_ERR_AUTH_METHOD;
    if (err != CV_OK)
        auth_fail(sa, err, out, ch);
    return CV_OK;
}

/* An address that no host may have inside a tunnel: it would swallow what is not the tunnel's,
 * or the tunnel itself. */
static bool is_senseless(const struct ike_sa *sa, const struct cv_addr *a)
{
    return addr_is_group(a) || addr_is_loopback(a) || addr_equal(a, &sa->peer.local.addr) ||
           addr_equal(a, &sa->peer.remote.addr);
}

/* Addresses and DNS servers that the responder assigned. */
static enum cv_err take_addresses(const struct ike_sa *sa, const struct auth_words *w,
                                  struct ike_change *ch)
{
    struct cv_lease *l = &ch->lease;

    if (sa->peer.conn->n_vips == 0)
        return CV_OK;
    if (!w->has_cp || w->cp_err != CV_OK || w->cp.type != CP_REPLY)
        return CV_ERR_ADDRESS;
    if (w->cp.has_v4 && !addr_is_zero(&w->cp.v4))
        l->v4 = w->cp.v4;
    if (w->cp.has_v6 && !addr_is_zero(&w->cp.v6))
        l->v6 = w->cp.v6;
    if ((l->v4.family == 0 && l->v6.family == 0) ||
        (l->v4.family != 0 && is_senseless(sa, &l->v4)) ||
        (l->v6.family != 0 && is_senseless(sa, &l->v6)))
        return CV_ERR_ADDRESS;
    l->v6_prefix = w->cp.v6_prefix;
    l->n_dns = w->cp.n_dns < CV_LEASE_DNS_MAX ? w->cp.n_dns : CV_LEASE_DNS_MAX;
    memcpy(l->dns, w->cp.dns, l->n_dns * sizeof(l->dns[0]));
    l->attributes = w->cp.seen;
    ch->has_addresses = true;
    return CV_OK;
}

/* The Child SA that came with IKE_AUTH; it may fail although the IKE SA stands (RFC 7296
 * section 1.2). */
static enum cv_err agree_child(const struct ike *k, const struct ike_sa *sa,
                               const struct child_sa *c, struct ike_change *ch)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    struct child_terms t = hs->words.child;
    enum cv_err err;

    if (t.refusal != 0)
        return err_of_notify(t.refusal);
    t.granted = ch->has_addresses ? &ch->lease : NULL;
    err = child_check(k, sa, &t, c, &ch->child);
    if (err == CV_OK)
        err = child_keys(k, sa, &ch->child, span(NULL, 0), span(hs->ni, hs->ni_len),
                         span(hs->nr, hs->nr_len));
    ch->has_child = err == CV_OK;
    return err;
}

/* The host has its verdict on the peer. */
enum cv_err initiator_verdict(const struct ike *k, const struct ike_sa *sa,
                              const struct ike_in *in, struct ike_out *out,
                              struct ike_change *ch)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    const struct child_sa *c = child_live(&k->core, hs->child);
    enum cv_err err = auth_check_peer(k, sa, in->answer, in->kind);

    if (err != CV_OK) {
        auth_fail(sa, err, out, ch);
        return CV_OK;
    }
    ch->established = true;
    ch->peer_alerts = hs->words.takes_alerts;
    ch->mobike = sa->peer.conn->mobike && hs->words.mobike;
    if (hs->words.redirects) { /* RFC 5685 section 6: the children are made there */
        ch->redirects = true;
        ch->gateway = hs->words.gateway;
        return CV_OK;
    }
    ch->failed = take_addresses(sa, &hs->words, ch);
    if (ch->failed == CV_OK && c != NULL)
        ch->failed = agree_child(k, sa, c, ch);
    return CV_OK;
}

/* ---- commit ---- */

static void tell_addresses(struct ike *k, const struct ike_sa *sa, const struct cv_lease *l)
{
    event_address(&k->core, &sa->peer, l, sa_hs(k, sa)->peer_auth);
}

static void commit_child(struct ike *k, struct ike_sa *sa, struct ike_change *ch)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    struct child_sa *c = child_live_mut(&k->core, hs->child);

    if (c == NULL || ch->redirects)
        return;
    /* An SA that exists only on the peer's side would swallow packets. */
    if (ch->has_child)
        (void)child_install(k, sa, &ch->child);
    else if (hs->words.child.any && hs->words.child.refusal == 0)
        child_doom(&k->core, c, ch->failed);
    else {
        k->core.stats.errors[ch->failed]++;
        c->refused_by = hs->words.child.refusal != 0 ? CV_BY_PEER : CV_BY_US;
        child_close(&k->core, c, ch->failed);
    }
}

void initiator_commit_up(struct ike *k, struct ike_sa *sa, struct ike_change *ch)
{
    struct ike_sa *old = sa_by_number_mut(k, sa->reauth_of);

    if (ch->has_addresses)
        tell_addresses(k, sa, &ch->lease);
    sa_established(k, sa);
    commit_child(k, sa, ch);
    if (old == NULL || old->state != ST_UP)
        return;
    old->want |= WANT_DELETE;
    old->peer.reason = CV_ERR_REPLACED;
    sa_touch(k, old);
}
