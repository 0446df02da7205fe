/* Proving who one is: the signed octets, the questions to the host and its answers;
 * RFC 7296 section 2.15, RFC 7427.
 *
 * Invariant: an SA in a waiting state has asked exactly one question.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/auth.h"

#include <string.h>

#include "base/secret.h"
#include "ike/mobike.h"
#include "ike/question.h"
#include "ike/redirect.h"

enum { ID_BODY_MAX = 4 + CV_ID_MAX, X509_SIGNATURE = 4 };

/* ---- the signed octets ---- */

/* What one side signs: its IKE_SA_INIT message, the other's nonce, prf(SK_p, ID).  mac has
 * room for CV_PRF_MAX. */
static enum cv_err signed_octets(const struct ike *k, const struct ike_sa *sa, bool initiators,
                                 struct cv_span id_body, uint8_t *mac, struct cv_span parts[3])
{
    const struct ike_hs *hs = sa_hs(k, sa);
    const struct msgs *msgs = &k->core.msgs;
    bool ours = initiators == sa->peer.initiator;
    struct cv_span message = msg_octets(msgs, ours ? hs->init_ours : hs->init_peer);
    uint32_t at = 0;

    /* our own message lies there as a datagram with its length and marker */
    if (ours && !msg_next_part(msg_at(msgs, hs->init_ours), &at, false, &message))
        return CV_ERR_BUG;
    parts[0] = message;
    parts[1] = initiators ? span(hs->nr, hs->nr_len) : span(hs->ni, hs->ni_len);
    parts[2] = span(mac, sa_prf(k, sa)->out_len);
    return keymat_id_mac(mac, sa_prf(k, sa), initiators ? hs->auth.pi : hs->auth.pr, id_body);
}

/* Our own octets, or the peer's. */
static enum cv_err octets_of(const struct ike *k, const struct ike_sa *sa, bool own,
                             uint8_t *mac, struct cv_span parts[3])
{
    const struct ike_hs *hs = sa_hs(k, sa);
    uint8_t body[ID_BODY_MAX];
    struct wr w = wr_init(body, sizeof(body));

    if (!own)
        return signed_octets(k, sa, !sa->peer.initiator, hs->words.id_body, mac, parts);
    ike_put_id_body(&w, &hs->local_id);
    return signed_octets(k, sa, sa->peer.initiator, wr_done(&w), mac, parts);
}

/* AUTH data for a shared secret. */
static enum cv_err psk_proof(const struct ike *k, const struct ike_sa *sa, bool own,
                             struct cv_span secret, uint8_t auth[CV_PRF_MAX])
{
    uint8_t mac[CV_PRF_MAX];
    struct cv_span parts[3];
    enum cv_err err = secret.n == 0 ? CV_ERR_NO_CREDENTIAL : CV_OK;

    if (err == CV_OK)
        err = octets_of(k, sa, own, mac, parts);
    if (err == CV_OK)
        err = keymat_psk_auth(auth, sa_prf(k, sa), secret, parts);
    wipe(mac, sizeof(mac));
    return err;
}

/* ---- answers of the host ---- */

enum cv_err auth_prove(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                       struct auth_proof *proof)
{
    const struct cv_signature *sig = in->answer->sig;
    enum cv_err err = in->answer->err;

    memset(proof, 0, sizeof(*proof));
    if (err != CV_OK)
        return err;
    if (in->kind == ANSWER_PSK) {
        proof->method = CV_METHOD_PSK;
        proof->data = span(proof->mac, sa_prf(k, sa)->out_len);
        return psk_proof(k, sa, true, in->answer->secret, proof->mac);
    }
    proof->method = sig->method;
    proof->data = sig->data;
    if (sa->peer.conn->send_cert) {
        proof->certs = sig->certs;
        proof->n_certs = sig->n_certs < CV_CERTS_MAX ? sig->n_certs : CV_CERTS_MAX;
        proof->words = sig->words;
        proof->n_words = sig->n_words < CV_CERT_WORDS_MAX ? sig->n_words : CV_CERT_WORDS_MAX;
    }
    return CV_OK;
}

static const uint8_t nobodys_secret[32];

enum cv_err auth_check_peer(const struct ike *k, const struct ike_sa *sa,
                            const struct ike_answer *answer, uint8_t kind)
{
    const struct cv_span theirs = sa_hs(k, sa)->words.auth;
    uint8_t auth[CV_PRF_MAX];
    enum cv_err err = answer->err;

    if (kind == ANSWER_PSK && err == CV_ERR_NO_CREDENTIAL) {
        /* The same work as for a wrong secret: how long a refusal takes does not tell which
         * identities are known. */
        (void)psk_proof(k, sa, false, span(nobodys_secret, sizeof(nobodys_secret)), auth);
    }
    if (err != CV_OK || kind != ANSWER_PSK)
        return err;
    err = psk_proof(k, sa, false, answer->secret, auth);
    if (err == CV_OK &&
        (theirs.n != sa_prf(k, sa)->out_len || !ct_equal(theirs.p, auth, theirs.n)))
        err = CV_ERR_SIGNATURE;
    wipe(auth, sizeof(auth));
    return err;
}

/* ---- the end of an attempt ---- */

/* A responder answers AUTHENTICATION_FAILED, and nothing tells the peer why; or, where the
 * fault is ours, TEMPORARY_FAILURE, lest the peer doubts its credentials.  For an initiator see
 * RFC 7296 section 2.21.2. */
void auth_fail(const struct ike_sa *sa, enum cv_err err, struct ike_out *out,
               struct ike_change *ch)
{
    bool ours = refusal_is_ours(err);

    ch->close = err;
    ch->auth_failed = true;
    ch->ask = 0;
    ch->parting = sa->state == ST_I_AUTH || sa->state == ST_I_VERIFY;
    ch->parting_notify = ours ? 0 : N_AUTHENTICATION_FAILED;
    if (sa->peer.initiator)
        return;
    ch->send = SEND_RESPONSE;
    out_reject(out, ch, ours ? CV_ERR_TEMPORARY : CV_ERR_AUTH, span(NULL, 0));
}

enum cv_err auth_unanswered(const struct ike *k, const struct ike_sa *sa,
                            const struct ike_in *in, struct ike_out *out, struct ike_change *ch)
{
    (void)k, (void)in;
    auth_fail(sa, CV_ERR_NO_ANSWER, out, ch);
    return CV_OK;
}

/* ---- messages ---- */

static bool is_word(uint8_t encoding)
{
    return encoding == CV_CERT_HASH_URL || encoding == CV_CERT_OCSP;
}

/* RFC 7296 section 3.6: the first certificate is the one whose key signs. */
static void read_certs(struct auth_words *w, const struct ike_msg *m)
{
    w->n_certs = w->n_words = 0;
    for (unsigned i = 0; i < m->n_cert; i++) {
        const struct ike_cert *c = &m->cert[i];

        if (c->encoding == X509_SIGNATURE && w->n_certs < CV_CERTS_MAX)
            w->certs[w->n_certs++] = c->data;
        else if (is_word(c->encoding) && w->n_words < CV_CERT_WORDS_MAX)
            w->words[w->n_words++] =
                (struct cv_cert_word){c->encoding, w->n_certs == 0, c->data};
    }
}

void auth_read(const struct ike *k, struct auth_words *w, const struct ike_msg *m,
               bool from_initiator)
{
    w->id_body = from_initiator ? m->idi : m->idr;
    w->asked_id = from_initiator ? m->idr : span(NULL, 0);
    w->auth = m->auth;
    w->method = m->auth_method;
    w->initial_contact = ike_find_notify(m, N_INITIAL_CONTACT) != NULL;
    w->takes_alerts = ike_find_notify(m, N_CULVERT_ALERTS_SUPPORTED) != NULL;
    mobike_read_words(w, m);
    w->redirects = !from_initiator && redirect_read(k, m, &w->gateway);
    w->has_cp = ike_has(m, PL_CP);
    if (w->has_cp)
        w->cp_err = ike_parse_cp(&w->cp, m->cp);
    read_certs(w, m);
    w->child = child_terms(m, false);
}

void auth_put_id(struct ike_out *o, uint8_t payload, const struct cv_id *id)
{
    ike_payload_begin(&o->chain, payload);
    ike_put_id_body(&o->w, id);
    ike_payload_end(&o->chain);
}

static void put_words(const struct auth_proof *proof, bool first, struct ike_out *o)
{
    for (unsigned i = 0; i < proof->n_words; i++)
        if (proof->words[i].first == first)
            ike_put_cert(&o->chain, proof->words[i].encoding, proof->words[i].data);
}

void auth_put_certs(const struct auth_proof *proof, struct ike_out *o)
{
    put_words(proof, true, o);
    for (unsigned i = 0; i < proof->n_certs; i++)
        ike_put_cert(&o->chain, X509_SIGNATURE, proof->certs[i]);
    put_words(proof, false, o);
}

void auth_put_auth(const struct auth_proof *proof, struct ike_out *o)
{
    ike_put_auth(&o->chain, proof->method, proof->data);
}

static void put_certreq(struct ike_out *o, uint8_t encoding, struct cv_span hashes)
{
    ike_payload_begin(&o->chain, PL_CERTREQ);
    wr_u8(&o->w, encoding);
    wr_span(&o->w, hashes);
    ike_payload_end(&o->chain);
}

/* RFC 4806 section 3.1: no hashes, any responder will do. */
void auth_put_certreq(const struct cv_conn *conn, struct ike_out *o)
{
    if (conn->send_certreq && conn->certreq.n > 0)
        put_certreq(o, X509_SIGNATURE, conn->certreq);
    if (conn->ocsp_request)
        put_certreq(o, CV_CERT_OCSP, span(NULL, 0));
    if (conn->cert_lookup)
        ike_put_notify(&o->chain, 0, span(NULL, 0), N_HTTP_CERT_LOOKUP_SUPPORTED,
                       span(NULL, 0));
}

/* ---- questions to the host ---- */

uint8_t auth_own_question(const struct cv_conn *conn)
{
    return conn->local.kind == CV_AUTH_PSK ? CV_NEED_PSK : CV_NEED_SIGNATURE;
}

uint8_t auth_question(const struct cv_conn *conn, uint8_t method)
{
    bool psk = method == CV_METHOD_PSK;

    if (conn->remote.kind != CV_AUTH_ANY && psk != (conn->remote.kind == CV_AUTH_PSK))
        return 0;
    return psk ? CV_NEED_PSK : CV_NEED_VERIFY;
}

/* The signed octets as one piece, for hosts that sign or check elsewhere. */
static enum cv_err join_octets(struct ike *k, const struct ike_sa *sa, bool own, uint32_t *slot)
{
    struct msgs *msgs = &k->core.msgs;
    uint8_t mac[CV_PRF_MAX];
    struct cv_span parts[3];
    enum cv_err err = octets_of(k, sa, own, mac, parts);
    struct wr w;

    *slot = err == CV_OK ? msg_new_or_evict(k) : POOL_NONE;
    if (*slot != POOL_NONE) {
        w = wr_init(msg_at(msgs, *slot)->data, msgs->cap);
        for (int p = 0; p < 3; p++)
            wr_span(&w, parts[p]);
        msg_at(msgs, *slot)->len = (uint32_t)w.n;
        err = wr_ok(&w) ? CV_OK : CV_ERR_TOO_BIG;
    } else if (err == CV_OK) {
        err = CV_ERR_FULL;
    }
    wipe(mac, sizeof(mac));
    return err;
}

static void show_signature(struct effect_slot *s, const struct ike_sa *sa,
                           const struct ike_hs *hs, struct cv_span octets)
{
    s->fx.u.sign.local_id = &hs->local_id;
    s->fx.u.sign.remote_id = &sa->peer.remote_id;
    s->fx.u.sign.octets = octets;
    s->fx.u.sign.hashes = hs->peer_hashes & 0x1e; /* SHA-1 to SHA2-512 */
    s->fx.u.sign.identity_hash = (hs->peer_hashes >> 5) & 1;
    s->fx.u.sign.certreq = span(hs->certreq, hs->certreq_len);
    s->fx.u.sign.wants_ocsp = hs->wants_ocsp && sa->peer.conn->ocsp_reply;
    s->fx.u.sign.takes_urls = hs->takes_urls;
}

static void show_verify(struct effect_slot *s, const struct ike_sa *sa, const struct ike_hs *hs,
                        struct cv_span octets)
{
    s->fx.u.verify.remote_id = &sa->peer.remote_id;
    s->fx.u.verify.local_id = &hs->local_id;
    s->fx.u.verify.method = hs->words.method;
    s->fx.u.verify.octets = octets;
    s->fx.u.verify.signature = hs->words.auth;
    s->fx.u.verify.certs = hs->words.certs;
    s->fx.u.verify.n_certs = hs->words.n_certs;
    s->fx.u.verify.words = hs->words.words;
    s->fx.u.verify.n_words = hs->words.n_words;
}

/* The effect takes over the buffer with the octets. */
static enum cv_err ask_about_octets(struct ike *k, struct ike_sa *sa, uint8_t kind)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    struct effect_slot *s = NULL;
    struct cv_span octets;
    uint32_t slot;
    enum cv_err err = join_octets(k, sa, kind == CV_NEED_SIGNATURE, &slot);

    if (err == CV_OK) {
        s = question_put(k, sa, kind);
        err = s == NULL ? CV_ERR_BUSY : CV_OK;
    }
    if (err != CV_OK) {
        msg_unref(&k->core.msgs, &slot);
        return err;
    }
    octets = msg_octets(&k->core.msgs, slot);
    s->msg[0] = slot;
    if (kind == CV_NEED_SIGNATURE) {
        show_signature(s, sa, hs, octets);
    } else {
        show_verify(s, sa, hs, octets);
        s->msg[1] = hs->peer_auth;
        msg_ref(&k->core.msgs, hs->peer_auth);
    }
    return CV_OK;
}

enum cv_err auth_ask(struct ike *k, struct ike_sa *sa, uint8_t kind)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    const struct cv_id *remote = &sa->peer.remote_id;
    struct effect_slot *s;

    if (kind == CV_NEED_SIGNATURE || kind == CV_NEED_VERIFY)
        return ask_about_octets(k, sa, kind);
    s = question_put(k, sa, kind);
    if (s == NULL)
        return CV_ERR_BUSY;
    if (kind == CV_NEED_PSK) {
        s->fx.u.psk.local_id = &hs->local_id;
        s->fx.u.psk.remote_id = remote->type == CV_ID_ANY ? &sa->peer.conn->remote.id : remote;
        return CV_OK;
    }
    if (kind == CV_NEED_ADMISSION) {
        s->fx.u.admission.remote_id = remote;
        return CV_OK;
    }
    s->fx.u.address.remote_id = remote;
    s->fx.u.address.want_v4 = hs->words.cp.has_v4 ? hs->words.cp.v4 : (struct cv_addr){0};
    s->fx.u.address.want_v6 = hs->words.cp.has_v6 ? hs->words.cp.v6 : (struct cv_addr){0};
    return CV_OK;
}
