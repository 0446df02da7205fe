/* Owns how an event looks to programs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/event_json.h"

#include <stdio.h>
#include <time.h>

/* "2026-12-01T03:00:07.125Z" */
static void put_moment(struct json *j, const char *name, int64_t at_ms)
{
    const time_t s = (time_t)(at_ms / 1000);
    char text[40] = "", whole[24];
    struct tm tm;

    if (gmtime_r(&s, &tm) != NULL &&
        strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm) > 0)
        snprintf(text, sizeof(text), "%s.%03dZ", whole, (int)(at_ms % 1000));
    json_text(j, name, text);
}

void event_json_members(struct json *j, const struct fleet_event *e)
{
    json_number(j, "seq", (uint64_t)e->seq);
    put_moment(j, "at", e->at_ms);
    json_text(j, "severity", event_severity_name(e->severity));
    json_text(j, "kind", e->kind);
    json_text(j, "device", e->name);
    json_text(j, "tenant", e->tenant);
    json_text(j, "gateway", e->gateway);
    json_text(j, "peer", e->peer);
    json_text(j, "text", e->text);
}
