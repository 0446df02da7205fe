/* Agreeing on a Child SA: configuration, selectors, proposal, keys, installation; RFC 7296
 * sections 1.2, 1.3, 2.9, 2.17.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ident/id.h"
#include "ike/exchange.h"
#include "wire/ip.h"

enum {
    SPI_LEN = 4,
    DAY_MS = 24 * 60 * 60 * 1000,
    CLOCK_REKEY_MS = 20 * DAY_MS,
    CLOCK_HARD_MS = 24 * DAY_MS /* below 2^31 */
};

/* The addresses that stand for "dynamic" on our side or the peer's. */
static unsigned dynamic_addrs(const struct ike_sa *sa, const struct cv_lease *granted,
                              bool ours, struct cv_addr out[2])
{
    const struct cv_addr *vip4 = granted != NULL ? &granted->v4 : &sa->peer.vip4;
    const struct cv_addr *vip6 = granted != NULL ? &granted->v6 : &sa->peer.vip6;
    bool vip_ours = sa->peer.first_initiator;
    unsigned n = 0;

    if ((vip4->family != 0 || vip6->family != 0) && ours == vip_ours) {
        if (vip4->family != 0)
            out[n++] = *vip4;
        if (vip6->family != 0)
            out[n++] = *vip6;
        return n;
    }
    /* addresses asked for and not known yet: everything, to be narrowed */
    if (ours && sa->peer.first_initiator && sa->peer.conn->n_vips > 0)
        return 0;
    out[0] = ours ? sa->peer.local.addr : sa->peer.remote.addr;
    return 1;
}

static enum cv_err resolve(const struct ike_sa *sa, const struct cv_child_config *cfg,
                           const struct cv_lease *granted, bool ours, struct cv_ts_list *out)
{
    struct cv_addr dyn[2];
    unsigned n = dynamic_addrs(sa, granted, ours, dyn);

    return ours ? ts_resolve(out, cfg->local_ts, cfg->n_local_ts, dyn, n)
                : ts_resolve(out, cfg->remote_ts, cfg->n_remote_ts, dyn, n);
}

static void put_ts(struct ike_out *o, uint8_t payload, const struct cv_ts_list *ts)
{
    ike_payload_begin(&o->chain, payload);
    ike_put_ts_body(&o->w, ts);
    ike_payload_end(&o->chain);
}

static struct cv_span spi_octets(uint32_t spi, uint8_t out[SPI_LEN])
{
    struct wr w = wr_init(out, SPI_LEN);

    wr_u32(&w, spi);
    return wr_done(&w);
}

/* Protocol and SPI of an agreed proposal.  AH does not pass a NAT (RFC 3715 section 2.1). */
static enum cv_err read_protocol(const struct ike_sa *sa, const struct proposal_choice *c,
                                 struct child_plan *plan)
{
    struct rd r = rd_init(c->spi);

    plan->spi_out = rd_u32(&r);
    plan->protocol = c->protocol;
    if (!rd_done(&r) || plan->spi_out <= 255)
        return CV_ERR_NO_PROPOSAL;
    if (c->protocol == CV_PROTO_AH)
        return sa->peer.encap ? CV_ERR_NO_PROPOSAL : CV_OK;
    return c->protocol == CV_PROTO_ESP ? CV_OK : CV_ERR_NO_PROPOSAL;
}

/* Behind a NAT a host names its address as it knows it.  In transport mode the IKE SA's own
 * takes its place, in requests and in answers (RFC 7296 section 2.23.1). */
static void see_address(struct cv_ts_list *ts, const struct cv_addr *seen)
{
    struct cv_ts *t = &ts->ts[0];

    if (ts->n != 1 || t->family != seen->family || memcmp(t->lo, t->hi, sizeof(t->lo)) != 0)
        return;
    memcpy(t->lo, seen->b, sizeof(t->lo));
    memcpy(t->hi, seen->b, sizeof(t->hi));
}

static void see_addresses(const struct ike_sa *sa, struct cv_ts_list *local,
                          struct cv_ts_list *remote)
{
    if (sa->peer.nat_local)
        see_address(local, &sa->peer.local.addr);
    if (sa->peer.nat_remote)
        see_address(remote, &sa->peer.remote.addr);
}

struct child_terms child_terms(const struct ike_msg *m, bool with_ke)
{
    const struct ike_notify *n = ike_error_notify(m);

    return (struct child_terms){
        .any = ike_has(m, PL_SA),
        .whole = ike_has(m, PL_SA) && ike_has(m, PL_TSI) && ike_has(m, PL_TSR),
        .with_ke = with_ke,
        .transport = ike_find_notify(m, N_USE_TRANSPORT_MODE) != NULL,
        .no_padding = ike_find_notify(m, N_ESP_TFC_PADDING_NOT_SUPPORTED) != NULL,
        .ke_group = m->ke_group,
        .refusal = n == NULL ? 0 : n->type,
        .sa = m->sa,
        .tsi = m->tsi,
        .tsr = m->tsr,
    };
}

/* ---- initiator ---- */

/* What we ask for: the configuration's selectors, or those of the SA that is rekeyed, for that
 * is what is there (RFC 7296 section 2.9.2). */
static enum cv_err asked_selectors(const struct ike *k, const struct ike_sa *sa,
                                   const struct child_sa *c, struct cv_ts_list *local,
                                   struct cv_ts_list *remote)
{
    const struct child_sa *old = child_live(&k->core, c->rekeys);
    enum cv_err err = resolve(sa, c->cfg, NULL, true, local);

    if (err == CV_OK)
        err = resolve(sa, c->cfg, NULL, false, remote);
    if (err == CV_OK && old != NULL)
        pair_ts(&k->core, child_index(&k->core, old), local, remote);
    return err;
}

/* RFC 7296 section 3.15.4: who asked for an address and has none does without Child SAs. */
static bool lacks_address(const struct ike_sa *sa)
{
    return sa->state == ST_UP && sa->peer.first_initiator && sa->peer.conn->n_vips > 0 &&
           sa->peer.vip4.family == 0 && sa->peer.vip6.family == 0;
}

enum cv_err child_put_request(const struct ike *k, const struct ike_sa *sa,
                              const struct child_sa *c, bool with_ke, struct ike_out *o)
{
    struct cv_ts_list local, remote;
    uint8_t spi[SPI_LEN];
    enum cv_err err =
        lacks_address(sa) ? CV_ERR_ADDRESS : asked_selectors(k, sa, c, &local, &remote);

    if (err != CV_OK)
        return err;
    if (c->cfg->mode == CV_TRANSPORT)
        ike_put_notify(&o->chain, 0, span(NULL, 0), N_USE_TRANSPORT_MODE, span(NULL, 0));
    ike_payload_begin(&o->chain, PL_SA);
    proposal_put_sa_body(&o->w, c->cfg->proposals, c->cfg->n_proposals,
                         spi_octets(c->spi_in, spi), with_ke);
    ike_payload_end(&o->chain);
    put_ts(o, PL_TSI, &local);
    put_ts(o, PL_TSR, &remote);
    return CV_OK;
}

/* Transport mode was asked for: did the peer agree (RFC 7296 section 1.3.1)? */
static enum cv_err check_mode(bool agreed, const struct cv_child_config *cfg,
                              struct child_plan *plan)
{
    plan->mode = cfg->mode == CV_TRANSPORT && agreed ? CV_TRANSPORT : CV_TUNNEL;
    if (agreed && cfg->mode != CV_TRANSPORT)
        return CV_ERR_SYNTAX;
    return cfg->require_transport && !agreed ? CV_ERR_TS : CV_OK;
}

/* The answer's selectors, which must lie within what we asked for (RFC 7296 section 2.9). */
static enum cv_err read_selectors(const struct ike *k, const struct ike_sa *sa,
                                  const struct child_terms *t, const struct child_sa *c,
                                  struct cv_ts_list *local, struct cv_ts_list *remote)
{
    struct cv_ts_list asked_local, asked_remote;
    enum cv_err err = asked_selectors(k, sa, c, &asked_local, &asked_remote);

    if (err == CV_OK)
        err = ike_parse_ts(local, t->tsi);
    if (err == CV_OK)
        err = ike_parse_ts(remote, t->tsr);
    if (err != CV_OK)
        return err == CV_ERR_LIMIT ? CV_ERR_LIMIT : CV_ERR_SYNTAX;
    if (c->cfg->mode == CV_TRANSPORT && t->transport)
        see_addresses(sa, local, remote);
    return ts_within(local, &asked_local) && ts_within(remote, &asked_remote) ? CV_OK
                                                                              : CV_ERR_TS;
}

enum cv_err child_check(const struct ike *k, const struct ike_sa *sa,
                        const struct child_terms *t, const struct child_sa *c,
                        struct child_plan *plan)
{
    struct cv_ts_list local, remote, ours;
    struct proposal_choice choice;
    enum cv_err err;

    if (!t->whole)
        return CV_ERR_SYNTAX;
    if (ike_check_sa(t->sa) != CV_OK)
        return CV_ERR_SYNTAX;
    err = proposal_check_answer(&choice, c->cfg->proposals, c->cfg->n_proposals, t->sa,
                                t->with_ke);
    if (err == CV_OK)
        err = read_protocol(sa, &choice, plan);
    if (err == CV_OK)
        err = check_mode(t->transport, c->cfg, plan);
    if (err == CV_OK)
        err = read_selectors(k, sa, t, c, &local, &remote);
    /* of what we asked for the part that is for the address we have got since */
    if (err == CV_OK)
        err = resolve(sa, c->cfg, t->granted, true, &ours);
    if (err == CV_OK)
        err = ts_narrow(&plan->local_ts, &ours, &local);
    if (err == CV_OK)
        err = resolve(sa, c->cfg, t->granted, false, &ours);
    if (err == CV_OK)
        err = ts_narrow(&plan->remote_ts, &ours, &remote);
    if (err != CV_OK)
        return err;
    plan->cfg = c->cfg;
    plan->suite = choice.suite;
    plan->no_padding = t->no_padding;
    plan->initiator = true;
    plan->spi_in = c->spi_in;
    plan->created = c->id;
    plan->replaces = c->rekeys;
    plan->rekey = sa->doing == DO_REKEY_CHILD;
    plan->reqid = c->reqid;
    return CV_OK;
}

/* ---- responder ---- */

/* What the peer proposes, from our side.  Of more selectors than a list holds (many) only the
 * payload is there, and they are narrowed one by one. */
struct offer {
    struct cv_ts_list local, remote;
    bool many;
    const struct child_terms *t;
};

static enum cv_err read_offer(const struct child_terms *t, struct offer *out)
{
    enum cv_err remote = ike_parse_ts(&out->remote, t->tsi);
    enum cv_err local = ike_parse_ts(&out->local, t->tsr);

    out->t = t;
    out->many = remote == CV_ERR_LIMIT || local == CV_ERR_LIMIT;
    if ((remote != CV_OK && remote != CV_ERR_LIMIT) ||
        (local != CV_OK && local != CV_ERR_LIMIT))
        return CV_ERR_SYNTAX;
    return CV_OK;
}

static enum cv_err narrow_many(const struct offer *o, const struct cv_ts_list *local,
                               const struct cv_ts_list *remote, struct child_plan *plan)
{
    enum cv_err err = ts_narrow_body(&plan->local_ts, local, o->t->tsr);

    return err != CV_OK ? err : ts_narrow_body(&plan->remote_ts, remote, o->t->tsi);
}

static enum cv_err narrow(const struct ike_sa *sa, const struct offer *o, bool exact,
                          bool transport, struct child_plan *plan)
{
    struct cv_ts_list theirs = o->remote, mine = o->local;
    struct cv_ts_list local = plan->local_ts, remote = plan->remote_ts;

    if (o->many)
        return exact ? CV_ERR_TS : narrow_many(o, &local, &remote, plan);
    if (o->t->transport && transport)
        see_addresses(sa, &mine, &theirs);
    if (ts_narrow(&plan->local_ts, &local, &mine) != CV_OK ||
        ts_narrow(&plan->remote_ts, &remote, &theirs) != CV_OK)
        return CV_ERR_TS;
    if (exact && (!ts_equal(&plan->local_ts, &mine) || !ts_equal(&plan->remote_ts, &theirs)))
        return CV_ERR_TS;
    return CV_OK;
}

/* Does cfg take the offer?  exact: without narrowing. */
static enum cv_err try_config(const struct ike *k, const struct ike_sa *sa,
                              const struct cv_child_config *cfg, const struct offer *offer,
                              bool exact, struct child_plan *plan,
                              struct proposal_choice *choice)
{
    if (resolve(sa, cfg, NULL, true, &plan->local_ts) != CV_OK ||
        resolve(sa, cfg, NULL, false, &plan->remote_ts) != CV_OK ||
        narrow(sa, offer, exact, cfg->mode == CV_TRANSPORT, plan) != CV_OK)
        return CV_ERR_TS;
    plan->cfg = cfg;
    return proposal_select(choice, k->core.crypto, cfg->proposals, cfg->n_proposals,
                           offer->t->sa, offer->t->with_ke, offer->t->ke_group);
}

/* Children may differ in their proposals alone: AH around ESP. */
static enum cv_err choose_config(const struct ike *k, const struct ike_sa *sa,
                                 const struct offer *offer, struct child_plan *plan,
                                 struct proposal_choice *choice)
{
    enum cv_err worst = CV_ERR_TS;

    for (int exact = 1; exact >= 0; exact--) {
        for (unsigned i = 0; i < sa->peer.conn->n_children; i++) {
            const struct cv_child_config *cfg = sa->peer.conn->children[i];
            enum cv_err err;

            if (cfg->mode == CV_TRANSPORT && cfg->require_transport && !offer->t->transport)
                continue;
            err = try_config(k, sa, cfg, offer, exact, plan, choice);
            if (err == CV_ERR_NO_PROPOSAL)
                worst = err;
            else if (err != CV_ERR_TS)
                return err;
        }
    }
    return worst;
}

/* Is what plan protects that of child c, which belongs to somebody else at the same address? */
static bool meets(const struct ike *k, const struct ike_sa *sa, const struct child_plan *plan,
                  const struct child_sa *c)
{
    const struct ike_sa *other = sa_at(k, c->ike);
    struct cv_ts_list local, remote, common;

    if (id_equal(&other->peer.remote_id, &sa->peer.remote_id))
        return false;
    pair_ts(&k->core, child_index(&k->core, c), &local, &remote);
    return ts_narrow(&common, &local, &plan->local_ts) == CV_OK &&
           ts_narrow(&common, &remote, &plan->remote_ts) == CV_OK;
}

/* Two peers behind one NAT look the same in transport mode: what is for one would be sealed for
 * the other (RFC 3948 section 5.2).  The first one keeps its SA. */
static bool is_taken(const struct ike *k, const struct ike_sa *sa,
                     const struct child_plan *plan)
{
    const struct child_sa *c = child_first_at(&k->core, &sa->peer.remote.addr);

    for (; c != NULL; c = child_next_at(&k->core, c)) {
        if (meets(k, sa, plan, c))
            return true;
    }
    return false;
}

/* RFC 7296 section 3.15.4: a child for the address of a pool is not for a peer that took none.
 */
static bool owes_address(const struct ike_sa *sa, const struct cv_child_config *cfg)
{
    bool dynamic = false;

    for (unsigned i = 0; i < cfg->n_remote_ts; i++)
        dynamic = dynamic || cfg->remote_ts[i].dynamic;
    return dynamic && sa->peer.conn->has_pool && !sa->peer.first_initiator &&
           sa->peer.vip4.family == 0 && sa->peer.vip6.family == 0;
}

enum cv_err child_answer(const struct ike *k, const struct ike_sa *sa,
                         const struct child_terms *t, const struct child_sa *old,
                         struct child_plan *plan, struct proposal_choice *choice)
{
    struct offer offer;
    enum cv_err err;

    if (!t->whole)
        return CV_ERR_SYNTAX;
    if (ike_check_sa(t->sa) != CV_OK || read_offer(t, &offer) != CV_OK)
        return CV_ERR_SYNTAX;
    /* one device, however authentic, does not get every slot */
    if (k->core.children.used == k->core.children.cap ||
        (old == NULL && sa->peer.n_children >= k->core.set.children_max))
        return CV_ERR_NO_ADDITIONAL;
    if (old == NULL)
        err = choose_config(k, sa, &offer, plan, choice);
    else
        err = try_config(k, sa, old->cfg, &offer, false, plan, choice);
    if (err != CV_OK)
        return err;
    if (owes_address(sa, plan->cfg))
        return CV_ERR_CP_REQUIRED;
    plan->mode = t->transport && plan->cfg->mode == CV_TRANSPORT ? CV_TRANSPORT : CV_TUNNEL;
    if (plan->mode == CV_TRANSPORT && sa->peer.nat_remote && is_taken(k, sa, plan))
        return CV_ERR_TS;
    err = claim_check(k, sa, plan);
    if (err == CV_OK)
        err = read_protocol(sa, choice, plan);
    if (err == CV_OK)
        err = child_new_spi(&k->core, &plan->spi_in);
    plan->suite = choice->suite;
    plan->no_padding = t->no_padding;
    plan->initiator = false;
    plan->created = 0;
    plan->replaces = old != NULL ? old->id : 0;
    plan->rekey = old != NULL;
    plan->reqid = old != NULL ? old->reqid : 0;
    return err;
}

void child_put_answer(const struct child_plan *plan, const struct proposal_choice *choice,
                      bool with_ke, struct ike_out *o)
{
    uint8_t spi[SPI_LEN];

    if (plan->mode == CV_TRANSPORT)
        ike_put_notify(&o->chain, 0, span(NULL, 0), N_USE_TRANSPORT_MODE, span(NULL, 0));
    ike_payload_begin(&o->chain, PL_SA);
    proposal_put_answer(&o->w, choice, spi_octets(plan->spi_in, spi), with_ke);
    ike_payload_end(&o->chain);
    put_ts(o, PL_TSI, &plan->remote_ts);
    put_ts(o, PL_TSR, &plan->local_ts);
}

/* ---- both ---- */

enum cv_err child_keys(const struct ike *k, const struct ike_sa *sa, struct child_plan *plan,
                       struct cv_span secret, struct cv_span ni, struct cv_span nr)
{
    plan->key_len = ipsec_key_len(k->core.crypto, &plan->suite);
    if (plan->key_len == 0)
        return CV_ERR_NO_PROPOSAL;
    if (2 * plan->key_len > sizeof(plan->keymat))
        return CV_ERR_BUG;
    return keymat_child(plan->keymat, 2 * plan->key_len, sa_prf(k, sa), sa->keys.d, secret, ni,
                        nr);
}

/* limit - random(jitter), as far as there is a limit */
static uint64_t jittered(const struct ike *k, uint64_t limit, uint64_t jitter)
{
    if (limit == 0)
        return 0;
    if (jitter >= limit)
        jitter = limit - 1;
    return limit - core_random_below(&k->core, jitter + 1);
}

void child_set_lifetimes(const struct ike *k, struct child_sa *c)
{
    const struct cv_lifetime *l = &c->cfg->life;
    const uint64_t from = c->installed_ms;

    c->rekey_ms =
        l->rekey_s == 0 ? TIMER_NEVER : from + jittered(k, l->rekey_s * 1000, l->rand_s * 1000);
    c->hard_ms = l->hard_s == 0 ? TIMER_NEVER : from + l->hard_s * 1000;
    if (!c->cfg->minimal_esp)
        return;
    /* Numbers taken from the clock end whether packets are sent or not. */
    if (c->rekey_ms > from + CLOCK_REKEY_MS)
        c->rekey_ms = from + CLOCK_REKEY_MS;
    if (c->hard_ms > from + CLOCK_HARD_MS)
        c->hard_ms = from + CLOCK_HARD_MS;
}

static enum cv_err install_pair(struct ike *k, const struct ike_sa *sa,
                                const struct child_sa *c, const struct child_plan *plan)
{
    const struct cv_lifetime *l = &plan->cfg->life;
    struct cv_pair_config cfg = {
        .id = c->id,
        .spi_in = plan->spi_in,
        .spi_out = plan->spi_out,
        .protocol = plan->protocol,
        .mode = plan->mode,
        .suite = plan->suite,
        .local_ts = plan->local_ts,
        .remote_ts = plan->remote_ts,
        .local = sa->peer.local,
        .remote = sa->peer.remote,
        .encap = sa->peer.encap && plan->protocol == CV_PROTO_ESP,
        .fixed_remote = peer_holds_still(&sa->peer),
        .nested = plan->cfg->nested,
        .replay_window = plan->cfg->replay_window,
        /* packets of this host's own: it fragments them outside (RFC 4303 section 3.3.4) */
        .df = plan->cfg->clear_df          ? CV_DF_CLEAR
              : plan->mode == CV_TRANSPORT ? CV_DF_FITTING
                                           : CV_DF_COPY,
        .split = !plan->cfg->fragment_after,
        .tfc = plan->no_padding ? 0 : plan->cfg->tfc,
        .clock_seq = plan->cfg->minimal_esp,
        .mss = k->core.set.tunnel_mss,
        .life = *l,
        .soft_bytes = jittered(k, l->rekey_bytes, l->rand_bytes),
        .soft_packets = jittered(k, l->rekey_packets, l->rand_packets),
    };
    struct cv_span first = span(plan->keymat, plan->key_len);
    struct cv_span second = span(plan->keymat + plan->key_len, plan->key_len);
    enum cv_err err;

    cfg.key_out = plan->initiator ? first : second;
    cfg.key_in = plan->initiator ? second : first;
    err = pair_install(&k->core, child_index(&k->core, c), &cfg);
    if (err == CV_OK)
        watched_child_keys(k, &cfg);
    return err;
}

static uint32_t reqid_for(struct ike *k, const struct child_plan *plan)
{
    if (plan->reqid != 0)
        return plan->reqid;
    if (plan->cfg->reqid != 0)
        return plan->cfg->reqid;
    if (k->core.next_reqid == 0)
        k->core.next_reqid = 1;
    return k->core.next_reqid++;
}

struct child_sa *child_install(struct ike *k, struct ike_sa *sa, struct child_plan *plan)
{
    struct child_sa *c = plan->created != 0
                             ? child_live_mut(&k->core, plan->created)
                             : child_new(&k->core, &sa->peer, sa->peer.conn, plan->cfg);
    enum cv_err err;

    plan->refused = c == NULL ? CV_ERR_FULL : CV_OK;
    if (c == NULL)
        return NULL;
    c->spi_in = plan->spi_in;
    c->spi_out = plan->spi_out;
    c->suite = plan->suite;
    c->protocol = plan->protocol;
    c->mode = plan->mode;
    c->initiator = plan->initiator;
    c->reqid = reqid_for(k, plan);
    err = install_pair(k, sa, c, plan);
    if (err != CV_OK) {
        plan->refused = err;
        c->quiet = plan->created == 0;
        if (plan->unanswered)
            child_close(&k->core, c, err);
        else
            child_doom(&k->core, c, err);
        return NULL;
    }
    plan->made = c->id;
    child_installed(&k->core, c);
    c->state = CV_CHILD_INSTALLED;
    c->rekeys = 0;
    c->installed_ms = k->core.now_ms;
    child_set_lifetimes(k, c);
    k->core.stats.child_established++;
    if (!plan->rekey) {
        child_use_out(&k->core, c);
        event_child(&k->core, CV_EV_CHILD_UP, &sa->peer, c, CV_OK);
    } else if (!plan->initiator) {
        c->out_waits = true; /* RFC 7296 section 2.8: until the peer shows that it has it */
    }
    child_arm(&k->core, c);
    return c;
}
