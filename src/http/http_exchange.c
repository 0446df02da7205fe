/* Owns the passage between evhttp's requests and ours: octets are copied on the way in, so that
 * a handler needs nothing of the loop's, and fields are put on the way out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_exchange.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/span.h"
#include "kit/clock.h"

/* ---- in ---- */

static enum http_method method_of(const struct evhttp_request *req)
{
    switch (evhttp_request_get_command(req)) {
    case EVHTTP_REQ_GET:
        return HTTP_GET;
    case EVHTTP_REQ_HEAD:
        return HTTP_HEAD;
    case EVHTTP_REQ_POST:
        return HTTP_POST;
    case EVHTTP_REQ_PUT:
        return HTTP_PUT;
    case EVHTTP_REQ_PATCH:
        return HTTP_PATCH;
    default:
        return HTTP_DELETE; /* evhttp refuses others */
    }
}

static bool copy_fields(struct exchange *x)
{
    const struct evkeyvalq *fields = evhttp_request_get_input_headers(x->req);

    for (const struct evkeyval *f = fields->tqh_first; f != NULL; f = f->next.tqe_next) {
        if (x->in.n_fields == HTTP_FIELDS_MAX)
            return false;
        x->in.fields[x->in.n_fields++] = (struct http_field){mem_take_text(&x->mem, f->key),
                                                             mem_take_text(&x->mem, f->value)};
    }
    return true;
}

static void copy_body(struct exchange *x)
{
    struct evbuffer *from = evhttp_request_get_input_buffer(x->req);
    const size_t n = evbuffer_get_length(from);

    x->body = mem_new(n, 1);
    if (n > 0)
        (void)evbuffer_remove(from, x->body, n);
    x->in.body = span(x->body, n);
}

static void copy_certificate(struct exchange *x, SSL *ssl)
{
    X509 *shown = SSL_get0_peer_certificate(ssl);
    const long verdict = SSL_get_verify_result(ssl);
    int n;

    if (shown == NULL)
        return;
    if (verdict != X509_V_OK) {
        x->in.client_error = X509_verify_cert_error_string(verdict);
        return;
    }
    n = i2d_X509(shown, &x->certificate);
    if (n > 0)
        x->in.client_cert = span(x->certificate, (size_t)n);
}

/* Scheme and authority, which a proxy's client may send, say nothing to us. */
static bool copy_target(struct exchange *x)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(x->req);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    const char *query = uri != NULL ? evhttp_uri_get_query(uri) : NULL;

    if (path == NULL || path[0] != '/')
        return false;
    x->in.path = mem_take_text(&x->mem, path);
    x->in.query = query != NULL ? mem_take_text(&x->mem, query) : "";
    return true;
}

struct exchange *exchange_new(struct http_server *h, struct evhttp_request *req)
{
    struct bufferevent *bev =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));
    struct exchange *x = mem_new(1, sizeof(*x));

    x->of = h;
    x->req = req;
    x->visit = visit_of(bev);
    visit_look(x->visit);
    x->visit->due_ms = 0;
    memcpy(x->in.source, x->visit->text, sizeof(x->in.source));
    x->in.method = method_of(req);
    x->in.now_s = clock_unix_s();
    if (!copy_target(x))
        http_problem(&x->out, 400, "the target is not a path");
    else if (!copy_fields(x))
        http_problem(&x->out, 400, "more than %d fields", HTTP_FIELDS_MAX);
    copy_body(x);
    copy_certificate(x, bufferevent_openssl_get_ssl(bev));
    return x;
}

void exchange_free(struct exchange *x)
{
    if (x->req != NULL)
        evhttp_connection_set_closecb(evhttp_request_get_connection(x->req), NULL, NULL);
    wipe(x->body, x->in.body.n);
    free(x->body);
    OPENSSL_free(x->certificate);
    http_response_free(&x->out);
    for (unsigned i = 0; i < x->in.n_fields; i++) /* some are secrets */
        wipe((char *)(uintptr_t)x->in.fields[i].value, strlen(x->in.fields[i].value));
    mem_drop(&x->mem);
    free(x);
}

void exchange_gone(struct exchange *x)
{
    /* While it is ours to answer evhttp parts it from the connection and leaves it to us;
     * otherwise it goes with the connection. */
    if (evhttp_request_get_connection(x->req) == NULL)
        evhttp_request_free(x->req);
    x->req = NULL;
}

/* ---- out ---- */

/* What a browser must not do with what comes from here. */
static const struct http_field for_browsers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options",       "nosniff"                                        },
    {"Referrer-Policy",              "no-referrer"                                    },
    {"Cross-Origin-Opener-Policy",   "same-origin"                                    },
    {"Cross-Origin-Resource-Policy", "same-origin"                                    },
};

void exchange_put_head(struct exchange *x)
{
    struct evkeyvalq *fields = evhttp_request_get_output_headers(x->req);
    const struct http_response *out = &x->out;
    bool kept = false;

    for (unsigned i = 0; i < out->n_extra; i++) {
        evhttp_add_header(fields, out->extra[i].name, out->extra[i].value);
        kept = kept || strcmp(out->extra[i].name, "Cache-Control") == 0;
    }
    for (size_t i = 0; i < sizeof(for_browsers) / sizeof(for_browsers[0]); i++)
        evhttp_add_header(fields, for_browsers[i].name, for_browsers[i].value);
    if (!kept)
        evhttp_add_header(fields, "Cache-Control", "no-store");
    if (out->type != NULL)
        evhttp_add_header(fields, "Content-Type", out->type);
}

void exchange_answer(struct exchange *x)
{
    const struct cv_span body =
        x->out.fixed.p != NULL ? x->out.fixed : span(x->out.p, x->out.n);
    struct evbuffer *data = evbuffer_new();
    char length[24];

    if (x->req == NULL || data == NULL) {
        evbuffer_free(data);
        exchange_free(x);
        return;
    }
    exchange_put_head(x);
    snprintf(length, sizeof(length), "%zu", body.n);
    if (x->out.status != 204 && x->out.status != 304)
        evhttp_add_header(evhttp_request_get_output_headers(x->req), "Content-Length", length);
    if (x->in.method != HTTP_HEAD && x->out.status != 204 && x->out.status != 304)
        evbuffer_add(data, body.p, body.n);
    x->of->stats.by_class[x->out.status / 100 % 6]++;
    x->visit->due_ms = clock_now_ms() + x->of->s.idle_ms;
    evhttp_connection_set_closecb(evhttp_request_get_connection(x->req), NULL, NULL);
    evhttp_send_reply(x->req, (int)x->out.status, http_reason(x->out.status), data);
    evbuffer_free(data);
    x->req = NULL; /* evhttp has it again, and may have freed it */
    exchange_free(x);
}
