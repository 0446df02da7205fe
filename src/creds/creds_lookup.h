/* A question to an authority about one certificate: made here, and its answer judged here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDS_CREDS_LOOKUP_H
#define CREDS_CREDS_LOOKUP_H

#include "creds/inside.h"

/* A certificate and who issued it. */
struct issued {
    X509 *cert, *issuer;
};

/* What names the certificate among OCSP answers. */
bool lookup_ocsp_key(uint8_t out[STATUS_KEY], const struct issued *about);
/* NULL: no such question can be made. */
struct lookup *lookup_new(const struct creds *c, const struct issued *about, const char *uri,
                          bool ocsp, bool ours);
/* The certificate of that SHA-1. */
struct lookup *lookup_new_cert(const struct creds *c, const char *url, const uint8_t *hash);
/* The answer itself is to be kept, as we give it to others. */
void lookup_keep(struct lookup *l);
/* An answer that came without being asked for: whatever is wrong with it, it tells nothing. */
void lookup_stapled(const struct creds *c, const struct issued *about, struct cv_span der,
                    int64_t now_s);
/* "2026-03-01 10:00:00 UTC, key compromise" of a revocation; reason -1: not given. */
const char *revoked_text(char *out, size_t n, int64_t when_s, int reason);
int64_t asn1_unix_s(const ASN1_TIME *t);

#endif
