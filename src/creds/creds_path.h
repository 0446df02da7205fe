/* What a certificate proves: whom it names, what it may do, who vouches for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDS_CREDS_PATH_H
#define CREDS_CREDS_PATH_H

#include "creds/inside.h"

/* The subject as an identity; false when it is longer than one can be. */
bool cert_subject_id(const X509 *x509, struct cv_id *out);

/* Does the certificate name id, in its subject (DER_DN) or subjectAltName (others)? */
bool cert_names(const X509 *x509, const struct cv_id *id);

/* May its key sign IKE's AUTH payload?  (RFC 4945 section 5.1.3) */
bool cert_may_sign(X509 *x509);

/* CV_OK, or which end of its time now_s lies beyond. */
enum cv_err cert_check_time(const X509 *x509, int64_t now_s);

/* A name for people: "C=CH, O=x, CN=y", without control characters; cut where it does not
 * fit.  Returns out. */
const char *cert_name_text(char *out, size_t n, const X509_NAME *name);

enum { PATH_MAX_CERTS = 16 };

/* From a leaf to the authority of ours; of its certificates none is on a list of revoked ones,
 * and no list that is in its time tells of the unknown ones. */
struct path {
    STACK_OF(X509) * chain; /* to be freed with path_free */
    bool unknown[PATH_MAX_CERTS];
};

/* A path from leaf over others (sent by the peer, not trusted) and our certificates to an
 * authority: one of a->cacerts when there are some, else any that is loaded.  A failure says
 * which certificate it is and what is wrong with it. */
CV_MUST_USE enum cv_err cert_check_path(const struct creds *c, X509 *leaf,
                                        STACK_OF(X509) * others, const struct auth_conf *a,
                                        int64_t now_s, struct path *out, struct problem *why);
void path_free(struct path *p);

/* RFC 7296 section 3.7: how certificate requests name an authority. */
bool cert_ca_hash(const struct cert *cert, uint8_t out[KEYID_LEN]);

#endif
