/* A registry with a fleet in it, for those who look at the page, and for figures at a million.
 *
 *   page_fill FILE DEVICES      prints a one-time link's secret and an API token
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fleet/registry_device.h"
#include "fleet/registry_event.h"
#include "fleet/registry_group.h"
#include "fleet/registry_token.h"

enum { BATCH = 1000 };

static const char *const profiles[] = {"sensor", "camera", "meter", "gateway"};
static const char *const tenants[] = {"", "north", "south"};
static uint32_t seed = 17;
static int64_t now_s;

static uint32_t chance(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void need(struct registry *r, enum registry_err err)
{
    if (err == REGISTRY_OK)
        return;
    fprintf(stderr, "page_fill: %s\n", registry_why(r));
    exit(1);
}

static void make_one(struct device *d, unsigned i)
{
    memset(d, 0, sizeof(*d));
    snprintf(d->name, sizeof(d->name), "%s-%06u", profiles[i % 4], i);
    snprintf(d->profile, sizeof(d->profile), "%s", profiles[i % 4]);
    snprintf(d->tenant, sizeof(d->tenant), "%s", tenants[i % 3]);
    snprintf(d->tags, sizeof(d->tags), "%s",
             i % 5 == 0   ? "roof"
             : i % 7 == 0 ? "cellar wet"
                          : "");
    snprintf(d->hardware, sizeof(d->hardware), "35680910%07u", i);
    d->state = i % 41 == 7 ? DEVICE_SUSPENDED : i % 97 == 11 ? DEVICE_REVOKED : DEVICE_ACTIVE;
    if (i % 23 != 5) {
        snprintf(d->credential, sizeof(d->credential), "cert:%056x%08x", 0, i);
        d->credential_end_s = now_s + 86400 * (30 + (int64_t)chance(60));
    }
}

static void make_seen(struct device_seen *s, const struct device *d, unsigned i)
{
    struct device_presence *p = &s->now;

    memset(s, 0, sizeof(*s));
    s->device = d->id;
    p->online = d->state == DEVICE_ACTIVE && d->credential[0] != '\0' && i % 13 != 3;
    snprintf(p->gateway, sizeof(p->gateway), "gw1");
    snprintf(p->endpoint, sizeof(p->endpoint), "198.51.%u.%u:4500", i / 250 % 100, i % 250 + 1);
    snprintf(p->address, sizeof(p->address), "10.%u.%u.%u", 64 + i / 65536 % 64, i / 256 % 256,
             i % 256);
    p->seen_s = p->online ? now_s : now_s - 60 - chance(400000);
    p->since_s = p->online ? now_s - 30 - chance(900000) : p->seen_s;
    p->rx = 1000 + (uint64_t)chance(1u << 30) * (1 + i % 9);
    p->tx = 1000 + (uint64_t)chance(1u << 28);
    p->rx_packets = p->rx / 420;
    p->tx_packets = p->tx / 300;
    p->drops = chance(20) == 0 ? chance(200) : 0;
}

static void fill_devices(struct registry *r, unsigned n)
{
    static struct device v[BATCH];
    static struct device_seen seen[BATCH];

    for (unsigned at = 0; at < n; at += BATCH) {
        const unsigned some = n - at < BATCH ? n - at : BATCH;
        unsigned n_seen = 0;

        for (unsigned i = 0; i < some; i++)
            make_one(&v[i], at + i);
        need(r, registry_device_add(r, v, some));
        for (unsigned i = 0; i < some; i++)
            if (v[i].credential[0] != '\0')
                make_seen(&seen[n_seen++], &v[i], at + i);
        need(r, registry_seen(r, seen, n_seen));
    }
}

static void add_event(struct registry *r, enum event_severity severity, const char *kind,
                      const char *device, const char *text)
{
    struct fleet_event e = {.severity = severity, .at_ms = 0};
    struct device d = {.id = 0};

    if (device != NULL && registry_device_get(r, device, &d) == REGISTRY_OK)
        e.device = d.id;
    snprintf(e.kind, sizeof(e.kind), "%s", kind);
    snprintf(e.text, sizeof(e.text), "%s", text);
    snprintf(e.peer, sizeof(e.peer), "%s", device != NULL ? "198.51.0.18:4500" : "");
    need(r, registry_event_add(r, &e, 1));
}

static void fill_events(struct registry *r)
{
    add_event(r, EVENT_INFO, "up", "sensor-000000", "the tunnel is up");
    add_event(r, EVENT_INFO, "down", "sensor-000000",
              "the peer fell silent: no answer to 5 messages");
    add_event(r, EVENT_NOTICE, "refused", "camera-000089", "it is suspended");
    add_event(r, EVENT_WARNING, "wrong-codes", NULL,
              "5 wrong codes from 203.0.113.9: slowed down");
    add_event(r, EVENT_INFO, "enrolled", "meter-000002", "a certificate until March");
    add_event(r, EVENT_ALARM, "tamper", "gateway-000003",
              "packets were forged or altered on the way: 4 failed the integrity check");
    add_event(r, EVENT_INFO, "up", "gateway-000003", "the tunnel is up");
    add_event(r, EVENT_INFO, "up", "sensor-000000", "the tunnel is up");
}

static void make_token(struct registry *r, enum token_kind kind, const char *word)
{
    struct token t = {.kind = kind, .name = "page", .scopes = "manage", .ends_s = now_s + 3600};
    char secret[TOKEN_TEXT];

    need(r, registry_token_make(r, &t, secret));
    printf("%s %s\n", word, secret);
}

int main(int argc, char **argv)
{
    struct registry_config c = {.uri = argc > 1 ? argv[1] : "", .gateway = "gw1"};
    enum registry_err err;
    struct problem why = {.text = "page_fill FILE DEVICES"};
    struct registry *r = argc == 3 ? registry_open(&c, &err, &why) : NULL;
    struct group g = {.notes = ""};

    if (r == NULL) {
        fprintf(stderr, "page_fill: %s\n", why.text);
        return 2;
    }
    now_s = time(NULL);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(g.name, sizeof(g.name), "%s", profiles[i]);
        need(r, registry_group_put(r, GROUP_PROFILE, &g, NULL));
    }
    for (unsigned i = 1; i < 3; i++) {
        snprintf(g.name, sizeof(g.name), "%s", tenants[i]);
        need(r, registry_group_put(r, GROUP_TENANT, &g, NULL));
    }
    need(r, registry_setting_put(r, "gateway", "gw.example:8443"));
    need(r, registry_setting_put(r, "pin", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"));
    fill_devices(r, (unsigned)strtoul(argv[2], NULL, 10));
    fill_events(r);
    make_token(r, TOKEN_LINK, "link");
    make_token(r, TOKEN_API, "token");
    registry_close(r);
    return 0;
}
