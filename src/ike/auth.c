/* Proving who one is: the signed octets, the questions to the host and its answers;
 * RFC 7296 section 2.15, RFC 7427.
 *
 * Invariant: an SA in a waiting state has asked exactly one question.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/auth.h"

#include <string.h>

#include "base/secret.h"
#include "ike/question.h"

enum { ID_BODY_MAX = 4 + CV_ID_MAX, X509_SIGNATURE = 4 };

enum cv_err auth_octets(const struct ike *k, const struct ike_sa *sa, bool initiators,
                        struct cv_span id_body, uint8_t *mac, struct cv_span parts[3])
{
    const struct ike_hs *hs = sa_hs(k, sa);
    bool ours = initiators == sa->peer.initiator;
    struct cv_span message = msg_octets(&k->core.msgs, ours ? hs->init_ours : hs->init_peer);
    uint32_t at = 0;

    /* our own message lies there as a datagram with its length and marker */
    if (ours && !msg_next_part(msg_at(&k->core.msgs, hs->init_ours), &at, false, &message))
        return CV_ERR_BUG;
    parts[0] = message;
    parts[1] = initiators ? span(hs->nr, hs->nr_len) : span(hs->ni, hs->ni_len);
    parts[2] = span(mac, sa->algs.prf->out_len);
    return keymat_id_mac(mac, sa->algs.prf, initiators ? hs->auth.pi : hs->auth.pr, id_body);
}

static struct cv_span own_id_body(const struct ike_hs *hs, uint8_t *out)
{
    struct wr w = wr_init(out, ID_BODY_MAX);

    ike_put_id_body(&w, &hs->local_id);
    return wr_done(&w);
}

/* The octets as one piece, for hosts that sign elsewhere. */
static enum cv_err join_octets(struct ike *k, struct ike_hs *hs, const struct cv_span parts[3])
{
    uint32_t i = msg_new_or_evict(k);
    struct wr w;

    if (i == POOL_NONE)
        return CV_ERR_FULL;
    w = wr_init(msg_at(&k->core.msgs, i)->data, k->core.msgs.cap);
    for (int p = 0; p < 3; p++)
        wr_span(&w, parts[p]);
    msg_at(&k->core.msgs, i)->len = (uint32_t)w.n;
    msg_unref(&k->core.msgs, &hs->octets);
    hs->octets = i;
    return wr_ok(&w) ? CV_OK : CV_ERR_TOO_BIG;
}

static enum cv_err ask_psk(struct ike *k, struct ike_sa *sa, enum ike_state next)
{
    struct ike_hs *hs = sa_hs(k, sa);
    struct effect_slot *s = question_put(k, sa, CV_NEED_PSK);

    if (s == NULL)
        return CV_ERR_BUSY;
    s->fx.u.psk.local_id = &hs->local_id;
    s->fx.u.psk.remote_id =
        sa->peer.remote_id.type == CV_ID_ANY ? &sa->peer.conn->remote.id : &sa->peer.remote_id;
    sa->state = (uint8_t)next;
    return CV_OK;
}

enum cv_err auth_ask_own(struct ike *k, struct ike_sa *sa, enum ike_state next)
{
    struct ike_hs *hs = sa_hs(k, sa);
    uint8_t mac[CV_PRF_MAX], id[ID_BODY_MAX];
    struct cv_span parts[3];
    struct effect_slot *s;
    enum cv_err err;

    if (sa->peer.conn->local.kind == CV_AUTH_PSK)
        return ask_psk(k, sa, next);
    err = auth_octets(k, sa, sa->peer.initiator, own_id_body(hs, id), mac, parts);
    if (err == CV_OK)
        err = join_octets(k, hs, parts);
    wipe(mac, sizeof(mac));
    if (err != CV_OK)
        return err;
    s = question_put(k, sa, CV_NEED_SIGNATURE);
    if (s == NULL)
        return CV_ERR_BUSY;
    s->fx.u.sign.local_id = &hs->local_id;
    s->fx.u.sign.remote_id = &sa->peer.remote_id;
    s->fx.u.sign.octets = msg_octets(&k->core.msgs, hs->octets);
    s->fx.u.sign.hashes = hs->peer_hashes & 0x1e; /* SHA-1 to SHA2-512 */
    s->fx.u.sign.identity_hash = (hs->peer_hashes >> 5) & 1;
    s->fx.u.sign.certreq = span(hs->certreq, hs->certreq_len);
    s->msg[1] = hs->octets;
    msg_ref(&k->core.msgs, hs->octets);
    sa->state = (uint8_t)next;
    return CV_OK;
}

static enum cv_err ask_verify(struct ike *k, struct ike_sa *sa, const struct ike_msg *m,
                              enum ike_state next)
{
    struct ike_hs *hs = sa_hs(k, sa);
    struct cv_span id = sa->peer.initiator ? m->idr : m->idi, parts[3];
    uint8_t mac[CV_PRF_MAX];
    struct effect_slot *s;
    unsigned n = 0;
    enum cv_err err = auth_octets(k, sa, !sa->peer.initiator, id, mac, parts);

    if (err == CV_OK)
        err = join_octets(k, hs, parts);
    wipe(mac, sizeof(mac));
    if (err != CV_OK)
        return err;
    for (unsigned i = 0; i < m->n_cert && n < CV_CERTS_MAX; i++) {
        if (m->cert[i].encoding == X509_SIGNATURE)
            hs->certs[n++] = m->cert[i].data;
    }
    s = question_put(k, sa, CV_NEED_VERIFY);
    if (s == NULL)
        return CV_ERR_BUSY;
    s->fx.u.verify.remote_id = &sa->peer.remote_id;
    s->fx.u.verify.local_id = &hs->local_id;
    s->fx.u.verify.method = m->auth_method;
    s->fx.u.verify.octets = msg_octets(&k->core.msgs, hs->octets);
    s->fx.u.verify.signature = m->auth;
    s->fx.u.verify.certs = hs->certs;
    s->fx.u.verify.n_certs = n;
    s->msg[0] = hs->peer_auth;
    s->msg[1] = hs->octets;
    msg_ref(&k->core.msgs, hs->peer_auth);
    msg_ref(&k->core.msgs, hs->octets);
    sa->state = (uint8_t)next;
    return CV_OK;
}

enum cv_err auth_ask_peer(struct ike *k, struct ike_sa *sa, const struct ike_msg *m,
                          enum ike_state next)
{
    bool psk = m->auth_method == CV_METHOD_PSK;

    if (sa->peer.conn->remote.kind != CV_AUTH_ANY &&
        psk != (sa->peer.conn->remote.kind == CV_AUTH_PSK))
        return CV_ERR_AUTH_METHOD;
    return psk ? ask_psk(k, sa, next) : ask_verify(k, sa, m, next);
}

enum cv_err auth_reparse(const struct ike *k, const struct ike_sa *sa, struct ike_msg *m)
{
    const struct ike_hs *hs = sa_hs(k, sa);

    if (hs == NULL || hs->peer_auth == POOL_NONE)
        return CV_ERR_BUG;
    return ike_parse_payloads(m, hs->peer_auth_first, msg_octets(&k->core.msgs, hs->peer_auth),
                              0);
}

bool auth_is_ours(enum cv_err err)
{
    return err == CV_ERR_NO_ANSWER || err == CV_ERR_FULL || err == CV_ERR_BUSY ||
           err == CV_ERR_CRYPTO || err == CV_ERR_BUG;
}

void auth_failed(struct ike *k, struct ike_sa *sa, enum cv_err err)
{
    event_put(&k->core, CV_EV_AUTH_FAILED, &sa->peer, err);
    k->core.stats.errors[err]++;
}

static void peer_done(struct ike *k, struct ike_sa *sa, enum cv_err verdict)
{
    if (sa->peer.initiator)
        initiator_finish(k, sa, verdict);
    else
        responder_verified(k, sa, verdict);
}

enum cv_err auth_commit(struct ike *k, struct ike_sa *sa, const struct ike_msg *m,
                        const struct ike_change *ch)
{
    enum cv_err err = ch->close; /* an initiator tells the peer that it does not believe it */

    sa->peer.remote_id = ch->peer_id;
    if (!sa->peer.initiator) {
        sa->peer.conn = ch->conn;
        peer_local_id(&sa->peer, &sa_hs(k, sa)->local_id);
    }
    if (err == CV_OK)
        err = auth_ask_peer(k, sa, m, (enum ike_state)ch->next);
    if (err == CV_OK)
        return CV_OK;
    peer_done(k, sa, err);
    return err;
}

/* ---- what goes out ---- */

void auth_put_certs(const struct ike *k, const struct ike_hs *hs, struct ike_out *o)
{
    struct rd r = rd_init(msg_octets(&k->core.msgs, hs->auth_certs));

    while (rd_left(&r) > 0) {
        struct cv_span cert = rd_take(&r, rd_u16(&r));

        ike_put_cert(&o->chain, X509_SIGNATURE, cert);
    }
}

void auth_put_auth(const struct ike *k, const struct ike_hs *hs, struct ike_out *o)
{
    ike_put_auth(&o->chain, hs->auth_method, msg_octets(&k->core.msgs, hs->auth_data));
}

void auth_put_certreq(const struct ike_sa *sa, struct ike_out *o)
{
    if (!sa->peer.conn->send_certreq || sa->peer.conn->certreq.n == 0)
        return;
    ike_payload_begin(&o->chain, PL_CERTREQ);
    wr_u8(&o->w, X509_SIGNATURE);
    wr_span(&o->w, sa->peer.conn->certreq);
    ike_payload_end(&o->chain);
}

/* ---- the host's answers ---- */

static enum cv_err keep_proof(struct ike *k, struct ike_hs *hs, uint8_t method,
                              struct cv_span data)
{
    msg_unref(&k->core.msgs, &hs->auth_data);
    hs->auth_method = method;
    hs->auth_data = msg_copy_or_evict(k, data);
    return hs->auth_data == POOL_NONE ? CV_ERR_FULL : CV_OK;
}

static enum cv_err keep_certs(struct ike *k, struct ike_hs *hs, const struct cv_signature *sig)
{
    struct wr w;

    hs->auth_certs = msg_new_or_evict(k);
    if (hs->auth_certs == POOL_NONE)
        return CV_ERR_FULL;
    w = wr_init(msg_at(&k->core.msgs, hs->auth_certs)->data, k->core.msgs.cap);
    for (unsigned i = 0; i < sig->n_certs && i < CV_CERTS_MAX; i++) {
        wr_u16(&w, (uint16_t)sig->certs[i].n);
        wr_span(&w, sig->certs[i]);
    }
    msg_at(&k->core.msgs, hs->auth_certs)->len = (uint32_t)w.n;
    return wr_ok(&w) ? CV_OK : CV_ERR_TOO_BIG;
}

/* Our own proof is there, or why not. */
static void own_done(struct ike *k, struct ike_sa *sa, enum cv_err err)
{
    if (err == CV_OK && sa->peer.initiator) {
        initiator_send(k, sa);
    } else if (err == CV_OK) {
        responder_signed(k, sa);
    } else {
        auth_failed(k, sa, err);
        if (sa->peer.initiator)
            sa_close(k, sa, err, false);
        else
            responder_fail(k, sa, err);
    }
}

static enum cv_err own_psk(struct ike *k, struct ike_sa *sa, struct cv_span secret)
{
    struct ike_hs *hs = sa_hs(k, sa);
    uint8_t mac[CV_PRF_MAX], id[ID_BODY_MAX], auth[CV_PRF_MAX];
    struct cv_span parts[3];
    enum cv_err err = auth_octets(k, sa, sa->peer.initiator, own_id_body(hs, id), mac, parts);

    if (err == CV_OK)
        err = keymat_psk_auth(auth, sa->algs.prf, secret, parts);
    if (err == CV_OK)
        err = keep_proof(k, hs, CV_METHOD_PSK, span(auth, sa->algs.prf->out_len));
    wipe(mac, sizeof(mac));
    wipe(auth, sizeof(auth));
    return err;
}

static enum cv_err peer_psk(struct ike *k, struct ike_sa *sa, struct cv_span secret)
{
    uint8_t mac[CV_PRF_MAX], auth[CV_PRF_MAX];
    struct cv_span parts[3];
    struct ike_msg m;
    enum cv_err err = auth_reparse(k, sa, &m);

    if (err == CV_OK)
        err = auth_octets(k, sa, !sa->peer.initiator, sa->peer.initiator ? m.idr : m.idi, mac,
                          parts);
    if (err == CV_OK)
        err = keymat_psk_auth(auth, sa->algs.prf, secret, parts);
    if (err == CV_OK &&
        (m.auth.n != sa->algs.prf->out_len || !ct_equal(m.auth.p, auth, m.auth.n)))
        err = CV_ERR_SIGNATURE;
    wipe(mac, sizeof(mac));
    wipe(auth, sizeof(auth));
    return err;
}

void auth_psk(struct ike *k, struct ike_sa *sa, enum cv_err err, struct cv_span secret)
{
    bool own = sa->state == ST_I_SIGN || sa->state == ST_R_SIGN;

    if (err == CV_OK && secret.n == 0)
        err = CV_ERR_NO_CREDENTIAL;
    if (err == CV_OK)
        err = own ? own_psk(k, sa, secret) : peer_psk(k, sa, secret);
    if (own)
        own_done(k, sa, err);
    else
        peer_done(k, sa, err);
}

void auth_signature(struct ike *k, struct ike_sa *sa, enum cv_err err,
                    const struct cv_signature *sig)
{
    struct ike_hs *hs = sa_hs(k, sa);

    if (err == CV_OK)
        err = keep_proof(k, hs, sig->method, sig->data);
    if (err == CV_OK && sa->peer.conn->send_cert && sig->n_certs > 0)
        err = keep_certs(k, hs, sig);
    own_done(k, sa, err);
}

void auth_verdict(struct ike *k, struct ike_sa *sa, enum cv_err err)
{
    peer_done(k, sa, err);
}

void auth_address(struct ike *k, struct ike_sa *sa, enum cv_err err,
                  const struct cv_lease *lease)
{
    if (err == CV_OK) {
        sa_hs(k, sa)->lease = *lease;
        sa->peer.vip4 = lease->v4;
        sa->peer.vip6 = lease->v6;
        sa->peer.has_lease = true;
    }
    if (err == CV_ERR_NO_ANSWER) {
        auth_failed(k, sa, err);
        responder_fail(k, sa, err);
    } else {
        responder_finish(k, sa, err);
    }
}

void auth_unanswered(struct ike *k, struct ike_sa *sa)
{
    question_end(k, sa_hs(k, sa));
    switch (sa->state) {
    case ST_I_SIGN:
    case ST_R_SIGN:
        own_done(k, sa, CV_ERR_NO_ANSWER);
        break;
    case ST_I_VERIFY:
    case ST_R_VERIFY:
        peer_done(k, sa, CV_ERR_NO_ANSWER);
        break;
    default:
        auth_address(k, sa, CV_ERR_NO_ANSWER, NULL);
        break;
    }
}
