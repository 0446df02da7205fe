/* culvert up and down: what a name means, and the commands it takes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* A connection, a child of one, or both names. */
struct target {
    char conn[256], child[256]; /* child empty: all, or the IKE SA itself */
};

static void print_log(void *ctx, const struct node *message)
{
    (void)ctx;
    fputs("  ", stdout);
    text_print(tree_get(message, "msg", ""));
    putchar('\n');
    fflush(stdout);
}

static struct node *call(const struct cli *cli, struct vici_link *l, const char *command,
                         struct node *request, struct problem *why)
{
    static const struct vici_hearer hear = {"control-log", print_log, NULL};

    tree_add_valuef(request, "timeout", "%u", cli->timeout_s * 1000);
    tree_add_value(request, "loglevel", "1");
    return vici_call(l, command, request, &hear, why);
}

/* ---- names ------------------------------------------------------------------------- */

static bool split(struct target *out, const char *name)
{
    const char *slash = strchr(name, '/');
    size_t n = slash != NULL ? (size_t)(slash - name) : strlen(name);

    *out = (struct target){.conn = ""};
    if (n >= sizeof(out->conn) || (slash != NULL && strlen(slash + 1) >= sizeof(out->child)))
        return false;
    memcpy(out->conn, name, n);
    if (slash != NULL)
        strcpy(out->child, slash + 1);
    return true;
}

static const struct node *child_of(const struct node *conn, const char *name)
{
    const struct node *children = tree_find(conn, "children");

    return children != NULL ? tree_find(children, name) : NULL;
}

/* A connection of that name wins over a child of that name; a child that several connections
 * have is not guessed. */
static bool find_target(struct target *out, const struct state *s, const char *name,
                        struct problem *why)
{
    const struct node *conn, *found = NULL;

    if (!split(out, name))
        return problem_set(why, "the name is too long");
    conn = tree_find(s->conns, out->conn);
    if (conn != NULL && (out->child[0] == '\0' || child_of(conn, out->child) != NULL))
        return true;
    if (out->child[0] != '\0')
        return problem_set(why, "no connection '%s' with a child '%s'", out->conn, out->child);
    for (conn = s->conns->first; conn != NULL; conn = conn->next) {
        if (child_of(conn, name) == NULL)
            continue;
        if (found != NULL)
            return problem_set(why, "'%s' is a child of %s and of %s: say which, as %s/%s",
                               name, found->name, conn->name, found->name, name);
        found = conn;
    }
    if (found == NULL)
        return problem_set(why, "no connection and no child is named '%s'", name);
    strcpy(out->child, out->conn);
    snprintf(out->conn, sizeof(out->conn), "%s", found->name);
    return true;
}

/* ---- up ------------------------------------------------------------------------------ */

static bool start(const struct cli *cli, struct vici_link *l, const char *conn,
                  const char *child)
{
    struct node *request = tree_new(), *answer;
    struct problem why = {0};

    tree_add_value(request, "ike", conn);
    if (child != NULL)
        tree_add_value(request, "child", child);
    answer = call(cli, l, "initiate", request, &why);
    tree_free(request);
    if (answer == NULL) {
        cli_fail("%s%s%s: %s", conn, child != NULL ? "/" : "", child != NULL ? child : "",
                 why.text);
        return false;
    }
    tree_free(answer);
    printf("%s%s%s is up\n", conn, child != NULL ? "/" : "", child != NULL ? child : "");
    return true;
}

static bool start_all(const struct cli *cli, struct vici_link *l, const struct node *conn)
{
    const struct node *children = tree_find(conn, "children");
    bool good = true;

    if (children == NULL || children->first == NULL)
        return start(cli, l, conn->name, NULL);
    for (const struct node *c = children->first; c != NULL; c = c->next)
        good = start(cli, l, conn->name, c->name) && good;
    return good;
}

enum cli_exit cli_up(const struct cli *cli)
{
    enum cli_exit code;
    struct vici_link *l = cli_connect(cli, &code);
    struct problem why = {0};
    struct target t;
    struct state s;

    if (l == NULL)
        return code;
    if (!state_read(&s, l, &why)) {
        vici_close(l);
        return cli_fail("%s", why.text);
    }
    if (!find_target(&t, &s, cli->name, &why))
        code = cli_fail("%s", why.text);
    else if (t.child[0] != '\0')
        code = start(cli, l, t.conn, t.child) ? CLI_OK : CLI_FAILED;
    else
        code = start_all(cli, l, tree_find(s.conns, t.conn)) ? CLI_OK : CLI_FAILED;
    state_free(&s);
    vici_close(l);
    return code;
}

/* ---- down ----------------------------------------------------------------------------- */

static bool has_child_number(const struct state *s, const char *id)
{
    for (const struct node *e = s->sas->first; e != NULL; e = e->next) {
        const struct node *children = tree_find(state_sa(e), "child-sas");

        for (const struct node *c = children != NULL ? children->first : NULL; c != NULL;
             c = c->next)
            if (strcmp(tree_get(c, "uniqueid", ""), id) == 0)
                return true;
    }
    return false;
}

/* "#7", or "ike#7" and "child#7" where both exist. */
static bool ask_by_number(struct node *request, const struct state *s, const char *name,
                          struct problem *why)
{
    const char *id = strchr(name, '#') + 1;
    bool may_be_ike = strncmp(name, "child", 5) != 0 && tree_find(s->sas, id) != NULL;
    bool may_be_child = strncmp(name, "ike", 3) != 0 && has_child_number(s, id);

    if (may_be_ike && may_be_child)
        return problem_set(why, "#%s is an IKE SA and a Child SA: say ike#%s or child#%s", id,
                           id, id);
    if (!may_be_ike && !may_be_child)
        return problem_set(why, "no SA has the number %s", id);
    tree_add_value(request, may_be_ike ? "ike-id" : "child-id", id);
    return true;
}

static bool is_numbered(const char *name)
{
    const char *hash = strchr(name, '#');
    size_t n = hash != NULL ? (size_t)(hash - name) : 0;

    return hash != NULL && (n == 0 || (n == 3 && strncmp(name, "ike", n) == 0) ||
                            (n == 5 && strncmp(name, "child", n) == 0));
}

static bool has_sa(const struct state *s, const char *conn)
{
    for (const struct node *e = s->sas->first; e != NULL; e = e->next)
        if (strcmp(state_sa(e)->name, conn) == 0)
            return true;
    return false;
}

/* Tunnels may outlive their connection's configuration. */
static bool ask_by_name(struct node *request, const struct state *s, const char *name,
                        struct problem *why)
{
    struct target t;

    if (has_sa(s, name) && split(&t, name))
        t.child[0] = '\0';
    else if (!find_target(&t, s, name, why))
        return false;
    tree_add_value(request, "ike", t.conn);
    if (t.child[0] != '\0')
        tree_add_value(request, "child", t.child);
    return true;
}

/* Going down twice is going down once. */
static bool is_down(const struct state *s, const struct node *request)
{
    const char *conn = tree_get(request, "ike", NULL);
    const char *child = tree_get(request, "child", NULL);

    if (conn == NULL)
        return false; /* asked by number: it is there */
    return child != NULL ? !state_child_is_up(s, conn, child) : !has_sa(s, conn);
}

static enum cli_exit stop(const struct cli *cli, struct vici_link *l, struct node *request)
{
    struct problem why = {0};
    struct node *answer;

    if (cli->force)
        tree_add_value(request, "force", "yes");
    answer = call(cli, l, "terminate", request, &why);
    if (answer == NULL)
        return cli_fail("%s: %s", cli->name, why.text);
    printf("%s is down: %s ended\n", cli->name, tree_get(answer, "terminated", "?"));
    tree_free(answer);
    return CLI_OK;
}

/* Nothing is up, but the next attempt may be due: that is not made. */
static enum cli_exit call_off(const struct cli *cli, struct vici_link *l, struct node *request)
{
    struct problem why = {0};
    struct node *answer = call(cli, l, "terminate", request, &why);

    if (answer == NULL || tree_get(answer, "called-off", NULL) == NULL)
        printf("%s is down already\n", cli->name);
    else
        printf("%s is down: no further attempt is made\n", cli->name);
    tree_free(answer);
    return CLI_OK;
}

enum cli_exit cli_down(const struct cli *cli)
{
    enum cli_exit code;
    struct vici_link *l = cli_connect(cli, &code);
    struct problem why = {0};
    struct node *request;
    struct state s;
    bool found;

    if (l == NULL)
        return code;
    if (!state_read(&s, l, &why)) {
        vici_close(l);
        return cli_fail("%s", why.text);
    }
    request = tree_new();
    found = is_numbered(cli->name) ? ask_by_number(request, &s, cli->name, &why)
                                   : ask_by_name(request, &s, cli->name, &why);
    if (!found)
        code = cli_fail("%s", why.text);
    else if (is_down(&s, request))
        code = call_off(cli, l, request);
    else
        code = stop(cli, l, request);
    tree_free(request);
    state_free(&s);
    vici_close(l);
    return code;
}
