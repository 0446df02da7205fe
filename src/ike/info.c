/* INFORMATIONAL: delete and liveness; RFC 7296 sections 1.4, 1.4.1, 2.25.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/mobike.h"
#include "ike/redirect.h"

/* ---- responder ---- */

static bool is_noted(const struct ike_change *ch, uint32_t child)
{
    for (unsigned i = 0; i < ch->n_deleted; i++) {
        if (ch->deleted[i] == child)
            return true;
    }
    return false;
}

/* One Delete payload for ESP or AH: each SPI is what the peer receives on.  The answer names
 * ours, except for those we are deleting ourselves (section 1.4.1). */
static void note_deleted(const struct ike *k, const struct ike_sa *sa,
                         const struct ike_delete *d, struct wr *spis, struct ike_change *ch)
{
    struct rd r = rd_init(d->spis);

    while (rd_left(&r) >= 4 && ch->n_deleted < DELETED_MAX) {
        uint32_t spi = rd_u32(&r);
        const struct child_sa *c = child_by_spi_out(&k->core, &sa->peer, d->protocol, spi);

        if (c == NULL) {
            ch->unknown_spi = spi;
            continue;
        }
        if (is_noted(ch, c->id))
            continue;
        ch->deleted[ch->n_deleted++] = c->id;
        if (sa->doing != DO_DELETE_CHILD || sa->target != c->id)
            wr_u32(spis, c->spi_in);
    }
}

static void answer_delete(const struct ike *k, const struct ike_sa *sa,
                          const struct ike_delete *d, struct ike_out *out,
                          struct ike_change *ch)
{
    uint8_t octets[4 * DELETED_MAX];
    struct wr spis = wr_init(octets, sizeof(octets));

    note_deleted(k, sa, d, &spis, ch);
    if (spis.n > 0)
        ike_put_delete(&out->chain, d->protocol, 4, (uint16_t)(spis.n / 4), wr_done(&spis));
}

enum cv_err info_request(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                         struct ike_out *out, struct ike_change *ch)
{
    const struct ike_msg *m = in->m;
    const struct ike_notify *n = ike_error_notify(m);

    for (unsigned i = 0; i < m->n_del; i++) {
        if (m->del[i].protocol == CV_PROTO_IKE)
            ch->close = CV_ERR_DELETED_BY_PEER;
        else if (m->del[i].spi_len == 4)
            answer_delete(k, sa, &m->del[i], out, ch);
    }
    alert_read(sa, m, ch);
    if (n != NULL && n->type == N_AUTHENTICATION_FAILED) {
        ch->close = CV_ERR_AUTH_REFUSED; /* section 2.21.2: the initiator did not believe us */
        ch->notify = n->type;
        ch->by_peer = true;
    }
    if (sa->peer.first_initiator && sa->state == ST_UP)
        ch->redirects = redirect_read(k, m, &ch->gateway);
    return mobike_request(k, sa, in, out, ch);
}

/* ---- initiator ---- */

enum cv_err info_response(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                          struct ike_out *out, struct ike_change *ch)
{
    (void)out;
    mobike_response(k, sa, in, ch);
    switch (sa->doing) {
    case DO_DELETE_IKE:
        ch->close = sa->peer.reason != CV_OK ? sa->peer.reason : CV_ERR_DELETED_LOCALLY;
        return CV_OK;
    case DO_DELETE_CHILD:
        ch->deleted_ours = true;
        return CV_OK;
    case DO_LIVENESS:
    case DO_ALERT:
    case DO_MOVE:
    case DO_TELL:
    case DO_PROVE:
    case DO_REDIRECT:
        return CV_OK;
    default:
        return CV_ERR_UNEXPECTED;
    }
}

enum cv_err delete_ike_start(struct ike *k, struct ike_sa *sa)
{
    struct ike_out o;
    enum cv_err err;

    out_begin(k, &o);
    ike_put_delete(&o.chain, CV_PROTO_IKE, 0, 0, span(NULL, 0));
    err = send_request(k, sa, EX_INFORMATIONAL, DO_DELETE_IKE, &o);
    if (err == CV_OK && sa->state == ST_UP)
        sa->state = ST_DELETING;
    return err;
}

enum cv_err delete_child_start(struct ike *k, struct ike_sa *sa, struct child_sa *c)
{
    uint8_t spi[4];
    struct wr w = wr_init(spi, sizeof(spi));
    struct ike_out o;
    enum cv_err err;

    wr_u32(&w, c->spi_in);
    out_begin(k, &o);
    ike_put_delete(&o.chain, c->protocol, 4, 1, wr_done(&w));
    err = send_request(k, sa, EX_INFORMATIONAL, DO_DELETE_CHILD, &o);
    if (err != CV_OK)
        return err;
    sa->target = c->id;
    if (c->state != CV_CHILD_REKEYED)
        c->state = CV_CHILD_DELETING;
    child_stop_out(&k->core, c);
    return CV_OK;
}

enum cv_err liveness_start(struct ike *k, struct ike_sa *sa)
{
    struct ike_out o;

    out_begin(k, &o);
    if (sa->mobike && sa->peer.first_initiator) /* RFC 4555 section 3.8 */
        mobike_put_natd(k, sa, &o);
    return send_request(k, sa, EX_INFORMATIONAL, DO_LIVENESS, &o);
}
