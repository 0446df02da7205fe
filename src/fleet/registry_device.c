/* Owns devices: finding, adding, changing, removing one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_device.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/registry_inside.h"

static const char *const states[DEVICE_STATES] = {"active", "suspended", "revoked"};

const char *device_state_name(enum device_state s)
{
    return states[s];
}

bool device_state_of(const char *name, enum device_state *out)
{
    for (unsigned i = 0; i < DEVICE_STATES; i++) {
        if (strcmp(name, states[i]) == 0) {
            *out = (enum device_state)i;
            return true;
        }
    }
    return false;
}

/* ---- reading ------------------------------------------------------------------ */

static void take_presence(struct device_presence *p, const struct sql_row *row, unsigned from)
{
    p->online = sql_number(row, from) != 0;
    REGISTRY_COPY(p->gateway, row, from + 1);
    REGISTRY_COPY(p->endpoint, row, from + 2);
    REGISTRY_COPY(p->address, row, from + 3);
    p->since_s = sql_number(row, from + 4);
    p->seen_s = sql_number(row, from + 5);
    p->rx = (uint64_t)sql_number(row, from + 6);
    p->tx = (uint64_t)sql_number(row, from + 7);
    p->rx_packets = (uint64_t)sql_number(row, from + 8);
    p->tx_packets = (uint64_t)sql_number(row, from + 9);
    p->drops = (uint64_t)sql_number(row, from + 10);
}

void registry_take_device(struct device *out, const struct sql_row *row)
{
    *out = (struct device){.id = sql_number(row, 0)};
    REGISTRY_COPY(out->name, row, 1);
    REGISTRY_COPY(out->identity, row, 2);
    REGISTRY_COPY(out->tenant, row, 3);
    REGISTRY_COPY(out->profile, row, 4);
    out->state = (enum device_state)sql_number(row, 5);
    if (out->state >= DEVICE_STATES)
        out->state = DEVICE_REVOKED; /* what we do not know is not let in */
    REGISTRY_COPY(out->credential, row, 6);
    out->credential_end_s = sql_number(row, 7);
    REGISTRY_COPY(out->address, row, 8);
    REGISTRY_COPY(out->address6, row, 9);
    REGISTRY_COPY(out->hardware, row, 10);
    REGISTRY_COPY(out->tags, row, 11);
    REGISTRY_COPY(out->notes, row, 12);
    out->created_s = sql_number(row, 13);
    out->changed_s = sql_number(row, 14);
    take_presence(&out->presence, row, 15);
}

static void take_one(void *ctx, const struct sql_row *row)
{
    registry_take_device(ctx, row);
}

static enum registry_err get(struct registry *r, const char *sql, struct sql_value key,
                             struct device *out)
{
    enum registry_err err;

    out->id = 0;
    err = registry_run(
        r, &(struct sql_call){.text = sql, .v = &key, .n = 1, .each = take_one, .ctx = out});
    if (err != REGISTRY_OK || out->id != 0)
        return err;
    if (key.kind == SQL_IS_TEXT)
        return registry_say(r, REGISTRY_NONE, "there is no device '%s' in %s", key.text,
                            r->name);
    return registry_say(r, REGISTRY_NONE, "there is no device with number %lld in %s",
                        (long long)key.number, r->name);
}

#define GET_BY(column) REGISTRY_DEVICE_COLUMNS REGISTRY_DEVICE_FROM " WHERE d." column " = $1"

enum registry_err registry_device_get(struct registry *r, const char *name, struct device *out)
{
    return get(r, GET_BY("name"), SQL_T(name), out);
}

enum registry_err registry_device_by_id(struct registry *r, int64_t id, struct device *out)
{
    return get(r, GET_BY("id"), SQL_N(id), out);
}

enum registry_err registry_device_by_identity(struct registry *r, const char *identity,
                                              struct device *out)
{
    return get(r, GET_BY("identity"), SQL_T(identity), out);
}

enum registry_err registry_device_by_credential(struct registry *r, const char *credential,
                                                struct device *out)
{
    return get(r, GET_BY("credential"), SQL_T(credential), out);
}

/* ---- what is acceptable ------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool device_tags_sort(char tags[256])
{
    char copy[256], *words[128] = {NULL}, *rest = copy;
    size_t n = 0, at = 0;

    snprintf(copy, sizeof(copy), "%s", tags);
    for (char *w; (w = strtok_r(rest, " ,", &rest)) != NULL && n < 128;) {
        if (!registry_is_name(w))
            return false;
        words[n++] = w;
    }
    qsort(words, n, sizeof(words[0]), by_text);
    tags[0] = '\0';
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(words[i], words[i - 1]) != 0)
            at += (size_t)snprintf(tags + at, 256 - at, "%s%s", at > 0 ? " " : "", words[i]);
    return true;
}

/* As everybody else writes it, so that it is the same one. */
static bool spell_address(char *text, size_t n, int family)
{
    unsigned char octets[16];

    return *text == '\0' || (inet_pton(family, text, octets) == 1 &&
                             inet_ntop(family, octets, text, (socklen_t)n) != NULL);
}

static enum registry_err check(struct registry *r, struct device *d)
{
    static const char rule[] = "letters, digits, '.', '_' and '-', at most 63";

    if (!registry_is_name(d->name))
        return registry_say(r, REGISTRY_BAD, "'%s' is no name of a device: %s", d->name, rule);
    if (d->tenant[0] != '\0' && !registry_is_name(d->tenant))
        return registry_say(r, REGISTRY_BAD, "'%s' is no name of a tenant: %s", d->tenant,
                            rule);
    if (d->profile[0] != '\0' && !registry_is_name(d->profile))
        return registry_say(r, REGISTRY_BAD, "'%s' is no name of a profile: %s", d->profile,
                            rule);
    if (d->identity[0] == '\0' || !registry_is_plain(d->identity))
        return registry_say(r, REGISTRY_BAD, "the identity of %s is not plain text", d->name);
    if (!registry_is_plain(d->hardware) || !registry_is_plain(d->notes) ||
        !registry_is_plain(d->credential))
        return registry_say(r, REGISTRY_BAD, "%s: texts are without control characters",
                            d->name);
    if (!spell_address(d->address, sizeof(d->address), AF_INET) ||
        !spell_address(d->address6, sizeof(d->address6), AF_INET6))
        return registry_say(r, REGISTRY_BAD,
                            "the addresses for good of %s are no IPv4 and IPv6 "
                            "address",
                            d->name);
    return REGISTRY_OK;
}

/* A device whose profile or tenant is misspelt would go by rules that nobody meant. */
static enum registry_err check_groups(struct registry *r, const struct device *d)
{
    static const char *const sql[2] = {"SELECT count(*) FROM profile WHERE name = $1",
                                       "SELECT count(*) FROM tenant WHERE name = $1"};
    static const char *const words[2] = {"profile", "tenant"};
    const char *const names[2] = {d->profile, d->tenant};

    for (unsigned i = 0; i < 2; i++) {
        const struct sql_value v[] = {SQL_T(names[i])};
        int64_t n = 1;
        enum registry_err err = REGISTRY_OK;

        if (names[i][0] != '\0')
            err = registry_run(
                r,
                &(struct sql_call){
                    .text = sql[i], .v = v, .n = 1, .each = registry_take_number, .ctx = &n});
        if (err != REGISTRY_OK)
            return err;
        if (n == 0)
            return registry_say(r, REGISTRY_NONE,
                                "there is no %s '%s': make it first (culvert %s add %s)",
                                words[i], names[i], words[i], names[i]);
    }
    return REGISTRY_OK;
}

/* ---- adding ------------------------------------------------------------------- */

struct adding {
    struct device *v;
    size_t n;
};

static enum registry_err insert(struct registry *r, const struct device *d)
{
    enum registry_err err = REGISTRY_DO(
        r,
        "INSERT INTO device (id, name, identity, tenant, profile, state, credential, "
        "credential_end, address, address6, hardware, tags, notes, created, changed) VALUES "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO "
        "NOTHING",
        SQL_N(d->id), SQL_T(d->name), SQL_T(d->identity), SQL_T(d->tenant), SQL_T(d->profile),
        SQL_N(d->state), SQL_T(d->credential), SQL_N(d->credential_end_s),
        SQL_T_OR_NULL(d->address), SQL_T_OR_NULL(d->address6), SQL_T(d->hardware),
        SQL_T(d->tags), SQL_T(d->notes), SQL_N(d->created_s), SQL_N(d->changed_s));

    if (err == REGISTRY_OK && sql_changed(r->db) == 0)
        return registry_say(r, REGISTRY_EXISTS,
                            "there is a device with the name, identity or address of '%s'",
                            d->name);
    return err;
}

static enum registry_err add(struct registry *r, void *ctx)
{
    const struct adding *a = ctx;
    int64_t last = 0;
    enum registry_err err = registry_take_numbers(r, "device", (int64_t)a->n, &last);

    if (err == REGISTRY_OK)
        err = registry_change_add(r, "added", a->n == 1 ? last : 0, a->v[0].name);
    for (size_t i = 0; i < a->n && err == REGISTRY_OK; i++) {
        struct device *d = &a->v[i];

        d->id = last - (int64_t)a->n + 1 + (int64_t)i;
        d->created_s = d->changed_s = registry_now_s(r);
        if (i == 0 || strcmp(d->profile, d[-1].profile) != 0 ||
            strcmp(d->tenant, d[-1].tenant) != 0)
            err = check_groups(r, d);
        if (err == REGISTRY_OK)
            err = insert(r, d);
    }
    return err;
}

enum registry_err registry_device_add(struct registry *r, struct device *v, size_t n)
{
    struct adding a = {.v = v, .n = n};
    enum registry_err err = REGISTRY_OK;

    for (size_t i = 0; i < n && err == REGISTRY_OK; i++) {
        if (v[i].identity[0] == '\0')
            snprintf(v[i].identity, sizeof(v[i].identity), "%s", v[i].name);
        if (!device_tags_sort(v[i].tags))
            return registry_say(r, REGISTRY_BAD,
                                "%s: tags are words of letters, digits, '.', "
                                "'_' and '-'",
                                v[i].name);
        err = check(r, &v[i]);
    }
    return err == REGISTRY_OK && n > 0 ? registry_together(r, add, &a) : err;
}

/* ---- changing ----------------------------------------------------------------- */

struct setting {
    const struct device *to;
    unsigned fields;
    struct device now;
};

static void take_over(struct device *d, const struct device *from, unsigned fields)
{
    struct device all = *from;

    if ((fields & DEVICE_NAME) == 0)
        memcpy(all.name, d->name, sizeof(all.name));
    if ((fields & DEVICE_TENANT) == 0)
        memcpy(all.tenant, d->tenant, sizeof(all.tenant));
    if ((fields & DEVICE_PROFILE) == 0)
        memcpy(all.profile, d->profile, sizeof(all.profile));
    if ((fields & DEVICE_STATE) == 0)
        all.state = d->state;
    if ((fields & DEVICE_CREDENTIAL) == 0) {
        memcpy(all.credential, d->credential, sizeof(all.credential));
        all.credential_end_s = d->credential_end_s;
    }
    if ((fields & DEVICE_ADDRESS) == 0) {
        memcpy(all.address, d->address, sizeof(all.address));
        memcpy(all.address6, d->address6, sizeof(all.address6));
    }
    if ((fields & DEVICE_HARDWARE) == 0)
        memcpy(all.hardware, d->hardware, sizeof(all.hardware));
    if ((fields & DEVICE_TAGS) == 0)
        memcpy(all.tags, d->tags, sizeof(all.tags));
    if ((fields & DEVICE_NOTES) == 0)
        memcpy(all.notes, d->notes, sizeof(all.notes));
    memcpy(all.identity, d->identity, sizeof(all.identity));
    all.created_s = d->created_s;
    *d = all;
}

/* Is a name or an address another device's?  Asked under the lock of the log of changes. */
static enum registry_err check_unique(struct registry *r, const struct device *d)
{
    const struct sql_value v[] = {SQL_T(d->name), SQL_T(d->address), SQL_T(d->address6),
                                  SQL_N(d->id)};
    int64_t others = 0;
    enum registry_err err = registry_run(
        r,
        &(struct sql_call){.text = "SELECT count(*) FROM device WHERE (name = $1 OR address = "
                                   "$2 OR address6 = $3) AND id <> $4",
                           .v = v,
                           .n = 4,
                           .each = registry_take_number,
                           .ctx = &others});

    if (err == REGISTRY_OK && others > 0)
        return registry_say(r, REGISTRY_EXISTS,
                            "another device has the name or address that %s is to get",
                            d->name);
    return err;
}

static const char *what_changes(unsigned fields)
{
    return (fields & DEVICE_STATE) != 0        ? "state"
           : (fields & DEVICE_ADDRESS) != 0    ? "address"
           : (fields & DEVICE_NAME) != 0       ? "name"
           : (fields & DEVICE_PROFILE) != 0    ? "profile"
           : (fields & DEVICE_TENANT) != 0     ? "tenant"
           : (fields & DEVICE_CREDENTIAL) != 0 ? "credential"
                                               : "set";
}

static enum registry_err update(struct registry *r, const struct device *d)
{
    return REGISTRY_DO(
        r,
        "UPDATE device SET name = $2, tenant = $3, profile = $4, state = $5, credential = $6, "
        "credential_end = $7, address = $8, address6 = $9, hardware = $10, tags = $11, notes = "
        "$12, changed = $13 WHERE id = $1",
        SQL_N(d->id), SQL_T(d->name), SQL_T(d->tenant), SQL_T(d->profile), SQL_N(d->state),
        SQL_T(d->credential), SQL_N(d->credential_end_s), SQL_T_OR_NULL(d->address),
        SQL_T_OR_NULL(d->address6), SQL_T(d->hardware), SQL_T(d->tags), SQL_T(d->notes),
        SQL_N(registry_now_s(r)));
}

static enum registry_err set(struct registry *r, void *ctx)
{
    struct setting *s = ctx;
    enum registry_err err =
        registry_change_add(r, what_changes(s->fields), s->to->id, s->to->name);

    if (err == REGISTRY_OK)
        err = registry_device_by_id(r, s->to->id, &s->now);
    if (err != REGISTRY_OK)
        return err;
    if (s->now.state == DEVICE_REVOKED && (s->fields & DEVICE_STATE) != 0 &&
        s->to->state != DEVICE_REVOKED)
        return registry_say(r, REGISTRY_BAD,
                            "%s is revoked, which is for good: remove it and add it anew",
                            s->now.name);
    take_over(&s->now, s->to, s->fields);
    err = check(r, &s->now);
    if (err == REGISTRY_OK && (s->fields & (DEVICE_PROFILE | DEVICE_TENANT)) != 0)
        err = check_groups(r, &s->now);
    if (err == REGISTRY_OK && (s->fields & (DEVICE_NAME | DEVICE_ADDRESS)) != 0)
        err = check_unique(r, &s->now);
    return err == REGISTRY_OK ? update(r, &s->now) : err;
}

enum registry_err registry_device_set(struct registry *r, const struct device *d,
                                      unsigned fields)
{
    struct device sorted = *d;
    struct setting s = {.to = &sorted, .fields = fields};

    if ((fields & DEVICE_TAGS) != 0 && !device_tags_sort(sorted.tags))
        return registry_say(r, REGISTRY_BAD,
                            "tags are words of letters, digits, '.', '_' and '-'");
    return registry_together(r, set, &s);
}

/* ---- removing ----------------------------------------------------------------- */

static enum registry_err take_away(struct registry *r, void *ctx)
{
    static const char *const sql[] = {
        "DELETE FROM presence WHERE device = $1",
        "DELETE FROM secret WHERE device = $1",
        "DELETE FROM code WHERE device = $1",
        "DELETE FROM device WHERE id = $1",
    };
    struct device d;
    enum registry_err err = registry_change_add(r, "removed", 0, ctx);

    if (err == REGISTRY_OK)
        err = registry_device_get(r, ctx, &d);
    if (err == REGISTRY_OK && d.state != DEVICE_REVOKED)
        return registry_say(r, REGISTRY_BAD, "%s is %s: revoke it before it is removed", d.name,
                            device_state_name(d.state));
    for (unsigned i = 0; i < sizeof(sql) / sizeof(sql[0]) && err == REGISTRY_OK; i++)
        err = REGISTRY_DO(r, sql[i], SQL_N(d.id));
    return err;
}

/* Its certificates stay in the table, for the revocation list, and what happened to it. */
enum registry_err registry_device_remove(struct registry *r, const char *name)
{
    char own[64];

    snprintf(own, sizeof(own), "%s", name);
    return registry_together(r, take_away, own);
}

/* ---- secrets ------------------------------------------------------------------ */

enum registry_err registry_secret_put(struct registry *r, int64_t device, const char *secret)
{
    if (strlen(secret) > 255 || !registry_is_plain(secret))
        return registry_say(r, REGISTRY_BAD, "a secret is plain text of at most 255 octets");
    if (*secret == '\0')
        return REGISTRY_DO(r, "DELETE FROM secret WHERE device = $1", SQL_N(device));
    return REGISTRY_DO(
        r,
        "INSERT INTO secret (device, value) VALUES ($1, $2) ON CONFLICT (device) "
        "DO UPDATE SET value = excluded.value",
        SQL_N(device), SQL_T(secret));
}

struct secret_out {
    char *out;
    size_t n;
};

static void take_secret(void *ctx, const struct sql_row *row)
{
    struct secret_out *s = ctx;

    registry_copy(s->out, s->n, row, 0);
}

enum registry_err registry_secret_get(struct registry *r, int64_t device, char *out, size_t n)
{
    struct secret_out s = {.out = out, .n = n};
    const struct sql_value v[] = {SQL_N(device)};
    enum registry_err err;

    *out = '\0';
    err =
        registry_run(r, &(struct sql_call){.text = "SELECT value FROM secret WHERE device = $1",
                                           .v = v,
                                           .n = 1,
                                           .each = take_secret,
                                           .ctx = &s});
    if (err == REGISTRY_OK && *out == '\0')
        return registry_say(r, REGISTRY_NONE, "that device has no shared secret");
    return err;
}
