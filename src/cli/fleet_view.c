/* Owns how devices and events look.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/fleet_view.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "fleet/event_json.h"

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

/* What is worth knowing first. */
static const char *condition(const struct device *d)
{
    if (d->state != DEVICE_ACTIVE)
        return device_state_name(d->state);
    if (d->presence.online)
        return "up";
    if (d->presence.seen_s != 0)
        return "down";
    return d->credential[0] != '\0' ? "ready" : "waiting";
}

static const char *age_of(char out[32], int64_t at_s, int64_t now_s)
{
    return at_s == 0 ? "never" : text_age(out, now_s > at_s ? (uint64_t)(now_s - at_s) : 0);
}

/* ---- lines -------------------------------------------------------------------- */

#define DEVICE_LINE "%-24s %-9s %-15s %-8s %-22s %-12s %s\n"

void view_device_head(void)
{
    printf(DEVICE_LINE, "NAME", "STATE", "ADDRESS", "SEEN", "ENDPOINT", "PROFILE", "TAGS");
}

void view_device_line(const struct device *d, int64_t now_s)
{
    const struct device_presence *p = &d->presence;
    const char *address = p->address[0] != '\0' ? p->address : d->address;
    char age[32];

    printf(DEVICE_LINE, d->name, condition(d), or_dash(address), age_of(age, p->seen_s, now_s),
           or_dash(p->endpoint), or_dash(d->profile), d->tags);
}

static void page_line(const char *name, const char *value)
{
    if (value[0] != '\0')
        printf("  %-12s %s\n", name, value);
}

static void page_presence(const struct device_presence *p, int64_t now_s)
{
    char age[32], text[128], rx[32], tx[32];

    if (p->seen_s == 0)
        return;
    snprintf(text, sizeof(text), "%s ago", age_of(age, p->seen_s, now_s));
    page_line("seen", text);
    snprintf(text, sizeof(text), "%s ago", age_of(age, p->since_s, now_s));
    page_line(p->online ? "up since" : "down since", text);
    page_line("endpoint", p->endpoint);
    page_line("inside", p->address);
    page_line("gateway", p->gateway);
    snprintf(text, sizeof(text), "%s in, %s out, %llu drops", text_bytes(rx, p->rx),
             text_bytes(tx, p->tx), (unsigned long long)p->drops);
    page_line("traffic", text);
}

void view_device_page(const struct device *d, int64_t now_s)
{
    char time[TEXT_TIME];

    printf("%s: %s\n", d->name, condition(d));
    page_line("identity", d->identity);
    page_line("tenant", d->tenant);
    page_line("profile", d->profile);
    page_line("credential", d->credential);
    if (d->credential_end_s != 0)
        page_line("good until", text_time(time, d->credential_end_s));
    page_line("address", d->address);
    page_line("address", d->address6);
    page_line("hardware", d->hardware);
    page_line("tags", d->tags);
    page_line("notes", d->notes);
    page_line("created", text_time(time, d->created_s));
    page_presence(&d->presence, now_s);
}

void view_event_line(const struct fleet_event *e)
{
    char time[TEXT_TIME];

    printf("%s %-7s %-12s %-20s %s%s%s\n", text_time(time, e->at_ms / 1000),
           event_severity_name(e->severity), e->kind, or_dash(e->name), e->text,
           e->gateway[0] != '\0' ? " @" : "", e->gateway);
}

/* ---- JSON --------------------------------------------------------------------- */

static void put_time(struct json *j, const char *name, int64_t s)
{
    char time[TEXT_TIME];

    if (s != 0)
        json_text(j, name, text_time(time, s));
    else
        json_null(j, name);
}

static void put_presence(struct json *j, const struct device_presence *p)
{
    json_bool(j, "online", p->online);
    json_text(j, "gateway", p->gateway);
    json_text(j, "endpoint", p->endpoint);
    json_text(j, "inside", p->address);
    put_time(j, "since", p->since_s);
    put_time(j, "seen", p->seen_s);
    json_number(j, "rx", p->rx);
    json_number(j, "tx", p->tx);
    json_number(j, "rx-packets", p->rx_packets);
    json_number(j, "tx-packets", p->tx_packets);
    json_number(j, "drops", p->drops);
}

void view_device_members(struct json *j, const struct device *d)
{
    json_number(j, "id", (uint64_t)d->id);
    json_text(j, "name", d->name);
    json_text(j, "identity", d->identity);
    json_text(j, "state", device_state_name(d->state));
    json_text(j, "condition", condition(d));
    json_text(j, "tenant", d->tenant);
    json_text(j, "profile", d->profile);
    json_text(j, "credential", d->credential);
    put_time(j, "credential-end", d->credential_end_s);
    json_text(j, "address", d->address);
    json_text(j, "address6", d->address6);
    json_text(j, "hardware", d->hardware);
    json_text(j, "tags", d->tags);
    json_text(j, "notes", d->notes);
    put_time(j, "created", d->created_s);
    put_time(j, "changed", d->changed_s);
    put_presence(j, &d->presence);
}

void view_device_json(const struct device *d)
{
    struct json j = {.out = stdout, .compact = true};

    json_object(&j, NULL);
    view_device_members(&j, d);
    json_end_object(&j);
    json_finish(&j);
}

void view_event_json(const struct fleet_event *e)
{
    struct json j = {.out = stdout, .compact = true};

    json_object(&j, NULL);
    event_json_members(&j, e);
    json_end_object(&j);
    json_finish(&j);
}

void view_group_json(const struct group *g)
{
    struct json j = {.out = stdout, .compact = true};

    json_object(&j, NULL);
    json_text(&j, "name", g->name);
    json_text(&j, "notes", g->notes);
    json_number(&j, "silent", (uint64_t)g->silent_s);
    put_time(&j, "created", g->created_s);
    put_time(&j, "changed", g->changed_s);
    json_end_object(&j);
    json_finish(&j);
}
