/* ChaCha20-Poly1305: RFC 7634, and RFC 8750 where the IV does not travel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ports/bearssl/aead.h"

enum { SALT_LEN = 4, IV_LEN = 8, ICV_LEN = 16, KEY_LEN = 32 };

static void *new_key(const uint8_t *octets, size_t n)
{
    union key *key = key_take();

    if (key != NULL)
        memcpy(key->octets, octets, n);
    return key;
}

static void run(const union key *key, const struct packet *p, bool encrypt, uint8_t *icv)
{
    br_poly1305_ctmul32_run(key->octets, p->nonce, p->data, p->n, p->aad.p, p->aad.n, icv,
                            br_chacha20_ct_run, encrypt);
}

static bool seal(union key *key, const struct packet *p, uint8_t *icv)
{
    run(key, p, true, icv);
    return true;
}

static bool open(union key *key, const struct packet *p, const uint8_t *icv)
{
    uint8_t expected[ICV_LEN];

    run(key, p, false, expected);
    return ct_equal(expected, icv, sizeof(expected));
}

AEAD(chacha20_poly1305, CV_ENCR_CHACHA20_POLY1305, KEY_LEN, IV_LEN, ICV_LEN)
AEAD(chacha20_poly1305_iiv, CV_ENCR_CHACHA20_POLY1305_IIV, KEY_LEN, 0, ICV_LEN)
