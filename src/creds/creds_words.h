/* What stands beside certificates in IKE: OCSP answers (RFC 4806), and URLs in their place (RFC
 * 7296 section 3.6).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDS_CREDS_WORDS_H
#define CREDS_CREDS_WORDS_H

#include "creds/inside.h"

/* Puts the certificates that the peer's URLs stand for to the others.  CV_ERR_CERT_STATUS with
 * i->want: not yet. */
CV_MUST_USE enum cv_err words_resolve(const struct creds *c, const struct cv_effect *fx,
                                      int64_t now_s, struct inquiry *i, STACK_OF(X509) * certs,
                                      struct problem *why);

#endif
