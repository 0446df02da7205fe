/* The end: every IKE SA is deleted, in turns, until the peers have answered or time is out.
 *
 * A turn looks at a bounded number of IKE SAs and goes on where the last one ended, so that
 * answers are heard, and the limit rings, while tens of thousands are deleted.  Those that come
 * up meanwhile are found by the next round.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/inside.h"
#include "kit/clock.h"

enum { STOP_LIMIT_MS = 2000, STOP_A_TURN = 256, PAUSE_US = 100000 };

static void on_limit(evutil_socket_t fd, short what, void *ctx)
{
    struct daemon *d = ctx;

    (void)fd;
    (void)what;
    daemon_log(d, 1, LOG_DMN, 0, "some peers did not answer the delete in time");
    (void)event_base_loopexit(d->base, NULL);
}

static bool is_live(const struct cv_ike_info *ike)
{
    return ike->state != CV_IKE_DELETING && ike->state != CV_IKE_DEAD;
}

/* Deletes some.  False: the table's end. */
static bool delete_some(struct daemon *d)
{
    const uint64_t now = clock_now_ms();
    struct cv_ike_info ike;

    for (unsigned n = 0; n < STOP_A_TURN; n++) {
        if (!cv_ike_next(d->engine, &d->stop.delete_at, &ike))
            return false;
        if (!is_live(&ike))
            continue;
        (void)!cv_terminate_ike(d->engine, ike.id, false, now);
        daemon_pump(d);
    }
    return true;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    static const struct timeval at_once = {0}, pause = {.tv_usec = PAUSE_US};
    struct daemon *d = ctx;
    const bool more = delete_some(d);

    (void)fd;
    (void)what;
    if (!more)
        d->stop.delete_at = 0;
    (void)evtimer_add(d->stop.turn, more ? &at_once : &pause);
}

bool stop_prepare(struct stop *s, struct daemon *d)
{
    s->limit = evtimer_new(d->base, on_limit, d);
    s->turn = evtimer_new(d->base, on_turn, d);
    return s->limit != NULL && s->turn != NULL;
}

void daemon_stop(struct daemon *d)
{
    const struct timeval limit = {STOP_LIMIT_MS / 1000, STOP_LIMIT_MS % 1000 * 1000};

    if (d->stopping) {
        (void)event_base_loopbreak(d->base);
        return;
    }
    d->stopping = true;
    daemon_log(d, 1, LOG_DMN, 0, "stopping, deleting all SAs");
    (void)evtimer_add(d->stop.limit, &limit);
    on_turn(-1, EV_TIMEOUT, d);
    daemon_pump(d);
}

/* Does the engine have an IKE SA?  The one found last is asked first, and the search goes on
 * behind it: all answers together cost two walks of the table. */
static bool is_one_left(struct daemon *d)
{
    struct cv_ike_info ike;

    if (d->stop.left != 0 && cv_ike_info(d->engine, d->stop.left, &ike) &&
        ike.state != CV_IKE_DEAD)
        return true;
    for (unsigned round = 0; round < 2; round++) {
        while (cv_ike_next(d->engine, &d->stop.look_at, &ike)) {
            if (ike.state == CV_IKE_DEAD)
                continue;
            d->stop.left = ike.id;
            return true;
        }
        d->stop.look_at = 0;
    }
    return false;
}

void stop_look(struct daemon *d)
{
    if (!is_one_left(d) && updown_idle(d->updown))
        (void)event_base_loopexit(d->base, NULL);
}

static void free_event(struct event *e)
{
    if (e != NULL)
        event_free(e);
}

void stop_free(struct stop *s)
{
    free_event(s->limit);
    free_event(s->turn);
}
