/* One event in, at most one transition out: the state machine of IKEv2 as a table, and the one
 * function that changes an SA.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/step.h"

#include <string.h>

#include "base/secret.h"
#include "ike/mobike.h"
#include "ike/redirect.h"

#define RULE(state, kind, exchange, handler, next, other)                                      \
    {ST_##state, kind, EX_##exchange, ST_##next, ST_##other, handler},
static const struct ike_rule rules[] = {IKE_RULES(RULE)};
#undef RULE

static const struct ike_rule *find_rule(const struct ike_sa *sa, const struct ike_in *in)
{
    uint8_t state = sa == NULL ? ST_FREE : sa->state;

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].state == state && rules[i].kind == in->kind &&
            (in->m == NULL || rules[i].exchange == in->exchange))
            return &rules[i];
    }
    return NULL;
}

bool ike_step_keeps(const struct ike_sa *sa, const struct ike_in *in)
{
    return in->exchange == EX_AUTH && (sa->state == ST_R_INIT || sa->state == ST_I_AUTH);
}

static bool deletes_sa(const struct ike_msg *m)
{
    for (unsigned i = 0; i < m->n_del; i++) {
        if (m->del[i].protocol == CV_PROTO_IKE)
            return true;
    }
    return false;
}

/* After a simultaneous rekey of the IKE SA the peer may know which one inherits before we
 * do.  What it asks of an SA that has not inherited here yet waits for its repetition. */
static bool too_early(const struct ike_sa *sa, const struct ike_in *in)
{
    return sa != NULL && in->kind == REQ && sa_is_secret(sa) && !deletes_sa(in->m);
}

static enum cv_err send_out(struct ike *k, struct ike_sa *sa, uint8_t exchange,
                            const struct ike_path *path, const struct ike_change *ch,
                            const struct ike_out *out)
{
    switch (ch->send) {
    case SEND_RESPONSE:
        return send_response(k, sa, exchange, path, out);
    case SEND_AUTH:
        return send_request(k, sa, exchange, DO_AUTH, out);
    default:
        return CV_OK;
    }
}

/* A peer sends its message again; an answer of the host is lost when it leads to nothing. */
static bool comes_again(const struct ike_in *in)
{
    return in->m != NULL;
}

/* Child SAs that either side's delete has ended. */
static void commit_deletes(struct ike *k, struct ike_sa *sa, const struct ike_change *ch)
{
    struct child_sa *ours = ch->deleted_ours ? child_by_number_mut(&k->core, sa->target) : NULL;

    for (unsigned i = 0; i < ch->n_deleted; i++) {
        struct child_sa *c = child_by_number_mut(&k->core, ch->deleted[i]);

        /* A message may delete the same one twice. */
        if (c == NULL || c->state == CV_CHILD_DEAD || c->drains)
            continue;
        child_taken_back(k, sa, c);
        child_deleted(&k->core, c, CV_ERR_DELETED_BY_PEER);
    }
    if (ch->unknown_spi != 0 && sa_hs(k, sa) != NULL)
        sa_hs_mut(k, sa)->gone_spi = ch->unknown_spi;
    if (ours != NULL && ours->ike == peer_index(&k->core, &sa->peer) && !ours->drains &&
        ours->state != CV_CHILD_DEAD)
        child_deleted(&k->core, ours,
                      ours->reason != CV_OK ? ours->reason : CV_ERR_DELETED_LOCALLY);
}

/* The SA ends.  While both sides rekey it, its Child SAs go to the peer's successor
 * (RFC 7296 section 2.25.2: reply as usual, forget our own rekeying). */
static void commit_close(struct ike *k, struct ike_sa *sa, const struct ike_change *ch)
{
    const struct ike_hs *hs = sa->doing == DO_REKEY_IKE ? sa_hs(k, sa) : NULL;
    struct ike_sa *rival = hs == NULL ? NULL : sa_by_number_mut(k, hs->rival_sa);

    if (rival != NULL && rival->state == ST_UP) {
        sa_inherit(k, sa, rival);
        sa_touch(k, rival);
    }
    sa_close(k, sa, ch->close, !ch->unsent);
}

static void ike_commit(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                       struct ike_change *ch);

/* The question that follows; without room for it the attempt ends. */
static void commit_question(struct ike *k, struct ike_sa *sa, const struct ike_change *ch)
{
    const struct ike_in in = {.kind = NO_ANSWER, .kept = POOL_NONE};
    enum cv_err err = auth_ask(k, sa, ch->ask);
    struct ike_change failed;
    struct ike_out out;

    if (err == CV_OK)
        return;
    memset(&failed, 0, sizeof(failed));
    out_begin(k, &out);
    auth_fail(sa, err, &out, &failed);
    if (send_out(k, sa, EX_AUTH, NULL, &failed, &out) != CV_OK)
        k->core.stats.errors[CV_ERR_FULL]++;
    ike_commit(k, sa, &in, &failed);
}

/* All that a step changes, in one place. */
static void ike_commit(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                       struct ike_change *ch)
{
    auth_commit(k, sa, in, ch);
    if (ch->taken_by != 0)
        claim_tell(k, sa, ch->taken_by);
    refusal_commit(k, sa, in, ch);
    if (ch->close != CV_OK) {
        commit_close(k, sa, ch);
        return;
    }
    if (ch->has_init || ch->again || ch->refused) {
        enum cv_err err = init_commit(k, sa, in, ch);

        if (err != CV_OK) {
            sa_close(k, sa, err, false);
            return;
        }
    }
    if (ch->next != ST_FREE)
        sa->state = ch->next;
    alert_commit(k, sa, ch);
    mobike_commit(k, sa, in, ch);
    redirect_commit(k, sa, ch);
    commit_deletes(k, sa, ch);
    if (ch->established)
        auth_commit_up(k, sa, ch);
    else if (ch->has_ike || (ch->answer && sa->doing == DO_REKEY_IKE))
        rekey_ike_commit(k, sa, ch);
    else if (ch->has_child ||
             (ch->answer && (sa->doing == DO_CREATE_CHILD || sa->doing == DO_REKEY_CHILD)))
        create_child_commit(k, sa, ch);
    if (ch->answer)
        request_done(k, sa);
    if (ch->ask != 0)
        commit_question(k, sa, ch);
}

/* The table tells the whole truth: where a rule does not lead, no step goes. */
static bool is_ruled(const struct ike_rule *rule, const struct ike_sa *sa)
{
    return sa->state == ST_DEAD || sa->state == ST_LINGER ||
           (sa->state != ST_FREE && (sa->state == rule->next || sa->state == rule->other));
}

/* A request that makes an SA: nothing is kept before it is acceptable, and where it is not,
 * the answer leaves nothing behind. */
static enum cv_err step_new(struct ike *k, const struct ike_rule *rule, const struct ike_in *in,
                            struct ike_out *out, struct ike_change *ch)
{
    struct ike_sa *sa;
    enum cv_err err = rule->handle(k, NULL, in, out, ch);

    if (err != CV_OK && ch->notify != 0) {
        init_send_stateless(k, in, out);
        refusal_stateless(k, in, ch);
    }
    if (err == CV_OK)
        err = init_commit_new(k, in, ch, out, &sa);
    if (err != CV_OK)
        return err;
    sa->state = rule->next;
    sa_touch(k, sa);
    return CV_OK;
}

static enum cv_err step_on(struct ike *k, struct ike_sa *sa, const struct ike_rule *rule,
                           const struct ike_in *in, struct ike_out *out, struct ike_change *ch)
{
    enum cv_err err = rule->handle(k, sa, in, out, ch);
    const bool makes =
        err == CV_OK && rule->exchange == EX_CREATE_CHILD && in->kind == REQ && ch->has_child;

    if (makes) /* before the answer, which may have to be another one */
        create_child_make(k, sa, out, ch);
    if (err == CV_OK)
        err = send_out(k, sa, rule->exchange, in->path, ch, out);
    if (err != CV_OK && makes)
        create_child_unmake(k, ch, err);
    if (err != CV_OK && comes_again(in))
        return err;
    if (err != CV_OK) {
        wipe(ch, sizeof(*ch));
        ch->close = err;
        ch->auth_failed = ch->unsent = true;
    }
    ike_commit(k, sa, in, ch);
    if (!is_ruled(rule, sa))
        k->core.stats.errors[CV_ERR_BUG]++;
    return CV_OK;
}

enum cv_err ike_step(struct ike *k, struct ike_sa *sa, const struct ike_in *in)
{
    const struct ike_rule *rule = find_rule(sa, in);
    struct ike_change ch;
    struct ike_out out;
    enum cv_err err;

    if (rule == NULL)
        return CV_ERR_UNEXPECTED;
    if (too_early(sa, in))
        return CV_ERR_IKE_PENDING;
    memset(&ch, 0, sizeof(ch));
    out_begin(k, &out);
    ch.answer = in->kind == RESP;
    ch.next = rule->next;
    ch.send = in->kind == REQ ? SEND_RESPONSE : SEND_NOTHING;
    err = sa == NULL ? step_new(k, rule, in, &out, &ch) : step_on(k, sa, rule, in, &out, &ch);
    wipe(&ch, sizeof(ch));
    return err;
}
