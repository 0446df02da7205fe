/* The fleet's registry: who belongs to it, and what happened to whom.
 *
 * In a file (SQLite), or on a server that speaks PostgreSQL's protocol, where several gateways
 * share it.  All calls wait for the database, SQL_PATIENCE_MS at most for each statement:
 * never call them on the packet loop.  A handle belongs to one thread at a time; threads and
 * processes open one each.
 *
 * Whatever changes gets a number in the log of changes (registry_change.h), by which gateways
 * notice it within a second, whoever made it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_H
#define FLEET_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kit/problem.h"

enum { REGISTRY_SCHEMA = 1 };

/* How a call ended; registry_why has it in words for people. */
enum registry_err {
    REGISTRY_OK,
    REGISTRY_NONE,    /* there is no such thing */
    REGISTRY_EXISTS,  /* there is one already */
    REGISTRY_BAD,     /* what was given is not acceptable */
    REGISTRY_AWAY,    /* the database cannot be reached, or written, for now; try again */
    REGISTRY_FULL,    /* its disk is full; nothing has changed */
    REGISTRY_NEWER,   /* it was made by a newer version; it is left alone */
    REGISTRY_DAMAGED, /* the file is broken; restore a backup */
    REGISTRY_FAILED,  /* the database says no for another reason */
    /* of codes and tokens */
    REGISTRY_WRONG,   /* nobody has given out such a one */
    REGISTRY_USED,    /* it has been used */
    REGISTRY_EXPIRED, /* its end has passed */
    REGISTRY_OTHER,   /* it is for another device */
    REGISTRY_SLOW,    /* too many wrong ones from there: not even looked at */
};
const char *registry_err_name(enum registry_err err); /* "exists", for JSON */

struct registry;

struct registry_config {
    const char *uri;         /* a path, or postgresql://... */
    const char *gateway;     /* who writes, for events and presence; NULL: this host's name */
    int64_t (*now_ms)(void); /* civil time; NULL: the system's */
};

/* Opens it, and makes or upgrades its tables.  NULL: *err and *why tell. */
struct registry *registry_open(const struct registry_config *c, enum registry_err *err,
                               struct problem *why);
void registry_close(struct registry *r); /* NULL is fine */
const char *registry_why(const struct registry *r);
enum registry_err registry_last(const struct registry *r); /* what registry_why is about */
const char *registry_name(const struct registry *r);       /* its URI without a password */
int64_t registry_now_ms(const struct registry *r);

/* A server that was away: connects anew where that is needed.  Calls after REGISTRY_AWAY do
 * this by themselves. */
enum registry_err registry_reach(struct registry *r);

/* All that is done by work or nothing: its calls share one transaction.  work may run more
 * than once, when another writer was quicker; it returns what it failed with, or REGISTRY_OK.
 */
typedef enum registry_err registry_work(struct registry *r, void *ctx);
enum registry_err registry_together(struct registry *r, registry_work *work, void *ctx);

/* ---- texts by name ---------------------------------------------------------- */

/* Anything that the fleet has once: its name, the gateway's address.  At most 4 KiB.
 * REGISTRY_NONE: never set. */
enum registry_err registry_setting_get(struct registry *r, const char *name, char *out,
                                       size_t n);
enum registry_err registry_setting_put(struct registry *r, const char *name, const char *value);
/* The next of the numbers of that name, from 1: serial numbers.  Never the same twice. */
enum registry_err registry_number(struct registry *r, const char *name, int64_t *out);

#endif
