/* Owns: when the command is run that renews our certificates.
 *
 * The command does the work and has the daemon read its file again.  What is due is asked anew
 * each time, of the certificates that are loaded: neither a clock that jumps nor a reload by
 * hand can leave this waiting for the wrong moment.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/renewal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "daemon/inside.h"
#include "kit/clock.h"
#include "kit/mem.h"

enum {
    LOOK_S = 3600,      /* at least so often, for clocks that jump */
    SHORTEST_S = 2,     /* between two tries */
    EIGHTH = 8,         /* of what is left of a certificate: the pause after a try in vain */
    ENDED_EVERY_S = 300 /* once it has ended */
};

struct renewal_watch {
    struct daemon *d;
    struct event *timer;
    struct updown *runner;
    unsigned tries;      /* in vain, in a row */
    int64_t tried_for_s; /* end of the certificate that they were for */
    bool clock_was_late; /* at the first look */
};

/* ---- when ------------------------------------------------------------------------------ */

static int64_t due_s(const struct renewal_time *t)
{
    return t->until_s - (t->until_s - t->from_s) / 3;
}

int64_t renewal_wait_s(const struct renewal_time *t, int64_t now_s)
{
    int64_t pause = due_s(t) - now_s;

    if (pause <= 0)
        pause = now_s >= t->until_s ? ENDED_EVERY_S : (t->until_s - now_s) / EIGHTH;
    return pause < SHORTEST_S ? SHORTEST_S : pause > LOOK_S ? LOOK_S : pause;
}

/* The one of ours that comes to its end last: older ones of the same key may lie beside it. */
static bool find_own(const struct daemon *d, struct renewal_time *out)
{
    struct cert_view v;
    unsigned at = 0;

    *out = (struct renewal_time){.until_s = INT64_MIN};
    while (creds_next_cert(d->creds, &at, &v))
        if (v.has_key && !v.ca && v.not_after_s > out->until_s)
            *out = (struct renewal_time){v.not_before_s, v.not_after_s};
    return out->until_s != INT64_MIN;
}

/* ---- what is done ----------------------------------------------------------------------- */

static void tell(const struct renewal_watch *w, const struct renewal_time *own, int64_t now_s)
{
    struct daemon *d = w->d;
    const int64_t left_s = own->until_s - now_s;

    if (left_s <= 0)
        daemon_log(d, 0, LOG_CFG, 0,
                   "our certificate has ended %" PRId64 " s ago and could not be renewed",
                   -left_s);
    else if (left_s < (own->until_s - own->from_s) / 6)
        daemon_log(d, 0, LOG_CFG, 0,
                   "our certificate ends in %" PRId64 " s and could not be renewed so far",
                   left_s);
}

static void try_now(struct renewal_watch *w, const struct renewal_time *own, int64_t now_s)
{
    if (w->tries > 0)
        tell(w, own, now_s);
    w->tries++;
    if (updown_idle(w->runner))
        updown_command(w->runner, w->d->conf.settings.renew);
}

static void wait(struct renewal_watch *w, int64_t s)
{
    const struct timeval t = {.tv_sec = (time_t)s};

    (void)evtimer_add(w->timer, &t);
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
    struct renewal_watch *w = ctx;
    const int64_t now_s = clock_unix_s();
    struct renewal_time own;

    (void)fd;
    (void)what;
    if (!find_own(w->d, &own)) {
        wait(w, LOOK_S);
        return;
    }
    if (own.until_s != w->tried_for_s)
        w->tries = 0;
    w->tried_for_s = own.until_s;
    if (w->clock_was_late || now_s >= due_s(&own))
        try_now(w, &own, now_s);
    w->clock_was_late = false;
    wait(w, renewal_wait_s(&own, now_s));
}

void renewal_look(struct renewal_watch *w)
{
    char path[512];

    if (w == NULL)
        return;
    (void)snprintf(path, sizeof(path), "%s/" CLOCK_FLOOR_FILE, w->d->opt.state_dir);
    clock_read_floor(path);
    wait(w, 0);
}

/* ---- life ------------------------------------------------------------------------------ */

static void note(void *ctx, int level, const char *text)
{
    daemon_log(ctx, level, LOG_CFG, 0, "%s", text);
}

struct renewal_watch *renewal_start(struct daemon *d)
{
    struct renewal_watch *w;

    if (d->conf.settings.renew == NULL)
        return NULL;
    w = mem_new(1, sizeof(*w));
    w->d = d;
    w->timer = evtimer_new(d->base, on_time, w);
    w->runner = updown_new(d->base, "renew", note, d);
    w->clock_was_late = clock_is_late();
    if (w->timer == NULL) {
        renewal_free(w);
        return NULL;
    }
    wait(w, w->clock_was_late ? 0 : 1);
    return w;
}

void renewal_free(struct renewal_watch *w)
{
    if (w == NULL)
        return;
    updown_free(w->runner);
    if (w->timer != NULL)
        event_free(w->timer);
    free(w);
}

void renewal_reap(struct renewal_watch *w)
{
    if (w != NULL)
        updown_reap(w->runner);
}
