/* Owns a registry on a server that speaks PostgreSQL's protocol.
 *
 * libpq waits for ever for a server that has gone silent, so everything is sent and received
 * with a deadline of ours; a connection that has missed one is of no use any more.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/sql_inside.h"
#include "kit/clock.h"
#include "kit/mem.h"

enum { PREPARED_MAX = 128, NUMBER_TEXT = 24 };

struct postgres {
    struct sql sql;
    PGconn *conn;
    char name[256];
    const char *prepared[PREPARED_MAX]; /* as "s0", "s1", ... */
};

struct postgres_row {
    struct sql_row row;
    PGresult *res;
    int at;
};

static struct postgres *of(struct sql *db)
{
    return (struct postgres *)db;
}

/* ---- errors ------------------------------------------------------------------- */

/* The first line of libpq's words. */
static void say(struct postgres *p, const char *words, const char *advice)
{
    problem_set(&p->sql.why, "%s: %.*s%s", p->name, (int)strcspn(words, "\n"), words, advice);
}

static bool begins(const char *state, const char *class)
{
    return strncmp(state, class, strlen(class)) == 0;
}

/* By SQLSTATE, whose first two signs are a class. */
static enum sql_err meaning(const char *state)
{
    if (begins(state, "40")) /* serialization failure, deadlock */
        return SQL_AGAIN;
    if (strcmp(state, "23505") == 0)
        return SQL_EXISTS;
    if (strcmp(state, "53100") == 0)
        return SQL_FULL;
    if (begins(state, "08") || begins(state, "53") || begins(state, "57") ||
        begins(state, "58") || strcmp(state, "25006") == 0)
        return SQL_AWAY; /* it goes down, starts, has no room, or is a standby */
    return begins(state, "XX") ? SQL_DAMAGED : SQL_FAILED;
}

static enum sql_err result(struct postgres *p, const PGresult *res)
{
    const ExecStatusType status = PQresultStatus(res);
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    enum sql_err err;

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE)
        return SQL_OK;
    err = state != NULL ? meaning(state) : SQL_AWAY;
    say(p, PQresultErrorMessage(res), err == SQL_FULL ? "; make room there" : "");
    return err;
}

static enum sql_err away(struct postgres *p)
{
    say(p, PQerrorMessage(p->conn), "");
    return SQL_AWAY;
}

static enum sql_err silent(struct postgres *p)
{
    problem_set(&p->sql.why, "%s: no answer within %d s", p->name, SQL_PATIENCE_MS / 1000);
    return SQL_AWAY;
}

/* ---- sending and receiving ---------------------------------------------------- */

/* False: the deadline has passed. */
static bool wait_for(PGconn *conn, short events, uint64_t deadline)
{
    struct pollfd fd = {.fd = PQsocket(conn), .events = events};
    const uint64_t now = clock_now_ms();

    return now < deadline && poll(&fd, 1, (int)(deadline - now)) > 0;
}

/* All that has been sent is out, and an answer is in. */
static enum sql_err await(struct postgres *p, uint64_t deadline)
{
    for (;;) {
        const int left = PQflush(p->conn);

        if (left < 0 || PQconsumeInput(p->conn) == 0)
            return away(p);
        if (left == 0 && PQisBusy(p->conn) == 0)
            return SQL_OK;
        if (!wait_for(p->conn, left > 0 ? POLLIN | POLLOUT : POLLIN, deadline))
            return silent(p);
    }
}

/* Receives to the end of what was sent, and tells the rows. */
static enum sql_err receive(struct postgres *p, const struct sql_call *call)
{
    enum sql_err err = SQL_OK, one;

    for (;;) {
        struct postgres_row row = {.row.kind = p->sql.kind};

        one = await(p, clock_now_ms() + SQL_PATIENCE_MS);
        if (one != SQL_OK)
            return one;
        row.res = PQgetResult(p->conn);
        if (row.res == NULL)
            return err;
        one = result(p, row.res);
        if (err == SQL_OK)
            err = one;
        p->sql.changed = strtoll(PQcmdTuples(row.res), NULL, 10);
        for (; call != NULL && call->each != NULL && row.at < PQntuples(row.res); row.at++)
            call->each(call->ctx, &row.row);
        PQclear(row.res);
    }
}

/* ---- statements --------------------------------------------------------------- */

/* Its number; PREPARED_MAX: it is not kept.  *err tells. */
static unsigned prepare(struct postgres *p, const struct sql_call *call, enum sql_err *err)
{
    char name[16];
    unsigned i = 0;

    *err = SQL_OK;
    if (call->once)
        return PREPARED_MAX;
    while (i < PREPARED_MAX && p->prepared[i] != NULL && p->prepared[i] != call->text)
        i++;
    if (i == PREPARED_MAX || p->prepared[i] != NULL)
        return i;
    snprintf(name, sizeof(name), "s%u", i);
    if (PQsendPrepare(p->conn, name, call->text, 0, NULL) == 0)
        *err = away(p);
    else
        *err = receive(p, NULL);
    if (*err == SQL_OK)
        p->prepared[i] = call->text;
    return i;
}

static enum sql_err postgres_run(struct sql *db, const struct sql_call *call)
{
    struct postgres *p = of(db);
    const char *texts[SQL_VALUES_MAX];
    char numbers[SQL_VALUES_MAX][NUMBER_TEXT], name[16];
    enum sql_err err;
    unsigned at;
    int sent;

    for (unsigned i = 0; i < call->n; i++) {
        texts[i] = call->v[i].kind == SQL_IS_NULL ? NULL : call->v[i].text;
        if (call->v[i].kind == SQL_IS_NUMBER) {
            snprintf(numbers[i], NUMBER_TEXT, "%lld", (long long)call->v[i].number);
            texts[i] = numbers[i];
        }
    }
    at = call->n > 0 ? prepare(p, call, &err) : PREPARED_MAX;
    if (call->n > 0 && err != SQL_OK)
        return err;
    snprintf(name, sizeof(name), "s%u", at);
    if (at < PREPARED_MAX)
        sent = PQsendQueryPrepared(p->conn, name, (int)call->n, texts, NULL, NULL, 0);
    else
        sent = PQsendQueryParams(p->conn, call->text, (int)call->n, NULL, texts, NULL, NULL, 0);
    if (sent != 0 && call->stream)
        (void)PQsetSingleRowMode(p->conn); /* failing, all rows come at once */
    return sent == 0 ? away(p) : receive(p, call);
}

static enum sql_err postgres_script(struct sql *db, const char *text)
{
    struct postgres *p = of(db);

    return PQsendQuery(p->conn, text) == 0 ? away(p) : receive(p, NULL);
}

static const char *postgres_text(const struct sql_row *row, unsigned column)
{
    const struct postgres_row *r = (const struct postgres_row *)row;

    return PQgetisnull(r->res, r->at, (int)column) != 0
               ? NULL
               : PQgetvalue(r->res, r->at, (int)column);
}

static unsigned postgres_columns(const struct sql_row *row)
{
    return (unsigned)PQnfields(((const struct postgres_row *)row)->res);
}

static void postgres_close(struct sql *db)
{
    PQfinish(of(db)->conn);
    free(of(db));
}

static const struct sql_kind postgres_kind = {
    .key = "BIGINT PRIMARY KEY",
    .begin = "BEGIN",
    .close = postgres_close,
    .run = postgres_run,
    .script = postgres_script,
    .text = postgres_text,
    .columns = postgres_columns,
};

/* ---- opening ------------------------------------------------------------------ */

static enum sql_err connect_to(struct postgres *p, const char *uri)
{
    const uint64_t deadline = clock_now_ms() + SQL_PATIENCE_MS;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    p->conn = PQconnectStart(uri);
    if (p->conn == NULL || PQstatus(p->conn) == CONNECTION_BAD)
        return away(p);
    while (status != PGRES_POLLING_OK) {
        if (!wait_for(p->conn, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
            return silent(p);
        status = PQconnectPoll(p->conn);
        if (status == PGRES_POLLING_FAILED)
            return away(p);
    }
    return PQsetnonblocking(p->conn, 1) == 0 ? SQL_OK : away(p);
}

static void keep_quiet(void *ctx, const PGresult *res)
{
    (void)ctx;
    (void)res; /* "relation exists, skipping" is no news */
}

struct sql *postgres_open(const char *uri, enum sql_err *err, struct problem *why)
{
    struct postgres *p = mem_new(1, sizeof(*p));

    p->sql.kind = &postgres_kind;
    sql_name(uri, p->name, sizeof(p->name));
    *err = connect_to(p, uri);
    if (*err == SQL_OK) {
        PQsetNoticeReceiver(p->conn, keep_quiet, NULL);
        return &p->sql;
    }
    *why = p->sql.why;
    postgres_close(&p->sql);
    return NULL;
}
