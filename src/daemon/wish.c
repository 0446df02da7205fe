/* Owns: wishes, the children that should be up.
 *
 * A wish of start_action stands as long as its connection is loaded: it is tried at once, after
 * a failure again with growing pauses, keyingtries times (0: for ever), and so after the tunnel
 * has ended but by an operator's word.  Each attempt is made anew: name, source address, keys.
 * What traffic or a command asks for is tried once.
 *
 * Invariant: at most one wish per child; wishes point to connections in d->conns only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/inside.h"
#include "kit/clock.h"
#include "kit/mem.h"
#include "text/text.h"
#include "wire/ip.h"

enum {
    PAUSE_FIRST_MS = 2000,
    PAUSE_MAX_MS = 60000,
    STABLE_MS = 60000,    /* a tunnel that was up so long has not failed */
    SOON_MS = 500,        /* when there is news: not all devices in the same moment */
    PROBE_EVERY_MS = 2000 /* of one tunnel */
};

enum wish_state { WISH_DUE, WISH_RESOLVING, WISH_UNDERWAY, WISH_UP };

struct wish {
    struct conn *conn;
    const struct cv_child_config *child; /* NULL: the IKE SA alone */
    enum wish_state state;
    bool stands;    /* start_action's; what traffic and commands want is tried once */
    uint32_t ike;   /* underway or up: the IKE SA's number, as far as it is known */
    unsigned tries; /* that failed since it was up */
    uint64_t due_ms, pause_ms, up_ms, probed_ms;
    struct wish *next;
};

static struct wish **wish_find(struct daemon *d, const struct conn *c,
                               const struct cv_child_config *child)
{
    struct wish **at = &d->wishes;

    while (*at != NULL && ((*at)->conn != c || (*at)->child != child))
        at = &(*at)->next;
    return at;
}

static void wish_drop(struct wish **at)
{
    struct wish *gone = *at;

    *at = gone->next;
    free(gone);
}

void wish_arm(struct daemon *d)
{
    uint64_t first = UINT64_MAX, now = clock_now_ms();
    struct timeval wait;

    for (const struct wish *w = d->wishes; w != NULL; w = w->next)
        if (w->state == WISH_DUE && w->due_ms < first)
            first = w->due_ms;
    if (first == UINT64_MAX) {
        (void)evtimer_del(d->retry);
        return;
    }
    first = first > now ? first - now : 0;
    wait = (struct timeval){(time_t)(first / 1000), (suseconds_t)(first % 1000) * 1000};
    (void)evtimer_add(d->retry, &wait);
}

static struct wish *wish_make(struct daemon *d, struct conn *c,
                              const struct cv_child_config *child)
{
    struct wish **at = wish_find(d, c, child);

    if (*at == NULL) {
        *at = mem_new(1, sizeof(**at));
        **at = (struct wish){.conn = c, .child = child, .pause_ms = PAUSE_FIRST_MS};
    }
    return *at;
}

static uint64_t random_below(uint64_t n)
{
    uint32_t v;

    if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != (ssize_t)sizeof(v))
        v = (uint32_t)clock_now_ms();
    return n == 0 ? 0 : v % n;
}

/* After the pause or up to half of it sooner: devices that failed together do not come
 * together. */
static void wish_later(struct daemon *d, struct wish *w)
{
    const uint64_t pause = w->pause_ms - random_below(w->pause_ms / 2);

    w->state = WISH_DUE;
    w->ike = 0;
    w->due_ms = clock_now_ms() + pause;
    w->pause_ms = w->pause_ms * 2 < PAUSE_MAX_MS ? w->pause_ms * 2 : PAUSE_MAX_MS;
    daemon_log(d, 1, LOG_MGR, 0, "%s: next attempt in %llu.%llu s, or when the network changes",
               w->conn->cv.name, (unsigned long long)(pause / 1000),
               (unsigned long long)(pause % 1000 / 100));
}

/* An attempt failed: another one after a pause, or none.  sent: the peer had its chance. */
static void wish_failed(struct daemon *d, struct wish **at, bool sent)
{
    struct wish *w = *at;
    const unsigned most = w->conn->cv.keyingtries;

    w->tries += sent;
    if (!w->stands || d->stopping) {
        wish_drop(at);
    } else if (most != 0 && w->tries >= most) {
        daemon_log(d, 0, LOG_MGR, 0, "%s: gave up after %u attempts, as keyingtries says",
                   w->conn->cv.name, w->tries);
        wish_drop(at);
    } else {
        wish_later(d, w);
    }
}

/* No IKE SA exists for it, so the engine has no event to give: listeners still wait. */
static void tell_failed(struct daemon *d, const struct wish *w, enum cv_err err)
{
    struct cv_effect fx = {.kind = CV_EVENT, .conn = &w->conn->cv};

    fx.u.event.kind = CV_EV_CHILD_FAILED;
    fx.u.event.err = err;
    fx.u.event.child_cfg = w->child;
    daemon_tell(d, &fx);
}

static void wish_try(struct daemon *d, struct wish **at)
{
    struct wish *w = *at;
    struct problem why;
    enum initiate_result result = initiate(d, w->conn, w->child, &w->ike, &why);

    switch (result) {
    case INITIATE_STARTED:
        w->state = WISH_UNDERWAY;
        break;
    case INITIATE_WAITS:
        w->state = WISH_RESOLVING;
        break;
    case INITIATE_NOT_NOW: /* at boot, before the network is up, this is normal */
    case INITIATE_FAILED:
        daemon_log(d, 0, LOG_CFG, 0, "%s", why.text);
        tell_failed(d, w, result == INITIATE_NOT_NOW ? CV_ERR_UNREACHABLE : CV_ERR_ARGUMENT);
        if (result == INITIATE_NOT_NOW)
            wish_failed(d, at, false);
        else
            wish_drop(at);
        break;
    }
}

void wish_start(struct daemon *d, struct conn *c, const struct cv_child_config *child,
                bool stands)
{
    struct wish *w;

    if (d->stopping)
        return;
    w = wish_make(d, c, child);
    w->stands = w->stands || stands;
    if (w->state == WISH_UNDERWAY || w->state == WISH_RESOLVING)
        return;
    w->state = WISH_DUE;
    w->due_ms = 0;
    wish_arm(d);
}

/* The address that the tunnel has is gone and another leads to the peer: nothing comes back. */
static bool path_is_gone(struct daemon *d, const struct cv_ike_info *ike)
{
    struct cv_addr src;

    return route_source(&d->net.nl, &ike->remote.addr, ROUTE_MARK, &src, NULL) == 0 &&
           !addr_equal(&src, &ike->local.addr) && !roaming_has(d, &ike->local.addr);
}

static void wish_check_path(struct daemon *d, struct wish *w)
{
    const uint64_t now = clock_now_ms();
    struct cv_ike_info ike;
    char text[64];

    if (!cv_ike_info(d->engine, w->ike, &ike) || ike.mobike) /* roaming.c moves those */
        return;
    if (path_is_gone(d, &ike)) {
        addr_format(text, sizeof(text), &ike.local.addr);
        daemon_log(d, 1, LOG_MGR, ike.id, "our address %s is gone, connecting anew", text);
        w->state = WISH_DUE;
        w->ike = 0;
        w->due_ms = now;
        (void)!cv_terminate_ike(d->engine, ike.id, true, now);
    } else if (now - w->probed_ms >= PROBE_EVERY_MS) {
        w->probed_ms = now;
        (void)!cv_probe(d->engine, ike.id, now);
    }
}

/* What waits for a later attempt may work now; what is up, or on its way, may have to go
 * another way, or hears from its peer again. */
void wish_paths(struct daemon *d)
{
    const uint64_t now = clock_now_ms();

    hosts_forget(d->hosts);
    for (struct wish *w = d->wishes; w != NULL; w = w->next) {
        if (w->state == WISH_DUE && w->due_ms > now + SOON_MS)
            w->due_ms = now + random_below(SOON_MS);
        else if (w->state == WISH_UNDERWAY || w->state == WISH_UP)
            wish_check_path(d, w);
    }
    wish_arm(d);
    daemon_pump(d);
}

void wish_wait(struct daemon *d, struct conn *c, const struct cv_child_config *child)
{
    struct wish *w = wish_make(d, c, child);

    w->state = WISH_RESOLVING;
}

/* Some name is: a wish that waits for another one finds, when tried, that it still waits. */
void wish_resolved(struct daemon *d)
{
    for (struct wish *w = d->wishes; w != NULL; w = w->next) {
        if (w->state != WISH_RESOLVING)
            continue;
        w->state = WISH_DUE;
        w->due_ms = 0;
    }
    wish_arm(d);
}

void wish_retry(struct daemon *d)
{
    uint64_t now = clock_now_ms();
    struct wish **at = &d->wishes;

    while (*at != NULL) {
        struct wish *w = *at;

        if (w->state == WISH_DUE && w->due_ms <= now)
            wish_try(d, at);
        if (*at == w)
            at = &w->next;
    }
    wish_arm(d);
    daemon_pump(d);
}

/* A tunnel of the file's is to be up again.  One that stood for long has earned a fresh start.
 */
void wish_again(struct daemon *d, struct conn *c, const struct cv_child_config *child)
{
    struct wish *w = wish_make(d, c, child);

    w->stands = true;
    if (w->state != WISH_UP && w->state != WISH_DUE)
        return;
    if (clock_now_ms() - w->up_ms >= STABLE_MS)
        w->pause_ms = PAUSE_FIRST_MS;
    wish_later(d, w);
    wish_arm(d);
}

void wish_renamed(struct daemon *d, const struct cv_effect *fx)
{
    for (struct wish *w = d->wishes; w != NULL; w = w->next)
        if (w->ike == fx->ike)
            w->ike = fx->u.event.ike_new;
}

void wish_up(struct daemon *d, struct conn *c, const struct cv_effect *fx)
{
    const struct cv_child_config *child = fx->u.event.child_cfg;
    struct wish *w;

    if ((child->start_action & CV_ACTION_START) == 0) {
        wish_forget(d, c, child);
        return;
    }
    w = wish_make(d, c, child);
    w->stands = true;
    w->state = WISH_UP;
    w->ike = fx->ike;
    w->tries = 0;
    w->up_ms = w->probed_ms = clock_now_ms();
}

void wish_forget(struct daemon *d, const struct conn *c, const struct cv_child_config *child)
{
    struct wish **at = wish_find(d, c, child);

    if (*at != NULL)
        wish_drop(at);
}

void wish_forget_up(struct daemon *d, const struct conn *c, const struct cv_child_config *child)
{
    struct wish **at = wish_find(d, c, child);

    if (*at != NULL && (*at)->state == WISH_UP)
        wish_drop(at);
}

bool wish_exists(struct daemon *d, const struct conn *c, const struct cv_child_config *child)
{
    return *wish_find(d, c, child) != NULL;
}

bool wish_underway(struct daemon *d, const struct conn *c, const struct cv_child_config *child)
{
    const struct wish *w = *wish_find(d, c, child);

    return w != NULL && w->state == WISH_UNDERWAY;
}

bool wish_at_rest(struct daemon *d, const struct conn *c, const struct cv_child_config *child)
{
    const struct wish *w = *wish_find(d, c, child);

    return w == NULL || w->state == WISH_DUE;
}

/* Wishes underway on conn have failed: that of child, or all when the IKE SA ended. */
void wish_tries_failed(struct daemon *d, const struct cv_effect *fx, bool all)
{
    const struct cv_child_config *child = fx->u.event.child_cfg;
    struct wish **at = &d->wishes;

    while (*at != NULL) {
        struct wish *w = *at;

        if (&w->conn->cv == fx->conn && w->state == WISH_UNDERWAY &&
            (all || w->child == child)) {
            w->stands = w->stands && fx->u.event.err != CV_ERR_DELETED_LOCALLY;
            wish_failed(d, at, true);
        }
        if (*at == w)
            at = &w->next;
    }
    wish_arm(d);
}

static bool is_meant(const struct wish *w, const char *conn, const char *child)
{
    return (w->state == WISH_DUE || w->state == WISH_RESOLVING) &&
           (conn == NULL || strcmp(w->conn->cv.name, conn) == 0) &&
           (child == NULL || (w->child != NULL && strcmp(w->child->name, child) == 0));
}

unsigned wish_cancel(struct daemon *d, const char *conn, const char *child)
{
    struct wish **at = &d->wishes;
    unsigned n = 0;

    while (*at != NULL) {
        const struct wish w = **at;

        if (!is_meant(&w, conn, child)) {
            at = &(*at)->next;
            continue;
        }
        wish_drop(at);
        n++;
        if (w.state == WISH_RESOLVING) {
            tell_failed(d, &w, CV_ERR_DELETED_LOCALLY);
            at = &d->wishes; /* a listener may have changed the list */
        }
    }
    wish_arm(d);
    return n;
}

void wish_remove(struct daemon *d, const struct conn *c)
{
    struct wish **at = &d->wishes;

    while (*at != NULL) {
        if ((*at)->conn == c)
            wish_drop(at);
        else
            at = &(*at)->next;
    }
}

void wish_clear(struct daemon *d)
{
    while (d->wishes != NULL)
        wish_drop(&d->wishes);
    if (d->retry != NULL)
        (void)evtimer_del(d->retry);
}

void wish_once_more(struct daemon *d, struct conn *c, const struct cv_child_config *child)
{
    struct wish *w = wish_make(d, c, child);

    w->stands = true;
    wish_later(d, w);
    wish_arm(d);
}
