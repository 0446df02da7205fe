/* What a host does with its engine's effects: sends, answers, remembers.
 *
 * Answers are made as values when the request is seen, and given at once or later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/crypto.h"
#include "sim/host.h"
#include "sim/invariants.h"
#include "sim/move.h"
#include "sim/world.h"
#include "wire/ip.h"

struct answer {
    uint8_t kind; /* of the effect it answers */
    unsigned life;
    uint32_t ike, question;
    uint64_t deadline_ms;
    bool in_vain; /* nobody may wait for it */
    bool again;   /* given before */
    enum cv_err err;
    char psk[64];
    uint8_t signature[SIM_SIGNATURE_LEN];
    uint8_t method;
    unsigned n_certs;
    size_t cert_size;
    uint8_t cert[HOST_CERT_MAX]; /* every certificate of a chain is the same */
    struct cv_lease lease;
};

/* ---- sending ------------------------------------------------------------------------ */

enum { OUTER_OCTETS = 28 }; /* IPv4 and UDP */

/* Inside another connection's SA, if the engine says so. */
static bool send_nested(struct host *h, const struct cv_effect *fx)
{
    const size_t room = CV_NESTED_MAX * (CV_HEADROOM + CV_TAILROOM) + fx->u.send.data.n;
    struct cv_packet p = {.cap = room, .off = CV_NESTED_MAX * CV_HEADROOM};
    bool nested;

    p.buf = sim_alloc(p.cap);
    nested = cv_send_nested(h->engine, fx, &p, world_now(h->world));
    if (nested && p.verdict == CV_TRANSMIT)
        net_send(&h->world->net, h->port, &p.local, &p.remote, p.carrier, p.tos,
                 (struct cv_span){p.buf + p.off, p.len});
    free(p.buf);
    return nested;
}

static void send_ike(struct host *h, const struct cv_effect *fx)
{
    struct cv_endpoint local = fx->u.send.local;

    if (send_nested(h, fx))
        return;
    if (local.addr.family == CV_ANY_FAMILY)
        local.addr = fx->u.send.remote.addr.family == CV_IPV6 ? h->v6 : h->v4;
    if (local.port == 0)
        local.port = fx->u.send.carrier == CV_UDP_500 ? 500 : 4500;
    if (h->mobile && !host_has(h, &local.addr))
        return; /* as a kernel that does not have the address */
    if (fx->u.send.remote.port == 0 || fx->u.send.data.n == 0)
        world_fail(h->world, "%s: CV_SEND to port 0 or without data", h->name);
    net_send(&h->world->net, h->port, &local, &fx->u.send.remote, fx->u.send.carrier, 0,
             fx->u.send.data);
    h->sent_octets += fx->u.send.data.n + OUTER_OCTETS;
}

/* ---- credentials --------------------------------------------------------------------- */

/* A pretended certificate: its owner's name and filler. */
static void make_cert(const struct host *h, const struct cv_id *id, struct answer *a)
{
    a->n_certs = h->n_certs;
    a->cert_size = h->cert_size > HOST_CERT_MAX ? HOST_CERT_MAX : h->cert_size;
    if (a->cert_size < (size_t)id->n + 1)
        a->cert_size = (size_t)id->n + 1;
    memset(a->cert, 0xce, a->cert_size);
    a->cert[0] = id->n;
    memcpy(a->cert + 1, id->b, id->n);
}

static void make_signature(const struct host *h, const struct cv_effect *fx, struct answer *a)
{
    const struct cv_id *id = fx->u.sign.local_id;

    a->err = h->sign_err;
    a->method = fx->u.sign.hashes != 0 ? CV_METHOD_DIGITAL_SIGNATURE : CV_METHOD_RSA;
    if (h->n_certs > 0)
        make_cert(h, id, a);
    if (!sim_sign(a->signature, (struct cv_span){id->b, id->n}, fx->u.sign.octets))
        a->err = CV_ERR_CRYPTO;
}

static void make_verdict(const struct host *h, const struct cv_effect *fx, struct answer *a)
{
    const struct cv_id *id = fx->u.verify.remote_id;
    uint8_t want[SIM_SIGNATURE_LEN];

    if (h->trusts_nobody) {
        a->err = CV_ERR_CERT_CHAIN;
        return;
    }
    for (unsigned i = 0; i < fx->u.verify.n_certs; i++) {
        struct cv_span c = fx->u.verify.certs[i];

        if (c.n < (size_t)id->n + 1 || c.p[0] != id->n || memcmp(c.p + 1, id->b, id->n) != 0)
            a->err = CV_ERR_CERT_IDENTITY;
    }
    if (!sim_sign(want, (struct cv_span){id->b, id->n}, fx->u.verify.octets))
        a->err = CV_ERR_CRYPTO;
    if (fx->u.verify.signature.n != sizeof(want) ||
        memcmp(fx->u.verify.signature.p, want, sizeof(want)) != 0)
        a->err = CV_ERR_SIGNATURE;
}

/* ---- the address pool ------------------------------------------------------------------ */

static struct cv_addr lease_v4(const struct host *h, unsigned slot)
{
    return recipe_v4(10, h->pool_net, (uint8_t)((slot + 1) >> 8), (uint8_t)(slot + 1));
}

static void make_lease(struct host *h, const struct cv_effect *fx, struct answer *a)
{
    unsigned slot = h->next_lease;

    while (h->n_leases < HOST_LEASES && h->lease_of[slot] != 0)
        slot = (slot + 1) % HOST_LEASES;
    if (h->pool_net == 0 || h->pool_empty || h->n_leases == HOST_LEASES) {
        a->err = CV_ERR_ADDRESS;
        return;
    }
    h->lease_of[slot] = fx->ike;
    h->n_leases++;
    h->next_lease = (slot + 1) % HOST_LEASES;
    if (fx->u.address.want_v4.family != CV_ANY_FAMILY)
        a->lease.v4 = lease_v4(h, slot);
    if (fx->u.address.want_v6.family != CV_ANY_FAMILY) {
        a->lease.v6 = recipe_v6(h->pool_net, (uint16_t)(slot + 1));
        a->lease.v6_prefix = 128;
    }
    a->lease.n_dns = 1;
    a->lease.dns[0] = h->inner[0];
}

static void free_lease(struct host *h, uint32_t ike)
{
    for (unsigned i = 0; i < HOST_LEASES; i++) {
        if (h->lease_of[i] == ike) {
            h->lease_of[i] = 0;
            h->n_leases--;
            return;
        }
    }
    world_fail(h->world, "%s: CV_FREE_ADDRESS for IKE SA %u, which has none", h->name,
               (unsigned)ike);
}

static void move_lease(struct host *h, uint32_t from, uint32_t to)
{
    for (unsigned i = 0; i < HOST_LEASES; i++) {
        if (h->lease_of[i] == from)
            h->lease_of[i] = to;
    }
}

/* ---- answering --------------------------------------------------------------------------- */

enum { AGAIN_MS = 40, KEEP_MS = 2000, LOOK_MS = 100, FOREIGN = 0x40000000 };

static enum cv_err call_engine(struct host *h, const struct answer *a, uint8_t kind,
                               uint32_t question)
{
    struct cv_signature sig = {.method = a->method, .n_certs = a->n_certs};
    uint64_t now = world_now(h->world);

    h->world->active = h;
    sig.data = (struct cv_span){a->signature, sizeof(a->signature)};
    for (unsigned i = 0; i < a->n_certs; i++)
        sig.certs[i] = (struct cv_span){a->cert, a->cert_size};
    switch (kind) {
    case CV_NEED_PSK:
        return cv_answer_psk(h->engine, question, a->err,
                             (struct cv_span){(const uint8_t *)a->psk, strlen(a->psk)}, now);
    case CV_NEED_SIGNATURE:
        return cv_answer_signature(h->engine, question, a->err, &sig, now);
    case CV_NEED_VERIFY:
        return cv_answer_verify(h->engine, question, a->err, now);
    case CV_NEED_ADMISSION:
        return cv_answer_admission(h->engine, question, a->err, now);
    default:
        return cv_answer_address(h->engine, question, a->err, &a->lease, now);
    }
}

static void give_answer_later(void *ctx, void *arg);

static void give_at(struct host *h, const struct answer *a, uint64_t at_ms)
{
    struct answer *copy = sim_alloc(sizeof(*copy));

    *copy = *a;
    agenda_at(&h->world->agenda, at_ms, give_answer_later, h, copy);
}

static void give_answer(struct host *h, const struct answer *a)
{
    enum cv_err err;

    if (h->engine == NULL || a->life != h->life)
        return;
    err = call_engine(h, a, a->kind, a->question);
    if (err == CV_ERR_BUSY) {
        give_at(h, a, world_now(h->world) + 1);
        return;
    }
    if (err == CV_ERR_NOT_FOUND)
        h->late_answers++;
    else if (err != CV_OK)
        world_fail(h->world, "%s: answer %u: %s", h->name, a->kind, cv_err_name(err));
    else if (a->in_vain)
        world_fail(h->world, "%s: an answer %u was taken that nobody waits for", h->name,
                   a->kind);
    /* The SA went away while we looked for an address: nobody will free it for us. */
    if (err == CV_ERR_NOT_FOUND && a->kind == CV_NEED_ADDRESS && a->err == CV_OK && !a->again)
        free_lease(h, a->ike);
}

static void give_answer_later(void *ctx, void *arg)
{
    struct host *h = ctx;

    give_answer(h, arg);
    if (h->engine != NULL)
        host_drain(h);
}

static void give_well(struct host *h, const struct answer *a)
{
    if (h->answer_ms > 0)
        give_at(h, a, world_now(h->world) + h->answer_ms);
    else
        give_answer(h, a);
}

/* A number that no question has, and another kind than the question's. */
static void give_amiss(struct host *h, const struct answer *a)
{
    uint8_t kind = a->kind == CV_NEED_PSK ? CV_NEED_VERIFY : CV_NEED_PSK;

    if (call_engine(h, a, a->kind, a->question + FOREIGN) != CV_ERR_NOT_FOUND ||
        call_engine(h, a, a->kind, 0) != CV_ERR_NOT_FOUND ||
        call_engine(h, a, kind, a->question) != CV_ERR_NOT_FOUND)
        world_fail(h->world, "%s: a foreign answer was taken", h->name);
    give_well(h, a);
}

static void give_twice(struct host *h, struct answer *a)
{
    give_well(h, a);
    a->again = a->in_vain = true;
    give_at(h, a, world_now(h->world) + h->answer_ms + AGAIN_MS);
}

static void give_kept(void *ctx, void *arg)
{
    struct host *h = ctx;

    (void)arg;
    while (h->n_kept > 0) {
        struct answer *a = h->kept[--h->n_kept];

        give_answer(h, a);
        free(a);
    }
    if (h->engine != NULL)
        host_drain(h);
}

static void keep(struct host *h, const struct answer *a)
{
    if (h->n_kept == HOST_KEPT) {
        give_well(h, a);
        return;
    }
    h->kept[h->n_kept] = sim_alloc(sizeof(*a));
    *h->kept[h->n_kept++] = *a;
    agenda_at(&h->world->agenda, world_now(h->world) + KEEP_MS, give_kept, h, NULL);
}

/* Until the SA is gone, the question is not answered. */
static void give_after_end(void *ctx, void *arg)
{
    struct host *h = ctx;
    struct answer *a = arg;
    struct cv_ike_info info;

    if (h->engine == NULL || a->life != h->life)
        return;
    if (cv_ike_info(h->engine, a->ike, &info)) {
        struct answer *copy = sim_alloc(sizeof(*copy));

        *copy = *a;
        agenda_at(&h->world->agenda, world_now(h->world) + LOOK_MS, give_after_end, h, copy);
        return;
    }
    a->in_vain = true;
    give_answer_later(h, a);
}

static void give(struct host *h, struct answer *a, enum host_manner manner)
{
    switch (manner) {
    case ANSWERS_AMISS:
        give_amiss(h, a);
        break;
    case ANSWERS_TWICE:
        give_twice(h, a);
        break;
    case ANSWERS_REVERSED:
        keep(h, a);
        break;
    case ANSWERS_LATE:
        a->in_vain = true;
        give_at(h, a, a->deadline_ms + 1 + h->answer_ms);
        break;
    case ANSWERS_AFTER_END:
        give_after_end(h, a);
        break;
    default:
        give_well(h, a);
        break;
    }
}

static enum host_manner manner_for(struct host *h, uint8_t kind)
{
    if (h->whims_pm > 0 && !h->resting && prng_chance(&h->world->prng, h->whims_pm))
        return (enum host_manner)prng_below(&h->world->prng, ANSWER_MANNERS);
    return (enum host_manner)h->manner[kind];
}

static void answer(struct host *h, const struct cv_effect *fx)
{
    enum host_manner manner = manner_for(h, fx->kind);
    struct answer *a;

    h->requests++;
    h->question = fx->question;
    if (fx->question == 0 || fx->deadline_ms <= world_now(h->world))
        world_fail(h->world, "%s: a question without a number or a deadline", h->name);
    if (manner == ANSWERS_NEVER)
        return;
    a = sim_alloc(sizeof(*a));
    a->kind = fx->kind;
    a->life = h->life;
    a->ike = fx->ike;
    a->question = fx->question;
    a->deadline_ms = fx->deadline_ms;
    if (fx->kind == CV_NEED_PSK && h->psk != NULL)
        snprintf(a->psk, sizeof(a->psk), "%s", h->psk);
    else if (fx->kind == CV_NEED_PSK)
        a->err = CV_ERR_NO_CREDENTIAL;
    else if (fx->kind == CV_NEED_SIGNATURE)
        make_signature(h, fx, a);
    else if (fx->kind == CV_NEED_VERIFY)
        make_verdict(h, fx, a);
    else if (fx->kind == CV_NEED_ADMISSION)
        a->err = h->admission;
    else
        make_lease(h, fx, a);
    give(h, a, manner);
    free(a);
}

/* ---- starting again ------------------------------------------------------ */

enum { RESTART_MS = 1000 };

struct restart {
    const struct cv_conn *conn;
    const struct cv_child_config *child;
    struct cv_addr local, remote;
};

static void start_again(void *ctx, void *arg)
{
    struct host *h = ctx;
    const struct restart *r = arg;
    struct cv_endpoint local = {r->local, 500}, remote = {r->remote, 500};
    struct cv_child_info info;

    if (h->engine == NULL || h->resting)
        return;
    if (h->mobile && !host_has(h, &local.addr)) /* as routing says by now */
        local.addr = local.addr.family == CV_IPV6 ? h->v6 : h->v4;
    if (local.addr.family != remote.addr.family)
        return;
    for (uint32_t at = 0; cv_child_next(h->engine, 0, &at, &info);) {
        if (info.cfg == r->child)
            return; /* somebody was faster */
    }
    h->world->active = h;
    if (cv_initiate(h->engine, r->conn, r->child, &local, &remote, world_now(h->world), NULL) !=
        CV_OK)
        trace_line(&h->world->trace, world_now(h->world), "    no room to start again");
    host_drain(h);
}

/* An attempt without an answer, when there are more to be made. */
static bool attempts_go_on(struct host *h, const struct cv_effect *fx)
{
    const unsigned tries = fx->conn->keyingtries;

    return fx->u.event.kind == CV_EV_CHILD_FAILED && fx->u.event.err == CV_ERR_PEER_SILENT &&
           (tries == 0 || ++h->attempts < tries);
}

/* dpd_action and close_action are the host's to carry out, and attempts to be made anew. */
static void consider_restart(struct host *h, const struct cv_effect *fx)
{
    const struct cv_child_config *child = fx->u.event.child_cfg;
    uint8_t action = CV_ACTION_NONE;
    struct restart *r;

    if (attempts_go_on(h, fx))
        action = CV_ACTION_START;
    else if (fx->u.event.kind == CV_EV_CHILD_FAILED)
        return;
    else if (fx->u.event.err == CV_ERR_PEER_SILENT)
        action = child->dpd_action;
    else if (fx->u.event.err == CV_ERR_DELETED_BY_PEER)
        action = child->close_action;
    if (action != CV_ACTION_START || h->resting)
        return;
    r = sim_alloc(sizeof(*r));
    *r = (struct restart){fx->conn, child, fx->u.event.local.addr, fx->u.event.remote.addr};
    agenda_at(&h->world->agenda, world_now(h->world) + RESTART_MS, start_again, h, r);
}

/* ---- events -------------------------------------------------------------- */

static void trace_event(struct host *h, const struct host_event *e)
{
    static const char *const names[] = {
        "?",          "IKE_UP",      "IKE_DOWN",      "IKE_REKEYED",  "IKE_MOVED",
        "CHILD_UP",   "CHILD_DOWN",  "CHILD_REKEYED", "CHILD_FAILED", "RETRANSMIT",
        "ADDRESS",    "AUTH_FAILED", "REJECTED",      "PEER_NOTIFY",  "COOKIES",
        "PEER_ALARM", "WAYS",        "REDIRECT",      "TAKEN",        "ALARM"};

    _Static_assert(sizeof(names) / sizeof(names[0]) == CV_EV_ALARM + 1, "a name for each");
    char text[160];

    snprintf(text, sizeof(text), "    %s: %s ike %u>%u child %u>%u value %u%s%s notify %u",
             h->name, names[e->kind], (unsigned)e->ike, (unsigned)e->ike_new,
             (unsigned)e->child, (unsigned)e->child_new, (unsigned)e->value,
             e->err == CV_OK ? "" : " ", e->err == CV_OK ? "" : cv_err_name(e->err), e->notify);
    trace_line(&h->world->trace, e->at_ms, text);
}

static struct cv_span copy_body(uint8_t to[HOST_BODY_MAX], struct cv_span s)
{
    size_t n = s.n < HOST_BODY_MAX ? s.n : HOST_BODY_MAX;

    if (n > 0)
        memcpy(to, s.p, n);
    return (struct cv_span){to, n};
}

static void remember_refusal(struct host *h, const struct cv_effect *fx,
                             const struct host_event *e)
{
    const struct cv_asked *a = &fx->u.event.asked;
    struct host_refusal *r = &h->refusal;

    memset(r, 0, sizeof(*r));
    r->what = *e;
    r->by = fx->u.event.by;
    if (fx->u.event.local_id != NULL)
        r->local_id = *fx->u.event.local_id;
    if (fx->u.event.remote_id != NULL)
        r->remote_id = *fx->u.event.remote_id;
    if (e->kind == CV_EV_CHILD_FAILED)
        return;
    r->asked = (struct cv_asked){copy_body(r->body[0], a->sa), copy_body(r->body[1], a->tsi),
                                 copy_body(r->body[2], a->tsr), copy_body(r->body[3], a->idi),
                                 copy_body(r->body[4], a->idr)};
}

static void remember(struct host *h, const struct cv_effect *fx)
{
    struct host_event *e = &h->event[h->n_events++ % HOST_EVENTS];

    *e = (struct host_event){.at_ms = world_now(h->world),
                             .kind = fx->u.event.kind,
                             .err = fx->u.event.err,
                             .notify = fx->u.event.notify,
                             .ike = fx->ike,
                             .ike_new = fx->u.event.ike_new,
                             .child = fx->u.event.child,
                             .child_new = fx->u.event.child_new,
                             .value = fx->u.event.value,
                             .child_cfg = fx->u.event.child_cfg,
                             .lease = fx->u.event.lease,
                             .local = fx->u.event.local,
                             .remote = fx->u.event.remote};
    if (e->kind == 0 || e->kind > CV_EV_ALARM) {
        world_fail(h->world, "%s: event of kind %u", h->name, e->kind);
        e->kind = 0;
    }
    h->saw[e->kind]++;
    trace_event(h, e);
    if (e->kind == CV_EV_REJECTED || e->kind == CV_EV_PEER_NOTIFY ||
        e->kind == CV_EV_AUTH_FAILED ||
        (e->kind == CV_EV_CHILD_FAILED && fx->u.event.by != CV_BY_NOBODY))
        remember_refusal(h, fx, e);
    if (e->kind == CV_EV_CHILD_UP)
        h->attempts = 0;
    if (e->kind == CV_EV_CHILD_DOWN || e->kind == CV_EV_CHILD_FAILED)
        consider_restart(h, fx);
    if (e->kind == CV_EV_REDIRECT)
        h->gateway = fx->u.event.gateway;
    if (e->kind == CV_EV_WAYS && h->mobile) {
        if (h->n_ways_wanted == HOST_WAYS)
            world_fail(h->world, "%s: asked for the ways of too many IKE SAs", h->name);
        else
            h->ways_wanted[h->n_ways_wanted++] = e->ike;
    }
    if (e->kind == CV_EV_IKE_REKEYED)
        move_lease(h, e->ike, e->ike_new);
}

void host_drain(struct host *h)
{
    struct cv_effect fx;

    while (cv_next_effect(h->engine, &fx)) {
        if (fx.kind == CV_SEND)
            send_ike(h, &fx);
        else if (fx.kind == CV_FREE_ADDRESS)
            free_lease(h, fx.ike);
        else if (fx.kind == CV_EVENT)
            remember(h, &fx);
        else
            answer(h, &fx);
    }
    if (h->n_ways_wanted > 0) {
        host_tell_ways(h, h->ways_wanted[--h->n_ways_wanted]);
        return;
    }
    h->deadline_ms = cv_next_deadline(h->engine);
    invariants_step(h->world, h);
}
