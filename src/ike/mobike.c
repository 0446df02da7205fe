/* See mobike.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/mobike.h"

#include <string.h>

#include "ike/addr_list.h"
#include "ike/init.h"
#include "ike/roam.h"
#include "wire/ip.h"

enum {
    CLAIM_TRIES = 5, /* questions to where the peer says that it is now */
    COOKIE2_MIN = 8, /* RFC 4555 section 4.2.5 */
    COOKIE2_MAX = 64
};

static const struct cv_span nothing = {NULL, 0};

static void put(struct ike_out *o, uint16_t type, struct cv_span data)
{
    ike_put_notify(&o->chain, 0, nothing, type, data);
}

/* ---- addresses ---- */

static bool may_use(const struct cv_conn *conn, const struct cv_addr *local)
{
    for (unsigned i = 0; i < conn->n_local_addrs; i++)
        if (range_has(&conn->local_addrs[i], local))
            return true;
    return conn->n_local_addrs == 0;
}

/* Ours besides local, as far as conn may be used from there.  False: there are none. */
static bool put_others(const struct ike *k, const struct cv_conn *conn,
                       const struct cv_addr *local, struct ike_out *o)
{
    bool any = false;

    for (unsigned i = 0; i < k->own.n; i++) {
        if (addr_equal(&k->own.a[i], local) || !may_use(conn, &k->own.a[i]))
            continue;
        ike_put_additional_address(&o->chain, &k->own.a[i]);
        any = true;
    }
    return any;
}

/* The peer's, of which those that no host can have are left out.  False: m says nothing. */
static bool read_others(const struct ike_msg *m, struct addr_list *out)
{
    bool said = ike_find_notify(m, N_NO_ADDITIONAL_ADDRESSES) != NULL;
    struct cv_addr all[IKE_NOTIFIES_MAX], a;
    size_t n = 0;

    for (unsigned i = 0; i < m->n_notify; i++) {
        if (!ike_additional_address(&m->notify[i], &a))
            continue;
        said = true;
        all[n++] = a;
    }
    addr_list_take(out, all, n);
    return said;
}

/* ---- IKE_AUTH ---- */

void mobike_announce(const struct ike *k, const struct cv_conn *conn,
                     const struct cv_addr *local, struct ike_out *out)
{
    put(out, N_MOBIKE_SUPPORTED, nothing);
    (void)put_others(k, conn, local, out);
}

void mobike_read_words(struct auth_words *w, const struct ike_msg *m)
{
    w->mobike = ike_find_notify(m, N_MOBIKE_SUPPORTED) != NULL;
    (void)read_others(m, &w->others);
}

/* What the peer of an SA that we began has besides.  Without room it is as if it had not said:
 * the address in use goes on. */
static void keep_peers(struct ike *k, struct ike_sa *sa, const struct addr_list *others)
{
    struct roam *r = others->n > 0 ? roam_take(k, sa) : roam_of_mut(k, sa);

    if (r != NULL)
        r->peers = *others;
    roam_settle(k, sa);
}

void mobike_commit_up(struct ike *k, struct ike_sa *sa)
{
    sa->mobike = true;
    sa->told = k->own_at;
    if (sa->peer.first_initiator)
        keep_peers(k, sa, &sa_hs(k, sa)->words.others);
}

/* ---- what both sides see of each other ---- */

static void put_natd(const struct ike *k, const struct ike_sa *sa,
                     const struct cv_endpoint *local, const struct cv_endpoint *remote,
                     struct ike_out *o)
{
    const struct init_ends ends = {sa->peer.conn, sa->peer.spi_i, sa->peer.spi_r,
                                   local,         remote,         NULL};

    init_put_natd(k, &o->chain, &ends);
}

void mobike_put_natd(const struct ike *k, const struct ike_sa *sa, struct ike_out *out)
{
    put_natd(k, sa, &sa->peer.local, &sa->peer.remote, out);
}

static struct natd_result read_natd(const struct ike *k, const struct ike_sa *sa,
                                    const struct ike_msg *m, const struct cv_endpoint *local,
                                    const struct cv_endpoint *remote)
{
    return natd_check(m, k->core.crypto, sa->peer.spi_i, sa->peer.spi_r, local, remote);
}

/* The peer's word for where it sees us, which is another when a NAT maps us anew; 0: none. */
static uint16_t read_mapping(const struct ike_msg *m)
{
    const struct ike_notify *n = ike_find_notify(m, N_NAT_DETECTION_DESTINATION_IP);
    struct rd r = rd_init(n == NULL ? nothing : n->data);

    return n == NULL ? 0 : rd_u16(&r) | 1;
}

/* Commit: what is between the two may be another NAT, or none. */
static void set_nat(struct ike_sa *sa, const struct natd_result *nat)
{
    if (!nat->present)
        return;
    sa->peer.nat_local = nat->local_nat;
    sa->peer.nat_remote = nat->remote_nat;
    sa->peer.encap = nat->local_nat || nat->remote_nat || sa->peer.conn->encap;
}

static bool carries_ah(const struct ike *k, const struct ike_sa *sa)
{
    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next)
        if (child_at(&k->core, i)->installed && child_at(&k->core, i)->protocol == CV_PROTO_AH)
            return true;
    return false;
}

/* ---- requests ---- */

/* May the peer be there?  Neither where nobody is, nor where we are, nor at an address that is
 * its own inside of the tunnel. */
static enum cv_err judge_path(const struct ike *k, const struct ike_sa *sa,
                              const struct ike_in *in)
{
    const struct ike_notify *no_nats = ike_find_notify(in->m, N_NO_NATS_ALLOWED);
    const struct cv_addr *there = &in->path->remote.addr;

    if (no_nats != NULL && !ike_no_nats_fits(no_nats, &in->path->remote, &in->path->local))
        return CV_ERR_NAT; /* RFC 4555 section 3.9 */
    if (!addr_is_host(there) || !addr_is_host(&in->path->local.addr) ||
        in->path->remote.port == 0 || addr_equal(there, &in->path->local.addr) ||
        addr_list_has(&k->own, there) ||
        addr_is_loopback(there) != addr_is_loopback(&sa->peer.remote.addr) ||
        addr_equal(there, &sa->peer.vip4) || addr_equal(there, &sa->peer.vip6))
        return CV_ERR_PATH;
    return CV_OK;
}

static bool same_way(const struct ike_path *a, const struct ike_path *b)
{
    return endpoint_equal(&a->local, &b->local) && endpoint_equal(&a->remote, &b->remote);
}

/* Section 3.7: a host is sent nothing but a few questions before it has answered from there.
 * Another port is the same host. */
static bool must_prove(const struct ike_sa *sa, const struct ike_path *path)
{
    return !addr_equal(&path->remote.addr, &sa->peer.remote.addr);
}

static enum cv_err update_request(const struct ike *k, const struct ike_sa *sa,
                                  const struct ike_in *in, struct ike_out *out,
                                  struct ike_change *ch)
{
    enum cv_err err = judge_path(k, sa, in);

    if (err != CV_OK) {
        out_reject(out, ch, err, nothing);
        return CV_OK;
    }
    if (must_prove(sa, in->path) && !roam_has_room(k, sa))
        return CV_ERR_FULL; /* as if it had been lost */
    ch->moves = true;
    ch->nat = read_natd(k, sa, in->m, &in->path->local, &in->path->remote);
    return CV_OK;
}

enum cv_err mobike_request(const struct ike *k, const struct ike_sa *sa,
                           const struct ike_in *in, struct ike_out *out, struct ike_change *ch)
{
    const struct ike_notify *cookie = ike_find_notify(in->m, N_COOKIE2);
    enum cv_err err = CV_OK;

    if (!sa->mobike || (sa->state != ST_UP && sa->state != ST_DELETING))
        return CV_OK;
    /* Section 3.5: only who began the IKE SA decides. */
    if (ike_find_notify(in->m, N_UPDATE_SA_ADDRESSES) != NULL && !sa->peer.first_initiator)
        err = update_request(k, sa, in, out, ch);
    if (err != CV_OK)
        return err;
    if (cookie != NULL && cookie->data.n >= COOKIE2_MIN && cookie->data.n <= COOKIE2_MAX)
        put(out, N_COOKIE2, cookie->data);
    if (ch->failed == CV_OK && ike_find_notify(in->m, N_NAT_DETECTION_SOURCE_IP) != NULL)
        put_natd(k, sa, &in->path->local, &in->path->remote, out);
    if (sa->peer.first_initiator && sa->state == ST_UP)
        ch->has_others = read_others(in->m, &ch->others);
    return CV_OK;
}

/* ---- our own exchanges ---- */

enum cv_err move_start(struct ike *k, struct ike_sa *sa)
{
    struct ike_out o;
    enum cv_err err;

    out_begin(k, &o);
    put(&o, N_UPDATE_SA_ADDRESSES, nothing);
    mobike_put_natd(k, sa, &o);
    if (carries_ah(k, sa) && !sa->peer.conn->encap) /* AH passes no NAT */
        ike_put_no_nats(&o.chain, &sa->peer.local, &sa->peer.remote);
    if (!put_others(k, sa->peer.conn, &sa->peer.local.addr, &o) && sa->told != k->own_at)
        put(&o, N_NO_ADDITIONAL_ADDRESSES, nothing);
    err = send_request(k, sa, EX_INFORMATIONAL, DO_MOVE, &o);
    if (err != CV_OK)
        return err;
    sa->want &= (uint16_t) ~(WANT_MOVE | WANT_TELL);
    sa->told = k->own_at;
    return CV_OK;
}

enum cv_err tell_start(struct ike *k, struct ike_sa *sa)
{
    struct ike_out o;
    enum cv_err err;

    out_begin(k, &o);
    if (!put_others(k, sa->peer.conn, &sa->peer.local.addr, &o))
        put(&o, N_NO_ADDITIONAL_ADDRESSES, nothing);
    err = send_request(k, sa, EX_INFORMATIONAL, DO_TELL, &o);
    if (err != CV_OK)
        return err;
    sa->want &= (uint16_t)~WANT_TELL;
    sa->told = k->own_at;
    return CV_OK;
}

enum cv_err prove_start(struct ike *k, struct ike_sa *sa)
{
    struct roam *r = roam_of_mut(k, sa);
    struct ike_out o;
    enum cv_err err;

    sa->want &= (uint16_t)~WANT_PROVE;
    if (r == NULL || !r->claims)
        return CV_OK;
    if (!core_random(&k->core, r->cookie2, COOKIE2_LEN))
        return CV_ERR_CRYPTO;
    r->asked = r->claim;
    out_begin(k, &o);
    put(&o, N_COOKIE2, span(r->cookie2, COOKIE2_LEN));
    err = send_request(k, sa, EX_INFORMATIONAL, DO_PROVE, &o);
    if (err != CV_OK)
        sa->want |= WANT_PROVE;
    return err;
}

/* ---- responses ---- */

static void move_response(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                          struct ike_change *ch)
{
    const struct ike_notify *n = ike_error_notify(in->m);

    if (sa->want & WANT_MOVE) /* what the peer says of is past: it is told again */
        return;
    if (n != NULL) {
        refusal_read(ch, n);
        ch->path_refused = true;
        return;
    }
    ch->nat = read_natd(k, sa, in->m, &sa->peer.local, &sa->peer.remote);
    ch->mapping = read_mapping(in->m);
}

/* RFC 4555 section 3.7: the SA ends when another COOKIE2 comes back, or none. */
static void prove_response(const struct ike *k, const struct ike_sa *sa,
                           const struct ike_in *in, struct ike_change *ch)
{
    const struct roam *r = roam_of(k, sa);
    const struct ike_notify *n = ike_find_notify(in->m, N_COOKIE2);

    if (r == NULL || !r->claims)
        return; /* it was given up */
    if (n == NULL || !span_equal(n->data, span(r->cookie2, COOKIE2_LEN)))
        ch->close = CV_ERR_COOKIE2;
    else
        ch->proven = true;
}

void mobike_response(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                     struct ike_change *ch)
{
    if (sa->state != ST_UP) /* the SA that has replaced this one says it again */
        return;
    if (sa->doing == DO_MOVE) {
        move_response(k, sa, in, ch);
    } else if (sa->doing == DO_PROVE) {
        prove_response(k, sa, in, ch);
    } else if (sa->doing == DO_LIVENESS && sa->mobike && sa->peer.first_initiator) {
        ch->nat = read_natd(k, sa, in->m, &sa->peer.local, &sa->peer.remote);
        ch->mapping = read_mapping(in->m);
    }
}

/* ---- commit ---- */

static void drop_claim(struct ike *k, struct ike_sa *sa)
{
    struct roam *r = roam_of_mut(k, sa);

    sa->want &= (uint16_t)~WANT_PROVE;
    if (r != NULL)
        r->claims = false;
    roam_settle(k, sa);
}

/* The peer has said that it is at path now. */
static void commit_claim(struct ike *k, struct ike_sa *sa, const struct ike_path *path,
                         const struct natd_result *nat)
{
    struct roam *r;

    if (!must_prove(sa, path)) {
        drop_claim(k, sa);
        set_nat(sa, nat);
        sa_set_path(k, sa, path);
        return;
    }
    r = roam_take(k, sa);
    if (r == NULL) /* the handler saw room */
        return;
    r->claims = true;
    r->claim = *path;
    r->nat = *nat;
    sa->want |= WANT_PROVE;
    sa->retry_ms = k->core.now_ms;
    if (sa->req != POOL_NONE) { /* what waits for an answer may have waited in vain */
        send_again(k, sa, sa->req);
        resend_arm(k, sa);
    }
}

static void commit_proven(struct ike *k, struct ike_sa *sa)
{
    const struct roam *r = roam_of(k, sa);
    struct ike_path path;

    if (r == NULL || !r->claims)
        return;
    if (!same_way(&r->asked, &r->claim)) { /* it has moved on since */
        sa->want |= WANT_PROVE;
        return;
    }
    path = r->claim;
    set_nat(sa, &r->nat);
    drop_claim(k, sa);
    sa_set_path(k, sa, &path);
}

/* The answer to where we are now, or whether the peer is there. */
static void commit_seen(struct ike *k, struct ike_sa *sa, const struct ike_change *ch)
{
    const bool same = ch->nat.local_nat == sa->peer.nat_local &&
                      ch->nat.remote_nat == sa->peer.nat_remote &&
                      (sa->mapping == 0 || sa->mapping == ch->mapping);
    const struct ike_path path = {sa->peer.local, sa->peer.remote, sa->peer.carrier};

    if (!ch->nat.present || (sa->want & WANT_MOVE))
        return;
    sa->mapping = ch->mapping;
    if (sa->doing == DO_LIVENESS) {
        if (!same) /* RFC 4555 section 3.8: a NAT has come, has gone, or maps us anew */
            sa->want |= WANT_MOVE;
        return;
    }
    if (ch->nat.local_nat == sa->peer.nat_local && ch->nat.remote_nat == sa->peer.nat_remote)
        return;
    set_nat(sa, &ch->nat);
    sa_set_path(k, sa, &path);
}

static void ask_for_ways(struct ike *k, const struct ike_sa *sa)
{
    (void)event_put(&k->core, CV_EV_WAYS, &sa->peer, CV_OK);
}

static void commit_others(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                          const struct ike_change *ch)
{
    struct addr_list others = {0};

    /* Section 3.6: the address that a message comes from is one of them, too. */
    if (!addr_equal(&in->path->remote.addr, &sa->peer.remote.addr) &&
        addr_is_host(&in->path->remote.addr))
        addr_list_add(&others, &in->path->remote.addr);
    for (unsigned i = 0; i < ch->others.n; i++)
        if (!addr_equal(&ch->others.a[i], &sa->peer.remote.addr))
            addr_list_add(&others, &ch->others.a[i]);
    keep_peers(k, sa, &others);
    ask_for_ways(k, sa);
}

void mobike_commit(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                   const struct ike_change *ch)
{
    if (ch->moves)
        commit_claim(k, sa, in->path, &ch->nat);
    else if (ch->answer)
        commit_seen(k, sa, ch);
    if (ch->proven)
        commit_proven(k, sa);
    if (ch->has_others)
        commit_others(k, sa, in, ch);
    if (ch->path_refused) { /* where we are it does not follow, and where it sends we are not */
        sa->want |= WANT_DELETE;
        sa->peer.reason = ch->failed;
    }
}

void mobike_pass_on(struct ike *k, struct ike_sa *from, struct ike_sa *to)
{
    const struct ike_path path = {from->peer.local, from->peer.remote, from->peer.carrier};

    to->mobike = from->mobike;
    to->told = from->told;
    to->peer.nat_local = from->peer.nat_local;
    to->peer.nat_remote = from->peer.nat_remote;
    to->peer.encap = from->peer.encap;
    if (!endpoint_equal(&from->peer.local, &to->peer.local) ||
        !endpoint_equal(&from->peer.remote, &to->peer.remote))
        sa_set_path(k, to, &path);
    to->want |= from->want & (WANT_MOVE | WANT_TELL | WANT_REDIRECT);
    if (from->doing == DO_MOVE)
        to->want |= WANT_MOVE;
    if (roam_of(k, from) != NULL && roam_of(k, from)->claims)
        to->want |= WANT_PROVE;
    from->want &= (uint16_t) ~(WANT_MOVE | WANT_TELL | WANT_PROVE | WANT_REDIRECT);
    roam_pass_on(k, from, to);
}

/* ---- silence ---- */

void mobike_unanswered(struct ike *k, struct ike_sa *sa)
{
    const struct roam *r = roam_of(k, sa);

    if (!sa->mobike || sa->state != ST_UP)
        return;
    if (r != NULL && r->claims && sa->tries > CLAIM_TRIES)
        drop_claim(k, sa);
    else if (sa->peer.first_initiator && (r == NULL || r->n_ways == 0))
        ask_for_ways(k, sa);
}
