/* What a step of IKE_AUTH changes, whichever role we have; RFC 7296 sections 1.2, 2.4.
 *
 * It stands on both roles, and none of them knows it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/auth.h"
#include "ike/mobike.h"
#include "peer/room.h"

/* Who the peer says it is and what else its message says. */
static void commit_words(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                         const struct ike_change *ch)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);

    sa->peer.remote_id = ch->peer_id;
    if (sa->peer.half_open) /* it has said who it is: it is heard out */
        room_keep(&k->core, &sa->peer);
    if (ch->conn != NULL) {
        if (!peer_set_conn(&k->core, &sa->peer, ch->conn)) /* it is configured */
            k->core.stats.errors[CV_ERR_BUG]++;
        peer_local_id(&sa->peer, &hs->local_id);
    }
    hs->words = ch->words;
    msg_unref(&k->core.msgs, &hs->peer_auth);
    hs->peer_auth = in->kept;
    msg_ref(&k->core.msgs, in->kept);
    if (!sa->peer.initiator)
        hs_note_certreqs(hs, in->m);
}

/* Its attributes are the host's, who may change them before the answer is written. */
static void keep_lease(struct ike *k, struct ike_hs *hs, const struct cv_lease *lease)
{
    hs->lease = *lease;
    hs->lease.attributes = span(NULL, 0);
    if (lease->attributes.n == 0)
        return;
    msg_unref(&k->core.msgs, &hs->told);
    hs->told = msg_copy(&k->core.msgs, lease->attributes);
    if (hs->told != POOL_NONE)
        hs->lease.attributes = msg_octets(&k->core.msgs, hs->told);
    else
        k->core.stats.errors[CV_ERR_BUSY]++;
}

void auth_commit(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                 const struct ike_change *ch)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);

    if (ch->has_words)
        commit_words(k, sa, in, ch);
    if (ch->auth_failed) {
        refusal_auth(k, sa, in, ch);
        k->core.stats.errors[ch->close]++;
    }
    if (ch->parting)
        send_parting(k, sa, ch->parting_notify);
    if (ch->verified)
        responder_settle(k, sa);
    if (ch->has_lease) {
        keep_lease(k, hs, &ch->lease);
        sa->peer.has_lease = true;
    }
    if (ch->has_lease || ch->has_addresses) {
        sa->peer.vip4 = ch->lease.v4;
        sa->peer.vip6 = ch->lease.v6;
    }
    if (ch->address != CV_OK)
        hs->address = ch->address;
    if (ch->send == SEND_AUTH)
        hs->child = ch->child_asked;
}

void auth_commit_up(struct ike *k, struct ike_sa *sa, struct ike_change *ch)
{
    sa->peer_alerts = ch->peer_alerts;
    if (ch->mobike)
        mobike_commit_up(k, sa);
    if (sa->peer.initiator) {
        initiator_commit_up(k, sa, ch);
    } else {
        sa_established(k, sa);
        if (ch->has_child)
            create_child_commit(k, sa, ch);
    }
    hs_give(k, &sa->hs);
}
