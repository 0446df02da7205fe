/* Owns: IKE messages that leave later than they could (send_delay of strongswan.conf), to try
 * out what a slow network does.
 *
 * Invariant: at most DELAYED_MAX are held; one more leaves at once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "daemon/inside.h"
#include "kit/mem.h"

enum { DELAYED_MAX = 1024, EXCHANGE_AT = 18, FLAGS_AT = 19, FLAG_RESPONSE = 0x20, MARKER = 4 };

struct delayed {
    struct daemon *d;
    struct event *due;
    struct cv_effect fx;
    struct delayed *next;
    uint8_t octets[];
};

/* By IKE's header (RFC 7296 section 3.1), which comes after a marker of four zeros on port
 * 4500. */
static bool is_meant(const struct send_delay *s, struct cv_span m)
{
    static const uint8_t marker[MARKER] = {0};

    if (m.n > MARKER && memcmp(m.p, marker, MARKER) == 0)
        m = span_from(m, MARKER);
    if (m.n <= FLAGS_AT || (s->exchange != 0 && s->exchange != m.p[EXCHANGE_AT]))
        return false;
    return m.p[FLAGS_AT] & FLAG_RESPONSE ? s->responses : s->requests;
}

static void drop(struct daemon *d, struct delayed *gone)
{
    struct delayed **at = &d->delayed;

    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    d->n_delayed--;
    event_free(gone->due);
    free(gone);
}

static void leave(evutil_socket_t fd, short what, void *ctx)
{
    struct delayed *m = ctx;
    struct daemon *d = m->d;

    (void)fd;
    (void)what;
    netio_send(&d->io, &m->fx);
    drop(d, m);
}

bool delay_send(struct daemon *d, const struct cv_effect *fx)
{
    const struct send_delay *s = &d->conf.settings.delay;
    const struct cv_span data = fx->u.send.data;
    const struct timeval wait = {s->ms / 1000, (suseconds_t)(s->ms % 1000) * 1000};
    struct delayed *m;

    if (s->ms == 0 || d->n_delayed == DELAYED_MAX || !is_meant(s, data))
        return false;
    m = mem_new(1, sizeof(*m) + data.n);
    memcpy(m->octets, data.p, data.n);
    m->d = d;
    m->fx = *fx;
    m->fx.u.send.data = span(m->octets, data.n);
    m->due = evtimer_new(d->base, leave, m);
    if (m->due == NULL || evtimer_add(m->due, &wait) != 0)
        abort();
    m->next = d->delayed;
    d->delayed = m;
    d->n_delayed++;
    return true;
}

void delay_free(struct daemon *d)
{
    while (d->delayed != NULL)
        drop(d, d->delayed);
}
