/* IKE_SA_INIT, both roles; RFC 7296 sections 1.2, 2.6, 2.6.1, 2.7, 2.23, RFC 7427
 * section 4, RFC 7383 section 2.3.
 *
 * Invariant: a responder keeps no state before the message is acceptable and, under
 * load, carries a valid cookie.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ike/exchange.h"
#include "ike/natd.h"
#include "wire/ip.h"

enum {
    PART_OFFSET = 6, /* length and marker before each datagram in a message buffer */
    NEXT_AT = 16,
    LENGTH_AT = 24,
    INIT_MESSAGES = 2,   /* that a half-open SA keeps: both IKE_SA_INIT */
    INIT_ROUNDS_MAX = 6, /* cookies and other groups that we follow */
    HASH_IDENTITY = 5
};

/* ---- writing ---- */

struct init_writer {
    struct wr w;
    struct ike_chain chain;
    size_t at;
    uint32_t slot;
};

static enum cv_err writer_begin(struct ike *k, struct init_writer *x, const struct ike_hdr *h)
{
    x->slot = msg_new_or_evict(k);
    if (x->slot == POOL_NONE)
        return CV_ERR_FULL;
    x->w = wr_init(msg_at(&k->msgs, x->slot)->data, k->msgs.cap);
    msg_part_begin(&x->w, &x->at);
    ike_put_hdr(&x->w, h);
    x->chain = ike_chain_init(&x->w, PART_OFFSET + NEXT_AT);
    return CV_OK;
}

static enum cv_err writer_end(struct ike *k, struct init_writer *x)
{
    wr_patch_u32(&x->w, PART_OFFSET + LENGTH_AT, (uint32_t)(x->w.n - PART_OFFSET));
    msg_part_end(&x->w, x->at, msg_at(&k->msgs, x->slot));
    if (wr_ok(&x->w))
        return CV_OK;
    msg_unref(&k->msgs, &x->slot);
    return CV_ERR_TOO_BIG;
}

static void put_natd(struct ike *k, struct ike_chain *c, const struct ike_sa *sa)
{
    uint8_t hash[NATD_LEN];

    /* encap = yes: claim a NAT by a hash that fits no address */
    if (sa->conn != NULL && sa->conn->encap) {
        if (!ike_random(k, hash, sizeof(hash)))
            return;
    } else if (natd_hash(hash, k->crypto, sa->spi_i, sa->spi_r, &sa->local) != CV_OK) {
        return;
    }
    ike_put_notify(c, 0, span(NULL, 0), N_NAT_DETECTION_SOURCE_IP, span(hash, sizeof(hash)));
    if (natd_hash(hash, k->crypto, sa->spi_i, sa->spi_r, &sa->remote) != CV_OK)
        return;
    ike_put_notify(c, 0, span(NULL, 0), N_NAT_DETECTION_DESTINATION_IP,
                   span(hash, sizeof(hash)));
}

/* What both sides announce. */
static void put_abilities(struct ike *k, struct ike_chain *c, const struct ike_sa *sa)
{
    static const uint8_t hashes[] = {0, CV_HASH_SHA2_256, 0, CV_HASH_SHA2_384,
                                     0, CV_HASH_SHA2_512, 0, HASH_IDENTITY};

    put_natd(k, c, sa);
    if (sa->conn->fragmentation)
        ike_put_notify(c, 0, span(NULL, 0), N_IKEV2_FRAGMENTATION_SUPPORTED, span(NULL, 0));
    ike_put_notify(c, 0, span(NULL, 0), N_SIGNATURE_HASH_ALGORITHMS,
                   span(hashes, sizeof(hashes)));
}

/* ---- reading ---- */

/* What both sides note about the peer's first message. */
static void note_abilities(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                           const struct ike_msg *m, const uint8_t spi_r[IKE_SPI_LEN])
{
    struct natd_result nat =
        natd_check(m, k->crypto, sa->spi_i, spi_r, &sa->local, &sa->remote);
    const struct ike_notify *n = ike_find_notify(m, N_SIGNATURE_HASH_ALGORITHMS);

    sa->nat_local = nat.local_nat;
    sa->nat_remote = nat.remote_nat;
    sa->encap = nat.present && (nat.local_nat || nat.remote_nat || sa->conn->encap);
    sa->fragments =
        sa->conn->fragmentation && ike_find_notify(m, N_IKEV2_FRAGMENTATION_SUPPORTED) != NULL;
    sa->peer_childless = ike_find_notify(m, N_CHILDLESS_IKEV2_SUPPORTED) != NULL;
    if (n != NULL) {
        struct rd r = rd_init(n->data);

        while (rd_left(&r) >= 2) {
            uint16_t id = rd_u16(&r);

            if (id < 16)
                hs->peer_hashes |= (uint16_t)(1U << id);
        }
    }
    for (unsigned i = 0; i < m->n_certreq; i++) {
        size_t room = sizeof(hs->certreq) - hs->certreq_len;
        size_t take = m->certreq[i].n < room ? m->certreq[i].n : room - room % 20;

        memcpy(hs->certreq + hs->certreq_len, m->certreq[i].p, take);
        hs->certreq_len = (uint16_t)(hs->certreq_len + take);
    }
}

/* SKEYSEED and the SA's keys; the private key is used up. */
static enum cv_err derive_keys(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                               struct cv_span peer_pub)
{
    uint8_t secret[CV_KE_SECRET_MAX];
    enum cv_err err = ike_algs_find(&sa->algs, k->crypto, &sa->suite);

    if (err != CV_OK)
        return err;
    if (!hs->ke->derive(hs->ke_key, peer_pub, secret)) {
        wipe(secret, sizeof(secret));
        memset(&sa->algs, 0, sizeof(sa->algs));
        return CV_ERR_KE_VALUE;
    }
    err = keymat_ike(&sa->keys, &hs->auth, &sa->algs, span(secret, hs->ke->secret_len),
                     span(hs->ni, hs->ni_len), span(hs->nr, hs->nr_len), sa->spi_i, sa->spi_r,
                     NULL, NULL);
    wipe(secret, sizeof(secret));
    hs->ke->free_key(hs->ke_key);
    hs->ke_key = NULL;
    return err;
}

/* ---- initiator ---- */

static enum cv_err new_ke(struct ike *k, struct ike_hs *hs, uint16_t group)
{
    if (hs->ke_key != NULL)
        hs->ke->free_key(hs->ke_key);
    hs->ke_key = NULL;
    hs->ke = crypto_ke(k->crypto, group);
    if (hs->ke == NULL)
        return CV_ERR_UNSUPPORTED;
    hs->ke_key = hs->ke->generate(hs->ke_pub);
    return hs->ke_key == NULL ? CV_ERR_CRYPTO : CV_OK;
}

enum cv_err init_start(struct ike *k, struct ike_sa *sa)
{
    enum cv_err err = sa_take_hs(k, sa);
    struct ike_hs *hs = sa_hs(k, sa);

    if (err != CV_OK)
        return err;
    hs->ni_len = NONCE_LEN;
    if (!ike_random(k, hs->ni, NONCE_LEN))
        return CV_ERR_CRYPTO;
    err = new_ke(k, hs, proposal_first_ke(sa->conn->proposals, sa->conn->n_proposals));
    if (err != CV_OK)
        return err;
    sa->state = ST_I_INIT;
    return init_send(k, sa);
}

enum cv_err init_send(struct ike *k, struct ike_sa *sa)
{
    struct ike_hs *hs = sa_hs(k, sa);
    struct ike_hdr h = {.version = 0x20, .exchange = EX_SA_INIT, .flags = IKE_F_INITIATOR};
    struct init_writer x;
    enum cv_err err;

    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    err = writer_begin(k, &x, &h);
    if (err != CV_OK)
        return err;
    if (hs->cookie_len > 0)
        ike_put_notify(&x.chain, 0, span(NULL, 0), N_COOKIE, span(hs->cookie, hs->cookie_len));
    ike_payload_begin(&x.chain, PL_SA);
    proposal_put_sa_body(&x.w, sa->conn->proposals, sa->conn->n_proposals, span(NULL, 0), true);
    ike_payload_end(&x.chain);
    ike_put_ke(&x.chain, hs->ke->id, span(hs->ke_pub, hs->ke->pub_len));
    ike_put_payload(&x.chain, PL_NONCE, span(hs->ni, hs->ni_len));
    put_abilities(k, &x.chain, sa);
    err = writer_end(k, &x);
    if (err != CV_OK)
        return err;
    msg_unref(&k->msgs, &hs->init_ours);
    msg_unref(&k->msgs, &sa->req);
    hs->init_ours = sa->req = x.slot;
    msg_ref(&k->msgs, x.slot);
    sa->next_out = 1;
    sa->doing = DO_INIT;
    sa->tries = 0;
    resend_arm(k, sa);
    send_again(k, sa, sa->req);
    return CV_OK;
}

/* COOKIE and INVALID_KE_PAYLOAD lead to another round; other error notifies end it. */
static enum cv_err init_again(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *cookie = ike_find_notify(m, N_COOKIE);
    const struct ike_notify *ke = ike_find_notify(m, N_INVALID_KE_PAYLOAD);
    struct ike_hs *hs = sa_hs(k, sa);
    enum cv_err err = CV_OK;

    if (++sa->init_tries > INIT_ROUNDS_MAX)
        return CV_ERR_PEER_REJECTED;
    if (cookie != NULL) {
        if (cookie->data.n == 0 || cookie->data.n > COOKIE_MAX)
            return CV_ERR_MALFORMED;
        memcpy(hs->cookie, cookie->data.p, cookie->data.n);
        hs->cookie_len = (uint8_t)cookie->data.n;
    }
    if (ke != NULL) {
        struct rd r = rd_init(ke->data);
        uint16_t group = rd_u16(&r);

        /* RFC 7296 section 2.7: only a group that we offered, lest we be downgraded */
        if (!rd_done(&r) ||
            !proposal_has_ke(sa->conn->proposals, sa->conn->n_proposals, group) ||
            group == hs->ke->id)
            return CV_ERR_KE_GROUP;
        err = new_ke(k, hs, group);
    }
    return err == CV_OK ? init_send(k, sa) : err;
}

static void peer_error(struct ike *k, struct ike_sa *sa, uint16_t type)
{
    struct cv_effect *fx = event_put(k, CV_EV_PEER_NOTIFY, sa, err_of_notify(type));

    if (fx != NULL)
        fx->u.event.notify = type;
}

static enum cv_err accept_response(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                                   const struct ike_msg *m, struct cv_span datagram)
{
    struct ike_hs *hs = sa_hs(k, sa);
    struct proposal_choice choice;
    enum cv_err err = ike_check_sa(m->sa);

    if (err == CV_OK)
        err = proposal_check_answer(&choice, sa->conn->proposals, sa->conn->n_proposals, m->sa,
                                    true);
    if (err != CV_OK)
        return err;
    if (choice.protocol != CV_PROTO_IKE || choice.suite.ke != hs->ke->id ||
        m->ke_group != hs->ke->id)
        return CV_ERR_KE_GROUP;
    hs->init_peer = msg_copy_or_evict(k, datagram);
    if (hs->init_peer == POOL_NONE)
        return CV_ERR_FULL;
    sa->suite = choice.suite;
    memcpy(sa->spi_r, h->spi_r, IKE_SPI_LEN);
    memcpy(hs->nr, m->nonce.p, m->nonce.n);
    hs->nr_len = (uint16_t)m->nonce.n;
    note_abilities(k, sa, hs, m, h->spi_r);
    err = derive_keys(k, sa, hs, m->ke_data);
    if (err != CV_OK)
        return err;
    request_done(k, sa);
    if (sa->encap && sa->carrier == CV_UDP_500) { /* RFC 7296 section 2.23 */
        sa->carrier = CV_UDP_4500;
        sa->local.port = 4500;
        if (sa->remote.port == 500)
            sa->remote.port = 4500;
    }
    return auth_start(k, sa);
}

static enum cv_err init_response(struct ike *k, const struct ike_hdr *h,
                                 struct cv_span datagram, const struct ike_path *path)
{
    struct ike_hdr own = *h;
    struct ike_sa *sa;
    struct ike_msg m;
    const struct ike_notify *n;
    enum cv_err err;

    memset(own.spi_r, 0, IKE_SPI_LEN); /* we do not know it yet */
    sa = sa_find(k, &own);
    if (sa == NULL)
        return CV_ERR_IKE_SPI;
    if (sa->state != ST_I_INIT || h->msg_id != 0 || !endpoint_equal(&path->remote, &sa->remote))
        return CV_ERR_UNEXPECTED;
    err = ike_parse_payloads(
        &m, h->next, span(datagram.p + IKE_HDR_LEN, datagram.n - IKE_HDR_LEN), IKE_HDR_LEN);
    if (err != CV_OK)
        return err;
    n = ike_error_notify(&m);
    if (ike_find_notify(&m, N_COOKIE) != NULL ||
        (n != NULL && n->type == N_INVALID_KE_PAYLOAD)) {
        err = init_again(k, sa, &m);
    } else if (n != NULL) {
        peer_error(k, sa, n->type);
        err = CV_ERR_PEER_REJECTED;
    } else if (!ike_has(&m, PL_SA) || !ike_has(&m, PL_KE) || !ike_has(&m, PL_NONCE)) {
        return CV_ERR_MALFORMED; /* not authentic: wait for a better one */
    } else {
        err = accept_response(k, sa, h, &m, datagram);
    }
    if (err != CV_OK)
        sa_close(k, sa, err, false);
    return err;
}

/* ---- responder ---- */

/* An answer that leaves nothing behind: COOKIE, INVALID_KE_PAYLOAD, NO_PROPOSAL_CHOSEN. */
static void answer_stateless(struct ike *k, const struct ike_hdr *h,
                             const struct ike_path *path, uint16_t type, struct cv_span data)
{
    struct ike_hdr answer = {.version = 0x20, .exchange = EX_SA_INIT, .flags = IKE_F_RESPONSE};
    struct init_writer x;

    memcpy(answer.spi_i, h->spi_i, IKE_SPI_LEN);
    if (writer_begin(k, &x, &answer) != CV_OK)
        return;
    ike_put_notify(&x.chain, 0, span(NULL, 0), type, data);
    if (writer_end(k, &x) != CV_OK)
        return;
    send_unprotected(k, path, x.slot);
    msg_unref(&k->msgs, &x.slot);
}

/* From the threshold on until half of it is left, so that one half-open SA more or less
 * does not switch to and fro. */
void cookies_note_load(struct ike *k)
{
    uint32_t least =
        k->cookies_on ? (k->set.cookie_threshold + 1) / 2 : k->set.cookie_threshold;
    bool load = k->n_half_open >= least;
    struct cv_effect *fx;

    if (load == k->cookies_on)
        return;
    k->cookies_on = load;
    fx = event_put(k, CV_EV_COOKIES, NULL, CV_OK);
    if (fx != NULL)
        fx->u.event.value = load;
}

/* Under load a request must prove that it comes from where it says. */
static enum cv_err cookie_gate(struct ike *k, const struct ike_hdr *h, const struct ike_msg *m,
                               const struct ike_path *path)
{
    const struct ike_notify *n = ike_find_notify(m, N_COOKIE);
    uint8_t cookie[COOKIE_LEN];
    enum cv_err err;

    cookies_note_load(k);
    if (!k->cookies_on)
        return CV_OK;
    err = cookie_refresh(&k->cookies, k->crypto, k->now_ms);
    if (err != CV_OK)
        return err;
    if (n != NULL &&
        cookie_check(&k->cookies, k->crypto, n->data, m->nonce, &path->remote, h->spi_i))
        return CV_OK;
    err = cookie_make(cookie, &k->cookies, k->crypto, m->nonce, &path->remote, h->spi_i);
    if (err == CV_OK)
        answer_stateless(k, h, path, N_COOKIE, span(cookie, sizeof(cookie)));
    return CV_ERR_IKE_COOKIE;
}

static enum cv_err write_response(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                                  const struct proposal_choice *choice)
{
    struct ike_hdr h = {.version = 0x20, .exchange = EX_SA_INIT, .flags = IKE_F_RESPONSE};
    struct init_writer x;
    enum cv_err err;

    memcpy(h.spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->spi_r, IKE_SPI_LEN);
    err = writer_begin(k, &x, &h);
    if (err != CV_OK)
        return err;
    ike_payload_begin(&x.chain, PL_SA);
    proposal_put_answer(&x.w, choice, span(NULL, 0), true);
    ike_payload_end(&x.chain);
    ike_put_ke(&x.chain, hs->ke->id, span(hs->ke_pub, hs->ke->pub_len));
    ike_put_payload(&x.chain, PL_NONCE, span(hs->nr, hs->nr_len));
    put_abilities(k, &x.chain, sa);
    if (sa->conn->send_certreq && sa->conn->certreq.n > 0) {
        ike_payload_begin(&x.chain, PL_CERTREQ);
        wr_u8(&x.w, 4); /* X.509 certificate, signature */
        wr_span(&x.w, sa->conn->certreq);
        ike_payload_end(&x.chain);
    }
    ike_put_notify(&x.chain, 0, span(NULL, 0), N_CHILDLESS_IKEV2_SUPPORTED, span(NULL, 0));
    err = writer_end(k, &x);
    if (err != CV_OK)
        return err;
    hs->init_ours = sa->resp = x.slot;
    msg_ref(&k->msgs, x.slot);
    sa->resp_ms = k->now_ms;
    return CV_OK;
}

/* Fills a new responder's SA; the caller throws it away on error. */
static enum cv_err fill_responder(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                                  const struct ike_msg *m, struct cv_span datagram,
                                  const struct proposal_choice *choice)
{
    enum cv_err err = sa_take_hs(k, sa);
    struct ike_hs *hs = sa_hs(k, sa);

    if (err != CV_OK)
        return err;
    memcpy(sa->spi_i, h->spi_i, IKE_SPI_LEN);
    sa->suite = choice->suite;
    hs->init_peer = msg_copy_or_evict(k, datagram);
    if (hs->init_peer == POOL_NONE)
        return CV_ERR_FULL;
    memcpy(hs->ni, m->nonce.p, m->nonce.n);
    hs->ni_len = (uint16_t)m->nonce.n;
    hs->nr_len = NONCE_LEN;
    if (!ike_random(k, hs->nr, NONCE_LEN))
        return CV_ERR_CRYPTO;
    note_abilities(k, sa, hs, m, (const uint8_t[IKE_SPI_LEN]){0});
    err = new_ke(k, hs, choice->suite.ke);
    if (err == CV_OK)
        err = derive_keys(k, sa, hs, m->ke_data);
    if (err == CV_OK)
        err = write_response(k, sa, hs, choice);
    return err;
}

static enum cv_err accept_request(struct ike *k, const struct ike_hdr *h,
                                  const struct ike_msg *m, struct cv_span datagram,
                                  const struct ike_path *path)
{
    const struct cv_conn *conn = NULL;
    struct proposal_choice choice;
    struct ike_sa *sa;
    enum cv_err err = ike_check_sa(m->sa);

    if (err != CV_OK)
        return err;
    err = conn_for_init(k, path, m->sa, m->ke_group, &conn, &choice);
    if (err == CV_ERR_NO_PROPOSAL || err == CV_ERR_NO_CONN)
        answer_stateless(k, h, path, N_NO_PROPOSAL_CHOSEN, span(NULL, 0));
    if (err != CV_OK)
        return err;
    if (choice.suite.ke != m->ke_group) { /* RFC 7296 section 1.3 */
        uint8_t group[2] = {(uint8_t)(choice.suite.ke >> 8), (uint8_t)choice.suite.ke};

        answer_stateless(k, h, path, N_INVALID_KE_PAYLOAD, span(group, 2));
        return CV_ERR_KE_GROUP;
    }
    /* Half-open SAs must not take the room that others need to finish. */
    if (!msg_make_room(k, msg_reserve(k) + INIT_MESSAGES))
        return CV_ERR_FULL;
    sa = sa_new(k, conn, false);
    if (sa == NULL)
        return CV_ERR_FULL;
    sa->local = path->local;
    sa->remote = path->remote;
    sa->carrier = path->carrier;
    err = fill_responder(k, sa, h, m, datagram, &choice);
    if (err == CV_OK && !sa_set_half_open(k, sa))
        err = CV_ERR_FULL;
    if (err != CV_OK) {
        sa->quiet = true;
        sa_close(k, sa, err, false);
        return err;
    }
    sa->state = ST_R_INIT;
    sa->next_in = 1;
    send_again(k, sa, sa->resp);
    sa_arm(k, sa);
    return CV_OK;
}

/* The same IKE_SA_INIT request again gets the same response (RFC 7296 section 2.1). */
static bool is_repeat(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
                      const struct ike_path *path)
{
    struct ike_sa *sa = half_open_find(k, h->spi_i, &path->remote.addr);

    if (sa == NULL)
        return false;
    if (sa->state == ST_R_INIT &&
        span_equal(msg_octets(&k->msgs, sa_hs(k, sa)->init_peer), datagram))
        send_again(k, sa, sa->resp);
    return true;
}

static enum cv_err init_request(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
                                const struct ike_path *path)
{
    static const uint8_t zero[IKE_SPI_LEN];
    struct ike_msg m;
    enum cv_err err;

    if (h->msg_id != 0 || memcmp(h->spi_r, zero, IKE_SPI_LEN) != 0 ||
        memcmp(h->spi_i, zero, IKE_SPI_LEN) == 0 || !(h->flags & IKE_F_INITIATOR))
        return CV_ERR_MALFORMED;
    if (is_repeat(k, h, datagram, path))
        return CV_ERR_IKE_RETRANSMIT;
    err = ike_parse_payloads(
        &m, h->next, span(datagram.p + IKE_HDR_LEN, datagram.n - IKE_HDR_LEN), IKE_HDR_LEN);
    if (err == CV_ERR_CRITICAL)
        answer_stateless(k, h, path, N_UNSUPPORTED_CRITICAL_PAYLOAD, span(&m.critical_type, 1));
    if (err != CV_OK)
        return err;
    if (!ike_has(&m, PL_SA) || !ike_has(&m, PL_KE) || !ike_has(&m, PL_NONCE))
        return CV_ERR_MALFORMED;
    err = cookie_gate(k, h, &m, path);
    if (err != CV_OK)
        return err;
    if (half_open_from(k, &path->remote.addr) >= k->set.block_threshold)
        return CV_ERR_FULL;
    return accept_request(k, h, &m, datagram, path);
}

enum cv_err init_input(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
                       const struct ike_path *path)
{
    if (h->flags & IKE_F_RESPONSE) {
        struct ike_hdr own = *h;
        struct ike_sa *sa;
        enum cv_err err = init_response(k, h, datagram, path);

        memset(own.spi_r, 0, IKE_SPI_LEN);
        sa = sa_find(k, &own);
        if (sa != NULL)
            sa_run(k, sa);
        return err;
    }
    return init_request(k, h, datagram, path);
}
