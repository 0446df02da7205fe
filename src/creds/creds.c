/* Owns the store: certificates and revocation lists as they come and go.
 *
 * Invariant: every certificate is in the list once; der is its exact encoding; trusted ones
 * are authorities (basicConstraints CA).  RFC 5280, RFC 7296 section 3.7.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "creds/creds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/span.h"
#include "creds/creds_lookup.h"
#include "creds/creds_path.h"
#include "creds/creds_pubkey.h"
#include "creds/creds_sig.h"
#include "kit/mem.h"

enum { CERT_FILE_MAX = 1 << 20, IS_V3_CA = 1 };

const char *creds_openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason != NULL ? reason : "unknown format";
}

const struct auth_conf *creds_auth_conf(const struct cv_auth *auth)
{
    static const struct auth_conf none;

    return auth->host != NULL ? auth->host : &none;
}

bool creds_scheme_known(const char *scheme)
{
    struct sig_rules rules;

    return sig_rules_parse(&rules, scheme);
}

/* ---- lifecycle ---- */

/* OpenSSL has ECDSA and SHA-3 and does not know, in 3.0, that the two go together: a
 * certificate signed so would be taken for a weak one. */
static void know_ecdsa_with_sha3(void)
{
    static const struct {
        int together, hash;
    } pairs[] = {
        {NID_ecdsa_with_SHA3_256, NID_sha3_256},
        {NID_ecdsa_with_SHA3_384, NID_sha3_384},
        {NID_ecdsa_with_SHA3_512, NID_sha3_512}
    };

    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (OBJ_find_sigid_algs(pairs[i].together, NULL, NULL) != 1)
            (void)OBJ_add_sigid(pairs[i].together, pairs[i].hash, NID_X9_62_id_ecPublicKey);
    ERR_clear_error();
}

struct creds *creds_new(void)
{
    struct creds *c = mem_new(1, sizeof(*c));

    c->origin = CREDS_FILE;
    c->status = status_new();
    know_ecdsa_with_sha3();
    return c;
}

void creds_set_origin(struct creds *c, enum creds_origin origin)
{
    c->origin = origin;
}

void creds_set_file(struct creds *c, const char *path)
{
    free(c->file);
    c->file = mem_text(path);
}

static void drop_crls(struct creds *c)
{
    for (struct crl **at = &c->crls; *at != NULL;) {
        struct crl *crl = *at;

        if (crl->origin != c->origin) {
            at = &crl->next;
            continue;
        }
        *at = crl->next;
        X509_CRL_free(crl->crl);
        free(crl);
    }
}

void creds_clear(struct creds *c)
{
    for (struct cert *cert = c->certs; cert != NULL; cert = cert->next) {
        cert->loaded &= ~(unsigned)c->origin;
        cert->trusted &= ~(unsigned)c->origin;
    }
    drop_crls(c);
    creds_changed(c);
    creds_clear_keys(c);
    creds_clear_shared(c);
    creds_clear_authorities(c);
    creds_clear_pubkeys(c);
}

void creds_free(struct creds *c)
{
    if (c == NULL)
        return;
    c->origin = CREDS_FILE;
    creds_clear(c);
    c->origin = CREDS_CLIENT;
    creds_clear(c);
    while (c->certs != NULL) {
        struct cert *cert = c->certs;

        c->certs = cert->next;
        X509_free(cert->x509);
        OPENSSL_free(cert->der);
        free(cert->subject);
        free(cert->file);
        free(cert);
    }
    creds_free_pubkeys(c);
    status_free(c->status);
    free(c->list_dir);
    free(c->file);
    free(c);
}

/* ---- certificates ---- */

const char *cert_name_text(char *out, size_t n, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;

    if (bio != NULL) {
        X509_NAME_print_ex(bio, name, 0,
                           XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN |
                               (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB));
        len = BIO_get_mem_data(bio, &text);
    }
    snprintf(out, n, "%.*s", len > 0 ? (int)len : 0, len > 0 ? text : "");
    BIO_free(bio);
    return out;
}

static char *subject_text(const X509 *x509)
{
    char text[1024];

    return mem_text(cert_name_text(text, sizeof(text), X509_get_subject_name(x509)));
}

static struct cert *find_cert(const struct creds *c, const X509 *x509)
{
    for (struct cert *cert = c->certs; cert != NULL; cert = cert->next) {
        if (X509_cmp(cert->x509, x509) == 0)
            return cert;
    }
    return NULL;
}

/* Takes x509 over. */
static struct cert *store_cert(struct creds *c, X509 *x509, bool ca)
{
    struct cert *cert = find_cert(c, x509);
    struct cert **end = &c->certs;
    uint8_t *der = NULL;
    int n;

    if (cert != NULL) {
        X509_free(x509);
    } else {
        n = i2d_X509(x509, &der);
        if (n <= 0) {
            X509_free(x509);
            return NULL;
        }
        cert = mem_new(1, sizeof(*cert));
        cert->x509 = x509;
        cert->der = der;
        cert->n_der = (size_t)n;
        cert->subject = subject_text(x509);
        cert->file = mem_text(c->file);
        while (*end != NULL)
            end = &(*end)->next;
        *end = cert;
    }
    cert->loaded |= (unsigned)c->origin;
    if (ca)
        cert->trusted |= (unsigned)c->origin;
    creds_changed(c);
    return cert;
}

static X509 *read_der(struct cv_span data)
{
    const uint8_t *p = data.p;
    X509 *x509 = d2i_X509(NULL, &p, (long)data.n);

    if (x509 == NULL || p == data.p + data.n)
        return x509;
    X509_free(x509); /* something follows: it is not what it claims to be */
    return NULL;
}

/* The one certificate of DER data, or those of PEM data in their order. */
static STACK_OF(X509) * read_certs(struct cv_span data)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    X509 *x509 = read_der(data);
    BIO *bio = NULL;

    if (x509 == NULL) {
        ERR_clear_error();
        bio = BIO_new_mem_buf(data.p, (int)data.n);
        x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    }
    while (x509 != NULL && sk_X509_push(certs, x509) > 0)
        x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return certs;
}

/* After the last PEM block there is nothing to complain about but the end. */
static bool read_to_the_end(void)
{
    unsigned long err = ERR_peek_last_error();

    return err == 0 ||
           (ERR_GET_LIB(err) == ERR_LIB_PEM && ERR_GET_REASON(err) == PEM_R_NO_START_LINE);
}

static bool all_are_authorities(STACK_OF(X509) * certs)
{
    for (int i = 0; i < sk_X509_num(certs); i++) {
        if (X509_check_ca(sk_X509_value(certs, i)) != IS_V3_CA)
            return false;
    }
    return true;
}

const struct cert *creds_add_cert(struct creds *c, struct cv_span data, bool ca,
                                  struct problem *why)
{
    const struct cert *first = NULL;
    STACK_OF(X509) * certs;

    if (data.n == 0 || data.n > CERT_FILE_MAX) {
        problem_set(why, "certificate: %s", data.n == 0 ? "no data" : "too large");
        return NULL;
    }
    ERR_clear_error();
    certs = read_certs(data);
    if (sk_X509_num(certs) <= 0 || !read_to_the_end()) {
        problem_set(why, "certificate: %s", creds_openssl_reason());
    } else if (ca && !all_are_authorities(certs)) {
        problem_set(why, "certificate is not that of an authority (basicConstraints CA)");
    } else {
        while (sk_X509_num(certs) > 0) {
            const struct cert *cert = store_cert(c, sk_X509_shift(certs), ca);

            first = first != NULL ? first : cert;
        }
    }
    sk_X509_pop_free(certs, X509_free);
    ERR_clear_error();
    return first;
}

bool creds_add_crl(struct creds *c, struct cv_span data, struct problem *why)
{
    const uint8_t *p = data.p;
    X509_CRL *list = NULL;
    struct crl *crl;
    BIO *bio;

    if (data.n == 0 || data.n > CERT_FILE_MAX)
        return problem_set(why, "revocation list: %s", data.n == 0 ? "no data" : "too large");
    ERR_clear_error();
    list = d2i_X509_CRL(NULL, &p, (long)data.n);
    if (list == NULL && (bio = BIO_new_mem_buf(data.p, (int)data.n)) != NULL) {
        list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
        BIO_free(bio);
    }
    if (list == NULL)
        return problem_set(why, "revocation list: %s", creds_openssl_reason());
    ERR_clear_error();
    crl = mem_new(1, sizeof(*crl));
    crl->crl = list;
    crl->origin = c->origin;
    crl->next = c->crls;
    c->crls = crl;
    creds_changed(c);
    return true;
}

bool cert_subject_id(const X509 *x509, struct cv_id *out)
{
    const uint8_t *der;
    size_t n;
    struct wr w = wr_init(out->b, CV_ID_MAX);

    if (X509_NAME_get0_der(X509_get_subject_name(x509), &der, &n) != 1)
        return false;
    wr_copy(&w, der, n);
    out->type = CV_ID_DER_DN;
    out->n = (uint8_t)w.n;
    return wr_ok(&w);
}

bool cert_subject(const struct cert *cert, struct cv_id *out)
{
    return cert_subject_id(cert->x509, out);
}

/* ---- requests for certificates ---- */

/* RFC 7296 section 3.7: "the SHA-1 hash of the Subject Public Key Info element". */
bool cert_ca_hash(const struct cert *cert, uint8_t out[KEYID_LEN])
{
    uint8_t *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &der);
    bool ok = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha1(), NULL) == 1;

    OPENSSL_free(der);
    return ok;
}

size_t creds_certreq(const struct creds *c, const struct auth_conf *a, uint8_t **out)
{
    size_t n = a != NULL ? a->n_cacerts : 0, used = 0;

    for (const struct cert *cert = c->certs; cert != NULL; cert = cert->next)
        n++;
    *out = mem_new(n, KEYID_LEN);
    if (a != NULL && a->n_cacerts > 0) {
        for (unsigned i = 0; i < a->n_cacerts; i++)
            used += cert_ca_hash(a->cacerts[i], *out + used) ? KEYID_LEN : 0;
        return used;
    }
    for (const struct cert *cert = c->certs; cert != NULL; cert = cert->next) {
        if (cert->trusted)
            used += cert_ca_hash(cert, *out + used) ? KEYID_LEN : 0;
    }
    return used;
}

/* ---- listing ---- */

bool creds_next_cert(const struct creds *c, unsigned *at, struct cert_view *out)
{
    unsigned i = 0;

    for (const struct cert *cert = c->certs; cert != NULL; cert = cert->next, i++) {
        if (i < *at || !cert->loaded)
            continue;
        *out = (struct cert_view){
            .der = span(cert->der, cert->n_der),
            .ca = X509_check_ca(cert->x509) == IS_V3_CA,
            .trusted = cert->trusted != 0,
            .has_key = creds_key_of(c, cert) != NULL,
            .subject = cert->subject,
            .not_before_s = asn1_unix_s(X509_get0_notBefore(cert->x509)),
            .not_after_s = asn1_unix_s(X509_get0_notAfter(cert->x509)),
        };
        *at = i + 1;
        return true;
    }
    return false;
}
