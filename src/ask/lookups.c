/* Owns: the flights, one for each document that is being fetched, and who waits for each.
 *
 * Invariant: of one document there is one flight.  One server's flights are so few that other
 * servers' always find room; what failed is not tried again for a while (creds_lookup.c), so a
 * server that hangs costs each waiter at most one time-out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ask/lookups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/fetch.h"
#include "kit/mem.h"

enum {
    FLIGHTS_MAX = 256,
    PER_SERVER_MAX = 64,
    REDIRECTS = 3,
    LIST_MAX = 8 << 20, /* octets: some 200,000 revoked certificates */
    ANSWER_MAX = 64 << 10,
    CERT_MAX = 16 << 10
};

struct flight {
    struct fetch_job job;
    struct lookup *want;
    struct lookups *owner;
    struct problem why; /* the fetching thread's verdict on what came; empty: of use */
    size_t server_n;    /* octets of the URI that name the server */
    struct lookup_waiter *first, **end;
    struct flight *next;
};

struct lookups {
    struct lookups_host host;
    struct fetch *fetch;
    struct flight *flights;
    unsigned n;
    struct lookup_waiter *left; /* after the end */
};

/* "http://ca.example:8080" of "http://ca.example:8080/crl" */
static size_t server_of(const char *uri)
{
    const char *host = strstr(uri, "://");

    return host != NULL ? (size_t)(host - uri) + 3 + strcspn(host + 3, "/?#") : strlen(uri);
}

static struct flight *find(const struct lookups *l, const char *key)
{
    struct flight *f = l->flights;

    while (f != NULL && strcmp(f->want->key, key) != 0)
        f = f->next;
    return f;
}

static unsigned count_server(const struct lookups *l, const char *uri)
{
    const size_t n = server_of(uri);
    unsigned count = 0;

    for (const struct flight *f = l->flights; f != NULL; f = f->next)
        count += f->server_n == n && memcmp(f->want->uri, uri, n) == 0;
    return count;
}

/* In the fetching thread. */
static void digest(struct fetch_job *job)
{
    struct flight *f = (struct flight *)job;
    const int64_t now_s = f->owner->host.unix_s();

    if (job->error[0] != '\0')
        lookup_failed(f->want, job->error, now_s);
    else
        (void)lookup_take(f->want, (struct cv_span){job->body, job->n}, now_s, &f->why);
    free(job->body);
    job->body = NULL;
}

static void flight_free(struct flight *f)
{
    free(f->job.body);
    lookup_free(f->want);
    free(f);
}

static struct flight *take_off(struct lookups *l, struct lookup *want)
{
    struct flight *f = mem_new(1, sizeof(*f));

    f->want = want;
    f->owner = l;
    f->server_n = server_of(want->uri);
    f->end = &f->first;
    f->job = (struct fetch_job){.uri = want->uri,
                                .post = want->request,
                                .media_type = want->ocsp ? "application/ocsp-request" : NULL,
                                .most = want->ocsp   ? ANSWER_MAX
                                        : want->cert ? CERT_MAX
                                                     : LIST_MAX,
                                .limit_ms = l->host.limit_ms,
                                .redirects = want->cert ? 0 : REDIRECTS,
                                .http_only = want->cert,
                                .file_too = want->ours,
                                .digest = digest};
    f->next = l->flights;
    l->flights = f;
    l->n++;
    fetch_give(l->fetch, &f->job);
    return f;
}

bool lookups_wait(struct lookups *l, struct lookup *want, struct lookup_waiter *w,
                  const char **why)
{
    struct flight *f = find(l, want->key);

    if (f != NULL) {
        lookup_free(want);
    } else if (l->n >= FLIGHTS_MAX || count_server(l, want->uri) >= PER_SERVER_MAX) {
        *why = l->n >= FLIGHTS_MAX ? "is not asked, too many others are being asked"
                                   : "is not asked, it is busy with too many questions of ours";
        lookup_free(want);
        return false;
    } else {
        f = take_off(l, want);
    }
    w->next = NULL;
    *f->end = w;
    f->end = &w->next;
    return true;
}

static void leave(struct lookups *l, struct flight *f)
{
    struct flight **at = &l->flights;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    l->n--;
}

/* Told once for each flight, so at most a few times a minute for each document. */
static void tell(const struct lookups *l, const struct flight *f)
{
    const char *wrong = f->job.error[0] != '\0' ? f->job.error : f->why.text;
    char text[640];

    (void)snprintf(text, sizeof(text), "%s: %.300s %.300s",
                   f->want->ocsp   ? "OCSP"
                   : f->want->cert ? "certificate"
                                   : "revocation list",
                   f->want->uri, wrong[0] != '\0' ? wrong : "has answered");
    l->host.note(l->host.ctx, wrong[0] != '\0' ? 1 : 2, text);
}

static void on_fetched(void *ctx, struct fetch_job *job)
{
    struct lookups *l = ctx;
    struct flight *f = (struct flight *)job;

    leave(l, f);
    tell(l, f);
    while (f->first != NULL) {
        struct lookup_waiter *w = f->first;

        f->first = w->next;
        l->host.ready(l->host.ctx, w);
    }
    flight_free(f);
    l->host.rest(l->host.ctx);
}

/* ---- life ---- */

struct lookups *lookups_new(const struct lookups_host *host)
{
    struct lookups *l = mem_new(1, sizeof(*l));

    l->host = *host;
    l->fetch = fetch_new(host->base, on_fetched, l);
    if (l->fetch != NULL)
        return l;
    free(l);
    return NULL;
}

bool lookups_start(struct lookups *l)
{
    return fetch_start(l->fetch);
}

void lookups_stop(struct lookups *l)
{
    struct fetch_job *job;

    fetch_stop(l->fetch);
    while ((job = fetch_left(l->fetch)) != NULL) {
        struct flight *f = (struct flight *)job;

        *f->end = l->left;
        l->left = f->first != NULL ? f->first : l->left;
        leave(l, f);
        flight_free(f);
    }
}

struct lookup_waiter *lookups_left(struct lookups *l)
{
    struct lookup_waiter *w = l->left;

    if (w != NULL)
        l->left = w->next;
    return w;
}

void lookups_free(struct lookups *l)
{
    if (l == NULL)
        return;
    fetch_free(l->fetch);
    free(l);
}
