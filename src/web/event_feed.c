/* Owns events of the API: pages of them, and a stream of what happens (server-sent events).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"
#include "web/inside.h"

void event_write(struct json *j, const struct fleet_event *e)
{
    json_object(j, NULL);
    json_number(j, "seq", (uint64_t)e->seq);
    json_number(j, "at_ms", (uint64_t)e->at_ms);
    json_text(j, "severity", event_severity_name(e->severity));
    json_text(j, "kind", e->kind);
    json_text(j, "device", e->name);
    json_text(j, "tenant", e->tenant);
    json_text(j, "gateway", e->gateway);
    json_text(j, "peer", e->peer);
    json_text(j, "text", e->text);
    json_end_object(j);
}

/* ---- pages ---- */

struct wanted {
    char device[64], kind[32], severity[16], tenant[64], order[8];
    int64_t after, limit, from, to;
};

static bool read_wanted(struct call *c, struct wanted *w)
{
    *w = (struct wanted){.limit = 100};
    return call_text(c, "device", w->device, sizeof(w->device)) &&
           call_text(c, "kind", w->kind, sizeof(w->kind)) &&
           call_text(c, "severity", w->severity, sizeof(w->severity)) &&
           call_text(c, "tenant", w->tenant, sizeof(w->tenant)) &&
           call_text(c, "order", w->order, sizeof(w->order)) &&
           call_number(c, "after", 0, INT64_MAX, &w->after) &&
           call_number(c, "limit", 1, EVENT_PAGE_MAX, &w->limit) &&
           call_number(c, "from", 0, INT64_MAX, &w->from) &&
           call_number(c, "to", 0, INT64_MAX, &w->to);
}

static bool set_filter(struct call *c, struct wanted *w, struct event_filter *f)
{
    struct device d = {.id = 0};

    if (c->who.tenant[0] != '\0')
        memcpy(w->tenant, c->who.tenant, sizeof(w->tenant));
    if (w->severity[0] != '\0' && !event_severity_of(w->severity, &f->least)) {
        http_problem(c->res, 400, "'severity' is to be info, notice, warning or alarm");
        return false;
    }
    if (w->device[0] != '\0' && !call_device(c, w->device, &d))
        return false;
    f->device = d.id;
    f->tenant = w->tenant;
    f->kind = w->kind;
    f->from_ms = w->from;
    f->to_ms = w->to;
    return true;
}

static void write_each(void *ctx, const struct fleet_event *e)
{
    event_write(ctx, e);
}

static void answer_page(struct call *c, const struct wanted *w, const struct event_filter *f)
{
    struct event_page page = {.filter = *f,
                              .after = w->after,
                              .newest_first = strcmp(w->order, "oldest") != 0,
                              .limit = (unsigned)w->limit};
    struct json j = call_json(c, 200);
    int64_t next = 0;

    json_object(&j, NULL);
    json_array(&j, "events");
    if (!call_ok(c, registry_event_list(c->r, &page, write_each, &j, &next)))
        return;
    json_end_array(&j);
    json_number(&j, "next", (uint64_t)next);
    json_end_object(&j);
    json_finish(&j);
}

/* ---- the stream ---- */

/* What a stream shows; it lives as long as the response. */
struct feed {
    struct web *w;
    struct wanted wanted;
    struct event_filter filter;
    FILE *out;
    uint64_t *at;
};

static void say(void *ctx, const struct fleet_event *e)
{
    struct feed *f = ctx;
    struct json j = {.out = f->out, .compact = true};

    fprintf(f->out, "id: %lld\nevent: %s\ndata: ", (long long)e->seq, "fleet");
    event_write(&j, e);
    fputs("\n\n", f->out);
    *f->at = (uint64_t)e->seq;
}

/* A registry that is away is no reason to end: the client would only come again. */
static bool more(void *ctx, uint64_t *at, FILE *out)
{
    struct feed *f = ctx;
    struct event_page page = {.filter = f->filter, .after = (int64_t)*at, .limit = 200};
    enum registry_err err;
    struct problem why;
    struct registry *r = registry_pool_take(f->w->pool, &err, &why);
    int64_t next = 0;

    if (r == NULL)
        return true;
    f->out = out;
    f->at = at;
    if (registry_event_list(r, &page, say, f, &next) == REGISTRY_OK && next > (int64_t)*at)
        *at = (uint64_t)next; /* what was looked at and left out */
    registry_pool_give(f->w->pool, r);
    return true;
}

static void begin_stream(struct call *c, const struct wanted *w, const struct event_filter *f)
{
    const char *last = http_field(c->req, "Last-Event-ID");
    struct feed *feed = mem_new(1, sizeof(*feed));
    int64_t at = last != NULL ? strtoll(last, NULL, 10) : w->after;

    *feed = (struct feed){.w = c->w, .wanted = *w, .filter = *f};
    feed->filter.tenant = feed->wanted.tenant;
    feed->filter.kind = feed->wanted.kind;
    if (at == 0 && !call_ok(c, registry_event_newest(c->r, &at))) {
        free(feed);
        return;
    }
    c->res->type = "text/event-stream";
    c->res->stream =
        (struct http_stream){.more = more, .release = free, .ctx = feed, .at = (uint64_t)at};
}

void events_get(struct call *c)
{
    const char *accept = http_field(c->req, "Accept");
    struct event_filter f = {.device = 0};
    struct wanted w;

    if (!read_wanted(c, &w) || !set_filter(c, &w, &f))
        return;
    if (accept != NULL && strstr(accept, "text/event-stream") != NULL)
        begin_stream(c, &w, &f);
    else
        answer_page(c, &w, &f);
}
