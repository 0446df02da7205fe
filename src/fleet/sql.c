/* Owns what both kinds of database have in common.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/sql_inside.h"
#include "kit/mem.h"

static const char *const servers[] = {"postgresql://", "postgres://"};

bool sql_is_file(const char *uri)
{
    for (unsigned i = 0; i < 2; i++)
        if (strncmp(uri, servers[i], strlen(servers[i])) == 0)
            return false;
    return true;
}

void sql_name(const char *uri, char *out, size_t n)
{
    const char *host = strstr(uri, "://"), *at = strrchr(uri, '@');
    const char *end = strchr(uri, '?'); /* what follows may hold a password, too */

    if (sql_is_file(uri) || host == NULL) {
        snprintf(out, n, "%s", uri);
        return;
    }
    host += 3;
    if (at != NULL && at > host && (end == NULL || at < end))
        host = at + 1;
    snprintf(out, n, "postgresql://%.*s", (int)strcspn(host, "?"), host);
}

struct sql *sql_open(const char *uri, enum sql_err *err, struct problem *why)
{
    return sql_is_file(uri) ? sqlite_open(uri, err, why) : postgres_open(uri, err, why);
}

void sql_close(struct sql *db)
{
    if (db != NULL)
        db->kind->close(db);
}

enum sql_err sql_run(struct sql *db, const struct sql_call *call)
{
    db->changed = 0;
    return db->kind->run(db, call);
}

bool sql_has_moved(struct sql *db)
{
    return db->kind->has_moved != NULL && db->kind->has_moved(db);
}

static enum sql_err plain(struct sql *db, const char *text)
{
    return sql_run(db, &(struct sql_call){.text = text});
}

enum sql_err sql_begin(struct sql *db)
{
    return plain(db, db->kind->begin);
}

enum sql_err sql_commit(struct sql *db)
{
    return plain(db, "COMMIT");
}

/* What made the transaction fail is what is to be told, not what undoing it says. */
void sql_undo(struct sql *db)
{
    const struct problem why = db->why;

    (void)plain(db, "ROLLBACK");
    db->why = why;
}

/* text with each BIGKEY replaced. */
static char *with_keys(const char *text, const char *key)
{
    size_t n = strlen(text) + 1, at = 0;
    char *out;

    for (const char *k = strstr(text, " BIGKEY"); k != NULL; k = strstr(k + 1, " BIGKEY"))
        n += strlen(key);
    out = mem_new(n, 1);
    for (const char *k; (k = strstr(text, " BIGKEY")) != NULL; text = k + strlen(" BIGKEY"))
        at += (size_t)snprintf(out + at, n - at, "%.*s %s", (int)(k - text), text, key);
    snprintf(out + at, n - at, "%s", text);
    return out;
}

enum sql_err sql_script(struct sql *db, const char *text)
{
    char *own = with_keys(text, db->kind->key);
    const enum sql_err err = db->kind->script(db, own);

    free(own);
    return err;
}

int64_t sql_changed(const struct sql *db)
{
    return db->changed;
}

const char *sql_text(const struct sql_row *row, unsigned column)
{
    const char *text = row->kind->text(row, column);

    return text != NULL ? text : "";
}

bool sql_is_null(const struct sql_row *row, unsigned column)
{
    return row->kind->text(row, column) == NULL;
}

unsigned sql_columns(const struct sql_row *row)
{
    return row->kind->columns(row);
}

int64_t sql_number(const struct sql_row *row, unsigned column)
{
    return strtoll(sql_text(row, column), NULL, 10);
}

const char *sql_why(const struct sql *db)
{
    return db->why.text;
}
