/* A NAT box: endpoint-independent mapping, address-and-port dependent filtering
 * (RFC 4787 sections 4.1 and 5), outbound refresh only, mappings that expire and
 * that a scenario can move to other ports.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_NAT_H
#define SIM_NAT_H

#include <culvert/types.h>

enum { NAT_MAPPINGS_MAX = 4096 };

/* inner has talked to remote and looks like public:port to it. */
struct nat_mapping {
    struct cv_endpoint inner, remote;
    uint16_t port;
    uint64_t last_ms;
};

struct nat {
    struct cv_addr public;
    uint32_t timeout_ms; /* after the last outbound packet */
    uint16_t next_port;
    unsigned n;
    struct nat_mapping map[NAT_MAPPINGS_MAX];
};

void nat_init(struct nat *nat, const struct cv_addr *public, uint32_t timeout_ms);

/* The source that remote sees.  False when the table is full or the packet is not UDP. */
bool nat_out(struct nat *nat, const struct cv_endpoint *inner, const struct cv_endpoint *remote,
             uint64_t now_ms, struct cv_endpoint *source);

/* Where a packet from remote to our port goes.  False: filtered. */
bool nat_in(struct nat *nat, uint16_t port, const struct cv_endpoint *remote, uint64_t now_ms,
            struct cv_endpoint *inner);

/* The box restarts: every mapping is gone and new ones get other ports. */
void nat_rebind(struct nat *nat);

#endif
