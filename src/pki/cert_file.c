/* Owns certificates and revocation lists as files, in PEM.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/pem.h>
#include <time.h>

#include "kit/file.h"
#include "pki/authority.h"
#include "pki/pkey.h"

X509 *cert_file_read(const char *path, struct problem *why)
{
    struct file_text text;
    X509 *cert;
    BIO *bio;

    if (!file_read(path, &text, why))
        return NULL;
    bio = BIO_new_mem_buf(text.p, (int)text.n);
    cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    file_text_free(&text);
    if (cert == NULL)
        problem_set(why, "%s is no certificate in PEM: %s", path, pki_reason());
    return cert;
}

/* Writes what bio holds. */
static bool write_bio(const char *path, BIO *bio, bool replace, struct problem *why)
{
    char *text = NULL;
    const long n = BIO_get_mem_data(bio, &text);
    const struct cv_span data = {(const uint8_t *)text, n > 0 ? (size_t)n : 0};

    return replace ? file_replace(path, data, 0644, why) : file_create(path, data, 0644, why);
}

bool cert_file_write(const char *path, X509 *cert, bool replace, struct problem *why)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio != NULL && PEM_write_bio_X509(bio, cert) == 1;

    if (!ok)
        problem_set(why, "%s: the certificate could not be written as PEM: %s", path,
                    pki_reason());
    ok = ok && write_bio(path, bio, replace, why);
    BIO_free(bio);
    return ok;
}

bool crl_file_write(const char *path, X509_CRL *crl, struct problem *why)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio != NULL && PEM_write_bio_X509_CRL(bio, crl) == 1;

    if (!ok)
        problem_set(why, "%s: the list could not be written as PEM: %s", path, pki_reason());
    ok = ok && write_bio(path, bio, true, why);
    BIO_free(bio);
    return ok;
}

static int64_t unix_s(const ASN1_TIME *t)
{
    struct tm tm = {.tm_mday = 1};

    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

int64_t cert_from_s(const X509 *cert)
{
    return unix_s(X509_get0_notBefore(cert));
}

int64_t cert_until_s(const X509 *cert)
{
    return unix_s(X509_get0_notAfter(cert));
}

int64_t cert_due_s(const X509 *cert)
{
    return cert_until_s(cert) - (cert_until_s(cert) - cert_from_s(cert)) / 3;
}
