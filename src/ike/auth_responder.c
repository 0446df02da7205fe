/* IKE_AUTH as the responder; RFC 7296 sections 1.2, 2.4, 2.15, 2.19, 2.21.2.
 *
 * Way: request -> verdict on the peer -> is it let in -> older SAs of this peer -> an address
 * -> our own proof -> Child SA and answer.  Each arrow may wait for the host.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ident/id.h"
#include "ike/auth.h"
#include "ike/mobike.h"
#include "wire/ip.h"

enum { IDENTITY_SAS_MAX = 16 }; /* of one identity where nothing else bounds them */

/* IDr is there when the peer says whom it wants. */
static enum cv_err read_ids(const struct ike_msg *m, struct cv_id *idi, struct cv_id *idr)
{
    enum cv_err err = ike_has(m, PL_IDI) ? ike_parse_id(idi, m->idi) : CV_ERR_SYNTAX;

    return err == CV_OK && ike_has(m, PL_IDR) ? ike_parse_id(idr, m->idr) : err;
}

enum cv_err auth_request(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                         struct ike_out *out, struct ike_change *ch)
{
    const struct ike_msg *m = in->m;
    struct cv_id idi, idr;
    const struct cv_conn *conn = NULL;
    enum cv_err err;

    err = read_ids(m, &idi, &idr);
    if (err == CV_ERR_LIMIT) { /* nothing is wrong with it but that we keep less */
        auth_fail(sa, CV_ERR_ID_SIZE, out, ch);
        return CV_OK;
    }
    if (err != CV_OK) {
        out_reject(out, ch, CV_ERR_SYNTAX, span(NULL, 0));
        return CV_OK;
    }
    if (!ike_has(m, PL_AUTH)) { /* it wants EAP: RFC 7296 section 2.16 */
        auth_fail(sa, CV_ERR_AUTH_METHOD, out, ch);
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
        auth_fail(sa, err, out, ch);
        return CV_OK;
    }
    ch->conn = conn;
    ch->peer_id = idi;
    ch->has_words = true;
    auth_read(k, &ch->words, m, true);
    ch->ask = auth_question(conn, m->auth_method);
    ch->send = SEND_NOTHING; /* the answer waits for the host */
    if (ch->ask == 0)
        auth_fail(sa, CV_ERR_AUTH_METHOD, out, ch);
    return CV_OK;
}

/* ---- the verdict on the peer ---- */

static const struct ike_sa *next_with_id(const struct ike *k, const struct ike_sa *sa)
{
    return sa_of_const(peer_next_with_id(&k->core, &sa->peer));
}

static bool is_rival(const struct ike_sa *sa, const struct ike_sa *other)
{
    return other != sa && other->peer.conn == sa->peer.conn && other->state == ST_UP;
}

/* May this SA stand beside other?  It may not replace one that was begun later: the host has
 * been slow, and its peer has given it up. */
static bool may_stand(const struct ike_sa *sa, const struct ike_sa *other, bool first)
{
    uint8_t unique = sa->peer.conn->unique;

    if (!is_rival(sa, other))
        return true;
    if (first || unique == CV_UNIQUE_REPLACE)
        return other->made_ms <= sa->made_ms;
    /* From the same host it is a reauthentication: it deletes the old SA itself. */
    return unique != CV_UNIQUE_KEEP ||
           addr_equal(&other->peer.remote.addr, &sa->peer.remote.addr);
}

static enum cv_err check_unique(const struct ike *k, const struct ike_sa *sa)
{
    const struct ike_sa *other = sa_first_with_id(k, &sa->peer.remote_id);
    bool first = sa_hs(k, sa)->words.initial_contact;

    if (sa->peer.conn->unique == CV_UNIQUE_NEVER)
        return CV_OK;
    for (; other != NULL; other = next_with_id(k, other)) {
        if (!may_stand(sa, other, first))
            return CV_ERR_REPLACED;
    }
    return CV_OK;
}

/* The peer is who it says: older SAs of it go, and it gets an address if it wants one. */
static enum cv_err let_in(const struct ike *k, const struct ike_sa *sa, struct ike_out *out,
                          struct ike_change *ch)
{
    const struct auth_words *w = &sa_hs(k, sa)->words;
    const enum cv_err err = check_unique(k, sa);

    if (err != CV_OK) {
        auth_fail(sa, err, out, ch);
        return CV_OK;
    }
    ch->verified = true;
    ch->ask = auth_own_question(sa->peer.conn);
    if (w->has_cp && sa->peer.conn->has_pool && (w->cp.has_v4 || w->cp.has_v6)) {
        ch->ask = CV_NEED_ADDRESS;
        ch->next = ST_R_ADDRESS;
    }
    return CV_OK;
}

enum cv_err responder_verdict(const struct ike *k, const struct ike_sa *sa,
                              const struct ike_in *in, struct ike_out *out,
                              struct ike_change *ch)
{
    const struct auth_words *w = &sa_hs(k, sa)->words;
    bool cp = w->has_cp && sa->peer.conn->has_pool;
    enum cv_err err = auth_check_peer(k, sa, in->answer, in->kind);

    if (err == CV_OK && cp && (w->cp_err != CV_OK || w->cp.type != CP_REQUEST))
        err = CV_ERR_SYNTAX;
    if (err != CV_OK) {
        auth_fail(sa, err, out, ch);
        return CV_OK;
    }
    if (!sa->peer.conn->admission)
        return let_in(k, sa, out, ch);
    ch->ask = CV_NEED_ADMISSION;
    ch->next = ST_R_ADDRESS;
    return CV_OK;
}

/* Who is not let in replaces nobody, whatever it has proven. */
enum cv_err responder_admission(const struct ike *k, const struct ike_sa *sa,
                                const struct ike_in *in, struct ike_out *out,
                                struct ike_change *ch)
{
    if (in->answer->err == CV_OK)
        return let_in(k, sa, out, ch);
    auth_fail(sa, in->answer->err, out, ch);
    return CV_OK;
}

/* One identity does not get every slot: of more SAs than that the oldest ends. */
static void settle_number(struct ike *k, const struct ike_sa *sa)
{
    struct ike_sa *other = sa_first_with_id_mut(k, &sa->peer.remote_id);
    unsigned n = 1;

    for (; other != NULL; other = sa_of(peer_next_with_id_mut(&k->core, &other->peer))) {
        if (!is_rival(sa, other) || ++n <= IDENTITY_SAS_MAX)
            continue;
        sa_close(k, other, CV_ERR_REPLACED, false);
        return;
    }
}

/* Commit: what becomes of older SAs with the same peer (RFC 7296 section 2.4, and policy). */
void responder_settle(struct ike *k, struct ike_sa *sa)
{
    bool first = sa_hs(k, sa)->words.initial_contact;
    struct ike_sa *other = sa_first_with_id_mut(k, &sa->peer.remote_id), *next;

    if (sa->peer.conn->unique == CV_UNIQUE_NEVER)
        return;
    if (sa->peer.conn->unique == CV_UNIQUE_NO && !first) {
        settle_number(k, sa);
        return;
    }
    for (; other != NULL; other = next) {
        next = sa_of(peer_next_with_id_mut(&k->core, &other->peer));
        if (!is_rival(sa, other))
            continue;
        if (first) {
            sa_close(k, other, CV_ERR_REPLACED, false);
        } else if (sa->peer.conn->unique == CV_UNIQUE_REPLACE) {
            other->peer.reason = CV_ERR_REPLACED;
            other->want |= WANT_DELETE;
            sa_touch(k, other);
        }
    }
}

/* ---- an address ---- */

enum cv_err responder_address(const struct ike *k, const struct ike_sa *sa,
                              const struct ike_in *in, struct ike_out *out,
                              struct ike_change *ch)
{
    if (in->answer->err == CV_ERR_NO_ANSWER)
        return auth_unanswered(k, sa, in, out, ch);
    ch->address = in->answer->err;
    if (ch->address == CV_OK) {
        ch->has_lease = true;
        ch->lease = *in->answer->lease;
    }
    ch->ask = auth_own_question(sa->peer.conn);
    return CV_OK;
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
    cp.further = hs->lease.attributes;
    ike_payload_begin(&o->chain, PL_CP);
    ike_put_cp_body(&o->w, &cp);
    ike_payload_end(&o->chain);
}

/* ---- our own proof, and the answer ---- */

/* The Child SA of the request, or the notify that says why not. */
static void answer_child(const struct ike *k, const struct ike_sa *sa, struct ike_out *o,
                         struct ike_change *ch)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    struct proposal_choice choice;
    enum cv_err err;

    if (!hs->words.child.any) /* RFC 6023 */
        return;
    err = child_answer(k, sa, &hs->words.child, NULL, &ch->child, &choice);
    if (err == CV_OK)
        err = child_keys(k, sa, &ch->child, span(NULL, 0), span(hs->ni, hs->ni_len),
                         span(hs->nr, hs->nr_len));
    if (err == CV_ERR_TS_TAKEN)
        ch->taken_by = ch->child.taken_by;
    if (err != CV_OK) {
        out_reject(o, ch, err, span(NULL, 0));
        return;
    }
    child_put_answer(&ch->child, &choice, false, o);
    ch->has_child = true;
}

enum cv_err responder_proven(const struct ike *k, const struct ike_sa *sa,
                             const struct ike_in *in, struct ike_out *out,
                             struct ike_change *ch)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    struct auth_proof proof;
    enum cv_err err = auth_prove(k, sa, in, &proof);

    if (err != CV_OK) {
        auth_fail(sa, err, out, ch);
        return CV_OK;
    }
    auth_put_id(out, PL_IDR, &hs->local_id);
    auth_put_certs(&proof, out);
    auth_put_auth(&proof, out);
    wipe(&proof, sizeof(proof));
    ch->send = SEND_RESPONSE;
    ch->established = true;
    ch->peer_alerts = hs->words.takes_alerts;
    if (ch->peer_alerts)
        alert_announce(out);
    ch->mobike = sa->peer.conn->mobike && hs->words.mobike;
    if (ch->mobike)
        mobike_announce(k, sa->peer.conn, &sa->peer.local.addr, out);
    if (hs->address == CV_OK) {
        put_cp_reply(sa, hs, out);
        answer_child(k, sa, out, ch);
    } else { /* RFC 7296 section 3.15.4: no Child SA without the address */
        out_reject(out, ch, CV_ERR_ADDRESS, span(NULL, 0));
    }
    return CV_OK;
}
