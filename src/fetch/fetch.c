/* Owns: the thread, the transfers that it has under way, the jobs before and behind them.
 *
 * Invariant: line, pile and stopping are touched under the lock alone; a job is on one of the
 * two, or it is the thread's.  The descriptor is written to after a job was put on the pile.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kit/mem.h"

/* A server that hangs has so many connections hanging and so many seconds to do it; others
 * have the rest of the connections. */
enum { CONNECT_MS = 4000, WHOLE_MS = 10000, PER_HOST = 8, AT_A_TIME = 64, IDLE_MS = 60000 };

struct queue {
    struct fetch_job *first, **end;
};

struct fetch {
    pthread_mutex_t lock;
    struct queue line, pile;
    bool stopping;
    int fd;

    CURLM *multi; /* the thread's, but for waking it */
    struct fetch_job *running;

    /* the loop's alone */
    struct event *readable;
    fetch_finished *finished;
    void *ctx;
    pthread_t thread;
    bool started;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_put(struct queue *q, struct fetch_job *job)
{
    job->next = NULL;
    *q->end = job;
    q->end = &job->next;
}

static struct fetch_job *queue_take(struct queue *q)
{
    struct fetch_job *job = q->first;

    if (job == NULL)
        return NULL;
    q->first = job->next;
    if (q->first == NULL)
        q->end = &q->first;
    return job;
}

/* ---- one transfer, in the thread ------------------------------------------------ */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct fetch_job *job = ctx;
    const size_t more = size * n;
    uint8_t *body;

    if (more > job->most - job->n) {
        (void)snprintf(job->error, sizeof(job->error), "answers with more than %zu octets",
                       job->most);
        return 0;
    }
    body = realloc(job->body, job->n + more);
    if (body == NULL)
        return 0;
    memcpy(body + job->n, data, more);
    job->body = body;
    job->n += more;
    return more;
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct fetch_job *job = ctx;

    (void)purpose;
    if (job->may_reach != NULL && !job->may_reach(job, &to->addr)) {
        (void)snprintf(job->error, sizeof(job->error),
                       "leads to an address that a peer may not have us ask");
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static const char *schemes_of(const struct fetch_job *job)
{
    if (job->http_only)
        return "http";
    return job->file_too ? "http,https,file" : "http,https";
}

static long limit_of(const struct fetch_job *job)
{
    return job->limit_ms > 0 && job->limit_ms < WHOLE_MS ? (long)job->limit_ms : WHOLE_MS;
}

/* The proxies of an environment are not for a daemon; credentials of a URI are not sent. */
static bool set_options(CURL *curl, struct fetch_job *job)
{
    bool ok = true;

#define SET(option, value) ok = ok && curl_easy_setopt(curl, option, value) == CURLE_OK
    SET(CURLOPT_URL, job->uri);
    SET(CURLOPT_PRIVATE, job);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FAILONERROR, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    SET(CURLOPT_TIMEOUT_MS, limit_of(job));
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)job->most);
    SET(CURLOPT_FOLLOWLOCATION, job->redirects > 0 ? 1L : 0L);
    SET(CURLOPT_MAXREDIRS, (long)job->redirects);
    SET(CURLOPT_PROTOCOLS_STR, schemes_of(job));
    SET(CURLOPT_REDIR_PROTOCOLS_STR, job->http_only ? "http" : "http,https");
    SET(CURLOPT_USERAGENT, "culvert");
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, job);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(CURLOPT_OPENSOCKETDATA, job);
    if (job->post.n > 0) {
        SET(CURLOPT_POSTFIELDS, (const char *)job->post.p);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)job->post.n);
    }
#undef SET
    return ok;
}

/* What a job needs while it is under way. */
struct transfer {
    CURL *curl;
    struct curl_slist *headers;
};

static void transfer_free(struct fetch *f, struct transfer *t)
{
    if (t->curl != NULL) {
        (void)curl_multi_remove_handle(f->multi, t->curl);
        curl_easy_cleanup(t->curl);
    }
    curl_slist_free_all(t->headers);
    free(t);
}

static bool add_headers(struct transfer *t, const struct fetch_job *job)
{
    char line[128];

    if (job->media_type == NULL)
        return true;
    (void)snprintf(line, sizeof(line), "Content-Type: %s", job->media_type);
    t->headers = curl_slist_append(NULL, line);
    return t->headers != NULL &&
           curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

static void hand_back(struct fetch *f, struct fetch_job *job)
{
    const eventfd_t one = 1;

    if (job->error[0] != '\0') {
        free(job->body);
        job->body = NULL;
        job->n = 0;
    }
    if (job->digest != NULL)
        job->digest(job);
    pthread_mutex_lock(&f->lock);
    queue_put(&f->pile, job);
    pthread_mutex_unlock(&f->lock);
    (void)eventfd_write(f->fd, one); /* fails only when full, and then it is readable */
}

static void begin(struct fetch *f, struct fetch_job *job)
{
    struct transfer *t = mem_new(1, sizeof(*t));

    t->curl = curl_easy_init();
    if (t->curl == NULL || !set_options(t->curl, job) || !add_headers(t, job) ||
        curl_multi_add_handle(f->multi, t->curl) != CURLM_OK) {
        (void)snprintf(job->error, sizeof(job->error), "is none that can be asked");
        transfer_free(f, t);
        hand_back(f, job);
        return;
    }
    job->transfer = t;
    job->next = f->running;
    f->running = job;
}

static void leave_running(struct fetch *f, struct fetch_job *job)
{
    struct fetch_job **at = &f->running;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    transfer_free(f, job->transfer);
    job->transfer = NULL;
}

static void conclude(struct fetch *f, struct fetch_job *job, CURLcode result, CURL *curl)
{
    long status = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK && job->redirects == 0 && status >= 300 && status < 400)
        (void)snprintf(job->error, sizeof(job->error), "leads elsewhere, where we do not go");
    else if (result == CURLE_OK && job->n == 0)
        (void)snprintf(job->error, sizeof(job->error), "answers with nothing");
    else if (result == CURLE_HTTP_RETURNED_ERROR)
        (void)snprintf(job->error, sizeof(job->error), "answers with HTTP status %ld", status);
    else if (result == CURLE_UNSUPPORTED_PROTOCOL)
        (void)snprintf(job->error, sizeof(job->error), "has a scheme that we do not use");
    else if (result != CURLE_OK && job->error[0] == '\0')
        (void)snprintf(job->error, sizeof(job->error), "%s", curl_easy_strerror(result));
    leave_running(f, job);
    hand_back(f, job);
}

static void collect(struct fetch *f)
{
    const CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
        const CURLcode result = m->data.result;
        CURL *curl = m->easy_handle;
        char *job = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(curl, CURLINFO_PRIVATE, &job);
        conclude(f, (void *)job, result, curl);
    }
}

/* False: the end. */
static bool take_line(struct fetch *f)
{
    struct fetch_job *job;
    bool stopping;

    do {
        pthread_mutex_lock(&f->lock);
        stopping = f->stopping;
        job = stopping ? NULL : queue_take(&f->line);
        pthread_mutex_unlock(&f->lock);
        if (job != NULL)
            begin(f, job);
    } while (job != NULL);
    return !stopping;
}

static void *work(void *ctx)
{
    struct fetch *f = ctx;
    int running;

    while (take_line(f)) {
        (void)curl_multi_perform(f->multi, &running);
        collect(f);
        (void)curl_multi_poll(f->multi, NULL, 0, IDLE_MS, NULL);
    }
    while (f->running != NULL) {
        struct fetch_job *job = f->running;

        leave_running(f, job);
        (void)snprintf(job->error, sizeof(job->error), "was not waited for");
        pthread_mutex_lock(&f->lock);
        queue_put(&f->pile, job);
        pthread_mutex_unlock(&f->lock);
    }
    return NULL;
}

/* ---- in the loop ---------------------------------------------------------------- */

static struct fetch_job *take_finished(struct fetch *f)
{
    struct fetch_job *job;

    pthread_mutex_lock(&f->lock);
    job = queue_take(&f->pile);
    pthread_mutex_unlock(&f->lock);
    return job;
}

static void on_finished(evutil_socket_t fd, short what, void *ctx)
{
    struct fetch *f = ctx;
    struct fetch_job *job;
    eventfd_t n;

    (void)what;
    (void)eventfd_read(fd, &n); /* first: what is put on the pile from now on rings again */
    while ((job = take_finished(f)) != NULL)
        f->finished(f->ctx, job);
}

struct fetch *fetch_new(struct event_base *base, fetch_finished *finished, void *ctx)
{
    struct fetch *f = mem_new(1, sizeof(*f));

    pthread_mutex_init(&f->lock, NULL);
    queue_init(&f->line);
    queue_init(&f->pile);
    f->finished = finished;
    f->ctx = ctx;
    f->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (f->fd >= 0)
        f->readable = event_new(base, f->fd, EV_READ | EV_PERSIST, on_finished, f);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        f->multi = curl_multi_init();
    if (f->multi != NULL &&
        curl_multi_setopt(f->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PER_HOST) ==
            CURLM_OK &&
        curl_multi_setopt(f->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)AT_A_TIME) ==
            CURLM_OK &&
        f->readable != NULL && event_add(f->readable, NULL) == 0)
        return f;
    fetch_free(f);
    return NULL;
}

/* Signals are the loop's. */
bool fetch_start(struct fetch *f)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    f->started = pthread_create(&f->thread, NULL, work, f) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return f->started;
}

void fetch_give(struct fetch *f, struct fetch_job *job)
{
    job->body = NULL;
    job->n = 0;
    job->error[0] = '\0';
    pthread_mutex_lock(&f->lock);
    queue_put(&f->line, job);
    pthread_mutex_unlock(&f->lock);
    (void)curl_multi_wakeup(f->multi);
}

void fetch_stop(struct fetch *f)
{
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_mutex_unlock(&f->lock);
    if (!f->started)
        return;
    (void)curl_multi_wakeup(f->multi);
    (void)pthread_join(f->thread, NULL);
    f->started = false;
}

struct fetch_job *fetch_left(struct fetch *f)
{
    struct fetch_job *job = take_finished(f);

    return job != NULL ? job : queue_take(&f->line);
}

void fetch_free(struct fetch *f)
{
    if (f == NULL)
        return;
    if (f->readable != NULL)
        event_free(f->readable);
    if (f->multi != NULL)
        (void)curl_multi_cleanup(f->multi);
    if (f->fd >= 0)
        close(f->fd);
    pthread_mutex_destroy(&f->lock);
    curl_global_cleanup();
    free(f);
}
