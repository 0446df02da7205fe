/* Certification requests (PKCS #10, RFC 2986): made on a device, judged by the authority.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PKI_CSR_H
#define PKI_CSR_H

#include <openssl/x509.h>
#include <stdbool.h>

#include <culvert/types.h>

#include "kit/problem.h"

/* DER of a request for that common name, to be freed with OPENSSL_free(); empty: why. */
struct cv_span csr_make(EVP_PKEY *key, const char *common_name, struct problem *why);

/* DER or, as EST has it in a body, its Base64, with or without PEM's lines.  NULL: why. */
X509_REQ *csr_read(struct cv_span body, struct problem *why);

/* Whom the request may name. */
struct csr_subject {
    const char *name;     /* the device's name in the registry */
    const char *identity; /* what it is in IKE */
};

/* Is it signed by the key in it, is that key strong enough, and does it name subject and nobody
 * else?  false: why says which, for the one who asked. */
bool csr_check(X509_REQ *req, const struct csr_subject *subject, struct problem *why);

#endif
