/* The outer network: ports (one a host) with links of their own, NAT boxes, and a
 * router between them that knows every address.
 *
 * A datagram passes: the tap (record, lose, hold, change), the sender's link and NAT,
 * time, the router, the receiver's NAT and link.  Loss, duplication and jitter come
 * from the world's PRNG; jitter is what reorders.  The network knows no engine, so
 * that it can be tested alone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <culvert/packet.h>

#include "sim/agenda.h"
#include "sim/nat.h"
#include "sim/prng.h"

enum { NET_NATS_MAX = 8, NET_NO_NAT = -1, NET_HELD_MAX = 64 };
#define NET_NOBODY UINT32_MAX /* sender of an injected datagram */

struct datagram {
    struct cv_endpoint src, dst;
    uint8_t carrier; /* cv_carrier as sent; the receiver's follows from its port */
    uint8_t tos;
    uint32_t from; /* port of the sender or NET_NOBODY */
    size_t n;
    uint8_t data[];
};

struct net_link {
    uint32_t loss_pm, dup_pm; /* per mille */
    uint32_t delay_ms, jitter_ms;
    uint32_t mtu; /* of the IP packet; larger ones vanish; 0: no limit */
    bool down;
};

typedef void net_receive_fn(void *ctx, const struct datagram *d);

struct net_port {
    char name[16];
    struct cv_addr addr[2]; /* family 0: unused */
    struct net_link out, in;
    int nat;
    net_receive_fn *receive;
    void *ctx;
};

enum net_fate { NET_PASS, NET_LOSE, NET_HOLD };

/* Sees every datagram that a host sends, before anything happens to it. */
typedef enum net_fate net_tap_fn(void *ctx, struct datagram *d);

/* What became of a datagram, for the ladder: "", "lost", "held", "no route", ... */
typedef void net_note_fn(void *ctx, const struct datagram *d, const char *fate);

struct net_counters {
    uint64_t sent, delivered, lost, duplicated, too_big, filtered, no_route;
};

struct net {
    struct agenda *agenda;
    struct prng *prng;
    struct net_port *ports;
    uint32_t n_ports, cap_ports;
    struct nat nats[NET_NATS_MAX];
    unsigned n_nats;
    net_tap_fn *tap;
    void *tap_ctx;
    net_note_fn *note;
    void *note_ctx;
    struct datagram *held[NET_HELD_MAX]; /* in the order of sending */
    unsigned n_held;
    struct net_counters count;
};

void net_init(struct net *net, struct agenda *agenda, struct prng *prng);
void net_free(struct net *net);

/* Returns the port's number.  Ports may move in memory when one is added. */
uint32_t net_attach(struct net *net, const char *name, const struct cv_addr *v4,
                    const struct cv_addr *v6, net_receive_fn *receive, void *ctx);
int net_add_nat(struct net *net, const struct cv_addr *public, uint32_t timeout_ms);

/* Sends a copy of data from a port. */
void net_send(struct net *net, uint32_t port, const struct cv_endpoint *src,
              const struct cv_endpoint *dst, uint8_t carrier, uint8_t tos, struct cv_span data);
/* Puts a datagram in front of the router, from whatever address: an attacker's. */
void net_inject(struct net *net, const struct cv_endpoint *src, const struct cv_endpoint *dst,
                uint8_t carrier, struct cv_span data);
/* Takes held datagram i out and sends it on, at once and without loss. */
void net_release(struct net *net, unsigned i);
void net_discard(struct net *net, unsigned i);

/* The port that has this address, or UINT32_MAX. */
uint32_t net_find(const struct net *net, const struct cv_addr *addr);

#endif
