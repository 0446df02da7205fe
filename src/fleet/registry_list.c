/* Owns lists and counts of devices.
 *
 * Pages go by name, which has an index of its own and one behind each of state, profile and
 * tenant.  What no index knows (tags, words, presence) is looked at in a window of WINDOW
 * devices at a time, so that one call has an end at a million.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "fleet/registry_inside.h"

enum { WINDOW = 20000, DEFAULT_LIMIT = 100 };

static bool given(const char *text)
{
    return text != NULL && *text != '\0';
}

/* What an index knows. */
static void narrow(struct registry_query *q, const struct device_page *p)
{
    const struct device_filter *f = &p->filter;

    if (f->by_state)
        query_where(q, "d.state = ?", SQL_N(f->state));
    if (given(f->tenant))
        query_where(q, "d.tenant = ?", SQL_T(f->tenant));
    if (given(f->profile))
        query_where(q, "d.profile = ?", SQL_T(f->profile));
    if (given(p->after))
        query_where(q, "d.name > ?", SQL_T(p->after));
}

/* Names that begin with prefix are those from it up to, but for, the first that does not:
 * names are ASCII, '~' is behind all of their signs. */
static void narrow_to_prefix(struct registry_query *q, const char *prefix, char end[80])
{
    if (!given(prefix))
        return;
    snprintf(end, 80, "%.64s~", prefix);
    query_where(q, "d.name >= ?", SQL_T(prefix));
    query_where(q, "d.name < ?", SQL_T(end));
}

/* Texts that a filter needs while its statement runs. */
struct like {
    char tag[300], words[300], end[80];
};

static void sift(struct registry_query *q, const struct device_filter *f, struct like *like)
{
    char tag[80];

    if (given(f->tag)) {
        snprintf(tag, sizeof(tag), " %.64s ", f->tag);
        registry_like(tag, true, like->tag, sizeof(like->tag));
        query_where(q, "(' ' || d.tags || ' ') LIKE ? ESCAPE '\\'", SQL_T(like->tag));
    }
    if (given(f->contains)) {
        registry_like(f->contains, true, like->words, sizeof(like->words));
        query_where(
            q,
            "(lower(d.name) LIKE lower(?) ESCAPE '\\' OR lower(d.identity) LIKE lower(?) "
            "ESCAPE '\\' OR lower(d.hardware) LIKE lower(?) ESCAPE '\\' OR d.address "
            "LIKE ? ESCAPE '\\' OR lower(d.notes) LIKE lower(?) ESCAPE '\\')",
            SQL_T(like->words));
    }
    if (f->online)
        query_where(q, "p.online = ?", SQL_N(1));
    if (f->offline)
        query_where(q, "COALESCE(p.online, 0) = ?", SQL_N(0));
    if (f->never_seen)
        query_where(q, "COALESCE(p.seen, 0) = ?", SQL_N(0));
    if (f->silent_since_s != 0)
        query_where(q, "COALESCE(p.seen, 0) < ?", SQL_N(f->silent_since_s));
    if (f->credential_before_s != 0)
        query_where(q, "d.credential_end > 0 AND d.credential_end < ?",
                    SQL_N(f->credential_before_s));
}

static bool has_to_sift(const struct device_filter *f)
{
    return given(f->tag) || given(f->contains) || f->online || f->offline || f->never_seen ||
           f->silent_since_s != 0 || f->credential_before_s != 0;
}

/* ---- a page ------------------------------------------------------------------- */

struct telling {
    device_each *each;
    void *ctx;
    unsigned n, limit;
    char last[64]; /* the name of the last one that was told */
};

/* One row more than there is room for says that there is a next page. */
static void tell(void *ctx, const struct sql_row *row)
{
    struct telling *t = ctx;
    struct device d;

    if (t->n++ >= t->limit)
        return;
    registry_take_device(&d, row);
    snprintf(t->last, sizeof(t->last), "%s", d.name);
    t->each(t->ctx, &d);
}

static void take_name(void *ctx, const struct sql_row *row)
{
    registry_copy(ctx, 64, row, 0);
}

static enum registry_err run_query(struct registry *r, struct registry_query *q, sql_each *each,
                                   void *ctx)
{
    return registry_run(
        r, &(struct sql_call){
               .text = q->text, .v = q->v, .n = q->n, .once = true, .each = each, .ctx = ctx});
}

/* Where the window ends; "" when the list does before. */
static enum registry_err window_end(struct registry *r, const struct device_page *p,
                                    char out[64])
{
    struct registry_query q = {.at = 0};
    char prefix_end[80];

    out[0] = '\0';
    query_put(&q, "SELECT d.name FROM device d");
    narrow(&q, p);
    narrow_to_prefix(&q, p->filter.prefix, prefix_end);
    query_value(&q, " ORDER BY d.name LIMIT 1 OFFSET ?", SQL_N(WINDOW - 1));
    return run_query(r, &q, take_name, out);
}

enum registry_err registry_device_list(struct registry *r, const struct device_page *page,
                                       device_each *each, void *ctx, char next[64])
{
    struct telling t = {.each = each, .ctx = ctx, .limit = page->limit};
    struct registry_query q = {.at = 0};
    enum registry_err err = REGISTRY_OK;
    char end[64] = "";
    struct like like;

    next[0] = '\0';
    if (t.limit == 0)
        t.limit = DEFAULT_LIMIT;
    if (t.limit > DEVICE_PAGE_MAX)
        t.limit = DEVICE_PAGE_MAX;
    if (has_to_sift(&page->filter))
        err = window_end(r, page, end);
    if (err != REGISTRY_OK)
        return err;
    query_put(&q, REGISTRY_DEVICE_COLUMNS REGISTRY_DEVICE_FROM);
    narrow(&q, page);
    narrow_to_prefix(&q, page->filter.prefix, like.end);
    if (end[0] != '\0')
        query_where(&q, "d.name <= ?", SQL_T(end));
    sift(&q, &page->filter, &like);
    query_value(&q, " ORDER BY d.name LIMIT ?", SQL_N(t.limit + 1));
    err = run_query(r, &q, tell, &t);
    if (err == REGISTRY_OK)
        snprintf(next, 64, "%s", t.n > t.limit ? t.last : end);
    return err;
}

/* ---- counts ------------------------------------------------------------------- */

static void take_counts(void *ctx, const struct sql_row *row)
{
    struct device_counts *out = ctx;
    const int64_t state = sql_number(row, 0);

    if (state >= 0 && state < DEVICE_STATES)
        out->by_state[state] = (uint64_t)sql_number(row, 1);
    out->all += (uint64_t)sql_number(row, 1);
}

static void take_seen(void *ctx, const struct sql_row *row)
{
    struct device_counts *out = ctx;

    if (sql_number(row, 0) != 0)
        out->online = (uint64_t)sql_number(row, 1);
    out->never_seen -= (uint64_t)sql_number(row, 1);
}

static void of_group(struct registry_query *q, const char *tenant, const char *profile)
{
    if (given(tenant))
        query_where(q, "d.tenant = ?", SQL_T(tenant));
    if (given(profile))
        query_where(q, "d.profile = ?", SQL_T(profile));
}

enum registry_err registry_device_count(struct registry *r, const char *tenant,
                                        const char *profile, struct device_counts *out)
{
    struct registry_query all = {.at = 0}, seen = {.at = 0};
    enum registry_err err;

    *out = (struct device_counts){.all = 0};
    query_put(&all, "SELECT d.state, count(*) FROM device d");
    of_group(&all, tenant, profile);
    query_put(&all, " GROUP BY d.state");
    err = run_query(r, &all, take_counts, out);
    if (err != REGISTRY_OK)
        return err;
    out->never_seen = out->all;
    query_put(&seen, "SELECT p.online, count(*) FROM presence p");
    if (given(tenant) || given(profile)) /* else by presence's own index */
        query_put(&seen, " JOIN device d ON d.id = p.device");
    of_group(&seen, tenant, profile);
    query_put(&seen, " GROUP BY p.online");
    return run_query(r, &seen, take_seen, out);
}
