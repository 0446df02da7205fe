/* Address translation for the simulated network.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/nat.h"

#include "wire/ip.h"

enum { FIRST_PORT = 20000, REBIND_STEP = 1000 };

void nat_init(struct nat *nat, const struct cv_addr *public, uint32_t timeout_ms)
{
    *nat = (struct nat){.public = *public, .timeout_ms = timeout_ms, .next_port = FIRST_PORT};
}

static void expire(struct nat *nat, uint64_t now_ms)
{
    for (unsigned i = 0; i < nat->n;) {
        if (nat->map[i].last_ms + nat->timeout_ms <= now_ms)
            nat->map[i] = nat->map[--nat->n];
        else
            i++;
    }
}

bool nat_out(struct nat *nat, const struct cv_endpoint *inner, const struct cv_endpoint *remote,
             uint64_t now_ms, struct cv_endpoint *source)
{
    uint16_t port = 0;

    if (inner->port == 0)
        return false; /* raw ESP has no port to translate */
    expire(nat, now_ms);
    for (unsigned i = 0; i < nat->n; i++) {
        if (!endpoint_equal(&nat->map[i].inner, inner))
            continue;
        port = nat->map[i].port;
        if (endpoint_equal(&nat->map[i].remote, remote)) {
            nat->map[i].last_ms = now_ms;
            *source = (struct cv_endpoint){nat->public, port};
            return true;
        }
    }
    if (nat->n == NAT_MAPPINGS_MAX)
        return false;
    if (port == 0)
        port = nat->next_port++;
    nat->map[nat->n++] = (struct nat_mapping){*inner, *remote, port, now_ms};
    *source = (struct cv_endpoint){nat->public, port};
    return true;
}

bool nat_in(struct nat *nat, uint16_t port, const struct cv_endpoint *remote, uint64_t now_ms,
            struct cv_endpoint *inner)
{
    expire(nat, now_ms);
    for (unsigned i = 0; i < nat->n; i++) {
        const struct nat_mapping *m = &nat->map[i];

        if (m->port == port && endpoint_equal(&m->remote, remote)) {
            *inner = m->inner;
            return true;
        }
    }
    return false;
}

void nat_rebind(struct nat *nat)
{
    nat->n = 0;
    nat->next_port =
        (uint16_t)(FIRST_PORT + (nat->next_port - FIRST_PORT + REBIND_STEP) % 40000);
}
