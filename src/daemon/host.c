/* Owns: the cache of resolved names and the threads that ask.
 * Invariant: a thread touches its own struct question and the hub's socket, nothing else; the
 * hub lives until the last thread has let go of it, so the daemon may end meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/clock.h"
#include "kit/mem.h"
#include "linux/kernel/sockaddr.h"

enum { HOST_KEPT_MS = 2000, HOST_ENTRIES = 64 };

struct hub {
    atomic_int users;
    int answers; /* where threads write the addresses of their questions */
};

struct question {
    struct hub *hub;
    char *name;
    struct cv_addr addr;
    int result; /* getaddrinfo's */
};

struct entry {
    char *name;
    struct cv_addr addr;
    enum host_state state;
    int result;
    uint64_t since_ms;
};

struct hosts {
    struct hub *hub;
    int answers;
    bool begun;
    struct event *readable;
    void (*done)(void *ctx, const char *name);
    void *ctx;
    struct entry entries[HOST_ENTRIES];
};

static void hub_leave(struct hub *hub)
{
    if (atomic_fetch_sub(&hub->users, 1) != 1)
        return;
    close(hub->answers);
    free(hub);
}

static void question_free(struct question *q)
{
    free(q->name);
    free(q);
}

static void *ask(void *arg)
{
    struct question *q = arg;
    struct hub *hub = q->hub;
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;

    q->result = getaddrinfo(q->name, NULL, &hints, &found);
    for (struct addrinfo *i = found; i != NULL && q->addr.family == 0; i = i->ai_next) {
        struct sockaddr_storage sa = {0};
        struct cv_endpoint ep;
        if (i->ai_addrlen > sizeof(sa))
            continue;
        memcpy(&sa, i->ai_addr, i->ai_addrlen);
        if (addr_from_sockaddr(&ep, &sa))
            q->addr = ep.addr;
    }
    if (found != NULL)
        freeaddrinfo(found);
    /* A datagram: whole, or not at all because the daemon is gone. */
    if (send(hub->answers, &q, sizeof(q), MSG_NOSIGNAL) != (ssize_t)sizeof(q))
        question_free(q);
    hub_leave(hub);
    return NULL;
}

static struct entry *entry_find(struct hosts *h, const char *name)
{
    for (unsigned i = 0; i < HOST_ENTRIES; i++)
        if (h->entries[i].name != NULL && strcmp(h->entries[i].name, name) == 0)
            return &h->entries[i];
    return NULL;
}

/* A free entry, or the oldest whose question is answered. */
static struct entry *entry_take(struct hosts *h, const char *name)
{
    struct entry *best = NULL;

    for (unsigned i = 0; i < HOST_ENTRIES; i++) {
        struct entry *e = &h->entries[i];
        if (e->name == NULL) {
            best = e;
            break;
        }
        if (e->state != HOST_PENDING && (best == NULL || e->since_ms < best->since_ms))
            best = e;
    }
    if (best != NULL) {
        free(best->name);
        *best = (struct entry){.name = mem_text(name)};
    }
    return best;
}

static void take_answer(struct hosts *h, struct question *q)
{
    struct entry *e = entry_find(h, q->name);

    if (e != NULL) {
        e->result = q->result;
        e->addr = q->addr;
        e->state = q->addr.family != 0 ? HOST_READY : HOST_FAILED;
        e->since_ms = clock_now_ms();
    }
    h->done(h->ctx, q->name);
    question_free(q);
}

static void on_answer(evutil_socket_t fd, short what, void *ctx)
{
    struct question *q;

    (void)what;
    while (read(fd, &q, sizeof(q)) == (ssize_t)sizeof(q))
        take_answer(ctx, q);
}

struct hosts *hosts_new(struct event_base *base, void (*done)(void *ctx, const char *name),
                        void *ctx)
{
    struct hosts *h = mem_new(1, sizeof(*h));
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        free(h);
        return NULL;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    h->done = done;
    h->ctx = ctx;
    h->answers = ends[0];
    h->hub = mem_new(1, sizeof(*h->hub));
    atomic_init(&h->hub->users, 1);
    h->hub->answers = ends[1];
    h->readable = event_new(base, ends[0], EV_READ | EV_PERSIST, on_answer, h);
    if (h->readable == NULL || event_add(h->readable, NULL) != 0) {
        hosts_free(h);
        return NULL;
    }
    return h;
}

void hosts_free(struct hosts *h)
{
    struct question *q;

    if (h == NULL)
        return;
    if (h->readable != NULL)
        event_free(h->readable);
    while (read(h->answers, &q, sizeof(q)) == (ssize_t)sizeof(q))
        question_free(q);
    close(h->answers);
    hub_leave(h->hub);
    for (unsigned i = 0; i < HOST_ENTRIES; i++)
        free(h->entries[i].name);
    free(h);
}

static bool start_thread(struct hosts *h, const char *name)
{
    struct question *q = mem_new(1, sizeof(*q));
    pthread_attr_t attr;
    pthread_t thread;
    int err;

    q->name = mem_text(name);
    q->hub = h->hub;
    atomic_fetch_add(&h->hub->users, 1);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, 256 * 1024);
    err = pthread_create(&thread, &attr, ask, q);
    (void)pthread_attr_destroy(&attr);
    if (err == 0)
        return true;
    hub_leave(h->hub);
    question_free(q);
    return false;
}

void hosts_begin(struct hosts *h)
{
    h->begun = true;
    for (unsigned i = 0; i < HOST_ENTRIES; i++) {
        struct entry *e = &h->entries[i];

        if (e->name == NULL || e->state != HOST_PENDING || start_thread(h, e->name))
            continue;
        e->state = HOST_FAILED;
        e->result = EAI_AGAIN;
        e->since_ms = clock_now_ms();
        h->done(h->ctx, e->name);
    }
}

void hosts_forget(struct hosts *h)
{
    for (unsigned i = 0; i < HOST_ENTRIES; i++)
        if (h->entries[i].state == HOST_READY)
            h->entries[i].since_ms = 0;
}

enum host_state hosts_find(struct hosts *h, const char *name, struct cv_addr *out,
                           const char **why)
{
    struct entry *e = entry_find(h, name);
    bool fresh = e != NULL && clock_now_ms() - e->since_ms < HOST_KEPT_MS;

    *why = NULL;
    if (e != NULL && e->state == HOST_PENDING)
        return HOST_PENDING;
    if (fresh && e->state == HOST_READY) {
        *out = e->addr;
        return HOST_READY;
    }
    if (fresh && e->state == HOST_FAILED && e->result != INT_MAX) {
        *why = e->result != 0 ? gai_strerror(e->result) : "the name has no address";
        e->result = INT_MAX; /* told once: the next caller asks anew */
        return HOST_FAILED;
    }
    if (e == NULL)
        e = entry_take(h, name);
    if (e == NULL || (h->begun && !start_thread(h, name))) {
        *why = e == NULL ? "too many names are being resolved" : "no thread for the resolver";
        return HOST_FAILED;
    }
    e->state = HOST_PENDING;
    return HOST_PENDING;
}
