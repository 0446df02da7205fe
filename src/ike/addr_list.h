/* Addresses that one side of an IKE SA has besides the one in use; RFC 4555 section 3.6.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_ADDR_LIST_H
#define IKE_ADDR_LIST_H

#include "ike/sa.h"

/* Can a host have this address towards another one?  One that counts on a single link only
 * means nothing elsewhere. */
bool addr_is_host(const struct cv_addr *a);

bool addr_list_has(const struct addr_list *l, const struct cv_addr *a);
/* Once each, and none beyond the first CV_ADDRS_MAX. */
void addr_list_add(struct addr_list *l, const struct cv_addr *a);
/* Those of n that somebody else may hear of. */
void addr_list_take(struct addr_list *l, const struct cv_addr *addrs, size_t n);

#endif
