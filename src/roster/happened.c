/* Owns what is told of devices: events of the engine as events of the fleet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/htab.h"
#include "kit/clock.h"
#include "kit/mem.h"
#include "roster/inside.h"
#include "text/text.h"

enum { EVENTS_HELD = 10000, REFUSED_EVERY_MS = 60000 };

static int64_t civil_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void endpoint_words(char *out, size_t n, const struct cv_endpoint *e)
{
    char addr[48];

    addr_format(addr, sizeof(addr), &e->addr);
    snprintf(out, n, e->addr.family == CV_IPV6 ? "[%s]:%u" : "%s:%u", addr, e->port);
}

/* ---- the line before the clerk ------------------------------------------------ */

/* While the registry is away the newest wait, and what was left out is told then. */
void happened(struct roster *r, const struct roll_device *d, struct fleet_event *e)
{
    if (d != NULL) {
        e->device = d->id;
        snprintf(e->name, sizeof(e->name), "%s", d->name);
        snprintf(e->tenant, sizeof(e->tenant), "%s", d->tenant);
    }
    e->at_ms = civil_ms();
    r->host.event(r->host.ctx, e);
    if (r->n_events >= EVENTS_HELD) {
        r->stats.events_lost++;
        return;
    }
    r->events = mem_grow(r->events, &r->events_cap, r->n_events + 1, sizeof(*r->events));
    r->events[r->n_events++] = *e;
}

static void tell_lost(struct roster *r)
{
    struct fleet_event e = {
        .severity = EVENT_WARNING, .kind = "events-lost", .at_ms = civil_ms()};

    if (r->stats.events_lost == 0 || !clerk_has_room(r->clerk))
        return;
    snprintf(e.text, sizeof(e.text),
             "%llu events could not be kept while the registry was away",
             (unsigned long long)r->stats.events_lost);
    clerk_tell(r->clerk, &e);
    r->stats.events_lost = 0;
}

void happened_turn(struct roster *r)
{
    size_t n = 0;

    while (n < r->n_events && clerk_has_room(r->clerk))
        clerk_tell(r->clerk, &r->events[n++]);
    memmove(r->events, r->events + n, (r->n_events - n) * sizeof(*r->events));
    r->n_events -= n;
    if (r->n_events == 0)
        tell_lost(r);
}

/* ---- refusals ----------------------------------------------------------------- */

/* Who tries again and again is told once a minute, and takes no turn from another. */
static bool is_news(struct roster *r, const char *identity, const char *why)
{
    static const uint64_t seed[2] = {0x66, 0x77};
    const uint64_t now = clock_now_ms();
    const uint64_t key = siphash24(seed, identity, strlen(identity)) ^ (uintptr_t)why;
    const size_t at = key % REFUSALS_KEPT;

    if (r->refusals[at].key == key && now < r->refusals[at].until_ms)
        return false;
    r->refusals[at].key = key;
    r->refusals[at].until_ms = now + REFUSED_EVERY_MS;
    return true;
}

static void tell_refused(struct roster *r, const struct refused *who)
{
    struct fleet_event e = {
        .severity = EVENT_WARNING, .kind = "refused", .device = who->device};

    if (who->device == 0) /* else by the name that the registry has */
        snprintf(e.name, sizeof(e.name), "%.63s", who->identity);
    snprintf(e.peer, sizeof(e.peer), "%s", who->peer);
    snprintf(e.text, sizeof(e.text), "%.255s is not let in: %s", who->identity, who->why);
    happened(r, NULL, &e);
}

void happened_refused(struct roster *r, const struct refused *who, uint32_t ike)
{
    char text[512];

    if (!is_news(r, who->identity, who->why))
        return;
    snprintf(text, sizeof(text), "%.255s is not let in: %s", who->identity, who->why);
    r->host.note(r->host.ctx, 0, ike, text);
    tell_refused(r, who);
}

/* ---- the engine's events ------------------------------------------------------ */

/* How an IKE SA ends: somebody wanted it, or nobody did. */
static enum event_severity severity_of_end(enum cv_err err)
{
    return err == CV_ERR_DELETED_BY_PEER || err == CV_ERR_DELETED_LOCALLY ||
                   err == CV_ERR_REPLACED
               ? EVENT_INFO
               : EVENT_NOTICE;
}

void happened_up(struct roster *r, const struct roll_device *d)
{
    struct fleet_event e = {.severity = EVENT_INFO, .kind = "up"};

    snprintf(e.peer, sizeof(e.peer), "%s", d->endpoint);
    snprintf(e.text, sizeof(e.text), "connected from %s%s%s", d->endpoint,
             d->inside[0] != '\0' ? " as " : "", d->inside);
    happened(r, d, &e);
}

void happened_down(struct roster *r, const struct roll_device *d, enum cv_err err)
{
    struct fleet_event e = {.severity = severity_of_end(err), .kind = "down"};

    snprintf(e.peer, sizeof(e.peer), "%s", d->endpoint);
    snprintf(e.text, sizeof(e.text), "connection ended: %s", cv_err_text(err));
    happened(r, d, &e);
}

void happened_moved(struct roster *r, const struct roll_device *d)
{
    struct fleet_event e = {.severity = EVENT_INFO, .kind = "moved"};

    snprintf(e.peer, sizeof(e.peer), "%s", d->endpoint);
    snprintf(e.text, sizeof(e.text), "now at %s", d->endpoint);
    happened(r, d, &e);
}

/* Either side's alarms of tampering, as the engine sums them up. */
static void is_tampered(struct roster *r, const struct roll_device *d,
                        const struct cv_effect *fx)
{
    const bool theirs = fx->u.event.kind == CV_EV_PEER_ALARM;
    struct fleet_event e = {.severity = EVENT_ALARM, .kind = "tamper"};

    endpoint_words(e.peer, sizeof(e.peer), &fx->u.event.remote);
    if (d == NULL && !quota_take(&r->strangers, clock_now_ms()))
        return;
    if (d == NULL && fx->conn != NULL)
        snprintf(e.name, sizeof(e.name), "%.63s", fx->conn->name);
    snprintf(e.text, sizeof(e.text), "%s, %u times: %s",
             theirs ? "the device reports tampering on the way to it"
                    : "packets of this tunnel were tampered with",
             fx->u.event.value, cv_err_text(fx->u.event.err));
    happened(r, d, &e);
}

/* A peer that could not prove who it says it is, or whom nobody knows. */
static void is_unproven(struct roster *r, const struct cv_effect *fx)
{
    char identity[256] = "an unknown peer", peer[64];
    struct refused who;

    if (fx->u.event.err == CV_ERR_NOT_ADMITTED || fx->u.event.err == CV_ERR_REGISTRY ||
        fx->conn == NULL || !fx->conn->admission)
        return; /* told where it was decided, or not the fleet's business */
    if (fx->u.event.remote_id != NULL)
        id_format(identity, sizeof(identity), fx->u.event.remote_id);
    who = (struct refused){identity, 0, peer, cv_err_text(fx->u.event.err)};
    endpoint_words(peer, sizeof(peer), &fx->u.event.remote);
    if (is_news(r, identity, who.why) && quota_take(&r->strangers, clock_now_ms()))
        tell_refused(r, &who);
}

void happened_in_engine(struct roster *r, const struct cv_effect *fx)
{
    const struct roll_device *d = roll_by_ike(r->roll, fx->ike);

    if (fx->u.event.kind == CV_EV_ALARM || fx->u.event.kind == CV_EV_PEER_ALARM)
        is_tampered(r, d, fx);
    else if (fx->u.event.kind == CV_EV_AUTH_FAILED)
        is_unproven(r, fx);
}
