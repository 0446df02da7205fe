/* Owns what a gateway was asked to be: checked before anything is made, remembered, compared.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "setup/gateway_plan.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrol/bundle.h"
#include "kit/file.h"
#include "kit/tree.h"

enum { DAY_S = 86400, LIFETIME_DAYS = 365, ADDR_LEN = 16 };

/* ---- networks --------------------------------------------------------------------------- */

struct network {
    uint8_t addr[ADDR_LEN];
    int family;
    unsigned bits, width; /* of the prefix; of an address */
};

static bool parse_network(const char *text, struct network *out)
{
    char addr[PLAN_TEXT], *slash, *end;

    *out = (struct network){.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET};
    out->width = out->family == AF_INET6 ? 128 : 32;
    out->bits = out->width;
    snprintf(addr, sizeof(addr), "%s", text);
    slash = strchr(addr, '/');
    if (slash != NULL) {
        *slash = '\0';
        out->bits = (unsigned)strtoul(&slash[1], &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || out->bits > out->width)
            return false;
    }
    return inet_pton(out->family, addr, out->addr) == 1;
}

/* The first bits of both are the same, so many. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    const unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, whole) == 0 &&
           (rest == 0 || ((a[whole] ^ b[whole]) & (0xff << (8 - rest) & 0xff)) == 0);
}

/* Nothing beyond the prefix is set. */
static bool is_whole(const struct network *n)
{
    uint8_t zero[ADDR_LEN] = {0}, cut[ADDR_LEN];

    memcpy(cut, n->addr, sizeof(cut));
    for (unsigned i = 0; i < n->bits; i++)
        cut[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    return memcmp(cut, zero, n->width / 8) == 0;
}

bool gateway_plan_serves(const struct gateway_plan *plan, const char *address)
{
    struct network a, n;

    for (unsigned i = 0; i < plan->n_service; i++)
        if (parse_network(address, &a) && parse_network(plan->service[i], &n) &&
            a.family == n.family && same_bits(a.addr, n.addr, n.bits))
            return true;
    return false;
}

/* The address so far behind the pool's first. */
static void behind(const struct network *n, uint8_t by, char out[PLAN_TEXT])
{
    uint8_t addr[ADDR_LEN];

    memcpy(addr, n->addr, sizeof(addr));
    addr[n->width / 8 - 1] = (uint8_t)(addr[n->width / 8 - 1] + by);
    (void)inet_ntop(n->family, addr, out, PLAN_TEXT);
}

void gateway_plan_inside(const struct gateway_plan *plan, char own[PLAN_TEXT],
                         char others[PLAN_TEXT])
{
    struct network n;
    char next[PLAN_TEXT];

    own[0] = others[0] = '\0';
    if (!parse_network(plan->pool, &n))
        return;
    behind(&n, 1, own);
    behind(&n, 2, next);
    (void)snprintf(others, PLAN_TEXT, "%.200s/%u", next, n.bits);
}

/* ---- checked ---------------------------------------------------------------------------- */

#define HOST_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"

static bool check_names(struct gateway_plan *plan, struct problem *why)
{
    char host[BUNDLE_HOST];
    uint16_t port;

    if (plan->name[0] == '\0')
        return problem_set(why, "--name is missing: how devices know the gateway, gw.example");
    if (plan->name[strspn(plan->name, HOST_LETTERS)] != '\0')
        return problem_set(why, "--name %s: expected the name of a host, like gw.example",
                           plan->name);
    if (plan->address[0] == '\0')
        memcpy(plan->address, plan->name, sizeof(plan->address));
    return bundle_read_host(plan->address, host, &port) ||
           problem_set(why, "--address %s: expected HOST or HOST:PORT", plan->address);
}

static bool check_networks(const struct gateway_plan *plan, struct problem *why)
{
    struct network n, s;

    if (plan->pool[0] == '\0')
        return problem_set(why, "--pool is missing: where devices get their addresses from, "
                                "10.99.0.0/16");
    if (!parse_network(plan->pool, &n) || !is_whole(&n) || n.width - n.bits < 3)
        return problem_set(why,
                           "--pool %s: expected a network of at least 8 addresses, like "
                           "10.99.0.0/16",
                           plan->pool);
    if (plan->n_service == 0)
        return problem_set(why, "--service is missing: which network devices reach through the "
                                "gateway, 10.77.3.0/24");
    for (unsigned i = 0; i < plan->n_service; i++) {
        if (!parse_network(plan->service[i], &s) || !is_whole(&s))
            return problem_set(why, "--service %s: expected a network like 10.77.3.0/24",
                               plan->service[i]);
        if (s.family == n.family &&
            same_bits(s.addr, n.addr, s.bits < n.bits ? s.bits : n.bits))
            return problem_set(why, "--service %s and --pool %s overlap", plan->service[i],
                               plan->pool);
    }
    for (unsigned i = 0; i < plan->n_dns; i++)
        if (!parse_network(plan->dns[i], &s) || s.bits != s.width)
            return problem_set(why, "--dns %s: expected an address", plan->dns[i]);
    return true;
}

static bool check_listen(struct gateway_plan *plan, struct problem *why)
{
    char host[BUNDLE_HOST];
    uint16_t port;

    if (plan->n_listen == 0) {
        (void)snprintf(plan->listen[0], PLAN_TEXT, "0.0.0.0:%d", ENROL_PORT);
        (void)snprintf(plan->listen[1], PLAN_TEXT, "[::]:%d", ENROL_PORT);
        plan->n_listen = 2;
    }
    for (unsigned i = 0; i < plan->n_listen; i++)
        if (!bundle_read_host(plan->listen[i], host, &port))
            return problem_set(why, "--listen %s: expected ADDRESS:PORT, like 0.0.0.0:8443",
                               plan->listen[i]);
    return true;
}

bool gateway_plan_check(struct gateway_plan *plan, const struct places *p, struct problem *why)
{
    if (!check_names(plan, why) || !check_networks(plan, why) || !check_listen(plan, why))
        return false;
    if (plan->lifetime_s == 0)
        plan->lifetime_s = (int64_t)LIFETIME_DAYS * DAY_S;
    if (plan->lifetime_s < 10 || plan->lifetime_s > INT64_C(3650) * DAY_S)
        return problem_set(why, "--lifetime: expected 10 seconds to 3650 days");
    if (plan->registry[0] == '\0')
        (void)snprintf(plan->registry, PLAN_TEXT, "%.200s/fleet.db", p->state);
    if (strpbrk(plan->registry, "\"\\\n{}") != NULL)
        return problem_set(why, "--registry: expected a path or a postgresql:// URI");
    return true;
}

/* ---- remembered ------------------------------------------------------------------------- */

static void join(char out[PLAN_LIST * PLAN_TEXT], char (*list)[PLAN_TEXT], unsigned n)
{
    size_t at = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(&out[at], PLAN_LIST * PLAN_TEXT - at, "%s%.250s",
                               i > 0 ? ", " : "", list[i]);
}

/* Each thing that was asked for, as an option and as text. */
enum { PLAN_FACTS = 8 };
struct fact {
    const char *option;
    char text[PLAN_LIST * PLAN_TEXT];
};

static void list_facts(const struct gateway_plan *plan, struct fact out[PLAN_FACTS])
{
    struct gateway_plan p = *plan;

    out[0].option = "name";
    memcpy(out[0].text, p.name, sizeof(p.name));
    out[1].option = "address";
    memcpy(out[1].text, p.address, sizeof(p.address));
    out[2].option = "pool";
    memcpy(out[2].text, p.pool, sizeof(p.pool));
    out[3].option = "service";
    join(out[3].text, p.service, p.n_service);
    out[4].option = "dns";
    join(out[4].text, p.dns, p.n_dns);
    out[5].option = "listen";
    join(out[5].text, p.listen, p.n_listen);
    out[6].option = "registry";
    memcpy(out[6].text, p.registry, sizeof(p.registry));
    out[7].option = "lifetime";
    (void)snprintf(out[7].text, sizeof(out[7].text), "%lld", (long long)p.lifetime_s);
}

enum plan_known gateway_plan_compare(const struct gateway_plan *plan, const struct places *p,
                                     struct problem *why)
{
    struct problems found = {0};
    char path[PLACE_MAX], told[400] = "";
    struct fact facts[PLAN_FACTS];
    struct node *tree;
    size_t at = 0;

    if (!file_is_there(place_of(path, p, "init.conf")))
        return PLAN_NEW;
    tree = tree_read_file(path, &found);
    if (tree == NULL) {
        *why = *problems_first_error(&found);
        problems_free(&found);
        return PLAN_BROKEN;
    }
    list_facts(plan, facts);
    for (int i = 0; i < PLAN_FACTS && at < sizeof(told); i++) {
        const char *was = tree_get(tree, facts[i].option, "");

        if (strcmp(was, facts[i].text) != 0)
            at += (size_t)snprintf(&told[at], sizeof(told) - at, "\n  --%s is '%s', not '%s'",
                                   facts[i].option, was, facts[i].text);
    }
    tree_free(tree);
    problems_free(&found);
    if (at > 0)
        problem_set(why, "this gateway was set up otherwise:%s", told);
    return at > 0 ? PLAN_OTHER : PLAN_SAME;
}

bool gateway_plan_write(const struct gateway_plan *plan, const struct places *p,
                        struct problem *why)
{
    struct fact facts[PLAN_FACTS];
    char path[PLACE_MAX], *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    bool ok;

    list_facts(plan, facts);
    fputs("# What `culvert init` was asked for.  It compares, and changes nothing.\n", f);
    for (int i = 0; i < PLAN_FACTS; i++)
        fprintf(f, "%s = \"%s\"\n", facts[i].option, facts[i].text);
    fclose(f);
    ok = file_create(place_of(path, p, "init.conf"), (struct cv_span){(const uint8_t *)text, n},
                     0644, why);
    free(text);
    return ok;
}
