/* Owns the log of changes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_change.h"

#include "fleet/registry_inside.h"

enum { KEPT_S = 86400, TRIMMED = 5000 };

/* The row of the counter stays locked until the transaction ends: numbers become visible in
 * their order. */
enum registry_err registry_change_add(struct registry *r, const char *what, int64_t device,
                                      const char *name)
{
    int64_t seq = 0;
    enum registry_err err = registry_take_numbers(r, "change", 1, &seq);

    if (err != REGISTRY_OK)
        return err;
    return REGISTRY_DO(r,
                       "INSERT INTO change (seq, at, device, what, name) VALUES ($1, $2, $3, "
                       "$4, $5)",
                       SQL_N(seq), SQL_N(registry_now_s(r)), SQL_N(device), SQL_T(what),
                       SQL_T(name));
}

enum registry_err registry_change_newest(struct registry *r, int64_t *seq)
{
    *seq = 0;
    return registry_run(
        r, &(struct sql_call){.text = "SELECT value FROM counter WHERE name = 'change'",
                              .each = registry_take_number,
                              .ctx = seq});
}

struct telling {
    change_each *each;
    void *ctx;
    int64_t expected; /* numbers have no gaps but where some have been forgotten */
    bool gap;
};

static void tell(void *ctx, const struct sql_row *row)
{
    struct telling *t = ctx;
    struct change c = {
        .seq = sql_number(row, 0), .at_s = sql_number(row, 1), .device = sql_number(row, 2)};

    t->gap = t->gap || c.seq != t->expected;
    t->expected = c.seq + 1;
    REGISTRY_COPY(c.what, row, 3);
    REGISTRY_COPY(c.name, row, 4);
    if (!t->gap)
        t->each(t->ctx, &c);
}

enum registry_err registry_change_list(struct registry *r, int64_t after, unsigned limit,
                                       change_each *each, void *ctx)
{
    struct telling t = {.each = each, .ctx = ctx, .expected = after + 1};
    const struct sql_value v[] = {SQL_N(after), SQL_N(limit)};
    int64_t newest = 0;
    enum registry_err err = registry_change_newest(r, &newest);

    if (err != REGISTRY_OK || newest == after)
        return err;
    if (newest > after)
        err = registry_run(
            r,
            &(struct sql_call){.text = "SELECT seq, at, device, what, name FROM change WHERE "
                                       "seq > $1 ORDER BY seq LIMIT $2",
                               .v = v,
                               .n = 2,
                               .each = tell,
                               .ctx = &t});
    if (err != REGISTRY_OK)
        return err;
    if (t.gap || t.expected == after + 1)
        return registry_say(r, REGISTRY_NONE, "changes behind %lld have been forgotten",
                            (long long)after);
    return REGISTRY_OK;
}

enum registry_err registry_change_trim(struct registry *r)
{
    return REGISTRY_DO(r,
                       "DELETE FROM change WHERE seq IN (SELECT seq FROM change WHERE at < $1 "
                       "ORDER BY seq LIMIT $2)",
                       SQL_N(registry_now_s(r) - KEPT_S), SQL_N(TRIMMED));
}
