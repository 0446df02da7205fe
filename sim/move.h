/* Hosts whose addresses change: what a daemon hears of its kernel and tells its engine.
 *
 * A mobile host sends nothing from an address that it does not have.  Of each family it has one
 * address or none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_MOVE_H
#define SIM_MOVE_H

#include "sim/world.h"

bool host_has(const struct host *h, const struct cv_addr *addr);
/* h has these addresses now, NULL: none of the family, behind nat or NET_NO_NAT, and its engine
 * hears of it. */
void host_move(struct host *h, const struct cv_addr *v4, const struct cv_addr *v6, int nat);
/* The same without a word to the engine. */
void host_carry(struct host *h, const struct cv_addr *v4, const struct cv_addr *v6, int nat);
/* Tells the engine which ways lead to the peer of ike, or of every IKE SA. */
void host_tell_ways(struct host *h, uint32_t ike);
void host_tell_all_ways(struct host *h);

#endif
