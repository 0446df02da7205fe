/* The tunnel: an interface of lwIP whose wire is the engine.
 *
 * Every packet of the device that is not the tunnel's own goes through it or nowhere: it is the
 * default route, and what comes in by the Ethernet port must be IKE, ESP or DHCP.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_TUNNEL_H
#define FIRMWARE_TUNNEL_H

#include <culvert/engine.h>

#include "lwip/netif.h"

enum tunnel_state { TUNNEL_DOWN, TUNNEL_CONNECTING, TUNNEL_UP };

extern struct netif tunnel;

void tunnel_init(void);

/* Does what is due; returns when it wants to be called again at the latest. */
uint64_t tunnel_poll(uint64_t now);

enum tunnel_state tunnel_state(void);

/* The gateway's DNS server, family 0: it named none. */
struct cv_addr tunnel_dns(void);

enum cv_err tunnel_rekey_child(void);
enum cv_err tunnel_rekey_ike(void);
/* Our address is another: what the peer has not answered goes out from there. */
void tunnel_moved(void);
/* Tells the gateway and ends the SAs. */
void tunnel_close(void);

struct tunnel_counts {
    uint64_t wire_out, wire_in; /* octets of IP packets outside, ours and the gateway's */
    unsigned child_rekeys, ike_rekeys, alarms, refused;
};
const struct tunnel_counts *tunnel_counts(void);

#endif
