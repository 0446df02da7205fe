/* Owns the list of events.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_event.h"

#include <stdio.h>
#include <string.h>

#include "fleet/registry_inside.h"

enum { WINDOW = 20000, DEFAULT_LIMIT = 100, TRIMMED = 5000 };

static const struct {
    const char *name;
    int syslog; /* RFC 5424 section 6.2.1 */
} severities[EVENT_SEVERITIES] = {
    [EVENT_INFO] = {"info",    6},
    [EVENT_NOTICE] = {"notice",  5},
    [EVENT_WARNING] = {"warning", 4},
    [EVENT_ALARM] = {"alarm",   1},
};

const char *event_severity_name(enum event_severity s)
{
    return severities[s].name;
}

int event_severity_syslog(enum event_severity s)
{
    return severities[s].syslog;
}

bool event_severity_of(const char *name, enum event_severity *out)
{
    for (unsigned i = 0; i < EVENT_SEVERITIES; i++) {
        if (strcmp(name, severities[i].name) == 0) {
            *out = (enum event_severity)i;
            return true;
        }
    }
    return false;
}

/* ---- adding ------------------------------------------------------------------- */

struct adding {
    struct fleet_event *v;
    size_t n;
};

/* Whom it is about, as it is called now. */
static enum registry_err name_device(struct registry *r, struct fleet_event *e)
{
    struct device d;
    enum registry_err err;

    if (e->device == 0 || e->name[0] != '\0')
        return REGISTRY_OK;
    err = registry_device_by_id(r, e->device, &d);
    if (err == REGISTRY_OK) {
        memcpy(e->name, d.name, sizeof(e->name));
        memcpy(e->tenant, d.tenant, sizeof(e->tenant));
    }
    return err == REGISTRY_NONE ? REGISTRY_OK : err;
}

/* What a peer has put into a text is not to break a line, or a terminal. */
static void make_plain(char *text)
{
    while (!registry_is_plain(text)) {
        for (char *p = text; *p != '\0'; p++)
            if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
                *p = '?';
    }
}

static enum registry_err insert(struct registry *r, struct fleet_event *e)
{
    enum registry_err err = name_device(r, e);

    if (err != REGISTRY_OK)
        return err;
    if (e->at_ms == 0)
        e->at_ms = registry_now_ms(r);
    if (e->gateway[0] == '\0')
        snprintf(e->gateway, sizeof(e->gateway), "%s", r->gateway);
    make_plain(e->text);
    make_plain(e->peer);
    make_plain(e->name);
    return REGISTRY_DO(r,
                       "INSERT INTO event (seq, at, severity, kind, device, name, tenant, "
                       "gateway, peer, words) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                       SQL_N(e->seq), SQL_N(e->at_ms), SQL_N(e->severity), SQL_T(e->kind),
                       SQL_N(e->device), SQL_T(e->name), SQL_T(e->tenant), SQL_T(e->gateway),
                       SQL_T(e->peer), SQL_T(e->text));
}

/* Numbers become visible in their order, as those of changes do. */
static enum registry_err add(struct registry *r, void *ctx)
{
    const struct adding *a = ctx;
    int64_t last = 0;
    enum registry_err err = registry_take_numbers(r, "event", (int64_t)a->n, &last);

    for (size_t i = 0; i < a->n && err == REGISTRY_OK; i++) {
        a->v[i].seq = last - (int64_t)a->n + 1 + (int64_t)i;
        err = insert(r, &a->v[i]);
    }
    return err;
}

enum registry_err registry_event_add(struct registry *r, struct fleet_event *v, size_t n)
{
    struct adding a = {.v = v, .n = n};

    return n > 0 ? registry_together(r, add, &a) : REGISTRY_OK;
}

/* ---- a page ------------------------------------------------------------------- */

struct telling {
    event_each *each;
    void *ctx;
    unsigned n, limit;
    int64_t last;
};

static void tell(void *ctx, const struct sql_row *row)
{
    struct telling *t = ctx;
    struct fleet_event e = {
        .seq = sql_number(row, 0), .at_ms = sql_number(row, 1), .device = sql_number(row, 4)};
    const int64_t severity = sql_number(row, 2);

    if (t->n++ >= t->limit)
        return;
    e.severity = severity >= 0 && severity < EVENT_SEVERITIES ? (enum event_severity)severity
                                                              : EVENT_ALARM;
    REGISTRY_COPY(e.kind, row, 3);
    REGISTRY_COPY(e.name, row, 5);
    REGISTRY_COPY(e.tenant, row, 6);
    REGISTRY_COPY(e.gateway, row, 7);
    REGISTRY_COPY(e.peer, row, 8);
    REGISTRY_COPY(e.text, row, 9);
    t->last = e.seq;
    t->each(t->ctx, &e);
}

static void sift(struct registry_query *q, const struct event_filter *f)
{
    if (f->tenant != NULL && *f->tenant != '\0')
        query_where(q, "tenant = ?", SQL_T(f->tenant));
    if (f->kind != NULL && *f->kind != '\0')
        query_where(q, "kind = ?", SQL_T(f->kind));
    if (f->least > EVENT_INFO)
        query_where(q, "severity >= ?", SQL_N(f->least));
    if (f->from_ms != 0)
        query_where(q, "at >= ?", SQL_N(f->from_ms));
    if (f->to_ms != 0)
        query_where(q, "at < ?", SQL_N(f->to_ms));
}

static bool has_to_sift(const struct event_filter *f)
{
    return (f->tenant != NULL && *f->tenant != '\0') || (f->kind != NULL && *f->kind != '\0') ||
           f->least > EVENT_INFO || f->from_ms != 0 || f->to_ms != 0;
}

/* What the index of numbers, or of a device's numbers, knows. */
static void narrow(struct registry_query *q, const struct event_page *p)
{
    if (p->filter.device != 0)
        query_where(q, "device = ?", SQL_N(p->filter.device));
    if (p->newest_first && p->after != 0)
        query_where(q, "seq < ?", SQL_N(p->after));
    else if (!p->newest_first)
        query_where(q, "seq > ?", SQL_N(p->after));
}

static enum registry_err run_query(struct registry *r, struct registry_query *q, sql_each *each,
                                   void *ctx)
{
    return registry_run(
        r, &(struct sql_call){
               .text = q->text, .v = q->v, .n = q->n, .once = true, .each = each, .ctx = ctx});
}

/* The last event that one call looks at; 0 when there are fewer. */
static enum registry_err window_end(struct registry *r, const struct event_page *p,
                                    int64_t *out)
{
    struct registry_query q = {.at = 0};

    *out = 0;
    query_put(&q, "SELECT seq FROM event");
    narrow(&q, p);
    query_value(&q,
                p->newest_first ? " ORDER BY seq DESC LIMIT 1 OFFSET ?"
                                : " ORDER BY seq LIMIT 1 OFFSET ?",
                SQL_N(WINDOW - 1));
    return run_query(r, &q, registry_take_number, out);
}

enum registry_err registry_event_list(struct registry *r, const struct event_page *page,
                                      event_each *each, void *ctx, int64_t *next)
{
    struct telling t = {.each = each, .ctx = ctx, .limit = page->limit};
    struct registry_query q = {.at = 0};
    enum registry_err err = REGISTRY_OK;
    int64_t end = 0;

    *next = 0;
    if (t.limit == 0)
        t.limit = DEFAULT_LIMIT;
    if (t.limit > EVENT_PAGE_MAX)
        t.limit = EVENT_PAGE_MAX;
    if (has_to_sift(&page->filter))
        err = window_end(r, page, &end);
    if (err != REGISTRY_OK)
        return err;
    query_put(&q, "SELECT seq, at, severity, kind, device, name, tenant, gateway, peer, words "
                  "FROM event");
    narrow(&q, page);
    if (end != 0)
        query_where(&q, page->newest_first ? "seq >= ?" : "seq <= ?", SQL_N(end));
    sift(&q, &page->filter);
    query_value(&q, page->newest_first ? " ORDER BY seq DESC LIMIT ?" : " ORDER BY seq LIMIT ?",
                SQL_N(t.limit + 1));
    err = run_query(r, &q, tell, &t);
    if (err == REGISTRY_OK)
        *next = t.n > t.limit ? t.last : end;
    return err;
}

enum registry_err registry_event_newest(struct registry *r, int64_t *seq)
{
    *seq = 0;
    return registry_run(
        r, &(struct sql_call){.text = "SELECT value FROM counter WHERE name = 'event'",
                              .each = registry_take_number,
                              .ctx = seq});
}

enum registry_err registry_event_trim(struct registry *r, int64_t keep)
{
    int64_t newest;
    const enum registry_err err = registry_event_newest(r, &newest);

    if (err != REGISTRY_OK || newest <= keep)
        return err;
    return REGISTRY_DO(r,
                       "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE seq <= $1 "
                       "ORDER BY seq LIMIT $2)",
                       SQL_N(newest - keep), SQL_N(TRIMMED));
}
