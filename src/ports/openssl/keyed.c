/* A cipher context and its key.  A context is keyed for one way, encrypting or
 * decrypting, and a message then only sets its IV.  An SA uses a key one way only, so one
 * context is enough; the key itself stays here to turn it round.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ports/openssl/keyed.h"

#include <string.h>

#include "base/secret.h"

bool keyed_init(struct keyed *k, const char *cipher, const uint8_t *key, size_t key_len,
                const OSSL_PARAM *params)
{
    EVP_CIPHER *alg = EVP_CIPHER_fetch(NULL, cipher, NULL);
    bool ok = alg != NULL && (k->ctx = EVP_CIPHER_CTX_new()) != NULL &&
              EVP_CipherInit_ex2(k->ctx, alg, NULL, NULL, ENCRYPT, params) == 1;

    EVP_CIPHER_free(alg); /* the context keeps its own hold */
    k->way = NEITHER;
    memcpy(k->key, key, key_len);
    return ok;
}

void keyed_free(struct keyed *k)
{
    EVP_CIPHER_CTX_free(k->ctx); /* wipes the key schedule */
    wipe(k, sizeof(*k));
}

bool keyed_start(struct keyed *k, enum way way, const uint8_t *iv, const OSSL_PARAM *params)
{
    const uint8_t *key = k->way == way ? NULL : k->key;

    if (EVP_CipherInit_ex2(k->ctx, NULL, key, iv, (int)way, params) != 1)
        return false;
    k->way = way;
    return true;
}
