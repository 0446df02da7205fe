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
