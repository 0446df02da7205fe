/* What the engine tells about itself: SAs and counters, as copies.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine/engine.h"

static uint8_t shown_ike_state(const struct ike_sa *sa)
{
    switch (sa->state) {
    case ST_UP:
        return sa->doing == DO_REKEY_IKE ? CV_IKE_REKEYING : CV_IKE_ESTABLISHED;
    case ST_REKEYED:
        return CV_IKE_REKEYED;
    case ST_DELETING:
        return CV_IKE_DELETING;
    case ST_LINGER:
    case ST_DEAD:
        return CV_IKE_DEAD;
    default:
        return CV_IKE_CONNECTING;
    }
}

/* The outstanding request as a task. */
static uint32_t task_active(const struct ike_sa *sa)
{
    static const uint8_t tasks[] = {
        [DO_INIT] = CV_TASK_IKE_INIT,
        [DO_AUTH] = CV_TASK_IKE_AUTH,
        [DO_CREATE_CHILD] = CV_TASK_CHILD_CREATE,
        [DO_REKEY_CHILD] = CV_TASK_CHILD_REKEY,
        [DO_REKEY_IKE] = CV_TASK_IKE_REKEY,
        [DO_DELETE_IKE] = CV_TASK_IKE_DELETE,
        [DO_DELETE_CHILD] = CV_TASK_CHILD_DELETE,
        [DO_LIVENESS] = CV_TASK_LIVENESS,
        [DO_ALERT] = CV_TASK_ALERT,
        [DO_MOVE] = CV_TASK_MOBIKE,
        [DO_TELL] = CV_TASK_MOBIKE,
        [DO_PROVE] = CV_TASK_MOBIKE,
        [DO_REDIRECT] = CV_TASK_REDIRECT,
    };

    return sa->doing == DO_NOTHING ? 0 : UINT32_C(1) << tasks[sa->doing];
}

static uint32_t tasks_queued(const struct ike *k, const struct ike_sa *sa)
{
    static const struct {
        uint16_t want;
        uint8_t task;
    } wants[] = {
        {WANT_DELETE,   CV_TASK_IKE_DELETE},
        {WANT_REKEY,    CV_TASK_IKE_REKEY },
        {WANT_REAUTH,   CV_TASK_IKE_REAUTH},
        {WANT_LIVENESS, CV_TASK_LIVENESS  },
        {WANT_ALERT,    CV_TASK_ALERT     },
        {WANT_MOVE,     CV_TASK_MOBIKE    },
        {WANT_TELL,     CV_TASK_MOBIKE    },
        {WANT_PROVE,    CV_TASK_MOBIKE    },
        {WANT_REDIRECT, CV_TASK_REDIRECT  },
    };
    const struct ike_hs *hs = sa_hs(k, sa);
    uint32_t tasks = 0;

    for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
        if (sa->want & wants[i].want)
            tasks |= UINT32_C(1) << wants[i].task;
    }
    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        const struct child_sa *c = child_at(&k->core, i);

        if (hs != NULL && hs->child == c->id) /* its exchange is the active one */
            continue;
        if (c->want_delete && !c->drains && sa->target != c->id)
            tasks |= UINT32_C(1) << CV_TASK_CHILD_DELETE;
        else if (c->state == CV_CHILD_CREATED)
            tasks |= UINT32_C(1) << CV_TASK_CHILD_CREATE;
        else if (c->want_rekey && c->state == CV_CHILD_INSTALLED)
            tasks |= UINT32_C(1) << CV_TASK_CHILD_REKEY;
    }
    return tasks;
}

static void fill_ike(const struct ike *k, const struct ike_sa *sa, struct cv_ike_info *out)
{
    memset(out, 0, sizeof(*out));
    out->id = sa->peer.id;
    out->state = shown_ike_state(sa);
    out->conn = sa->peer.conn;
    out->began = sa->peer.first_initiator;
    out->initiator = sa->peer.initiator;
    out->nat_local = sa->peer.nat_local;
    out->nat_remote = sa->peer.nat_remote;
    out->encap = sa->peer.encap;
    out->mobike = sa->mobike;
    out->fragmentation = sa->fragments;
    memcpy(out->spi_i, sa->peer.spi_i, IKE_SPI_LEN);
    memcpy(out->spi_r, sa->peer.spi_r, IKE_SPI_LEN);
    out->local = sa->peer.local;
    out->remote = sa->peer.remote;
    peer_local_id(&sa->peer, &out->local_id);
    out->remote_id = sa->peer.remote_id;
    out->suite = sa->suite;
    out->established_ms = sa->peer.up_ms;
    out->rekey_at_ms = sa->peer.rekey_ms;
    out->reauth_at_ms = sa->peer.first_initiator ? sa->peer.reauth_ms : CV_NO_DEADLINE;
    out->lease.v4 = sa->peer.vip4;
    out->lease.v6 = sa->peer.vip6;
    out->lease.v6_prefix = 128;
    out->n_children = sa->peer.n_children;
    out->half_open = k->core.half_open.n;
    out->queued = tasks_queued(k, sa);
    out->active = task_active(sa);
}

/* Closed SAs stay visible until their end was announced, not while they linger. */
static bool visible(const struct ike_sa *sa)
{
    return sa->state != ST_LINGER || sa->peer.is_ended;
}

bool cv_ike_next(const struct cv_engine *e, uint32_t *at, struct cv_ike_info *out)
{
    const struct ike *k = &e->ike;

    while (*at < k->core.sas.cap) {
        const struct ike_sa *sa = sa_at(k, (*at)++);

        if (sa == NULL || sa->state == ST_DEAD || sa->state == ST_LINGER || sa_is_secret(sa))
            continue;
        fill_ike(k, sa, out);
        return true;
    }
    return false;
}

bool cv_ike_info(const struct cv_engine *e, uint32_t ike, struct cv_ike_info *out)
{
    const struct ike_sa *sa = sa_by_number(&e->ike, ike);

    if (sa == NULL || !visible(sa) || sa_is_secret(sa))
        return false;
    fill_ike(&e->ike, sa, out);
    return true;
}

static void fill_child(const struct ike *k, const struct child_sa *c, struct cv_child_info *out)
{
    const struct ike_sa *sa = sa_at(k, c->ike);

    memset(out, 0, sizeof(*out));
    out->id = c->id;
    out->ike = sa == NULL ? 0 : sa->peer.id;
    out->reqid = c->reqid;
    out->state = c->state;
    out->protocol = c->protocol;
    out->mode = c->mode;
    out->encap = sa != NULL && sa->peer.encap && c->protocol == CV_PROTO_ESP;
    out->conn = c->conn;
    out->cfg = c->cfg;
    out->spi_in = c->spi_in;
    out->spi_out = c->spi_out;
    out->suite = c->suite;
    out->installed_ms = c->installed_ms;
    out->rekey_at_ms = c->rekey_ms;
    out->expire_at_ms = c->hard_ms;
    if (c->installed) {
        uint32_t i = child_index(&k->core, c);
        const struct cv_pair_counters *n = pair_counters(&k->core, i);

        pair_ts(&k->core, i, &out->local_ts, &out->remote_ts);
        out->packets_in = n->packets_in;
        out->bytes_in = n->bytes_in;
        out->packets_out = n->packets_out;
        out->bytes_out = n->bytes_out;
        out->last_in_ms = n->last_in_ms;
        out->last_out_ms = n->last_out_ms;
        memcpy(out->drops, n->drops, sizeof(out->drops));
    }
}

/* The slots of all Child SAs; *at is the next one to look at. */
static const struct child_sa *next_of_all(const struct ike *k, uint32_t *at)
{
    while (*at < k->core.children.cap) {
        const struct child_sa *c = child_at(&k->core, (*at)++);

        if (c != NULL && c->state != CV_CHILD_DEAD)
            return c;
    }
    return NULL;
}

/* The IKE SA's own list: a list of all SAs with their children takes one step each.  *at is one
 * more than the slot shown last; if that has gone to another SA meanwhile, this is the end. */
static const struct child_sa *next_of_ike(const struct ike *k, uint32_t ike, uint32_t *at)
{
    const struct ike_sa *sa = sa_by_number(k, ike);
    const struct child_sa *c = *at > 0 ? child_at(&k->core, *at - 1) : NULL;
    uint32_t i;

    if (sa == NULL || (*at > 0 && (c == NULL || sa_at(k, c->ike) != sa)))
        return NULL;
    i = *at > 0 ? c->next : sa->peer.children;
    for (; i != POOL_NONE; i = c->next) {
        c = child_at(&k->core, i);
        *at = i + 1;
        if (c->state != CV_CHILD_DEAD)
            return c;
    }
    return NULL;
}

bool cv_child_next(const struct cv_engine *e, uint32_t ike, uint32_t *at,
                   struct cv_child_info *out)
{
    const struct ike *k = &e->ike;
    const struct child_sa *c = ike == 0 ? next_of_all(k, at) : next_of_ike(k, ike, at);

    if (c == NULL)
        return false;
    fill_child(k, c, out);
    return true;
}

bool cv_child_info(const struct cv_engine *e, uint32_t child, struct cv_child_info *out)
{
    const struct child_sa *c = child_by_number(&e->ike.core, child);

    if (c == NULL)
        return false;
    fill_child(&e->ike, c, out);
    return true;
}

void cv_get_stats(const struct cv_engine *e, struct cv_stats *out)
{
    const struct ike *k = &e->ike;

    *out = k->core.stats;
    out->ike_sas = k->core.sas.used;
    out->half_open = k->core.half_open.n;
    out->child_sas = k->core.children.used;
    out->handshakes = k->hs.used;
    out->gathers = k->gathers.used;
    out->messages = k->core.msgs.pool.used;
}

const char *cv_limit_name(enum cv_limit limit)
{
    static const char *const names[] = {
        [CV_LIMIT_IKE_SAS] = "ike_sas",   [CV_LIMIT_HANDSHAKES] = "handshakes",
        [CV_LIMIT_MESSAGES] = "messages", [CV_LIMIT_CHILD_SAS] = "child_sas",
        [CV_LIMIT_CHILDREN] = "children", [CV_LIMIT_SOURCE] = "block_threshold",
    };

    return (unsigned)limit < CV_LIMIT_COUNT ? names[limit] : "unknown";
}

static uint32_t value_of(const struct ike *k, enum cv_limit limit)
{
    switch (limit) {
    case CV_LIMIT_IKE_SAS:
        return k->core.sas.cap;
    case CV_LIMIT_HANDSHAKES:
        return k->hs.cap;
    case CV_LIMIT_MESSAGES:
        return k->core.msgs.pool.cap;
    case CV_LIMIT_CHILD_SAS:
        return k->core.children.cap;
    case CV_LIMIT_CHILDREN:
        return k->core.set.children_max;
    default:
        return k->core.set.block_threshold;
    }
}

void cv_get_limit(const struct cv_engine *e, enum cv_limit limit, struct cv_limit_met *out)
{
    *out = e->ike.core.met[limit];
    out->value = value_of(&e->ike, limit);
}
