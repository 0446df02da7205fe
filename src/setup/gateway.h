/* A gateway of a fleet: what `culvert init` leaves on it.
 *
 *   init.conf               what was asked for
 *   ca/ca.key, ca/ca.pem    the fleet's authority; culvertd never sees the key
 *   x509ca/fleet.pem        its certificate, for culvertd
 *   private/gateway.key, x509/gateway.pem    how the gateway proves itself in IKE
 *   fleet/https.key, fleet/https.pem         and in HTTPS, with the authority's behind it
 *   culvert.conf, fleet.conf
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SETUP_GATEWAY_H
#define SETUP_GATEWAY_H

#include "setup/gateway_plan.h"

/* What is there stays; what is missing is made, each part in one piece, so a try that was cut
 * short goes on.  made: how many parts were. */
bool gateway_make(const struct gateway_plan *plan, const struct places *p, unsigned *made,
                  struct problem *why);

#endif
