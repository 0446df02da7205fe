/* IKE_SA_INIT as the initiator; RFC 7296 sections 1.2, 2.6, 2.6.1, 2.7, 2.23.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ike/auth.h"
#include "ike/init.h"
#include "ike/redirect.h"
#include "wire/ip.h"

enum { INIT_ROUNDS_MAX = 6 }; /* cookies and other groups that we follow */

/* A new private key of this group, in place of the one before. */
static enum cv_err new_ke(const struct ike *k, struct ike_hs *hs, uint16_t group)
{
    if (hs->ke_key != NULL)
        hs->ke->free_key(hs->ke_key);
    hs->ke_key = NULL;
    hs->ke = crypto_ke(k->core.crypto, group);
    if (hs->ke == NULL)
        return CV_ERR_UNSUPPORTED;
    hs->ke_key = hs->ke->generate(hs->ke_pub);
    return hs->ke_key == NULL ? CV_ERR_CRYPTO : CV_OK;
}

/* Sends the request, for the first time or with what hs holds by now. */
static enum cv_err init_send(struct ike *k, struct ike_sa *sa)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);
    struct ike_hdr h = {.version = 0x20, .exchange = EX_SA_INIT, .flags = IKE_F_INITIATOR};
    const struct init_ends ends = init_ends_of(&sa->peer);
    struct plain x;
    enum cv_err err;

    memcpy(h.spi_i, sa->peer.spi_i, IKE_SPI_LEN);
    err = plain_begin(&x, &k->core.msgs, msg_new_or_evict(k), &h);
    if (err != CV_OK)
        return err;
    if (hs->cookie_len > 0)
        ike_put_notify(&x.chain, 0, span(NULL, 0), N_COOKIE, span(hs->cookie, hs->cookie_len));
    ike_payload_begin(&x.chain, PL_SA);
    proposal_put_sa_body(&x.w, sa->peer.conn->proposals, sa->peer.conn->n_proposals,
                         span(NULL, 0), true);
    ike_payload_end(&x.chain);
    ike_put_ke(&x.chain, hs->ke->id, span(hs->ke_pub, hs->ke->public_len));
    ike_put_payload(&x.chain, PL_NONCE, span(hs->ni, hs->ni_len));
    init_put_abilities(k, &x.chain, &ends);
    redirect_announce(k, hs, &x.chain);
    err = plain_end(&x, &k->core.msgs);
    if (err != CV_OK)
        return err;
    msg_unref(&k->core.msgs, &hs->init_ours);
    msg_unref(&k->core.msgs, &sa->req);
    core_count(&k->core, sa->peer.conn, &(struct counted){EX_SA_INIT, false, false});
    hs->init_ours = sa->req = x.slot;
    msg_ref(&k->core.msgs, x.slot);
    sa->next_out = 1;
    sa->doing = DO_INIT;
    sa->tries = 0;
    resend_arm(k, sa);
    watched_sent(k, sa, &(struct ike_path){sa->peer.local, sa->peer.remote, sa->peer.carrier},
                 sa->req);
    send_again(k, sa, sa->req);
    return CV_OK;
}

enum cv_err init_start(struct ike *k, struct ike_sa *sa, const struct cv_addr *redirected_from)
{
    enum cv_err err = sa_take_hs(k, sa);
    struct ike_hs *hs = sa_hs_mut(k, sa);

    if (err != CV_OK)
        return err;
    if (redirected_from != NULL)
        hs->redirected_from = *redirected_from;
    hs->ni_len = NONCE_LEN;
    if (!core_random(&k->core, hs->ni, NONCE_LEN))
        return CV_ERR_CRYPTO;
    err =
        new_ke(k, hs, proposal_first_ke(sa->peer.conn->proposals, sa->peer.conn->n_proposals));
    if (err != CV_OK)
        return err;
    sa->state = ST_I_INIT;
    return init_send(k, sa);
}

/* ---- the response ---- */

/* COOKIE and INVALID_KE_PAYLOAD lead to another round. */
static enum cv_err ask_again(const struct ike_sa *sa, const struct ike_hs *hs,
                             const struct ike_msg *m, struct ike_change *ch)
{
    const struct ike_notify *cookie = ike_find_notify(m, N_COOKIE);
    const struct ike_notify *ke = ike_find_notify(m, N_INVALID_KE_PAYLOAD);
    const struct cv_conn *conn = sa->peer.conn;

    if (sa->init_tries + 1 > INIT_ROUNDS_MAX)
        return CV_ERR_PEER_REJECTED;
    if (cookie != NULL && (cookie->data.n == 0 || cookie->data.n > COOKIE_MAX))
        return CV_ERR_MALFORMED;
    if (cookie != NULL)
        ch->cookie = cookie->data;
    if (ke != NULL) {
        struct rd r = rd_init(ke->data);

        ch->retry_group = rd_u16(&r);
        /* RFC 7296 section 2.7: only a group that we offered, lest we be downgraded */
        if (!rd_done(&r) || ch->retry_group == hs->ke->id ||
            !proposal_has_ke(conn->proposals, conn->n_proposals, ch->retry_group))
            return CV_ERR_KE_GROUP;
    }
    ch->again = true;
    ch->answer = false; /* our request still is */
    ch->next = ST_I_INIT;
    return CV_OK;
}

/* Nothing about an answer is authentic yet.  What is wrong with it ends nothing at once (RFC
 * 7296 section 2.21.1); what is wrong with us does. */
static void bear(enum cv_err err, uint16_t notify, struct ike_change *ch)
{
    if (err == CV_ERR_UNSUPPORTED || refusal_is_ours(err)) {
        ch->close = err;
        return;
    }
    ch->refused = true;
    ch->answer = false;
    ch->ask = 0;
    ch->failed = err;
    ch->notify = notify;
    ch->next = ST_I_INIT;
}

static enum cv_err agree(const struct ike *k, const struct ike_sa *sa, const struct ike_hs *hs,
                         const struct ike_in *in, struct ike_change *ch)
{
    const struct cv_conn *conn = sa->peer.conn;
    const struct ike_msg *m = in->m;
    uint8_t secret[CV_KE_SECRET_MAX];
    struct proposal_choice choice;
    enum cv_err err = ike_check_sa(m->sa);

    if (err == CV_OK)
        err = proposal_check_answer(&choice, conn->proposals, conn->n_proposals, m->sa, true);
    if (err != CV_OK)
        return err;
    if (choice.protocol != CV_PROTO_IKE || choice.suite.ke != hs->ke->id ||
        m->ke_group != hs->ke->id)
        return CV_ERR_KE_GROUP;
    ch->ike.suite = choice.suite;
    memcpy(ch->ike.spi_i, sa->peer.spi_i, IKE_SPI_LEN);
    memcpy(ch->ike.spi_r, in->h->spi_r, IKE_SPI_LEN);
    err = crypto_decapsulate(hs->ke, hs->ke_key, m->ke_data, secret);
    if (err == CV_OK)
        err = init_keys(k, ch, span(secret, hs->ke->secret_len), span(hs->ni, hs->ni_len),
                        m->nonce);
    wipe(secret, sizeof(secret));
    ch->has_init = true;
    ch->ask = auth_own_question(conn);
    return err;
}

enum cv_err init_response(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                          struct ike_out *out, struct ike_change *ch)
{
    static const uint8_t no_spi[IKE_SPI_LEN];
    const struct ike_msg *m = in->m;
    const struct ike_hs *hs = sa_hs(k, sa);
    const struct ike_notify *n = ike_error_notify(m);
    enum cv_err err;

    (void)out;
    if (redirect_in_init(k, hs, m, ch))
        err = CV_ERR_REDIRECTED;
    else if (ike_find_notify(m, N_REDIRECT) != NULL)
        return CV_ERR_UNEXPECTED;
    else if (ike_find_notify(m, N_COOKIE) != NULL ||
             (n != NULL && n->type == N_INVALID_KE_PAYLOAD))
        err = ask_again(sa, hs, m, ch);
    else if (n != NULL)
        err = err_of_notify(n->type);
    else if (!ike_has(m, PL_SA) || !ike_has(m, PL_KE) || !ike_has(m, PL_NONCE) ||
             memcmp(in->h->spi_r, no_spi, IKE_SPI_LEN) == 0)
        return CV_ERR_MALFORMED;
    else
        err = agree(k, sa, hs, in, ch);
    if (err != CV_OK)
        bear(err, n == NULL ? 0 : n->type, ch);
    return CV_OK;
}

/* ---- commit ---- */

/* Told once, however often it is said. */
static void commit_refused(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                           const struct ike_change *ch)
{
    struct refusal r = {&sa->peer, .err = ch->failed, .notify = ch->notify, .kept = POOL_NONE};

    k->core.stats.errors[ch->failed]++;
    if (hs->refused_ms != 0)
        return;
    hs->refused_ms = k->core.now_ms;
    hs->refusal = ch->notify != 0 ? CV_ERR_PEER_REJECTED : ch->failed;
    if (ch->redirects) { /* unless the host follows until then */
        redirect_tell(k, sa, &ch->gateway);
        return;
    }
    r.kind = ch->notify != 0 ? CV_EV_PEER_NOTIFY : CV_EV_REJECTED;
    r.by = ch->notify != 0 ? CV_BY_PEER : CV_BY_US;
    (void)event_refusal(&k->core, &r);
}

static enum cv_err commit_again(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                                const struct ike_change *ch)
{
    enum cv_err err = CV_OK;

    sa->init_tries++;
    if (ch->cookie.n > 0) {
        memcpy(hs->cookie, ch->cookie.p, ch->cookie.n);
        hs->cookie_len = (uint8_t)ch->cookie.n;
    }
    if (ch->retry_group != 0)
        err = new_ke(k, hs, ch->retry_group);
    return err == CV_OK ? init_send(k, sa) : err;
}

enum cv_err init_commit(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                        const struct ike_change *ch)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);
    bool natd;

    if (ch->again)
        return commit_again(k, sa, hs, ch);
    if (ch->refused) {
        commit_refused(k, sa, hs, ch);
        return CV_OK;
    }
    hs->init_peer = msg_copy_or_evict(k, in->datagram);
    if (hs->init_peer == POOL_NONE)
        return CV_ERR_FULL;
    memcpy(sa->peer.spi_r, ch->ike.spi_r, IKE_SPI_LEN);
    memcpy(hs->nr, in->m->nonce.p, in->m->nonce.n);
    hs->nr_len = (uint16_t)in->m->nonce.n;
    natd = init_note_abilities(k, sa, hs, in->m, sa->peer.spi_r);
    init_commit_keys(sa, hs, ch);
    watched_keys(k, sa);
    hs->ke->free_key(hs->ke_key);
    hs->ke_key = NULL;
    /* RFC 7296 section 2.23; RFC 4555 section 3.3: a NAT may come later, and who has gone over
     * by then need not do it in the moment of the move. */
    if ((sa->peer.encap || (natd && sa->peer.conn->mobike)) && sa->peer.carrier == CV_UDP_500) {
        sa->peer.carrier = CV_UDP_4500;
        sa->peer.local.port = 4500;
        if (sa->peer.remote.port == 500)
            sa->peer.remote.port = 4500;
    }
    return auth_start(k, sa);
}
