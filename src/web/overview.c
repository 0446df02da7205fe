/* Owns the overview: how many devices there are, and what passes now.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <culvert/version.h>

#include "web/inside.h"

static void write_counts(struct json *j, const struct device_counts *n)
{
    json_object(j, "devices");
    json_number(j, "all", n->all);
    json_number(j, "online", n->online);
    json_number(j, "never_seen", n->never_seen);
    for (int s = 0; s < DEVICE_STATES; s++)
        json_number(j, device_state_name((enum device_state)s), n->by_state[s]);
    json_end_object(j);
}

/* What every tenant's devices send is the whole gateway's, and no single tenant's business. */
static void write_live(struct json *j, const struct live_figures *live)
{
    json_object(j, "live");
    json_bool(j, "is_there", live->is_there);
    json_text(j, "why", live->why);
    json_number(j, "at_ms", (uint64_t)live->at_ms);
    json_number(j, "bytes_in", live->bytes_in);
    json_number(j, "bytes_out", live->bytes_out);
    json_number(j, "packets_in", live->packets_in);
    json_number(j, "packets_out", live->packets_out);
    json_number(j, "tunnels", live->ike_sas);
    json_number(j, "half_open", live->half_open);
    json_object(j, "drops");
    for (unsigned i = 0; i < live->n_errors; i++)
        json_number(j, live->errors[i].name, live->errors[i].value);
    json_end_object(j);
    json_end_object(j);
}

void overview_get(struct call *c)
{
    char gateway[256] = "";
    int64_t patience_ms = 250;
    struct device_counts counts;
    struct live_figures live;
    enum registry_err err;
    struct json j;

    if (!call_ok(c, census_count(&c->w->census, c->r,
                                 c->who.tenant[0] != '\0' ? c->who.tenant : NULL, NULL,
                                 &patience_ms, &counts)))
        return;
    err = registry_setting_get(c->r, "gateway", gateway, sizeof(gateway));
    if (err != REGISTRY_NONE && !call_ok(c, err))
        return;
    live_get(&c->w->live, &live);
    j = call_json(c, 200);
    json_object(&j, NULL);
    json_text(&j, "gateway", gateway);
    json_text(&j, "version", cv_version());
    json_text(&j, "daemon_version", live.version);
    json_text(&j, "tenant", c->who.tenant);
    write_counts(&j, &counts);
    if (c->who.tenant[0] == '\0')
        write_live(&j, &live);
    json_end_object(&j);
    json_finish(&j);
}
