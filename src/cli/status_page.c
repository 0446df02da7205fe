/* culvert status -v: what is configured, what is up, and how it fares, a page each.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct node *first_child(const struct node *section, const char *name)
{
    const struct node *s = tree_find(section, name);

    return s != NULL ? s->first : NULL;
}

/* "a, b" of a list. */
static void print_list(const struct node *section, const char *name)
{
    for (const struct node *i = first_child(section, name); i != NULL; i = i->next) {
        text_print(i->value);
        fputs(i->next != NULL ? ", " : "", stdout);
    }
}

static void print_selectors(const struct node *child)
{
    print_list(child, "local-ts");
    fputs(" === ", stdout);
    print_list(child, "remote-ts");
}

/* A policy with mode = pass or drop is no Child SA: it holds from the start, or not at all. */
static const char *child_state(const struct state *s, const char *conn,
                               const struct node *child)
{
    const char *mode = tree_get(child, "mode", "");
    const bool pass = strcmp(mode, "PASS") == 0, drop = strcmp(mode, "DROP") == 0;

    if (!pass && !drop)
        return state_child_is_up(s, conn, child->name) ? "up" : "down";
    if (strcmp(tree_get(child, "start_action", ""), "none") == 0)
        return "off";
    return pass ? "pass" : "drop";
}

static void print_conn(const struct state *s, const struct node *conn)
{
    printf("%s: peer ", conn->name);
    print_list(conn, "remote_addrs");
    putchar('\n');
    for (const struct node *c = first_child(conn, "children"); c != NULL; c = c->next) {
        printf("  %-20s %-5s ", c->name, child_state(s, conn->name, c));
        print_selectors(c);
        putchar('\n');
    }
}

/* "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519" of what is there */
static void print_suite(const struct node *sa)
{
    static const char *const parts[] = {"integ-alg", "prf-alg", "dh-group"};
    const char *bits = tree_get(sa, "encr-keysize", NULL);

    fputs(tree_get(sa, "encr-alg", "no encryption"), stdout);
    if (bits != NULL)
        printf("-%s", bits);
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const char *part = tree_get(sa, parts[i], NULL);

        if (part != NULL)
            printf("/%s", part);
    }
}

static void print_end(const struct node *sa, const char *side)
{
    char host[32], port[32], id[32];

    snprintf(id, sizeof(id), "%s-id", side);
    snprintf(host, sizeof(host), "%s-host", side);
    snprintf(port, sizeof(port), "%s-port", side);
    text_print(tree_get(sa, id, "?"));
    printf(" (%s port %s)", tree_get(sa, host, "?"), tree_get(sa, port, "?"));
}

/* ", NAME 3m 4s" when there is such a time */
static void print_time(const struct node *sa, const char *key, const char *before,
                       const char *after)
{
    char text[32];

    if (tree_find(sa, key) != NULL)
        printf("%s%s%s", before, text_duration(text, text_number(sa, key)), after);
}

static void print_nat(const struct node *sa)
{
    bool local = tree_find(sa, "nat-local") != NULL;
    bool remote = tree_find(sa, "nat-remote") != NULL;

    if (local || remote)
        printf(", %s behind NAT", local && remote ? "both" : local ? "we are" : "peer");
    else if (tree_find(sa, "nat-any") != NULL)
        fputs(", always in UDP", stdout);
}

static void print_use(const struct node *child, const char *way)
{
    char bytes[32], name[16], spi[16], packets[16], use[16];
    uint64_t n;

    snprintf(name, sizeof(name), "bytes-%s", way);
    snprintf(packets, sizeof(packets), "packets-%s", way);
    snprintf(spi, sizeof(spi), "spi-%s", way);
    snprintf(use, sizeof(use), "use-%s", way);
    n = text_number(child, packets);
    printf("    %-3s  SPI %s  %s in %" PRIu64 " packet%s", way, tree_get(child, spi, "-"),
           text_bytes(bytes, text_number(child, name)), n, n == 1 ? "" : "s");
    print_time(child, use, ", last ", " ago");
    putchar('\n');
}

/* "drops: 3 replay, 1 icv" of all keys with that prefix. */
static void print_drops(const struct node *section, const char *prefix, const char *before)
{
    const char *sep = before;

    for (const struct node *n = section != NULL ? section->first : NULL; n != NULL;
         n = n->next) {
        if (strncmp(n->name, prefix, strlen(prefix)) != 0)
            continue;
        printf("%s%s %s", sep, n->value, n->name + strlen(prefix));
        sep = ", ";
    }
    if (sep != before)
        putchar('\n');
}

static void print_child(const struct node *c)
{
    bool udp = tree_find(c, "encap") != NULL;

    printf("  %s #%s: %s, %s %s%s, ", tree_get(c, "name", "?"), tree_get(c, "uniqueid", "?"),
           tree_get(c, "state", "?"), tree_get(c, "protocol", "?"), tree_get(c, "mode", "?"),
           udp ? " in UDP" : "");
    print_suite(c);
    print_time(c, "install-time", ", ", " old");
    print_time(c, "rekey-time", ", rekey in ", "");
    fputs("\n    ", stdout);
    print_selectors(c);
    putchar('\n');
    print_use(c, "in");
    print_use(c, "out");
    print_drops(c, "drops-", "    dropped: ");
}

static void print_sa(const struct node *sa)
{
    printf("#%s %s: %s", tree_get(sa, "uniqueid", "?"), sa->name, tree_get(sa, "state", "?"));
    print_time(sa, "established", ", ", " old");
    print_nat(sa);
    fputs("\n  ", stdout);
    print_end(sa, "local");
    fputs(tree_find(sa, "initiator") != NULL ? " -> " : " <- ", stdout);
    print_end(sa, "remote");
    fputs("\n  ", stdout);
    print_suite(sa);
    print_time(sa, "rekey-time", ", rekey in ", "");
    print_time(sa, "reauth-time", ", reauthentication in ", "");
    putchar('\n');
    if (tree_find(sa, "local-vips") != NULL || tree_find(sa, "remote-vips") != NULL) {
        fputs(tree_find(sa, "local-vips") != NULL ? "  our address: " : "  peer's address: ",
              stdout);
        print_list(sa, "local-vips");
        print_list(sa, "remote-vips");
        putchar('\n');
    }
    for (const struct node *c = first_child(sa, "child-sas"); c != NULL; c = c->next)
        print_child(c);
}

void status_print_daemon(const struct state *s)
{
    const struct node *ikesas = tree_find(s->stats, "ikesas");
    const struct node *uptime = tree_find(s->stats, "uptime");
    uint64_t n = ikesas != NULL ? text_number(ikesas, "total") : 0;

    printf("%s %s, running %s, %" PRIu64 " IKE SA%s\n", tree_get(s->version, "daemon", "?"),
           tree_get(s->version, "version", "?"),
           uptime != NULL ? tree_get(uptime, "running", "?") : "?", n, n == 1 ? "" : "s");
    print_drops(tree_find(s->stats, "errors"), "", "dropped or failed: ");
}

void status_print_pages(const struct state *s, const struct peer_filter *f)
{
    status_print_daemon(s);
    fputs(s->conns->first != NULL ? "\nConnections\n" : "\nNo connections are configured.\n",
          stdout);
    for (const struct node *c = s->conns->first; c != NULL; c = c->next)
        if (conn_passes(s, c, f))
            print_conn(s, c);
    if (s->sas->first != NULL)
        fputs("\nTunnels\n", stdout);
    for (const struct node *e = s->sas->first; e != NULL; e = e->next)
        if (sa_passes(state_sa(e), f))
            print_sa(state_sa(e));
}
