/* Raw public keys, in the store and in proofs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDS_CREDS_PUBKEY_H
#define CREDS_CREDS_PUBKEY_H

#include "creds/creds_sig.h"
#include "creds/inside.h"

struct pubkey {
    EVP_PKEY *pkey;
    uint8_t *der; /* SubjectPublicKeyInfo */
    size_t n_der;
    char *file; /* or NULL */
    unsigned loaded;
    struct pubkey *next;
};

/* The private half, or NULL. */
EVP_PKEY *pubkey_private(const struct creds *c, const struct pubkey *k);
/* Was the signature made with one of the connection's keys? */
CV_MUST_USE enum cv_err pubkey_verify(const struct auth_conf *a, const struct cv_effect *fx,
                                      const struct sig_rules *rules, struct problem *why);
void creds_clear_pubkeys(struct creds *c);
void creds_free_pubkeys(struct creds *c);

#endif
