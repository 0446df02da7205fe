/* CREATE_CHILD_SA that replaces the IKE SA itself; RFC 7296 sections 1.3.2, 2.8, 2.18,
 * collisions of sections 2.8.1 and 2.25.2.
 *
 * The Child SAs go to exactly one successor.  After a simultaneous rekey the SA from the
 * exchange with the lowest nonce is deleted by who initiated it, and the other inherits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ike/ke_answer.h"
#include "ike/mobike.h"
#include "peer/room.h"

/* ---- both ---- */

/* The peer's SPI of the new SA; one of zero is none (RFC 7296 section 3.1). */
static enum cv_err check_spi(const struct proposal_choice *c)
{
    static const uint8_t zero[IKE_SPI_LEN];

    if (c->spi.n != IKE_SPI_LEN || c->protocol != CV_PROTO_IKE)
        return CV_ERR_NO_PROPOSAL;
    return memcmp(c->spi.p, zero, IKE_SPI_LEN) == 0 ? CV_ERR_SYNTAX : CV_OK;
}

static enum cv_err plan_keys(const struct ike *k, const struct ike_sa *sa, struct ike_plan *p,
                             struct cv_span secret, struct cv_span ni, struct cv_span nr)
{
    struct ike_auth_keys none; /* both sides have proven who they are already */
    const struct keymat_in in = {secret, ni, nr, p->spi_i, p->spi_r, sa_prf(k, sa), sa->keys.d};
    enum cv_err err = ike_algs_find(&p->algs, k->core.crypto, &p->suite);

    if (err != CV_OK)
        return err;
    err = keymat_ike(&p->keys, &none, &p->algs, &in);
    wipe(&none, sizeof(none));
    return err;
}

static struct ike_sa *make_successor(struct ike *k, const struct ike_sa *old,
                                     const struct ike_plan *p)
{
    struct ike_sa *sa =
        sa_new_with(k, old->peer.conn, p->initiator, p->initiator ? p->spi_i : p->spi_r);

    if (sa == NULL)
        return NULL;
    memcpy(sa->peer.spi_i, p->spi_i, IKE_SPI_LEN);
    memcpy(sa->peer.spi_r, p->spi_r, IKE_SPI_LEN);
    sa->peer.first_initiator = old->peer.first_initiator;
    sa->peer.carrier = old->peer.carrier;
    sa->peer.local = old->peer.local;
    sa->peer.remote = old->peer.remote;
    peer_link_way(&k->core, &sa->peer);
    sa->peer.nat_local = old->peer.nat_local;
    sa->peer.nat_remote = old->peer.nat_remote;
    sa->peer.encap = old->peer.encap;
    sa->fragments = old->fragments;
    sa->peer_childless = old->peer_childless;
    sa->peer_alerts = old->peer_alerts;
    sa->peer.follows = old->peer.follows;
    sa->redirects = old->redirects;
    sa->peer.remote_id = old->peer.remote_id;
    sa->peer.vip4 = old->peer.vip4;
    sa->peer.vip6 = old->peer.vip6;
    sa->made_ms = old->made_ms;
    sa->suite = p->suite;
    sa->keys = p->keys;
    sa->has_keys = true;
    watched_keys(k, sa);
    sa->peer.quiet = true; /* until it inherits */
    sa->peer.predecessor = old->peer.id;
    sa->peer.proven_ms = old->peer.proven_ms;
    sa->state = ST_UP; /* born so: no rule leads there */
    sa_established(k, sa);
    sa->peer.reauth_ms = old->peer.reauth_ms; /* rekeying does not prove the peer again */
    return sa;
}

/* An SA that is on its way to replace from, proving the peer again, replaces to instead. */
static void pass_on_reauth(struct ike *k, const struct ike_sa *from, struct ike_sa *to)
{
    struct ike_sa *next = sa_by_number_mut(k, from->reauth_by);

    to->peer.reauth_ms = from->peer.reauth_ms;
    to->want |= from->want & WANT_REAUTH;
    if (next == NULL || next->reauth_of != from->peer.id)
        return;
    next->reauth_of = to->peer.id;
    to->reauth_by = next->peer.id;
}

/* However often a peer rekeys and forgets to delete, one replaced SA is kept for it. */
static void drop_predecessor(struct ike *k, const struct ike_sa *from)
{
    struct ike_sa *older = sa_by_number_mut(k, from->peer.predecessor);

    if (older != NULL && older->state == ST_REKEYED)
        sa_close(k, older, CV_ERR_REPLACED, false);
}

void sa_inherit(struct ike *k, struct ike_sa *from, struct ike_sa *to)
{
    drop_predecessor(k, from);
    event_rekeyed(&k->core, &from->peer, &to->peer);
    child_move_all(&k->core, &from->peer, &to->peer);
    to->peer.has_lease = from->peer.has_lease;
    to->peer.quiet = false;
    from->peer.has_lease = false;
    if ((from->want & WANT_DELETE) && from->peer.reason == CV_ERR_DELETED_LOCALLY) {
        to->want |= WANT_DELETE; /* wanted while the rekey was under way */
        to->peer.reason = from->peer.reason;
    }
    pass_on_reauth(k, from, to);
    mobike_pass_on(k, from, to);
    from->peer.quiet = true;
    from->state = ST_REKEYED;
    room_offer(&k->core, &from->peer, ROOM_REPLACED);
    from->peer.rekey_ms = from->peer.reauth_ms = TIMER_NEVER;
    from->peer.hard_ms = k->core.now_ms + REPLACED_MS; /* should the peer forget its delete */
    from->want &= (uint16_t) ~(WANT_REKEY | WANT_REAUTH | WANT_LIVENESS);
    k->core.stats.ike_rekeyed++;
    k->core.stats.ike_rekeyed_by_us += to->peer.initiator;
    if (to->peer.conn->stats == NULL)
        return;
    to->peer.conn->stats->ike_rekeyed++;
    to->peer.conn->stats->ike_rekeyed_by_us += to->peer.initiator;
}

/* ---- responder ---- */

static enum cv_err rekey_agree(const struct ike *k, const struct ike_sa *sa,
                               const struct ike_msg *m, struct ike_plan *p, struct ke_answer *a)
{
    enum cv_err err = ike_check_sa(m->sa);

    if (err != CV_OK || !ike_has(m, PL_NONCE) || !ike_has(m, PL_KE))
        return CV_ERR_SYNTAX;
    err = proposal_select(&a->choice, k->core.crypto, sa->peer.conn->proposals,
                          sa->peer.conn->n_proposals, m->sa, true, m->ke_group);
    if (err == CV_OK)
        err = check_spi(&a->choice);
    if (err == CV_OK && a->choice.suite.ke == CV_KE_NONE) /* a child may do without one */
        err = CV_ERR_NO_PROPOSAL;
    if (err != CV_OK)
        return err;
    if (!peer_has_room(&k->core))
        return CV_ERR_TEMPORARY;
    p->suite = a->choice.suite;
    memcpy(p->spi_i, a->choice.spi.p, IKE_SPI_LEN);
    if (!peer_fresh_spi(&k->core, p->spi_r))
        return CV_ERR_CRYPTO;
    err = ke_answer_make(k, m, a);
    if (err == CV_OK)
        err = plan_keys(k, sa, p, ke_answer_secret(a), m->nonce, span(a->nonce, NONCE_LEN));
    wipe(a->secret, sizeof(a->secret));
    return err;
}

enum cv_err rekey_ike_request(const struct ike *k, const struct ike_sa *sa,
                              const struct ike_in *in, struct ike_out *out,
                              struct ike_change *ch)
{
    const struct ike_msg *m = in->m;
    struct ke_answer a = {0};
    const struct ike_hs *hs = sa_hs(k, sa);
    enum cv_err err = CV_OK;

    /* RFC 7296 section 2.25.2 */
    if (sa->doing == DO_CREATE_CHILD || sa->doing == DO_REKEY_CHILD ||
        sa->doing == DO_DELETE_CHILD || sa->doing == DO_DELETE_IKE)
        err = CV_ERR_TEMPORARY;
    else if (sa->doing == DO_REKEY_IKE && hs != NULL && hs->rival_sa != 0)
        err = CV_ERR_TEMPORARY; /* answered one already */
    if (err == CV_OK)
        err = rekey_agree(k, sa, m, &ch->ike, &a);
    if (err != CV_OK) {
        ke_answer_reject(&a, err, out, ch);
        return CV_OK;
    }
    ike_payload_begin(&out->chain, PL_SA);
    proposal_put_answer(&out->w, &a.choice, span(ch->ike.spi_r, IKE_SPI_LEN), true);
    ike_payload_end(&out->chain);
    ke_answer_put(&a, out);
    ch->has_ike = true;
    change_nonce(ch, m->nonce, span(a.nonce, NONCE_LEN));
    return CV_OK;
}

/* ---- initiator ---- */

static enum cv_err rekey_prepare(struct ike *k, struct ike_sa *sa)
{
    uint16_t group = sa->ke_retry != 0 ? sa->ke_retry : sa->suite.ke;
    enum cv_err err = sa_take_hs(k, sa);
    struct ike_hs *hs = sa_hs_mut(k, sa);

    if (err != CV_OK)
        return err;
    hs->ni_len = NONCE_LEN;
    if (!core_random(&k->core, hs->ni, NONCE_LEN) || !peer_fresh_spi(&k->core, hs->new_spi))
        return CV_ERR_CRYPTO;
    hs->ke = crypto_ke(k->core.crypto, group);
    hs->ke_key = hs->ke == NULL ? NULL : hs->ke->generate(hs->ke_pub);
    return hs->ke_key == NULL ? CV_ERR_CRYPTO : CV_OK;
}

enum cv_err rekey_ike_start(struct ike *k, struct ike_sa *sa)
{
    const bool room = peer_has_room(&k->core);
    enum cv_err err = room ? rekey_prepare(k, sa) : CV_ERR_FULL;
    struct ike_hs *hs = sa_hs_mut(k, sa);
    struct ike_out o;

    if (!room)
        limit_met(&k->core, CV_LIMIT_IKE_SAS);
    if (err == CV_OK) {
        out_begin(k, &o);
        ike_payload_begin(&o.chain, PL_SA);
        proposal_put_sa_body(&o.w, sa->peer.conn->proposals, sa->peer.conn->n_proposals,
                             span(hs->new_spi, IKE_SPI_LEN), true);
        ike_payload_end(&o.chain);
        ike_put_payload(&o.chain, PL_NONCE, span(hs->ni, hs->ni_len));
        ike_put_ke(&o.chain, hs->ke->id, span(hs->ke_pub, hs->ke->public_len));
        err = send_request(k, sa, EX_CREATE_CHILD, DO_REKEY_IKE, &o);
    }
    if (err == CV_OK)
        k->core.sas_promised++; /* the answer must not find the table full */
    else
        hs_give(k, &sa->hs);
    return err;
}

static enum cv_err rekey_accept(const struct ike *k, const struct ike_sa *sa,
                                const struct ike_msg *m, const struct ike_hs *hs,
                                struct ike_change *ch)
{
    uint8_t secret[CV_KE_SECRET_MAX];
    struct proposal_choice choice;
    struct ike_plan *p = &ch->ike;
    enum cv_err err;

    if (!ike_has(m, PL_SA) || !ike_has(m, PL_NONCE) || !ike_has(m, PL_KE) ||
        ike_check_sa(m->sa) != CV_OK)
        return CV_ERR_SYNTAX;
    err = proposal_check_answer(&choice, sa->peer.conn->proposals, sa->peer.conn->n_proposals,
                                m->sa, true);
    if (err != CV_OK)
        return err;
    err = check_spi(&choice);
    if (err != CV_OK)
        return err;
    if (choice.suite.ke != hs->ke->id || m->ke_group != hs->ke->id)
        return CV_ERR_KE_GROUP;
    p->initiator = true;
    p->suite = choice.suite;
    memcpy(p->spi_i, hs->new_spi, IKE_SPI_LEN);
    memcpy(p->spi_r, choice.spi.p, IKE_SPI_LEN);
    err = crypto_decapsulate(hs->ke, hs->ke_key, m->ke_data, secret);
    if (err == CV_OK)
        err = plan_keys(k, sa, p, span(secret, hs->ke->secret_len), span(hs->ni, hs->ni_len),
                        m->nonce);
    wipe(secret, sizeof(secret));
    if (err != CV_OK)
        return err;
    ch->has_ike = true;
    change_nonce(ch, span(hs->ni, hs->ni_len), m->nonce);
    return CV_OK;
}

enum cv_err rekey_ike_response(const struct ike *k, const struct ike_sa *sa,
                               const struct ike_in *in, struct ike_out *out,
                               struct ike_change *ch)
{
    const struct ike_msg *m = in->m;
    const struct ike_notify *n = ike_error_notify(m);
    const struct ike_hs *hs = sa_hs(k, sa);

    (void)out;
    if (n != NULL) {
        refusal_read(ch, n);
        return CV_OK;
    }
    ch->failed = rekey_accept(k, sa, m, hs, ch);
    return CV_OK;
}

/* ---- commit ---- */

static void delete_soon(struct ike_sa *sa)
{
    sa->want |= WANT_DELETE;
    sa->peer.quiet = true;
}

/* The peer's rekey, answered; the response is on its way. */
static void rekey_answered(struct ike *k, struct ike_sa *sa, struct ike_change *ch)
{
    struct ike_sa *heir = make_successor(k, sa, &ch->ike);
    struct ike_hs *hs = sa_hs_mut(k, sa);

    if (heir == NULL) {
        k->core.stats.errors[CV_ERR_FULL]++;
        return; /* the peer deletes what we do not answer */
    }
    if (sa->doing == DO_REKEY_IKE && hs != NULL) {
        hs->rival_sa = heir->peer.id; /* decided when our own exchange ends */
        memcpy(hs->rival_nonce, ch->nonce, ch->nonce_len);
        hs->rival_nonce_len = ch->nonce_len;
    } else {
        sa_inherit(k, sa, heir);
    }
    sa_touch(k, heir);
}

static void rekey_refused(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                          const struct ike_change *ch)
{
    struct ike_sa *rival = sa_by_number_mut(k, hs->rival_sa);

    if (rival != NULL && rival->state == ST_UP) {
        sa_inherit(k, sa, rival);
        return;
    }
    if (ch->failed == CV_ERR_KE_GROUP && sa->ke_retry == 0 &&
        proposal_has_ke(sa->peer.conn->proposals, sa->peer.conn->n_proposals,
                        ch->retry_group)) {
        sa->ke_retry = ch->retry_group;
        sa->want |= WANT_REKEY;
        return;
    }
    sa->peer.rekey_ms = k->core.now_ms + retry_pause(k, ch->failed, &sa->refusals);
}

void rekey_ike_commit(struct ike *k, struct ike_sa *sa, struct ike_change *ch)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);
    struct ike_sa *heir, *rival;

    if (ch->has_ike && !ch->ike.initiator) {
        rekey_answered(k, sa, ch);
        return;
    }
    if (hs == NULL)
        return;
    rival = sa_by_number_mut(k, hs->rival_sa);
    if (rival != NULL && rival->state != ST_UP)
        rival = NULL; /* the peer has deleted it: it was the redundant one */
    heir = ch->has_ike ? make_successor(k, sa, &ch->ike) : NULL;
    if (heir == NULL) {
        rekey_refused(k, sa, hs, ch);
    } else if (rival != NULL && nonce_less(span(ch->nonce, ch->nonce_len),
                                           span(hs->rival_nonce, hs->rival_nonce_len))) {
        sa_inherit(k, sa, rival); /* ours is redundant */
        delete_soon(heir);
    } else {
        sa_inherit(k, sa, heir);
        delete_soon(sa);
        if (rival != NULL) {
            rival->peer.hard_ms = k->core.now_ms + REPLACED_MS;
            rival->peer.rekey_ms = TIMER_NEVER;
        }
    }
    hs_give(k, &sa->hs);
    if (rival != NULL)
        sa_touch(k, rival);
    if (heir != NULL)
        sa_touch(k, heir);
}
