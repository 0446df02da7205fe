/* Sealing, sending, repeating; RFC 7296 sections 2.1 to 2.4, RFC 7383 section 2.5.
 *
 * Invariant: sa->req is the one request that is not answered yet, sa->resp the last
 * response; both are repeated octet for octet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ike/exchange.h"
#include "ike/roam.h"
#include "ike/sk.h"

enum { UDP4_HDR = 28, UDP6_HDR = 48, MARKER_LEN = 4 };

void out_begin(struct ike *k, struct ike_out *o)
{
    o->w = wr_init(k->core.scratch_out, k->core.set.limits.message_size);
    o->chain = ike_chain_init(&o->w, SIZE_MAX);
}

void out_reject(struct ike_out *o, struct ike_change *ch, enum cv_err err, struct cv_span data)
{
    ch->failed = err;
    ch->notify = notify_of_err(err);
    if (ch->notify == N_INVALID_SYNTAX && ch->close == CV_OK)
        ch->close = err; /* fatal for both sides: RFC 7296 sections 2.21.2 and 2.21.3 */
    ike_put_notify(&o->chain, 0, span(NULL, 0), ch->notify, data);
}

static enum cv_err seal_whole(struct ike *k, const struct ike_sa *sa,
                              const struct sk_message *m, struct msg *b)
{
    const struct ike_algs algs = sa_algs(k, sa);
    struct wr w = wr_init(b->data, k->core.msgs.cap);
    enum cv_err err;
    size_t at;

    msg_part_begin(&w, &at);
    err = sk_seal(&w, k->core.crypto, &algs, sa_keys_out(sa), m);
    if (err != CV_OK)
        return err;
    msg_part_end(&w, at, b);
    return wr_ok(&w) ? CV_OK : CV_ERR_TOO_BIG;
}

/* Each fragment takes at most room octets of the whole message m. */
static enum cv_err seal_fragments(struct ike *k, const struct ike_sa *sa,
                                  const struct sk_message *m, size_t room, struct msg *b)
{
    const struct ike_algs algs = sa_algs(k, sa);
    struct wr w = wr_init(b->data, k->core.msgs.cap);
    struct rd r = rd_init(m->plain);
    size_t total = (m->plain.n + room - 1) / room;
    struct sk_message f = *m;

    if (total > FRAGS_MAX)
        return CV_ERR_TOO_BIG;
    f.total = (uint16_t)total;
    for (f.no = 1; f.no <= f.total; f.no++) {
        enum cv_err err;
        size_t at;

        f.first = f.no == 1 ? m->first : 0;
        f.plain = rd_take(&r, rd_left(&r) < room ? rd_left(&r) : room);
        msg_part_begin(&w, &at);
        err = sk_seal_fragment(&w, k->core.crypto, &algs, sa_keys_out(sa), &f);
        if (err != CV_OK)
            return err;
        msg_part_end(&w, at, b);
    }
    return wr_ok(&w) ? CV_OK : CV_ERR_TOO_BIG;
}

/* Seals o's plaintext into a new message buffer, in fragments when it is too large. */
static enum cv_err seal(struct ike *k, const struct ike_sa *sa, uint8_t exchange, bool response,
                        uint32_t msg_id, const struct ike_out *o, uint32_t *out)
{
    struct sk_message m = {
        .hdr = {.version = 0x20, .exchange = exchange, .msg_id = msg_id},
        .first = o->chain.first,
        .plain = wr_done(&o->w)
    };
    const struct ike_algs algs = sa_algs(k, sa);
    size_t udp = sa->peer.remote.addr.family == CV_IPV6 ? UDP6_HDR : UDP4_HDR;
    size_t max = k->core.set.fragment_size - udp - MARKER_LEN, room;
    uint32_t i = msg_new_or_evict(k);
    enum cv_err err;

    *out = POOL_NONE;
    if (i == POOL_NONE)
        return CV_ERR_FULL;
    memcpy(m.hdr.spi_i, sa->peer.spi_i, IKE_SPI_LEN);
    memcpy(m.hdr.spi_r, sa->peer.spi_r, IKE_SPI_LEN);
    m.hdr.flags =
        (uint8_t)((sa->peer.initiator ? IKE_F_INITIATOR : 0) | (response ? IKE_F_RESPONSE : 0));
    room = sk_fragment_room(&algs, max);
    if (!wr_ok(&o->w))
        err = CV_ERR_TOO_BIG;
    else if (sa->fragments && room > 0 && m.plain.n + sk_overhead(&algs, false) > max)
        err = seal_fragments(k, sa, &m, room, msg_at(&k->core.msgs, i));
    else
        err = seal_whole(k, sa, &m, msg_at(&k->core.msgs, i));
    if (err == CV_OK)
        watched_protected(k, sa, &m.hdr, m.first, true, m.plain);
    wipe(k->core.scratch_out, o->w.n);
    if (err == CV_OK)
        core_count(&k->core, sa->peer.conn, &(struct counted){exchange, false, response});
    else
        msg_unref(&k->core.msgs, &i);
    *out = i;
    return err;
}

/* sa: NULL for a message outside of any. */
static void queue_send(struct ike *k, const struct ike_path *path, const struct ike_sa *sa,
                       uint32_t i)
{
    struct effect_slot *s = effects_put(&k->core.fx, CV_SEND);

    if (s == NULL) {
        k->core.stats.errors[CV_ERR_BUSY]++;
        return; /* as if the network had lost it */
    }
    s->fx.ike = sa == NULL ? 0 : sa->peer.id;
    s->fx.conn = sa == NULL ? NULL : sa->peer.conn;
    s->fx.u.send.local = path->local;
    s->fx.u.send.remote = path->remote;
    s->fx.u.send.carrier = path->carrier;
    s->msg[0] = i;
    msg_ref(&k->core.msgs, i);
    k->core.stats.ike_out++;
}

void send_again(struct ike *k, struct ike_sa *sa, uint32_t i)
{
    struct ike_path paths[CV_WAYS_MAX];
    unsigned n;

    if (i == POOL_NONE)
        return;
    n = roam_paths(k, sa, i, paths);
    for (unsigned p = 0; p < n; p++)
        queue_send(k, &paths[p], sa, i);
    sa->peer.last_out_ms = k->core.now_ms;
}

void send_response_again(struct ike *k, struct ike_sa *sa, const struct ike_path *path)
{
    /* With MOBIKE a request may come by a way that is only tried (RFC 4555 section 3.10); its
     * answer goes back by the same one. */
    if (sa->mobike && path != NULL && path->remote.port != 0 && sa->resp != POOL_NONE) {
        queue_send(k, path, sa, sa->resp);
        sa->peer.last_out_ms = k->core.now_ms;
    } else {
        send_again(k, sa, sa->resp);
    }
}

void send_unprotected(struct ike *k, const struct ike_path *path, uint32_t i)
{
    watched_sent(k, NULL, path, i);
    queue_send(k, path, NULL, i);
}

void send_keepalive(struct ike *k, struct ike_sa *sa)
{
    static const uint8_t keepalive[] = {0xff}; /* RFC 3948 section 2.3 */
    struct effect_slot *s = effects_put(&k->core.fx, CV_SEND);

    if (s == NULL)
        return;
    s->fx.ike = sa->peer.id;
    s->fx.conn = sa->peer.conn;
    s->fx.u.send.local = sa->peer.local;
    s->fx.u.send.remote = sa->peer.remote;
    s->fx.u.send.carrier = sa->peer.carrier;
    s->fx.u.send.data = span(keepalive, sizeof(keepalive));
    sa->peer.last_out_ms = k->core.now_ms;
}

/* The next repetition: base * growth^tries, at most the cap (RFC 7296 section 2.4 asks for
 * increasing intervals). */
void resend_arm(struct ike *k, struct ike_sa *sa)
{
    const bool hurries = roam_hurries(k, sa);
    uint64_t wait = k->core.set.retransmit_ms;

    if (hurries && sa->tries < ROAM_TRIES) {
        const uint64_t soon = (uint64_t)ROAM_MS << sa->tries;

        sa->resend_ms = k->core.now_ms + (soon < wait ? soon : wait);
        return;
    }
    for (unsigned i = hurries ? ROAM_TRIES : 0; i < sa->tries && wait < 3600000; i++)
        wait = wait * k->core.set.retransmit_base_pct / 100;
    if (k->core.set.retransmit_limit_ms != 0 && wait > k->core.set.retransmit_limit_ms)
        wait = k->core.set.retransmit_limit_ms;
    sa->resend_ms = k->core.now_ms + wait;
}

enum cv_err send_request(struct ike *k, struct ike_sa *sa, uint8_t exchange,
                         enum ike_doing doing, const struct ike_out *o)
{
    uint32_t i;
    enum cv_err err = CV_ERR_SEQ_EXHAUSTED; /* RFC 7296 section 2.2: IDs never start again */

    if (sa->next_out != UINT32_MAX)
        err = seal(k, sa, exchange, false, sa->next_out, o, &i);
    if (err != CV_OK)
        return err;
    msg_unref(&k->core.msgs, &sa->req);
    sa->req = i;
    sa->next_out++;
    sa->doing = (uint8_t)doing;
    sa->tries = 0;
    resend_arm(k, sa);
    send_again(k, sa, i);
    return CV_OK;
}

/* The one place where the peer's message ID moves on: when its request has been answered. */
enum cv_err send_response(struct ike *k, struct ike_sa *sa, uint8_t exchange,
                          const struct ike_path *path, const struct ike_out *o)
{
    uint32_t i;
    enum cv_err err = seal(k, sa, exchange, true, sa->next_in, o, &i);

    if (err != CV_OK)
        return err;
    msg_unref(&k->core.msgs, &sa->resp);
    sa->resp = i;
    sa->next_in++;
    sa->resp_ms = k->core.now_ms;
    send_response_again(k, sa, path);
    return CV_OK;
}

void send_parting(struct ike *k, struct ike_sa *sa, uint16_t notify)
{
    struct ike_out o;
    uint32_t i;

    out_begin(k, &o);
    if (notify != 0)
        ike_put_notify(&o.chain, 0, span(NULL, 0), notify, span(NULL, 0));
    ike_put_delete(&o.chain, CV_PROTO_IKE, 0, 0, span(NULL, 0));
    if (seal(k, sa, EX_INFORMATIONAL, false, sa->next_out, &o, &i) != CV_OK)
        return;
    sa->next_out++;
    send_again(k, sa, i);
    msg_unref(&k->core.msgs, &i);
}

void request_done(struct ike *k, struct ike_sa *sa)
{
    msg_unref(&k->core.msgs, &sa->req);
    if (sa->doing == DO_REKEY_IKE)
        k->core.sas_promised--;
    sa->doing = DO_NOTHING;
    sa->tries = 0;
    sa->resend_ms = TIMER_NEVER;
    sa->waits_ms = k->core.now_ms;
}
