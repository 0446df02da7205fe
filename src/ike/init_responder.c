/* IKE_SA_INIT as the responder; RFC 7296 sections 1.2, 2.1, 2.6, 2.7.
 *
 * Invariant: no state is kept before the message is acceptable and, under load, carries a
 * valid cookie.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ike/init.h"

enum { INIT_MESSAGES = 2 }; /* that a half-open SA keeps: both IKE_SA_INIT */

/* An answer that leaves nothing behind: COOKIE, INVALID_KE_PAYLOAD, NO_PROPOSAL_CHOSEN. */
static void answer_stateless(struct ike *k, const struct ike_hdr *h,
                             const struct ike_path *path, uint16_t type, struct cv_span data)
{
    struct ike_hdr answer = {.version = 0x20, .exchange = EX_SA_INIT, .flags = IKE_F_RESPONSE};
    struct plain x;

    memcpy(answer.spi_i, h->spi_i, IKE_SPI_LEN);
    if (plain_begin(&x, &k->core.msgs, msg_new(&k->core.msgs), &answer) != CV_OK)
        return;
    ike_put_notify(&x.chain, 0, span(NULL, 0), type, data);
    if (plain_end(&x, &k->core.msgs) != CV_OK)
        return;
    core_count_out(&k->core, EX_SA_INIT, true);
    send_unprotected(k, path, x.slot);
    msg_unref(&k->core.msgs, &x.slot);
}

/* Under load a request must prove that it comes from where it says. */
static enum cv_err cookie_gate(struct ike *k, const struct ike_hdr *h, const struct ike_msg *m,
                               const struct ike_path *path)
{
    const struct ike_notify *n = ike_find_notify(m, N_COOKIE);
    uint8_t cookie[COOKIE_LEN];
    enum cv_err err;

    half_open_note_load(&k->core);
    if (!k->core.half_open.is_load)
        return CV_OK;
    err = cookie_refresh(&k->core.cookies, k->core.crypto, k->core.now_ms);
    if (err != CV_OK)
        return err;
    if (n != NULL && cookie_check(&k->core.cookies, k->core.crypto, n->data, m->nonce,
                                  &path->remote, h->spi_i))
        return CV_OK;
    err = cookie_make(cookie, &k->core.cookies, k->core.crypto, m->nonce, &path->remote,
                      h->spi_i);
    if (err == CV_OK)
        answer_stateless(k, h, path, N_COOKIE, span(cookie, sizeof(cookie)));
    return CV_ERR_IKE_COOKIE;
}

static enum cv_err write_response(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                                  const struct proposal_choice *choice)
{
    struct ike_hdr h = {.version = 0x20, .exchange = EX_SA_INIT, .flags = IKE_F_RESPONSE};
    struct plain x;
    enum cv_err err;

    memcpy(h.spi_i, sa->peer.spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, sa->peer.spi_r, IKE_SPI_LEN);
    err = plain_begin(&x, &k->core.msgs, msg_new_or_evict(k), &h);
    if (err != CV_OK)
        return err;
    ike_payload_begin(&x.chain, PL_SA);
    proposal_put_answer(&x.w, choice, span(NULL, 0), true);
    ike_payload_end(&x.chain);
    ike_put_ke(&x.chain, hs->ke->id, span(hs->ke_pub, hs->ke->answer_len));
    ike_put_payload(&x.chain, PL_NONCE, span(hs->nr, hs->nr_len));
    init_put_abilities(k, &x.chain, sa);
    if (sa->peer.conn->send_certreq && sa->peer.conn->certreq.n > 0) {
        ike_payload_begin(&x.chain, PL_CERTREQ);
        wr_u8(&x.w, 4); /* X.509 certificate, signature */
        wr_span(&x.w, sa->peer.conn->certreq);
        ike_payload_end(&x.chain);
    }
    ike_put_notify(&x.chain, 0, span(NULL, 0), N_CHILDLESS_IKEV2_SUPPORTED, span(NULL, 0));
    err = plain_end(&x, &k->core.msgs);
    if (err != CV_OK)
        return err;
    core_count_out(&k->core, EX_SA_INIT, true);
    hs->init_ours = sa->resp = x.slot;
    msg_ref(&k->core.msgs, x.slot);
    sa->resp_ms = k->core.now_ms;
    return CV_OK;
}

/* Fills a new responder's SA; the caller throws it away on error. */
static enum cv_err fill_responder(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                                  const struct ike_msg *m, struct cv_span datagram,
                                  const struct proposal_choice *choice)
{
    enum cv_err err = sa_take_hs(k, sa);
    struct ike_hs *hs = sa_hs_mut(k, sa);

    if (err != CV_OK)
        return err;
    memcpy(sa->peer.spi_i, h->spi_i, IKE_SPI_LEN);
    sa->suite = choice->suite;
    hs->init_peer = msg_copy_or_evict(k, datagram);
    if (hs->init_peer == POOL_NONE)
        return CV_ERR_FULL;
    memcpy(hs->ni, m->nonce.p, m->nonce.n);
    hs->ni_len = (uint16_t)m->nonce.n;
    hs->nr_len = NONCE_LEN;
    if (!core_random(&k->core, hs->nr, NONCE_LEN))
        return CV_ERR_CRYPTO;
    init_note_abilities(k, sa, hs, m, (const uint8_t[IKE_SPI_LEN]){0});
    err = init_answer_ke(k, sa, hs, m->ke_data);
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
    err = conn_for_init(&k->core, &path->local.addr, &path->remote.addr, m->sa, m->ke_group,
                        &conn, &choice);
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
    sa->peer.local = path->local;
    sa->peer.remote = path->remote;
    sa->peer.carrier = path->carrier;
    err = fill_responder(k, sa, h, m, datagram, &choice);
    if (err == CV_OK && !half_open_add(&k->core, &sa->peer))
        err = CV_ERR_FULL;
    if (err != CV_OK) {
        sa->peer.quiet = true;
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
    struct ike_sa *sa = sa_of(half_open_find(&k->core, h->spi_i, &path->remote.addr));

    if (sa == NULL)
        return false;
    if (sa->state == ST_R_INIT &&
        span_equal(msg_octets(&k->core.msgs, sa_hs(k, sa)->init_peer), datagram))
        send_again(k, sa, sa->resp);
    return true;
}

enum cv_err init_request(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
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
    err = ike_parse_payloads(&m, h->next, span_from(datagram, IKE_HDR_LEN), IKE_HDR_LEN);
    if (err == CV_ERR_CRITICAL)
        answer_stateless(k, h, path, N_UNSUPPORTED_CRITICAL_PAYLOAD, span(&m.critical_type, 1));
    if (err != CV_OK)
        return err;
    if (!ike_has(&m, PL_SA) || !ike_has(&m, PL_KE) || !ike_has(&m, PL_NONCE))
        return CV_ERR_MALFORMED;
    core_count_in(&k->core, EX_SA_INIT, false);
    err = cookie_gate(k, h, &m, path);
    if (err != CV_OK)
        return err;
    if (half_open_from(&k->core, &path->remote.addr) >= k->core.set.block_threshold)
        return CV_ERR_FULL;
    return accept_request(k, h, &m, datagram, path);
}
