/* Credentials: certificates, private keys, shared secrets; signing and verifying.
 * The only place of the daemon that holds secrets; it never prints one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDS_CREDS_H
#define CREDS_CREDS_H

#include <culvert/engine.h>

#include "kit/problem.h"

struct creds;
struct cert;   /* one loaded certificate, reference counted inside creds */
struct pubkey; /* one loaded public key without a certificate */

enum shared_kind { SHARED_IKE, SHARED_EAP, SHARED_XAUTH, SHARED_PPK, SHARED_NTLM };

/* What becomes of a certificate whose status nobody tells. */
enum revocation {
    REVOCATION_RELAXED = 0, /* it passes */
    REVOCATION_IFURI,       /* it passes unless somebody could have been asked */
    REVOCATION_STRICT
};

/* What one side of a connection says beyond kind and id; cv_auth.host points here. */
struct auth_conf {
    const struct cert **certs; /* local: ours to choose from; remote: the only ones accepted */
    unsigned n_certs;
    const struct cert **cacerts; /* remote: the chain must go through one of them */
    unsigned n_cacerts;
    const struct pubkey *
        *pubkeys; /* local: ours to choose from; remote: accepted as they are */
    unsigned n_pubkeys;
    /* remote: what the path has to have besides */
    char **policies; /* every one of these certificate policies, dotted decimal */
    unsigned n_policies;
    struct cv_id ca_id; /* an authority of this name; CV_ID_ANY: any */
    const char *scheme; /* "pubkey", "rsa-4096-sha256", "ecdsa-sha384", "ed25519"... or NULL;
                           see creds_scheme_known */
    enum revocation revocation;
};

/* Is it a text that auth_conf.scheme may have?  Words joined by '-': "pubkey" or kinds of keys
 * ("rsa", "rsa/pss", "ecdsa", "ed25519"), each with its least number of bits, and hashes; what
 * is weak only when it is named: "sha1" (RFC 7296's method 1), "e3" (RSA with a public exponent
 * below 65537). */
bool creds_scheme_known(const char *scheme);

struct creds *creds_new(void);
void creds_free(struct creds *c); /* wipes */

/* data is PEM or DER.  ca: trust it as an authority.  The same certificate twice is one. */
const struct cert *creds_add_cert(struct creds *c, struct cv_span data, bool ca,
                                  struct problem *why);
/* A public key, PEM or DER.  The same key twice is one. */
const struct pubkey *creds_add_pubkey(struct creds *c, struct cv_span data,
                                      struct problem *why);
/* What a PKCS #12 file has: certificates, those of authorities trusted, and a key.  passphrase
 * may be NULL. */
bool creds_add_pkcs12(struct creds *c, struct cv_span data, const char *passphrase,
                      struct problem *why);
/* Is it the text of an object identifier: "1.3.6.1.5.5.7"? */
bool creds_oid_known(const char *text);
/* A revocation list, PEM or DER, of one of the authorities. */
bool creds_add_crl(struct creds *c, struct cv_span data, struct problem *why);

/* What is known of an authority beyond its certificate: where it tells of its certificates'
 * status, besides what these say themselves. */
struct authority_conf {
    const char *name;
    const struct cert *cert;
    char **crl_uris, **ocsp_uris;
    unsigned n_crl_uris, n_ocsp_uris;
    const char *cert_uri_base; /* certificates that it issued are there, named by their SHA-1
                                  in hexadecimal; or NULL */
};
/* Replaces the one of the same name and origin. */
void creds_set_authority(struct creds *c, const struct authority_conf *a);
bool creds_remove_authority(struct creds *c, const char *name);
/* Is there an authority with cert_uri_base? */
bool creds_has_cert_uris(const struct creds *c);

/* passphrase may be NULL.  keyid, when not NULL, gets the hex SHA-1 of the public key (41
 * octets). */
bool creds_add_key(struct creds *c, struct cv_span data, const char *passphrase, char *keyid,
                   struct problem *why);
bool creds_remove_key(struct creds *c, const char *keyid);
/* Replaces the secret of the same name (NULL: nameless, added).  No ids: for everybody. */
bool creds_add_shared(struct creds *c, enum shared_kind kind, const char *name,
                      const struct cv_id *ids, unsigned n_ids, struct cv_span secret,
                      struct problem *why);
bool creds_remove_shared(struct creds *c, const char *name);
/* Who loads: the daemon's own file, or a client of the control interface.  What is added,
 * replaced, removed or cleared is the current origin's alone; lookups see everybody's.  Starts
 * as CREDS_FILE. */
enum creds_origin { CREDS_FILE = 1, CREDS_CLIENT = 2 };
void creds_set_origin(struct creds *c, enum creds_origin origin);
/* Which file it comes from, for messages; NULL: from none. */
void creds_set_file(struct creds *c, const char *path);
void creds_clear(struct creds *c); /* certificates, keys and secrets loaded so far */

/* The best secret for the pair: an entry naming both beats one naming one side, and one for
 * everybody comes last; wildcards in ids match.  An entry that names the local side together
 * with others is for those others alone.  CV_ERR_NO_CREDENTIAL when none.  The span lives
 * until the store changes. */
CV_MUST_USE enum cv_err creds_psk(struct creds *c, const struct cv_id *local,
                                  const struct cv_id *remote, struct cv_span *out);

/* What the store holds now, for questions that another thread answers: certificates, revocation
 * lists and keys, but no shared secrets.  It stays as it is while the store goes on changing,
 * and is shared by all who ask between two changes.  Taking and releasing it are for the
 * store's thread, and both end before the store is freed. */
struct creds *creds_snapshot(struct creds *c);
void creds_release(struct creds *snapshot);

enum { CREDS_SIGNATURE_MAX = 1200 };

/* ---- own credentials, checked when a configuration loads ---- */

/* Could we prove to be id (CV_ID_ANY: not known yet) with what is loaded?  CV_OK, or what is
 * wrong, and why names our certificate, its file and the reason: CV_ERR_NO_CREDENTIAL, a
 * certificate or its key is missing; CV_ERR_CERT_KEY, CV_ERR_CERT_IDENTITY, CV_ERR_AUTH_METHOD,
 * what is there can never do; else it can not, or peers may refuse it. */
CV_MUST_USE enum cv_err creds_check_own(struct creds *c, const struct auth_conf *a,
                                        const struct cv_id *id, int64_t now_s,
                                        struct problem *why);
/* Is there a secret for some pair of identities that fits these two, either of which may be a
 * pattern? */
bool creds_has_psk(struct creds *c, const struct cv_id *local, const struct cv_id *remote);
bool creds_has_authority(const struct creds *c); /* that peers could be verified by */
/* Walks the private keys that belong to no certificate, *at starts as 0; why names them. */
bool creds_next_lone_key(const struct creds *c, unsigned *at, struct problem *why);

/* Answers CV_NEED_SIGNATURE (fx->u.sign): chooses the key and certificate for the local
 * identity, the method (RFC 7427 with a hash the peer announced; else the RFC 7296 method) and
 * signs.  out's spans are in room and, certificates, in the store as long as it lives. */
CV_MUST_USE enum cv_err creds_sign(const struct creds *c, const struct cv_effect *fx,
                                   uint8_t room[CREDS_SIGNATURE_MAX], struct cv_signature *out);
/* Answers CV_NEED_VERIFY: chain, constraints, validity at now_s (Unix seconds), identity,
 * usage, signature.  why: which certificate, and what is wrong with it; empty when there is
 * nothing to add to the error's own sentence. */
CV_MUST_USE enum cv_err creds_verify(const struct creds *c, const struct cv_effect *fx,
                                     int64_t now_s, struct problem *why);

/* ---- revocation, asked online ---- */

/* One document to be had; the same key: the same document. */
struct lookup {
    const char *uri, *key;
    bool ocsp; /* request is to be posted; else a list or certificate is to be got */
    bool cert; /* a peer's word for it: nowhere but there, and no more than that */
    bool ours; /* the configuration names the URI, not a certificate */
    struct cv_span request; /* an OCSP request, DER */
};

/* How far one verdict has come with asking. */
struct inquiry {
    bool closed; /* by the caller: nothing more can be asked, judge with what is known */
    const char *why_not; /* then: for people */
    struct lookup *want; /* what to get before it is asked again, the caller's; NULL: nothing */
    unsigned next;       /* its own */
    uint8_t *kept[CV_CERT_WORDS_MAX]; /* what an answer points to, until inquiry_free */
    unsigned n_kept;
};
void inquiry_free(struct inquiry *i);

/* As creds_verify, which knows what was asked before alone.  CV_ERR_CERT_STATUS with i->want:
 * no verdict yet. */
CV_MUST_USE enum cv_err creds_inquire(const struct creds *c, const struct cv_effect *fx,
                                      int64_t now_s, struct inquiry *i, struct problem *why);
/* As creds_sign; adds what the peer wants to see besides, an OCSP answer or URLs instead of
 * certificates.  CV_ERR_CERT_STATUS with i->want: to be asked again. */
CV_MUST_USE enum cv_err creds_sign_inquire(const struct creds *c, const struct cv_effect *fx,
                                           int64_t now_s, struct inquiry *i,
                                           uint8_t room[CREDS_SIGNATURE_MAX],
                                           struct cv_signature *out);
/* In any thread, while the store lives: what came.  Verdicts count with it from now on; false:
 * it is of no use, which is kept as a failure. */
bool lookup_take(const struct lookup *l, struct cv_span body, int64_t now_s,
                 struct problem *why);
/* It could not be had, and is not to be tried again for a while. */
void lookup_failed(const struct lookup *l, const char *reason, int64_t now_s);
void lookup_free(struct lookup *l);

/* Lists that are fetched are kept there as files, too; NULL: they are not. */
void creds_keep_lists(struct creds *c, const char *dir);
/* Forgets what was fetched, failures among it. */
void creds_flush(struct creds *c, bool lists, bool answers);
/* Walks revocation lists, loaded and fetched: *at starts as 0.  out is to be freed with
 * free(). */
bool creds_next_crl(const struct creds *c, unsigned *at, uint8_t **out, size_t *n);

/* SHA-1 hashes of the CA keys named in a (all loaded CAs when it names none), 20 octets each;
 * the caller frees *out with free(). */
size_t creds_certreq(const struct creds *c, const struct auth_conf *a, uint8_t **out);
/* The subject as an identity: what `id` defaults to for a connection with this certificate. */
bool cert_subject(const struct cert *cert, struct cv_id *out);

/* Walks certificates: *at starts as 0. */
struct cert_view {
    struct cv_span der;
    bool ca, trusted, has_key;
    const char *subject; /* for people */
    int64_t not_before_s, not_after_s;
};
bool creds_next_cert(const struct creds *c, unsigned *at, struct cert_view *out);
struct pubkey_view {
    struct cv_span der; /* SubjectPublicKeyInfo */
    bool has_key;
};
bool creds_next_pubkey(const struct creds *c, unsigned *at, struct pubkey_view *out);
bool creds_next_key(const struct creds *c, unsigned *at, const char **keyid);
bool creds_next_shared(const struct creds *c, unsigned *at, const char **name);

#endif
