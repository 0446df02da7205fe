/* Owns what opens the API.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_token.h"

#include <stdio.h>

#include "base/secret.h"
#include "fleet/registry_inside.h"

enum { USED_EVERY_S = 60, FORGOTTEN_S = 86400 };

#define TOKEN "SELECT id, kind, name, scopes, tenant, created, ends, used FROM token "

static void take_token(struct token *t, const struct sql_row *row)
{
    *t = (struct token){.id = sql_number(row, 0),
                        .kind = (enum token_kind)sql_number(row, 1),
                        .created_s = sql_number(row, 5),
                        .ends_s = sql_number(row, 6),
                        .used_s = sql_number(row, 7)};
    REGISTRY_COPY(t->name, row, 2);
    REGISTRY_COPY(t->scopes, row, 3);
    REGISTRY_COPY(t->tenant, row, 4);
}

static void take_one(void *ctx, const struct sql_row *row)
{
    take_token(ctx, row);
}

/* ---- making ------------------------------------------------------------------- */

struct making {
    struct token *t;
    const char *hash;
};

static enum registry_err check_name(struct registry *r, const struct token *t)
{
    const struct sql_value v[] = {SQL_N(TOKEN_API), SQL_T(t->name)};
    int64_t n = 0;
    enum registry_err err;

    if (t->kind != TOKEN_API)
        return REGISTRY_OK;
    err = registry_run(
        r,
        &(struct sql_call){.text = "SELECT count(*) FROM token WHERE kind = $1 AND name = $2",
                           .v = v,
                           .n = 2,
                           .each = registry_take_number,
                           .ctx = &n});
    if (err == REGISTRY_OK && n > 0)
        return registry_say(r, REGISTRY_EXISTS, "there is a token '%s'", t->name);
    return err;
}

/* Links and sessions that have ended go when new ones come: the table stays small. */
static enum registry_err forget_ended(struct registry *r)
{
    return REGISTRY_DO(r, "DELETE FROM token WHERE kind <> $1 AND ends < $2", SQL_N(TOKEN_API),
                       SQL_N(registry_now_s(r) - FORGOTTEN_S));
}

static enum registry_err make(struct registry *r, void *ctx)
{
    const struct making *m = ctx;
    struct token *t = m->t;
    enum registry_err err = registry_take_numbers(r, "token", 1, &t->id);

    if (err == REGISTRY_OK)
        err = check_name(r, t);
    if (err == REGISTRY_OK)
        err = forget_ended(r);
    if (err != REGISTRY_OK)
        return err;
    return REGISTRY_DO(
        r,
        "INSERT INTO token (id, hash, kind, name, scopes, tenant, created, ends, "
        "used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
        SQL_N(t->id), SQL_T(m->hash), SQL_N(t->kind), SQL_T(t->name), SQL_T(t->scopes),
        SQL_T(t->tenant), SQL_N(t->created_s), SQL_N(t->ends_s));
}

enum registry_err registry_token_make(struct registry *r, struct token *t, char out[TOKEN_TEXT])
{
    char hash[65];
    struct making m = {.t = t, .hash = hash};
    enum registry_err err;

    if (t->kind == TOKEN_API ? !registry_is_name(t->name) : !registry_is_plain(t->name))
        return registry_say(r, REGISTRY_BAD, "'%s' is no name of a token", t->name);
    if (!registry_is_plain(t->scopes) || (t->tenant[0] != '\0' && !registry_is_name(t->tenant)))
        return registry_say(r, REGISTRY_BAD, "'%s' are no scopes, or '%s' is no tenant",
                            t->scopes, t->tenant);
    if (!registry_secret(out, TOKEN_TEXT - 1))
        return registry_say(r, REGISTRY_FAILED, "the system gives no random numbers");
    registry_hash(out, hash);
    t->created_s = registry_now_s(r);
    t->used_s = 0;
    err = registry_together(r, make, &m);
    if (err != REGISTRY_OK)
        wipe(out, TOKEN_TEXT);
    return err;
}

/* ---- checking ----------------------------------------------------------------- */

/* A link's use is one, a token's is written down once a minute. */
static enum registry_err use(struct registry *r, struct token *t)
{
    const int64_t now = registry_now_s(r);
    enum registry_err err;

    if (t->kind == TOKEN_LINK && t->used_s != 0)
        return registry_say(r, REGISTRY_USED, "this link has been used: make a new one");
    if (t->kind != TOKEN_LINK && t->used_s + USED_EVERY_S > now)
        return REGISTRY_OK;
    err = REGISTRY_DO(r, "UPDATE token SET used = $2 WHERE id = $1 AND used = $3", SQL_N(t->id),
                      SQL_N(now), SQL_N(t->used_s));
    if (err == REGISTRY_OK && t->kind == TOKEN_LINK && sql_changed(r->db) == 0)
        return registry_say(r, REGISTRY_USED, "this link has been used: make a new one");
    t->used_s = now;
    return err;
}

enum registry_err registry_token_check(struct registry *r, enum token_kind kind,
                                       const char *secret, struct token *out)
{
    enum registry_err err;
    char hash[65];

    registry_hash(secret, hash);
    out->id = 0;
    err = registry_run(r, &(struct sql_call){.text = TOKEN "WHERE hash = $1",
                                             .v = (const struct sql_value[]){SQL_T(hash)},
                                             .n = 1,
                                             .each = take_one,
                                             .ctx = out});
    if (err != REGISTRY_OK)
        return err;
    if (out->id == 0 || out->kind != kind)
        return registry_say(r, REGISTRY_WRONG, "nobody has given out this token");
    if (out->ends_s != 0 && out->ends_s <= registry_now_s(r))
        return registry_say(r, REGISTRY_EXPIRED, "'%s' has expired", out->name);
    return use(r, out);
}

enum registry_err registry_token_remove(struct registry *r, int64_t id)
{
    const enum registry_err err = REGISTRY_DO(r, "DELETE FROM token WHERE id = $1", SQL_N(id));

    if (err == REGISTRY_OK && sql_changed(r->db) == 0)
        return registry_say(r, REGISTRY_NONE, "there is no token %lld", (long long)id);
    return err;
}

struct telling {
    token_each *each;
    void *ctx;
};

static void tell(void *ctx, const struct sql_row *row)
{
    const struct telling *t = ctx;
    struct token one;

    take_token(&one, row);
    t->each(t->ctx, &one);
}

enum registry_err registry_token_list(struct registry *r, enum token_kind kind,
                                      token_each *each, void *ctx)
{
    struct telling t = {.each = each, .ctx = ctx};
    const struct sql_value v[] = {SQL_N(kind), SQL_N(registry_now_s(r))};

    return registry_run(
        r, &(struct sql_call){.text = TOKEN "WHERE kind = $1 AND (ends = 0 OR ends > $2) ORDER "
                                            "BY id",
                              .v = v,
                              .n = 2,
                              .each = tell,
                              .ctx = &t});
}
