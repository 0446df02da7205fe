/* What the files of web share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WEB_INSIDE_H
#define WEB_INSIDE_H

#include <pthread.h>

#include "fleet/registry_device.h"
#include "fleet/registry_event.h"
#include "fleet/registry_token.h"
#include "kit/json.h"
#include "kit/tree.h"
#include "web/web.h"

/* ---- access.c: who asks, and what he may ------------------------------------------- */

enum scope { SCOPE_NONE = 0, SCOPE_READ = 1, SCOPE_ENROL = 2, SCOPE_MANAGE = 4, SCOPE_ANY = 7 };

enum { ACCESS_CSRF = 33, ACCESS_SESSION_S = 12 * 3600 };

struct access {
    unsigned scopes;
    char tenant[64]; /* "": all */
    char name[64];   /* the token's */
    int64_t token;
    bool by_session;
    char csrf[ACCESS_CSRF]; /* what a session's page has to show with whatever it changes */
    int64_t ends_s;         /* of the session */
};

/* ---- live.c: the daemon's figures, asked for once a second at most ------------------ */

struct live_figure {
    char name[48];
    uint64_t value;
};

enum { LIVE_ERRORS = 96 };

struct live_figures {
    bool is_there;
    char why[128]; /* it is not */
    uint64_t bytes_in, bytes_out, packets_in, packets_out, ike_sas, half_open;
    char version[32];
    struct live_figure
        errors[LIVE_ERRORS]; /* packets dropped and exchanges failed, by reason */
    unsigned n_errors;
    int64_t at_ms;
};

struct live {
    pthread_mutex_t lock;
    const char *socket;
    struct live_figures last;
};

void live_init(struct live *l, const char *socket);
void live_get(struct live *l, struct live_figures *out);
void live_free(struct live *l);

/* ---- census.c: how many devices there are, counted no more often than it is worth ---- */

enum { CENSUS_MAX = 512 };

struct census_entry {
    char tenant[64], profile[64]; /* "": all */
    struct device_counts counts;
    int64_t at_ms, cost_ms; /* when it was counted, and how long that took */
    bool busy;              /* somebody counts */
};

struct census {
    pthread_mutex_t lock;
    struct census_entry v[CENSUS_MAX];
    unsigned n;
};

void census_init(struct census *s);
void census_free(struct census *s);
/* The devices of a tenant or a profile (NULL: of all).  What was counted lately is told again:
 * for a second, or as long as twenty counts take. patience_ms, which is one request's, pays for
 * counting anew; without any left, what is known is told. */
enum registry_err census_count(struct census *s, struct registry *r, const char *tenant,
                               const char *profile, int64_t *patience_ms,
                               struct device_counts *out);

/* ---- calls -------------------------------------------------------------------------- */

struct web {
    struct registry_pool *pool;
    char *vici;
    bool metrics_open;
    struct live live;
    struct census census;
    struct http_route *routes;
    struct http_table table;
};

struct call {
    struct web *w;
    const struct http_request *req;
    struct http_response *res;
    struct registry *r;
    struct access who;
};

typedef void call_run(struct call *c);

/* One operation of the API, or a page's file. */
struct operation {
    unsigned methods;
    const char *path;
    unsigned
        scopes; /* one of them is needed; SCOPE_NONE: open to all, and without a registry */
    call_run *run;
};

extern const struct operation operations[]; /* path NULL at the end */

/* Reads who asks, and answers itself when that one may not: false. */
bool access_check(struct call *c, unsigned scopes);
/* Scopes as words, and back; false: no such scope. */
bool access_scopes_of(const char *words, unsigned *out);

/* ---- call.c: what calls have in common ------------------------------------------------ */

/* Answers with a registry's error; true when there was none. */
bool call_ok(struct call *c, enum registry_err err);
/* The same where the body names what is not there: that is no fault of the path. */
bool call_done(struct call *c, enum registry_err err);
/* The body as a tree, or an answer and NULL. */
struct node *call_body(struct call *c);

struct body_key {
    const char *name;
    unsigned bit; /* of what is returned */
    size_t at, size;
};
/* Copies the body's texts into out; another key, or a text without room, is answered: false.
 * A list becomes words with a space between. */
bool call_read(struct call *c, const struct node *body, const struct body_key *keys, void *out,
               unsigned *given);
/* A number of the query, within bounds; fallback when it is not there.  False: answered. */
bool call_number(struct call *c, const char *name, int64_t least, int64_t most, int64_t *out);
/* A text of the query, "" when it is not there.  False: answered. */
bool call_text(struct call *c, const char *name, char *out, size_t n);
/* The device of that name, if the caller may see it.  False: answered. */
bool call_device(struct call *c, const char *name, struct device *out);
struct json call_json(struct call *c, unsigned status);

/* ---- operations ------------------------------------------------------------------------ */

void device_write(struct json *j, const char *name, const struct device *d);
void event_write(struct json *j, const struct fleet_event *e);

call_run session_get, session_post, session_delete;
call_run overview_get;
call_run devices_get, devices_post, device_get, device_put, device_patch, device_delete;
call_run device_code_post;
call_run profiles_get, profile_put, profile_delete, tenants_get, tenant_put, tenant_delete;
call_run events_get;
call_run tokens_get, tokens_post, token_delete;
call_run metrics_get;
call_run page_get;

#endif
