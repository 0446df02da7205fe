/* The server, and one request with its answer on their way through it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_HTTP_EXCHANGE_H
#define HTTP_HTTP_EXCHANGE_H

#include <event2/http.h>
#include <event2/listener.h>

#include "http/inside.h"
#include "kit/crew.h"
#include "kit/mem.h"

enum { LISTEN_MAX = 8 };

struct exchange {
    struct job job; /* first */
    struct http_server *of;
    struct evhttp_request *req; /* NULL: the client is gone */
    struct visit *visit;
    struct http_request in;
    struct http_response out;
    struct mem mem;       /* texts that in points to */
    uint8_t *body;        /* in's; may hold a secret */
    uint8_t *certificate; /* in's */
    bool running;         /* the crew has it */
    /* a stream */
    uint64_t said_ms; /* when something went out last */
    bool ended;       /* there is no more */
    struct source *from;
    struct exchange *prev, *next;
};

struct http_server {
    struct http_settings s;
    const struct http_table *const *tables;
    struct event_base *base;
    struct evhttp *evhttp;
    struct evconnlistener *listeners[LISTEN_MAX];
    unsigned n_listeners;
    SSL_CTX *tls;
    struct sources sources;
    struct visits visits;
    struct crew *crew;
    struct event *turn; /* of the streams */
    struct exchange *streams;
    struct http_stats stats;
};

/* ---- exchange.c ---- */

/* Copies what evhttp has read.  NULL: it is no request that a handler could answer, and has
 * been refused. */
struct exchange *exchange_new(struct http_server *h, struct evhttp_request *req);
void exchange_free(struct exchange *x);
/* Its connection ends: there is nobody to answer any more. */
void exchange_gone(struct exchange *x);
/* Status and fields, for what begins to go out. */
void exchange_put_head(struct exchange *x);
/* Sends the answer that out holds, and frees. */
void exchange_answer(struct exchange *x);

/* ---- streams.c ---- */

bool streams_init(struct http_server *h);
/* The handler's answer is a stream: begins it. */
void stream_begin(struct exchange *x);
/* A turn of it has been run: sends what it said. */
void stream_turned(struct exchange *x);

#endif
