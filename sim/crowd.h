/* Many devices and one gateway: the scenario of floods, full tables and fleets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include "sim/world.h"

struct crowd {
    struct world *w;
    struct host *gw;
    struct recipe gw_conn; /* for *.fleet.example, with virtual addresses */
    unsigned n;
    struct host **dev;
    struct recipe *dev_conn;
};

/* n devices, not started; the gateway has no tables yet either. */
struct crowd *crowd_new(uint64_t seed, unsigned n);
bool crowd_free(struct crowd *c); /* false when an invariant broke */
void crowd_start(struct crowd *c);
/* Device i connects (and goes on trying on its own). */
void crowd_connect(struct crowd *c, unsigned i);
/* How many devices have an established SA. */
unsigned crowd_up(const struct crowd *c);
/* Device i has an SA and the gateway's inner network answers it. */
bool crowd_ping(struct crowd *c, unsigned i);

/* Sends the gateway copies of an IKE_SA_INIT, each from another address and with
 * another SPI: one every interval_ms, count of them, in the background. */
void crowd_flood(struct crowd *c, uint32_t interval_ms, uint32_t count);

#endif
