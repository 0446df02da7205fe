/* Addresses for good: a device gets one of a range that nobody else has, on any gateway.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_ADDRESS_H
#define FLEET_REGISTRY_ADDRESS_H

#include <culvert/types.h>

#include "fleet/registry_device.h"

/* Gives d, unless it has one of that family, the next address of the range that no device has
 * had yet, or else one that none has, and writes it down.  REGISTRY_FULL: there is none among
 * the next thousand. */
enum registry_err registry_address_give(struct registry *r, struct device *d,
                                        const struct cv_addr_range *range);

#endif
