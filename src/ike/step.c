/* One authentic message in, at most one transition out: the rules of IKEv2 as a table,
 * and the one function that changes an SA.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ike/exchange.h"

enum { REQ = 0, RESP = 1 };

struct ike_rule {
    uint8_t state, exchange, kind;
    ike_handler *handle;
};

/* state, exchange, request or response, handler */
static const struct ike_rule rules[] = {
    {ST_R_INIT,   EX_AUTH,          REQ,  auth_request         },
    {ST_I_AUTH,   EX_AUTH,          RESP, auth_response        },
    {ST_UP,       EX_CREATE_CHILD,  REQ,  create_child_request },
    {ST_UP,       EX_CREATE_CHILD,  RESP, create_child_response},
    {ST_UP,       EX_INFORMATIONAL, REQ,  info_request         },
    {ST_UP,       EX_INFORMATIONAL, RESP, info_response        },
    {ST_REKEYED,  EX_CREATE_CHILD,  REQ,  refuse_request       },
    {ST_REKEYED,  EX_INFORMATIONAL, REQ,  info_request         },
    {ST_REKEYED,  EX_INFORMATIONAL, RESP, info_response        },
    {ST_DELETING, EX_CREATE_CHILD,  REQ,  refuse_request       },
    {ST_DELETING, EX_INFORMATIONAL, REQ,  info_request         },
    {ST_DELETING, EX_INFORMATIONAL, RESP, info_response        },
};

static const struct ike_rule *find_rule(uint8_t state, const struct ike_hdr *h)
{
    uint8_t kind = h->flags & IKE_F_RESPONSE ? RESP : REQ;

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].state == state && rules[i].exchange == h->exchange &&
            rules[i].kind == kind)
            return &rules[i];
    }
    return NULL;
}

/* Tells the operator of a refusal, ours or the peer's. */
static void note_failure(struct ike *k, const struct ike_sa *sa, const struct ike_change *ch,
                         bool response)
{
    struct cv_effect *fx;

    if (ch->failed == CV_OK && ch->notify == 0)
        return;
    fx = event_put(&k->core, response ? CV_EV_PEER_NOTIFY : CV_EV_REJECTED, &sa->peer,
                   ch->failed != CV_OK ? ch->failed : ch->close);
    if (ch->failed != CV_OK)
        k->core.stats.errors[ch->failed]++;
    if (fx != NULL)
        fx->u.event.notify = ch->notify;
}

static enum cv_err step_request(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                                const struct ike_msg *m, const struct ike_rule *rule,
                                struct ike_change *ch)
{
    struct ike_out o;
    enum cv_err err;

    out_begin(k, &o);
    err = rule->handle(k, sa, m, &o, ch);
    if (err != CV_OK)
        return err;
    sa->next_in++;
    msg_unref(&k->core.msgs, &sa->resp);
    if (ch->next == ST_R_VERIFY) /* the answer waits for the host */
        return auth_commit(k, sa, m, ch);
    err = send_response(k, sa, h->exchange, &o);
    if (err != CV_OK) {
        sa->next_in--; /* as if it had been lost: the peer repeats it */
        return err;
    }
    note_failure(k, sa, ch, false);
    ike_commit(k, sa, ch);
    return CV_OK;
}

static enum cv_err step_response(struct ike *k, struct ike_sa *sa, const struct ike_msg *m,
                                 const struct ike_rule *rule, struct ike_change *ch)
{
    struct ike_out none;
    enum cv_err err;

    out_begin(k, &none);
    ch->answer = true;
    err = rule->handle(k, sa, m, &none, ch);
    if (err != CV_OK)
        return err;
    note_failure(k, sa, ch, true);
    if (ch->next == ST_I_VERIFY) {
        request_done(k, sa);
        return auth_commit(k, sa, m, ch);
    }
    ike_commit(k, sa, ch);
    request_done(k, sa);
    return CV_OK;
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
static bool too_early(const struct ike_sa *sa, const struct ike_hdr *h, const struct ike_msg *m)
{
    return sa_is_secret(sa) && !(h->flags & IKE_F_RESPONSE) && !deletes_sa(m);
}

enum cv_err ike_step(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                     const struct ike_msg *m)
{
    const struct ike_rule *rule = find_rule(sa->state, h);
    struct ike_change ch;
    enum cv_err err;

    if (rule == NULL)
        return CV_ERR_UNEXPECTED;
    if (too_early(sa, h, m))
        return CV_ERR_IKE_PENDING;
    memset(&ch, 0, sizeof(ch));
    err = rule->kind == REQ ? step_request(k, sa, h, m, rule, &ch)
                            : step_response(k, sa, m, rule, &ch);
    wipe(&ch, sizeof(ch));
    return err;
}

/* Child SAs that either side's delete has ended. */
static void commit_deletes(struct ike *k, struct ike_sa *sa, const struct ike_change *ch)
{
    struct child_sa *ours = ch->deleted_ours ? child_by_number(&k->core, sa->target) : NULL;

    for (unsigned i = 0; i < ch->n_deleted; i++) {
        struct child_sa *c = child_by_number(&k->core, ch->deleted[i]);

        /* A message may delete the same one twice. */
        if (c == NULL || c->state == CV_CHILD_DEAD || c->drains)
            continue;
        child_taken_back(k, sa, c);
        child_deleted(&k->core, c, CV_ERR_DELETED_BY_PEER);
    }
    if (ch->unknown_spi != 0 && sa_hs(k, sa) != NULL)
        sa_hs(k, sa)->gone_spi = ch->unknown_spi;
    if (ours != NULL && ours->ike == peer_index(&k->core, &sa->peer) && !ours->drains &&
        ours->state != CV_CHILD_DEAD)
        child_deleted(&k->core, ours,
                      ours->reason != CV_OK ? ours->reason : CV_ERR_DELETED_LOCALLY);
}

/* The SA ends.  While both sides rekey it, its Child SAs go to the peer's successor
 * (RFC 7296 section 2.25.2: reply as usual, forget our own rekeying). */
static void commit_close(struct ike *k, struct ike_sa *sa, const struct ike_change *ch)
{
    struct ike_hs *hs = sa->doing == DO_REKEY_IKE ? sa_hs(k, sa) : NULL;
    struct ike_sa *rival = hs == NULL ? NULL : sa_by_number(k, hs->rival_sa);

    if (rival != NULL && rival->state == ST_UP) {
        sa_inherit(k, sa, rival);
        sa_run(k, rival);
    }
    sa_close(k, sa, ch->close, true);
}

void ike_commit(struct ike *k, struct ike_sa *sa, struct ike_change *ch)
{
    if (ch->close != CV_OK) {
        commit_close(k, sa, ch);
        return;
    }
    alert_commit(k, sa, ch);
    commit_deletes(k, sa, ch);
    if (ch->has_ike || (ch->answer && sa->doing == DO_REKEY_IKE))
        rekey_ike_commit(k, sa, ch);
    else if (ch->has_child ||
             (ch->answer && (sa->doing == DO_CREATE_CHILD || sa->doing == DO_REKEY_CHILD)))
        create_child_commit(k, sa, ch);
}
