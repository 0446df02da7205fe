/* culvert status --json: the same keys as VICI's, in one object.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/cli.h"
#include "kit/json.h"

/* Members but those two sections, which are printed in another form. */
static void print_members(struct json *j, const struct node *section)
{
    for (const struct node *n = section->first; n != NULL; n = n->next) {
        if (strcmp(n->name, "child-sas") == 0 || strcmp(n->name, "children") == 0)
            continue;
        if (n->kind == NODE_VALUE) {
            json_node(j, n);
            continue;
        }
        if (n->kind == NODE_LIST)
            json_array(j, n->name);
        else
            json_object(j, n->name);
        json_members(j, n);
        if (n->kind == NODE_LIST)
            json_end_array(j);
        else
            json_end_object(j);
    }
}

static void print_conn(struct json *j, const struct state *s, const struct node *conn)
{
    const struct node *children = tree_find(conn, "children");

    json_object(j, NULL);
    json_text(j, "name", conn->name);
    print_members(j, conn);
    json_array(j, "children");
    for (const struct node *c = children != NULL ? children->first : NULL; c != NULL;
         c = c->next) {
        json_object(j, NULL);
        json_text(j, "name", c->name);
        json_bool(j, "up", state_child_is_up(s, conn->name, c->name));
        json_members(j, c);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

static void print_sa(struct json *j, const struct node *sa)
{
    const struct node *children = tree_find(sa, "child-sas");

    json_object(j, NULL);
    json_text(j, "connection", sa->name);
    print_members(j, sa);
    json_array(j, "child-sas");
    for (const struct node *c = children != NULL ? children->first : NULL; c != NULL;
         c = c->next) {
        json_object(j, NULL);
        json_members(j, c);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

static void print_section(struct json *j, const struct node *section, const char *name)
{
    json_object(j, name);
    if (section != NULL)
        json_members(j, section);
    json_end_object(j);
}

void status_print_json(const struct state *s, const char *only)
{
    struct json j = {.out = stdout};

    json_object(&j, NULL);
    print_section(&j, s->version, "daemon");
    print_section(&j, tree_find(s->stats, "uptime"), "uptime");
    print_section(&j, tree_find(s->stats, "ikesas"), "ikesas");
    print_section(&j, tree_find(s->stats, "errors"), "errors");
    json_array(&j, "connections");
    for (const struct node *c = s->conns->first; c != NULL; c = c->next)
        if (only == NULL || strcmp(only, c->name) == 0)
            print_conn(&j, s, c);
    json_end_array(&j);
    json_array(&j, "sas");
    for (const struct node *e = s->sas->first; e != NULL; e = e->next)
        if (only == NULL || strcmp(only, state_sa(e)->name) == 0)
            print_sa(&j, state_sa(e));
    json_end_array(&j);
    json_end_object(&j);
    json_finish(&j);
}
