/* Certificates in PKCS #7 without content and signatures (RFC 5652, RFC 7030 section 4.1.3).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PKI_CERTS_ONLY_H
#define PKI_CERTS_ONLY_H

#include <openssl/x509.h>

#include <culvert/types.h>

#include "kit/problem.h"

/* In Base64, to be freed with free(); NULL: why. */
char *certs_only_text(X509 *const *certs, size_t n, struct problem *why);
/* From Base64 or DER: a stack to be freed with sk_X509_pop_free(); NULL: why. */
STACK_OF(X509) * certs_only_read(struct cv_span body, struct problem *why);

#endif
