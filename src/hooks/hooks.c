/* Owns the thread: which hook is due, what it is told, and what became of that.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "hooks/hooks.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fleet/event_json.h"
#include "fleet/registry_hook.h"
#include "hooks/delivery.h"
#include "kit/mem.h"

enum {
    LOOK_MS = 500,
    LEASE_MS = 60000, /* longer than a delivery may take */
    EVENTS_AT_ONCE = 50,
    HOOKS_MOST = 32,
    FIRST_PAUSE_MS = 1000,
    LONGEST_PAUSE_MS = 600000,
    TOLD_AFTER = 5 /* tries in vain */
};

struct hooks {
    char *uri, *gateway;
    pthread_t thread;
    pthread_mutex_t lock; /* of stop */
    pthread_cond_t turn;
    bool stop;
    struct registry *registry;
    struct delivery *delivery;
    struct hook v[HOOKS_MOST];
    unsigned n;
};

/* ---- what is sent ------------------------------------------------------------- */

void hook_sign(const char *secret, int64_t now_s, const char *body, size_t n,
               char out[HOOK_SIGNATURE])
{
    char *text = mem_new(n + 32, 1);
    const int head = sprintf(text, "%lld.", (long long)now_s);
    unsigned char digest[32] = {0};
    unsigned len = sizeof(digest);
    int at = snprintf(out, HOOK_SIGNATURE, "t=%lld,v1=", (long long)now_s);

    memcpy(text + head, body, n);
    (void)HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text,
               (size_t)head + n, digest, &len);
    for (unsigned i = 0; i < sizeof(digest) && at + 3 <= HOOK_SIGNATURE; i++)
        at += sprintf(out + at, "%02x", digest[i]);
    free(text);
}

int64_t hook_pause_ms(int64_t tries)
{
    int64_t pause = FIRST_PAUSE_MS;

    for (int64_t i = 1; i < tries && pause < LONGEST_PAUSE_MS; i++)
        pause *= 2;
    return pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS;
}

struct page {
    struct json json;
    unsigned n;
    int64_t last;
};

static void put_event(void *ctx, const struct fleet_event *e)
{
    struct page *p = ctx;

    json_object(&p->json, NULL);
    event_json_members(&p->json, e);
    json_end_object(&p->json);
    p->last = e->seq;
    p->n++;
}

/* The next events for the hook as a body; *end is the place in the list behind them. */
static enum registry_err write_body(struct registry *r, const struct hook *h, FILE *out,
                                    unsigned *n, int64_t *end)
{
    const struct event_page list = {
        .filter = {.least = h->least, .tenant = h->tenant},
        .after = h->at,
        .limit = EVENTS_AT_ONCE
    };
    struct page p = {
        .json = {.out = out, .compact = true}
    };
    int64_t newest, next = 0;
    enum registry_err err = registry_event_newest(r, &newest);

    json_object(&p.json, NULL);
    json_text(&p.json, "hook", h->name);
    json_array(&p.json, "events");
    if (err == REGISTRY_OK)
        err = registry_event_list(r, &list, put_event, &p, &next);
    json_end_array(&p.json);
    json_end_object(&p.json);
    *n = p.n;
    *end = next != 0 ? next : newest > p.last ? newest : p.last;
    return err;
}

/* ---- what became of it -------------------------------------------------------- */

/* Somebody should know that nobody hears the alarms; the list is where they look then. */
static enum registry_err tell(struct registry *r, const struct hook *h, bool failed)
{
    struct fleet_event e = {.severity = failed ? EVENT_WARNING : EVENT_INFO, .kind = "webhook"};

    if (failed)
        snprintf(e.text, sizeof(e.text),
                 "webhook %s does not take events (%.200s): it is tried again, nothing is lost",
                 h->name, h->last);
    else
        snprintf(e.text, sizeof(e.text), "webhook %s takes events again", h->name);
    return registry_event_add(r, &e, 1);
}

static enum registry_err settle(struct registry *r, struct hook *h, bool taken, int64_t end)
{
    const bool failed_before = h->tries >= TOLD_AFTER;
    enum registry_err err;

    h->tries = taken ? 0 : h->tries + 1;
    h->next_ms = taken ? 0 : registry_now_ms(r) + hook_pause_ms(h->tries);
    if (taken)
        h->at = end;
    err = registry_hook_told(r, h);
    if (err == REGISTRY_OK && (h->tries == TOLD_AFTER || (taken && failed_before)))
        err = tell(r, h, !taken);
    return err;
}

static enum registry_err deliver(struct hooks *w, struct hook *h)
{
    struct registry *r = w->registry;
    enum registry_err err = registry_hook_claim(r, h->id, LEASE_MS);
    char *body = NULL, signature[HOOK_SIGNATURE];
    size_t size = 0;
    unsigned n = 0;
    int64_t end = 0;
    FILE *out;
    bool taken = true;

    if (err != REGISTRY_OK)
        return err == REGISTRY_NONE ? REGISTRY_OK : err; /* another process tells it */
    out = open_memstream(&body, &size);
    if (out == NULL)
        return REGISTRY_OK;
    err = write_body(r, h, out, &n, &end);
    fclose(out);
    if (err == REGISTRY_OK && n > 0) {
        hook_sign(h->secret, registry_now_ms(r) / 1000, body, size, signature);
        taken =
            delivery_post(w->delivery, h->url, &(struct delivery_body){body, size, signature},
                          h->last, sizeof(h->last));
    }
    free(body);
    if (err == REGISTRY_OK && (n > 0 || end != h->at))
        err = settle(r, h, taken, end);
    return err;
}

/* ---- the thread --------------------------------------------------------------- */

static void keep(void *ctx, const struct hook *h)
{
    struct hooks *w = ctx;

    if (w->n < HOOKS_MOST)
        w->v[w->n++] = *h;
}

static void look(struct hooks *w)
{
    enum registry_err err;
    int64_t now, newest;

    w->n = 0;
    if (registry_hook_list(w->registry, keep, w) != REGISTRY_OK ||
        registry_event_newest(w->registry, &newest) != REGISTRY_OK)
        return; /* away: the next look is soon */
    now = registry_now_ms(w->registry);
    for (unsigned i = 0; i < w->n; i++) {
        if (w->v[i].at >= newest || w->v[i].next_ms > now)
            continue;
        err = deliver(w, &w->v[i]);
        if (err != REGISTRY_OK)
            return;
    }
}

static bool rest(struct hooks *w)
{
    struct timespec until;
    bool stop;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&w->lock);
    if (!w->stop)
        (void)pthread_cond_timedwait(&w->turn, &w->lock, &until);
    stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return !stop;
}

static void *run(void *ctx)
{
    struct hooks *w = ctx;
    const struct registry_config c = {.uri = w->uri, .gateway = w->gateway};
    struct problem why;
    enum registry_err err;

    do {
        if (w->registry == NULL)
            w->registry = registry_open(&c, &err, &why);
        if (w->registry != NULL)
            look(w);
    } while (rest(w));
    registry_close(w->registry);
    return NULL;
}

/* ---- life --------------------------------------------------------------------- */

static void destroy(struct hooks *w)
{
    delivery_free(w->delivery);
    pthread_cond_destroy(&w->turn);
    pthread_mutex_destroy(&w->lock);
    free(w->uri);
    free(w->gateway);
    free(w);
}

struct hooks *hooks_start(const struct registry_config *c)
{
    struct hooks *w = mem_new(1, sizeof(*w));
    sigset_t all, before;
    bool started = false;

    w->uri = mem_text(c->uri);
    w->gateway = mem_text(c->gateway);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->turn, NULL);
    w->delivery = delivery_new();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    if (w->delivery != NULL)
        started = pthread_create(&w->thread, NULL, run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        return w;
    destroy(w);
    return NULL;
}

void hooks_stop(struct hooks *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->turn);
    pthread_mutex_unlock(&w->lock);
    delivery_break_off(w->delivery);
    (void)pthread_join(w->thread, NULL);
    destroy(w);
}
