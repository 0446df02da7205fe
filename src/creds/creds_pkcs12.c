/* Owns PKCS #12 files (RFC 7292): a key, its certificate and those above it, in one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "base/span.h"
#include "creds/inside.h"

enum { PKCS12_MAX = 1 << 20 };

static bool add_cert(struct creds *c, X509 *x509, struct problem *why)
{
    uint8_t *der = NULL;
    int n = i2d_X509(x509, &der);
    bool ok = n > 0 && creds_add_cert(c, span(der, (size_t)n), X509_check_ca(x509) == 1, why);

    OPENSSL_free(der);
    return ok;
}

static bool add_key(struct creds *c, EVP_PKEY *pkey, struct problem *why)
{
    PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(pkey);
    uint8_t *der = NULL;
    int n = p8 != NULL ? i2d_PKCS8_PRIV_KEY_INFO(p8, &der) : 0;
    bool ok = n > 0 ? creds_add_key(c, span(der, (size_t)n), NULL, NULL, why)
                    : problem_set(why, "PKCS #12: a key that cannot be used");

    if (n > 0)
        OPENSSL_cleanse(der, (size_t)n);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(p8); /* wipes */
    return ok;
}

/* What is in it by now, opened. */
struct contents {
    EVP_PKEY *pkey;
    X509 *cert;
    STACK_OF(X509) * others;
};

static bool add_all(struct creds *c, const struct contents *in, struct problem *why)
{
    bool ok = in->pkey == NULL || add_key(c, in->pkey, why);

    ok = ok && (in->cert == NULL || add_cert(c, in->cert, why));
    for (int i = 0; i < sk_X509_num(in->others) && ok; i++)
        ok = add_cert(c, sk_X509_value(in->others, i), why);
    return ok;
}

/* Wrong passphrases and algorithms of before OpenSSL 3 (RC2) look alike to most, so that the
 * reason is OpenSSL's own. */
static bool open_it(PKCS12 *p12, const char *passphrase, struct contents *out,
                    struct problem *why)
{
    if (PKCS12_verify_mac(p12, passphrase, -1) != 1)
        return problem_set(why, "PKCS #12: %s",
                           passphrase != NULL ? "the passphrase is wrong"
                                              : "encrypted and no passphrase given");
    if (PKCS12_parse(p12, passphrase, &out->pkey, &out->cert, &out->others) != 1)
        return problem_set(why, "PKCS #12: %s", creds_openssl_reason());
    if (out->pkey == NULL && out->cert == NULL && sk_X509_num(out->others) <= 0)
        return problem_set(why, "PKCS #12: nothing is in it");
    return true;
}

bool creds_add_pkcs12(struct creds *c, struct cv_span data, const char *passphrase,
                      struct problem *why)
{
    struct contents in = {.pkey = NULL};
    const unsigned char *p = data.p;
    PKCS12 *p12;
    bool ok;

    if (data.n == 0 || data.n > PKCS12_MAX)
        return problem_set(why, "PKCS #12: %s", data.n == 0 ? "no data" : "too large");
    ERR_clear_error();
    p12 = d2i_PKCS12(NULL, &p, (long)data.n);
    ok = p12 != NULL ? open_it(p12, passphrase, &in, why) && add_all(c, &in, why)
                     : problem_set(why, "PKCS #12: %s", creds_openssl_reason());
    PKCS12_free(p12);
    EVP_PKEY_free(in.pkey);
    X509_free(in.cert);
    sk_X509_pop_free(in.others, X509_free);
    ERR_clear_error();
    return ok;
}
