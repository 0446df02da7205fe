/* A fingerprint: SHA-256 of a certificate's public key as RFC 7469 section 2.4 takes it (the
 * DER SubjectPublicKeyInfo), so it stays when the certificate is made anew for the same key.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PKI_PIN_H
#define PKI_PIN_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

enum { PIN_LEN = 32, PIN_TEXT = 44 };

struct pin {
    uint8_t sha256[PIN_LEN];
};

bool pin_of_cert(const X509 *cert, struct pin *out);
bool pin_of_key(EVP_PKEY *key, struct pin *out);
/* Base64 for links, 43 letters; returns out. */
const char *pin_text(char out[PIN_TEXT], const struct pin *pin);
bool pin_read(const char *text, size_t n, struct pin *out);
bool pin_equal(const struct pin *a, const struct pin *b);

#endif
