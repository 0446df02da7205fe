/* Owns the answer to "sign this as that identity".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/secret.h"
#include "base/span.h"
#include "creds/creds_path.h"
#include "creds/creds_pubkey.h"
#include "creds/creds_sig.h"

static bool is_self_issued(const struct cert *cert)
{
    return X509_NAME_cmp(X509_get_subject_name(cert->x509), X509_get_issuer_name(cert->x509)) ==
           0;
}

/* The certificate that issued cert, among ours; NULL when there is none above it. */
static const struct cert *issuer_of(const struct creds *c, const struct cert *cert)
{
    if (is_self_issued(cert))
        return NULL;
    for (const struct cert *i = c->certs; i != NULL; i = i->next) {
        if (i->loaded && X509_check_issued(i->x509, cert->x509) == X509_V_OK &&
            X509_verify(cert->x509, X509_get0_pubkey(i->x509)) == 1)
            return i;
    }
    return NULL;
}

static bool is_requested(const struct cert *ca, struct cv_span certreq)
{
    struct rd r = rd_init(certreq);
    uint8_t hash[KEYID_LEN];

    if (!cert_ca_hash(ca, hash))
        return false;
    while (rd_left(&r) > 0) {
        if (span_equal(rd_take(&r, KEYID_LEN), span(hash, KEYID_LEN)))
            return true;
    }
    return false;
}

/* Does the path of cert go through an authority that the peer asked for? */
static bool path_is_requested(const struct creds *c, const struct cert *cert,
                              struct cv_span certreq)
{
    for (unsigned i = 0; cert != NULL && i < CV_CERTS_MAX; i++, cert = issuer_of(c, cert)) {
        if (is_requested(cert, certreq))
            return true;
    }
    return false;
}

/* One of our certificates that may speak for the identity, and how. */
struct candidate {
    const struct cert *cert;
    EVP_PKEY *pkey;
    uint8_t method;
    struct sig_scheme scheme;
    bool requested;
};

/* CV_ERR_NO_CREDENTIAL: not for this identity, or without its key. */
static enum cv_err try_cert(struct candidate *out, const struct creds *c,
                            const struct cv_effect *fx, const struct sig_rules *rules,
                            const struct cert *cert)
{
    struct key_info key;

    *out = (struct candidate){.cert = cert, .pkey = creds_key_of(c, cert)};
    if (out->pkey == NULL || !cert_names(cert->x509, fx->u.sign.local_id))
        return CV_ERR_NO_CREDENTIAL;
    if (!key_describe(&key, out->pkey) ||
        !sig_choose(&out->method, &out->scheme, &key, rules, fx->u.sign.hashes,
                    fx->u.sign.identity_hash != 0))
        return CV_ERR_AUTH_METHOD;
    out->requested = path_is_requested(c, cert, fx->u.sign.certreq);
    return CV_OK;
}

/* Requested ones first, then the one that lasts longest. */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
    if (b->cert == NULL || a->requested != b->requested)
        return b->cert == NULL || a->requested;
    return ASN1_TIME_compare(X509_get0_notAfter(a->cert->x509),
                             X509_get0_notAfter(b->cert->x509)) > 0;
}

static void consider(struct candidate *best, enum cv_err *err, const struct creds *c,
                     const struct cv_effect *fx, const struct sig_rules *rules,
                     const struct cert *cert)
{
    struct candidate next;
    enum cv_err e = try_cert(&next, c, fx, rules, cert);

    if (e == CV_OK && is_better(&next, best))
        *best = next;
    if (e == CV_OK || *err == CV_ERR_NO_CREDENTIAL)
        *err = e;
}

/* The first of the connection's own keys that does. */
static enum cv_err choose_pubkey(struct candidate *best, const struct creds *c,
                                 const struct cv_effect *fx, const struct sig_rules *rules)
{
    const struct auth_conf *a = creds_auth_conf(&fx->conn->local);
    enum cv_err err = CV_ERR_NO_CREDENTIAL;
    struct key_info key;

    for (unsigned i = 0; i < a->n_pubkeys && best->pkey == NULL; i++) {
        EVP_PKEY *pkey = pubkey_private(c, a->pubkeys[i]);

        if (pkey == NULL || !key_describe(&key, pkey))
            continue;
        err = CV_ERR_AUTH_METHOD;
        if (sig_choose(&best->method, &best->scheme, &key, rules, fx->u.sign.hashes,
                       fx->u.sign.identity_hash != 0))
            best->pkey = pkey;
    }
    return best->pkey != NULL ? CV_OK : err;
}

/* Ours to choose from: those that the connection names, or else all. */
static enum cv_err choose(struct candidate *best, const struct creds *c,
                          const struct cv_effect *fx)
{
    const struct auth_conf *a = creds_auth_conf(&fx->conn->local);
    enum cv_err err = CV_ERR_NO_CREDENTIAL;
    struct sig_rules rules;

    *best = (struct candidate){.cert = NULL};
    if (!sig_rules_parse(&rules, a->scheme))
        return CV_ERR_AUTH_METHOD;
    for (unsigned i = 0; i < a->n_certs; i++)
        consider(best, &err, c, fx, &rules, a->certs[i]);
    if (best->cert == NULL && a->n_pubkeys > 0)
        return choose_pubkey(best, c, fx, &rules);
    for (const struct cert *cert = c->certs; cert != NULL && a->n_certs == 0;
         cert = cert->next) {
        if (cert->loaded)
            consider(best, &err, c, fx, &rules, cert);
    }
    return best->cert != NULL ? CV_OK : err;
}

/* The peer trusts its authorities, so it has their certificates. */
static bool peer_has(const struct creds *c, const struct cert *cert)
{
    return is_self_issued(cert) || (cert->trusted && issuer_of(c, cert) == NULL);
}

/* Our certificate and those between it and the root. */
static void put_certs(struct cv_signature *out, const struct creds *c, const struct cert *cert)
{
    do {
        out->certs[out->n_certs++] = span(cert->der, cert->n_der);
        cert = issuer_of(c, cert);
    } while (cert != NULL && !peer_has(c, cert) && out->n_certs < CV_CERTS_MAX);
}

enum cv_err creds_sign(const struct creds *c, const struct cv_effect *fx,
                       uint8_t room[CREDS_SIGNATURE_MAX], struct cv_signature *out)
{
    struct wr w = wr_init(room, CREDS_SIGNATURE_MAX);
    struct candidate best;
    enum cv_err err = choose(&best, c, fx);

    *out = (struct cv_signature){.method = 0};
    ERR_clear_error();
    if (err != CV_OK)
        return err;
    err = sig_make(&w, best.pkey, best.method, &best.scheme, fx->u.sign.octets);
    if (err != CV_OK)
        return err;
    out->method = best.method;
    out->data = wr_done(&w);
    if (best.cert != NULL)
        put_certs(out, c, best.cert);
    ERR_clear_error();
    return CV_OK;
}
