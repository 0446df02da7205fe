/* Owns what decisions of operators leave in the list of events.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_decide.h"

#include <stdio.h>

#include "fleet/registry_code.h"
#include "fleet/registry_event.h"
#include "fleet/registry_inside.h"

struct deciding {
    const struct decision *d;
    struct device now;
};

static const char *kind_of(unsigned fields, enum device_state before, enum device_state after)
{
    if ((fields & DEVICE_STATE) != 0 && before != after)
        return after == DEVICE_SUSPENDED ? "suspended"
               : after == DEVICE_REVOKED ? "revoked"
                                         : "resumed";
    return (fields & DEVICE_NAME) != 0 ? "renamed" : "changed";
}

/* "profile meter, address 10.99.0.7" */
static void list_fields(const struct device *d, unsigned fields, char *out, size_t n)
{
    const struct {
        unsigned field;
        const char *word, *value;
    } all[] = {
        {DEVICE_PROFILE,  "profile",  d->profile },
        {DEVICE_TENANT,   "tenant",   d->tenant  },
        {DEVICE_ADDRESS,  "address",  d->address },
        {DEVICE_ADDRESS,  "address",  d->address6},
        {DEVICE_HARDWARE, "hardware", d->hardware},
        {DEVICE_TAGS,     "tags",     d->tags    },
        {DEVICE_NOTES,    "notes",    d->notes   },
    };
    size_t at = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]) && at < n; i++) {
        if ((fields & all[i].field) == 0 || (i == 3 && d->address6[0] == '\0'))
            continue;
        at += (size_t)snprintf(out + at, n - at, "%s%s %s", at > 0 ? ", " : "", all[i].word,
                               all[i].value[0] != '\0' ? all[i].value : "none");
    }
}

static enum registry_err tell(struct registry *r, const struct decision *d,
                              const struct device *before, const struct device *after)
{
    struct fleet_event e = {.severity = EVENT_NOTICE, .device = after->id};
    char what[300];

    snprintf(e.kind, sizeof(e.kind), "%s", kind_of(d->fields, before->state, after->state));
    list_fields(after, d->fields, what, sizeof(what));
    if ((d->fields & DEVICE_NAME) != 0)
        snprintf(e.text, sizeof(e.text), "%s is %s now, by %s", before->name, after->name,
                 d->by);
    else
        snprintf(e.text, sizeof(e.text), "%s%s%s by %s", e.kind, what[0] != '\0' ? ": " : "",
                 what, d->by);
    return registry_event_add(r, &e, 1);
}

static enum registry_err end_credentials(struct registry *r, int64_t device)
{
    enum registry_err err = registry_certificate_revoke(r, device);

    if (err == REGISTRY_OK)
        err = REGISTRY_DO(r, "DELETE FROM code WHERE device = $1", SQL_N(device));
    return err == REGISTRY_OK ? registry_secret_put(r, device, "") : err;
}

static enum registry_err decide(struct registry *r, void *ctx)
{
    struct deciding *g = ctx;
    const struct decision *d = g->d;
    struct device before, to = *d->to;
    enum registry_err err = registry_device_get(r, d->name, &before);

    to.id = before.id;
    if (err == REGISTRY_OK)
        err = registry_device_set(r, &to, d->fields);
    if (err == REGISTRY_OK)
        err = registry_device_by_id(r, to.id, &g->now);
    if (err == REGISTRY_OK && (d->fields & DEVICE_STATE) != 0 && to.state == DEVICE_REVOKED)
        err = end_credentials(r, to.id);
    return err == REGISTRY_OK ? tell(r, d, &before, &g->now) : err;
}

enum registry_err registry_decide(struct registry *r, const struct decision *d,
                                  struct device *out)
{
    struct deciding g = {.d = d};
    const enum registry_err err = registry_together(r, decide, &g);

    if (err == REGISTRY_OK && out != NULL)
        *out = g.now;
    return err;
}

struct removing {
    const char *name, *by;
};

static enum registry_err remove_it(struct registry *r, void *ctx)
{
    const struct removing *g = ctx;
    struct fleet_event e = {.severity = EVENT_NOTICE, .kind = "removed"};
    enum registry_err err = registry_device_remove(r, g->name);

    snprintf(e.name, sizeof(e.name), "%s", g->name);
    snprintf(e.text, sizeof(e.text), "removed by %s", g->by);
    return err == REGISTRY_OK ? registry_event_add(r, &e, 1) : err;
}

enum registry_err registry_decide_removal(struct registry *r, const char *name, const char *by)
{
    struct removing g = {name, by};

    return registry_together(r, remove_it, &g);
}
