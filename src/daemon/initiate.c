/* Owns: from a connection's configured hosts to two endpoints, and the start of an IKE SA.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "daemon/inside.h"
#include "kit/clock.h"
#include "text/text.h"

enum { IKE_PORT = 500 };

/* The first configured remote that is one host: an address or a name. */
static const char *remote_host(const struct conn *c)
{
    for (unsigned i = 0; i < c->n_remote_hosts; i++) {
        struct cv_addr_range range;
        struct cv_addr addr;
        const char *host = c->remote_hosts[i];

        if (addr_parse(&addr, host) || !range_parse(&range, host))
            return host;
    }
    return NULL;
}

static enum initiate_result find_remote(struct daemon *d, const struct conn *c,
                                        struct cv_endpoint *out, struct problem *why)
{
    const char *host = remote_host(c), *reason = NULL;

    out->port = c->cv.remote_port != 0 ? c->cv.remote_port : IKE_PORT;
    if (host == NULL) {
        problem_set(why, "connection %s cannot be initiated: remote_addrs names no single host",
                    c->cv.name);
        return INITIATE_FAILED;
    }
    if (addr_parse(&out->addr, host))
        return INITIATE_STARTED;
    switch (hosts_find(d->hosts, host, &out->addr, &reason)) {
    case HOST_READY:
        return INITIATE_STARTED;
    case HOST_PENDING:
        return INITIATE_WAITS;
    default:
        problem_set(why, "connection %s: cannot resolve %s: %s", c->cv.name, host, reason);
        return INITIATE_NOT_NOW;
    }
}

/* A configured local address of the right family, else the one routing gives. */
static bool find_local(struct daemon *d, const struct conn *c, const struct cv_endpoint *to,
                       struct cv_endpoint *out, struct problem *why)
{
    char text[64];
    int err;

    /* The engine uses the marker of port 4500 towards any port but 500 (RFC 3948). */
    out->port = to->port == IKE_PORT ? d->conf.settings.port : d->conf.settings.port_nat_t;
    for (unsigned i = 0; i < c->n_local_hosts; i++)
        if (addr_parse(&out->addr, c->local_hosts[i]) && out->addr.family == to->addr.family)
            return true;
    err = route_source(&d->net.nl, &to->addr, ROUTE_MARK, &out->addr, NULL);
    if (err == 0)
        return true;
    addr_format(text, sizeof(text), &to->addr);
    return problem_set(why, "connection %s: no route to %s: %s", c->cv.name, text,
                       strerror(err));
}

enum initiate_result initiate(struct daemon *d, const struct conn *c,
                              const struct cv_child_config *child, uint32_t *ike,
                              struct problem *why)
{
    struct cv_endpoint local = {0}, remote = {0};
    enum initiate_result found = find_remote(d, c, &remote, why);
    uint32_t number = 0;
    enum cv_err err;

    if (found != INITIATE_STARTED)
        return found;
    if (!find_local(d, c, &remote, &local, why))
        return INITIATE_NOT_NOW;
    err = cv_initiate(d->engine, &c->cv, child, &local, &remote, clock_now_ms(), &number);
    if (err != CV_OK) {
        problem_set(why, "connection %s: %s", c->cv.name, cv_err_text(err));
        return err == CV_ERR_FULL ? INITIATE_NOT_NOW : INITIATE_FAILED;
    }
    if (ike != NULL)
        *ike = number;
    return INITIATE_STARTED;
}
