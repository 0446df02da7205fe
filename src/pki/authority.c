/* Owns what the authority signs: itself, certificates, revocation lists.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pki/authority.h"

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "pki/pkey.h"

enum {
    SERIAL_LEN = 16,
    AUTHORITY_DAYS = 3653,
    DAY_S = 86400,
    BACKDATE_S = 300,  /* a verifier's clock may be a little late */
    BACKDATE_PART = 10 /* but a short life is hardly longer for it */
};

static bool failed(struct problem *why, const char *what)
{
    return problem_set(why, "%s: %s", what, pki_reason());
}

/* ---- parts of a certificate ------------------------------------------------------- */

/* Random, so that numbers tell nothing and need no file to count in (RFC 5280 section 4.1.2.2:
 * positive, at most 20 octets). */
static bool set_serial(X509 *cert)
{
    uint8_t octets[SERIAL_LEN];
    BIGNUM *n = NULL;
    bool ok = RAND_bytes(octets, sizeof(octets)) == 1;

    octets[0] = (uint8_t)((octets[0] & 0x7f) | 0x40);
    ok = ok && (n = BN_bin2bn(octets, sizeof(octets), NULL)) != NULL &&
         BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return ok;
}

/* UTCTime until 2049, as section 4.1.2.5 wants it. */
static bool set_times(X509 *cert, int64_t from_s, int64_t until_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)until_s) != NULL;
}

static bool add_common_name(X509_NAME *name, const char *text)
{
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)text, -1, -1, 0) == 1;
}

/* value is of our own making, never of others': it is in OpenSSL's configuration words. */
static bool extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *ext;
    X509V3_CTX ctx;
    bool ok;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static X509 *begin(const struct leaf *leaf, EVP_PKEY *key, int64_t until_s)
{
    const int64_t part = (until_s - leaf->from_s) / BACKDATE_PART;
    const int64_t before = part < BACKDATE_S ? part : BACKDATE_S;
    X509 *cert = X509_new();

    if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        set_times(cert, leaf->from_s - before, until_s) && X509_set_pubkey(cert, key) == 1 &&
        add_common_name(X509_get_subject_name(cert), leaf->common_name))
        return cert;
    X509_free(cert);
    return NULL;
}

/* ---- subjectAltName --------------------------------------------------------------- */

static bool push_name(GENERAL_NAMES *names, int type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();

    if (name != NULL && value != NULL && ASN1_STRING_set(value, text, -1) == 1) {
        GENERAL_NAME_set0_value(name, type, value);
        if (sk_GENERAL_NAME_push(names, name) > 0)
            return true;
        value = NULL; /* the name's now */
    }
    ASN1_IA5STRING_free(value);
    GENERAL_NAME_free(name);
    return false;
}

static bool push_address(GENERAL_NAMES *names, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *value = a2i_IPADDRESS(text);

    if (name != NULL && value != NULL) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, value);
        if (sk_GENERAL_NAME_push(names, name) > 0)
            return true;
        value = NULL;
    }
    ASN1_OCTET_STRING_free(value);
    GENERAL_NAME_free(name);
    return false;
}

static bool add_names(X509 *cert, const struct leaf *leaf)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool ok = names != NULL;

    for (unsigned i = 0; ok && i < leaf->n_dns; i++)
        ok = push_name(names, GEN_DNS, leaf->dns[i]);
    for (unsigned i = 0; ok && i < leaf->n_ip; i++)
        ok = push_address(names, leaf->ip[i]);
    if (ok && leaf->email != NULL)
        ok = push_name(names, GEN_EMAIL, leaf->email);
    if (ok && sk_GENERAL_NAME_num(names) > 0)
        ok = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
    GENERAL_NAMES_free(names);
    return ok;
}

/* ---- the authority ---------------------------------------------------------------- */

bool authority_make(struct authority *a, const char *name, int64_t now_s, struct problem *why)
{
    const struct leaf self = {.common_name = name, .from_s = now_s};

    *a = (struct authority){.key = pkey_make(why)};
    if (a->key == NULL)
        return false;
    a->cert = begin(&self, a->key, now_s + (int64_t)AUTHORITY_DAYS * DAY_S);
    if (a->cert != NULL && X509_set_issuer_name(a->cert, X509_get_subject_name(a->cert)) == 1 &&
        extend(a->cert, a->cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        extend(a->cert, a->cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        extend(a->cert, a->cert, NID_subject_key_identifier, "hash") &&
        X509_sign(a->cert, a->key, EVP_sha256()) > 0)
        return true;
    authority_free(a);
    return failed(why, "the authority's certificate could not be made");
}

bool authority_load(struct authority *a, const char *cert_path, const char *key_path,
                    struct problem *why)
{
    *a = (struct authority){.cert = cert_file_read(cert_path, why)};
    if (a->cert != NULL)
        a->key = pkey_read(key_path, why);
    if (a->key != NULL && X509_check_private_key(a->cert, a->key) == 1)
        return true;
    if (a->key != NULL)
        problem_set(why, "%s is not the key of %s", key_path, cert_path);
    authority_free(a);
    return false;
}

void authority_free(struct authority *a)
{
    X509_free(a->cert);
    EVP_PKEY_free(a->key);
    *a = (struct authority){.cert = NULL};
}

/* What it is for, in words of RFC 5280 section 4.2.1.12 and, for IKE, RFC 4945
 * section 5.1.3.12.
 */
static const char *purposes(enum leaf_use use)
{
    return use == LEAF_GATEWAY ? "serverAuth,1.3.6.1.5.5.7.3.17"
                               : "clientAuth,1.3.6.1.5.5.7.3.17";
}

X509 *authority_issue(const struct authority *a, const struct leaf *leaf, EVP_PKEY *key,
                      struct problem *why)
{
    const int64_t end = leaf->from_s + leaf->lifetime_s, last = cert_until_s(a->cert);
    X509 *cert;

    if (leaf->from_s >= last) {
        problem_set(why, "the authority's own certificate has ended");
        return NULL;
    }
    cert = begin(leaf, key, end < last ? end : last);
    if (cert != NULL && X509_set_issuer_name(cert, X509_get_subject_name(a->cert)) == 1 &&
        extend(cert, a->cert, NID_basic_constraints, "critical,CA:FALSE") &&
        extend(cert, a->cert, NID_key_usage, "critical,digitalSignature") &&
        extend(cert, a->cert, NID_ext_key_usage, purposes(leaf->use)) &&
        extend(cert, a->cert, NID_subject_key_identifier, "hash") &&
        extend(cert, a->cert, NID_authority_key_identifier, "keyid:always") &&
        add_names(cert, leaf) && X509_sign(cert, a->key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    failed(why, "the certificate could not be made");
    return NULL;
}

const char *serial_text(char out[SERIAL_TEXT], const X509 *cert)
{
    const ASN1_INTEGER *n = X509_get0_serialNumber(cert);
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *p = ASN1_STRING_get0_data(n);
    const int len = ASN1_STRING_length(n);
    size_t at = 0;

    for (int i = 0; i < len && at + 2 < SERIAL_TEXT; i++) {
        out[at++] = digits[p[i] >> 4];
        out[at++] = digits[p[i] & 15];
    }
    out[at] = '\0';
    return out;
}

/* ---- revocation ------------------------------------------------------------------- */

static bool add_revoked(X509_CRL *crl, const struct revoked *r)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *since = ASN1_TIME_set(NULL, (time_t)r->since_s);
    ASN1_INTEGER *serial = NULL;
    BIGNUM *n = NULL;
    bool ok = entry != NULL && since != NULL && BN_hex2bn(&n, r->serial) > 0 &&
              (size_t)BN_num_bytes(n) * 2 >= strlen(r->serial) - 1 &&
              (serial = BN_to_ASN1_INTEGER(n, NULL)) != NULL &&
              X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
              X509_REVOKED_set_revocationDate(entry, since) == 1 &&
              X509_CRL_add0_revoked(crl, entry) == 1;

    if (!ok)
        X509_REVOKED_free(entry);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(since);
    BN_free(n);
    return ok;
}

/* The number grows with time (section 5.2.3), so no file has to remember it. */
static bool number_crl(X509_CRL *crl, X509 *issuer, int64_t now_s)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
    const ASN1_OCTET_STRING *key = X509_get0_subject_key_id(issuer);
    bool ok = number != NULL && id != NULL && key != NULL &&
              ASN1_INTEGER_set_int64(number, now_s) == 1 &&
              X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1 &&
              (id->keyid = ASN1_OCTET_STRING_dup(key)) != NULL &&
              X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, id, 0, 0) == 1;

    ASN1_INTEGER_free(number);
    AUTHORITY_KEYID_free(id);
    return ok;
}

static bool begin_crl(X509_CRL *crl, X509 *issuer, int64_t now_s, int64_t next_s)
{
    ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)now_s);
    ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)next_s);
    const bool ok = crl != NULL && now != NULL && next != NULL &&
                    X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
                    X509_CRL_set1_lastUpdate(crl, now) == 1 &&
                    X509_CRL_set1_nextUpdate(crl, next) == 1 && number_crl(crl, issuer, now_s);

    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    return ok;
}

X509_CRL *authority_crl(const struct authority *a, const struct revoked *list, size_t n,
                        int64_t now_s, int64_t next_s, struct problem *why)
{
    X509_CRL *crl = X509_CRL_new();
    bool ok = begin_crl(crl, a->cert, now_s, next_s);

    for (size_t i = 0; ok && i < n; i++) {
        ok = add_revoked(crl, &list[i]);
        if (!ok)
            problem_set(why, "'%s' is no serial number", list[i].serial);
    }
    if (ok && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, a->key, EVP_sha256()) > 0)
        return crl;
    if (ok)
        failed(why, "the revocation list could not be made");
    X509_CRL_free(crl);
    return NULL;
}
