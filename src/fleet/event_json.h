/* An event as JSON, the same for every program that prints or sends one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_EVENT_JSON_H
#define FLEET_EVENT_JSON_H

#include "fleet/registry_event.h"
#include "kit/json.h"

/* The members of an object that is open. */
void event_json_members(struct json *j, const struct fleet_event *e);

#endif
