/* Owns: who hears the engine's events and the log's lines.
 * Invariant: a listener may register or go away while a round over all of them is under way,
 * and rounds may be within rounds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "daemon/inside.h"

void daemon_listen(struct daemon *d, struct listener *l)
{
    l->next = d->listeners;
    d->listeners = l;
}

void daemon_unlisten(struct daemon *d, struct listener *l)
{
    struct listener **at = &d->listeners;

    while (*at != NULL && *at != l)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = l->next;
    for (struct listen_round *r = d->rounds; r != NULL; r = r->outer)
        if (r->next == l)
            r->next = l->next;
}

void daemon_tell(struct daemon *d, const struct cv_effect *fx)
{
    struct listen_round round = {d->listeners, d->rounds};

    d->rounds = &round;
    while (round.next != NULL) {
        struct listener *l = round.next;

        round.next = l->next;
        if (l->event != NULL)
            l->event(l->ctx, fx);
    }
    d->rounds = round.outer;
}

void daemon_tell_fleet(struct daemon *d, const struct fleet_event *e)
{
    struct listen_round round = {d->listeners, d->rounds};

    d->rounds = &round;
    while (round.next != NULL) {
        struct listener *l = round.next;

        round.next = l->next;
        if (l->fleet != NULL)
            l->fleet(l->ctx, e);
    }
    d->rounds = round.outer;
}

void daemon_log_levels(const struct daemon *d, uint8_t out[LOG_GROUPS])
{
    for (int g = 0; g < LOG_GROUPS; g++)
        out[g] = (uint8_t)d->log.level[g];
}

void daemon_set_log_levels(struct daemon *d, const uint8_t levels[LOG_GROUPS])
{
    traces_set_levels(d, levels);
}

void daemon_log(struct daemon *d, int level, enum log_group group, uint32_t ike,
                const char *fmt, ...)
{
    struct listen_round round = {d->listeners, d->rounds};
    const struct log_line *line;
    const char *conn = NULL;
    struct cv_ike_info info;
    char text[LOG_TEXT];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (ike != 0 && d->engine != NULL && cv_ike_info(d->engine, ike, &info) &&
        info.conn != NULL)
        conn = info.conn->name;
    line = log_put(&d->log, level, group, ike, conn, text);
    d->rounds = &round;
    while (round.next != NULL) {
        struct listener *l = round.next;

        round.next = l->next;
        if (l->log != NULL)
            l->log(l->ctx, level, group, ike, conn, line->text);
    }
    d->rounds = round.outer;
}

const struct log_line *daemon_next_line(const struct daemon *d, uint64_t *at)
{
    return log_next(&d->log, at);
}
