/* Two hosts, the commonest scenario: a device that connects and a gateway that answers.
 *
 * duo_setup makes them with connections that fit; a test changes what it is about, then
 * calls duo_start.  duo_teardown fails the test when an invariant broke.  Both suit
 * cmocka's setup and teardown.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_DUO_H
#define SIM_DUO_H

#include "sim/world.h"

struct duo {
    struct world *w;
    struct host *dev, *gw;
    struct recipe dev_conn, gw_conn;
    uint32_t flow; /* device to gateway, IPv4; flow ^ 1 is its echo */
    uint32_t ike;  /* the device's number of the SA that duo_connect made */
};

int duo_setup(void **state);
int duo_teardown(void **state);

/* The same outside of cmocka, with a seed of the scenario's own. */
struct duo *duo_new(uint64_t seed);
bool duo_free(struct duo *d); /* false when an invariant broke */

/* Starts both engines. */
void duo_start(struct duo *d);
/* Signatures instead of the shared secret, with n certificates of size octets. */
void duo_use_certs(struct duo *d, unsigned n, size_t size);
/* The device asks for an address and uses it as its only selector. */
void duo_use_virtual_ip(struct duo *d);

/* A second child, between 172.16.1.0/24 and 172.16.2.0/24; returns its flow. */
uint32_t duo_add_child(struct duo *d);

/* Starts, initiates, runs ten seconds; true when both sides have one IKE SA and one
 * Child SA, agree, and a ping gets through. */
bool duo_connect(struct duo *d);
/* Both sides have exactly this many SAs, and they agree. */
bool duo_has(const struct duo *d, unsigned ikes, unsigned children);
/* Runs ms, then duo_has; prints what differs. */
bool duo_settles(struct duo *d, uint64_t ms, unsigned ikes, unsigned children);
/* Ten seconds of packets both ways, one every interval_ms, in the background. */
void duo_traffic(struct duo *d, uint32_t interval_ms);
/* Packets of that traffic that were lost, both ways. */
uint32_t duo_missing(const struct duo *d);
/* Deletes every IKE SA from the device's side; true when nothing is left anywhere. */
bool duo_closes(struct duo *d);

#endif
