/* The server's side of EST (RFC 7030): which certificates there are, and how a device gets its
 * own.
 *
 *   GET  /.well-known/est/cacerts          the authority's certificate
 *   GET  /.well-known/est/csrattrs         what a request should be like
 *   POST /.well-known/est/simpleenroll     PKCS #10 in, certificate out; HTTP basic: name and
 * code POST /.well-known/est/simplereenroll   the same, by the certificate that is to be
 * renewed
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENROL_EST_H
#define ENROL_EST_H

#include "fleet/registry_pool.h"
#include "http/http.h"

struct est;

struct est_config {
    const char *ca_certificate, *ca_key; /* files, PEM */
    struct registry_pool *pool;
    const char *inside; /* where devices renew, "https://10.99.0.1:8443", or NULL: where they
                           have enrolled */
    int64_t lifetime_s; /* of what is issued */
};

/* Reads the authority's files; the pool lives as long as it does. */
struct est *est_new(const struct est_config *c, struct problem *why);
void est_free(struct est *e);

/* For http_server_new; lives as long as e.  Handlers may run in several threads. */
const struct http_table *est_table(const struct est *e);

#endif
