/* Owns who is told of events, and how far.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_hook.h"

#include <stdio.h>
#include <string.h>

#include "fleet/registry_inside.h"

enum { HOOKS_MAX = 32, SECRET_SIGNS = 52 };

static enum registry_err add(struct registry *r, void *ctx)
{
    struct hook *h = ctx;
    int64_t hooks = 0;
    enum registry_err err = registry_take_numbers(r, "hook", 1, &h->id);

    if (err == REGISTRY_OK)
        err = registry_event_newest(r, &h->at);
    if (err == REGISTRY_OK)
        err = registry_run(r, &(struct sql_call){.text = "SELECT count(*) FROM hook",
                                                 .each = registry_take_number,
                                                 .ctx = &hooks});
    if (err == REGISTRY_OK && hooks >= HOOKS_MAX)
        return registry_say(r, REGISTRY_BAD, "there are %d webhooks, which is the most",
                            HOOKS_MAX);
    if (err == REGISTRY_OK)
        err = REGISTRY_DO(
            r,
            "INSERT INTO hook (id, name, url, secret, least, tenant, created, at, tries, "
            "next_ms, last, owner, lease_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, '', "
            "'', 0) ON CONFLICT DO NOTHING",
            SQL_N(h->id), SQL_T(h->name), SQL_T(h->url), SQL_T(h->secret), SQL_N(h->least),
            SQL_T(h->tenant), SQL_N(h->created_s), SQL_N(h->at));
    if (err == REGISTRY_OK && sql_changed(r->db) == 0)
        return registry_say(r, REGISTRY_EXISTS, "there is a webhook '%s'", h->name);
    return err;
}

enum registry_err registry_hook_add(struct registry *r, struct hook *h)
{
    const bool is_url =
        strncmp(h->url, "https://", 8) == 0 || strncmp(h->url, "http://", 7) == 0;

    if (!registry_is_name(h->name))
        return registry_say(r, REGISTRY_BAD, "'%s' is no name of a webhook", h->name);
    if (!is_url || !registry_is_plain(h->url) || strchr(h->url, ' ') != NULL)
        return registry_say(r, REGISTRY_BAD, "'%s' is no https:// or http:// address", h->url);
    if (!registry_is_plain(h->secret))
        return registry_say(r, REGISTRY_BAD, "a secret has no control characters");
    if (h->secret[0] == '\0' && !registry_secret(h->secret, SECRET_SIGNS))
        return registry_say(r, REGISTRY_FAILED, "the system gives no random numbers");
    h->created_s = registry_now_s(r);
    h->tries = h->next_ms = 0;
    h->last[0] = '\0';
    return registry_together(r, add, h);
}

enum registry_err registry_hook_remove(struct registry *r, const char *name)
{
    const enum registry_err err =
        REGISTRY_DO(r, "DELETE FROM hook WHERE name = $1", SQL_T(name));

    if (err == REGISTRY_OK && sql_changed(r->db) == 0)
        return registry_say(r, REGISTRY_NONE, "there is no webhook '%s'", name);
    return err;
}

struct telling {
    hook_each *each;
    void *ctx;
};

static void tell(void *ctx, const struct sql_row *row)
{
    const struct telling *t = ctx;
    struct hook h = {.id = sql_number(row, 0),
                     .created_s = sql_number(row, 6),
                     .at = sql_number(row, 7),
                     .tries = sql_number(row, 8),
                     .next_ms = sql_number(row, 9)};
    const int64_t least = sql_number(row, 4);

    h.least = least >= 0 && least < EVENT_SEVERITIES ? (enum event_severity)least : EVENT_INFO;
    REGISTRY_COPY(h.name, row, 1);
    REGISTRY_COPY(h.url, row, 2);
    REGISTRY_COPY(h.secret, row, 3);
    REGISTRY_COPY(h.tenant, row, 5);
    REGISTRY_COPY(h.last, row, 10);
    t->each(t->ctx, &h);
}

enum registry_err registry_hook_list(struct registry *r, hook_each *each, void *ctx)
{
    struct telling t = {.each = each, .ctx = ctx};

    return registry_run(r, &(struct sql_call){.text = "SELECT id, name, url, secret, least, "
                                                      "tenant, created, at, tries, next_ms, "
                                                      "last FROM hook ORDER BY name",
                                              .each = tell,
                                              .ctx = &t});
}

enum registry_err registry_hook_claim(struct registry *r, int64_t id, int64_t lease_ms)
{
    const int64_t now = registry_now_ms(r);
    const enum registry_err err = REGISTRY_DO(
        r,
        "UPDATE hook SET owner = $2, lease_ms = $3 WHERE id = $1 AND (owner = $2 OR lease_ms < "
        "$4)",
        SQL_N(id), SQL_T(r->gateway), SQL_N(now + lease_ms), SQL_N(now));

    if (err == REGISTRY_OK && sql_changed(r->db) == 0)
        return registry_say(r, REGISTRY_NONE, "another process tells webhook %lld",
                            (long long)id);
    return err;
}

enum registry_err registry_hook_told(struct registry *r, const struct hook *h)
{
    return REGISTRY_DO(
        r,
        "UPDATE hook SET at = $2, tries = $3, next_ms = $4, last = $5 WHERE id = "
        "$1",
        SQL_N(h->id), SQL_N(h->at), SQL_N(h->tries), SQL_N(h->next_ms), SQL_T(h->last));
}
