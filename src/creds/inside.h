/* What the credential store holds; known to the creds_*.c files alone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDS_INSIDE_H
#define CREDS_INSIDE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "creds/creds.h"
#include "creds/creds_status.h"
#include "kit/mem.h"

enum { KEYID_LEN = 20, KEYID_TEXT = 2 * KEYID_LEN + 1 };

/* Connections point to certificates, so one that was ever added stays in memory as long as
 * the store; creds_clear only takes it out of use.  Another thread may look at one by such a
 * pointer: at what never changes, not at loaded and trusted, which it has in its snapshot. */
struct cert {
    X509 *x509;
    uint8_t *der;
    size_t n_der;
    char *subject;
    char *file;       /* it was first loaded from, or NULL */
    unsigned loaded;  /* bit set of the creds_origin that loaded it and did not clear it */
    unsigned trusted; /* the same: as an authority */
    struct cert *next;
};

struct crl {
    X509_CRL *crl;
    enum creds_origin origin;
    struct crl *next;
};

struct authority_entry {
    char *name;
    const struct cert *cert;
    char **crl_uris, **ocsp_uris;
    unsigned n_crl_uris, n_ocsp_uris;
    char *cert_uri_base; /* or NULL */
    enum creds_origin origin;
    struct authority_entry *next;
};

struct key {
    EVP_PKEY *pkey;
    char keyid[KEYID_TEXT];
    char *file; /* or NULL */
    enum creds_origin origin;
    struct key *next;
};

struct shared {
    enum shared_kind kind;
    enum creds_origin origin;
    char *name; /* NULL: nameless */
    struct cv_id *ids;
    unsigned n_ids;
    uint8_t *secret;
    size_t n_secret;
    struct shared *next;
};

struct creds {
    enum creds_origin origin; /* of what is added now */
    char *file;               /* the same; or NULL */
    struct cert *certs;
    struct crl *crls;
    struct key *keys;
    struct pubkey *pubkeys;
    struct authority_entry *authorities;
    struct shared *secrets;
    struct status *status; /* what was fetched; snapshots use it too, it locks itself */
    char *list_dir; /* where lists are kept as files, or NULL; set before threads begin */
    const struct cert *spoken;  /* that creds_check_own found to do, the last time, or NULL */
    const struct shared *found; /* by creds_has_psk, the last time; NULL when it may be gone */

    struct creds *snapshot; /* of what is above, or NULL: to be made anew */
    unsigned holders;       /* of a snapshot */
    struct mem copies;      /* a snapshot's items; what they point to is the store's */
};

/* The private key of a certificate, or NULL. */
EVP_PKEY *creds_key_of(const struct creds *c, const struct cert *cert);
void creds_clear_keys(struct creds *c);
void creds_clear_shared(struct creds *c);
void creds_clear_authorities(struct creds *c);
/* Copies those of c into a snapshot. */
void creds_copy_authorities(struct creds *snapshot, const struct creds *c);

/* Certificates, lists or keys are others now, so that the next snapshot is, too. */
void creds_changed(struct creds *c);

/* What auth.host says; nothing when it is NULL. */
const struct auth_conf *creds_auth_conf(const struct cv_auth *auth);

/* Why OpenSSL's last call failed, for people; empties its queue. */
const char *creds_openssl_reason(void);

#endif
