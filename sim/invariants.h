/* What must hold in every run, whatever the schedule.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_INVARIANTS_H
#define SIM_INVARIANTS_H

#include "sim/world.h"

/* After every step: no nonce twice under one key, limits kept, inbound SPIs unique. */
void invariants_step(struct world *w, const struct host *h);

/* A packet that came out of a tunnel at h: arrived once, unchanged, at the right host,
 * inside the selectors of the SA that carried it. */
void invariants_delivered(struct world *w, const struct host *h, const struct cv_packet *p,
                          uint32_t *flow);

/* A datagram on the outer network shows no plaintext. */
void invariants_outside(struct world *w, const struct datagram *d);

/* After quiet time: do all hosts agree about their SAs?  why gets the difference. */
bool invariants_agree(const struct world *w, char *why, size_t cap);

/* Every table of every host is empty and no connection is in use. */
bool invariants_empty(const struct world *w, char *why, size_t cap);

#endif
