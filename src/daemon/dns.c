/* Owns: which DNS servers the system has been told of.
 * Invariant: they are those of the leases that are there, and for the domains alone that came
 * with them (RFC 8598); what an earlier life left goes first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "daemon/inside.h"
#include "text/text.h"
#include "wire/ike.h"
#include "wire/ip.h"

/* An installation may be without the script. */
#define RUN_IT "[ ! -x '%s' ] || exec '%s'"

void dns_start(struct daemon *d)
{
    char command[512];

    if (d->conf.settings.dns == NULL)
        return;
    (void)snprintf(command, sizeof(command), RUN_IT " down %s", d->conf.settings.dns,
                   d->conf.settings.dns, d->io.tun.name);
    updown_command(d->updown, command);
}

static bool has(const struct dns *s, const struct cv_addr *addr)
{
    for (unsigned i = 0; i < s->n; i++)
        if (addr_equal(&s->servers[i], addr))
            return true;
    return false;
}

static bool has_domain(const struct dns *s, struct cv_span domain)
{
    for (unsigned i = 0; i < s->n_domains; i++)
        if (span_equal(span(s->domains[i], strlen(s->domains[i])), domain))
            return true;
    return false;
}

/* The gateway's words: what could be anything but a domain to a shell is none. */
static void add_domain(struct dns *s, struct cv_span domain)
{
    if (s->n_domains == DNS_DOMAINS_MAX || !ike_domain_is_plain(domain) ||
        has_domain(s, domain))
        return;
    memcpy(s->domains[s->n_domains++], domain.p, domain.n);
}

/* Each once. */
static void collect(void *ctx, const struct cv_lease *l)
{
    struct rd r = rd_init(l->attributes);
    struct dns *s = ctx;
    struct cv_span value;
    uint16_t type;

    for (unsigned i = 0; i < l->n_dns && s->n < DNS_SERVERS_MAX; i++)
        if (!has(s, &l->dns[i]))
            s->servers[s->n++] = l->dns[i];
    while (ike_next_cp_attribute(&r, &type, &value))
        if (type == CP_DNS_DOMAIN && value.n > 0)
            add_domain(s, value);
}

static bool same(const struct dns *a, const struct dns *b)
{
    bool equal = a->n == b->n && a->n_domains == b->n_domains;

    for (unsigned i = 0; equal && i < a->n; i++)
        equal = addr_equal(&a->servers[i], &b->servers[i]);
    for (unsigned i = 0; equal && i < a->n_domains; i++)
        equal = strcmp(a->domains[i], b->domains[i]) == 0;
    return equal;
}

void dns_update(struct daemon *d)
{
    const char *script = d->conf.settings.dns;
    struct dns now = {0};
    char command[DNS_DOMAINS_MAX * (DNS_DOMAIN_TEXT + 4) + 1024];
    size_t used;

    if (script == NULL)
        return;
    netconf_each_lease(&d->net, collect, &now);
    if (same(&now, &d->dns))
        return;
    d->dns = now;
    used = (size_t)snprintf(command, sizeof(command), RUN_IT " %s %s", script, script,
                            now.n > 0 ? "up" : "down", d->io.tun.name);
    for (unsigned i = 0; i < now.n && used < sizeof(command); i++) {
        char addr[64];

        addr_format(addr, sizeof(addr), &now.servers[i]);
        used += (size_t)snprintf(command + used, sizeof(command) - used, " %s", addr);
    }
    for (unsigned i = 0; now.n > 0 && i < now.n_domains && used < sizeof(command); i++)
        used +=
            (size_t)snprintf(command + used, sizeof(command) - used, " '~%s'", now.domains[i]);
    if (used < sizeof(command))
        updown_command(d->updown, command);
}
