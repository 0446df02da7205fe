/* What an operator decides about a device: the change and the event that tells of it, together.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_DECIDE_H
#define FLEET_REGISTRY_DECIDE_H

#include "fleet/registry_device.h"

struct decision {
    const char *name;        /* of the device, as it is called by now */
    unsigned fields;         /* enum device_field */
    const struct device *to; /* what they become */
    const char *by;          /* who: "root", "token grafana" */
};

/* Carries it out, with an event of the kind "suspended", "resumed", "revoked", "renamed" or
 * "changed".  With a device its certificates are revoked, and its codes and its secret are
 * gone.  out (or NULL) is the device afterwards. */
enum registry_err registry_decide(struct registry *r, const struct decision *d,
                                  struct device *out);
/* Removes a revoked device, and leaves an event. */
enum registry_err registry_decide_removal(struct registry *r, const char *name, const char *by);

#endif
