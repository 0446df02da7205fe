/* The memory of the tables, and chance; see core.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/core.h"

#include <string.h>

#include "base/secret.h"
#include "base/span.h"
#include "peer/child_sa.h"
#include "peer/conn.h"
#include "peer/room.h"
#include "wire/ike.h"

enum { ANSWERS_BURST = 20, ANSWERS_EVERY_MS = 100 };

static void core_carve_ended(struct ended *e, struct arena *a, const struct cv_limits *lim)
{
    uint32_t *next_sa = arena_take(a, lim->ike_sas, sizeof(*next_sa));
    uint32_t *next_child = arena_take(a, lim->child_sas, sizeof(*next_child));

    queue_init(&e->leases, next_sa);
    queue_init(&e->sas, next_sa);
    queue_init(&e->told_sas, next_sa);
    queue_init(&e->children, next_child);
    queue_init(&e->told_children, next_child);
}

void core_carve(struct core *core, struct arena *a, const struct cv_limits *lim, size_t sa_size)
{
    pool_carve(&core->sas, a, lim->ike_sas, sa_size);
    core->sa_gen = arena_take(a, lim->ike_sas, sizeof(uint32_t));
    pool_carve(&core->children, a, lim->child_sas, sizeof(struct child_sa));
    core->child_gen = arena_take(a, lim->child_sas, sizeof(uint32_t));
    msgs_carve(&core->msgs, a, lim->messages, lim->message_size);
    effects_carve(&core->fx, a, lim->effects);
    conns_carve(&core->conns, a, lim->conns, core->seed);
    core->scratch_in = arena_take(a, 1, lim->message_size);
    core->scratch_out = arena_take(a, 1, lim->message_size);
    htab_carve(&core->by_spi, a, lim->ike_sas, core->seed);
    chain_carve(&core->by_id, a, lim->ike_sas, core->seed);
    chain_carve(&core->by_way, a, lim->ike_sas, core->seed);
    chain_carve(&core->by_transport, a, lim->child_sas, core->seed);
    htab_carve(&core->half_open.by_spi, a, lim->handshakes, core->seed);
    htab_carve(&core->half_open.by_source, a, lim->handshakes, core->seed);
    chain_carve_few(&core->giving, a, lim->ike_sas, ROOM_REASONS, core->seed);
    htab_carve(&core->questions, a, lim->handshakes, core->seed);
    core_carve_ended(&core->ended, a, lim);
    queue_init(&core->touched, arena_take(a, lim->ike_sas, sizeof(uint32_t)));
    core->next_reqid = 1;
}

void core_wipe(struct core *core)
{
    wipe(core->sas.slots, core->sas.slot_size * core->sas.cap);
    wipe(core->children.slots, core->children.slot_size * core->children.cap);
    wipe(core->msgs.pool.slots, core->msgs.pool.slot_size * core->msgs.pool.cap);
    wipe(&core->cookies, sizeof(core->cookies));
    wipe(core->scratch_in, core->set.limits.message_size);
    wipe(core->scratch_out, core->set.limits.message_size);
}

/* One more, if anybody counts and the exchange is one of IKEv2's. */
static void count(struct cv_exchange_stats *n, bool in, bool response)
{
    if (in)
        ++*(response ? &n->responses_in : &n->requests_in);
    else
        ++*(response ? &n->responses_out : &n->requests_out);
}

void core_count(struct core *core, const struct cv_conn *conn, const struct counted *m)
{
    struct cv_conn_stats *own = conn != NULL ? conn->stats : NULL;
    struct cv_exchange_stats *all, *of_conn;

    switch (m->exchange) {
    case EX_SA_INIT:
        all = &core->stats.sa_init;
        of_conn = own != NULL ? &own->sa_init : NULL;
        break;
    case EX_AUTH:
        all = &core->stats.auth;
        of_conn = own != NULL ? &own->auth : NULL;
        break;
    case EX_CREATE_CHILD:
        all = &core->stats.create_child;
        of_conn = own != NULL ? &own->create_child : NULL;
        break;
    case EX_INFORMATIONAL:
        all = &core->stats.informational;
        of_conn = own != NULL ? &own->informational : NULL;
        break;
    default:
        return;
    }
    count(all, m->in, m->response);
    if (of_conn != NULL)
        count(of_conn, m->in, m->response);
}

uint64_t core_addr_key(const struct core *core, const struct cv_addr *a)
{
    uint8_t b[17];

    b[0] = a->family;
    memcpy(b + 1, a->b, 16);
    return siphash24(core->seed, b, sizeof(b));
}

bool core_random(const struct core *core, void *out, size_t n)
{
    return core->crypto->random(out, n);
}

uint64_t core_random_below(const struct core *core, uint64_t n)
{
    uint8_t b[8] = {0};
    struct rd r = rd_init(span(b, sizeof(b)));

    if (n == 0 || !core_random(core, b, sizeof(b)))
        return 0;
    return rd_u64(&r) % n;
}

bool core_may_answer(struct core *core)
{
    if (bucket_take(&core->answers, core->now_ms, ANSWERS_BURST, ANSWERS_EVERY_MS))
        return true;
    core->stats.errors[CV_ERR_RATE]++;
    return false;
}
