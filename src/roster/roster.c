/* Owns who comes in: the engine's questions of admission and of addresses, and what a change of
 * the registry does to those that are in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "roster/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask/at_once.h"
#include "config/config.h"
#include "kit/clock.h"
#include "kit/mem.h"
#include "roster/inside.h"
#include "roster/secrets.h"
#include "text/text.h"

static const struct timeval turn_time = {.tv_usec = 250000};

/* ---- who may come in ---------------------------------------------------------- */

static bool give(struct roster *r, const struct clerk_answer *a, enum cv_err err)
{
    const struct ask_answer answer = {.err = err};

    return ask_answer(r->host.ask, a->about.question, &answer);
}

void roster_refused(struct roster *r, const struct clerk_answer *a, const char *why)
{
    const int64_t device = a->err == REGISTRY_OK ? a->device.id : 0;
    struct cv_ike_info ike;
    char peer[64] = "";

    if (cv_ike_info(r->host.engine, a->about.ike, &ike))
        endpoint_words(peer, sizeof(peer), &ike.remote);
    r->stats.refused++;
    happened_refused(r, &(struct refused){a->about.identity, device, peer, why}, a->about.ike);
}

static void refuse(struct roster *r, const struct clerk_answer *a, enum cv_err err,
                   const char *why)
{
    roster_refused(r, a, why);
    if (a->err == REGISTRY_OK)
        clerk_forget(r->clerk, a->device.id);
    (void)give(r, a, err);
}

static void let_in(struct roster *r, const struct clerk_answer *a)
{
    const int64_t id = a->device.id;

    if (roll_add(r->roll, a->about.ike, &a->device, a->about.identity) == NULL) {
        refuse(r, a, CV_ERR_FULL, "as many devices are connected as max_devices says");
        return;
    }
    r->stats.admitted++;
    if (!give(r, a, CV_OK)) { /* it did not wait so long */
        (void)roll_drop(r->roll, a->about.ike);
        clerk_forget(r->clerk, id);
    }
}

/* While nobody can be asked, a device that is connected may connect anew: what the registry has
 * last said of it holds. */
static bool let_in_as_known(struct roster *r, const struct clerk_answer *a)
{
    struct roll_device *d = roll_by_identity(r->roll, a->about.identity);
    struct device known = {.id = 0};

    if (d == NULL || d->n_up == 0)
        return false;
    known.id = d->id;
    snprintf(known.name, sizeof(known.name), "%s", d->name);
    snprintf(known.tenant, sizeof(known.tenant), "%s", d->tenant);
    memcpy(known.address, d->address, sizeof(known.address));
    memcpy(known.address6, d->address6, sizeof(known.address6));
    if (roll_add(r->roll, a->about.ike, &known, a->about.identity) == NULL)
        return false;
    r->stats.unasked++;
    if (!give(r, a, CV_OK))
        (void)roll_drop(r->roll, a->about.ike);
    return true;
}

static void on_answer(void *ctx, const struct clerk_answer *a)
{
    struct roster *r = ctx;

    if (a->about.secret)
        secrets_answer(r, a);
    else if (a->err == REGISTRY_NONE)
        refuse(r, a, CV_ERR_NOT_ADMITTED, "no device of the fleet has this identity");
    else if (a->err == REGISTRY_BAD)
        refuse(r, a, CV_ERR_FULL, "as many devices are connected as max_devices says");
    else if (a->err != REGISTRY_OK && !let_in_as_known(r, a))
        refuse(r, a, CV_ERR_REGISTRY, "the registry cannot be asked");
    else if (a->err == REGISTRY_OK && a->device.state == DEVICE_ACTIVE)
        let_in(r, a);
    else if (a->err == REGISTRY_OK)
        refuse(r, a, CV_ERR_NOT_ADMITTED,
               a->device.state == DEVICE_SUSPENDED ? "it is suspended" : "it is revoked");
    r->host.pump(r->host.ctx);
}

/* The ranges of the connection's pools, from which a device gets its address for good. */
static void fill_ranges(struct roster *r, const struct conn *c, struct clerk_question *q)
{
    struct cv_addr_range range;

    for (unsigned i = 0; i < c->n_pools; i++) {
        if (!pools_range(r->host.pools, c->pools[i], &range))
            continue;
        if (range.family == CV_IPV4 && q->v4.family == 0)
            q->v4 = range;
        if (range.family == CV_IPV6 && q->v6.family == 0)
            q->v6 = range;
    }
}

static void take_admission(struct ask *a, struct asked *q, void *ctx)
{
    struct roster *r = ctx;
    struct clerk_question about = {.question = q->fx.question, .ike = q->fx.ike};

    id_format(about.identity, sizeof(about.identity), q->fx.u.admission.remote_id);
    fill_ranges(r, q->fx.conn->host, &about);
    if (!clerk_ask(r->clerk, &about))
        ask_refuse(a, q);
}

/* ---- addresses ---------------------------------------------------------------- */

/* The device's address for good, where it asks for one of that family. */
static bool for_good(const char *text, struct cv_addr *want)
{
    return want->family != CV_ANY_FAMILY && text[0] != '\0' && addr_parse(want, text);
}

static void take_address(struct ask *a, struct asked *q, void *ctx)
{
    struct roster *r = ctx;
    const struct roll_device *d = roll_by_ike(r->roll, q->fx.ike);
    struct cv_addr v4 = q->fx.u.address.want_v4, v6 = q->fx.u.address.want_v6;
    struct pool_wish wish = {
        .who = q->fx.u.address.remote_id, .ike = q->fx.ike, .v4 = &v4, .v6 = &v6};

    if (d != NULL) {
        wish.v4_only = for_good(d->address, &v4);
        wish.v6_only = for_good(d->address6, &v6);
    }
    ask_lease(a, q, r->host.pools, &wish);
}

/* ---- changes ------------------------------------------------------------------ */

static void end_tunnels(struct roster *r, const struct roll_device *d, bool force)
{
    const struct roll_ike *ike;

    for (uint32_t at = d->ikes; (ike = roll_next_ike(r->roll, &at)) != NULL;)
        (void)!cv_terminate_ike(r->host.engine, ike->ike, force, clock_now_ms());
}

static void tell_end(struct roster *r, const struct roll_device *d, const char *kind,
                     const char *why)
{
    struct fleet_event e = {.severity = EVENT_NOTICE};

    snprintf(e.kind, sizeof(e.kind), "%s", kind);
    snprintf(e.peer, sizeof(e.peer), "%s", d->endpoint);
    snprintf(e.text, sizeof(e.text), "%s: its tunnel ends now", why);
    happened(r, d, &e);
    snprintf(e.text, sizeof(e.text), "%s: %s: its tunnel ends now", d->name, why);
    r->host.note(r->host.ctx, 1, 0, e.text);
}

static bool moved(const struct roll_device *d, const struct device *now)
{
    return strcmp(d->address, now->address) != 0 || strcmp(d->address6, now->address6) != 0;
}

/* One that may no longer be here goes at once, whether it answers or not. */
static void on_change(void *ctx, const struct device *now, bool removed)
{
    struct roster *r = ctx;
    struct roll_device *d = roll_by_id(r->roll, now->id);

    if (d == NULL)
        return;
    if (removed || now->state != DEVICE_ACTIVE) {
        tell_end(r, d, "ended",
                 removed                          ? "the device was removed"
                 : now->state == DEVICE_SUSPENDED ? "the device was suspended"
                                                  : "the device was revoked");
        end_tunnels(r, d, true);
    } else if (moved(d, now)) {
        roll_rename(d, now);
        tell_end(r, d, "moved-inside", "the device has another address for good");
        end_tunnels(r, d, false);
    } else if (strcmp(d->name, now->name) != 0 || strcmp(d->tenant, now->tenant) != 0) {
        roll_rename(d, now);
    }
    r->host.pump(r->host.ctx);
}

/* Said once: what newcomers hear is told by their own lines. */
static void on_turned(void *ctx, bool away, const char *why)
{
    struct roster *r = ctx;
    char text[512];

    r->stats.away = away;
    snprintf(text, sizeof(text),
             away ? "the registry is away: %.400s. Tunnels that are up stay, newcomers are "
                    "refused until it is back"
                  : "the registry is there%s",
             why);
    r->host.note(r->host.ctx, 0, 0, text);
}

/* ---- what the engine tells ---------------------------------------------------- */

static void ike_ends(struct roster *r, const struct cv_effect *fx)
{
    struct roll_device *d = roll_by_ike(r->roll, fx->ike);
    int64_t id;

    if (d == NULL)
        return;
    if (roll_down(r->roll, fx->ike)) {
        happened_down(r, d, fx->u.event.err);
        presence_down(r, d);
    }
    id = roll_drop(r->roll, fx->ike);
    clerk_forget(r->clerk, id);
}

void roster_event(struct roster *r, const struct cv_effect *fx)
{
    switch (fx->u.event.kind) {
    case CV_EV_IKE_UP:
        presence_up(r, fx->ike);
        break;
    case CV_EV_IKE_MOVED:
        presence_moved(r, fx->ike);
        break;
    case CV_EV_IKE_REKEYED:
        roll_move(r->roll, fx->ike, fx->u.event.ike_new);
        break;
    case CV_EV_IKE_DOWN:
        ike_ends(r, fx);
        break;
    case CV_EV_CHILD_DOWN:
    case CV_EV_CHILD_REKEYED:
        presence_child_ends(r, fx);
        break;
    default:
        happened_in_engine(r, fx);
        break;
    }
}

/* ---- life --------------------------------------------------------------------- */

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct roster *r = ctx;

    (void)fd;
    (void)what;
    if (clerk_is_idle(r->clerk)) {
        presence_turn(r);
        happened_turn(r);
        clerk_write(r->clerk);
    }
    (void)event_add(r->turn, &turn_time);
}

struct roster *roster_new(const struct roster_host *host, const char *uri, const char *gateway,
                          uint32_t most)
{
    struct roster *r = mem_new(1, sizeof(*r));
    const struct clerk_host clerk = {.base = host->base,
                                     .answered = on_answer,
                                     .changed = on_change,
                                     .turned = on_turned,
                                     .ctx = r};

    r->host = *host;
    r->roll = roll_new(most);
    r->clerk = clerk_new(&clerk, uri, gateway, most);
    r->turn = evtimer_new(host->base, on_turn, r);
    if (r->clerk == NULL || r->turn == NULL) {
        roster_free(r);
        return NULL;
    }
    ask_provide(host->ask, CV_NEED_ADMISSION, take_admission, r);
    ask_provide(host->ask, CV_NEED_ADDRESS, take_address, r);
    secrets_provide(r);
    return r;
}

bool roster_start(struct roster *r)
{
    return clerk_start(r->clerk) && event_add(r->turn, &turn_time) == 0;
}

/* The last words go out with the clerk. */
void roster_free(struct roster *r)
{
    if (r == NULL)
        return;
    if (r->turn != NULL)
        event_free(r->turn);
    if (r->clerk != NULL && clerk_is_idle(r->clerk)) {
        presence_turn(r);
        happened_turn(r);
        clerk_write(r->clerk);
    }
    clerk_free(r->clerk);
    roll_free(r->roll);
    free(r->dirty);
    free(r->parted);
    free(r->events);
    free(r);
}

void roster_get_stats(struct roster *r, struct roster_stats *out)
{
    *out = r->stats;
    out->devices = roll_count(r->roll);
}
