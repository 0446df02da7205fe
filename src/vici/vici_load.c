/* Connections and address pools that clients bring.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text/text.h"
#include "vici/inside.h"

enum { LEASES_MAX = 4000 }; /* in one answer, which must fit one packet */

/* load-* messages hold sections, each named like what it defines. */
static void load_sections(struct vici_client *c, const struct node *req,
                          bool (*load)(struct vici *v, const struct node *s,
                                       struct problems *found))
{
    struct problems found = {0};
    struct problem why;

    for (const struct node *s = req->first; s != NULL; s = s->next) {
        if (s->kind == NODE_SECTION) {
            (void)load(c->v, s, &found);
            continue;
        }
        problem_set(&why, "'%s' is not a section", s->name);
        problems_error(&found, &why);
    }
    vici_answer_found(c, &found);
    problems_free(&found);
}

static bool load_conn(struct vici *v, const struct node *s, struct problems *found)
{
    struct conn *conn = conn_build(s, daemon_creds(v->d), NULL, found);
    struct problem why = {0};

    if (conn != NULL && !conn_check(conn, s, daemon_creds(v->d), found)) {
        conn_free(conn);
        return false;
    }
    return conn != NULL && (daemon_add_conn(v->d, conn, &why) || problems_error(found, &why));
}

void vici_cmd_load_conn(struct vici_client *c, const struct node *req)
{
    load_sections(c, req, load_conn);
}

void vici_cmd_unload_conn(struct vici_client *c, const struct node *req)
{
    const char *name = vici_arg(req, "name");

    if (name == NULL)
        vici_answer_error(c, "unload: missing connection name");
    else if (!daemon_remove_conn(c->v->d, name))
        vici_answer_error(c, "unload: connection '%s' not found", name);
    else
        vici_answer_ok(c);
}

/* ---- policies -------------------------------------------------------------------- */

static void change_policy(struct vici_client *c, const struct node *req,
                          bool (*change)(struct daemon *d, const char *conn, const char *child,
                                         struct problem *why))
{
    const char *child = vici_arg(req, "child");
    struct problem why = {0};

    if (child == NULL)
        vici_answer_error(c, "missing configuration name");
    else if (!change(c->v->d, vici_arg(req, "ike"), child, &why))
        vici_answer_error(c, "%s", why.text);
    else
        vici_answer_ok(c);
}

void vici_cmd_install(struct vici_client *c, const struct node *req)
{
    change_policy(c, req, daemon_install);
}

void vici_cmd_uninstall(struct vici_client *c, const struct node *req)
{
    change_policy(c, req, daemon_uninstall);
}

/* ---- pools ---------------------------------------------------------------------- */

static bool load_pool(struct vici *v, const struct node *s, struct problems *found)
{
    if (!conf_load_pool(daemon_pools(v->d), s, found))
        return false;
    vici_keep(&v->pools, s->name, NULL);
    return true;
}

void vici_cmd_load_pool(struct vici_client *c, const struct node *req)
{
    load_sections(c, req, load_pool);
}

void vici_cmd_unload_pool(struct vici_client *c, const struct node *req)
{
    const char *name = vici_arg(req, "name");
    struct problem why = {0};

    if (name == NULL) {
        vici_answer_error(c, "missing pool name");
    } else if (!pools_has(daemon_pools(c->v->d), name)) {
        vici_answer_error(c, "pool '%s' not found", name);
    } else if (vici_find_kept(c->v->pools, name) == NULL) {
        vici_answer_error(c, "pool '%s' belongs to the daemon's own configuration file", name);
    } else if (!pools_unload(daemon_pools(c->v->d), name, &why)) {
        vici_answer_error(c, "%s", why.text);
    } else {
        vici_unkeep(&c->v->pools, name);
        vici_answer_ok(c);
    }
}

static void put_leases(struct node *parent, const struct pools *pools, const char *name,
                       unsigned *left)
{
    struct node *leases = tree_add_section(parent, "leases"), *s;
    struct lease_view lease;
    char title[16], text[1024];
    unsigned n = 0;

    for (unsigned at = 0; pools_next_lease(pools, name, &at, &lease); n++) {
        if (*left == 0)
            continue;
        --*left;
        snprintf(title, sizeof(title), "%u", n);
        s = tree_add_section(leases, title);
        addr_format(text, sizeof(text), &lease.addr);
        tree_add_value(s, "address", text);
        id_format(text, sizeof(text), &lease.who);
        tree_add_value(s, "identity", text);
        tree_add_value(s, "status", lease.online ? "online" : "offline");
    }
}

void vici_cmd_get_pools(struct vici_client *c, const struct node *req)
{
    const struct pools *pools = daemon_pools(c->v->d);
    const char *only = vici_arg(req, "name");
    struct node *message = tree_new(), *s;
    unsigned left = LEASES_MAX;
    struct pool_view pool;
    char base[64];

    for (unsigned at = 0; pools_next(pools, &at, &pool);) {
        if (only != NULL && strcmp(only, pool.name) != 0)
            continue;
        s = tree_add_section(message, pool.name);
        addr_format(base, sizeof(base), &pool.base);
        tree_add_value(s, "base", base);
        tree_add_valuef(s, "size", "%" PRIu64, pool.size);
        tree_add_valuef(s, "online", "%" PRIu64, pool.online);
        tree_add_valuef(s, "offline", "%" PRIu64, pool.offline);
        if (vici_arg_yes(req, "leases"))
            put_leases(s, pools, pool.name, &left);
    }
    vici_answer(c, message);
}
