/* Private keys of ours: born, read, written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PKI_PKEY_H
#define PKI_PKEY_H

#include <openssl/evp.h>

#include "kit/problem.h"

/* ECDSA on P-256; NULL when the machine has no chance to give. */
EVP_PKEY *pkey_make(struct problem *why);
/* PEM (PKCS #8), without a passphrase. */
EVP_PKEY *pkey_read(const char *path, struct problem *why);
/* A new file of mode 0600; one that is there already is never written over. */
bool pkey_write(const char *path, EVP_PKEY *key, struct problem *why);

/* May it be in a certificate of ours?  RSA from 2048 to 8192 bits, ECDSA on P-256, P-384,
 * P-521, Ed25519; else why says what it is. */
bool pkey_is_strong(EVP_PKEY *key, struct problem *why);

/* Why OpenSSL's last call failed, for people; empties its queue. */
const char *pki_reason(void);

#endif
