/* Owns fingerprints.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pki/pin.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/secret.h"
#include "pki/base64.h"

bool pin_of_key(EVP_PKEY *key, struct pin *out)
{
    uint8_t *der = NULL;
    const int n = i2d_PUBKEY(key, &der);
    unsigned len;
    const bool ok =
        n > 0 && EVP_Digest(der, (size_t)n, out->sha256, &len, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    return ok;
}

bool pin_of_cert(const X509 *cert, struct pin *out)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);

    return key != NULL && pin_of_key(key, out);
}

const char *pin_text(char out[PIN_TEXT], const struct pin *pin)
{
    if (!base64_word((struct cv_span){pin->sha256, PIN_LEN}, out, PIN_TEXT))
        out[0] = '\0';
    return out;
}

bool pin_read(const char *text, size_t n, struct pin *out)
{
    size_t len;

    return n == PIN_TEXT - 1 && base64_read(text, n, out->sha256, PIN_LEN, &len) &&
           len == PIN_LEN;
}

bool pin_equal(const struct pin *a, const struct pin *b)
{
    return ct_equal(a->sha256, b->sha256, PIN_LEN);
}
