/* What the files of the registry share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_INSIDE_H
#define FLEET_REGISTRY_INSIDE_H

#include "fleet/registry.h"
#include "fleet/registry_device.h"
#include "fleet/sql.h"

struct registry {
    struct sql *db; /* NULL: to be connected */
    char *uri, *name, *gateway;
    int64_t (*now_ms)(void);
    unsigned depth; /* transactions that are open, one in another */
    bool again;     /* the open one is to be made anew */
    bool lost;      /* the connection is */
    struct problem why;
    enum registry_err last; /* that why is about */
    struct {
        bool counts; /* a wrong code, to be counted once the transaction has ended */
        char from[64];
        int64_t wait_s;
    } guess;
};

/* Makes the tables, or brings them up to date. */
enum registry_err registry_prepare(struct registry *r);
/* The tables, in the order in which they can be filled; NULL ends them. */
extern const char *const registry_tables[];

/* One statement.  Outside a transaction it connects and tries again as registry_together. */
enum registry_err registry_run(struct registry *r, const struct sql_call *call);
/* The same without rows, from values; literals only. */
#define REGISTRY_DO(r, sql, ...)                                                               \
    registry_run(r, &(struct sql_call){.text = (sql),                                          \
                                       .v = (const struct sql_value[]){__VA_ARGS__},           \
                                       .n = sizeof((const struct sql_value[]){__VA_ARGS__}) /  \
                                            sizeof(struct sql_value)})

/* Statements without values, BIGKEY put in, within a transaction. */
enum registry_err registry_script(struct registry *r, const char *text);
/* The last of the next n numbers of that name.  Within a transaction nobody else gets numbers
 * of this name until it ends. */
enum registry_err registry_take_numbers(struct registry *r, const char *name, int64_t n,
                                        int64_t *last);
/* Writes down a change.  First of all in a transaction that changes anything: whoever has the
 * number is the only one who writes. */
enum registry_err registry_change_add(struct registry *r, const char *what, int64_t device,
                                      const char *name);

/* Columns of a device, and the joining of its presence, for statements that read one. */
#define REGISTRY_DEVICE_COLUMNS                                                                \
    "SELECT d.id, d.name, d.identity, d.tenant, d.profile, d.state, d.credential, "            \
    "d.credential_end, d.address, d.address6, d.hardware, d.tags, d.notes, d.created, "        \
    "d.changed, p.online, p.gateway, p.endpoint, p.address, p.since, p.seen, p.rx, p.tx, "     \
    "p.rx_packets, p.tx_packets, p.drops "
#define REGISTRY_DEVICE_FROM " FROM device d LEFT JOIN presence p ON p.device = d.id"
void registry_take_device(struct device *out, const struct sql_row *row);

enum registry_err registry_say(struct registry *r, enum registry_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int64_t registry_now_s(const struct registry *r);

/* Is text a name: letters, digits, '.', '_', '-', from 1 to 63? */
bool registry_is_name(const char *text);
/* Is it free of control characters, and UTF-8? */
bool registry_is_plain(const char *text);
/* Copies a column into a member; what does not fit is cut. */
void registry_copy(char *out, size_t n, const struct sql_row *row, unsigned column);
#define REGISTRY_COPY(member, row, column) registry_copy(member, sizeof(member), row, column)
void registry_take_number(void *ctx, const struct sql_row *row); /* an int64_t from column 0 */

/* The SHA-256 of a text, in hex. */
void registry_hash(const char *text, char out[65]);
/* So many random characters of base32, and a NUL. */
bool registry_secret(char *out, size_t n);

/* "%text%" for LIKE, its own signs escaped by '\'. */
void registry_like(const char *text, bool anywhere, char *out, size_t n);

/* A statement that is put together of pieces and values. */
struct registry_query {
    char text[2048];
    size_t at;
    struct sql_value v[SQL_VALUES_MAX];
    unsigned n;
    bool narrowed; /* a condition is there */
};
/* Adds words as they are. */
void query_put(struct registry_query *q, const char *words);
/* Adds a value: its number stands where words have '?'. */
void query_value(struct registry_query *q, const char *words, struct sql_value value);
/* The same as one more condition. */
void query_where(struct registry_query *q, const char *words, struct sql_value value);

#endif
