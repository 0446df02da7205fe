/* The inner side of the hosts: flows of numbered UDP packets with a canary in them.
 *
 * A flow goes one way; flows 2k and 2k+1 are each other's answer.  Every packet's
 * octets follow from its flow and number, so the receiver can tell a changed packet, a
 * second copy and a packet that went astray.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_STACK_H
#define SIM_STACK_H

#include <culvert/types.h>

enum {
    STACK_PACKET_MAX = 1400,
    STACK_PAYLOAD_MIN = 32, /* canary, flow, number */
    STACK_FLOW_PORT = 7000
};

struct flow {
    uint32_t from, to; /* hosts' indexes */
    struct cv_addr src, dst;
    uint16_t sport, dport;
    uint16_t payload;  /* octets, at least STACK_PAYLOAD_MIN */
    bool echo;         /* the receiver answers on the other flow of the pair */
    bool transport;    /* in transport mode: of the IP header only addresses arrive */
    uint32_t sent;     /* numbers 0 .. sent-1 were handed to the engine */
    uint32_t refused;  /* of those the engine did not transmit */
    uint32_t bypassed; /* and of those policy sends as they are; they go nowhere here */
    uint32_t received;
    uint8_t *seen; /* bit set by number */
    uint32_t seen_bits;
};

struct stack {
    struct flow *flows;
    uint32_t n, cap;
};

enum stack_finding {
    STACK_FINE = 0,
    STACK_FOREIGN,  /* not one of our packets */
    STACK_CHANGED,  /* octets differ from what was sent */
    STACK_REPEATED, /* arrived before */
    STACK_ASTRAY    /* delivered to another host than the one it is for */
};

void stack_free(struct stack *s);
/* Adds a pair of flows and returns the number of the first. */
uint32_t stack_add(struct stack *s, const struct flow *f);

/* Writes packet number seq of flow f to out (STACK_PACKET_MAX octets); returns its length. */
size_t stack_build(const struct stack *s, uint32_t f, uint32_t seq, uint8_t *out);

/* Judges a packet that came out of a tunnel at host `at` and counts it.  *f is its flow. */
enum stack_finding stack_accept(struct stack *s, uint32_t at, struct cv_span packet,
                                uint32_t *f);

/* Does a datagram show any of an inner packet's payload? */
bool stack_leaks(struct cv_span outer);

#endif
