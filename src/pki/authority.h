/* The fleet's certification authority (RFC 5280): what it is, what it issues, what it takes
 * back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PKI_AUTHORITY_H
#define PKI_AUTHORITY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include <culvert/types.h>

#include "kit/problem.h"

struct authority {
    X509 *cert;
    EVP_PKEY *key;
};

/* Ten years, ECDSA on P-256, no authorities below it.  name: its common name. */
bool authority_make(struct authority *a, const char *name, int64_t now_s, struct problem *why);
bool authority_load(struct authority *a, const char *cert_path, const char *key_path,
                    struct problem *why);
void authority_free(struct authority *a); /* leaves {0} */

enum leaf_use {
    LEAF_GATEWAY, /* IKE responder and HTTPS server */
    LEAF_DEVICE   /* IKE initiator, and TLS client when it renews */
};

enum { LEAF_NAMES_MAX = 8 };

/* What a certificate is to say. */
struct leaf {
    enum leaf_use use;
    const char *common_name;
    const char *dns[LEAF_NAMES_MAX]; /* subjectAltName: names */
    unsigned n_dns;
    const char *ip[LEAF_NAMES_MAX]; /* addresses, as text */
    unsigned n_ip;
    const char *email; /* rfc822Name, or NULL */
    int64_t from_s, lifetime_s;
};

/* A certificate for that key with a random serial number; NULL: why. It ends with the
 * authority's at the latest. */
X509 *authority_issue(const struct authority *a, const struct leaf *leaf, EVP_PKEY *key,
                      struct problem *why);

/* A serial number as text: hexadecimal, upper case; returns out. */
enum { SERIAL_TEXT = 44 };
const char *serial_text(char out[SERIAL_TEXT], const X509 *cert);

struct revoked {
    const char *serial; /* as serial_text */
    int64_t since_s;
};

/* The revocation list (RFC 5280 section 5), valid until next_s. */
X509_CRL *authority_crl(const struct authority *a, const struct revoked *list, size_t n,
                        int64_t now_s, int64_t next_s, struct problem *why);

/* ---- as files --------------------------------------------------------------------- */

X509 *cert_file_read(const char *path, struct problem *why);
bool cert_file_write(const char *path, X509 *cert, bool replace, struct problem *why);
bool crl_file_write(const char *path, X509_CRL *crl, struct problem *why);
/* Its ends as Unix seconds. */
int64_t cert_from_s(const X509 *cert);
int64_t cert_until_s(const X509 *cert);
/* When it is to be renewed: two thirds of its time have passed. */
int64_t cert_due_s(const X509 *cert);

#endif
