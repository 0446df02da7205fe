/* What the files of http share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_INSIDE_H
#define HTTP_INSIDE_H

#include <event2/bufferevent.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/bucket.h"
#include "http/http.h"

/* ---- request.c ---- */

/* Decodes %XX, and '+' where it stands for a space; false when it does not fit into n octets
 * with its NUL, is no text, or holds a NUL. */
bool http_decode(char *out, size_t n, struct cv_span text, bool plus);

/* ---- tls.c ---- */

/* NULL with the problem. */
SSL_CTX *tls_new(const struct http_settings *s, struct problem *why);

/* ---- sources.c: what each source has used up ---- */

enum { SOURCE_CELLS = 1 << 16, SOURCE_NONE = SOURCE_CELLS };

struct source {
    struct bucket requests;
    uint32_t connections, streams;
};

struct sources {
    struct source *cells; /* SOURCE_CELLS */
    uint64_t key[2];
};

bool sources_init(struct sources *t);
void sources_free(struct sources *t);
/* That cell; before a connection's source is known, one that all such share. */
static inline struct source *source_at(struct sources *t, size_t cell)
{
    return &t->cells[cell % SOURCE_CELLS];
}
/* The number of the cell of an address: an IPv4 address or an IPv6 /64. */
size_t sources_find(const struct sources *t, const struct sockaddr_storage *at);

/* ---- visits.c: connections, from accept to close ---- */

struct visit {
    struct visits *of; /* NULL: the server is gone */
    struct bufferevent *bev;
    struct visit *prev, *next;
    uint64_t due_ms; /* when the next request has to be here; 0: it is being answered */
    size_t source;   /* its cell; SOURCE_NONE: not known yet */
    char text[HTTP_SOURCE_MAX];
};

struct visits {
    struct visit *first;
    unsigned n, most, per_source, first_ms;
    uint64_t refused, slow; /* closed for their source's number; for being slow */
    struct sources *sources;
    struct event *look, *sweep;
    void (*room)(void *ctx, bool is); /* told when the last place is taken, and free again */
    void *ctx;
};

bool visits_init(struct visits *v, struct event_base *base, struct sources *sources);
void visits_free(struct visits *v);
/* A bufferevent for a connection that is about to be accepted; never NULL but without memory.
 */
struct bufferevent *visits_new(struct visits *v, struct event_base *base, SSL_CTX *tls);
struct visit *visit_of(struct bufferevent *bev);
/* Its source, once the descriptor is there. */
void visit_look(struct visit *s);

#endif
