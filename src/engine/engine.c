/* Setting up, policy, commands and time; see include/culvert/engine.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stdalign.h>
#include <string.h>

#include "base/secret.h"
#include "ike/question.h"
#include "wire/ip.h"

enum {
    EFFECTS_MIN = 16,
    MESSAGES_MIN = 4,
    MESSAGE_MIN = 576,
    FRAGMENT_MIN = 256,
    RETRANSMITS_MAX = 60000
};

/* ---- lifecycle ---- */

/* Once to count, once to build; with a plane of the host's ours takes no memory. */
static void carve(struct ike *k, struct arena *a, const struct cv_settings *set)
{
    struct core *c = &k->core;

    ike_carve(k, a, &set->limits);
    c->plane = set->plane;
    c->plane_ctx = set->plane_ctx;
    if (set->plane != NULL)
        return;
    c->ipsec = ipsec_init(a, set->limits.child_sas, set->limits.hot_keys, set->crypto, c->seed);
    if (IPSEC_POLICIES && set->limits.policies > 0)
        ipsec_carve_policies(c->ipsec, a, set->limits.policies);
    c->plane = &ipsec_as_plane;
    c->plane_ctx = c->ipsec;
}

size_t cv_engine_size(const struct cv_limits *limits)
{
    struct arena count = {.p = NULL, .cap = SIZE_MAX};
    struct cv_settings set = {.limits = *limits};
    struct ike none;

    memset(&none, 0, sizeof(none));
    arena_take(&count, 1, sizeof(struct cv_engine));
    carve(&none, &count, &set);
    return count.bad ? SIZE_MAX : count.used;
}

const char *cv_limits_fault(const struct cv_limits *l)
{
    if (l->ike_sas == 0 || l->ike_sas >= POOL_NONE / 2)
        return "ike_sas: at least 1, below 2^31";
    if (l->child_sas == 0 || l->child_sas >= POOL_NONE / 2)
        return "child_sas: at least 1, below 2^31";
    if (l->conns == 0)
        return "conns: at least 1";
    if (l->handshakes == 0)
        return "handshakes: at least 1";
    if (l->messages < MESSAGES_MIN)
        return "messages: at least 4";
    if (l->message_size < MESSAGE_MIN || l->message_size > UINT16_MAX)
        return "message_size: at least 576, at most 65535";
    if (l->effects < EFFECTS_MIN)
        return "effects: at least 16";
    if (l->policies >= (IPSEC_POLICIES ? POOL_NONE / 2 : 1))
        return IPSEC_POLICIES ? "policies: below 2^31" : "policies: none are built in";
    return NULL;
}

static void set_defaults(struct cv_settings *s)
{
    if (s->fragment_size == 0)
        s->fragment_size = 1280;
    if (s->retransmit_ms == 0)
        s->retransmit_ms = 2000;
    if (s->retransmit_tries == 0)
        s->retransmit_tries = 5;
    if (s->retransmit_tries > RETRANSMITS_MAX)
        s->retransmit_tries = RETRANSMITS_MAX;
    if (s->retransmit_base_pct == 0)
        s->retransmit_base_pct = 180;
    if (s->half_open_ms == 0)
        s->half_open_ms = 30000;
    if (s->answer_ms == 0)
        s->answer_ms = 30000;
    if (s->keepalive_ms == 0)
        s->keepalive_ms = 20000;
    if (s->cookie_threshold == 0)
        s->cookie_threshold = 10;
    if (s->children_max == 0)
        s->children_max = 64;
    if (s->block_threshold == 0)
        s->block_threshold = UINT32_MAX;
}

enum cv_err cv_engine_init(struct cv_engine **out, void *mem, size_t mem_size,
                           const struct cv_settings *settings, uint64_t now_ms)
{
    struct arena a = {.p = mem, .cap = mem_size};
    struct cv_engine *e = mem;
    struct ike *k;

    *out = NULL;
    if (mem == NULL || settings->crypto == NULL || cv_limits_fault(&settings->limits) != NULL ||
        mem_size < sizeof(*e) || settings->worker_bits > 8 ||
        settings->worker >> settings->worker_bits != 0)
        return CV_ERR_ARGUMENT;
    memset(e, 0, sizeof(*e));
    k = &e->ike;
    k->core.crypto = settings->crypto;
    k->core.set = *settings;
    set_defaults(&k->core.set);
    if (k->core.set.fragment_size < FRAGMENT_MIN)
        return CV_ERR_ARGUMENT;
    if (!core_random(&k->core, k->core.seed, sizeof(k->core.seed)))
        return CV_ERR_CRYPTO;
    k->core.now_ms = now_ms;
    wheel_init(&k->core.wheel, now_ms);
    /* The arena's first piece is the engine itself, already in use. */
    a.used = (sizeof(*e) + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    carve(k, &a, &k->core.set);
    if (a.bad)
        return CV_ERR_ARGUMENT;
    *out = e;
    return CV_OK;
}

static void close_pairs(struct ike *k)
{
    for (uint32_t i = 0; i < k->core.children.cap; i++) {
        const struct child_sa *c = child_at(&k->core, i);

        if (c != NULL && c->installed)
            pair_remove(&k->core, i);
    }
}

void cv_engine_close(struct cv_engine *e)
{
    close_pairs(&e->ike);
    ike_close_all(&e->ike);
    wipe(e, sizeof(*e));
}

void engine_enter(struct cv_engine *e, uint64_t now_ms)
{
    if (now_ms > e->ike.core.now_ms)
        e->ike.core.now_ms = now_ms;
    effects_release(&e->ike.core.fx, &e->ike.core.msgs);
}

/* ---- policy ---- */

enum cv_err cv_conn_add(struct cv_engine *e, const struct cv_conn *conn)
{
    struct ike *k = &e->ike;

    if (conn->n_proposals == 0)
        return CV_ERR_ARGUMENT;
    return conn_add(&k->core, conn);
}

void cv_conn_remove(struct cv_engine *e, const struct cv_conn *conn)
{
    conn_remove(&e->ike.core, conn);
}

unsigned cv_conn_users(const struct cv_engine *e, const struct cv_conn *conn)
{
    return conn_users(&e->ike.core, conn) + effects_about(&e->ike.core.fx, conn);
}

enum cv_err cv_policy_add(struct cv_engine *e, const struct cv_policy *policy, uint32_t *number)
{
    if (e->ike.core.ipsec == NULL)
        return CV_ERR_UNSUPPORTED;
    return ipsec_policy_add(e->ike.core.ipsec, policy, number);
}

void cv_policy_remove(struct cv_engine *e, uint32_t number)
{
    if (e->ike.core.ipsec != NULL)
        ipsec_policy_remove(e->ike.core.ipsec, number);
}

const struct cv_policy *cv_policy_find(const struct cv_engine *e, uint8_t direction,
                                       struct cv_span packet)
{
    if (e->ike.core.ipsec == NULL)
        return NULL;
    return ipsec_policy_find(e->ike.core.ipsec, direction, packet);
}

/* ---- commands ---- */

/* The SA of conn to this peer that is up or coming up. */
static struct ike_sa *find_for(struct ike *k, const struct cv_conn *conn,
                               const struct cv_endpoint *remote)
{
    struct peer *p = peer_first_on_way(&k->core, conn, &remote->addr);

    for (; p != NULL; p = peer_next_on_way(&k->core, p)) {
        struct ike_sa *sa = sa_of(p);

        if (!(sa->want & WANT_DELETE) && !sa_is_secret(sa) &&
            (sa->state == ST_UP || (p->initiator && sa->state < ST_UP)))
            return sa;
    }
    return NULL;
}

static enum cv_err start(struct ike *k, struct ike_sa *sa, const struct cv_child_config *child)
{
    if (child != NULL && child_new(&k->core, &sa->peer, sa->peer.conn, child) == NULL)
        return CV_ERR_FULL;
    return init_start(k, sa, NULL);
}

enum cv_err cv_initiate(struct cv_engine *e, const struct cv_conn *conn,
                        const struct cv_child_config *child, const struct cv_endpoint *local,
                        const struct cv_endpoint *remote, uint64_t now_ms, uint32_t *ike)
{
    struct ike *k = &e->ike;
    struct ike_sa *sa;
    enum cv_err err = CV_OK;

    engine_enter(e, now_ms);
    limit_serve(&k->core, remote, 0);
    sa = find_for(k, conn, remote);
    if (sa != NULL) {
        if (child != NULL && child_new(&k->core, &sa->peer, conn, child) == NULL)
            return CV_ERR_FULL;
        sa_touch(k, sa);
    } else {
        sa = sa_new(k, conn, true);
        if (sa == NULL)
            return CV_ERR_FULL;
        sa->peer.local = *local;
        sa->peer.remote = *remote;
        peer_link_way(&k->core, &sa->peer);
        /* Any other port than 500 speaks with the marker of port 4500 (RFC 3948). */
        sa->peer.carrier = remote->port == 500 ? CV_UDP_500 : CV_UDP_4500;
        err = start(k, sa, child);
        sa_touch(k, sa);
    }
    if (ike != NULL)
        *ike = sa->peer.id;
    if (err != CV_OK) {
        sa->peer.quiet = true;
        sa_close(k, sa, err, false);
    }
    ike_run_touched(k);
    return err;
}

/* Our IKE_AUTH request is out: for the peer the SA may be up already, and it would keep it
 * if we just forgot ours.  Such an SA is deleted as soon as it is up here too. */
static bool peer_may_be_up(const struct ike_sa *sa)
{
    return sa->state == ST_I_AUTH || sa->state == ST_I_VERIFY;
}

enum cv_err cv_terminate_ike(struct cv_engine *e, uint32_t ike, bool force, uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct ike_sa *sa;

    engine_enter(e, now_ms);
    sa = sa_by_number_mut(k, ike);
    if (sa == NULL || sa->state == ST_DEAD || sa->state == ST_LINGER || sa_is_secret(sa))
        return CV_ERR_NOT_FOUND;
    sa->peer.reason = CV_ERR_DELETED_LOCALLY;
    if (sa->state < ST_UP && !peer_may_be_up(sa)) {
        sa_close(k, sa, CV_ERR_DELETED_LOCALLY, false);
    } else if (force) {
        send_parting(k, sa, 0);
        sa_close(k, sa, CV_ERR_DELETED_LOCALLY, false);
    } else {
        sa->want |= WANT_DELETE;
        sa_touch(k, sa);
    }
    ike_run_touched(k);
    return CV_OK;
}

/* The peer may have installed it already: it is deleted when its exchange has ended. */
static bool being_negotiated(const struct ike *k, const struct ike_sa *sa,
                             const struct child_sa *c)
{
    const struct ike_hs *hs = sa_hs(k, sa);

    return hs != NULL && hs->child == c->id && (sa->state >= ST_UP || peer_may_be_up(sa));
}

enum cv_err cv_terminate_child(struct cv_engine *e, uint32_t child, bool force, uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct child_sa *c;
    struct ike_sa *sa;

    engine_enter(e, now_ms);
    c = child_by_number_mut(&k->core, child);
    if (c == NULL || c->state == CV_CHILD_DEAD || c->drains)
        return CV_ERR_NOT_FOUND;
    sa = sa_at_mut(k, c->ike);
    c->reason = CV_ERR_DELETED_LOCALLY;
    if (c->installed ? !force : being_negotiated(k, sa, c)) {
        c->want_delete = true;
        sa_touch(k, sa);
        ike_run_touched(k);
        return CV_OK;
    }
    if (c->installed && sa->doing == DO_NOTHING && delete_child_start(k, sa, c) != CV_OK)
        k->core.stats.errors[CV_ERR_FULL]++;
    child_close(&k->core, c, CV_ERR_DELETED_LOCALLY);
    sa_touch(k, sa);
    ike_run_touched(k);
    return CV_OK;
}

enum cv_err cv_probe(struct cv_engine *e, uint32_t ike, uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct ike_sa *sa;

    engine_enter(e, now_ms);
    sa = sa_by_number_mut(k, ike);
    if (sa == NULL || sa_is_secret(sa))
        return CV_ERR_NOT_FOUND;
    if (sa->req != POOL_NONE)
        send_again(k, sa, sa->req);
    else if (sa->state == ST_UP)
        sa->want |= WANT_LIVENESS;
    sa_touch(k, sa);
    ike_run_touched(k);
    return CV_OK;
}

enum cv_err cv_rekey_ike(struct cv_engine *e, uint32_t ike, bool reauth, uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct ike_sa *sa;

    engine_enter(e, now_ms);
    sa = sa_by_number_mut(k, ike);
    if (sa == NULL || sa->state != ST_UP || sa_is_secret(sa))
        return CV_ERR_NOT_FOUND;
    /* Only who asked for the address can ask for it again. */
    if (reauth && sa->peer.has_lease)
        return CV_ERR_UNSUPPORTED;
    sa->want |= reauth ? WANT_REAUTH : WANT_REKEY;
    sa_touch(k, sa);
    ike_run_touched(k);
    return CV_OK;
}

enum cv_err cv_rekey_child(struct cv_engine *e, uint32_t child, uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct child_sa *c;

    engine_enter(e, now_ms);
    c = child_by_number_mut(&k->core, child);
    if (c == NULL || c->state != CV_CHILD_INSTALLED)
        return CV_ERR_NOT_FOUND;
    c->want_rekey = true;
    sa_touch(k, sa_at_mut(k, c->ike));
    ike_run_touched(k);
    return CV_OK;
}

/* ---- answers ---- */

/* Hands an answer to the SA that waits for it, and for this one alone. */
static enum cv_err answer(struct cv_engine *e, uint32_t question, uint8_t kind, uint64_t now_ms,
                          const struct ike_answer *a)
{
    const struct ike_in in = {.kind = kind, .kept = POOL_NONE, .answer = a};
    struct ike *k = &e->ike;
    struct ike_sa *sa;

    engine_enter(e, now_ms);
    sa = question_sa(k, question, kind);
    if (sa == NULL)
        return CV_ERR_NOT_FOUND;
    if (effects_room(&k->core.fx) < EFFECTS_PER_ANSWER)
        return CV_ERR_BUSY;
    question_end(k, sa);
    ike_step(k, sa, &in); /* a failed handshake is not the host's error */
    sa_touch(k, sa);
    ike_run_touched(k);
    return CV_OK;
}

enum cv_err cv_answer_psk(struct cv_engine *e, uint32_t question, enum cv_err err,
                          struct cv_span secret, uint64_t now_ms)
{
    return answer(e, question, CV_NEED_PSK, now_ms,
                  &(struct ike_answer){.err = err, .secret = secret});
}

enum cv_err cv_answer_signature(struct cv_engine *e, uint32_t question, enum cv_err err,
                                const struct cv_signature *sig, uint64_t now_ms)
{
    return answer(e, question, CV_NEED_SIGNATURE, now_ms,
                  &(struct ike_answer){.err = err, .sig = sig});
}

enum cv_err cv_answer_verify(struct cv_engine *e, uint32_t question, enum cv_err err,
                             uint64_t now_ms)
{
    return answer(e, question, CV_NEED_VERIFY, now_ms, &(struct ike_answer){.err = err});
}

enum cv_err cv_answer_admission(struct cv_engine *e, uint32_t question, enum cv_err err,
                                uint64_t now_ms)
{
    return answer(e, question, CV_NEED_ADMISSION, now_ms, &(struct ike_answer){.err = err});
}

enum cv_err cv_answer_address(struct cv_engine *e, uint32_t question, enum cv_err err,
                              const struct cv_lease *lease, uint64_t now_ms)
{
    return answer(e, question, CV_NEED_ADDRESS, now_ms,
                  &(struct ike_answer){.err = err, .lease = lease});
}

/* ---- time and effects ---- */

void cv_tick(struct cv_engine *e, uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct timer *t;

    engine_enter(e, now_ms);
    while (effects_room(&k->core.fx) >= EFFECTS_MIN / 2 &&
           (t = wheel_expire(&k->core.wheel, k->core.now_ms)) != NULL) {
        ike_timeout(k, (struct peer_timer *)t);
        ike_run_touched(k);
    }
}

uint64_t cv_next_deadline(const struct cv_engine *e)
{
    return wheel_next(&e->ike.core.wheel);
}

bool cv_next_effect(struct cv_engine *e, struct cv_effect *fx)
{
    if (event_next(&e->ike.core, fx))
        return true;
    ike_reap(&e->ike);
    return false;
}
