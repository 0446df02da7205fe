/* Who refuses whom, and what was asked for, as the host is told.
 *
 * Both ends say it: who refuses has the reason and both offers, who is refused knows by whom
 * and in which word of the RFC (RFC 7296 section 3.10.1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/exchange.h"

/* A message that is here, or the one that the host was asked about. */
static struct cv_asked asked_of(const struct ike_sa *sa, const struct ike_hs *hs,
                                const struct ike_in *in, uint32_t *kept)
{
    const struct ike_msg *m = in->m;
    const struct auth_words *w = hs == NULL ? NULL : &hs->words;

    *kept = in->kept;
    if (m != NULL)
        return (struct cv_asked){m->sa, m->tsi, m->tsr, m->idi, m->idr};
    *kept = hs == NULL ? POOL_NONE : hs->peer_auth;
    if (*kept == POOL_NONE)
        return (struct cv_asked){0};
    return (struct cv_asked){w->child.sa, w->child.tsi, w->child.tsr,
                             sa->peer.initiator ? span(NULL, 0) : w->id_body,
                             sa->peer.initiator ? w->id_body : w->asked_id};
}

/* The group that it wants instead of ours. */
static uint16_t asked_group(const struct ike_notify *n)
{
    struct rd r = rd_init(n->data);
    uint16_t group = rd_u16(&r);

    return n->type == N_INVALID_KE_PAYLOAD && rd_done(&r) ? group : 0;
}

void refusal_read(struct ike_change *ch, const struct ike_notify *n)
{
    ch->failed = err_of_notify(n->type);
    ch->notify = n->type;
    ch->by_peer = true;
    ch->close = n->type == N_INVALID_SYNTAX ? CV_ERR_PEER_REJECTED : CV_OK;
    ch->retry_group = asked_group(n);
}

/* What handlers could only look at. */
static void note_limit(struct ike *k, enum cv_err err)
{
    if (err == CV_ERR_NO_ADDITIONAL)
        limit_met(&k->core, k->core.children.used == k->core.children.cap ? CV_LIMIT_CHILD_SAS
                                                                          : CV_LIMIT_CHILDREN);
    if (err == CV_ERR_TEMPORARY && !peer_has_room(&k->core))
        limit_met(&k->core, CV_LIMIT_IKE_SAS);
}

void refusal_commit(struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                    const struct ike_change *ch)
{
    struct refusal r = {.peer = &sa->peer, .notify = ch->notify, .kept = POOL_NONE};

    if ((ch->failed == CV_OK && ch->notify == 0) || ch->auth_failed || ch->refused ||
        (ch->send != SEND_RESPONSE && !ch->answer))
        return;
    r.kind = ch->by_peer ? CV_EV_PEER_NOTIFY : CV_EV_REJECTED;
    r.by = ch->by_peer ? CV_BY_PEER : CV_BY_US;
    r.err = ch->failed != CV_OK ? ch->failed : ch->close;
    if (!ch->by_peer) {
        note_limit(k, ch->failed);
        r.asked = asked_of(sa, sa_hs(k, sa), in, &r.kept);
    }
    (void)event_refusal(&k->core, &r);
    if (ch->failed != CV_OK)
        k->core.stats.errors[ch->failed]++;
}

bool refusal_is_ours(enum cv_err err)
{
    return err == CV_ERR_NO_ANSWER || err == CV_ERR_FULL || err == CV_ERR_BUSY ||
           err == CV_ERR_CRYPTO || err == CV_ERR_REGISTRY || err == CV_ERR_BUG;
}

/* Our own credential is what is missing, or our own host did not answer in time. */
static bool is_our_lack(const struct ike_sa *sa, enum cv_err err)
{
    return refusal_is_ours(err) || sa->state == ST_I_SIGN || sa->state == ST_R_SIGN;
}

void refusal_auth(struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                  const struct ike_change *ch)
{
    struct refusal r = {&sa->peer, .kind = CV_EV_AUTH_FAILED, .err = ch->close};

    r.by = is_our_lack(sa, ch->close) ? CV_BY_NOBODY : CV_BY_US;
    r.asked = asked_of(sa, sa_hs(k, sa), in, &r.kept);
    (void)event_refusal(&k->core, &r);
}

void refusal_stateless(struct ike *k, const struct ike_in *in, const struct ike_change *ch)
{
    struct refusal r = {.kind = CV_EV_REJECTED,
                        .by = CV_BY_US,
                        .err = ch->failed,
                        .notify = ch->notify,
                        .asked = {.sa = in->m->sa},
                        .kept = POOL_NONE};
    struct cv_effect *fx;

    if (ch->failed == CV_ERR_KE_GROUP) /* it asks again, with the group that we name */
        return;
    fx = event_refusal(&k->core, &r);
    if (fx == NULL)
        return;
    fx->u.event.local = in->path->local;
    fx->u.event.remote = in->path->remote;
}
