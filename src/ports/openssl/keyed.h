/* An OpenSSL cipher context together with its key.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_OPENSSL_KEYED_H
#define PORTS_OPENSSL_KEYED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/params.h>

enum { KEYED_MAX = 32 };

enum way { DECRYPT = 0, ENCRYPT = 1, NEITHER = 2 }; /* OpenSSL's numbers, and none yet */

struct keyed {
    EVP_CIPHER_CTX *ctx;
    enum way way; /* what ctx is keyed for */
    uint8_t key[KEYED_MAX];
};

/* cipher: OpenSSL's name; params hold for every message.  False: no memory, or OpenSSL
 * lacks the cipher.  keyed_free afterwards in any case. */
bool keyed_init(struct keyed *k, const char *cipher, const uint8_t *key, size_t key_len,
                const OSSL_PARAM *params);
void keyed_free(struct keyed *k);

/* Begins a message; params may be NULL. */
bool keyed_start(struct keyed *k, enum way way, const uint8_t *iv, const OSSL_PARAM *params);

#endif
