/* A host's life: packets and time into the engine, questions about it.  What it answers
 * to the engine's requests is in host_effects.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/crypto.h"
#include "sim/invariants.h"
#include "sim/move.h"
#include "sim/world.h"
#include "wire/ip.h"

enum {
    TICKS_MAX = 200, /* ticks in one millisecond before we call it an endless loop */
    UDP_HDR = 8
};

/* ---- lifecycle ----------------------------------------------------------------- */

static void add_conn(struct host *h, const struct recipe *r)
{
    enum cv_err err = cv_conn_add(h->engine, &r->conn);

    if (err != CV_OK)
        world_fail(h->world, "%s: cv_conn_add: %s", h->name, cv_err_name(err));
}

void host_start(struct host *h)
{
    enum cv_err err;

    h->life++;
    h->mem_size = cv_engine_size(&h->settings.limits);
    h->mem = sim_alloc(h->mem_size);
    err = cv_engine_init(&h->engine, h->mem, h->mem_size, &h->settings, world_now(h->world));
    if (err != CV_OK) {
        world_fail(h->world, "%s: cv_engine_init: %s", h->name, cv_err_name(err));
        abort(); /* no scenario can go on without an engine */
    }
    for (unsigned i = 0; i < h->n_recipes; i++)
        add_conn(h, h->recipes[i]);
    host_drain(h);
}

void host_stop(struct host *h)
{
    if (h->engine == NULL)
        return;
    while (h->n_inbox > 0)
        free(h->inbox[--h->n_inbox].buf);
    while (h->n_kept > 0)
        free(h->kept[--h->n_kept]);
    cv_engine_close(h->engine);
    free(h->mem);
    h->engine = NULL;
    h->mem = NULL;
    h->deadline_ms = CV_NO_DEADLINE;
    memset(h->lease_of, 0, sizeof(h->lease_of));
    h->n_leases = 0;
}

void host_reboot(struct host *h)
{
    host_stop(h);
    host_start(h);
}

void host_add(struct host *h, struct recipe *r)
{
    if (h->n_recipes == HOST_CONNS)
        abort();
    h->recipes[h->n_recipes++] = r;
    if (h->engine != NULL)
        add_conn(h, r);
}

/* ---- packets and time ------------------------------------------------------------ */

/* Notes a packet that the engine would not have. */
static void note_drop(struct host *h, const char *what, const struct cv_packet *p)
{
    char text[100];

    if (h->world->trace.ike_only && p->carrier != CV_UDP_500)
        return;
    snprintf(text, sizeof(text), "    %s: %s: %s", h->name, what, cv_err_name(p->err));
    trace_line(&h->world->trace, world_now(h->world), text);
}

/* IKE to this host that came through a tunnel: through the host's stack to its sockets. */
static void enter_sockets(struct host *h, struct cv_packet *p)
{
    struct ip_flow f;

    if (ip_parse(&f, (struct cv_span){p->buf + p->off, p->len}) != CV_OK || !f.ports_known ||
        f.proto != IPPROTO_NUM_UDP || (f.dport != 500 && f.dport != 4500))
        return;
    p->remote = (struct cv_endpoint){f.src, f.sport};
    p->local = (struct cv_endpoint){f.dst, f.dport};
    p->carrier = f.dport == 500 ? CV_UDP_500 : CV_UDP_4500;
    p->off += f.hdr_len + UDP_HDR;
    p->len = f.total_len - f.hdr_len - UDP_HDR;
    cv_input(h->engine, p, 1, world_now(h->world));
}

/* A packet that the engine has seen.  True when an echo is wanted on *flow. */
static bool handed_over(struct host *h, struct cv_packet *p, uint32_t *flow)
{
    *flow = UINT32_MAX;
    if (p->verdict == CV_DELIVER)
        enter_sockets(h, p);
    if (p->verdict == CV_DELIVER)
        invariants_delivered(h->world, h, p, flow);
    else if (p->err != CV_OK)
        note_drop(h, "drops", p);
    return *flow != UINT32_MAX && h->world->stack.flows[*flow].echo;
}

/* Hands the inbox to the engine in one call. */
/* A device sleeps between two of these. */
static void wakes(struct host *h)
{
    if (h->wakes == 0 || h->woke_ms != world_now(h->world))
        h->wakes++;
    h->woke_ms = world_now(h->world);
}

static void empty_inbox(void *ctx, void *arg)
{
    struct host *h = ctx;
    uint32_t echo[HOST_INBOX];
    unsigned n_echo = 0, n = h->n_inbox;

    (void)arg;
    if (n == 0)
        return;
    h->n_inbox = 0;
    h->world->active = h;
    wakes(h);
    if (h->engine != NULL)
        cv_input(h->engine, h->inbox, n, world_now(h->world));
    for (unsigned i = 0; i < n; i++) {
        if (h->engine != NULL && handed_over(h, &h->inbox[i], &echo[n_echo]))
            n_echo++;
        free(h->inbox[i].buf);
    }
    if (h->engine == NULL)
        return;
    host_drain(h);
    for (unsigned i = 0; i < n_echo; i++)
        host_send_inner(h, echo[i] ^ 1);
}

void host_receive(void *ctx, const struct datagram *d)
{
    struct host *h = ctx;
    struct cv_packet *p = &h->inbox[h->n_inbox++];

    *p = (struct cv_packet){.cap = CV_HEADROOM + d->n,
                            .off = CV_HEADROOM, /* transport mode writes a header there */
                            .len = d->n,
                            .local = d->dst,
                            .remote = d->src,
                            .carrier = d->carrier,
                            .tos = d->tos};
    p->buf = sim_alloc(p->cap); /* exact at its end, so that a sanitizer sees overreads */
    memcpy(p->buf + p->off, d->data, d->n);
    if (!h->batches || h->n_inbox == HOST_INBOX)
        empty_inbox(h, NULL);
    else if (h->n_inbox == 1)
        agenda_at(&h->world->agenda, world_now(h->world), empty_inbox, h, NULL);
}

void host_send_inner(struct host *h, uint32_t flow)
{
    struct flow *f = &h->world->stack.flows[flow];
    uint8_t *buf;
    const size_t around = CV_NESTED_MAX * (CV_HEADROOM + CV_TAILROOM);
    struct cv_packet p = {.cap = around + STACK_PACKET_MAX, .off = CV_NESTED_MAX * CV_HEADROOM};

    if (h->engine == NULL)
        return;
    buf = sim_alloc(p.cap);
    p.buf = buf;
    p.len = stack_build(&h->world->stack, flow, f->sent++, p.buf + p.off);
    h->world->active = h;
    cv_output(h->engine, &p, 1, world_now(h->world));
    if (p.verdict == CV_TRANSMIT && h->mobile && !host_has(h, &p.local.addr)) {
        h->world->stack.flows[flow].refused++;
    } else if (p.verdict == CV_TRANSMIT) {
        net_send(&h->world->net, h->port, &p.local, &p.remote, p.carrier, p.tos,
                 (struct cv_span){p.buf + p.off, p.len});
    } else {
        h->world->stack.flows[flow].refused++;
        h->world->stack.flows[flow].bypassed += p.verdict == CV_BYPASS;
        note_drop(h, "does not send", &p);
    }
    free(buf);
    host_drain(h);
}

void host_tick(struct host *h)
{
    uint64_t now = world_now(h->world);

    if (h->ticked_ms != now)
        h->ticks = 0;
    h->ticked_ms = now;
    if (++h->ticks > TICKS_MAX)
        world_fail(h->world, "%s: the deadline does not move", h->name);
    h->world->active = h;
    wakes(h);
    cv_tick(h->engine, now);
    host_drain(h);
}

/* ---- commands --------------------------------------------------------------------- */

static void command_failed(struct host *h, const char *what, enum cv_err err)
{
    char text[120];

    host_drain(h);
    if (err == CV_OK)
        return;
    snprintf(text, sizeof(text), "%s: %s: %s", h->name, what, cv_err_name(err));
    trace_line(&h->world->trace, world_now(h->world), text);
}

static uint32_t initiate(struct host *h, const struct recipe *r,
                         const struct cv_child_config *child, const struct cv_addr *local,
                         const struct cv_addr *remote)
{
    struct cv_endpoint from = {*local, 500}, to = {*remote, 500};
    uint32_t ike = 0;
    enum cv_err err;

    h->world->active = h;
    err = cv_initiate(h->engine, &r->conn, child, &from, &to, world_now(h->world), &ike);

    command_failed(h, "initiate", err);
    return err == CV_OK ? ike : 0;
}

uint32_t host_initiate(struct host *h, struct recipe *r, unsigned child, const struct host *to)
{
    return initiate(h, r, r->children[child], &h->v4, &to->v4);
}

uint32_t host_initiate_v6(struct host *h, struct recipe *r, unsigned child,
                          const struct host *to)
{
    return initiate(h, r, r->children[child], &h->v6, &to->v6);
}

uint32_t host_initiate_childless(struct host *h, struct recipe *r, const struct host *to)
{
    return initiate(h, r, NULL, &h->v4, &to->v4);
}

void host_rekey_ike(struct host *h, uint32_t ike)
{
    h->world->active = h;
    command_failed(h, "rekey ike", cv_rekey_ike(h->engine, ike, false, world_now(h->world)));
}

void host_probe(struct host *h, uint32_t ike)
{
    h->world->active = h;
    command_failed(h, "probe", cv_probe(h->engine, ike, world_now(h->world)));
}

void host_rekey_child(struct host *h, uint32_t child)
{
    h->world->active = h;
    command_failed(h, "rekey child", cv_rekey_child(h->engine, child, world_now(h->world)));
}

void host_reauth(struct host *h, uint32_t ike)
{
    h->world->active = h;
    command_failed(h, "reauth", cv_rekey_ike(h->engine, ike, true, world_now(h->world)));
}

void host_drop_ike(struct host *h, uint32_t ike)
{
    h->world->active = h;
    command_failed(h, "drop ike", cv_terminate_ike(h->engine, ike, true, world_now(h->world)));
}

void host_delete_ike(struct host *h, uint32_t ike)
{
    h->world->active = h;
    command_failed(h, "delete ike",
                   cv_terminate_ike(h->engine, ike, false, world_now(h->world)));
}

void host_delete_child(struct host *h, uint32_t child)
{
    h->world->active = h;
    command_failed(h, "delete child",
                   cv_terminate_child(h->engine, child, false, world_now(h->world)));
}

/* ---- questions -------------------------------------------------------------------- */

const struct host_event *host_last(const struct host *h, enum cv_event_kind kind)
{
    unsigned from = h->n_events > HOST_EVENTS ? h->n_events - HOST_EVENTS : 0;

    for (unsigned i = h->n_events; i > from; i--) {
        if (h->event[(i - 1) % HOST_EVENTS].kind == kind)
            return &h->event[(i - 1) % HOST_EVENTS];
    }
    return NULL;
}

unsigned host_ike_count(const struct host *h)
{
    struct cv_ike_info info;
    uint32_t at = 0;
    unsigned n = 0;

    while (cv_ike_next(h->engine, &at, &info))
        n++;
    return n;
}

unsigned host_child_count(const struct host *h)
{
    struct cv_child_info info;
    uint32_t at = 0;
    unsigned n = 0;

    while (cv_child_next(h->engine, 0, &at, &info))
        n++;
    return n;
}

uint32_t host_ike(const struct host *h)
{
    struct cv_ike_info info;
    uint32_t at = 0, any = 0;

    while (cv_ike_next(h->engine, &at, &info)) {
        if (info.state == CV_IKE_ESTABLISHED)
            return info.id;
        if (any == 0)
            any = info.id;
    }
    return any;
}

uint32_t host_child(const struct host *h)
{
    struct cv_child_info info;
    uint32_t at = 0, any = 0;

    while (cv_child_next(h->engine, 0, &at, &info)) {
        if (info.state == CV_CHILD_INSTALLED)
            return info.id;
        if (any == 0)
            any = info.id;
    }
    return any;
}

struct cv_ike_info host_ike_info(const struct host *h, uint32_t ike)
{
    struct cv_ike_info info;

    if (!cv_ike_info(h->engine, ike, &info))
        memset(&info, 0, sizeof(info));
    return info;
}

struct cv_child_info host_child_info(const struct host *h, uint32_t child)
{
    struct cv_child_info info;

    if (!cv_child_info(h->engine, child, &info))
        memset(&info, 0, sizeof(info));
    return info;
}

uint64_t host_errors(const struct host *h, enum cv_err err)
{
    struct cv_stats stats;

    cv_get_stats(h->engine, &stats);
    return stats.errors[err];
}

bool host_is_empty(const struct host *h)
{
    struct cv_stats s;

    cv_tick(h->engine, world_now(h->world)); /* lets go of effects that were carried out */
    cv_get_stats(h->engine, &s);
    return s.ike_sas == 0 && s.child_sas == 0 && s.handshakes == 0 && s.gathers == 0 &&
           s.messages == 0;
}
