/* Owns the handle: connecting, transactions, and what makes them be tried again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fleet/registry_code.h"
#include "fleet/registry_guess.h"
#include "fleet/registry_inside.h"
#include "kit/mem.h"

enum { TRIES = 8, FIRST_PAUSE_US = 2000 };

const char *registry_err_name(enum registry_err err)
{
    static const char *const names[] = {
        [REGISTRY_OK] = "ok",         [REGISTRY_NONE] = "none",
        [REGISTRY_EXISTS] = "exists", [REGISTRY_BAD] = "bad",
        [REGISTRY_AWAY] = "away",     [REGISTRY_FULL] = "full",
        [REGISTRY_NEWER] = "newer",   [REGISTRY_DAMAGED] = "damaged",
        [REGISTRY_FAILED] = "failed", [REGISTRY_WRONG] = "wrong",
        [REGISTRY_USED] = "used",     [REGISTRY_EXPIRED] = "expired",
        [REGISTRY_OTHER] = "other",   [REGISTRY_SLOW] = "slow",
    };

    return names[err];
}

/* ---- words and time ----------------------------------------------------------- */

enum registry_err registry_say(struct registry *r, enum registry_err err, const char *fmt, ...)
{
    va_list args;

    r->why = (struct problem){.line = 0};
    r->last = err;
    va_start(args, fmt);
    vsnprintf(r->why.text, sizeof(r->why.text), fmt, args);
    va_end(args);
    return err;
}

const char *registry_why(const struct registry *r)
{
    return r->why.text;
}

enum registry_err registry_last(const struct registry *r)
{
    return r->last;
}

const char *registry_name(const struct registry *r)
{
    return r->name;
}

static int64_t system_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t registry_now_ms(const struct registry *r)
{
    return r->now_ms();
}

int64_t registry_now_s(const struct registry *r)
{
    return r->now_ms() / 1000;
}

/* ---- statements --------------------------------------------------------------- */

static enum registry_err told(struct registry *r, enum sql_err err)
{
    static const enum registry_err meaning[] = {
        [SQL_OK] = REGISTRY_OK,         [SQL_AGAIN] = REGISTRY_AWAY,
        [SQL_EXISTS] = REGISTRY_EXISTS, [SQL_AWAY] = REGISTRY_AWAY,
        [SQL_FULL] = REGISTRY_FULL,     [SQL_DAMAGED] = REGISTRY_DAMAGED,
        [SQL_FAILED] = REGISTRY_FAILED,
    };

    if (err == SQL_OK)
        return REGISTRY_OK;
    r->again = err == SQL_AGAIN;
    r->lost = err == SQL_AWAY;
    return registry_say(r, meaning[err], "%s", sql_why(r->db));
}

static void disconnect(struct registry *r)
{
    sql_close(r->db);
    r->db = NULL;
}

static enum registry_err connect_once(struct registry *r)
{
    struct problem why = {.line = 0};
    enum sql_err err;

    r->again = r->lost = false;
    if (r->db != NULL && sql_has_moved(r->db))
        disconnect(r); /* another file is in its place */
    if (r->db != NULL)
        return REGISTRY_OK;
    r->db = sql_open(r->uri, &err, &why);
    if (r->db != NULL)
        return REGISTRY_OK;
    return registry_say(r,
                        err == SQL_FULL      ? REGISTRY_FULL
                        : err == SQL_DAMAGED ? REGISTRY_DAMAGED
                        : err == SQL_FAILED  ? REGISTRY_FAILED
                                             : REGISTRY_AWAY,
                        "%s", why.text);
}

enum registry_err registry_reach(struct registry *r)
{
    return connect_once(r);
}

/* After a failure: may it be tried anew?  A connection that has been lost since its last use
 * is worth one more try; a writer who was quicker, several. */
static bool try_again(struct registry *r, unsigned tries, bool was_open)
{
    if (r->lost) {
        disconnect(r);
        return tries == 0 && was_open;
    }
    if (!r->again || tries + 1 >= TRIES)
        return false;
    (void)usleep((useconds_t)FIRST_PAUSE_US << tries);
    return true;
}

enum registry_err registry_run(struct registry *r, const struct sql_call *call)
{
    enum registry_err err;

    if (r->depth > 0)
        return told(r, sql_run(r->db, call));
    for (unsigned tries = 0;; tries++) {
        const bool was_open = r->db != NULL;

        err = connect_once(r);
        if (err != REGISTRY_OK)
            return err;
        err = told(r, sql_run(r->db, call));
        if (err == REGISTRY_OK || call->stream || !try_again(r, tries, was_open))
            return err;
    }
}

enum registry_err registry_script(struct registry *r, const char *text)
{
    return told(r, sql_script(r->db, text));
}

/* ---- transactions ------------------------------------------------------------- */

static enum registry_err attempt(struct registry *r, registry_work *work, void *ctx)
{
    enum registry_err err = told(r, sql_begin(r->db));

    if (err != REGISTRY_OK)
        return err;
    r->depth = 1;
    err = work(r, ctx);
    r->depth = 0;
    if (err == REGISTRY_OK)
        err = told(r, sql_commit(r->db));
    if (err != REGISTRY_OK && !r->lost)
        sql_undo(r->db);
    return err;
}

enum registry_err registry_together(struct registry *r, registry_work *work, void *ctx)
{
    enum registry_err err;

    if (r->depth > 0)
        return work(r, ctx);
    r->guess.counts = false;
    for (unsigned tries = 0;; tries++) {
        const bool was_open = r->db != NULL;

        err = connect_once(r);
        if (err == REGISTRY_OK)
            err = attempt(r, work, ctx);
        if (err == REGISTRY_OK || r->db == NULL || !try_again(r, tries, was_open))
            break;
    }
    return r->guess.counts ? registry_guess_count(r, err) : err;
}

/* ---- opening ------------------------------------------------------------------ */

static char *host_name(void)
{
    char name[64] = "";

    (void)gethostname(name, sizeof(name) - 1);
    return mem_text(name);
}

struct registry *registry_open(const struct registry_config *c, enum registry_err *err,
                               struct problem *why)
{
    struct registry *r = mem_new(1, sizeof(*r));
    char name[256];

    sql_name(c->uri, name, sizeof(name));
    r->uri = mem_text(c->uri);
    r->name = mem_text(name);
    r->gateway = c->gateway != NULL ? mem_text(c->gateway) : host_name();
    r->now_ms = c->now_ms != NULL ? c->now_ms : system_ms;
    *err = connect_once(r);
    if (*err == REGISTRY_OK)
        *err = registry_prepare(r);
    if (*err == REGISTRY_OK)
        return r;
    *why = r->why;
    registry_close(r);
    return NULL;
}

void registry_close(struct registry *r)
{
    if (r == NULL)
        return;
    disconnect(r);
    free(r->uri);
    free(r->name);
    free(r->gateway);
    free(r);
}

/* ---- numbers and settings ----------------------------------------------------- */

void registry_take_number(void *ctx, const struct sql_row *row)
{
    *(int64_t *)ctx = sql_number(row, 0);
}

enum registry_err registry_take_numbers(struct registry *r, const char *name, int64_t n,
                                        int64_t *last)
{
    static const char sql[] =
        "INSERT INTO counter (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET "
        "value = counter.value + excluded.value RETURNING value";
    const struct sql_value v[] = {SQL_T(name), SQL_N(n)};

    return registry_run(
        r, &(struct sql_call){
               .text = sql, .v = v, .n = 2, .each = registry_take_number, .ctx = last});
}

enum registry_err registry_number(struct registry *r, const char *name, int64_t *out)
{
    char own[80];

    if (!registry_is_name(name))
        return registry_say(r, REGISTRY_BAD, "'%s' is no name for numbers", name);
    snprintf(own, sizeof(own), "number:%s", name); /* apart from the registry's own */
    return registry_take_numbers(r, own, 1, out);
}

struct text_out {
    char *out;
    size_t n;
    bool found;
};

static void take_text(void *ctx, const struct sql_row *row)
{
    struct text_out *t = ctx;

    t->found = true;
    registry_copy(t->out, t->n, row, 0);
}

enum registry_err registry_setting_get(struct registry *r, const char *name, char *out,
                                       size_t n)
{
    struct text_out t = {.out = out, .n = n};
    const struct sql_value v[] = {SQL_T(name)};
    enum registry_err err;

    *out = '\0';
    err =
        registry_run(r, &(struct sql_call){.text = "SELECT value FROM setting WHERE name = $1",
                                           .v = v,
                                           .n = 1,
                                           .each = take_text,
                                           .ctx = &t});
    if (err == REGISTRY_OK && !t.found)
        err = registry_say(r, REGISTRY_NONE, "%s is not set in %s", name, r->name);
    return err;
}

static enum registry_err put_setting(struct registry *r, void *ctx)
{
    const char *const *pair = ctx;
    enum registry_err err = registry_change_add(r, "setting", 0, pair[0]);

    if (err != REGISTRY_OK)
        return err;
    return REGISTRY_DO(r,
                       "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) "
                       "DO UPDATE SET value = excluded.value",
                       SQL_T(pair[0]), SQL_T(pair[1]));
}

enum registry_err registry_setting_put(struct registry *r, const char *name, const char *value)
{
    const char *pair[2] = {name, value};

    if (!registry_is_name(name) || strlen(value) > 4096)
        return registry_say(r, REGISTRY_BAD, "'%s' is no name, or its value too long", name);
    return registry_together(r, put_setting, pair);
}
