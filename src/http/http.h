/* An HTTPS server: requests come whole, are answered by handlers in threads of a crew, and
 * what they cost is bounded for each source.
 *
 * A handler is a function of a request: it reads nothing of the server and writes its response
 * alone, so a test can call it without a socket.  It may wait for a database.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <event2/event.h>
#include <stdio.h>

#include <culvert/types.h>

#include "kit/problem.h"

enum { HTTP_FIELDS_MAX = 64, HTTP_WORDS_MAX = 4, HTTP_WORD_MAX = 256, HTTP_SOURCE_MAX = 48 };

enum http_method {
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_PUT = 8,
    HTTP_PATCH = 16,
    HTTP_DELETE = 32
};

struct http_field {
    const char *name, *value;
};

/* The server's own figures. */
struct http_stats {
    uint64_t requests, refused_rate, refused_busy, refused_source, closed_slow;
    uint64_t by_class[6]; /* answers by the first digit of their status */
    unsigned connections, streams;
};

struct http_request {
    enum http_method method;
    const char *path;  /* as it came, without the query: "/api/v1/devices/s-17" */
    const char *query; /* as it came, without '?'; "" when there is none */
    struct http_field fields[HTTP_FIELDS_MAX];
    unsigned n_fields;
    struct cv_span body;
    char words[HTTP_WORDS_MAX][HTTP_WORD_MAX]; /* what stood for the route's {}, decoded */
    char source[HTTP_SOURCE_MAX];              /* the peer's address as text, no port */
    /* The client's certificate, DER: only one that leads to client_ca and is in its time.
     * Otherwise empty, and client_error says why where one was shown; else it is NULL. */
    struct cv_span client_cert;
    const char *client_error;
    int64_t now_s;            /* Unix time */
    struct http_stats server; /* as it was when this came */
    unsigned route;           /* which one of its table answers */
};

/* The field's value, NULL without one; names do not tell cases apart. */
const char *http_field(const struct http_request *req, const char *name);
/* A parameter of the query, decoded: false when it is not there, is too long or holds a NUL. */
bool http_parameter(const struct http_request *req, const char *name, char *out, size_t n);
/* A cookie's value; NULL as above. */
bool http_cookie(const struct http_request *req, const char *name, char *out, size_t n);

/* Writes what came since *at to out and moves *at on; in a thread of the crew, again and again
 * while the client listens.  False: the stream ends. */
struct http_stream {
    bool (*more)(void *ctx, uint64_t *at, FILE *out);
    void (*release)(void *ctx); /* when it has ended; NULL: ctx needs none */
    void *ctx;
    uint64_t at;
};

enum { HTTP_EXTRA_MAX = 6 };

struct http_response {
    unsigned status;  /* 200 unless it is set */
    const char *type; /* Content-Type; NULL: none, and no body */
    /* Further fields.  Names are literals, values are freed with the response. */
    struct http_field extra[HTTP_EXTRA_MAX];
    unsigned n_extra;
    /* What this request costs its source beside the usual one: a wrong password costs more. */
    unsigned cost;
    /* A body that lives as long as the program (a page's file), instead of http_body. */
    struct cv_span fixed;
    struct http_stream stream; /* more NULL: the body is all */
    FILE *out;                 /* http_body's */
    char *p;
    size_t n;
};

/* Where the body is written; NULL never. */
FILE *http_body(struct http_response *res);
void http_add_field(struct http_response *res, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Begins a JSON body (application/json) of that status. */
FILE *http_json(struct http_response *res, unsigned status);
/* Problem details (RFC 9457): title follows from the status, detail is for people. */
void http_problem(struct http_response *res, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *http_reason(unsigned status);
/* After the handler: what was written is res->p, res->n. */
void http_response_finish(struct http_response *res);
/* Forgets the body: another one begins. */
void http_response_restart(struct http_response *res);
void http_response_free(struct http_response *res);

typedef void http_handler(void *ctx, const struct http_request *req, struct http_response *res);

/* A segment of the path that is {} stands for any one, and becomes one of req->words.  A GET
 * route answers HEAD, too. */
struct http_route {
    unsigned methods; /* enum http_method, or'ed */
    const char *path; /* "/api/v1/devices/{}"; NULL at the end */
    http_handler *handle;
};

/* Finds the route of a request, fills its words and lets it answer; 404 and 405 with Allow
 * where there is none.  tables ends with NULL. */
struct http_table {
    const struct http_route *routes;
    void *ctx; /* of its handlers */
};
void http_dispatch(const struct http_table *const *tables, struct http_request *req,
                   struct http_response *res);

/* ---- the server ------------------------------------------------------------------------ */

struct http_settings {
    const char *const *listen; /* "0.0.0.0:8443", "[::]:8443"; NULL at the end */
    const char *certificate;   /* PEM, the chain */
    const char *key;           /* PEM */
    const char *client_ca;     /* PEM; NULL: clients are not asked for certificates */
    unsigned threads;          /* of the crew */
    unsigned max_connections, max_streams;
    unsigned per_source;         /* connections of one source at one time */
    unsigned burst, every_ms;    /* requests of one source: so many at once, then one each */
    size_t max_header, max_body; /* octets */
    unsigned first_ms, idle_ms;  /* until the first request is whole, until the next one is */
};

void http_settings_default(struct http_settings *s);

struct http_server;

/* Binds and reads certificate and key: whatever needs privileges.  NULL with the problem. */
struct http_server *http_server_new(struct event_base *base, const struct http_settings *s,
                                    const struct http_table *const *tables,
                                    struct problem *why);
/* Starts the crew and answers from now on; the caller's privileges are those of the crew. */
bool http_server_start(struct http_server *h, struct problem *why);
/* Reads certificate and key again; on failure those at hand stay. */
bool http_server_reload(struct http_server *h, struct problem *why);
/* The port of the n-th address of listen: for those who have asked for port 0. */
unsigned http_server_port(const struct http_server *h, unsigned n);
void http_server_stats(const struct http_server *h, struct http_stats *out);
/* Waits for the handlers that run; their answers are lost. */
void http_server_free(struct http_server *h);

#endif
