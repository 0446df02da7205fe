/* Owns how certificates travel in EST.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pki/certs_only.h"

#include <openssl/pkcs7.h>
#include <stdlib.h>

#include "kit/mem.h"
#include "pki/base64.h"
#include "pki/pkey.h"

enum { BODY_MAX = 1 << 18 };

static PKCS7 *wrap(X509 *const *certs, size_t n)
{
    PKCS7 *p7 = PKCS7_new();
    bool ok = p7 != NULL && PKCS7_set_type(p7, NID_pkcs7_signed) == 1 &&
              PKCS7_content_new(p7, NID_pkcs7_data) == 1 && PKCS7_set_detached(p7, 1) == 1;

    for (size_t i = 0; ok && i < n; i++)
        ok = PKCS7_add_certificate(p7, certs[i]) == 1;
    if (ok)
        return p7;
    PKCS7_free(p7);
    return NULL;
}

char *certs_only_text(X509 *const *certs, size_t n, struct problem *why)
{
    PKCS7 *p7 = wrap(certs, n);
    uint8_t *der = NULL;
    const int len = p7 == NULL ? -1 : i2d_PKCS7(p7, &der);
    char *text = NULL;

    if (len > 0)
        text = base64_lines((struct cv_span){der, (size_t)len});
    else
        problem_set(why, "certificates could not be put into PKCS #7: %s", pki_reason());
    OPENSSL_free(der);
    PKCS7_free(p7);
    return text;
}

static PKCS7 *from_der(const uint8_t *p, size_t n)
{
    return d2i_PKCS7(NULL, &p, (long)n);
}

static PKCS7 *unwrap(struct cv_span body)
{
    uint8_t *der = mem_new(body.n + 1, 1);
    PKCS7 *p7 = NULL;
    size_t n;

    if (base64_read((const char *)body.p, body.n, der, body.n, &n))
        p7 = from_der(der, n);
    free(der);
    return p7 != NULL ? p7 : from_der(body.p, body.n);
}

STACK_OF(X509) * certs_only_read(struct cv_span body, struct problem *why)
{
    PKCS7 *p7 = body.n <= BODY_MAX ? unwrap(body) : NULL;
    STACK_OF(X509) *certs = NULL;

    if (p7 != NULL && PKCS7_type_is_signed(p7) && p7->d.sign != NULL &&
        sk_X509_num(p7->d.sign->cert) > 0)
        certs = X509_chain_up_ref(p7->d.sign->cert);
    PKCS7_free(p7);
    (void)pki_reason();
    if (certs == NULL)
        problem_set(why, "the answer is no PKCS #7 with certificates");
    return certs;
}
