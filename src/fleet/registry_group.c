/* Owns profiles and tenants: two tables of one form.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_group.h"

#include <string.h>

#include "fleet/registry_inside.h"

/* The statements of each table. */
static const struct {
    const char *word, *get, *list, *put, *remove, *users;
} tables[] = {
    [GROUP_PROFILE] =
        {"profile", "SELECT name, notes, created, changed, silent FROM profile WHERE name = $1",
                         "SELECT name, notes, created, changed, silent FROM profile ORDER BY name",
                         "INSERT INTO profile (name, notes, silent, rules, created, changed) VALUES "
         "($1, $2, $3, '', $4, $5) ON CONFLICT (name) DO UPDATE SET notes = "
         "excluded.notes, silent = excluded.silent, changed = excluded.changed", "DELETE FROM profile WHERE name = $1",
                         "SELECT count(*) FROM (SELECT 1 FROM device WHERE profile = $1 LIMIT 1) d"},
    [GROUP_TENANT] =
        {"tenant",  "SELECT name, notes, created, changed, silent FROM tenant WHERE name = $1",
                         "SELECT name, notes, created, changed, silent FROM tenant ORDER BY name",
                         "INSERT INTO tenant (name, notes, silent, rules, created, changed) VALUES "
         "($1, $2, $3, '', $4, $5) ON CONFLICT (name) DO UPDATE SET notes = "
         "excluded.notes, silent = excluded.silent, changed = excluded.changed", "DELETE FROM tenant WHERE name = $1",
                         "SELECT count(*) FROM (SELECT 1 FROM device WHERE tenant = $1 LIMIT 1) d" },
};

static void take_group(struct group *g, const struct sql_row *row)
{
    *g = (struct group){.created_s = sql_number(row, 2),
                        .changed_s = sql_number(row, 3),
                        .silent_s = sql_number(row, 4)};
    REGISTRY_COPY(g->name, row, 0);
    REGISTRY_COPY(g->notes, row, 1);
}

static void take_one(void *ctx, const struct sql_row *row)
{
    take_group(ctx, row);
}

enum registry_err registry_group_get(struct registry *r, enum group_kind kind, const char *name,
                                     struct group *out)
{
    const struct sql_value v[] = {SQL_T(name)};
    enum registry_err err;

    out->name[0] = '\0';
    err = registry_run(
        r, &(struct sql_call){
               .text = tables[kind].get, .v = v, .n = 1, .each = take_one, .ctx = out});
    if (err == REGISTRY_OK && out->name[0] == '\0')
        return registry_say(r, REGISTRY_NONE, "there is no %s '%s' in %s", tables[kind].word,
                            name, r->name);
    return err;
}

/* ---- writing ------------------------------------------------------------------ */

struct putting {
    enum group_kind kind;
    const struct group *g;
    bool made;
};

static enum registry_err put(struct registry *r, void *ctx)
{
    struct putting *p = ctx;
    const struct group *g = p->g;
    const int64_t now = registry_now_s(r);
    struct group before;
    enum registry_err err = registry_change_add(r, tables[p->kind].word, 0, g->name);

    if (err == REGISTRY_OK)
        err = registry_group_get(r, p->kind, g->name, &before);
    p->made = err == REGISTRY_NONE;
    if (err != REGISTRY_OK && err != REGISTRY_NONE)
        return err;
    return REGISTRY_DO(r, tables[p->kind].put, SQL_T(g->name), SQL_T(g->notes),
                       SQL_N(g->silent_s), SQL_N(now), SQL_N(now));
}

enum registry_err registry_group_put(struct registry *r, enum group_kind kind,
                                     const struct group *g, bool *made)
{
    struct putting p = {.kind = kind, .g = g};
    enum registry_err err;

    if (!registry_is_name(g->name))
        return registry_say(r, REGISTRY_BAD,
                            "'%s' is no name of a %s: letters, digits, '.', '_' and '-', at "
                            "most 63",
                            g->name, tables[kind].word);
    if (!registry_is_plain(g->notes) || g->silent_s < 0)
        return registry_say(r, REGISTRY_BAD,
                            "notes are without control characters, times not "
                            "below 0");
    err = registry_together(r, put, &p);
    if (made != NULL)
        *made = p.made;
    return err;
}

struct removing {
    enum group_kind kind;
    const char *name;
};

static enum registry_err take_away(struct registry *r, void *ctx)
{
    const struct removing *d = ctx;
    const struct sql_value v[] = {SQL_T(d->name)};
    struct group g;
    int64_t users = 0;
    enum registry_err err = registry_change_add(r, tables[d->kind].word, 0, d->name);

    if (err == REGISTRY_OK)
        err = registry_group_get(r, d->kind, d->name, &g);
    if (err == REGISTRY_OK)
        err = registry_run(r, &(struct sql_call){.text = tables[d->kind].users,
                                                 .v = v,
                                                 .n = 1,
                                                 .each = registry_take_number,
                                                 .ctx = &users});
    if (err == REGISTRY_OK && users > 0)
        return registry_say(r, REGISTRY_BAD,
                            "devices are in %s '%s': move them to another one first",
                            tables[d->kind].word, d->name);
    return err == REGISTRY_OK ? REGISTRY_DO(r, tables[d->kind].remove, SQL_T(d->name)) : err;
}

enum registry_err registry_group_remove(struct registry *r, enum group_kind kind,
                                        const char *name)
{
    struct removing d = {.kind = kind, .name = name};

    return registry_together(r, take_away, &d);
}

struct telling {
    group_each *each;
    void *ctx;
};

static void tell(void *ctx, const struct sql_row *row)
{
    const struct telling *t = ctx;
    struct group g;

    take_group(&g, row);
    t->each(t->ctx, &g);
}

enum registry_err registry_group_list(struct registry *r, enum group_kind kind,
                                      group_each *each, void *ctx)
{
    struct telling t = {.each = each, .ctx = ctx};

    return registry_run(r,
                        &(struct sql_call){.text = tables[kind].list, .each = tell, .ctx = &t});
}

/* ---- rules -------------------------------------------------------------------- */

struct rules {
    char *out;
    size_t n;
    bool found;
};

static void take_rules(void *ctx, const struct sql_row *row)
{
    struct rules *t = ctx;

    t->found = true;
    registry_copy(t->out, t->n, row, 0);
}

static enum registry_err no_profile(struct registry *r, const char *profile)
{
    return registry_say(r, REGISTRY_NONE, "there is no profile '%s' in %s", profile, r->name);
}

enum registry_err registry_rules_get(struct registry *r, const char *profile, char *out,
                                     size_t n)
{
    struct rules t = {.out = out, .n = n};
    const struct sql_value v[] = {SQL_T(profile)};
    enum registry_err err;

    *out = '\0';
    err =
        registry_run(r, &(struct sql_call){.text = "SELECT rules FROM profile WHERE name = $1",
                                           .v = v,
                                           .n = 1,
                                           .each = take_rules,
                                           .ctx = &t});
    return err == REGISTRY_OK && !t.found ? no_profile(r, profile) : err;
}

static enum registry_err put_rules(struct registry *r, void *ctx)
{
    const char *const *pair = ctx;
    enum registry_err err = registry_change_add(r, "rules", 0, pair[0]);

    if (err == REGISTRY_OK)
        err = REGISTRY_DO(r, "UPDATE profile SET rules = $2, changed = $3 WHERE name = $1",
                          SQL_T(pair[0]), SQL_T(pair[1]), SQL_N(registry_now_s(r)));
    return err == REGISTRY_OK && sql_changed(r->db) == 0 ? no_profile(r, pair[0]) : err;
}

enum registry_err registry_rules_put(struct registry *r, const char *profile, const char *rules)
{
    const char *pair[2] = {profile, rules};

    if (strlen(rules) >= GROUP_TEXT_MAX)
        return registry_say(r, REGISTRY_BAD, "rules have at most %d octets",
                            GROUP_TEXT_MAX - 1);
    return registry_together(r, put_rules, pair);
}
