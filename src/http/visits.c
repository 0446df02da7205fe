/* Owns connections from accept to close: how many there are, whose they are, and that none
 * takes its time with a request.
 *
 * Invariant: a visit lives exactly as long as its TLS object, to which it is tied, and the
 * descriptor is open meanwhile; so whoever finds a visit in the list may shut its descriptor
 * down, and evhttp clears away as if the client had gone.
 *
 * The list is walked four times a second; most bounds it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "http/inside.h"
#include "kit/clock.h"
#include "kit/mem.h"

enum { SWEEP_US = 250000 };

static int slot = -1; /* of SSL's extra data; set once, before there are threads */
static pthread_once_t slot_once = PTHREAD_ONCE_INIT;

static void end(void *parent, void *ptr, CRYPTO_EX_DATA *data, int idx, long argl, void *argp)
{
    struct visit *s = ptr;
    struct visits *v = s != NULL ? s->of : NULL;

    (void)parent;
    (void)data;
    (void)idx;
    (void)argl;
    (void)argp;
    if (v != NULL) {
        if (s->source != SOURCE_NONE)
            v->sources->cells[s->source].connections--;
        if (s->prev != NULL)
            s->prev->next = s->next;
        else
            v->first = s->next;
        if (s->next != NULL)
            s->next->prev = s->prev;
        if (v->n-- == v->most)
            v->room(v->ctx, true);
    }
    free(s);
}

static void make_slot(void)
{
    slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, end);
}

static void close_soon(struct visit *s, uint64_t *counter)
{
    const evutil_socket_t fd = bufferevent_getfd(s->bev);

    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
    s->due_ms = 0;
    ++*counter;
}

static void name_source(struct visit *s, const struct sockaddr_storage *at)
{
    const void *octets = at->ss_family == AF_INET
                             ? (const void *)&((const struct sockaddr_in *)at)->sin_addr
                             : (const void *)&((const struct sockaddr_in6 *)at)->sin6_addr;

    if (inet_ntop(at->ss_family, octets, s->text, sizeof(s->text)) == NULL)
        s->text[0] = '\0';
}

void visit_look(struct visit *s)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof(at);
    struct visits *v = s->of;
    const evutil_socket_t fd = bufferevent_getfd(s->bev);

    if (v == NULL || s->source != SOURCE_NONE || fd < 0 ||
        getpeername(fd, (struct sockaddr *)&at, &n) != 0)
        return;
    name_source(s, &at);
    s->source = sources_find(v->sources, &at);
    if (v->sources->cells[s->source].connections++ >= v->per_source)
        close_soon(s, &v->refused);
}

/* The newest come first, so those that have been looked at follow. */
static void on_look(evutil_socket_t fd, short what, void *ctx)
{
    struct visits *v = ctx;

    (void)fd;
    (void)what;
    for (struct visit *s = v->first; s != NULL && s->source == SOURCE_NONE; s = s->next)
        visit_look(s);
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
    struct visits *v = ctx;
    const uint64_t now_ms = clock_now_ms();

    (void)fd;
    (void)what;
    for (struct visit *s = v->first; s != NULL; s = s->next)
        if (s->due_ms != 0 && s->due_ms <= now_ms)
            close_soon(s, &v->slow);
}

bool visits_init(struct visits *v, struct event_base *base, struct sources *sources)
{
    const struct timeval each = {0, SWEEP_US};

    pthread_once(&slot_once, make_slot);
    v->sources = sources;
    v->look = event_new(base, -1, 0, on_look, v);
    v->sweep = event_new(base, -1, EV_PERSIST, on_sweep, v);
    return slot >= 0 && v->look != NULL && v->sweep != NULL && event_add(v->sweep, &each) == 0;
}

void visits_free(struct visits *v)
{
    for (struct visit *s = v->first; s != NULL; s = s->next)
        s->of = NULL;
    v->first = NULL;
    if (v->look != NULL)
        event_free(v->look);
    if (v->sweep != NULL)
        event_free(v->sweep);
}

static struct visit *begin(struct visits *v, SSL *ssl)
{
    struct visit *s = mem_new(1, sizeof(*s));

    *s = (struct visit){.of = v,
                        .next = v->first,
                        .due_ms = clock_now_ms() + v->first_ms,
                        .source = SOURCE_NONE};
    if (v->first != NULL)
        v->first->prev = s;
    v->first = s;
    if (++v->n == v->most)
        v->room(v->ctx, false);
    (void)SSL_set_ex_data(ssl, slot, s);
    return s;
}

struct bufferevent *visits_new(struct visits *v, struct event_base *base, SSL_CTX *tls)
{
    SSL *ssl = SSL_new(tls);
    struct bufferevent *bev;

    if (ssl == NULL)
        abort(); /* as kit/mem: evhttp would go on without TLS */
    bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                         BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL)
        abort();
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    begin(v, ssl)->bev = bev;
    event_active(v->look, EV_TIMEOUT, 0); /* when evhttp has given it the descriptor */
    return bev;
}

struct visit *visit_of(struct bufferevent *bev)
{
    return SSL_get_ex_data(bufferevent_openssl_get_ssl(bev), slot);
}
