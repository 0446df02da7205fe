/* Devices and events as lines for people and as JSON for programs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FLEET_VIEW_H
#define CLI_FLEET_VIEW_H

#include "fleet/registry_device.h"
#include "fleet/registry_event.h"
#include "fleet/registry_group.h"
#include "kit/json.h"

void view_device_head(void);
void view_device_line(const struct device *d, int64_t now_s);
void view_device_page(const struct device *d, int64_t now_s);
/* The members of an object that is open. */
void view_device_members(struct json *j, const struct device *d);
void view_event_line(const struct fleet_event *e);
/* Each alone on a line. */
void view_device_json(const struct device *d);
void view_event_json(const struct fleet_event *e);
void view_group_json(const struct group *g);

#endif
