/* Owns what a peer is to people: one line out of an IKE SA and its Child SAs, a connection that
 * has none, or a lease whose device is away.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/peers.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "kit/mem.h"

/* ---- text ------------------------------------------------------------------- */

/* "a, b" of a list, which may be missing. */
static char *join(const struct node *list)
{
    size_t n = 1, at = 0;
    char *out;

    for (const struct node *i = list != NULL ? list->first : NULL; i != NULL; i = i->next)
        n += i->value_len + 2;
    out = mem_new(n, 1);
    for (const struct node *i = list != NULL ? list->first : NULL; i != NULL; i = i->next)
        at += (size_t)snprintf(out + at, n - at, "%s%s", at > 0 ? ", " : "", i->value);
    return out;
}

/* The names of a section's children, a newline behind each. */
static char *child_names(const struct node *children)
{
    size_t n = 1, at = 0;
    char *out;

    for (const struct node *c = children != NULL ? children->first : NULL; c != NULL;
         c = c->next)
        n += strlen(tree_get(c, "name", c->name)) + 1;
    out = mem_new(n, 1);
    for (const struct node *c = children != NULL ? children->first : NULL; c != NULL;
         c = c->next)
        at += (size_t)snprintf(out + at, n - at, "%s\n", tree_get(c, "name", c->name));
    return out;
}

/* ---- an IKE SA -------------------------------------------------------------- */

static void add_child(struct peer *p, const struct node *c)
{
    const char *state = tree_get(c, "state", "");

    p->up = p->up || strcmp(state, "INSTALLED") == 0 || strcmp(state, "REKEYING") == 0;
    p->bytes_in += text_number(c, "bytes-in");
    p->bytes_out += text_number(c, "bytes-out");
    if (tree_find(c, "use-in") != NULL && text_number(c, "use-in") < p->seen_s)
        p->seen_s = text_number(c, "use-in");
    for (const struct node *n = c->first; n != NULL; n = n->next)
        if (n->kind == NODE_VALUE && strncmp(n->name, "drops-", 6) == 0)
            p->drops += strtoull(n->value, NULL, 10);
}

static const char *state_of(const struct node *sa, bool has_child)
{
    const char *state = tree_get(sa, "state", "");

    if (strcmp(state, "CONNECTING") == 0)
        return "connecting";
    if (strcmp(state, "DELETING") == 0)
        return "closing";
    return has_child ? "up" : "no child";
}

bool peer_of_sa(struct peer *out, const struct node *sa)
{
    const struct node *children = tree_find(sa, "child-sas");
    const struct node *vips = tree_find(sa, "remote-vips");

    if (strcmp(tree_get(sa, "state", ""), "REKEYED") == 0)
        return false;
    *out = (struct peer){.since_s = PEER_NEVER, .seen_s = PEER_NEVER};
    for (const struct node *c = children != NULL ? children->first : NULL; c != NULL;
         c = c->next)
        add_child(out, c);
    out->state = state_of(sa, out->up);
    out->up = strcmp(out->state, "up") == 0;
    out->name = mem_text(sa->name);
    out->identity = mem_text(tree_get(sa, "remote-id", ""));
    if (strcmp(out->identity, "%any") == 0)
        out->identity[0] = '\0';
    out->address = mem_text(tree_get(sa, "remote-host", ""));
    out->port = text_number(sa, "remote-port");
    out->inner = join(vips != NULL ? vips : tree_find(sa, "local-vips"));
    out->children = child_names(children);
    out->id = text_number(sa, "uniqueid");
    if (tree_find(sa, "established") != NULL)
        out->since_s = text_number(sa, "established");
    return true;
}

/* ---- what is not there ------------------------------------------------------ */

/* Somebody in particular? */
static bool is_known(const char *text)
{
    return text[0] != '\0' && text[0] != '%' && strchr(text, '*') == NULL;
}

static const char *down_state(const struct node *children, bool *policies_only)
{
    const char *state = "down";

    *policies_only = children != NULL && children->first != NULL;
    for (const struct node *c = children != NULL ? children->first : NULL; c != NULL;
         c = c->next) {
        const char *mode = tree_get(c, "mode", ""), *start = tree_get(c, "start_action", "");

        if (strcmp(mode, "PASS") == 0 || strcmp(mode, "DROP") == 0)
            continue;
        *policies_only = false;
        if (strncmp(start, "trap", 4) == 0)
            state = "trap";
    }
    return state;
}

bool peer_of_conn(struct peer *out, const struct node *conn)
{
    const struct node *children = tree_find(conn, "children");
    const struct node *remote = tree_find(conn, "remote-1");
    const char *id = remote != NULL ? tree_get(remote, "id", "") : "";
    char *address = join(tree_find(conn, "remote_addrs"));
    bool policies_only;
    const char *state = down_state(children, &policies_only);

    if (policies_only || (!is_known(id) && !is_known(address))) {
        free(address);
        return false;
    }
    *out = (struct peer){.name = mem_text(conn->name),
                         .identity = mem_text(id),
                         .address = address,
                         .inner = mem_text(""),
                         .children = child_names(children),
                         .state = state,
                         .since_s = PEER_NEVER,
                         .seen_s = PEER_NEVER};
    return true;
}

void peer_of_lease(struct peer *out, const char *pool, const struct node *lease)
{
    *out = (struct peer){.name = mem_text(pool),
                         .identity = mem_text(tree_get(lease, "identity", "")),
                         .address = mem_text(""),
                         .inner = mem_text(tree_get(lease, "address", "")),
                         .children = mem_text(""),
                         .state = "away",
                         .since_s = PEER_NEVER,
                         .seen_s = PEER_NEVER};
}

void peer_clear(struct peer *p)
{
    free(p->name);
    free(p->identity);
    free(p->address);
    free(p->inner);
    free(p->children);
    *p = (struct peer){0};
}

/* ---- what is asked for ------------------------------------------------------ */

static bool has_child(const struct peer *p, const char *name)
{
    const size_t n = strlen(name);

    for (const char *at = p->children; *at != '\0'; at = strchr(at, '\n') + 1)
        if (strncmp(at, name, n) == 0 && at[n] == '\n')
            return true;
    return false;
}

static bool is_named(const struct peer *p, const char *name)
{
    const char *slash = strchr(name, '/');
    const size_t n = strlen(p->name);

    if (strcmp(p->name, name) == 0 || has_child(p, name))
        return true;
    return slash != NULL && (size_t)(slash - name) == n && strncmp(p->name, name, n) == 0 &&
           has_child(p, slash + 1);
}

/* Without '*', part of it is enough; case does not matter. */
static bool matches(const char *text, const char *pattern)
{
    return strchr(pattern, '*') != NULL ? fnmatch(pattern, text, FNM_CASEFOLD) == 0
                                        : strcasestr(text, pattern) != NULL;
}

bool peer_passes(const struct peer *p, const struct peer_filter *f)
{
    if (f->name != NULL && !is_named(p, f->name))
        return false;
    if (f->down && p->up)
        return false;
    return f->match == NULL || matches(p->name, f->match) || matches(p->identity, f->match) ||
           matches(p->address, f->match) || matches(p->inner, f->match);
}

/* ---- many ------------------------------------------------------------------- */

void peers_add(struct peers *p, const struct peer *peer)
{
    p->v = mem_grow(p->v, &p->cap, p->n + 1, sizeof(*p->v));
    p->v[p->n++] = *peer;
}

void peers_free(struct peers *p)
{
    for (size_t i = 0; i < p->n; i++)
        peer_clear(&p->v[i]);
    free(p->v);
    *p = (struct peers){0};
}

typedef int peer_order(const void *, const void *);

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Digits count as numbers: sensor-9 comes before sensor-10, and 10.0.0.9 before 10.0.0.10. */
static int by_text(const char *a, const char *b)
{
    return strverscmp(a, b);
}

static int by_name(const void *a, const void *b)
{
    const struct peer *x = a, *y = b;
    int order = by_text(x->name, y->name);

    if (order == 0)
        order = by_text(x->identity, y->identity);
    return order != 0 ? order : by_number(x->id, y->id);
}

static int by_identity(const void *a, const void *b)
{
    const struct peer *x = a, *y = b;
    int order = by_text(x->identity, y->identity);

    return order != 0 ? order : by_name(a, b);
}

static int by_address(const void *a, const void *b)
{
    const struct peer *x = a, *y = b;
    int order = by_text(x->address, y->address);

    if (order == 0)
        order = by_text(x->inner, y->inner);
    return order != 0 ? order : by_name(a, b);
}

static int by_state(const void *a, const void *b)
{
    const struct peer *x = a, *y = b;
    int order = by_number(x->up, y->up); /* what is wrong comes first */

    if (order == 0)
        order = strcmp(x->state, y->state);
    return order != 0 ? order : by_name(a, b);
}

/* The latest first. */
static int by_since(const void *a, const void *b)
{
    const struct peer *x = a, *y = b;
    int order = by_number(x->since_s, y->since_s);

    return order != 0 ? order : by_name(a, b);
}

static int by_seen(const void *a, const void *b)
{
    const struct peer *x = a, *y = b;
    int order = by_number(x->seen_s, y->seen_s);

    return order != 0 ? order : by_name(a, b);
}

/* The most first. */
static int by_bytes(const void *a, const void *b)
{
    const struct peer *x = a, *y = b;
    int order = by_number(y->bytes_in + y->bytes_out, x->bytes_in + x->bytes_out);

    return order != 0 ? order : by_name(a, b);
}

static int by_drops(const void *a, const void *b)
{
    const struct peer *x = a, *y = b;
    int order = by_number(y->drops, x->drops);

    return order != 0 ? order : by_name(a, b);
}

const char peer_sort_names[] = "name, identity, address, state, since, seen, bytes or drops";

bool peers_sort(struct peers *p, const char *by)
{
    static const struct {
        const char *name;
        peer_order *order;
    } orders[] = {
        {"name",     by_name    },
        {"identity", by_identity},
        {"address",  by_address },
        {"state",    by_state   },
        {"since",    by_since   },
        {"seen",     by_seen    },
        {"bytes",    by_bytes   },
        {"drops",    by_drops   },
    };

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (strcmp(by, orders[i].name) != 0)
            continue;
        if (p->n > 0)
            qsort(p->v, p->n, sizeof(*p->v), orders[i].order);
        return true;
    }
    return false;
}
