/* culvert status --json: the same keys as VICI's, in one object.  VICI tells ages; beside each
 * stands the time of day, since an age is only true when it is told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "kit/json.h"

/* What is told as an age, or as how long it is until then, and the key that says when. */
static const struct {
    const char *key, *at;
    int sign;
} ages[] = {
    {"established",  "established-at", -1},
    {"rekey-time",   "rekey-at",       1 },
    {"reauth-time",  "reauth-at",      1 },
    {"life-time",    "expires-at",     1 },
    {"install-time", "installed-at",   -1},
    {"use-in",       "last-in-at",     -1},
    {"use-out",      "last-out-at",    -1},
};

static void print_times(struct json *j, const struct node *sa)
{
    const int64_t now_s = (int64_t)time(NULL);
    char text[TEXT_TIME];

    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
        if (tree_find(sa, ages[i].key) != NULL)
            json_text(
                j, ages[i].at,
                text_time(text, now_s + ages[i].sign * (int64_t)text_number(sa, ages[i].key)));
}

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
    print_times(j, sa);
    json_array(j, "child-sas");
    for (const struct node *c = children != NULL ? children->first : NULL; c != NULL;
         c = c->next) {
        json_object(j, NULL);
        json_members(j, c);
        print_times(j, c);
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

/* charon's clients know the start as local time in words. */
static void print_uptime(struct json *j, const struct node *uptime)
{
    const char *since = uptime != NULL ? tree_get(uptime, "since", "") : "";
    struct tm tm = {.tm_isdst = -1};
    const char *end = strptime(since, "%b %d %H:%M:%S %Y", &tm);
    char text[TEXT_TIME];
    int64_t start;

    json_object(j, "uptime");
    if (end != NULL && *end == '\0') {
        start = (int64_t)mktime(&tm);
        json_number(j, "seconds", (uint64_t)((int64_t)time(NULL) - start));
        json_text(j, "since", text_time(text, start));
    }
    json_end_object(j);
}

void status_print_json(const struct state *s, const struct peer_filter *f)
{
    struct json j = {.out = stdout};

    json_object(&j, NULL);
    print_section(&j, s->version, "daemon");
    print_uptime(&j, tree_find(s->stats, "uptime"));
    print_section(&j, tree_find(s->stats, "ikesas"), "ikesas");
    print_section(&j, tree_find(s->stats, "errors"), "errors");
    print_section(&j, tree_find(s->stats, "traffic"), "traffic");
    print_section(&j, tree_find(s->stats, "lifetime"), "lifetime");
    json_array(&j, "connections");
    for (const struct node *c = s->conns->first; c != NULL; c = c->next)
        if (conn_passes(s, c, f))
            print_conn(&j, s, c);
    json_end_array(&j);
    json_array(&j, "sas");
    for (const struct node *e = s->sas->first; e != NULL; e = e->next)
        if (sa_passes(state_sa(e), f))
            print_sa(&j, state_sa(e));
    json_end_array(&j);
    json_end_object(&j);
    json_finish(&j);
}
