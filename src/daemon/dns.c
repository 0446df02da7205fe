/* Owns: which DNS servers the system has been told of.
 * Invariant: they are those of the leases that are there; what an earlier life left goes first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "daemon/inside.h"
#include "text/text.h"
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

/* Each once. */
static void collect(void *ctx, const struct cv_lease *l)
{
    struct dns *s = ctx;

    for (unsigned i = 0; i < l->n_dns && s->n < DNS_SERVERS_MAX; i++)
        if (!has(s, &l->dns[i]))
            s->servers[s->n++] = l->dns[i];
}

static bool same(const struct dns *a, const struct dns *b)
{
    bool equal = a->n == b->n;

    for (unsigned i = 0; equal && i < a->n; i++)
        equal = addr_equal(&a->servers[i], &b->servers[i]);
    return equal;
}

void dns_update(struct daemon *d)
{
    const char *script = d->conf.settings.dns;
    struct dns now = {0};
    char command[1024];
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
    if (used < sizeof(command))
        updown_command(d->updown, command);
}
