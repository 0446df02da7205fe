/* IKE_SA_INIT as the responder; RFC 7296 sections 1.2, 2.1, 2.6, 2.7.
 *
 * Invariant: no state is kept before the message is acceptable and, under load, carries a
 * valid cookie.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ike/auth.h"
#include "ike/init.h"
#include "ike/redirect.h"
#include "ike/yield.h"

enum {
    INIT_MESSAGES = 2, /* that a half-open SA keeps: both IKE_SA_INIT */
    /* What an address that is only claimed gets for what came from there: a few octets more, as
     * with the certificate authority that we ask for, and so many answers to one message.  An
     * honest peer repeats itself five times (RFC 7296 section 2.4 says no number). */
    UNPROVEN_MORE = 64,
    UNPROVEN_ANSWERS = 8
};

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
    core_count(&k->core, NULL, &(struct counted){EX_SA_INIT, false, true});
    send_unprotected(k, path, x.slot);
    msg_unref(&k->core.msgs, &x.slot);
}

/* Does it bring a cookie of ours, and so come from where it says? */
static bool is_proven(struct ike *k, const struct ike_in *in)
{
    const struct ike_notify *n = ike_find_notify(in->m, N_COOKIE);

    return n != NULL &&
           cookie_refresh(&k->core.cookies, k->core.crypto, k->core.now_ms) == CV_OK &&
           cookie_check(&k->core.cookies, k->core.crypto, n->data, in->m->nonce,
                        &in->path->remote, in->h->spi_i);
}

enum cv_err init_ask_cookie(struct ike *k, const struct ike_in *in)
{
    uint8_t cookie[COOKIE_LEN];
    enum cv_err err = cookie_refresh(&k->core.cookies, k->core.crypto, k->core.now_ms);

    if (err == CV_OK)
        err = cookie_make(cookie, &k->core.cookies, k->core.crypto, in->m->nonce,
                          &in->path->remote, in->h->spi_i);
    if (err != CV_OK)
        return err;
    answer_stateless(k, in->h, in->path, N_COOKIE, span(cookie, sizeof(cookie)));
    return CV_ERR_IKE_COOKIE;
}

static bool may_repeat(struct ike *k, const struct ike_sa *sa)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);

    if (!sa->peer.proven && ++hs->repeats >= UNPROVEN_ANSWERS) {
        hs->repeats = UNPROVEN_ANSWERS;
        k->core.stats.errors[CV_ERR_RATE]++;
        return false;
    }
    return true;
}

static struct ike_sa *half_open_of(struct ike *k, const struct ike_in *in)
{
    return sa_of(half_open_find(&k->core, in->h->spi_i, &in->path->remote.addr));
}

/* The same IKE_SA_INIT request again gets the same response (RFC 7296 section 2.1).  Where
 * cookies are asked for, who has not brought one has to, this time; and another message than
 * the first may have brought it. */
static bool is_repeat(struct ike *k, const struct ike_in *in)
{
    struct ike_sa *sa = half_open_of(k, in);
    bool same;

    if (sa == NULL)
        return false;
    same = sa->state == ST_R_INIT &&
           span_equal(msg_octets(&k->core.msgs, sa_hs(k, sa)->init_peer), in->datagram);
    if (sa->state == ST_R_INIT && !sa->peer.proven &&
        (!same || half_open_wants_cookie(&k->core, &in->path->remote.addr)))
        return false;
    if (same && may_repeat(k, sa))
        send_again(k, sa, sa->resp);
    return true;
}

/* A peer that was answered before cookies were asked for comes again with one.  What it proves
 * with later is this message and no other (RFC 7296 section 2.15), so that the attempt begins
 * anew. Without a cookie the first message stands. */
static enum cv_err take_over(struct ike *k, const struct ike_in *in)
{
    struct ike_sa *sa = half_open_of(k, in);

    if (sa == NULL)
        return CV_OK;
    if (!in->proven)
        return CV_ERR_IKE_RETRANSMIT;
    sa->peer.quiet = true;
    sa_close(k, sa, CV_ERR_REPLACED, false);
    hs_give(k, &sa->hs);
    return CV_OK;
}

enum cv_err init_form(struct ike *k, const struct ike_in *in)
{
    static const uint8_t zero[IKE_SPI_LEN];
    const struct ike_hdr *h = in->h;

    if (h->msg_id != 0 || memcmp(h->spi_r, zero, IKE_SPI_LEN) != 0 ||
        memcmp(h->spi_i, zero, IKE_SPI_LEN) == 0 || !(h->flags & IKE_F_INITIATOR))
        return CV_ERR_MALFORMED;
    return is_repeat(k, in) ? CV_ERR_IKE_RETRANSMIT : CV_OK;
}

void init_refuse_critical(struct ike *k, const struct ike_in *in, uint8_t type)
{
    if (core_may_answer(&k->core))
        answer_stateless(k, in->h, in->path, N_UNSUPPORTED_CRITICAL_PAYLOAD, span(&type, 1));
}

/* Cookies come before any refusal: what an unproven address does counts against nobody. */
enum cv_err init_gate(struct ike *k, struct ike_in *in)
{
    const struct ike_msg *m = in->m;
    const struct cv_addr *from = &in->path->remote.addr;
    enum cv_err err;

    if (!ike_has(m, PL_SA) || !ike_has(m, PL_KE) || !ike_has(m, PL_NONCE))
        return CV_ERR_MALFORMED;
    in->proven = is_proven(k, in);
    if (!in->proven && half_open_wants_cookie(&k->core, from))
        return init_ask_cookie(k, in);
    err = take_over(k, in);
    if (err != CV_OK)
        return err;
    if (!in->proven)
        half_open_note_answer(&k->core);
    if (in->proven && half_open_from(&k->core, from) >= k->core.set.block_threshold) {
        limit_met(&k->core, CV_LIMIT_SOURCE);
        return CV_ERR_FULL;
    }
    /* Half-open SAs must not take the room that others need to finish. */
    return yield_for_newcomer(k, from) && msg_make_room(k, msg_reserve(k) + INIT_MESSAGES)
               ? CV_OK
               : CV_ERR_FULL;
}

/* ---- the request ---- */

/* The connection and the suite, or the notify that says why not. */
static enum cv_err choose(const struct ike *k, const struct ike_in *in, struct ike_out *out,
                          struct ike_change *ch, struct proposal_choice *choice)
{
    const struct ike_msg *m = in->m;
    uint8_t group[2];
    enum cv_err err = ike_check_sa(m->sa);

    if (err != CV_OK)
        return err;
    err = conn_for_init(&k->core, &in->path->local.addr, &in->path->remote.addr, m->sa,
                        m->ke_group, &ch->conn, choice);
    if (err == CV_ERR_NO_PROPOSAL || err == CV_ERR_NO_CONN)
        out_reject(out, ch, CV_ERR_NO_PROPOSAL, span(NULL, 0));
    if (err == CV_OK && choice->spi.n != 0) { /* RFC 7296 section 3.3.1: it is in the header */
        out_reject(out, ch, CV_ERR_NO_PROPOSAL, span(NULL, 0));
        return CV_ERR_NO_PROPOSAL;
    }
    if (err == CV_OK && redirect_put_init(ch->conn, m, out, ch))
        return CV_ERR_REDIRECTED;
    if (err != CV_OK || choice->suite.ke == m->ke_group)
        return err;
    group[0] = (uint8_t)(choice->suite.ke >> 8); /* RFC 7296 section 1.3 */
    group[1] = (uint8_t)choice->suite.ke;
    out_reject(out, ch, CV_ERR_KE_GROUP, span(group, sizeof(group)));
    return CV_ERR_KE_GROUP;
}

/* Our half of the key exchange, and the SA's keys. */
static enum cv_err make_keys(const struct ike *k, const struct ike_msg *m,
                             struct ike_change *ch, uint8_t *answer)
{
    const struct cv_ke *ke = crypto_ke(k->core.crypto, ch->ike.suite.ke);
    uint8_t secret[CV_KE_SECRET_MAX];
    enum cv_err err;

    if (ke == NULL)
        return CV_ERR_UNSUPPORTED;
    if (!core_random(&k->core, ch->nonce, NONCE_LEN))
        return CV_ERR_CRYPTO;
    ch->nonce_len = NONCE_LEN;
    err = crypto_encapsulate(ke, m->ke_data, answer, secret);
    if (err == CV_OK)
        err = init_keys(k, ch, span(secret, ke->secret_len), m->nonce,
                        span(ch->nonce, NONCE_LEN));
    wipe(secret, sizeof(secret));
    return err;
}

static void write_response(const struct ike *k, const struct ike_in *in,
                           const struct ike_change *ch, const struct proposal_choice *choice,
                           const uint8_t *answer, struct ike_out *out)
{
    const struct init_ends ends = {ch->conn,         ch->ike.spi_i,     ch->ike.spi_r,
                                   &in->path->local, &in->path->remote, in->m};
    const struct cv_ke *ke = crypto_ke(k->core.crypto, ch->ike.suite.ke);

    ike_payload_begin(&out->chain, PL_SA);
    proposal_put_answer(&out->w, choice, span(NULL, 0), true);
    ike_payload_end(&out->chain);
    ike_put_ke(&out->chain, ke->id, span(answer, ke->answer_len));
    ike_put_payload(&out->chain, PL_NONCE, span(ch->nonce, ch->nonce_len));
    init_put_abilities(k, &out->chain, &ends);
    auth_put_certreq(ch->conn, out);
    ike_put_notify(&out->chain, 0, span(NULL, 0), N_CHILDLESS_IKEV2_SUPPORTED, span(NULL, 0));
}

enum cv_err init_request(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                         struct ike_out *out, struct ike_change *ch)
{
    struct proposal_choice choice;
    uint8_t answer[CV_KE_PUB_MAX];
    enum cv_err err = choose(k, in, out, ch, &choice);

    (void)sa; /* there is none */
    if (err != CV_OK)
        return err;
    if (!peer_has_room(&k->core))
        return CV_ERR_FULL;
    if (!peer_fresh_spi(&k->core, ch->ike.spi_r))
        return CV_ERR_CRYPTO;
    memcpy(ch->ike.spi_i, in->h->spi_i, IKE_SPI_LEN);
    ch->ike.suite = choice.suite;
    err = make_keys(k, in->m, ch, answer);
    if (err == CV_OK)
        write_response(k, in, ch, &choice, answer, out);
    return err;
}

/* ---- commit ---- */

/* What a handler wrote, as a whole message outside of SK in the buffer *slot. */
static enum cv_err wrap(struct ike *k, const struct ike_in *in,
                        const uint8_t spi_r[IKE_SPI_LEN], const struct ike_out *out,
                        uint32_t *slot)
{
    struct ike_hdr h = {.version = 0x20,
                        .exchange = EX_SA_INIT,
                        .flags = IKE_F_RESPONSE,
                        .next = out->chain.first};
    struct plain x;
    enum cv_err err;

    memcpy(h.spi_i, in->h->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, spi_r, IKE_SPI_LEN);
    err = plain_begin(&x, &k->core.msgs, *slot, &h);
    if (err != CV_OK)
        return err;
    wr_span(&x.w, wr_done(&out->w));
    err = plain_end(&x, &k->core.msgs);
    if (err == CV_OK)
        core_count(&k->core, NULL, &(struct counted){EX_SA_INIT, false, true});
    *slot = x.slot;
    return err;
}

void init_send_stateless(struct ike *k, const struct ike_in *in, const struct ike_out *out)
{
    uint32_t slot = msg_new(&k->core.msgs); /* drops nobody's response */

    if (wrap(k, in, (const uint8_t[IKE_SPI_LEN]){0}, out, &slot) != CV_OK)
        return;
    send_unprotected(k, in->path, slot);
    msg_unref(&k->core.msgs, &slot);
}

/* Fills a new responder's SA; the caller throws it away on error. */
static enum cv_err fill(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                        const struct ike_change *ch, const struct ike_out *out)
{
    enum cv_err err = sa_take_hs(k, sa);
    struct ike_hs *hs = sa_hs_mut(k, sa);

    if (err != CV_OK)
        return err;
    memcpy(sa->peer.spi_i, in->h->spi_i, IKE_SPI_LEN);
    sa->peer.local = in->path->local;
    sa->peer.remote = in->path->remote;
    peer_link_way(&k->core, &sa->peer);
    sa->peer.carrier = in->path->carrier;
    sa->peer.proven = in->proven;
    memcpy(hs->ni, in->m->nonce.p, in->m->nonce.n);
    hs->ni_len = (uint16_t)in->m->nonce.n;
    memcpy(hs->nr, ch->nonce, ch->nonce_len);
    hs->nr_len = ch->nonce_len;
    hs->ke = crypto_ke(k->core.crypto, ch->ike.suite.ke);
    (void)init_note_abilities(k, sa, hs, in->m, (const uint8_t[IKE_SPI_LEN]){0});
    init_commit_keys(sa, hs, ch);
    watched_keys(k, sa);
    hs->init_peer = msg_copy_or_evict(k, in->datagram);
    if (hs->init_peer == POOL_NONE)
        return CV_ERR_FULL;
    hs->init_ours = msg_new_or_evict(k);
    err = wrap(k, in, sa->peer.spi_r, out, &hs->init_ours);
    if (err != CV_OK)
        return err;
    sa->resp = hs->init_ours;
    msg_ref(&k->core.msgs, sa->resp);
    return half_open_add(&k->core, &sa->peer) ? CV_OK : CV_ERR_FULL;
}

enum cv_err init_commit_new(struct ike *k, const struct ike_in *in, const struct ike_change *ch,
                            const struct ike_out *out, struct ike_sa **sa)
{
    enum cv_err err;

    /* Nobody shall have us send a victim more than they send us. */
    if (!in->proven && IKE_HDR_LEN + out->w.n > in->datagram.n + UNPROVEN_MORE)
        return init_ask_cookie(k, in);
    *sa = sa_new_with(k, ch->conn, false, ch->ike.spi_r);
    if (*sa == NULL)
        return CV_ERR_FULL;
    err = fill(k, *sa, in, ch, out);
    if (err != CV_OK) {
        (*sa)->peer.quiet = true;
        sa_close(k, *sa, err, false);
        return err;
    }
    (*sa)->next_in = 1;
    (*sa)->resp_ms = k->core.now_ms;
    watched_sent(k, *sa, in->path, (*sa)->resp);
    send_again(k, *sa, (*sa)->resp);
    return CV_OK;
}
