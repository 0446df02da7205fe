/* Owns one-time codes and the table of certificates.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_code.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "fleet/registry_guess.h"
#include "fleet/registry_inside.h"

/* ---- making ------------------------------------------------------------------- */

struct making {
    const int64_t *devices;
    size_t n;
    int64_t ends_s;
    char (*out)[CODE_TEXT];
};

static enum registry_err make(struct registry *r, void *ctx)
{
    const struct making *m = ctx;
    enum registry_err err = REGISTRY_OK;
    char hash[65];

    for (size_t i = 0; i < m->n && err == REGISTRY_OK; i++) {
        registry_hash(m->out[i], hash);
        err = REGISTRY_DO(r, "DELETE FROM code WHERE device = $1 AND used = 0",
                          SQL_N(m->devices[i]));
        if (err == REGISTRY_OK)
            err =
                REGISTRY_DO(r,
                            "INSERT INTO code (hash, device, ends, used, used_key) VALUES ($1, "
                            "$2, $3, 0, '')",
                            SQL_T(hash), SQL_N(m->devices[i]), SQL_N(m->ends_s));
    }
    return err;
}

enum registry_err registry_code_make_many(struct registry *r, const int64_t *devices, size_t n,
                                          int64_t ends_s, char (*out)[CODE_TEXT])
{
    struct making m = {.devices = devices, .n = n, .ends_s = ends_s, .out = out};
    enum registry_err err;

    for (size_t i = 0; i < n; i++)
        if (!registry_secret(out[i], CODE_TEXT - 1))
            return registry_say(r, REGISTRY_FAILED, "the system gives no random numbers");
    err = registry_together(r, make, &m);
    if (err != REGISTRY_OK)
        wipe(out, n * CODE_TEXT);
    return err;
}

enum registry_err registry_code_make(struct registry *r, int64_t device, int64_t ends_s,
                                     char out[CODE_TEXT])
{
    return registry_code_make_many(r, &device, 1, ends_s, (char(*)[CODE_TEXT])out);
}

/* ---- using -------------------------------------------------------------------- */

struct code {
    int64_t device, ends_s, used_s;
    char used_key[CODE_KEY];
};

static void take_code(void *ctx, const struct sql_row *row)
{
    struct code *c = ctx;

    *c = (struct code){sql_number(row, 0), sql_number(row, 1), sql_number(row, 2), ""};
    REGISTRY_COPY(c->used_key, row, 3);
}

/* To be counted once the transaction around has ended, or it would be undone with it. */
static enum registry_err wrong(struct registry *r, const struct code_try *t)
{
    enum registry_err err = registry_guess_wait(r, t->from, &r->guess.wait_s);

    if (err != REGISTRY_OK)
        return err;
    if (r->guess.wait_s > 0)
        return registry_say(r, REGISTRY_SLOW,
                            "too many wrong codes from %s: try again in %lld s", t->from,
                            (long long)r->guess.wait_s);
    r->guess.counts = true;
    snprintf(r->guess.from, sizeof(r->guess.from), "%s", t->from);
    return registry_say(r, REGISTRY_WRONG, "nobody has given out this code");
}

/* Who asks once more for what was lost on its way has the same key still. */
static bool is_used_by(const struct code *c, const struct code_try *t)
{
    return t->key != NULL && *t->key != '\0' && strcmp(c->used_key, t->key) == 0;
}

static enum registry_err judge(struct registry *r, const struct code_try *t,
                               const struct code *c, struct device *out)
{
    enum registry_err err;

    if (c->device == 0)
        return wrong(r, t);
    err = registry_device_by_id(r, c->device, out);
    if (err != REGISTRY_OK)
        return err;
    if (t->device != NULL && *t->device != '\0' && strcmp(t->device, out->name) != 0)
        return registry_say(r, REGISTRY_OTHER, "this code is for another device than %s",
                            t->device);
    if (c->used_s != 0 && !is_used_by(c, t))
        return registry_say(r, REGISTRY_USED,
                            "the code of %s has been used: make a new one (culvert device code "
                            "%s)",
                            out->name, out->name);
    if (c->ends_s <= registry_now_s(r))
        return registry_say(
            r, REGISTRY_EXPIRED,
            "the code of %s has expired: make a new one (culvert device code %s)", out->name,
            out->name);
    return REGISTRY_OK;
}

struct trying {
    const struct code_try *t;
    struct device *out;
    bool use;
};

static enum registry_err look(struct registry *r, void *ctx)
{
    const struct trying *y = ctx;
    struct code c = {.device = 0};
    enum registry_err err;
    char hash[65];

    registry_hash(y->t->code, hash);
    err = registry_run(
        r, &(struct sql_call){
               .text = "SELECT device, ends, used, used_key FROM code WHERE hash = $1",
               .v = (const struct sql_value[]){SQL_T(hash)},
               .n = 1,
               .each = take_code,
               .ctx = &c});
    if (err == REGISTRY_OK)
        err = judge(r, y->t, &c, y->out);
    if (err != REGISTRY_OK || !y->use || c.used_s != 0)
        return err;
    err = REGISTRY_DO(
        r, "UPDATE code SET used = $2, used_key = $3 WHERE hash = $1 AND used = 0", SQL_T(hash),
        SQL_N(registry_now_s(r)), SQL_T(y->t->key != NULL ? y->t->key : ""));
    if (err == REGISTRY_OK && sql_changed(r->db) == 0)
        return registry_say(r, REGISTRY_USED, "the code of %s has been used", y->out->name);
    return err;
}

/* Looking takes no lock: a flood of wrong ones holds up no writer. */
enum registry_err registry_code_look(struct registry *r, const struct code_try *t,
                                     struct device *out)
{
    struct trying y = {.t = t, .out = out};
    enum registry_err err;

    r->guess.counts = false;
    err = look(r, &y);
    return r->guess.counts && r->depth == 0 ? registry_guess_count(r, err) : err;
}

enum registry_err registry_code_use(struct registry *r, const struct code_try *t,
                                    struct device *out)
{
    struct trying y = {.t = t, .out = out, .use = true};

    return registry_together(r, look, &y);
}

/* ---- certificates ------------------------------------------------------------- */

enum registry_err registry_certificate_add(struct registry *r, const struct certificate *c)
{
    return REGISTRY_DO(r,
                       "INSERT INTO certificate (serial, device, fingerprint, issued, ends, "
                       "revoked) VALUES ($1, $2, $3, $4, $5, $6)",
                       SQL_T(c->serial), SQL_N(c->device), SQL_T(c->fingerprint),
                       SQL_N(c->issued_s), SQL_N(c->ends_s), SQL_N(c->revoked_s));
}

static void take_certificate(struct certificate *c, const struct sql_row *row)
{
    *c = (struct certificate){.device = sql_number(row, 1),
                              .issued_s = sql_number(row, 3),
                              .ends_s = sql_number(row, 4),
                              .revoked_s = sql_number(row, 5)};
    REGISTRY_COPY(c->serial, row, 0);
    REGISTRY_COPY(c->fingerprint, row, 2);
}

static void take_one(void *ctx, const struct sql_row *row)
{
    take_certificate(ctx, row);
}

#define CERTIFICATE                                                                            \
    "SELECT serial, device, fingerprint, issued, ends, revoked FROM certificate "

enum registry_err registry_certificate_get(struct registry *r, const char *serial,
                                           struct certificate *out)
{
    const struct sql_value v[] = {SQL_T(serial)};
    enum registry_err err;

    out->serial[0] = '\0';
    err = registry_run(r, &(struct sql_call){.text = CERTIFICATE "WHERE serial = $1",
                                             .v = v,
                                             .n = 1,
                                             .each = take_one,
                                             .ctx = out});
    if (err == REGISTRY_OK && out->serial[0] == '\0')
        return registry_say(r, REGISTRY_NONE, "%s has issued no certificate %s", r->name,
                            serial);
    return err;
}

enum registry_err registry_certificate_revoke(struct registry *r, int64_t device)
{
    return REGISTRY_DO(r,
                       "UPDATE certificate SET revoked = $2 WHERE device = $1 AND revoked = 0",
                       SQL_N(device), SQL_N(registry_now_s(r)));
}

struct telling {
    certificate_each *each;
    void *ctx;
};

static void tell(void *ctx, const struct sql_row *row)
{
    const struct telling *t = ctx;
    struct certificate c;

    take_certificate(&c, row);
    t->each(t->ctx, &c);
}

enum registry_err registry_certificate_revoked(struct registry *r, const char *after,
                                               unsigned limit, certificate_each *each,
                                               void *ctx)
{
    struct telling t = {.each = each, .ctx = ctx};
    const struct sql_value v[] = {SQL_T(after), SQL_N(registry_now_s(r)), SQL_N(limit)};

    return registry_run(r, &(struct sql_call){.text = CERTIFICATE
                                              "WHERE revoked > 0 AND serial > $1 AND ends > $2 "
                                              "ORDER BY serial LIMIT $3",
                                              .v = v,
                                              .n = 3,
                                              .each = tell,
                                              .ctx = &t});
}
