/* Owns the loop's side: listeners, limits, and which requests the crew gets.
 *
 * Invariant: an exchange is the crew's or the loop's, never both.  While it is the crew's, the
 * client may go; then req becomes NULL, and the answer is thrown away when it comes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <event2/buffer.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_exchange.h"
#include "kit/clock.h"

enum { WAITING_PER_THREAD = 64 };

void http_settings_default(struct http_settings *s)
{
    *s = (struct http_settings){.threads = 4,
                                .max_connections = 1024,
                                .max_streams = 64,
                                .per_source = 64,
                                .burst = 200,
                                .every_ms = 20,
                                .max_header = 16384,
                                .max_body = 65536,
                                .first_ms = 10000,
                                .idle_ms = 60000};
}

/* ---- requests ---- */

static void on_gone(struct evhttp_connection *connection, void *ctx)
{
    (void)connection;
    exchange_gone(ctx);
}

/* In a thread of the crew. */
static void run(struct job *job)
{
    struct exchange *x = (struct exchange *)job;

    http_dispatch(x->of->tables, &x->in, &x->out);
    http_response_finish(&x->out);
}

/* What a request costs beyond one token; a source pays no more than it ever has. */
static void charge(struct http_server *h, const struct exchange *x)
{
    struct bucket *b = &source_at(&h->sources, x->visit->source)->requests;
    const uint64_t now_ms = clock_now_ms();

    for (unsigned i = 0; i < x->out.cost; i++)
        if (!bucket_take(b, now_ms, h->s.burst, h->s.every_ms))
            return;
}

static void on_finished(void *ctx, struct job *job)
{
    struct exchange *x = (struct exchange *)job;

    (void)ctx;
    if (x->running) {
        stream_turned(x);
        return;
    }
    if (x->req == NULL) {
        exchange_free(x);
        return;
    }
    charge(x->of, x);
    if (x->out.stream.more != NULL)
        stream_begin(x);
    else
        exchange_answer(x);
}

static void refuse(struct exchange *x, unsigned status, uint64_t *counter, const char *why)
{
    ++*counter;
    http_problem(&x->out, status, "%s", why);
    http_add_field(&x->out, "Retry-After", "1");
    http_response_finish(&x->out);
    exchange_answer(x);
}

static void on_request(struct evhttp_request *req, void *ctx)
{
    struct http_server *h = ctx;
    struct exchange *x = exchange_new(h, req);
    struct source *from = source_at(&h->sources, x->visit->source);

    h->stats.requests++;
    http_server_stats(h, &x->in.server);
    if (x->out.status != 0) {
        http_response_finish(&x->out);
        exchange_answer(x);
    } else if (!bucket_take(&from->requests, clock_now_ms(), h->s.burst, h->s.every_ms)) {
        refuse(x, 429, &h->stats.refused_rate, "too many requests from this address");
    } else if (crew_load(h->crew) >= h->s.threads * WAITING_PER_THREAD) {
        refuse(x, 503, &h->stats.refused_busy, "too many requests wait already");
    } else {
        evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_gone, x);
        x->job.run = run;
        crew_give(h->crew, &x->job);
    }
}

/* ---- the server ---- */

static struct bufferevent *on_accept(struct event_base *base, void *ctx)
{
    struct http_server *h = ctx;

    return visits_new(&h->visits, base, h->tls);
}

/* Without a free place nobody is accepted; newcomers wait in the kernel. */
static void on_room(void *ctx, bool is)
{
    struct http_server *h = ctx;

    for (unsigned i = 0; i < h->n_listeners; i++)
        (void)(is ? evconnlistener_enable(h->listeners[i])
                  : evconnlistener_disable(h->listeners[i]));
}

/* "0.0.0.0:8443", "[::]:8443". */
static bool parse_address(const char *text, struct sockaddr_storage *at, int *n)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    const char *colon = strrchr(text, ':');
    struct addrinfo *found;
    char host[64];
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;

    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return false;
    memcpy(at, found->ai_addr, found->ai_addrlen);
    *n = (int)found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

static bool listen_at(struct http_server *h, const char *text, struct problem *why)
{
    unsigned flags = LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE;
    struct sockaddr_storage at;
    struct evconnlistener *l;
    int n;

    if (h->n_listeners == LISTEN_MAX)
        return problem_set(why, "listen: more than %d addresses", LISTEN_MAX);
    if (!parse_address(text, &at, &n))
        return problem_set(why,
                           "listen: expected an address and a port like 0.0.0.0:8443 or "
                           "[::]:8443, not '%s'",
                           text);
    if (at.ss_family == AF_INET6)
        flags |= LEV_OPT_BIND_IPV6ONLY; /* 0.0.0.0 may be listened at beside it */
    l = evconnlistener_new_bind(h->base, NULL, NULL, flags, 128, (struct sockaddr *)&at, n);
    if (l == NULL)
        return problem_set(why, "cannot listen at %s: %s", text, strerror(errno));
    h->listeners[h->n_listeners++] = l;
    return true;
}

static bool set_up(struct http_server *h, struct problem *why)
{
    h->tls = tls_new(&h->s, why);
    if (h->tls == NULL)
        return false;
    h->crew = crew_new(h->base, on_finished, h);
    if (!sources_init(&h->sources) || !visits_init(&h->visits, h->base, &h->sources) ||
        h->crew == NULL || !streams_init(h))
        return problem_set(why, "the HTTP server has no descriptors or no random octets");
    for (const char *const *at = h->s.listen; *at != NULL; at++)
        if (!listen_at(h, *at, why))
            return false;
    return true;
}

struct http_server *http_server_new(struct event_base *base, const struct http_settings *s,
                                    const struct http_table *const *tables, struct problem *why)
{
    struct http_server *h = mem_new(1, sizeof(*h));

    h->s = *s;
    h->tables = tables;
    h->base = base;
    h->visits.most = s->max_connections;
    h->visits.per_source = s->per_source;
    h->visits.first_ms = s->first_ms;
    h->visits.room = on_room;
    h->visits.ctx = h;
    if (set_up(h, why))
        return h;
    http_server_free(h);
    return NULL;
}

bool http_server_start(struct http_server *h, struct problem *why)
{
    struct evhttp *e = evhttp_new(h->base);

    if (e == NULL || crew_start(h->crew, h->s.threads) == 0)
        return problem_set(why, "the HTTP server cannot start its threads");
    h->evhttp = e;
    evhttp_set_bevcb(e, on_accept, h);
    evhttp_set_gencb(e, on_request, h);
    evhttp_set_default_content_type(e, NULL);
    evhttp_set_max_headers_size(e, (ev_ssize_t)h->s.max_header);
    evhttp_set_max_body_size(e, (ev_ssize_t)h->s.max_body);
    evhttp_set_timeout(e, (int)(h->s.idle_ms / 1000 + 1));
    evhttp_set_allowed_methods(e, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                      EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE);
    for (unsigned i = 0; i < h->n_listeners; i++)
        if (evhttp_bind_listener(e, h->listeners[i]) == NULL)
            return problem_set(why, "the HTTP server cannot take its sockets");
    return true;
}

bool http_server_reload(struct http_server *h, struct problem *why)
{
    SSL_CTX *tls = tls_new(&h->s, why);

    if (tls == NULL)
        return false;
    SSL_CTX_free(h->tls);
    h->tls = tls;
    return true;
}

unsigned http_server_port(const struct http_server *h, unsigned n)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);

    if (n >= h->n_listeners ||
        getsockname(evconnlistener_get_fd(h->listeners[n]), (struct sockaddr *)&at, &len) != 0)
        return 0;
    return ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port
                                         : ((struct sockaddr_in6 *)&at)->sin6_port);
}

void http_server_stats(const struct http_server *h, struct http_stats *out)
{
    *out = h->stats;
    out->connections = h->visits.n;
    out->refused_source = h->visits.refused;
    out->closed_slow = h->visits.slow;
}

void http_server_free(struct http_server *h)
{
    struct exchange *x;
    struct job *job;

    if (h->crew != NULL)
        crew_stop(h->crew);
    while (h->crew != NULL && (job = crew_left(h->crew)) != NULL)
        if (!((struct exchange *)job)->running)
            exchange_free((struct exchange *)job);
    while ((x = h->streams) != NULL) {
        h->streams = x->next;
        exchange_free(x);
    }
    crew_free(h->crew);
    if (h->turn != NULL)
        event_free(h->turn);
    visits_free(&h->visits);
    if (h->evhttp != NULL)
        evhttp_free(h->evhttp); /* and the listeners it was given */
    for (unsigned i = 0; h->evhttp == NULL && i < h->n_listeners; i++)
        evconnlistener_free(h->listeners[i]);
    SSL_CTX_free(h->tls);
    sources_free(&h->sources);
    free(h);
}
