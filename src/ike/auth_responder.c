/* IKE_AUTH as the responder; RFC 7296 sections 1.2, 2.4, 2.15, 2.19, 2.21.2.
 *
 * Way: request -> verdict on the peer -> older SAs of this peer -> our own proof -> an
 * address -> Child SA and answer.  Each arrow may wait for the host.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ident/id.h"
#include "ike/auth.h"
#include "ike/question.h"
#include "wire/ip.h"

enum cv_err auth_request(const struct ike *k, const struct ike_sa *sa, const struct ike_msg *m,
                         struct ike_out *out, struct ike_change *ch)
{
    struct ike_hs *hs = sa_hs(k, sa); /* scratch, thrown away when this fails */
    struct cv_id idi, idr;
    const struct cv_conn *conn = NULL;
    enum cv_err err;

    if (!ike_has(m, PL_IDI) || !ike_has(m, PL_AUTH) || ike_parse_id(&idi, m->idi) != CV_OK ||
        (ike_has(m, PL_IDR) && ike_parse_id(&idr, m->idr) != CV_OK)) {
        out_reject(out, ch, CV_ERR_SYNTAX, span(NULL, 0));
        ch->close = CV_ERR_SYNTAX;
        return CV_OK;
    }
    err = conn_for_auth(&k->core,
                        &(struct conn_query){.local = &sa->peer.local.addr,
                                             .remote = &sa->peer.remote.addr,
                                             .theirs = &idi,
                                             .ours = ike_has(m, PL_IDR) ? &idr : NULL,
                                             .method = m->auth_method,
                                             .suite = &sa->suite},
                        &conn);
    if (err != CV_OK) {
        out_reject(out, ch, CV_ERR_AUTH, span(NULL, 0));
        ch->close = err;
        return CV_OK;
    }
    hs_note_certreqs(hs, m);
    ch->conn = conn;
    ch->peer_id = idi;
    ch->next = ST_R_VERIFY;
    return CV_OK;
}

/* Answers AUTHENTICATION_FAILED, and nothing tells the peer why; or, where the fault is ours,
 * TEMPORARY_FAILURE, lest the peer doubts its credentials. */
void responder_fail(struct ike *k, struct ike_sa *sa, enum cv_err err)
{
    struct ike_change ch = {0};
    struct ike_out o;

    out_begin(k, &o);
    out_reject(&o, &ch, auth_is_ours(err) ? CV_ERR_TEMPORARY : CV_ERR_AUTH, span(NULL, 0));
    if (send_response(k, sa, EX_AUTH, &o) != CV_OK)
        k->core.stats.errors[CV_ERR_FULL]++;
    sa_close(k, sa, err, true);
}

/* What becomes of older SAs with the same peer (RFC 7296 section 2.4, and policy). */
static enum cv_err settle_uniqueness(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
    bool first = ike_find_notify(m, N_INITIAL_CONTACT) != NULL;
    struct ike_sa *other = sa_first_with_id(k, &sa->peer.remote_id), *next;

    if (sa->peer.conn->unique == CV_UNIQUE_NEVER)
        return CV_OK;
    for (; other != NULL; other = next) {
        next =
            other->peer.same_id_next == POOL_NONE ? NULL : sa_at(k, other->peer.same_id_next);
        if (other == sa || other->peer.conn != sa->peer.conn || other->state != ST_UP)
            continue;
        if (first) {
            sa_close(k, other, CV_ERR_REPLACED, false);
        } else if (sa->peer.conn->unique == CV_UNIQUE_KEEP) {
            /* From the same host it is a reauthentication: it deletes the old SA itself. */
            if (!addr_equal(&other->peer.remote.addr, &sa->peer.remote.addr))
                return CV_ERR_REPLACED;
        } else if (sa->peer.conn->unique == CV_UNIQUE_REPLACE) {
            other->peer.reason = CV_ERR_REPLACED;
            other->want |= WANT_DELETE;
            sa_run(k, other);
        }
    }
    return CV_OK;
}

void responder_verified(struct ike *k, struct ike_sa *sa, enum cv_err verdict)
{
    struct ike_msg m;
    enum cv_err err = verdict;

    if (err == CV_OK)
        err = auth_reparse(k, sa, &m);
    if (err == CV_OK)
        err = settle_uniqueness(k, sa, &m);
    if (err == CV_OK)
        err = auth_ask_own(k, sa, ST_R_SIGN);
    if (err == CV_OK)
        return;
    auth_failed(k, sa, err);
    responder_fail(k, sa, err);
}

static bool ask_address(struct ike *k, struct ike_sa *sa, const struct ike_cp *cp)
{
    struct effect_slot *s = question_put(k, sa, CV_NEED_ADDRESS);

    if (s == NULL)
        return false;
    s->fx.u.address.remote_id = &sa->peer.remote_id;
    s->fx.u.address.want_v4 = cp->has_v4 ? cp->v4 : (struct cv_addr){0};
    s->fx.u.address.want_v6 = cp->has_v6 ? cp->v6 : (struct cv_addr){0};
    sa->state = ST_R_ADDRESS;
    return true;
}

void responder_signed(struct ike *k, struct ike_sa *sa)
{
    struct ike_msg m;
    struct ike_cp cp;
    enum cv_err err = auth_reparse(k, sa, &m);
    bool wants_address = err == CV_OK && ike_has(&m, PL_CP) && sa->peer.conn->has_pool;

    if (wants_address && (ike_parse_cp(&cp, m.cp) != CV_OK || cp.type != CP_REQUEST))
        err = CV_ERR_SYNTAX;
    wants_address = wants_address && err == CV_OK && (cp.has_v4 || cp.has_v6);
    if (wants_address && !ask_address(k, sa, &cp))
        err = CV_ERR_BUSY;
    if (err != CV_OK)
        responder_fail(k, sa, err);
    else if (!wants_address)
        responder_finish(k, sa, CV_OK);
}

static void put_cp_reply(const struct ike_sa *sa, const struct ike_hs *hs, struct ike_out *o)
{
    struct ike_cp cp = {.type = CP_REPLY, .v6_prefix = hs->lease.v6_prefix};

    if (!sa->peer.has_lease)
        return;
    cp.has_v4 = hs->lease.v4.family != 0;
    cp.v4 = hs->lease.v4;
    cp.has_v6 = hs->lease.v6.family != 0;
    cp.v6 = hs->lease.v6;
    cp.n_dns = hs->lease.n_dns;
    memcpy(cp.dns, hs->lease.dns, sizeof(cp.dns));
    ike_payload_begin(&o->chain, PL_CP);
    ike_put_cp_body(&o->w, &cp);
    ike_payload_end(&o->chain);
}

/* The Child SA of the request, or the notify that says why not. */
static enum cv_err answer_child(struct ike *k, struct ike_sa *sa, const struct ike_msg *m,
                                struct ike_out *o, struct ike_change *ch)
{
    struct ike_hs *hs = sa_hs(k, sa);
    struct proposal_choice choice;
    enum cv_err err;

    if (!ike_has(m, PL_SA)) /* RFC 6023 */
        return CV_OK;
    err = child_answer(k, sa, m, NULL, false, &ch->child, &choice);
    if (err == CV_OK)
        err = child_keys(k, sa, &ch->child, span(NULL, 0), span(hs->ni, hs->ni_len),
                         span(hs->nr, hs->nr_len));
    if (err != CV_OK) {
        out_reject(o, ch, err, span(NULL, 0));
        return err;
    }
    child_put_answer(&ch->child, &choice, false, o);
    ch->has_child = true;
    return CV_OK;
}

static void put_identity(struct ike *k, const struct ike_hs *hs, struct ike_out *o)
{
    ike_payload_begin(&o->chain, PL_IDR);
    ike_put_id_body(&o->w, &hs->local_id);
    ike_payload_end(&o->chain);
    auth_put_certs(k, hs, o);
    auth_put_auth(k, hs, o);
}

void responder_finish(struct ike *k, struct ike_sa *sa, enum cv_err address)
{
    struct ike_hs *hs = sa_hs(k, sa);
    struct ike_change ch = {0};
    struct ike_out o;
    struct ike_msg m;
    enum cv_err err = auth_reparse(k, sa, &m);

    if (err != CV_OK) {
        responder_fail(k, sa, err);
        return;
    }
    out_begin(k, &o);
    put_identity(k, hs, &o);
    sa->peer_alerts = ike_find_notify(&m, N_CULVERT_ALERTS_SUPPORTED) != NULL;
    if (sa->peer_alerts)
        alert_announce(&o);
    if (address == CV_OK) {
        put_cp_reply(sa, hs, &o);
        if (answer_child(k, sa, &m, &o, &ch) != CV_OK)
            address = ch.failed;
    } else { /* RFC 7296 section 3.15.4: no Child SA without the address */
        out_reject(&o, &ch, CV_ERR_ADDRESS, span(NULL, 0));
    }
    err = send_response(k, sa, EX_AUTH, &o);
    if (err != CV_OK) {
        sa_close(k, sa, err, false);
    } else {
        sa_established(k, sa);
        ike_commit(k, sa, &ch);
        hs_give(k, &sa->hs);
    }
    wipe(&ch, sizeof(ch));
}
