/* Owns copies of whole registries.
 *
 * A file is copied by SQLite, page by page in one transaction; to and from a server go rows.
 * After a restore the numbers of changes and events go on behind all that were ever given, so
 * that whoever follows them starts anew and misses nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fleet/registry_change.h"
#include "fleet/registry_event.h"
#include "fleet/registry_inside.h"

/* ---- rows --------------------------------------------------------------------- */

struct rows {
    struct registry *to;
    const char *table;
    enum registry_err err;
};

static struct sql_value value_of(const struct sql_row *row, unsigned i)
{
    if (sql_is_null(row, i))
        return (struct sql_value){.kind = SQL_IS_NULL};
    return SQL_T(sql_text(row, i));
}

static void take_row(void *ctx, const struct sql_row *row)
{
    struct rows *t = ctx;
    struct registry_query q = {.at = 0};
    const unsigned n = sql_columns(row);

    if (t->err != REGISTRY_OK)
        return;
    query_put(&q, "INSERT INTO ");
    query_put(&q, t->table);
    for (unsigned i = 0; i < n && i < SQL_VALUES_MAX; i++)
        query_value(&q, i == 0 ? " VALUES (?" : ", ?", value_of(row, i));
    query_put(&q, ")");
    t->err = registry_run(t->to,
                          &(struct sql_call){.text = q.text, .v = q.v, .n = q.n, .once = true});
}

struct both {
    struct registry *from, *to;
};

static enum registry_err fill_table(const struct both *b, const char *table)
{
    struct rows rows = {.to = b->to, .table = table};
    struct registry_query all = {.at = 0}, none = {.at = 0};
    enum registry_err err;

    query_put(&none, "DELETE FROM ");
    query_put(&none, table);
    err = registry_run(b->to, &(struct sql_call){.text = none.text, .once = true});
    if (err != REGISTRY_OK)
        return err;
    query_put(&all, "SELECT * FROM ");
    query_put(&all, table);
    err = registry_run(
        b->from,
        &(struct sql_call){
            .text = all.text, .once = true, .stream = true, .each = take_row, .ctx = &rows});
    if (err != REGISTRY_OK)
        return registry_say(b->to, err, "%s", registry_why(b->from));
    return rows.err;
}

static enum registry_err fill(struct registry *to, void *ctx)
{
    const struct both *b = ctx;
    enum registry_err err = REGISTRY_OK;

    (void)to;
    for (unsigned i = 0; registry_tables[i] != NULL && err == REGISTRY_OK; i++)
        err = fill_table(b, registry_tables[i]);
    return err;
}

/* All of from as it is at one moment, as far as the database gives one. */
static enum registry_err read_all(struct registry *from, void *ctx)
{
    struct both *b = ctx;

    (void)from;
    return registry_together(b->to, fill, b);
}

/* ---- backup ------------------------------------------------------------------- */

static enum registry_err copy_rows(struct registry *r, const char *to)
{
    const struct registry_config c = {.uri = to};
    struct problem why = {.line = 0};
    enum registry_err err;
    struct both b = {.from = r, .to = registry_open(&c, &err, &why)};

    if (b.to == NULL)
        return registry_say(r, err, "%s", why.text);
    err = registry_together(r, read_all, &b);
    if (err != REGISTRY_OK)
        registry_say(r, err, "%s", registry_why(b.to));
    registry_close(b.to);
    return err;
}

static enum registry_err copy_file(struct registry *r, const char *to)
{
    struct problem why = {.line = 0};
    const enum sql_err err = sql_copy_file(r->uri, to, &why);

    if (err == SQL_OK)
        return REGISTRY_OK;
    return registry_say(r,
                        err == SQL_FULL      ? REGISTRY_FULL
                        : err == SQL_DAMAGED ? REGISTRY_DAMAGED
                                             : REGISTRY_FAILED,
                        "%s", why.text);
}

/* What is renamed has to be on the disk before. */
static bool settle(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool done = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return done;
}

static void drop(const char *path)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char one[PATH_MAX];

    for (unsigned i = 0; i < 3; i++) {
        snprintf(one, sizeof(one), "%s%s", path, parts[i]);
        (void)unlink(one);
    }
}

enum registry_err registry_backup(struct registry *r, const char *to)
{
    char part[PATH_MAX];
    enum registry_err err;

    if (!sql_is_file(to) || strlen(to) + sizeof(".part-wal") > sizeof(part))
        return registry_say(r, REGISTRY_BAD, "'%s' is no name of a file", to);
    snprintf(part, sizeof(part), "%s.part", to);
    drop(part);
    err = sql_is_file(r->uri) ? copy_file(r, part) : copy_rows(r, part);
    if (err == REGISTRY_OK && (!settle(part) || rename(part, to) != 0))
        err = registry_say(r, errno == ENOSPC ? REGISTRY_FULL : REGISTRY_FAILED, "%s: %s", to,
                           strerror(errno));
    if (err != REGISTRY_OK)
        drop(part);
    return err;
}

/* ---- restore ------------------------------------------------------------------ */

struct numbers {
    int64_t change, event;
};

static enum registry_err read_numbers(struct registry *r, struct numbers *n)
{
    const enum registry_err err = registry_change_newest(r, &n->change);

    return err == REGISTRY_OK ? registry_event_newest(r, &n->event) : err;
}

static enum registry_err go_on(struct registry *r, void *ctx)
{
    const struct numbers *before = ctx;
    struct numbers now;
    int64_t last;
    enum registry_err err = read_numbers(r, &now);

    if (err == REGISTRY_OK && before->event > now.event)
        err = registry_take_numbers(r, "event", before->event - now.event, &last);
    if (err == REGISTRY_OK && before->change > now.change)
        err = registry_take_numbers(r, "change", before->change - now.change, &last);
    if (err == REGISTRY_OK) /* a gap: whoever polls compares everything */
        err = registry_take_numbers(r, "change", 1, &last);
    if (err == REGISTRY_OK)
        err = REGISTRY_DO(r, "DELETE FROM change WHERE seq <= $1", SQL_N(last));
    return err == REGISTRY_OK ? registry_change_add(r, "restored", 0, "") : err;
}

static struct registry *open_at(const char *uri, enum registry_err *err, struct problem *why)
{
    const struct registry_config c = {.uri = uri};

    return registry_open(&c, err, why);
}

/* What is there is kept; one that does not open is moved aside as it is. */
static enum registry_err keep_before(const char *uri, struct numbers *n, struct problem *why)
{
    char before[PATH_MAX];
    enum registry_err err;
    struct registry *r;

    if (access(uri, F_OK) != 0)
        return REGISTRY_OK;
    snprintf(before, sizeof(before), "%s.before", uri);
    r = open_at(uri, &err, why);
    if (r == NULL && err != REGISTRY_DAMAGED)
        return err;
    if (r == NULL && rename(uri, before) != 0) {
        problem_set(why, "%s: %s", before, strerror(errno));
        return REGISTRY_FAILED;
    }
    if (r == NULL)
        return REGISTRY_OK;
    err = read_numbers(r, n);
    if (err == REGISTRY_OK)
        err = registry_backup(r, before);
    if (err != REGISTRY_OK)
        problem_set(why, "%s", registry_why(r));
    registry_close(r);
    return err;
}

static enum registry_err finish(const char *uri, struct numbers *before, struct problem *why)
{
    enum registry_err err;
    struct registry *r = open_at(uri, &err, why);

    if (r == NULL)
        return err;
    err = registry_together(r, go_on, before);
    if (err != REGISTRY_OK)
        problem_set(why, "%s", registry_why(r));
    registry_close(r);
    return err;
}

static enum registry_err restore_file(const char *checked, const char *uri, struct problem *why)
{
    struct numbers before = {0, 0};
    enum registry_err err = keep_before(uri, &before, why);
    enum sql_err copied;

    if (err != REGISTRY_OK)
        return err;
    copied = sql_copy_file(checked, uri, why);
    if (copied != SQL_OK)
        return copied == SQL_FULL ? REGISTRY_FULL : REGISTRY_FAILED;
    return finish(uri, &before, why);
}

static enum registry_err restore_rows(struct registry *from, const char *uri,
                                      struct problem *why)
{
    struct numbers before = {0, 0};
    struct device_counts counts;
    enum registry_err err;
    struct both b = {.from = from, .to = open_at(uri, &err, why)};

    if (b.to == NULL)
        return err;
    err = registry_device_count(b.to, NULL, NULL, &counts);
    if (err == REGISTRY_OK && counts.all > 0)
        err = registry_say(b.to, REGISTRY_EXISTS,
                           "%s has %llu devices: a backup is restored into an empty database",
                           b.to->name, (unsigned long long)counts.all);
    if (err == REGISTRY_OK)
        err = read_numbers(b.to, &before);
    if (err == REGISTRY_OK)
        err = registry_together(from, read_all, &b);
    if (err != REGISTRY_OK)
        problem_set(why, "%s", registry_why(b.to));
    registry_close(b.to);
    return err == REGISTRY_OK ? finish(uri, &before, why) : err;
}

/* A copy of the backup is opened, so that what is newer, damaged or no registry at all is
 * refused, and what is older is brought up to date, before anything changes. */
enum registry_err registry_restore(const char *from, const char *uri, struct problem *why)
{
    char checked[PATH_MAX];
    enum registry_err err;
    struct registry *r;

    if (access(from, R_OK) != 0) {
        problem_set(why, "%s: %s", from, strerror(errno));
        return REGISTRY_NONE;
    }
    snprintf(checked, sizeof(checked), "%s.part", from);
    drop(checked);
    if (sql_copy_file(from, checked, why) != SQL_OK) {
        drop(checked);
        return REGISTRY_DAMAGED;
    }
    r = open_at(checked, &err, why);
    if (r != NULL && sql_is_file(uri))
        err = restore_file(checked, uri, why);
    else if (r != NULL)
        err = restore_rows(r, uri, why);
    registry_close(r);
    drop(checked);
    return err;
}
