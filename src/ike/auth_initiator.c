/* IKE_AUTH as the initiator; RFC 7296 sections 1.2, 2.15, 2.19, 2.21.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ident/id.h"
#include "ike/auth.h"
#include "wire/ip.h"

/* The Child SA that goes with IKE_AUTH: the first one wanted. */
static struct child_sa *first_child(const struct ike *k, const struct ike_sa *sa)
{
    struct child_sa *found = NULL;

    /* the list is newest first */
    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        if (child_at(&k->core, i)->state == CV_CHILD_CREATED)
            found = child_at(&k->core, i);
    }
    return found;
}

enum cv_err auth_start(struct ike *k, struct ike_sa *sa)
{
    struct ike_hs *hs = sa_hs(k, sa);

    peer_local_id(&sa->peer, &hs->local_id);
    if (!id_has_wildcard(&sa->peer.conn->remote.id))
        hs->asked_id = sa->peer.conn->remote.id;
    /* Without RFC 6023 the first exchange carries a Child SA, asked for or not. */
    if (first_child(k, sa) == NULL && !sa->peer_childless && sa->peer.conn->n_children > 0 &&
        child_new(&k->core, &sa->peer, sa->peer.conn, sa->peer.conn->children[0]) == NULL)
        return CV_ERR_FULL;
    return auth_ask_own(k, sa, ST_I_SIGN);
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
    struct ike_cp cp = {.type = CP_REQUEST, .v6_prefix = 128};

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

static void put_id(struct ike_out *o, uint8_t payload, const struct cv_id *id)
{
    ike_payload_begin(&o->chain, payload);
    ike_put_id_body(&o->w, id);
    ike_payload_end(&o->chain);
}

void initiator_send(struct ike *k, struct ike_sa *sa)
{
    struct ike_hs *hs = sa_hs(k, sa);
    struct child_sa *c = first_child(k, sa);
    struct ike_out o;
    enum cv_err err = CV_OK;

    out_begin(k, &o);
    put_id(&o, PL_IDI, &hs->local_id);
    auth_put_certs(k, hs, &o);
    if (is_first_contact(k, sa, hs))
        ike_put_notify(&o.chain, 0, span(NULL, 0), N_INITIAL_CONTACT, span(NULL, 0));
    alert_announce(&o);
    auth_put_certreq(sa, &o);
    if (hs->asked_id.type != CV_ID_ANY)
        put_id(&o, PL_IDR, &hs->asked_id);
    auth_put_auth(k, hs, &o);
    put_cp_request(k, sa, &o);
    if (c != NULL) {
        err = child_put_request(k, sa, c, false, &o);
        hs->child = c->id;
    }
    if (err == CV_OK)
        err = send_request(k, sa, EX_AUTH, DO_AUTH, &o);
    if (err == CV_OK)
        sa->state = ST_I_AUTH;
    else
        sa_close(k, sa, err, false);
}

/* The peer refused the whole SA: an error notify and no AUTH. */
static void note_refusal(struct ike_change *ch, const struct ike_notify *n)
{
    ch->close = n == NULL ? CV_ERR_SYNTAX : err_of_notify(n->type);
    ch->notify = n == NULL ? 0 : n->type;
}

enum cv_err auth_response(const struct ike *k, const struct ike_sa *sa, const struct ike_msg *m,
                          struct ike_out *out, struct ike_change *ch)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    struct cv_id idr;

    (void)out;
    if (!ike_has(m, PL_AUTH) || !ike_has(m, PL_IDR)) {
        note_refusal(ch, ike_error_notify(m));
        return CV_OK;
    }
    ch->next = ST_I_VERIFY;
    if (ike_parse_id(&idr, m->idr) != CV_OK) {
        ch->close = CV_ERR_SYNTAX;
        return CV_OK;
    }
    ch->peer_id = idr;
    if (id_matches(&sa->peer.conn->remote.id, &idr) == ID_NO ||
        (hs->asked_id.type != CV_ID_ANY && !id_equal(&hs->asked_id, &idr)))
        ch->close = CV_ERR_ID_MISMATCH;
    return CV_OK;
}

/* Addresses and DNS servers that the responder assigned. */
static enum cv_err take_addresses(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
    struct cv_effect *fx;
    struct ike_cp cp;

    if (sa->peer.conn->n_vips == 0)
        return CV_OK;
    if (!ike_has(m, PL_CP) || ike_parse_cp(&cp, m->cp) != CV_OK || cp.type != CP_REPLY)
        return CV_ERR_ADDRESS;
    if (cp.has_v4 && !addr_is_zero(&cp.v4))
        sa->peer.vip4 = cp.v4;
    if (cp.has_v6 && !addr_is_zero(&cp.v6))
        sa->peer.vip6 = cp.v6;
    if (sa->peer.vip4.family == 0 && sa->peer.vip6.family == 0)
        return CV_ERR_ADDRESS;
    fx = event_put(&k->core, CV_EV_ADDRESS, &sa->peer, CV_OK);
    if (fx == NULL)
        return CV_OK;
    fx->u.event.lease.v4 = sa->peer.vip4;
    fx->u.event.lease.v6 = sa->peer.vip6;
    fx->u.event.lease.v6_prefix = cp.v6_prefix;
    fx->u.event.lease.n_dns = cp.n_dns < CV_LEASE_DNS_MAX ? cp.n_dns : CV_LEASE_DNS_MAX;
    memcpy(fx->u.event.lease.dns, cp.dns, fx->u.event.lease.n_dns * sizeof(cp.dns[0]));
    return CV_OK;
}

/* The IKE SA stands; its first Child SA may fail all the same (RFC 7296 section 1.2). */
static void take_child(struct ike *k, struct ike_sa *sa, const struct ike_msg *m,
                       enum cv_err address)
{
    struct ike_hs *hs = sa_hs(k, sa);
    struct child_sa *c = child_live(&k->core, hs->child);
    const struct ike_notify *n = ike_error_notify(m);
    struct ike_change ch = {0};
    enum cv_err err = address;

    if (c == NULL)
        return;
    if (err == CV_OK && n != NULL)
        err = err_of_notify(n->type);
    if (err == CV_OK)
        err = child_check(sa, m, c, false, &ch.child);
    if (err == CV_OK)
        err = child_keys(k, sa, &ch.child, span(NULL, 0), span(hs->ni, hs->ni_len),
                         span(hs->nr, hs->nr_len));
    if (err == CV_OK)
        (void)child_install(k, sa, &ch.child);
    wipe(&ch, sizeof(ch));
    if (err == CV_OK)
        return;
    /* An SA that exists only on the peer's side would swallow packets. */
    if (ike_has(m, PL_SA) && n == NULL)
        child_doom(&k->core, c, err);
    else
        child_close(&k->core, c, err);
}

void initiator_finish(struct ike *k, struct ike_sa *sa, enum cv_err verdict)
{
    struct ike_sa *old = sa_by_number(k, sa->reauth_of);
    struct ike_msg m;
    enum cv_err err = verdict;

    if (err == CV_OK)
        err = auth_reparse(k, sa, &m);
    if (err != CV_OK) { /* RFC 7296 section 2.21.2 */
        auth_failed(k, sa, err);
        send_parting(k, sa, auth_is_ours(err) ? 0 : N_AUTHENTICATION_FAILED);
        sa_close(k, sa, err, false);
        return;
    }
    sa->peer_alerts = ike_find_notify(&m, N_CULVERT_ALERTS_SUPPORTED) != NULL;
    err = take_addresses(k, sa, &m);
    sa_established(k, sa);
    take_child(k, sa, &m, err);
    hs_give(k, &sa->hs);
    if (old != NULL && old->state == ST_UP) {
        old->want |= WANT_DELETE;
        old->peer.reason = CV_ERR_REPLACED;
        sa_run(k, old);
    }
}
