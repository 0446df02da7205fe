/* Owns a registry that is a file: SQLite in WAL mode, which other processes have open, too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fleet/sql_inside.h"
#include "kit/mem.h"

enum { APPLICATION_ID = 0x63766c66 /* "cvlf" */, PREPARED_MAX = 128 };

struct sqlite {
    struct sql sql;
    sqlite3 *db;
    char *path;
    struct {
        const char *text;
        sqlite3_stmt *st;
    } prepared[PREPARED_MAX]; /* by the address of their text */
};

struct sqlite_row {
    struct sql_row row;
    sqlite3_stmt *st;
};

static struct sqlite *of(struct sql *db)
{
    return (struct sqlite *)db;
}

/* What the code means, with what an operator can do about it. */
static enum sql_err tell(const char *path, int code, const char *detail, struct problem *why)
{
    const int kind = code & 0xff;
    const char *advice = "";
    enum sql_err err = SQL_FAILED;

    if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB) {
        advice = "; it is damaged: restore a backup (culvert restore)";
        err = SQL_DAMAGED;
    } else if (kind == SQLITE_FULL) {
        advice = "; make room there";
        err = SQL_FULL;
    } else if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED) {
        advice = "; another process has been writing all the time";
        err = SQL_AGAIN;
    } else if (kind == SQLITE_CONSTRAINT) {
        err = SQL_EXISTS;
    } else if (kind == SQLITE_READONLY || kind == SQLITE_CANTOPEN || kind == SQLITE_PERM) {
        advice = "; it has to be writable, its directory, too";
        err = SQL_AWAY;
    } else if (kind == SQLITE_IOERR) {
        err = SQL_AWAY;
    }
    problem_set(why, "%s: %s%s", path, detail, advice);
    return err;
}

static enum sql_err result(struct sqlite *s, int code)
{
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
        return SQL_OK;
    return tell(s->path, code, sqlite3_errmsg(s->db), &s->sql.why);
}

static void sqlite_close(struct sql *db)
{
    struct sqlite *s = of(db);

    for (unsigned i = 0; i < PREPARED_MAX; i++)
        (void)sqlite3_finalize(s->prepared[i].st);
    (void)sqlite3_close(s->db);
    free(s->path);
    free(s);
}

/* ---- statements --------------------------------------------------------------- */

/* *kept says that it was there before, or stays.  NULL: *code tells. */
static sqlite3_stmt *statement(struct sqlite *s, const struct sql_call *call, bool *kept,
                               int *code)
{
    sqlite3_stmt *st = NULL;
    unsigned at = 0;

    *kept = false;
    *code = SQLITE_OK;
    while (!call->once && at < PREPARED_MAX && s->prepared[at].text != NULL) {
        if (s->prepared[at].text == call->text) {
            *kept = true;
            return s->prepared[at].st;
        }
        at++;
    }
    *code = sqlite3_prepare_v3(s->db, call->text, -1,
                               call->once ? 0 : SQLITE_PREPARE_PERSISTENT, &st, NULL);
    if (*code == SQLITE_OK && !call->once && at < PREPARED_MAX) {
        s->prepared[at].text = call->text;
        s->prepared[at].st = st;
        *kept = true;
    }
    return *code == SQLITE_OK ? st : NULL;
}

static int bind(sqlite3_stmt *st, const struct sql_value *v, unsigned n)
{
    int code = SQLITE_OK;
    char name[16];

    for (unsigned i = 0; i < n && code == SQLITE_OK; i++) {
        int at;

        snprintf(name, sizeof(name), "$%u", i + 1);
        at = sqlite3_bind_parameter_index(st, name);
        if (at == 0)
            continue;
        if (v[i].kind == SQL_IS_TEXT)
            code = sqlite3_bind_text(st, at, v[i].text, -1, SQLITE_STATIC);
        else if (v[i].kind == SQL_IS_NUMBER)
            code = sqlite3_bind_int64(st, at, v[i].number);
        else
            code = sqlite3_bind_null(st, at);
    }
    return code;
}

static enum sql_err sqlite_run(struct sql *db, const struct sql_call *call)
{
    struct sqlite *s = of(db);
    struct sqlite_row row = {.row.kind = db->kind};
    enum sql_err err;
    bool kept;
    int code;

    row.st = statement(s, call, &kept, &code);
    if (row.st == NULL)
        return result(s, code);
    code = bind(row.st, call->v, call->n);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(row.st);
        if (code == SQLITE_ROW && call->each != NULL)
            call->each(call->ctx, &row.row);
    }
    err = result(s, code);
    if (err == SQL_OK)
        db->changed = sqlite3_changes64(s->db);
    (void)sqlite3_reset(row.st);
    (void)sqlite3_clear_bindings(row.st);
    if (!kept)
        (void)sqlite3_finalize(row.st);
    return err;
}

static enum sql_err sqlite_script(struct sql *db, const char *text)
{
    return result(of(db), sqlite3_exec(of(db)->db, text, NULL, NULL, NULL));
}

static bool sqlite_has_moved(struct sql *db)
{
    int moved = 0;

    return sqlite3_file_control(of(db)->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
               SQLITE_OK &&
           moved != 0;
}

static const char *sqlite_text(const struct sql_row *row, unsigned column)
{
    return (const char *)sqlite3_column_text(((const struct sqlite_row *)row)->st, (int)column);
}

static unsigned sqlite_columns(const struct sql_row *row)
{
    return (unsigned)sqlite3_column_count(((const struct sqlite_row *)row)->st);
}

static const struct sql_kind sqlite_kind = {
    .key = "INTEGER PRIMARY KEY",
    .begin = "BEGIN IMMEDIATE",
    .close = sqlite_close,
    .run = sqlite_run,
    .script = sqlite_script,
    .has_moved = sqlite_has_moved,
    .text = sqlite_text,
    .columns = sqlite_columns,
};

/* ---- opening ------------------------------------------------------------------ */

static int pragma_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Is it ours, or empty?  What belongs to another program is never written to. */
static bool is_ours(sqlite3 *db, int *code)
{
    int64_t id = 0, tables = 0;

    *code = pragma_number(db, "PRAGMA application_id", &id);
    if (*code == SQLITE_OK)
        *code = pragma_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    return *code != SQLITE_OK || tables == 0 || id == APPLICATION_ID;
}

/* fsync at each commit: what was answered stays.  A batch of thousands has one. */
static int settle(sqlite3 *db)
{
    char text[256];

    snprintf(
        text, sizeof(text),
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; "
        "PRAGMA journal_size_limit = 16777216; PRAGMA application_id = %d;",
        APPLICATION_ID);
    (void)sqlite3_busy_timeout(db, SQL_PATIENCE_MS);
    return sqlite3_exec(db, text, NULL, NULL, NULL);
}

static enum sql_err open_file(struct sqlite *s)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* it is private */
    int code;

    /* A file that is there already may be open in this process: closing a descriptor of it
     * would drop SQLite's locks (fcntl(2)), and another process would take the log away. */
    if (fd < 0 && errno != EEXIST) {
        problem_set(&s->sql.why, "%s: %s", s->path, strerror(errno));
        return errno == ENOSPC ? SQL_FULL : SQL_AWAY;
    }
    if (fd >= 0)
        close(fd);
    code = sqlite3_open_v2(s->path, &s->db, flags, NULL);
    if (code == SQLITE_OK && !is_ours(s->db, &code)) {
        problem_set(&s->sql.why, "%s is another program's database: it is left alone", s->path);
        return SQL_FAILED;
    }
    return result(s, code == SQLITE_OK ? settle(s->db) : code);
}

struct sql *sqlite_open(const char *path, enum sql_err *err, struct problem *why)
{
    struct sqlite *s = mem_new(1, sizeof(*s));

    s->sql.kind = &sqlite_kind;
    s->path = mem_text(path);
    *err = open_file(s);
    if (*err == SQL_OK)
        return &s->sql;
    *why = s->sql.why;
    sqlite_close(&s->sql);
    return NULL;
}

/* ---- copies ------------------------------------------------------------------- */

/* In one go: writers wait meanwhile, and the copy is of one moment. */
static int copy(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *b;
    int code;

    (void)sqlite3_busy_timeout(from, SQL_PATIENCE_MS);
    (void)sqlite3_busy_timeout(to, SQL_PATIENCE_MS);
    b = sqlite3_backup_init(to, "main", from, "main");
    if (b == NULL)
        return sqlite3_errcode(to);
    code = sqlite3_backup_step(b, -1);
    (void)sqlite3_backup_finish(b);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

enum sql_err sql_copy_file(const char *from, const char *to, struct problem *why)
{
    const int flags = SQLITE_OPEN_NOMUTEX;
    sqlite3 *source = NULL, *target = NULL;
    const int fd = open(to, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* it holds secrets */
    enum sql_err err = SQL_OK;
    int code;

    if (fd < 0) {
        problem_set(why, "%s: %s", to, strerror(errno));
        return errno == ENOSPC ? SQL_FULL : SQL_FAILED;
    }
    close(fd);
    code = sqlite3_open_v2(from, &source, SQLITE_OPEN_READWRITE | flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_open_v2(to, &target, SQLITE_OPEN_READWRITE | flags, NULL);
    if (code == SQLITE_OK)
        code = copy(source, target);
    if (code != SQLITE_OK)
        err = tell(code == SQLITE_FULL || code == SQLITE_IOERR ? to : from, code,
                   sqlite3_errstr(code), why);
    (void)sqlite3_close(source);
    (void)sqlite3_close(target);
    return err;
}
