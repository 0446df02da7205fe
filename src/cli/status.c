/* culvert status: a line for each peer; with -v a page for each, with --json all of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/peer_table.h"

/* ---- collecting ------------------------------------------------------------------- */

/* Events hold one section each.  SAs may share their connection's name, so those are filed
 * under a number. */
static void add_conn(void *ctx, const struct node *message)
{
    tree_inherit(ctx, message);
}

static const struct node *first_child(const struct node *section, const char *name)
{
    const struct node *s = tree_find(section, name);

    return s != NULL ? s->first : NULL;
}

static struct node *child_key(struct node *up, const char *conn, const char *child)
{
    struct node *of = tree_find(up, conn);

    return of != NULL ? tree_find(of, child) : NULL;
}

/* Children that are installed, by connection and name: a section in a section. */
static void note_children(struct node *up, const struct node *sa)
{
    for (const struct node *c = first_child(sa, "child-sas"); c != NULL; c = c->next) {
        const char *name = tree_get(c, "name", ""), *state = tree_get(c, "state", "");

        if (strcmp(state, "INSTALLED") != 0 && strcmp(state, "REKEYING") != 0)
            continue;
        if (tree_find(up, sa->name) == NULL)
            tree_add_section(up, sa->name);
        if (child_key(up, sa->name, name) == NULL)
            tree_add_section(tree_find(up, sa->name), name);
    }
}

static void add_sa(void *ctx, const struct node *message)
{
    struct state *s = ctx;
    const char *id;

    if (message->first == NULL)
        return;
    id = tree_get(message->first, "uniqueid", "");
    if (tree_find(s->sas, id) != NULL)
        return;
    tree_inherit(tree_add_section(s->sas, id), message);
    note_children(s->up, message->first);
}

static bool call(struct vici_link *l, const char *command, const char *event,
                 void (*each)(void *, const struct node *), void *into, struct problem *why)
{
    struct vici_hearer hear = {.event = event, .each = each, .ctx = into};
    struct node *answer = vici_call(l, command, NULL, &hear, why);

    tree_free(answer);
    return answer != NULL;
}

static bool read_daemon(struct state *s, struct vici_link *l, struct problem *why)
{
    s->version = vici_call(l, "version", NULL, NULL, why);
    if (s->version != NULL)
        s->stats = vici_call(l, "stats", NULL, NULL, why);
    return s->stats != NULL;
}

bool state_read(struct state *s, struct vici_link *l, struct problem *why)
{
    *s = (struct state){.conns = tree_new(), .sas = tree_new(), .up = tree_new()};
    if (read_daemon(s, l, why) && call(l, "list-conns", "list-conn", add_conn, s->conns, why) &&
        call(l, "list-sas", "list-sa", add_sa, s, why))
        return true;
    state_free(s);
    return false;
}

void state_free(struct state *s)
{
    tree_free(s->version);
    tree_free(s->stats);
    tree_free(s->conns);
    tree_free(s->sas);
    tree_free(s->up);
    *s = (struct state){0};
}

bool state_child_is_up(const struct state *s, const char *conn, const char *child)
{
    return child_key(s->up, conn, child) != NULL;
}

/* Is name the connection's, one of its children's, or CONNECTION/CHILD?  NULL is any. */
static bool conn_is_named(const struct node *conn, const char *name)
{
    const char *slash = name != NULL ? strchr(name, '/') : NULL;
    const size_t n = strlen(conn->name);
    const struct node *children = tree_find(conn, "children");

    if (name == NULL || strcmp(conn->name, name) == 0)
        return true;
    if (slash != NULL && (size_t)(slash - name) == n && strncmp(conn->name, name, n) == 0)
        name = slash + 1;
    return children != NULL && tree_find(children, name) != NULL;
}

/* ---- peers ------------------------------------------------------------------------- */

/* Peers as they come: kept for the table, or printed at once. */
struct gather {
    const struct cli *cli;
    struct peer_filter filter;
    struct peers peers;
    struct node *conns; /* the connections that have an SA */
    struct node *ids;   /* the identities that are up */
    bool knows_name;    /* the operand is something */
    int64_t now_s;
};

static void note(struct node *set, const char *name)
{
    if (tree_find(set, name) == NULL)
        tree_add_section(set, name);
}

static void take(struct gather *g, struct peer *p)
{
    if (!peer_passes(p, &g->filter)) {
        peer_clear(p);
    } else if (g->cli->json_lines) {
        peer_print_json(p, g->now_s);
        peer_clear(p);
    } else {
        peers_add(&g->peers, p);
    }
}

static void take_sa(void *ctx, const struct node *message)
{
    const struct peer_filter named = {.name = ((struct gather *)ctx)->filter.name};
    struct gather *g = ctx;
    struct peer p;

    if (message->first == NULL || !peer_of_sa(&p, message->first))
        return;
    note(g->conns, p.name);
    if (p.up && p.identity[0] != '\0')
        note(g->ids, p.identity);
    g->knows_name = g->knows_name || peer_passes(&p, &named);
    take(g, &p);
}

/* A connection without an SA, if it is one particular peer's. */
static void take_conn(void *ctx, const struct node *message)
{
    struct gather *g = ctx;
    const struct node *conn = message->first;
    struct peer p;

    if (conn == NULL)
        return;
    g->knows_name = g->knows_name || conn_is_named(conn, g->filter.name);
    if (tree_find(g->conns, conn->name) == NULL && peer_of_conn(&p, conn))
        take(g, &p);
}

/* Devices that have an address and are not here: who asks what is down asks for them. */
static bool take_away(struct gather *g, struct vici_link *l, struct problem *why)
{
    struct node *request = tree_new(), *pools;
    struct peer p;

    tree_add_value(request, "leases", "yes");
    pools = vici_call(l, "get-pools", request, NULL, why);
    tree_free(request);
    for (const struct node *pool = pools != NULL ? pools->first : NULL; pool != NULL;
         pool = pool->next)
        for (const struct node *e = first_child(pool, "leases"); e != NULL; e = e->next)
            if (strcmp(tree_get(e, "status", ""), "offline") == 0 &&
                tree_find(g->ids, tree_get(e, "identity", "")) == NULL) {
                peer_of_lease(&p, pool->name, e);
                take(g, &p);
            }
    tree_free(pools);
    return pools != NULL;
}

static bool gather(struct gather *g, struct vici_link *l, struct problem *why)
{
    return call(l, "list-sas", "list-sa", take_sa, g, why) &&
           call(l, "list-conns", "list-conn", take_conn, g, why) &&
           (!g->filter.down || g->filter.name != NULL || take_away(g, l, why));
}

static enum cli_exit no_such_name(const char *name)
{
    return cli_fail("no connection and no child is named '%s'", name);
}

static enum cli_exit print_table(struct gather *g, struct vici_link *l, struct problem *why)
{
    struct state s = {0};
    bool good = read_daemon(&s, l, why);

    if (good) {
        status_print_daemon(&s);
        putchar('\n');
        (void)peers_sort(&g->peers, g->cli->sort);
        table_print(&g->peers);
        if (g->peers.n == 0)
            puts(g->filter.down ? "Nobody is down." : "No such peers.");
    }
    state_free(&s);
    return good ? CLI_OK : cli_fail("%s", why->text);
}

static enum cli_exit show_peers(const struct cli *cli, struct vici_link *l)
{
    struct gather g = {
        .cli = cli,
        .filter = {cli->name, cli->peer, cli->down},
        .conns = tree_new(),
        .ids = tree_new(),
        .knows_name = cli->name == NULL,
        .now_s = (int64_t)time(NULL)
    };
    struct problem why = {0};
    enum cli_exit code = CLI_OK;

    if (!gather(&g, l, &why))
        code = cli_fail("%s", why.text);
    else if (!g.knows_name)
        code = no_such_name(cli->name);
    else if (!cli->json_lines)
        code = print_table(&g, l, &why);
    peers_free(&g.peers);
    tree_free(g.conns);
    tree_free(g.ids);
    return code;
}

/* ---- pages ------------------------------------------------------------------------- */

bool conn_passes(const struct state *s, const struct node *conn, const struct peer_filter *f)
{
    const struct peer_filter match = {.match = f->match};
    struct peer p;
    bool passes;

    if (!conn_is_named(conn, f->name) || (f->down && tree_find(s->up, conn->name) != NULL))
        return false;
    if (f->match == NULL && !f->down)
        return true;
    if (!peer_of_conn(&p, conn))
        return false;
    passes = peer_passes(&p, &match);
    peer_clear(&p);
    return passes;
}

bool sa_passes(const struct node *sa, const struct peer_filter *f)
{
    struct peer p;
    bool passes;

    if (!peer_of_sa(&p, sa)) /* replaced, lingering */
        return f->match == NULL && !f->down &&
               (f->name == NULL || strcmp(sa->name, f->name) == 0);
    passes = peer_passes(&p, f);
    peer_clear(&p);
    return passes;
}

static bool knows(const struct state *s, const char *name)
{
    const struct peer_filter named = {.name = name};

    for (const struct node *c = s->conns->first; c != NULL; c = c->next)
        if (conn_is_named(c, name))
            return true;
    for (const struct node *e = s->sas->first; e != NULL; e = e->next)
        if (sa_passes(state_sa(e), &named))
            return true;
    return false;
}

static enum cli_exit show_pages(const struct cli *cli, struct vici_link *l)
{
    const struct peer_filter filter = {cli->name, cli->peer, cli->down};
    struct problem why = {0};
    enum cli_exit code = CLI_OK;
    struct state s;

    if (!state_read(&s, l, &why))
        return cli_fail("%s", why.text);
    if (cli->name != NULL && !knows(&s, cli->name))
        code = no_such_name(cli->name);
    else if (cli->json)
        status_print_json(&s, &filter);
    else
        status_print_pages(&s, &filter);
    state_free(&s);
    return code;
}

/* ---- the command ------------------------------------------------------------------- */

static enum cli_exit show(const struct cli *cli)
{
    enum cli_exit code;
    struct vici_link *l = cli_connect(cli, &code);

    if (l == NULL)
        return code;
    code = (cli->json && !cli->json_lines) || cli->verbose ? show_pages(cli, l)
                                                           : show_peers(cli, l);
    vici_close(l);
    return code;
}

/* Again and again; a daemon that is away may come back. */
static enum cli_exit watch(const struct cli *cli)
{
    const bool terminal = isatty(STDOUT_FILENO);

    for (;;) {
        if (terminal)
            fputs("\x1b[H\x1b[J", stdout);
        if (show(cli) == CLI_USAGE)
            return CLI_USAGE;
        if (!cli->json_lines && !terminal)
            putchar('\n');
        if (fflush(stdout) != 0)
            return CLI_FAILED;
        sleep(cli->watch_s);
    }
}

enum cli_exit cli_status(const struct cli *cli)
{
    struct peers none = {0};

    if (!peers_sort(&none, cli->sort)) {
        cli_fail("--sort takes %s, not %s", peer_sort_names, cli->sort);
        return CLI_USAGE;
    }
    return cli->watch_s > 0 ? watch(cli) : show(cli);
}
