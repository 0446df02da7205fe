/* Certificates made on the spot, right ones and wrong ones, for tests of credentials.
 *
 * Whatever OpenSSL refuses here is a mistake of the test and aborts it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/span.h"

enum { PKI_NOW = 1700000000, PKI_DAY = 86400, PKI_DER_MAX = 4096 };

static inline void pki_need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "pki: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

/* A subject with its key: name is the common name. */
struct pki {
    X509 *cert;
    EVP_PKEY *key;
};

/* What is to be in a certificate; NULL and 0 mean "as usual". */
struct pki_spec {
    const char *name;         /* common name, below O=Culvert */
    const struct pki *issuer; /* NULL: self-signed */
    bool ca;
    const char *basic;       /* basicConstraints in OpenSSL's notation */
    const char *usage;       /* keyUsage; "" for none */
    const char *purpose;     /* extendedKeyUsage */
    const char *alt;         /* subjectAltName */
    const char *constraints; /* nameConstraints */
    const char *access;      /* authorityInfoAccess */
    const char *points;      /* cRLDistributionPoints */
    const char *freshest;    /* freshestCRL */
    const char *policies;    /* certificatePolicies */
    int64_t from_s, until_s; /* relative to PKI_NOW; both 0: a day before and after */
    const EVP_MD *digest;    /* SHA-256 */
    bool bare;               /* version 1, no extensions at all */
    bool unknown;            /* a critical extension that nobody knows */
};

static inline void pki_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    CONF *conf = NCONF_new(NULL); /* policies want one, however empty */
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    if (value == NULL || value[0] == '\0') {
        NCONF_free(conf);
        return;
    }
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509V3_set_nconf(&ctx, conf);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    pki_need(ext != NULL && X509_add_ext(cert, ext, -1) == 1, value);
    X509_EXTENSION_free(ext);
    NCONF_free(conf);
}

static inline void pki_unknown_extension(X509 *cert)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *ext;

    pki_need(ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05", 2) == 1, "octets");
    ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
    pki_need(ext != NULL && X509_add_ext(cert, ext, -1) == 1, "unknown extension");
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
}

static inline void pki_extensions(X509 *cert, X509 *issuer, const struct pki_spec *s)
{
    const char *basic = s->ca ? "critical,CA:TRUE" : "critical,CA:FALSE";
    const char *usage = s->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";

    pki_extension(cert, issuer, NID_basic_constraints, s->basic != NULL ? s->basic : basic);
    pki_extension(cert, issuer, NID_key_usage, s->usage != NULL ? s->usage : usage);
    pki_extension(cert, issuer, NID_ext_key_usage, s->purpose);
    pki_extension(cert, issuer, NID_subject_alt_name, s->alt);
    pki_extension(cert, issuer, NID_name_constraints, s->constraints);
    pki_extension(cert, issuer, NID_info_access, s->access);
    pki_extension(cert, issuer, NID_crl_distribution_points, s->points);
    pki_extension(cert, issuer, NID_freshest_crl, s->freshest);
    pki_extension(cert, issuer, NID_certificate_policies, s->policies);
    pki_extension(cert, issuer, NID_subject_key_identifier, "hash");
    if (s->unknown)
        pki_unknown_extension(cert);
    if (issuer != cert && X509_get0_subject_key_id(issuer) != NULL)
        pki_extension(cert, issuer, NID_authority_key_identifier, "keyid");
}

static inline void pki_name(X509 *cert, const char *name)
{
    X509_NAME *subject = X509_NAME_new();

    pki_need(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                                        (const unsigned char *)"Culvert", -1, -1, 0) == 1 &&
                 X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                            (const unsigned char *)name, -1, -1, 0) == 1 &&
                 X509_set_subject_name(cert, subject) == 1,
             "name");
    X509_NAME_free(subject);
}

/* key is shared with the caller, who still has to free its own. */
static inline struct pki pki_make(EVP_PKEY *key, struct pki_spec s)
{
    static long serial = 1;
    X509 *cert = X509_new();
    X509 *issuer = s.issuer != NULL ? s.issuer->cert : cert;
    EVP_PKEY *signer = s.issuer != NULL ? s.issuer->key : key;
    const EVP_MD *digest = s.digest != NULL ? s.digest : EVP_sha256();
    bool usual = s.from_s == 0 && s.until_s == 0;

    pki_need(EVP_PKEY_up_ref(key) == 1 && cert != NULL, "X509_new");
    X509_set_version(cert, s.bare ? X509_VERSION_1 : X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    ASN1_TIME_set(X509_getm_notBefore(cert), PKI_NOW + (usual ? -PKI_DAY : s.from_s));
    ASN1_TIME_set(X509_getm_notAfter(cert), PKI_NOW + (usual ? PKI_DAY : s.until_s));
    pki_name(cert, s.name);
    pki_need(X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
                 X509_set_pubkey(cert, key) == 1,
             "issuer");
    if (!s.bare)
        pki_extensions(cert, issuer, &s);
    if (EVP_PKEY_is_a(signer, "ED25519"))
        digest = NULL;
    pki_need(X509_sign(cert, signer, digest) > 0, "X509_sign");
    return (struct pki){cert, key};
}

static inline void pki_free(struct pki *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
    *p = (struct pki){NULL, NULL};
}

static inline struct cv_span pki_der(const struct pki *p, uint8_t buf[PKI_DER_MAX])
{
    uint8_t *at = buf;
    int n = i2d_X509(p->cert, NULL);

    pki_need(n > 0 && n <= PKI_DER_MAX && i2d_X509(p->cert, &at) == n, "i2d_X509");
    return span(buf, (size_t)n);
}

/* DER in PKCS #8 or, traditional, in PKCS #1 or SEC 1. */
static inline struct cv_span pki_key_der(EVP_PKEY *key, bool traditional,
                                         uint8_t buf[PKI_DER_MAX])
{
    PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key);
    uint8_t *at = buf;
    int n = traditional ? i2d_PrivateKey(key, NULL) : i2d_PKCS8_PRIV_KEY_INFO(p8, NULL);

    pki_need(n > 0 && n <= PKI_DER_MAX, "private key");
    n = traditional ? i2d_PrivateKey(key, &at) : i2d_PKCS8_PRIV_KEY_INFO(p8, &at);
    PKCS8_PRIV_KEY_INFO_free(p8);
    return span(buf, (size_t)n);
}

/* What is to be in a revocation list. */
struct pki_list {
    const struct pki *issuer, *revoked; /* revoked NULL: nobody */
    int reason;                         /* CRLReason; 0: not given */
    int64_t from_s, until_s;            /* relative to PKI_NOW; from_s 0: a day before */
    long number;                        /* 0: none */
    long base;                          /* of a delta: the complete list's number */
    const char *freshest;               /* where deltas are */
};

static inline void pki_entry(X509_CRL *crl, const struct pki_list *l)
{
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_TIME *t = ASN1_TIME_set(NULL, PKI_NOW - PKI_DAY);
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

    X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(l->revoked->cert));
    X509_REVOKED_set_revocationDate(revoked, t);
    ASN1_ENUMERATED_set(reason, l->reason);
    pki_need((l->reason == 0 ||
              X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, reason, 0, 0) == 1) &&
                 X509_CRL_add0_revoked(crl, revoked) == 1,
             "revoked");
    ASN1_ENUMERATED_free(reason);
    ASN1_TIME_free(t);
}

static inline void pki_number(X509_CRL *crl, int nid, long n)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();

    ASN1_INTEGER_set(number, n);
    pki_need(n == 0 || X509_CRL_add1_ext_i2d(crl, nid, number, nid == NID_delta_crl, 0) == 1,
             "number");
    ASN1_INTEGER_free(number);
}

static inline void pki_list_extensions(X509_CRL *crl, const struct pki_list *l)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    pki_number(crl, NID_crl_number, l->number);
    pki_number(crl, NID_delta_crl, l->base);
    if (l->freshest == NULL)
        return;
    X509V3_set_ctx(&ctx, l->issuer->cert, NULL, NULL, crl, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_freshest_crl, l->freshest);
    pki_need(ext != NULL && X509_CRL_add_ext(crl, ext, -1) == 1, l->freshest);
    X509_EXTENSION_free(ext);
}

static inline struct cv_span pki_list(const struct pki_list *l, uint8_t buf[PKI_DER_MAX])
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *t = ASN1_TIME_set(NULL, PKI_NOW + (l->from_s != 0 ? l->from_s : -PKI_DAY));
    uint8_t *at = buf;
    int n;

    pki_need(crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                 X509_CRL_set_issuer_name(crl, X509_get_subject_name(l->issuer->cert)) == 1 &&
                 X509_CRL_set1_lastUpdate(crl, t) == 1,
             "revocation list");
    ASN1_TIME_set(t, PKI_NOW + l->until_s);
    pki_need(X509_CRL_set1_nextUpdate(crl, t) == 1, "nextUpdate");
    ASN1_TIME_free(t);
    if (l->revoked != NULL)
        pki_entry(crl, l);
    pki_list_extensions(crl, l);
    pki_need(X509_CRL_sign(crl, l->issuer->key, EVP_sha256()) > 0, "X509_CRL_sign");
    n = i2d_X509_CRL(crl, &at);
    pki_need(n > 0 && n <= PKI_DER_MAX, "i2d_X509_CRL");
    X509_CRL_free(crl);
    return span(buf, (size_t)n);
}

/* A revocation list of issuer that names cert (NULL: nobody), written as DER. */
static inline struct cv_span pki_crl(const struct pki *issuer, const struct pki *cert,
                                     int64_t until_s, uint8_t buf[PKI_DER_MAX])
{
    return pki_list(&(struct pki_list){.issuer = issuer, .revoked = cert, .until_s = until_s},
                    buf);
}

#endif
