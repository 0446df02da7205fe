/* Owns the file: its schema, reading it whole, writing a batch.
 *
 * Invariants: one process has it (locking_mode EXCLUSIVE, which also spares the shared memory
 * that a full disk would refuse); a batch is one transaction; a database of a newer version, or
 * of somebody else, is never written to.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "state/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/mem.h"

enum { APPLICATION_ID = 0x63756c76, SCHEMA_VERSION = 1 }; /* "culv" */

/* From each version to the next. */
static const char *const upgrades[SCHEMA_VERSION] = {
    "CREATE TABLE lease (pool TEXT NOT NULL, address BLOB NOT NULL, identity_type INTEGER NOT "
    "NULL, identity BLOB NOT NULL, online INTEGER NOT NULL, age INTEGER NOT NULL,"
    " PRIMARY KEY (pool, address)) WITHOUT ROWID;"
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;",
};

void database_close(struct database *d)
{
    (void)sqlite3_close(d->db);
    d->db = NULL;
}

/* What went wrong, with what an operator can do about it; then it is closed. */
static enum database_result fail(struct database *d, int code, struct problem *why)
{
    const char *advice = "make it writable";
    const int kind = code & 0xff;

    if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB) {
        problem_set(why, "%s is damaged (%s)", d->path, sqlite3_errstr(code));
        database_close(d);
        return DATABASE_DAMAGED;
    }
    if (kind == SQLITE_FULL)
        advice = "make room there";
    else if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
        advice = "another process has it open: give each daemon a --state-dir of its own";
    problem_set(why, "%s: %s; %s", d->path, sqlite3_errstr(code), advice);
    database_close(d);
    return DATABASE_FAILED;
}

/* ---- opening ---------------------------------------------------------------- */

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

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int upgrade(sqlite3 *db, int64_t from)
{
    char stamp[96];
    int code = run(db, "BEGIN IMMEDIATE");

    for (int64_t v = from; v < SCHEMA_VERSION && code == SQLITE_OK; v++)
        code = run(db, upgrades[v]);
    snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             APPLICATION_ID, SCHEMA_VERSION);
    if (code == SQLITE_OK)
        code = run(db, stamp);
    if (code == SQLITE_OK)
        code = run(db, "COMMIT");
    return code;
}

/* Is it ours, and not newer than we are? */
static bool is_ours(sqlite3 *db, int *code, int64_t *version)
{
    int64_t id = 0, tables = 0;

    *code = pragma_number(db, "PRAGMA application_id", &id);
    if (*code == SQLITE_OK)
        *code = pragma_number(db, "PRAGMA user_version", version);
    if (*code == SQLITE_OK)
        *code = pragma_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (*code != SQLITE_OK)
        return true; /* unknown: the code tells */
    return tables == 0 || (id == APPLICATION_ID && *version >= 0 && *version <= SCHEMA_VERSION);
}

/* fsync after each batch: it is not the loop that waits, and a lease that a power cut takes
 * back would be given to two. */
static const char settings[] =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; "
    "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304;";

enum database_result database_open(struct database *d, bool *made, struct problem *why)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int fd = open(d->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* identities are private */
    int64_t version = 0;
    int code;

    if (fd >= 0)
        close(fd); /* before SQLite has locks there: closing would drop them */
    code = sqlite3_open_v2(d->path, &d->db, flags, NULL);
    *made = false;
    if (code == SQLITE_OK)
        (void)sqlite3_extended_result_codes(d->db, 0);
    if (code == SQLITE_OK && !is_ours(d->db, &code, &version)) {
        database_close(d);
        problem_set(why,
                    "%s is of a newer culvertd (schema %lld, this one knows %d) or not "
                    "culvertd's at all: it is left alone; move it away or start that version",
                    d->path, (long long)version, SCHEMA_VERSION);
        return DATABASE_FAILED;
    }
    if (code == SQLITE_OK)
        code = run(d->db, settings);
    if (code == SQLITE_OK && version < SCHEMA_VERSION) {
        *made = version == 0;
        code = upgrade(d->db, version);
    }
    return code == SQLITE_OK ? DATABASE_OK : fail(d, code, why);
}

/* ---- reading ---------------------------------------------------------------- */

/* A row that is not as we write them is left out. */
static bool read_lease(sqlite3_stmt *st, struct pool_lease *out)
{
    const int addr_n = sqlite3_column_bytes(st, 1), id_n = sqlite3_column_bytes(st, 3);
    const void *addr = sqlite3_column_blob(st, 1), *id = sqlite3_column_blob(st, 3);

    *out = (struct pool_lease){.pool = (const char *)sqlite3_column_text(st, 0)};
    if (out->pool == NULL || (addr_n != 4 && addr_n != 16) || id_n < 0 ||
        (size_t)id_n > sizeof(out->who.b))
        return false;
    out->addr.family = addr_n == 4 ? CV_IPV4 : CV_IPV6;
    memcpy(out->addr.b, addr, (size_t)addr_n);
    out->who.type = (uint8_t)sqlite3_column_int(st, 2);
    out->who.n = (uint8_t)id_n;
    if (id_n > 0)
        memcpy(out->who.b, id, (size_t)id_n);
    out->online = sqlite3_column_int(st, 4) != 0;
    out->age = (uint64_t)sqlite3_column_int64(st, 5);
    return true;
}

static void tell_row(sqlite3_stmt *st, const struct state_reader *r, bool is_lease)
{
    struct pool_lease lease;
    const char *name;

    if (is_lease && read_lease(st, &lease)) {
        r->lease(r->ctx, &lease);
    } else if (!is_lease) {
        name = (const char *)sqlite3_column_text(st, 0);
        if (name != NULL)
            r->counter(r->ctx, name, (uint64_t)sqlite3_column_int64(st, 1));
    }
}

static int tell_rows(sqlite3 *db, const char *sql, const struct state_reader *r, bool is_lease)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(st);
        if (code == SQLITE_ROW)
            tell_row(st, r, is_lease);
    }
    (void)sqlite3_finalize(st);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int tell_all(sqlite3 *db, const struct state_reader *r)
{
    int code =
        tell_rows(db,
                  "SELECT pool, address, identity_type, identity, online, age FROM lease "
                  "ORDER BY online, age",
                  r, true);

    if (code == SQLITE_OK)
        code = tell_rows(db, "SELECT name, value FROM counter", r, false);
    return code;
}

enum database_result database_read(struct database *d, const struct state_reader *r,
                                   struct problem *why)
{
    int code = tell_all(d->db, r);

    return code == SQLITE_OK ? DATABASE_OK : fail(d, code, why);
}

/* A path as part of a URI (RFC 3986 section 2.1). */
static char *uri_of(const char *path)
{
    static const char end[] = "?mode=ro&immutable=1";
    char *uri = mem_new(3 * strlen(path) + sizeof("file:") + sizeof(end), 1);
    char *at = uri + sprintf(uri, "file:");

    for (; *path != '\0'; path++)
        at += strchr("?#%", *path) != NULL ? sprintf(at, "%%%02X", (unsigned char)*path)
                                           : sprintf(at, "%c", *path);
    strcpy(at, end);
    return uri;
}

void database_read_only(const char *path, const struct state_reader *r)
{
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    char *uri = uri_of(path);
    sqlite3 *db = NULL;
    int64_t version;
    int code = sqlite3_open_v2(uri, &db, flags, NULL);

    if (code == SQLITE_OK && is_ours(db, &code, &version) && code == SQLITE_OK)
        (void)tell_all(db, r);
    (void)sqlite3_close(db);
    free(uri);
}

/* ---- writing ---------------------------------------------------------------- */

enum { N_KINDS = OP_COUNTER + 1 };

static const char *const statements[N_KINDS] = {
    [OP_FORGET_POOL] = "DELETE FROM lease WHERE pool = ?1",
    [OP_LEASE] = "INSERT OR REPLACE INTO lease VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [OP_COUNTER] = "INSERT OR REPLACE INTO counter VALUES (?1, ?2)",
};

static int bind_lease(sqlite3_stmt *st, const struct pool_lease *l)
{
    const int addr_n = l->addr.family == CV_IPV4 ? 4 : 16;
    int code = sqlite3_bind_blob(st, 2, l->addr.b, addr_n, SQLITE_STATIC);

    if (code == SQLITE_OK)
        code = sqlite3_bind_int(st, 3, l->who.type);
    if (code == SQLITE_OK)
        code = sqlite3_bind_blob(st, 4, l->who.b, l->who.n, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(st, 5, l->online);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(st, 6, (sqlite3_int64)l->age);
    return code;
}

static int write_op(sqlite3_stmt *st, const struct state_op *op)
{
    int code = sqlite3_bind_text(st, 1, op->name, -1, SQLITE_STATIC);

    if (code == SQLITE_OK && op->kind == OP_LEASE)
        code = bind_lease(st, &op->lease);
    if (code == SQLITE_OK && op->kind == OP_COUNTER)
        code = sqlite3_bind_int64(st, 2, (sqlite3_int64)op->value);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    (void)sqlite3_reset(st);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int write_ops(sqlite3 *db, const struct state_op *ops, size_t n)
{
    sqlite3_stmt *st[N_KINDS] = {NULL};
    int code = SQLITE_OK;

    for (unsigned i = 0; i < N_KINDS && code == SQLITE_OK; i++)
        code = sqlite3_prepare_v2(db, statements[i], -1, &st[i], NULL);
    if (code == SQLITE_OK)
        code = run(db, "BEGIN IMMEDIATE");
    for (size_t i = 0; i < n && code == SQLITE_OK; i++)
        code = write_op(st[ops[i].kind], &ops[i]);
    for (unsigned i = 0; i < N_KINDS; i++)
        (void)sqlite3_finalize(st[i]);
    if (code == SQLITE_OK)
        code = run(db, "COMMIT");
    return code;
}

/* Closing takes back what was begun. */
enum database_result database_write(struct database *d, const struct state_op *ops, size_t n,
                                    struct problem *why)
{
    int code = write_ops(d->db, ops, n);

    return code == SQLITE_OK ? DATABASE_OK : fail(d, code, why);
}

/* ---- the file --------------------------------------------------------------- */

bool database_put_aside(struct database *d, struct problem *why)
{
    static const char *const parts[] = {"-wal", ""};
    const size_t room = strlen(d->path) + sizeof(".damaged-wal");
    char *from = mem_new(room, 1), *to = mem_new(room, 1);
    bool done = true;

    database_close(d);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(from, room, "%s%s", d->path, parts[i]);
        snprintf(to, room, "%s.damaged%s", d->path, parts[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            done = problem_set(why, "%s is damaged and cannot be put aside (%s): move it away",
                               d->path, strerror(errno));
    }
    free(from);
    free(to);
    return done;
}

bool database_is_there(struct database *d)
{
    int moved = 0;

    return sqlite3_file_control(d->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
           moved == 0;
}
