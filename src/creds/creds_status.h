/* What authorities have said about their certificates lately, and who could not be asked:
 * shared by all threads that judge certificates, and by the one that fetches.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDS_CREDS_STATUS_H
#define CREDS_CREDS_STATUS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <culvert/types.h>

struct status;

enum { STATUS_KEY = 32, STATUS_TEXT = 224 };

struct status *status_new(void);
void status_free(struct status *s);

/* ---- revocation lists, by the URI they are from ---- */

/* Takes list over.  False: there is a newer one from there, which stays. */
bool status_put_crl(struct status *s, const char *uri, X509_CRL *list, int64_t until_s);
/* Those that have not ended, each with a reference. */
bool status_crls(struct status *s, STACK_OF(X509_CRL) * out, int64_t now_s);
bool status_has_crl(struct status *s, const char *uri, int64_t now_s);
/* Walks them: *at starts as 0; NULL: no more.  With a reference. */
X509_CRL *status_next_crl(struct status *s, unsigned *at);

/* ---- answers about one certificate (OCSP), by what names it ---- */

struct verdict {
    bool revoked;
    int reason; /* CRLReason; -1: not given */
    int64_t revoked_s, from_s, until_s;
};

/* An older one than what is there changes nothing.  der, not empty: the answer itself is kept,
 * too. */
void status_put_verdict(struct status *s, const uint8_t key[STATUS_KEY],
                        const struct verdict *v, struct cv_span der);
/* A copy of the answer, to be freed with free(). */
bool status_answer(struct status *s, const uint8_t key[STATUS_KEY], int64_t now_s,
                   uint8_t **out, size_t *n);
bool status_verdict(struct status *s, const uint8_t key[STATUS_KEY], int64_t now_s,
                    struct verdict *out);

/* ---- certificates that were fetched, by the SHA-1 of their octets ---- */

enum { STATUS_HASH = 20 };

void status_put_cert(struct status *s, const uint8_t hash[STATUS_HASH], X509 *cert);
X509 *status_cert(struct status *s, const uint8_t *hash); /* with a reference; or NULL */

/* ---- failures, by a URI or what is asked there ---- */

void status_put_failure(struct status *s, const char *key, const char *text, int64_t until_s);
/* Is it too early to try again?  text says why. */
bool status_failed(struct status *s, const char *key, int64_t now_s, char text[STATUS_TEXT]);

void status_flush(struct status *s, bool crls, bool verdicts);

#endif
