/* A request over TLS to a gateway that is known by its authority's fingerprint.
 *
 * Nothing is sent before the gateway has shown a certificate for servers of an authority with
 * that fingerprint.  Its name does not matter: the authority issues such certificates to
 * gateways of the fleet alone, and a device may know an address, or a way through a NAT, only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SETUP_HTTPS_H
#define SETUP_HTTPS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include <culvert/types.h>

#include "kit/problem.h"
#include "pki/pin.h"

enum { HTTPS_BODY_MAX = 1 << 18, HTTPS_NAME = 256 };

struct https_peer {
    const char *host;
    uint16_t port;
    const struct pin *pin;
    int64_t now_s;     /* certificates are judged by; 0: not by time at all */
    X509 *cert;        /* ours, or NULL */
    EVP_PKEY *key;     /* of cert */
    unsigned limit_ms; /* for all of it */
};

struct https_request {
    const char *method, *path;
    const char *user, *password; /* basic authentication; NULL: none */
    const char *type;            /* of the body; NULL: none */
    const char *body;
};

struct https_answer {
    unsigned status;
    int64_t date_s;           /* the gateway's time; 0: it does not say */
    unsigned retry_after_s;   /* 0: it does not say */
    char link[HTTPS_NAME];    /* the target of Link rel="edit", or "" */
    char gateway[HTTPS_NAME]; /* the first name in the gateway's certificate */
    X509 *authority;          /* with the fingerprint */
    char *body;               /* followed by a NUL */
    size_t n;
};

/* false: nobody answered in time, or it was not the gateway; why says which. *out is to be
 * freed in any case. */
bool https_ask(const struct https_peer *peer, const struct https_request *req,
               struct https_answer *out, struct problem *why);
void https_answer_free(struct https_answer *a);
/* What an answer other than 200 says for people; returns out. */
const char *https_detail(char *out, size_t n, const struct https_answer *a);

/* From the octets of an answer: status line, fields, body.  Public for tests. */
bool https_parse(const char *text, size_t n, struct https_answer *out, struct problem *why);

#endif
