/* From a datagram to one authentic, whole, parsed message: SPIs, window, decryption,
 * fragments; RFC 7296 sections 2.1 to 2.3, RFC 7383 section 2.6.
 *
 * Invariant: until sk_open has succeeded nothing about an SA has changed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ike/exchange.h"
#include "ike/gather.h"
#include "ike/mobike.h"
#include "ike/plain.h"
#include "ike/sk.h"
#include "wire/ip.h"

enum kind { FRESH_REQUEST, REPEATED_REQUEST, RESPONSE };

/* The host still thinks about IKE_AUTH: the request next_in has come and has no answer yet. */
static bool owes_answer(const struct ike_sa *sa)
{
    return sa->state == ST_R_VERIFY || sa->state == ST_R_SIGN || sa->state == ST_R_ADDRESS;
}

/* The window is one request each way (RFC 7296 section 2.3). */
static enum cv_err classify(const struct ike_sa *sa, const struct ike_hdr *h, enum kind *kind)
{
    if (h->flags & IKE_F_RESPONSE) {
        *kind = RESPONSE;
        return sa->req != POOL_NONE && h->msg_id + 1 == sa->next_out ? CV_OK
                                                                     : CV_ERR_IKE_WINDOW;
    }
    *kind = REPEATED_REQUEST;
    if (owes_answer(sa))
        return h->msg_id == sa->next_in ? CV_OK : CV_ERR_IKE_WINDOW;
    if (h->msg_id + 1 == sa->next_in)
        return CV_OK;
    *kind = FRESH_REQUEST;
    /* RFC 7296 section 2.2: message IDs never start again. */
    return h->msg_id == sa->next_in && sa->next_in != UINT32_MAX ? CV_OK : CV_ERR_IKE_WINDOW;
}

/* What a fresh authentic message tells besides its content: the peer lives, and where.  A
 * repeated one tells nothing: anybody may have recorded it (RFC 7296 section 2.4). */
static void note_alive(struct ike *k, struct ike_sa *sa, enum kind kind,
                       const struct ike_path *path)
{
    bool floats;

    sa->peer.last_in_ms = k->core.now_ms;
    if (sa->mobike) { /* moves by word alone (RFC 4555 section 3.8) */
        if (kind == RESPONSE && sa->state == ST_UP)
            mobike_heard(k, sa, path);
        return;
    }
    if (endpoint_equal(&sa->peer.remote, &path->remote) &&
        endpoint_equal(&sa->peer.local, &path->local))
        return;
    /* RFC 7296 section 2.23: with IKE_AUTH any initiator may go over to port 4500; later only
     * a peer behind a NAT may move without MOBIKE, and only one that is not behind a NAT
     * itself follows it. */
    floats = sa->state == ST_R_INIT && addr_equal(&sa->peer.remote.addr, &path->remote.addr);
    if (!floats && peer_holds_still(&sa->peer))
        return;
    if (half_open_move(&k->core, &sa->peer, &path->remote))
        sa_set_path(k, sa, path);
}

static enum cv_err repeat_response(struct ike *k, struct ike_sa *sa, const struct ike_msg *m,
                                   const struct ike_path *path)
{
    /* RFC 7383 section 2.6.1: fragment 1 alone calls for the response again. */
    if (m->is_skf && m->frag_no != 1)
        return CV_ERR_IKE_RETRANSMIT;
    if (owes_answer(sa) || sa->resp == POOL_NONE)
        return CV_ERR_IKE_PENDING;
    k->core.stats.ike_retransmits++;
    send_response_again(k, sa, path);
    return CV_ERR_IKE_RETRANSMIT;
}

/* An authentic message that is not well-formed inside: RFC 7296 sections 2.5 and 2.21.3. */
static enum cv_err refuse_inner(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                                const struct ike_msg *m, enum cv_err err)
{
    struct ike_change ch = {0};
    struct ike_out o;
    bool response = h->flags & IKE_F_RESPONSE;
    uint8_t type = m->critical_type;

    if (!response) {
        out_begin(k, &o);
        if (err == CV_ERR_CRITICAL)
            out_reject(&o, &ch, CV_ERR_CRITICAL, span(&type, 1));
        else
            out_reject(&o, &ch, CV_ERR_SYNTAX, span(NULL, 0));
        if (send_response(k, sa, h->exchange, NULL, &o) != CV_OK)
            return err; /* as if it had been lost: the peer repeats it */
    }
    if (err != CV_ERR_CRITICAL || h->exchange == EX_AUTH || response)
        sa_close(k, sa, CV_ERR_SYNTAX, !response);
    return err;
}

/* A whole authentic message.  What the host decides on later must outlive the datagram: then a
 * copy is what is parsed. */
static enum cv_err open_inner(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                              struct ike_msg *m, const struct gathered *g,
                              const struct ike_path *path)
{
    struct cv_span plain = g->octets;
    struct ike_in in = {.kind = h->flags & IKE_F_RESPONSE ? RESP : REQ,
                        .exchange = h->exchange,
                        .m = m,
                        .kept = POOL_NONE,
                        .path = path};
    enum cv_err err;

    if (ike_step_keeps(sa, &in)) {
        /* Better no answer now, and the peer asks again, than no room for it half-way. */
        if (msg_make_room(k, msg_reserve(k)))
            in.kept = msg_copy_or_evict(k, plain);
        if (in.kept == POOL_NONE)
            return CV_ERR_FULL;
        plain = msg_octets(&k->core.msgs, in.kept);
    }
    err = ike_parse_payloads(m, g->first, plain, 0);
    if (err == CV_OK && (ike_has(m, PL_SK) || m->is_skf))
        err = CV_ERR_MALFORMED;
    if (err == CV_OK)
        core_count(&k->core, sa->peer.conn,
                   &(struct counted){h->exchange, true, in.kind == RESP});
    watched_protected(k, sa, h, g->first, false, plain);
    err = err == CV_OK ? ike_step(k, sa, &in) : refuse_inner(k, sa, h, m, err);
    msg_unref(&k->core.msgs, &in.kept);
    return err;
}

static enum cv_err protected_input(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                                   uint8_t *p, size_t n, const struct ike_path *path)
{
    struct gathered g = {.whole = true};
    struct ike_algs algs;
    struct ike_msg m;
    enum kind kind = RESPONSE;
    enum cv_err err;

    if (!sa->has_keys || sa->state == ST_DEAD)
        return CV_ERR_UNEXPECTED; /* no keys yet, or no longer */
    err = classify(sa, h, &kind);
    if (err == CV_OK)
        err = ike_parse_payloads(&m, h->next, span_from(span(p, n), IKE_HDR_LEN), IKE_HDR_LEN);
    if (err != CV_OK)
        return err;
    if (!ike_has(&m, PL_SK) && !m.is_skf)
        return CV_ERR_IKE_UNPROTECTED;
    algs = sa_algs(k, sa);
    err = sk_open(p, n, &m, &algs, sa_keys_in(sa), &g.octets);
    if (err == CV_ERR_SYNTAX && kind == FRESH_REQUEST && sa->state != ST_LINGER)
        return refuse_inner(k, sa, h, &m, err);
    if (err != CV_OK)
        return err;

    if (kind == REPEATED_REQUEST)
        return repeat_response(k, sa, &m, path);
    note_alive(k, sa, kind, path);
    if (sa->state == ST_LINGER)
        return CV_ERR_UNEXPECTED;
    g.first = m.sk_next;
    if (m.is_skf)
        err = gather_add(k, sa, h, &m, &g);
    return err == CV_OK && g.whole ? open_inner(k, sa, h, &m, &g, path) : err;
}

/* RFC 7296 section 2.5: a higher major version gets INVALID_MAJOR_VERSION, and a lower
 * one is none of ours. */
static enum cv_err refuse_version(struct ike *k, const struct ike_hdr *h,
                                  const struct ike_path *path)
{
    struct ike_hdr answer = *h;
    struct plain x;

    if (h->version >> 4 < 2 || (h->flags & IKE_F_RESPONSE) || !core_may_answer(&k->core))
        return CV_ERR_VERSION;
    answer.version = 0x20;
    answer.flags =
        (uint8_t)(IKE_F_RESPONSE | (h->flags & IKE_F_INITIATOR ? 0 : IKE_F_INITIATOR));
    if (plain_begin(&x, &k->core.msgs, msg_new(&k->core.msgs), &answer) != CV_OK)
        return CV_ERR_VERSION;
    ike_put_notify(&x.chain, 0, span(NULL, 0), N_INVALID_MAJOR_VERSION, span(NULL, 0));
    if (plain_end(&x, &k->core.msgs) != CV_OK)
        return CV_ERR_VERSION;
    send_unprotected(k, path, x.slot);
    msg_unref(&k->core.msgs, &x.slot);
    return CV_ERR_VERSION;
}

enum cv_err ike_input(struct ike *k, uint8_t *p, size_t n, const struct ike_path *path)
{
    struct ike_hdr h;
    struct ike_sa *sa;
    enum cv_err err = ike_parse_hdr(&h, span(p, n));

    k->core.stats.ike_in++;
    if (err != CV_OK)
        return err;
    if (h.version >> 4 != 2)
        return refuse_version(k, &h, path);
    if (h.exchange == EX_SA_INIT)
        return init_input(k, &h, span(p, n), path);
    sa = sa_find(k, &h);
    if (sa == NULL)
        return CV_ERR_IKE_SPI;
    limit_serve(&k->core, &path->remote, sa->peer.id);
    err = protected_input(k, sa, &h, p, n, path);
    sa_touch(k, sa);
    return err;
}
