/* Owns the count of wrong codes.
 *
 * A code has 160 bits, so nobody guesses one; what is limited is the work that trying makes
 * (one write a source and second at first, then one a minute) and the silence about it.  The
 * table is bounded: the sources heard last stay.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_guess.h"

#include <stdio.h>

#include "fleet/registry_code.h"
#include "fleet/registry_event.h"
#include "fleet/registry_inside.h"

enum { FREE = 4, WAIT_MAX_S = 60, FORGOTTEN_S = 86400, SOURCES_MAX = 10000, TOLD_EVERY = 100 };

struct guess {
    int64_t wrong, until;
};

static void take_guess(void *ctx, const struct sql_row *row)
{
    struct guess *g = ctx;

    g->wrong = sql_number(row, 0);
    g->until = sql_number(row, 1);
}

static enum registry_err read_guess(struct registry *r, const char *from, struct guess *out)
{
    const struct sql_value v[] = {SQL_T(from)};

    *out = (struct guess){.wrong = 0};
    return registry_run(
        r, &(struct sql_call){.text = "SELECT wrong, until FROM guess WHERE source = $1",
                              .v = v,
                              .n = 1,
                              .each = take_guess,
                              .ctx = out});
}

enum registry_err registry_guess_wait(struct registry *r, const char *from, int64_t *wait_s)
{
    struct guess g;
    const enum registry_err err = read_guess(r, from, &g);

    *wait_s = g.until - registry_now_s(r);
    return err;
}

static int64_t wait_after(int64_t wrong)
{
    int64_t wait = 1;

    if (wrong <= FREE)
        return 0;
    for (int64_t i = FREE + 1; i < wrong && wait < WAIT_MAX_S; i++)
        wait *= 2;
    return wait < WAIT_MAX_S ? wait : WAIT_MAX_S;
}

static enum registry_err write_guess(struct registry *r, const char *from, int64_t wrong,
                                     int64_t until)
{
    return REGISTRY_DO(r,
                       "INSERT INTO guess (source, wrong, until, last) VALUES ($1, $2, $3, $4) "
                       "ON CONFLICT (source) DO UPDATE SET wrong = excluded.wrong, until = "
                       "excluded.until, last = excluded.last",
                       SQL_T(from), SQL_N(wrong), SQL_N(until), SQL_N(registry_now_s(r)));
}

/* The first source that is slowed down is worth a word, then every hundredth wrong code. */
static enum registry_err tell(struct registry *r, const char *from, int64_t wrong, int64_t all)
{
    struct fleet_event e = {.severity = EVENT_ALARM, .kind = "wrong-codes"};

    if (wrong != FREE + 1 && all % TOLD_EVERY != 0)
        return REGISTRY_OK;
    snprintf(e.peer, sizeof(e.peer), "%s", from);
    snprintf(e.text, sizeof(e.text),
             "%lld wrong one-time codes from %s, %lld in all: somebody tries, or a device has "
             "an old bundle; that source is slowed down, right codes are not",
             (long long)wrong, from, (long long)all);
    return registry_event_add(r, &e, 1);
}

static enum registry_err forget_some(struct registry *r)
{
    return REGISTRY_DO(r,
                       "DELETE FROM guess WHERE source IN (SELECT source FROM guess ORDER BY "
                       "last DESC LIMIT $1 OFFSET $2) OR last < $3",
                       SQL_N(SOURCES_MAX), SQL_N(SOURCES_MAX),
                       SQL_N(registry_now_s(r) - FORGOTTEN_S));
}

static enum registry_err count(struct registry *r, void *ctx)
{
    const char *from = ctx;
    const int64_t now = registry_now_s(r);
    struct guess g;
    int64_t all = 0;
    enum registry_err err = registry_take_numbers(r, "wrong codes", 1, &all);

    if (err == REGISTRY_OK)
        err = read_guess(r, from, &g);
    if (err != REGISTRY_OK)
        return err;
    if (g.wrong > 0 && g.until + WAIT_MAX_S * 10 < now)
        g.wrong = 0; /* it has been quiet for long */
    g.wrong++;
    err = write_guess(r, from, g.wrong, now + wait_after(g.wrong));
    if (err == REGISTRY_OK && all % TOLD_EVERY == 0)
        err = forget_some(r);
    return err == REGISTRY_OK ? tell(r, from, g.wrong, all) : err;
}

enum registry_err registry_guess_count(struct registry *r, enum registry_err err)
{
    const struct problem why = r->why;
    enum registry_err counted;

    r->guess.counts = false;
    counted = registry_together(r, count, r->guess.from);
    if (counted != REGISTRY_OK)
        return counted;
    r->why = why;
    return err;
}

int64_t registry_code_wait_s(const struct registry *r)
{
    return r->guess.wait_s;
}

enum registry_err registry_code_wrong_ones(struct registry *r, int64_t *out)
{
    *out = 0;
    return registry_run(
        r, &(struct sql_call){.text = "SELECT value FROM counter WHERE name = 'wrong codes'",
                              .each = registry_take_number,
                              .ctx = out});
}
