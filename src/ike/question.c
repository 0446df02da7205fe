/* Questions to the host; see question.h.
 *
 * Invariant: k->questions holds exactly the numbers of the handshake slots whose question is
 * not 0, each with the index of the IKE SA that waits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/question.h"

/* The next number that no question has which still waits. */
static uint32_t fresh_number(struct ike *k)
{
    do
        k->core.last_question++;
    while (k->core.last_question == 0 ||
           htab_get(&k->core.questions, k->core.last_question) != HTAB_NONE);
    return k->core.last_question;
}

struct effect_slot *question_put(struct ike *k, const struct ike_sa *sa, uint8_t kind)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);
    struct effect_slot *s;
    uint32_t number;

    if (hs == NULL || hs->question != 0 || effects_room(&k->core.fx) == 0)
        return NULL;
    number = fresh_number(k);
    if (!htab_put(&k->core.questions, number, peer_index(&k->core, &sa->peer)))
        return NULL;
    hs->question = number;
    hs->question_kind = kind;
    hs->question_due_ms = k->core.now_ms + k->core.set.answer_ms;
    s = effects_put(&k->core.fx, kind);
    s->fx.ike = sa->peer.id;
    s->fx.conn = sa->peer.conn;
    s->fx.question = number;
    s->fx.deadline_ms = hs->question_due_ms;
    return s;
}

struct ike_sa *question_sa(struct ike *k, uint32_t number, uint8_t kind)
{
    uint32_t i = htab_get(&k->core.questions, number);
    struct ike_sa *sa = i == HTAB_NONE ? NULL : sa_at_mut(k, i);

    return sa != NULL && sa_hs(k, sa)->question_kind == kind ? sa : NULL;
}

uint64_t question_due(const struct ike *k, const struct ike_sa *sa)
{
    const struct ike_hs *hs = sa_hs(k, sa);

    return hs == NULL || hs->question == 0 ? TIMER_NEVER : hs->question_due_ms;
}

void question_end(struct ike *k, const struct ike_sa *sa)
{
    struct ike_hs *hs = sa_hs_mut(k, sa);

    if (hs != NULL)
        question_drop(k, hs);
}

void question_drop(struct ike *k, struct ike_hs *hs)
{
    if (hs->question == 0)
        return;
    if (!htab_del(&k->core.questions, hs->question))
        k->core.stats.errors[CV_ERR_BUG]++;
    hs->question = 0;
}
