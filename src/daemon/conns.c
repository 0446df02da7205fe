/* Owns: the list of connections and those on their way out.
 * Invariant: a connection that the engine may still point to is never freed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "daemon/inside.h"
#include "kit/clock.h"

enum { REAP_EVERY_MS = 1000 };

struct conn *daemon_first_conn(struct daemon *d)
{
    return d->conns;
}

static struct conn **find(struct daemon *d, const char *name)
{
    struct conn **at = &d->conns;

    while (*at != NULL && strcmp((*at)->cv.name, name) != 0)
        at = &(*at)->next;
    return at;
}

static bool same_certs(const struct auth_conf *a, const struct auth_conf *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->n_certs == b->n_certs && a->n_cacerts == b->n_cacerts &&
           a->n_pubkeys == b->n_pubkeys &&
           memcmp(a->pubkeys, b->pubkeys, a->n_pubkeys * sizeof(a->pubkeys[0])) == 0 &&
           memcmp(a->certs, b->certs, a->n_certs * sizeof(a->certs[0])) == 0 &&
           memcmp(a->cacerts, b->cacerts, a->n_cacerts * sizeof(a->cacerts[0])) == 0;
}

/* Written the same way, and the names of certificates still mean the same certificates. */
static bool unchanged(const struct conn *a, const struct conn *b)
{
    return a->source != NULL && b->source != NULL && tree_equal(a->source, b->source) &&
           same_certs(a->cv.local.host, b->cv.local.host) &&
           same_certs(a->cv.remote.host, b->cv.remote.host);
}

static uint32_t reqid_of(const struct conn *c, const char *child)
{
    for (unsigned i = 0; c != NULL && i < c->cv.n_children; i++)
        if (strcmp(c->cv.children[i]->name, child) == 0)
            return c->cv.children[i]->reqid;
    return 0;
}

/* A child keeps its number as long as it is configured, whatever becomes of its SAs. */
static void number_children(struct daemon *d, struct conn *c, const struct conn *old)
{
    for (unsigned i = 0; i < c->cv.n_children; i++) {
        struct cv_child_config *child = (struct cv_child_config *)(uintptr_t)c->cv.children[i];

        if (child->reqid == 0)
            child->reqid = reqid_of(old, child->name);
        if (child->reqid == 0)
            child->reqid = ++d->reqids;
    }
}

/* What holds packets back or lets them pass. */
static void guard(struct daemon *d, struct conn *c)
{
    for (unsigned i = 0; i < c->n_shunts; i++)
        c->installed[i] = c->shunts[i]->start_action != CV_ACTION_NONE;
    shunts_add(&d->shunts, c);
    actions_take(d, c, CV_ACTION_TRAP);
}

static void unguard(struct daemon *d, struct conn *c)
{
    shunts_remove(&d->shunts, c);
    actions_remove(d, c);
}

static void remove_at(struct daemon *d, struct conn **at)
{
    struct conn *c = *at;

    unguard(d, c);
    *at = c->next;
    cv_conn_remove(d->engine, &c->cv);
    c->next = d->retired;
    d->retired = c;
}

bool daemon_add_conn(struct daemon *d, struct conn *c, struct problem *why)
{
    struct conn **at = find(d, c->cv.name);
    enum cv_err err;

    if (*at != NULL && unchanged(*at, c)) {
        conn_free(c);
        return true;
    }
    if (c->cv.admission && !members_need(d, why)) {
        conn_free(c);
        return false;
    }
    number_children(d, c, *at);
    if (*at != NULL) {
        c->stats = (*at)->stats;
        c->zero = (*at)->zero;
    }
    guard(d, c); /* first: packets find no gap between the old one's and these */
    if (*at != NULL) {
        remove_at(d, at);
        daemon_pump(d);
        at = find(d, c->cv.name);
    }
    err = cv_conn_add(d->engine, &c->cv);
    if (err != CV_OK) {
        if (err == CV_ERR_FULL)
            problem_set(why,
                        "connection %s: the table of connections is full, with room for %u "
                        "(culvert.connections)",
                        c->cv.name, d->conf.settings.limits.conns);
        else
            problem_set(why, "connection %s: %s", c->cv.name, cv_err_text(err));
        unguard(d, c);
        conn_free(c);
        return false;
    }
    c->next = NULL;
    while (*at != NULL)
        at = &(*at)->next;
    *at = c;
    daemon_log(d, 1, LOG_CFG, 0, "added connection %s with %u children", c->cv.name,
               c->cv.n_children);
    actions_take(d, c, CV_ACTION_START);
    return true;
}

bool daemon_remove_conn(struct daemon *d, const char *name)
{
    struct conn **at = find(d, name);

    if (*at == NULL)
        return false;
    daemon_log(d, 1, LOG_CFG, 0, "removed connection %s", name);
    remove_at(d, at);
    daemon_pump(d);
    return true;
}

/* Counting users walks the engine's tables, so this is done now and then only. */
void conns_reap(struct daemon *d)
{
    struct conn **at = &d->retired;
    uint64_t now = clock_now_ms();

    if (now - d->reaped_ms < REAP_EVERY_MS)
        return;
    d->reaped_ms = now;
    while (*at != NULL) {
        struct conn *c = *at;

        if (cv_conn_users(d->engine, &c->cv) != 0 || ask_uses(d->ask, &c->cv)) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        conn_free(c);
    }
}

static void free_list(struct conn **list)
{
    while (*list != NULL) {
        struct conn *c = *list;
        *list = c->next;
        conn_free(c);
    }
}

/* Only after the engine is closed. */
void conns_free(struct daemon *d)
{
    free_list(&d->conns);
    free_list(&d->retired);
}
