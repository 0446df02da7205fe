/* CREATE_CHILD_SA for Child SAs: new ones and rekeying, with every collision of RFC 7296
 * sections 2.8.1, 2.25.1.
 *
 * A simultaneous rekey leaves two new Child SAs.  The one from the exchange with the
 * lowest of the four nonces is redundant; whoever initiated that exchange deletes it,
 * and the other one deletes the old Child SA.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ike/ke_answer.h"

enum {
    REPLACED_MAX = 4
}; /* Child SAs of one IKE SA that its peer has rekeyed and not deleted */

/* ---- responder ---- */

enum cv_err refuse_request(const struct ike *k, const struct ike_sa *sa,
                           const struct ike_in *in, struct ike_out *out, struct ike_change *ch)
{
    (void)k, (void)sa, (void)in;
    out_reject(out, ch, CV_ERR_TEMPORARY, span(NULL, 0));
    return CV_OK;
}

/* The Child SA that N(REKEY_SA) names, by the SPI the peer receives on. */
static enum cv_err find_rekeyed(const struct ike *k, const struct ike_sa *sa,
                                const struct ike_notify *n, const struct child_sa **old)
{
    struct rd r = rd_init(n->spi);
    uint32_t spi = rd_u32(&r);

    *old = rd_done(&r) ? child_by_spi_out(&k->core, &sa->peer, n->protocol, spi) : NULL;
    if (*old == NULL) /* perhaps it is the one whose answer we still wait for */
        return sa->doing == DO_CREATE_CHILD || sa->doing == DO_REKEY_CHILD
                   ? CV_ERR_TEMPORARY
                   : CV_ERR_CHILD_NOT_FOUND;
    /* RFC 7296 section 2.25.1: it is being closed, or another rekey has replaced it */
    return (*old)->state == CV_CHILD_INSTALLED || (*old)->state == CV_CHILD_REKEYING
               ? CV_OK
               : CV_ERR_TEMPORARY;
}

/* Agreement and keys; with a KE payload a new key exchange. */
static enum cv_err child_agree(const struct ike *k, const struct ike_sa *sa,
                               const struct ike_msg *m, const struct child_sa *old,
                               struct ike_change *ch, struct ke_answer *a)
{
    const struct child_terms t = child_terms(m, true);
    enum cv_err err = child_answer(k, sa, &t, old, &ch->child, &a->choice);

    if (err == CV_OK)
        err = ke_answer_make(k, m, a);
    if (err == CV_OK)
        err = child_keys(k, sa, &ch->child, ke_answer_secret(a), m->nonce,
                         span(a->nonce, NONCE_LEN));
    wipe(a->secret, sizeof(a->secret));
    return err;
}

enum cv_err create_child_request(const struct ike *k, const struct ike_sa *sa,
                                 const struct ike_in *in, struct ike_out *out,
                                 struct ike_change *ch)
{
    const struct ike_msg *m = in->m;
    const struct ike_notify *rekey = ike_find_notify(m, N_REKEY_SA);
    struct ke_answer a = {0};
    const struct child_sa *old = NULL;
    enum cv_err err = CV_OK;

    if (rekey == NULL && !ike_has(m, PL_TSI) && ike_has(m, PL_SA))
        return rekey_ike_request(k, sa, in, out, ch);
    if (!ike_has(m, PL_NONCE))
        err = CV_ERR_SYNTAX;
    else if (sa->doing == DO_REKEY_IKE || sa->doing == DO_DELETE_IKE) /* section 2.25.2 */
        err = CV_ERR_TEMPORARY;
    else if (rekey != NULL)
        err = find_rekeyed(k, sa, rekey, &old);
    if (err == CV_ERR_CHILD_NOT_FOUND) { /* section 2.25: names the SPI again */
        ch->failed = err;
        ch->notify = N_CHILD_SA_NOT_FOUND;
        ike_put_notify(&out->chain, rekey->protocol, rekey->spi, N_CHILD_SA_NOT_FOUND,
                       span(NULL, 0));
        return CV_OK;
    }
    if (err == CV_OK)
        err = child_agree(k, sa, m, old, ch, &a);
    if (err == CV_ERR_TS_TAKEN)
        ch->taken_by = ch->child.taken_by;
    if (err != CV_OK) {
        ke_answer_reject(&a, err, out, ch);
        return CV_OK;
    }
    child_put_answer(&ch->child, &a.choice, true, out);
    ke_answer_put(&a, out);
    ch->has_child = true;
    change_nonce(ch, m->nonce, span(a.nonce, NONCE_LEN));
    return CV_OK;
}

/* ---- initiator ---- */

/* The group of our KE payload: what the peer asked for, else our first choice. */
static uint16_t group_for(const struct child_sa *c)
{
    return c->ke_retry != 0 ? c->ke_retry
                            : proposal_first_ke(c->cfg->proposals, c->cfg->n_proposals);
}

static enum cv_err child_prepare(struct ike *k, struct ike_sa *sa, struct child_sa *c)
{
    enum cv_err err = sa_take_hs(k, sa);
    struct ike_hs *hs = sa_hs_mut(k, sa);
    uint16_t group = group_for(c);

    if (err != CV_OK)
        return err;
    hs->child = c->id;
    hs->child_old = c->rekeys;
    hs->ni_len = NONCE_LEN;
    if (!core_random(&k->core, hs->ni, NONCE_LEN))
        return CV_ERR_CRYPTO;
    if (group == CV_KE_NONE)
        return CV_OK;
    hs->ke = crypto_ke(k->core.crypto, group);
    hs->ke_key = hs->ke == NULL ? NULL : hs->ke->generate(hs->ke_pub);
    return hs->ke_key == NULL ? CV_ERR_CRYPTO : CV_OK;
}

static void put_rekey_notify(const struct child_sa *old, struct ike_out *o)
{
    uint8_t spi[4];
    struct wr w = wr_init(spi, sizeof(spi));

    wr_u32(&w, old->spi_in); /* the SPI we receive on (RFC 7296 section 1.3.3) */
    ike_put_notify(&o->chain, old->protocol, wr_done(&w), N_REKEY_SA, span(NULL, 0));
}

enum cv_err create_child_start(struct ike *k, struct ike_sa *sa, struct child_sa *c)
{
    struct child_sa *old = child_live_mut(&k->core, c->rekeys);
    struct ike_hs *hs;
    struct ike_out o;
    enum cv_err err = child_prepare(k, sa, c);

    hs = sa_hs_mut(k, sa);
    out_begin(k, &o);
    if (old != NULL)
        put_rekey_notify(old, &o);
    if (err == CV_OK)
        err = child_put_request(k, sa, c, true, &o);
    if (err == CV_OK) {
        ike_put_payload(&o.chain, PL_NONCE, span(hs->ni, hs->ni_len));
        if (hs->ke != NULL)
            ike_put_ke(&o.chain, hs->ke->id, span(hs->ke_pub, hs->ke->public_len));
        err = send_request(k, sa, EX_CREATE_CHILD,
                           old != NULL ? DO_REKEY_CHILD : DO_CREATE_CHILD, &o);
    }
    if (err != CV_OK) {
        hs_give(k, &sa->hs);
        return err;
    }
    if (old != NULL)
        old->state = CV_CHILD_REKEYING;
    return CV_OK;
}

static enum cv_err child_accept(const struct ike *k, const struct ike_sa *sa,
                                const struct ike_msg *m, const struct ike_hs *hs,
                                struct ike_change *ch)
{
    const struct child_sa *c = child_live(&k->core, hs->child);
    const struct cv_span ni = span(hs->ni, hs->ni_len);
    uint8_t secret[CV_KE_SECRET_MAX];
    size_t n = 0;
    const struct child_terms t = child_terms(m, true);
    enum cv_err err = child_check(k, sa, &t, c, &ch->child);

    if (err != CV_OK)
        return err;
    if (!ike_has(m, PL_NONCE))
        return CV_ERR_SYNTAX;
    if (ch->child.suite.ke != CV_KE_NONE) {
        if (hs->ke == NULL || !ike_has(m, PL_KE) || m->ke_group != hs->ke->id ||
            ch->child.suite.ke != hs->ke->id)
            return CV_ERR_KE_GROUP;
        err = crypto_decapsulate(hs->ke, hs->ke_key, m->ke_data, secret);
        n = hs->ke->secret_len;
    }
    if (err == CV_OK)
        err = child_keys(k, sa, &ch->child, span(secret, n), ni, m->nonce);
    wipe(secret, sizeof(secret));
    if (err != CV_OK)
        return err;
    ch->has_child = true;
    change_nonce(ch, ni, m->nonce);
    return CV_OK;
}

enum cv_err create_child_response(const struct ike *k, const struct ike_sa *sa,
                                  const struct ike_in *in, struct ike_out *out,
                                  struct ike_change *ch)
{
    const struct ike_msg *m = in->m;
    const struct ike_hs *hs = sa_hs(k, sa);
    const struct ike_notify *n = ike_error_notify(m);

    if (sa->doing == DO_REKEY_IKE)
        return rekey_ike_response(k, sa, in, out, ch);
    if (hs == NULL || (sa->doing != DO_REKEY_CHILD && sa->doing != DO_CREATE_CHILD))
        return CV_ERR_UNEXPECTED;
    if (n != NULL) {
        refusal_read(ch, n);
        return CV_OK;
    }
    if (child_live(&k->core, hs->child) == NULL)
        return CV_OK; /* given up meanwhile */
    ch->failed = child_accept(k, sa, m, hs, ch);
    return CV_OK;
}

/* ---- commit ---- */

static void delete_later(struct ike *k, struct child_sa *c)
{
    c->want_delete = true;
    c->rekey_ms = TIMER_NEVER;
    child_arm(&k->core, c);
}

/* The operator wanted the old one deleted while the rekey was under way: that goes for the
 * new one too. */
static void pass_on_delete(const struct child_sa *old, struct child_sa *c)
{
    if (!old->want_delete || old->reason != CV_ERR_DELETED_LOCALLY)
        return;
    c->want_delete = true;
    c->reason = CV_ERR_DELETED_LOCALLY;
}

static void tell_rekeyed(struct ike *k, struct ike_sa *sa, uint32_t old_id,
                         const struct child_sa *c)
{
    struct cv_effect *fx = event_put(&k->core, CV_EV_CHILD_REKEYED, &sa->peer, CV_OK);

    if (fx == NULL)
        return;
    fx->u.event.child = old_id;
    fx->u.event.child_new = c->id;
    fx->u.event.child_cfg = c->cfg;
}

/* c has taken over; old may be gone already. */
static void replaced(struct ike *k, struct ike_sa *sa, uint32_t old_id, struct child_sa *old,
                     struct child_sa *c)
{
    k->core.stats.child_rekeyed++;
    if (sa->peer.conn->stats != NULL)
        sa->peer.conn->stats->child_rekeyed++;
    if (old != NULL) {
        pass_on_delete(old, c);
        old->replaced_by = c->id;
        old->state = CV_CHILD_REKEYED;
        old->want_rekey = false;
        old->quiet = true;
    }
    tell_rekeyed(k, sa, old_id, c);
}

void child_taken_back(struct ike *k, struct ike_sa *sa, struct child_sa *c)
{
    const struct ike_hs *hs = sa_hs(k, sa);

    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        struct child_sa *old = child_at_mut(&k->core, i);

        if (old->replaced_by != c->id || old->state != CV_CHILD_REKEYED || old->want_delete ||
            old->redundant || old->drains)
            continue;
        if (sa->doing == DO_REKEY_CHILD && hs != NULL && hs->child_old == old->id)
            continue; /* our own rekey of it goes on */
        old->state = CV_CHILD_INSTALLED;
        old->quiet = false;
        c->quiet = true;
        child_set_lifetimes(k, old);
        child_arm(&k->core, old);
        tell_rekeyed(k, sa, c->id, old);
    }
}

/* The peer deletes c; if it forgets, we do. */
static void await_delete(struct ike *k, struct child_sa *c)
{
    c->rekey_ms = TIMER_NEVER;
    c->hard_ms = k->core.now_ms + REPLACED_MS;
    child_arm(&k->core, c);
}

/* However often a peer rekeys and forgets to delete, few replaced Child SAs are kept for it. */
static void drop_replaced(struct ike *k, const struct ike_sa *sa)
{
    unsigned n = 0;
    uint32_t next;

    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = next) { /* newest first */
        struct child_sa *c = child_at_mut(&k->core, i);

        next = c->next;
        if (c->state == CV_CHILD_REKEYED && !c->drains && ++n > REPLACED_MAX)
            child_close(&k->core, c, CV_ERR_REPLACED);
    }
}

void create_child_make(struct ike *k, struct ike_sa *sa, struct ike_out *out,
                       struct ike_change *ch)
{
    ch->child.unanswered = true;
    if (child_install(k, sa, &ch->child) != NULL)
        return;
    ch->has_child = false;
    ch->failed = ch->child.refused;
    /* RFC 7296 section 2.25: what is there goes on, and may be rekeyed later */
    ch->notify = ch->child.rekey ? N_TEMPORARY_FAILURE : N_NO_ADDITIONAL_SAS;
    out_begin(k, out);
    ike_put_notify(&out->chain, 0, span(NULL, 0), ch->notify, span(NULL, 0));
}

void create_child_unmake(struct ike *k, const struct ike_change *ch, enum cv_err why)
{
    struct child_sa *c = child_live_mut(&k->core, ch->child.made);

    if (c == NULL)
        return;
    c->quiet = ch->child.rekey; /* a new one was announced */
    child_close(&k->core, c, why);
}

/* The peer's request, answered. */
static void child_answered(struct ike *k, struct ike_sa *sa, struct ike_change *ch)
{
    struct child_sa *c = ch->child.made != 0 ? child_live_mut(&k->core, ch->child.made)
                                             : child_install(k, sa, &ch->child);
    struct ike_hs *hs = sa_hs_mut(k, sa);
    struct child_sa *old;

    old = child_live_mut(&k->core, ch->child.replaces);
    if (c == NULL || old == NULL)
        return;
    if (sa->doing == DO_REKEY_CHILD && hs != NULL && hs->child_old == old->id) {
        hs->rival = c->id; /* decided when our own exchange ends */
        memcpy(hs->rival_nonce, ch->nonce, ch->nonce_len);
        hs->rival_nonce_len = ch->nonce_len;
        old->state = CV_CHILD_REKEYED;
        old->replaced_by = hs->rival;
        old->quiet = true;
        return;
    }
    replaced(k, sa, old->id, old, c);
    await_delete(k, old);
    drop_replaced(k, sa);
}

/* Our rekey succeeded while the peer's did too, or did not. */
static void settle_rivals(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                          struct child_sa *c, struct cv_span lowest)
{
    struct child_sa *old = child_live_mut(&k->core, hs->child_old);
    struct child_sa *rival = child_live_mut(&k->core, hs->rival);
    bool ours_is_redundant =
        rival != NULL && nonce_less(lowest, span(hs->rival_nonce, hs->rival_nonce_len));

    if (ours_is_redundant) {
        c->redundant = c->quiet = true;
        c->state = CV_CHILD_REKEYED;
        delete_later(k, c);
        replaced(k, sa, hs->child_old, old, rival);
        if (old != NULL)
            await_delete(k, old);
        return;
    }
    child_use_out(&k->core, c);
    if (rival != NULL) { /* the peer deletes it */
        rival->redundant = rival->quiet = true;
        rival->out_waits = false;
        rival->state = CV_CHILD_REKEYED;
        await_delete(k, rival);
    }
    replaced(k, sa, hs->child_old, old, c);
    if (old != NULL) {
        child_stop_out(&k->core, old);
        delete_later(k, old);
    }
}

/* What becomes of our request that was refused. */
enum child_refusal {
    REFUSED_GROUP, /* the peer wants another key exchange: again, with that */
    REFUSED_NOW,   /* a new one came at the wrong time: again in a while */
    REFUSED_NEW,   /* a new one, for good; or what it should replace is gone */
    REFUSED_RIVAL, /* a rekey, while the peer's own was answered: that one stands */
    REFUSED_LOST,  /* a rekey of what the peer no longer has: a new one from scratch */
    REFUSED_REKEY, /* a rekey: again in a while */
    CHILD_REFUSALS
};

/* The Child SA that was refused, what it should replace, and what the peer replaced that by;
 * NULL: gone, or there was none. */
struct refused {
    struct child_sa *c, *old, *rival;
    const struct ike_change *ch;
};

static enum child_refusal refusal_of(const struct ike *k, const struct ike_sa *sa,
                                     const struct refused *r)
{
    const struct child_sa *c = r->c, *old = r->old;
    bool wanted = c != NULL && !c->want_delete;

    if (wanted && r->ch->failed == CV_ERR_KE_GROUP && c->ke_retry == 0 &&
        proposal_has_ke(c->cfg->proposals, c->cfg->n_proposals, r->ch->retry_group))
        return REFUSED_GROUP;
    if (wanted && r->ch->failed == CV_ERR_TEMPORARY && old == NULL && r->rival == NULL &&
        child_live(&k->core, c->rekeys) == NULL && sa->doing == DO_CREATE_CHILD)
        return REFUSED_NOW;
    if (old == NULL)
        return REFUSED_NEW;
    if (r->rival != NULL)
        return REFUSED_RIVAL;
    if (r->ch->failed == CV_ERR_CHILD_NOT_FOUND &&
        (old->state == CV_CHILD_INSTALLED || old->state == CV_CHILD_REKEYING))
        return REFUSED_LOST;
    return REFUSED_REKEY;
}

static void refused_group(struct ike *k, struct ike_sa *sa, const struct refused *r)
{
    (void)k, (void)sa;
    r->c->ke_retry = r->ch->retry_group; /* still CREATED: the next task */
}

static void refused_now(struct ike *k, struct ike_sa *sa, const struct refused *r)
{
    (void)sa;
    r->c->retry_ms = k->core.now_ms + retry_pause(k, r->ch->failed, &r->c->refusals);
}

static void refused_new(struct ike *k, struct ike_sa *sa, const struct refused *r)
{
    struct child_sa *c = r->c;

    if (c == NULL || c->doomed)
        return;
    c->quiet = sa->doing == DO_REKEY_CHILD;
    if (!r->ch->by_peer) { /* the peer agreed, we do not */
        child_doom(&k->core, c, r->ch->failed);
    } else {
        c->refused_by = CV_BY_PEER;
        child_close(&k->core, c, r->ch->failed);
    }
}

static void refused_rival(struct ike *k, struct ike_sa *sa, const struct refused *r)
{
    refused_new(k, sa, r);
    replaced(k, sa, r->old->id, r->old, r->rival);
    await_delete(k, r->old);
}

/* RFC 7296 section 2.25 */
static void refused_lost(struct ike *k, struct ike_sa *sa, const struct refused *r)
{
    struct child_sa *old = r->old;

    refused_new(k, sa, r);
    if (!old->want_delete && child_new(&k->core, &sa->peer, old->conn, old->cfg) == NULL)
        k->core.stats.errors[CV_ERR_FULL]++;
    child_close(&k->core, old, CV_ERR_CHILD_NOT_FOUND);
}

static void refused_rekey(struct ike *k, struct ike_sa *sa, const struct refused *r)
{
    struct child_sa *old = r->old;

    refused_new(k, sa, r);
    if (old->state == CV_CHILD_REKEYING)
        old->state = CV_CHILD_INSTALLED;
    old->retry_ms = k->core.now_ms + retry_pause(k, r->ch->failed, &old->refusals);
    old->want_rekey = true;
    child_arm(&k->core, old);
}

static void child_refused(struct ike *k, struct ike_sa *sa, const struct ike_hs *hs,
                          const struct ike_change *ch)
{
    typedef void refused_commit(struct ike *, struct ike_sa *, const struct refused *);
    static refused_commit *const commits[CHILD_REFUSALS] = {
        [REFUSED_GROUP] = refused_group, [REFUSED_NOW] = refused_now,
        [REFUSED_NEW] = refused_new,     [REFUSED_RIVAL] = refused_rival,
        [REFUSED_LOST] = refused_lost,   [REFUSED_REKEY] = refused_rekey,
    };
    const struct refused r = {.c = child_live_mut(&k->core, hs->child),
                              .old = child_live_mut(&k->core, hs->child_old),
                              .rival = child_live_mut(&k->core, hs->rival),
                              .ch = ch};

    commits[refusal_of(k, sa, &r)](k, sa, &r);
}

void create_child_commit(struct ike *k, struct ike_sa *sa, struct ike_change *ch)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);
    struct child_sa *c;

    if (ch->has_child && !ch->child.initiator) {
        child_answered(k, sa, ch);
        return;
    }
    if (hs == NULL)
        return;
    c = ch->has_child ? child_install(k, sa, &ch->child) : NULL;
    if (c != NULL && c->spi_out == hs->gone_spi) {
        c->want_delete = true; /* its delete overtook the answer */
        c->reason = CV_ERR_DELETED_BY_PEER;
    }
    if (c == NULL && ch->failed == CV_OK)
        ch->failed = CV_ERR_CRYPTO;
    if (c == NULL)
        child_refused(k, sa, hs, ch);
    else if (sa->doing == DO_REKEY_CHILD)
        settle_rivals(k, sa, hs, c, span(ch->nonce, ch->nonce_len));
    hs_give(k, &sa->hs);
}
