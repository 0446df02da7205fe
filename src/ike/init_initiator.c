/* IKE_SA_INIT as the initiator; RFC 7296 sections 1.2, 2.6, 2.6.1, 2.7, 2.23.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ike/init.h"
#include "wire/ip.h"

enum { INIT_ROUNDS_MAX = 6 }; /* cookies and other groups that we follow */

enum cv_err init_start(struct ike *k, struct ike_sa *sa)
{
    enum cv_err err = sa_take_hs(k, sa);
    struct ike_hs *hs = sa_hs_mut(k, sa);

    if (err != CV_OK)
        return err;
    hs->ni_len = NONCE_LEN;
    if (!core_random(&k->core, hs->ni, NONCE_LEN))
        return CV_ERR_CRYPTO;
    err = init_new_ke(k, hs,
                      proposal_first_ke(sa->peer.conn->proposals, sa->peer.conn->n_proposals));
    if (err != CV_OK)
        return err;
    sa->state = ST_I_INIT;
    return init_send(k, sa);
}

enum cv_err init_send(struct ike *k, struct ike_sa *sa)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);
    struct ike_hdr h = {.version = 0x20, .exchange = EX_SA_INIT, .flags = IKE_F_INITIATOR};
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
    init_put_abilities(k, &x.chain, sa);
    err = plain_end(&x, &k->core.msgs);
    if (err != CV_OK)
        return err;
    msg_unref(&k->core.msgs, &hs->init_ours);
    msg_unref(&k->core.msgs, &sa->req);
    core_count_out(&k->core, EX_SA_INIT, false);
    hs->init_ours = sa->req = x.slot;
    msg_ref(&k->core.msgs, x.slot);
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
    struct ike_hs *hs = sa_hs_mut(k, sa);
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
            !proposal_has_ke(sa->peer.conn->proposals, sa->peer.conn->n_proposals, group) ||
            group == hs->ke->id)
            return CV_ERR_KE_GROUP;
        err = init_new_ke(k, hs, group);
    }
    return err == CV_OK ? init_send(k, sa) : err;
}

static void peer_error(struct ike *k, struct ike_sa *sa, uint16_t type)
{
    struct cv_effect *fx =
        event_put(&k->core, CV_EV_PEER_NOTIFY, &sa->peer, err_of_notify(type));

    if (fx != NULL)
        fx->u.event.notify = type;
}

static enum cv_err accept_response(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                                   const struct ike_msg *m, struct cv_span datagram)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);
    struct proposal_choice choice;
    enum cv_err err = ike_check_sa(m->sa);

    if (err == CV_OK)
        err = proposal_check_answer(&choice, sa->peer.conn->proposals,
                                    sa->peer.conn->n_proposals, m->sa, true);
    if (err != CV_OK)
        return err;
    if (choice.protocol != CV_PROTO_IKE || choice.suite.ke != hs->ke->id ||
        m->ke_group != hs->ke->id)
        return CV_ERR_KE_GROUP;
    hs->init_peer = msg_copy_or_evict(k, datagram);
    if (hs->init_peer == POOL_NONE)
        return CV_ERR_FULL;
    sa->suite = choice.suite;
    memcpy(sa->peer.spi_r, h->spi_r, IKE_SPI_LEN);
    memcpy(hs->nr, m->nonce.p, m->nonce.n);
    hs->nr_len = (uint16_t)m->nonce.n;
    init_note_abilities(k, sa, hs, m, h->spi_r);
    err = init_finish_ke(k, sa, hs, m->ke_data);
    if (err != CV_OK)
        return err;
    request_done(k, sa);
    if (sa->peer.encap && sa->peer.carrier == CV_UDP_500) { /* RFC 7296 section 2.23 */
        sa->peer.carrier = CV_UDP_4500;
        sa->peer.local.port = 4500;
        if (sa->peer.remote.port == 500)
            sa->peer.remote.port = 4500;
    }
    return auth_start(k, sa);
}

enum cv_err init_response(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
                          const struct ike_path *path)
{
    static const uint8_t no_spi[IKE_SPI_LEN];
    struct ike_hdr own = *h;
    struct ike_sa *sa;
    struct ike_msg m;
    const struct ike_notify *n;
    enum cv_err err;

    memset(own.spi_r, 0, IKE_SPI_LEN); /* we do not know it yet */
    sa = sa_find(k, &own);
    if (sa == NULL)
        return CV_ERR_IKE_SPI;
    if (sa->state != ST_I_INIT || h->msg_id != 0 ||
        !endpoint_equal(&path->remote, &sa->peer.remote))
        return CV_ERR_UNEXPECTED;
    err = ike_parse_payloads(&m, h->next, span_from(datagram, IKE_HDR_LEN), IKE_HDR_LEN);
    if (err != CV_OK)
        return err;
    core_count_in(&k->core, EX_SA_INIT, true);
    n = ike_error_notify(&m);
    if (ike_find_notify(&m, N_COOKIE) != NULL ||
        (n != NULL && n->type == N_INVALID_KE_PAYLOAD)) {
        err = init_again(k, sa, &m);
    } else if (n != NULL) {
        peer_error(k, sa, n->type);
        err = CV_ERR_PEER_REJECTED;
    } else if (!ike_has(&m, PL_SA) || !ike_has(&m, PL_KE) || !ike_has(&m, PL_NONCE) ||
               memcmp(h->spi_r, no_spi, IKE_SPI_LEN) == 0) {
        return CV_ERR_MALFORMED; /* not authentic: wait for a better one */
    } else {
        err = accept_response(k, sa, h, &m, datagram);
    }
    if (err != CV_OK)
        sa_close(k, sa, err, false);
    sa_arm(k, sa);
    return err;
}
