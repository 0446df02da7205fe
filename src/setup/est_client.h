/* A device's side of EST (RFC 7030).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SETUP_EST_CLIENT_H
#define SETUP_EST_CLIENT_H

#include "setup/https.h"

/* Where, and by what right: a code, or the certificate that is to be renewed. */
struct est_at {
    const char *host;
    uint16_t port;
    const char *path; /* "/.well-known/est" */
    const struct pin *pin;
    const char *user, *code; /* or NULL */
    X509 *cert;              /* or NULL */
    EVP_PKEY *key;           /* of cert, or of what is to come */
};

/* What came of it. */
struct est_got {
    X509 *cert, *authority;
    char gateway[HTTPS_NAME]; /* what it is called in IKE */
    char link[HTTPS_NAME];    /* where to renew; "": where it was asked for */
    int64_t gateway_s;        /* its time */
};

/* Who the gateway is and what time it has there; judged by no clock. */
bool est_meet(const struct est_at *at, struct est_got *out, struct problem *why);
/* A certificate for key and that name.  What may pass by itself is tried again with the same
 * key for some 30 s: nobody answers, the gateway is busy.  now_s: for certificates. */
bool est_enroll(const struct est_at *at, EVP_PKEY *key, const char *name, int64_t now_s,
                struct est_got *out, struct problem *why);
void est_got_free(struct est_got *g);

/* "https://HOST:PORT/PATH" */
struct est_url {
    char host[HTTPS_NAME], path[HTTPS_NAME];
    uint16_t port;
};
bool est_url_read(const char *text, struct est_url *out);

#endif
