/* What an operator asks for, by the names of connections and children.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "daemon/inside.h"

static const struct cv_child_config *find_child(const struct conn *c, const char *name)
{
    for (unsigned i = 0; i < c->cv.n_children; i++)
        if (strcmp(c->cv.children[i]->name, name) == 0)
            return c->cv.children[i];
    return NULL;
}

/* The connection and child that the names mean. */
static struct conn *find_target(struct daemon *d, const char *conn, const char *child,
                                const struct cv_child_config **cfg, struct problem *why)
{
    *cfg = NULL;
    for (struct conn *c = d->conns; c != NULL; c = c->next) {
        if (conn != NULL && strcmp(c->cv.name, conn) != 0)
            continue;
        if (child == NULL)
            return c;
        *cfg = find_child(c, child);
        if (*cfg != NULL)
            return c;
    }
    if (child == NULL)
        problem_set(why, "no connection named %s", conn == NULL ? "(none given)" : conn);
    else if (conn == NULL)
        problem_set(why, "no connection has a child named %s", child);
    else
        problem_set(why, "connection %s has no child named %s", conn, child);
    return NULL;
}

bool daemon_initiate(struct daemon *d, const char *conn, const char *child, uint32_t *ike,
                     const struct cv_child_config **cfg, struct problem *why)
{
    const struct cv_child_config *found;
    struct conn *c;
    enum initiate_result result;

    if (ike != NULL)
        *ike = 0;
    if (conn == NULL && child == NULL)
        return problem_set(why, "neither a connection nor a child is named");
    c = find_target(d, conn, child, &found, why);
    if (c == NULL)
        return false;
    if (cfg != NULL)
        *cfg = found;
    result = initiate(d, c, found, ike, why);
    if (result == INITIATE_WAITS)
        wish_wait(d, c, found);
    daemon_pump(d);
    return result == INITIATE_STARTED || result == INITIATE_WAITS;
}

unsigned daemon_call_off(struct daemon *d, const char *conn, const char *child)
{
    const unsigned n = wish_cancel(d, conn, child);

    if (n > 0)
        daemon_log(d, 1, LOG_MGR, 0, "%s: called off, no further attempt",
                   child != NULL ? child : conn);
    return n;
}

/* ---- policies one by one ---------------------------------------------------- */

/* Which of the connection's shunts that is, or none of them. */
static unsigned shunt_index(const struct conn *c, const struct cv_child_config *child)
{
    unsigned i = 0;

    while (i < c->n_shunts && c->shunts[i] != child)
        i++;
    return i;
}

bool daemon_is_installed(const struct daemon *d, const struct conn *c,
                         const struct cv_child_config *child)
{
    const unsigned i = shunt_index(c, child);

    return i < c->n_shunts ? c->installed[i] : trap_is_set(d, child);
}

static const struct cv_child_config *find_shunt(const struct conn *c, const char *name)
{
    for (unsigned i = 0; i < c->n_shunts; i++)
        if (strcmp(c->shunts[i]->name, name) == 0)
            return c->shunts[i];
    return NULL;
}

/* Of several of that name the first whose state is the one looked for. */
static struct conn *find_policy(struct daemon *d, const char *conn, const char *name,
                                bool installed, const struct cv_child_config **child)
{
    struct conn *any = NULL;

    for (struct conn *c = d->conns; c != NULL; c = c->next) {
        const struct cv_child_config *found = NULL;

        if (conn == NULL || strcmp(c->cv.name, conn) == 0)
            found = find_child(c, name) != NULL ? find_child(c, name) : find_shunt(c, name);
        if (found == NULL)
            continue;
        if (any == NULL || daemon_is_installed(d, c, found) == installed) {
            any = c;
            *child = found;
        }
        if (daemon_is_installed(d, c, found) == installed)
            break;
    }
    return any;
}

bool daemon_install(struct daemon *d, const char *conn, const char *child, struct problem *why)
{
    const struct cv_child_config *cfg = NULL;
    struct conn *c = find_policy(d, conn, child, false, &cfg);
    unsigned i;

    if (c == NULL)
        return problem_set(why, "configuration name not found");
    if (daemon_is_installed(d, c, cfg))
        return true;
    i = shunt_index(c, cfg);
    if (i == c->n_shunts) {
        trap_set(d, c, cfg);
    } else {
        shunts_install(&d->shunts, cfg);
        c->installed[i] = true;
    }
    daemon_log(d, 1, LOG_CFG, 0, "installed the policy %s/%s", c->cv.name, child);
    daemon_pump(d);
    return true;
}

bool daemon_uninstall(struct daemon *d, const char *conn, const char *child,
                      struct problem *why)
{
    const struct cv_child_config *cfg = NULL;
    struct conn *c = find_policy(d, conn, child, true, &cfg);
    unsigned i;

    if (c == NULL || !daemon_is_installed(d, c, cfg))
        return problem_set(why, "policy '%s' not found", child);
    i = shunt_index(c, cfg);
    if (i == c->n_shunts) {
        trap_remove(d, c, cfg);
    } else {
        shunts_uninstall(&d->shunts, cfg);
        c->installed[i] = false;
    }
    daemon_log(d, 1, LOG_CFG, 0, "uninstalled the policy %s/%s", c->cv.name, child);
    daemon_pump(d);
    return true;
}
