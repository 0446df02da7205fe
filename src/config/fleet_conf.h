/* fleet.conf: what culvert-fleetd is told, in the syntax of the daemon's own configuration.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_FLEET_CONF_H
#define CONFIG_FLEET_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "kit/mem.h"
#include "kit/problem.h"

#define FLEET_CONF_FILE "/etc/culvert/fleet.conf"

/* Files are as they are written, or beside the configuration's own. */
struct fleet_conf {
    const char *const *listen; /* "0.0.0.0:8443"; NULL at the end */
    const char *certificate, *key;
    const char *client_ca; /* NULL: no client is asked for a certificate */
    const char *registry;
    const char *vici; /* the daemon's socket for live figures; NULL: none */
    const char *user; /* NULL: stay who we are */
    uint32_t threads, max_connections, connections_per_source;
    uint32_t request_burst, requests_per_second; /* of one source */
    const char *ca_certificate,
        *ca_key; /* what devices get certificates by; NULL: they do not */
    uint64_t certificate_lifetime_s;
    const char *est_inside; /* where they renew, https://...; NULL: where they enrolled */
    uint8_t metrics_open;   /* without a token */
    struct mem mem;         /* holds the texts */
};

/* False: there are errors, all of which are among found; out is to be freed in any case. */
bool fleet_conf_load(struct fleet_conf *out, const char *path, struct problems *found);
void fleet_conf_free(struct fleet_conf *c);

#endif
