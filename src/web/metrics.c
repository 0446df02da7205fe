/* Owns /metrics (OpenMetrics 1.0): the fleet, its tenants and profiles, this gateway's traffic.
 *
 * Invariant: how many series there are does not depend on how many devices there are.  A device
 * has series of its own only where it is asked for by ?device=.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include <culvert/version.h>

#include "fleet/registry_group.h"
#include "web/inside.h"

enum { GROUPS_MAX = 200, PATIENCE_MS = 500 };

struct page {
    struct call *c;
    FILE *out;
    int64_t patience_ms; /* for counting anew */
};

static void put_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fputc(*text == '\n' ? ' ' : *text, out);
}

static void family(const struct page *p, const char *name, const char *type, const char *help)
{
    fprintf(p->out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

/* ---- the fleet ---- */

static void put_counts(const struct page *p, const char *kind, const char *name,
                       const struct device_counts *n)
{
    for (int s = 0; s < DEVICE_STATES; s++) {
        fprintf(p->out, "culvert_%sdevices{", kind);
        if (name != NULL) {
            fprintf(p->out, "%.*s=\"", (int)strlen(kind) - 1, kind);
            put_text(p->out, name);
            fputs("\",", p->out);
        }
        fprintf(p->out, "state=\"%s\"} %" PRIu64 "\n", device_state_name((enum device_state)s),
                n->by_state[s]);
    }
}

static void put_online(const struct page *p, const char *kind, const char *name, uint64_t n)
{
    fprintf(p->out, "culvert_%sdevices_online", kind);
    if (name != NULL) {
        fprintf(p->out, "{%.*s=\"", (int)strlen(kind) - 1, kind);
        put_text(p->out, name);
        fputs("\"}", p->out);
    }
    fprintf(p->out, " %" PRIu64 "\n", n);
}

struct group_list {
    struct group v[GROUPS_MAX];
    unsigned n, left_out;
};

static void keep(void *ctx, const struct group *g)
{
    struct group_list *l = ctx;

    if (l->n < GROUPS_MAX)
        l->v[l->n++] = *g;
    else
        l->left_out++;
}

static bool put_groups(struct page *p, enum group_kind kind)
{
    const char *const label = kind == GROUP_TENANT ? "tenant_" : "profile_";
    static _Thread_local struct group_list list;
    static _Thread_local struct device_counts counts[GROUPS_MAX];
    char name[64];

    list.n = list.left_out = 0;
    if (!call_ok(p->c, registry_group_list(p->c->r, kind, keep, &list)))
        return false;
    for (unsigned i = 0; i < list.n; i++)
        if (!call_ok(p->c, census_count(&p->c->w->census, p->c->r,
                                        kind == GROUP_TENANT ? list.v[i].name : NULL,
                                        kind == GROUP_PROFILE ? list.v[i].name : NULL,
                                        &p->patience_ms, &counts[i])))
            return false;
    snprintf(name, sizeof(name), "culvert_%sdevices", label);
    family(p, name, "gauge", "Devices of it by state.");
    for (unsigned i = 0; i < list.n; i++)
        put_counts(p, label, list.v[i].name, &counts[i]);
    snprintf(name, sizeof(name), "culvert_%sdevices_online", label);
    family(p, name, "gauge", "Devices of it that are connected.");
    for (unsigned i = 0; i < list.n; i++)
        put_online(p, label, list.v[i].name, counts[i].online);
    snprintf(name, sizeof(name), "culvert_%sleft_out", label);
    family(p, name, "gauge", "How many of them have no series here.");
    fprintf(p->out, "%s %u\n", name, list.left_out);
    return true;
}

static bool put_fleet(struct page *p)
{
    struct device_counts counts;
    int64_t newest;

    if (!call_ok(p->c, census_count(&p->c->w->census, p->c->r, NULL, NULL, &p->patience_ms,
                                    &counts)) ||
        !call_ok(p->c, registry_event_newest(p->c->r, &newest)))
        return false;
    p->out = http_body(p->c->res);
    family(p, "culvert_devices", "gauge", "Devices in the registry by state.");
    put_counts(p, "", NULL, &counts);
    family(p, "culvert_devices_online", "gauge", "Devices that are connected.");
    put_online(p, "", NULL, counts.online);
    family(p, "culvert_devices_never_seen", "gauge", "Devices that have never been connected.");
    fprintf(p->out, "culvert_devices_never_seen %" PRIu64 "\n", counts.never_seen);
    family(p, "culvert_events", "counter", "Events in the registry since it was made.");
    fprintf(p->out, "culvert_events_total %" PRId64 "\n", newest);
    return put_groups(p, GROUP_TENANT) && put_groups(p, GROUP_PROFILE);
}

/* ---- this gateway ---- */

static void put_traffic(const struct page *p, const struct live_figures *live)
{
    family(p, "culvert_traffic_bytes", "counter",
           "Octets through tunnels, both sides' headers "
           "apart, by direction.");
    fprintf(p->out, "culvert_traffic_bytes_total{direction=\"in\"} %" PRIu64 "\n",
            live->bytes_in);
    fprintf(p->out, "culvert_traffic_bytes_total{direction=\"out\"} %" PRIu64 "\n",
            live->bytes_out);
    family(p, "culvert_traffic_packets", "counter", "Packets through tunnels by direction.");
    fprintf(p->out, "culvert_traffic_packets_total{direction=\"in\"} %" PRIu64 "\n",
            live->packets_in);
    fprintf(p->out, "culvert_traffic_packets_total{direction=\"out\"} %" PRIu64 "\n",
            live->packets_out);
    family(p, "culvert_failures", "counter",
           "Packets dropped, exchanges failed and requests refused, by reason.");
    for (unsigned i = 0; i < live->n_errors; i++)
        fprintf(p->out, "culvert_failures_total{reason=\"%s\"} %" PRIu64 "\n",
                live->errors[i].name, live->errors[i].value);
    family(p, "culvert_ike_sas", "gauge", "IKE SAs of this gateway.");
    fprintf(p->out, "culvert_ike_sas %" PRIu64 "\n", live->ike_sas);
    family(p, "culvert_ike_sas_half_open", "gauge",
           "IKE SAs whose peer has not proven itself.");
    fprintf(p->out, "culvert_ike_sas_half_open %" PRIu64 "\n", live->half_open);
}

static void put_gateway(const struct page *p)
{
    struct live_figures live;

    live_get(&p->c->w->live, &live);
    family(p, "culvert_build", "info", "The version that runs.");
    fprintf(p->out, "culvert_build_info{version=\"%s\"} 1\n", cv_version());
    family(p, "culvert_gateway_up", "gauge", "Does culvertd answer on this host?");
    fprintf(p->out, "culvert_gateway_up %d\n", live.is_there);
    if (live.is_there)
        put_traffic(p, &live);
}

static void put_server(const struct page *p)
{
    const struct http_stats *s = &p->c->req->server;

    family(p, "culvert_http_requests", "counter", "Requests to this server.");
    fprintf(p->out, "culvert_http_requests_total %" PRIu64 "\n", s->requests);
    family(p, "culvert_http_answers", "counter", "Answers by the first digit of their status.");
    for (unsigned i = 2; i < 6; i++)
        fprintf(p->out, "culvert_http_answers_total{class=\"%uxx\"} %" PRIu64 "\n", i,
                s->by_class[i]);
    family(p, "culvert_http_refused", "counter",
           "Requests and connections refused, by reason.");
    fprintf(p->out,
            "culvert_http_refused_total{reason=\"rate\"} %" PRIu64 "\n"
            "culvert_http_refused_total{reason=\"busy\"} %" PRIu64 "\n"
            "culvert_http_refused_total{reason=\"connections\"} %" PRIu64 "\n"
            "culvert_http_refused_total{reason=\"slow\"} %" PRIu64 "\n",
            s->refused_rate, s->refused_busy, s->refused_source, s->closed_slow);
    family(p, "culvert_http_connections", "gauge", "Connections to this server.");
    fprintf(p->out, "culvert_http_connections %u\n", s->connections);
}

/* ---- one device ---- */

static void put_labels(const struct page *p, const char *metric, const struct device *d)
{
    fprintf(p->out, "%s{device=\"", metric);
    put_text(p->out, d->name);
    fputs("\"} ", p->out);
}

static bool put_device(struct page *p, const char *name)
{
    struct device d;

    if (!call_ok(p->c, registry_device_get(p->c->r, name, &d)))
        return false;
    family(p, "culvert_device_online", "gauge", "Is the device connected?");
    put_labels(p, "culvert_device_online", &d);
    fprintf(p->out, "%d\n", d.presence.online);
    family(p, "culvert_device_seen_seconds", "gauge", "Its last authentic packet, Unix time.");
    put_labels(p, "culvert_device_seen_seconds", &d);
    fprintf(p->out, "%" PRId64 "\n", d.presence.seen_s);
    family(p, "culvert_device_received_bytes", "counter", "Octets from the device.");
    put_labels(p, "culvert_device_received_bytes_total", &d);
    fprintf(p->out, "%" PRIu64 "\n", d.presence.rx);
    family(p, "culvert_device_sent_bytes", "counter", "Octets to the device.");
    put_labels(p, "culvert_device_sent_bytes_total", &d);
    fprintf(p->out, "%" PRIu64 "\n", d.presence.tx);
    family(p, "culvert_device_drops", "counter", "Packets of the device that were dropped.");
    put_labels(p, "culvert_device_drops_total", &d);
    fprintf(p->out, "%" PRIu64 "\n", d.presence.drops);
    family(p, "culvert_device_credential_end_seconds", "gauge", "Its credential's end.");
    put_labels(p, "culvert_device_credential_end_seconds", &d);
    fprintf(p->out, "%" PRId64 "\n", d.credential_end_s);
    return true;
}

void metrics_get(struct call *c)
{
    struct page p = {.c = c, .patience_ms = PATIENCE_MS};
    char device[64];

    if (!c->w->metrics_open) {
        if (!access_check(c, SCOPE_READ))
            return;
        if (c->who.tenant[0] != '\0') {
            http_problem(c->res, 403,
                         "metrics are the whole fleet's; this token is for tenant "
                         "'%s' alone",
                         c->who.tenant);
            return;
        }
    }
    if (!call_text(c, "device", device, sizeof(device)) || !put_fleet(&p))
        return;
    if (device[0] != '\0' && !put_device(&p, device))
        return;
    put_gateway(&p);
    put_server(&p);
    fputs("# EOF\n", p.out);
    c->res->type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
}
