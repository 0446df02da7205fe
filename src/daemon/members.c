/* The daemon's part in the fleet: a roster as soon as somebody needs one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "daemon/inside.h"
#include "kit/journal.h"

static void on_pump(void *ctx)
{
    daemon_pump(ctx);
}

static void on_note(void *ctx, int level, uint32_t ike, const char *text)
{
    daemon_log(ctx, level, LOG_IKE, ike, "%s", text);
}

/* With fields of their own, events can be filtered there: journalctl CULVERT_DEVICE=sensor-17.
 */
static void tell_journal(const struct fleet_event *e)
{
    char priority[4];
    const struct journal_field v[] = {
        {"MESSAGE",           e->text                         },
        {"PRIORITY",          priority                        },
        {"SYSLOG_IDENTIFIER", "culvertd"                      },
        {"CULVERT_EVENT",     e->kind                         },
        {"CULVERT_SEVERITY",  event_severity_name(e->severity)},
        {"CULVERT_DEVICE",    e->name                         },
        {"CULVERT_TENANT",    e->tenant                       },
        {"CULVERT_PEER",      e->peer                         },
    };

    snprintf(priority, sizeof(priority), "%d", event_severity_syslog(e->severity));
    (void)journal_send(JOURNAL_SOCKET, v, sizeof(v) / sizeof(v[0])); /* the registry has it */
}

static void on_event(void *ctx, const struct fleet_event *e)
{
    daemon_tell_fleet(ctx, e);
    if (journal_is_there())
        tell_journal(e);
}

bool members_need(struct daemon *d, struct problem *why)
{
    const struct daemon_settings *s = &d->conf.settings;
    const struct roster_host host = {.base = d->base,
                                     .engine = d->engine,
                                     .ask = d->ask,
                                     .pools = d->pools,
                                     .creds = d->creds,
                                     .pump = on_pump,
                                     .note = on_note,
                                     .event = on_event,
                                     .ctx = d};
    char own[512];

    if (d->roster != NULL)
        return true;
    snprintf(own, sizeof(own), "%s/fleet.db", d->opt.state_dir);
    d->roster = roster_new(&host, s->registry != NULL ? s->registry : own, s->gateway,
                           s->limits.ike_sas);
    if (d->roster == NULL)
        return problem_set(why, "no descriptor for the thread that asks the registry");
    if (d->threads_started)
        members_start(d);
    return true;
}

void members_start(struct daemon *d)
{
    d->threads_started = true;
    if (d->roster != NULL && !roster_start(d->roster))
        daemon_log(d, 0, LOG_DMN, 0,
                   "the system gives no thread that asks the registry: devices of the fleet "
                   "are not let in");
}

void members_event(struct daemon *d, const struct cv_effect *fx)
{
    if (d->roster != NULL)
        roster_event(d->roster, fx);
}

bool daemon_fleet_stats(const struct daemon *d, struct roster_stats *out)
{
    if (d->roster == NULL)
        return false;
    roster_get_stats(d->roster, out);
    return true;
}
