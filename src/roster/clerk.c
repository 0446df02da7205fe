/* Owns the thread: a line of questions, the log of changes, and one batch to be written.
 *
 * Invariants: questions come first, then changes, then the batch; the registry's handle is the
 * thread's alone; the batch is the loop's while busy is false, and the thread's while it is
 * true.  A device is watched before the loop hears of it, so no change falls between.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "roster/clerk.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/htab.h"
#include "base/secret.h"
#include "fleet/registry_address.h"
#include "fleet/registry_change.h"
#include "kit/clock.h"
#include "kit/mem.h"

enum {
    POLL_MS = 250,
    AWAY_MS = 1000,  /* between attempts to reach it again */
    TRIM_MS = 60000, /* events and changes are kept bounded */
    CHANGES_A_POLL = 1000,
    COMPARED_A_POLL = 16, /* watched ones that are read anew, lest a change was missed */
    EVENTS_KEPT = 1000000,
    COMPARED_AT_ONCE = 2000, /* when all of them are */
    CLOSE_LIMIT_S = 3
};

enum result_kind { ANSWERED, CHANGED, REMOVED };

struct result {
    struct result *next;
    enum result_kind kind;
    struct clerk_answer a; /* CHANGED, REMOVED: its device alone */
};

struct waiting {
    struct waiting *next;
    struct clerk_question q;
};

struct clerk {
    struct clerk_host host;
    char *uri, *gateway;
    struct event *news;
    int news_fd;
    pthread_t thread;
    bool has_thread;

    /* the thread's */
    struct registry *registry;
    bool opened; /* once at least */
    int64_t at;  /* in the log of changes */
    uint64_t reach_ms, poll_ms, trim_ms;
    uint32_t compared_at;
    bool compares_all;

    /* the loop's while busy is false */
    struct device_seen *seen;
    struct fleet_event *events;
    size_t n_seen, n_events;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t turn;
    bool stop, busy, away, turned;
    char why[512];
    struct waiting *line, **line_end;
    unsigned n_line;
    struct result *results, **results_end;
    struct htab watched; /* by device: how often */
    struct htab_slot *slots;
};

/* ---- results, for the loop ---------------------------------------------------- */

static void ring(struct clerk *c)
{
    static const uint64_t one = 1;

    (void)!write(c->news_fd, &one, sizeof(one));
}

static void put_result(struct clerk *c, enum result_kind kind, const struct clerk_answer *a)
{
    struct result *r = mem_new(1, sizeof(*r));

    r->kind = kind;
    r->a = *a;
    pthread_mutex_lock(&c->lock);
    *c->results_end = r;
    c->results_end = &r->next;
    pthread_mutex_unlock(&c->lock);
    ring(c);
}

static void put_device(struct clerk *c, const struct device *d, bool removed)
{
    const struct clerk_answer a = {.device = *d};

    put_result(c, removed ? REMOVED : CHANGED, &a);
}

static void turn(struct clerk *c, bool away, const char *why)
{
    pthread_mutex_lock(&c->lock);
    if (c->away != away) {
        c->away = away;
        c->turned = true;
        snprintf(c->why, sizeof(c->why), "%s", why);
    }
    pthread_mutex_unlock(&c->lock);
    ring(c);
}

static void tell_turn(struct clerk *c)
{
    char why[512];
    bool turned, away;

    pthread_mutex_lock(&c->lock);
    turned = c->turned;
    away = c->away;
    c->turned = false;
    memcpy(why, c->why, sizeof(why));
    pthread_mutex_unlock(&c->lock);
    if (turned)
        c->host.turned(c->host.ctx, away, why);
}

static void tell(struct clerk *c, const struct result *r)
{
    if (r->kind == ANSWERED)
        c->host.answered(c->host.ctx, &r->a);
    else
        c->host.changed(c->host.ctx, &r->a.device, r->kind == REMOVED);
}

static void on_news(evutil_socket_t fd, short what, void *ctx)
{
    struct clerk *c = ctx;
    struct result *r, *next;
    uint64_t count;

    (void)what;
    (void)!read(fd, &count, sizeof(count));
    tell_turn(c);
    pthread_mutex_lock(&c->lock);
    r = c->results;
    c->results = NULL;
    c->results_end = &c->results;
    pthread_mutex_unlock(&c->lock);
    for (; r != NULL; r = next) {
        next = r->next;
        tell(c, r);
        wipe(r->a.secret, sizeof(r->a.secret));
        free(r);
    }
}

/* ---- what is watched ---------------------------------------------------------- */

/* With the lock. */
static bool watch(struct clerk *c, int64_t device)
{
    const uint32_t n = htab_get(&c->watched, (uint64_t)device);

    if (n != HTAB_NONE)
        (void)htab_del(&c->watched, (uint64_t)device);
    return htab_put(&c->watched, (uint64_t)device, n == HTAB_NONE ? 1 : n + 1);
}

static bool watch_device(struct clerk *c, int64_t device)
{
    bool done;

    pthread_mutex_lock(&c->lock);
    done = watch(c, device);
    pthread_mutex_unlock(&c->lock);
    return done;
}

static bool is_watched(struct clerk *c, int64_t device)
{
    bool is;

    pthread_mutex_lock(&c->lock);
    is = htab_get(&c->watched, (uint64_t)device) != HTAB_NONE;
    pthread_mutex_unlock(&c->lock);
    return is;
}

void clerk_forget(struct clerk *c, int64_t device)
{
    uint32_t n;

    pthread_mutex_lock(&c->lock);
    n = htab_get(&c->watched, (uint64_t)device);
    if (n != HTAB_NONE) {
        (void)htab_del(&c->watched, (uint64_t)device);
        if (n > 1)
            (void)htab_put(&c->watched, (uint64_t)device, n - 1);
    }
    pthread_mutex_unlock(&c->lock);
}

/* The next of those that are watched, going around; 0: the end of the table. */
static int64_t next_watched(struct clerk *c)
{
    int64_t device = 0;

    pthread_mutex_lock(&c->lock);
    while (device == 0 && c->compared_at <= c->watched.mask) {
        const struct htab_slot *s = &c->watched.slots[c->compared_at++];

        if (s->value != HTAB_NONE)
            device = (int64_t)s->key;
    }
    pthread_mutex_unlock(&c->lock);
    if (device == 0)
        c->compared_at = 0;
    return device;
}

/* ---- the thread: reaching the registry ---------------------------------------- */

/* What a call has come to; away is everything that may pass. */
static bool is_away(enum registry_err err)
{
    return err == REGISTRY_AWAY || err == REGISTRY_FULL || err == REGISTRY_FAILED ||
           err == REGISTRY_DAMAGED || err == REGISTRY_NEWER;
}

static void went_away(struct clerk *c, const char *why)
{
    c->reach_ms = clock_now_ms() + AWAY_MS;
    turn(c, true, why);
}

static bool reach(struct clerk *c)
{
    const struct registry_config config = {.uri = c->uri, .gateway = c->gateway};
    struct problem why = {.line = 0};
    enum registry_err err;

    if (clock_now_ms() < c->reach_ms)
        return false;
    if (c->registry == NULL)
        c->registry = registry_open(&config, &err, &why);
    if (c->registry == NULL) {
        went_away(c, why.text);
        return false;
    }
    if (!c->opened) { /* a life before may have left devices that count as connected */
        err = registry_change_newest(c->registry, &c->at);
        if (err == REGISTRY_OK)
            err = registry_seen_none(c->registry);
        c->opened = err == REGISTRY_OK;
        if (err != REGISTRY_OK) {
            went_away(c, registry_why(c->registry));
            return false;
        }
    }
    return true;
}

/* ---- the thread: questions ---------------------------------------------------- */

/* A pool without a free address is told when the address is asked for. */
static enum registry_err give_addresses(struct clerk *c, const struct clerk_question *q,
                                        struct device *d)
{
    enum registry_err err = REGISTRY_OK;

    if (d->state != DEVICE_ACTIVE)
        return err;
    if (q->v4.family != 0)
        err = registry_address_give(c->registry, d, &q->v4);
    if ((err == REGISTRY_OK || err == REGISTRY_FULL) && q->v6.family != 0)
        err = registry_address_give(c->registry, d, &q->v6);
    return err == REGISTRY_FULL ? REGISTRY_OK : err;
}

static enum registry_err look_up(struct clerk *c, struct clerk_answer *a)
{
    enum registry_err err;

    if (!reach(c))
        return REGISTRY_AWAY;
    err = registry_device_by_identity(c->registry, a->about.identity, &a->device);
    if (err != REGISTRY_OK)
        return err;
    if (!watch_device(c, a->device.id))
        return REGISTRY_BAD;
    err = give_addresses(c, &a->about, &a->device);
    if (err != REGISTRY_OK)
        clerk_forget(c, a->device.id);
    return err;
}

/* Without one it is as if there were no such device: nobody learns who proves itself how. */
static enum registry_err look_up_secret(struct clerk *c, struct clerk_answer *a)
{
    enum registry_err err;

    if (!reach(c))
        return REGISTRY_AWAY;
    err = registry_device_by_identity(c->registry, a->about.identity, &a->device);
    return err != REGISTRY_OK
               ? err
               : registry_secret_get(c->registry, a->device.id, a->secret, sizeof(a->secret));
}

static void serve(struct clerk *c, const struct clerk_question *q)
{
    struct clerk_answer a = {.about = *q};

    a.err = q->secret ? look_up_secret(c, &a) : look_up(c, &a);
    if (is_away(a.err) && c->registry != NULL && clock_now_ms() >= c->reach_ms)
        went_away(c, registry_why(c->registry));
    put_result(c, ANSWERED, &a);
    wipe(a.secret, sizeof(a.secret));
}

/* ---- the thread: changes ------------------------------------------------------ */

struct polling {
    struct clerk *c;
    int64_t devices[CHANGES_A_POLL];
    size_t n;
};

static void take_change(void *ctx, const struct change *change)
{
    struct polling *p = ctx;

    p->c->at = change->seq;
    if (change->device != 0 && is_watched(p->c, change->device))
        p->devices[p->n++] = change->device;
}

static enum registry_err read_anew(struct clerk *c, int64_t device)
{
    struct device d;
    enum registry_err err = registry_device_by_id(c->registry, device, &d);

    if (err == REGISTRY_NONE) {
        d = (struct device){.id = device};
        put_device(c, &d, true);
        return REGISTRY_OK;
    }
    if (err == REGISTRY_OK)
        put_device(c, &d, false);
    return err;
}

/* The log has gone on without us, or is another one: everything is compared. */
static enum registry_err begin_anew(struct clerk *c)
{
    c->compared_at = 0;
    c->compares_all = true;
    return registry_change_newest(c->registry, &c->at);
}

/* A part of the watched ones at a time, so that the results are few; the log of changes may be
 * wrong, as a backup's is that was put in its place. */
static enum registry_err compare_some(struct clerk *c)
{
    const unsigned n = c->compares_all ? COMPARED_AT_ONCE : COMPARED_A_POLL;
    enum registry_err err = REGISTRY_OK;
    int64_t device;

    for (unsigned i = 0; i < n && err == REGISTRY_OK; i++) {
        device = next_watched(c);
        if (device == 0) {
            c->compares_all = false;
            break;
        }
        err = read_anew(c, device);
    }
    return err;
}

static enum registry_err trim(struct clerk *c, uint64_t now)
{
    enum registry_err err = registry_change_trim(c->registry);

    if (err == REGISTRY_OK)
        err = registry_event_trim(c->registry, EVENTS_KEPT);
    c->trim_ms = now + TRIM_MS;
    return err;
}

static enum registry_err poll_changes(struct clerk *c)
{
    struct polling p = {.c = c};
    const uint64_t now = clock_now_ms();
    enum registry_err err =
        registry_change_list(c->registry, c->at, CHANGES_A_POLL, take_change, &p);

    if (err == REGISTRY_NONE)
        err = begin_anew(c);
    for (size_t i = 0; i < p.n && err == REGISTRY_OK; i++)
        err = read_anew(c, p.devices[i]);
    if (err == REGISTRY_OK)
        err = compare_some(c);
    if (err == REGISTRY_OK && now >= c->trim_ms)
        err = trim(c, now);
    return err;
}

/* ---- the thread: the batch ---------------------------------------------------- */

static enum registry_err write_all(struct registry *r, void *ctx)
{
    struct clerk *c = ctx;
    enum registry_err err = registry_event_add(r, c->events, c->n_events);

    return err == REGISTRY_OK ? registry_seen(r, c->seen, c->n_seen) : err;
}

/* What can never be written is not tried for ever. */
static void write_batch(struct clerk *c)
{
    const enum registry_err err = registry_together(c->registry, write_all, c);

    if (is_away(err)) {
        went_away(c, registry_why(c->registry));
        return;
    }
    c->n_seen = c->n_events = 0;
    pthread_mutex_lock(&c->lock);
    c->busy = false;
    pthread_mutex_unlock(&c->lock);
}

/* ---- the thread --------------------------------------------------------------- */

static struct waiting *take_waiting(struct clerk *c)
{
    struct waiting *w = c->line;

    if (w == NULL)
        return NULL;
    c->line = w->next;
    if (c->line == NULL)
        c->line_end = &c->line;
    c->n_line--;
    return w;
}

static void rest(struct clerk *c)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += POLL_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&c->turn, &c->lock, &until);
}

/* Changes are due every POLL_MS, a batch when there is one. */
static void work(struct clerk *c, bool has_batch)
{
    const uint64_t now = clock_now_ms();
    enum registry_err err = REGISTRY_OK;

    if ((now < c->poll_ms && !has_batch) || !reach(c))
        return;
    if (now >= c->poll_ms) {
        c->poll_ms = now + POLL_MS;
        err = poll_changes(c);
    }
    if (is_away(err))
        went_away(c, registry_why(c->registry));
    else
        turn(c, false, "");
    if (!is_away(err) && has_batch)
        write_batch(c);
}

static void *run(void *ctx)
{
    struct clerk *c = ctx;
    struct waiting *w;

    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        const bool has_batch = c->busy;

        w = take_waiting(c);
        pthread_mutex_unlock(&c->lock);
        if (w != NULL)
            serve(c, &w->q);
        else
            work(c, has_batch);
        free(w);
        pthread_mutex_lock(&c->lock);
        if (!c->stop && c->line == NULL)
            rest(c);
    }
    pthread_mutex_unlock(&c->lock);
    if (c->registry != NULL && c->opened && c->busy)
        write_batch(c);
    if (c->registry != NULL && c->opened)
        (void)registry_seen_none(c->registry);
    registry_close(c->registry);
    return NULL;
}

/* ---- life --------------------------------------------------------------------- */

struct clerk *clerk_new(const struct clerk_host *host, const char *uri, const char *gateway,
                        uint32_t most)
{
    struct clerk *c = mem_new(1, sizeof(*c));
    const uint32_t slots = htab_slots(most);
    uint64_t seed[2] = {0};

    c->host = *host;
    c->uri = mem_text(uri);
    c->gateway = mem_text(gateway);
    c->line_end = &c->line;
    c->results_end = &c->results;
    c->seen = mem_new(CLERK_SEEN_MAX, sizeof(*c->seen));
    c->events = mem_new(CLERK_EVENTS_MAX, sizeof(*c->events));
    c->slots = mem_new(slots, sizeof(*c->slots));
    (void)!getrandom(seed, sizeof(seed), 0);
    htab_init(&c->watched, c->slots, slots, seed);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->turn, NULL);
    c->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->news_fd >= 0)
        c->news = event_new(host->base, c->news_fd, EV_READ | EV_PERSIST, on_news, c);
    if (c->news == NULL || event_add(c->news, NULL) != 0) {
        clerk_free(c);
        return NULL;
    }
    return c;
}

/* Signals are the loop's. */
bool clerk_start(struct clerk *c)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    c->has_thread = pthread_create(&c->thread, NULL, run, c) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return c->has_thread;
}

/* True when the thread has ended; one whose database hangs is left behind. */
static bool stop_thread(struct clerk *c)
{
    struct timespec until;

    if (!c->has_thread)
        return true;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_broadcast(&c->turn);
    pthread_mutex_unlock(&c->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_LIMIT_S;
    return pthread_timedjoin_np(c->thread, NULL, &until) == 0;
}

void clerk_free(struct clerk *c)
{
    struct waiting *w;
    struct result *r;

    if (c == NULL)
        return;
    if (c->news != NULL)
        event_free(c->news);
    if (!stop_thread(c))
        return;
    while ((w = take_waiting(c)) != NULL)
        free(w);
    while ((r = c->results) != NULL) {
        c->results = r->next;
        free(r);
    }
    if (c->news_fd >= 0)
        close(c->news_fd);
    pthread_cond_destroy(&c->turn);
    pthread_mutex_destroy(&c->lock);
    free(c->slots);
    free(c->seen);
    free(c->events);
    free(c->uri);
    free(c->gateway);
    free(c);
}

/* ---- the loop's side ---------------------------------------------------------- */

bool clerk_ask(struct clerk *c, const struct clerk_question *q)
{
    struct waiting *w = mem_new(1, sizeof(*w));
    bool room;

    w->q = *q;
    pthread_mutex_lock(&c->lock);
    room = c->n_line < CLERK_LINE_MAX;
    if (room) {
        *c->line_end = w;
        c->line_end = &w->next;
        c->n_line++;
        pthread_cond_signal(&c->turn);
    }
    pthread_mutex_unlock(&c->lock);
    if (!room)
        free(w);
    return room;
}

bool clerk_is_away(struct clerk *c)
{
    bool away;

    pthread_mutex_lock(&c->lock);
    away = c->away;
    pthread_mutex_unlock(&c->lock);
    return away;
}

bool clerk_is_idle(struct clerk *c)
{
    bool busy;

    pthread_mutex_lock(&c->lock);
    busy = c->busy;
    pthread_mutex_unlock(&c->lock);
    return !busy;
}

bool clerk_has_room(const struct clerk *c)
{
    return c->n_seen < CLERK_SEEN_MAX && c->n_events < CLERK_EVENTS_MAX;
}

void clerk_see(struct clerk *c, const struct device_seen *s)
{
    c->seen[c->n_seen++] = *s;
}

void clerk_tell(struct clerk *c, const struct fleet_event *e)
{
    c->events[c->n_events++] = *e;
}

void clerk_write(struct clerk *c)
{
    if (c->n_seen == 0 && c->n_events == 0)
        return;
    pthread_mutex_lock(&c->lock);
    c->busy = true;
    pthread_cond_signal(&c->turn);
    pthread_mutex_unlock(&c->lock);
}
