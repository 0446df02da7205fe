/* Finding algorithms in a backend's tables, and prf+.  Knows nothing about how an
 * algorithm works: all it reads of a table's entry is its number and its lengths.
 *
 * RFC 7296 sections 2.13, 3.3.2 and 3.3.5.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <string.h>

#include "base/secret.h"
#include "base/span.h"

/* RFC 7296 section 3.3.5: these have one key length, and the Key Length attribute MUST
 * NOT be used with them.  Every other cipher needs one. */
static bool has_fixed_key(uint16_t encr_id)
{
    switch (encr_id) {
    case CV_ENCR_3DES:
    case CV_ENCR_NULL:
    case CV_ENCR_CHACHA20_POLY1305:
    case CV_ENCR_CHACHA20_POLY1305_IIV:
        return true;
    default:
        return false;
    }
}

static bool key_fits(uint16_t encr_id, uint8_t key_len, uint16_t bits)
{
    if (bits == 0)
        return has_fixed_key(encr_id);
    return bits == key_len * 8u;
}

const struct cv_aead *crypto_aead(const struct cv_crypto *c, uint16_t id, uint16_t bits)
{
    for (const struct cv_aead *const *a = c->aeads; *a != NULL; a++) {
        if ((*a)->id == id && key_fits(id, (*a)->key_len, bits))
            return *a;
    }
    return NULL;
}

const struct cv_cipher *crypto_cipher(const struct cv_crypto *c, uint16_t id, uint16_t bits)
{
    for (const struct cv_cipher *const *a = c->ciphers; *a != NULL; a++) {
        if ((*a)->id == id && key_fits(id, (*a)->key_len, bits))
            return *a;
    }
    return NULL;
}

const struct cv_integ *crypto_integ(const struct cv_crypto *c, uint16_t id)
{
    for (const struct cv_integ *const *a = c->integs; *a != NULL; a++) {
        if ((*a)->id == id)
            return *a;
    }
    return NULL;
}

const struct cv_prf *crypto_prf(const struct cv_crypto *c, uint16_t id)
{
    for (const struct cv_prf *const *a = c->prfs; *a != NULL; a++) {
        if ((*a)->id == id)
            return *a;
    }
    return NULL;
}

/* Buffers have room for so much: a backend that has more to say is not believed. */
static bool ke_fits(const struct cv_ke *ke)
{
    return ke->public_len <= CV_KE_PUB_MAX && ke->answer_len <= CV_KE_PUB_MAX &&
           ke->secret_len <= CV_KE_SECRET_MAX;
}

const struct cv_ke *crypto_ke(const struct cv_crypto *c, uint16_t id)
{
    for (const struct cv_ke *const *a = c->kes; *a != NULL; a++) {
        if ((*a)->id == id && ke_fits(*a))
            return *a;
    }
    return NULL;
}

const struct cv_hash *crypto_hash(const struct cv_crypto *c, uint16_t id)
{
    for (const struct cv_hash *const *a = c->hashes; *a != NULL; a++) {
        if ((*a)->id == id)
            return *a;
    }
    return NULL;
}

enum cv_err crypto_encapsulate(const struct cv_ke *ke, struct cv_span peer_pub, uint8_t *answer,
                               uint8_t *secret)
{
    enum cv_err err = CV_ERR_KE_VALUE;

    if (peer_pub.n == ke->public_len)
        err = ke->encapsulate(peer_pub, answer, secret);
    if (err != CV_OK)
        wipe(secret, ke->secret_len);
    return err;
}

enum cv_err crypto_decapsulate(const struct cv_ke *ke, void *key, struct cv_span answer,
                               uint8_t *secret)
{
    enum cv_err err = CV_ERR_KE_VALUE;

    if (answer.n == ke->answer_len)
        err = ke->decapsulate(key, answer, secret);
    if (err != CV_OK)
        wipe(secret, ke->secret_len);
    return err;
}

bool crypto_is_aead(uint16_t encr_id)
{
    switch (encr_id) {
    case CV_ENCR_AES_CCM_8:
    case CV_ENCR_AES_CCM_12:
    case CV_ENCR_AES_CCM_16:
    case CV_ENCR_AES_GCM_8:
    case CV_ENCR_AES_GCM_12:
    case CV_ENCR_AES_GCM_16:
    case CV_ENCR_NULL_GMAC:
    case CV_ENCR_CHACHA20_POLY1305:
    case CV_ENCR_AES_CCM_8_IIV:
    case CV_ENCR_AES_GCM_16_IIV:
    case CV_ENCR_CHACHA20_POLY1305_IIV:
        return true;
    default:
        return false;
    }
}

static bool has_encr(const struct cv_crypto *c, const struct cv_transform *t)
{
    if (crypto_is_aead(t->id))
        return crypto_aead(c, t->id, t->key_len) != NULL;
    return crypto_cipher(c, t->id, t->key_len) != NULL;
}

bool crypto_has(const struct cv_crypto *c, const struct cv_transform *t)
{
    if (t->type == CV_ENCR)
        return has_encr(c, t);
    if (t->key_len != 0)
        return false; /* nothing else comes in several key lengths */
    switch (t->type) {
    case CV_PRF:
        return crypto_prf(c, t->id) != NULL;
    case CV_INTEG:
        return t->id == CV_INTEG_NONE || crypto_integ(c, t->id) != NULL;
    case CV_KE:
        return t->id == CV_KE_NONE || crypto_ke(c, t->id) != NULL;
    case CV_ESN:
        return t->id == CV_ESN_NO || t->id == CV_ESN_YES;
    default:
        return false;
    }
}

enum { SEED_MAX = 6 }; /* KEYMAT has three parts, SKEYSEED four */

bool crypto_prf_plus(const struct cv_prf *prf, struct cv_span key, const struct cv_span *seed,
                     size_t n_seed, uint8_t *out, size_t n)
{
    struct cv_span parts[1 + SEED_MAX + 1];
    uint8_t t[CV_PRF_MAX] = {0}, counter = 0;
    size_t done = 0;
    bool ok = true;

    if (n_seed > SEED_MAX || n > (size_t)255 * prf->out_len)
        return false;
    parts[0] = span(t, 0); /* T1 has no block before it */
    for (size_t i = 0; i < n_seed; i++)
        parts[1 + i] = seed[i];
    parts[1 + n_seed] = span(&counter, 1);
    while (ok && done < n) {
        size_t take = n - done < prf->out_len ? n - done : prf->out_len;

        counter++;
        ok = prf->prf(key, parts, n_seed + 2, t);
        if (ok)
            memcpy(out + done, t, take);
        parts[0].n = prf->out_len;
        done += take;
    }
    if (!ok)
        wipe(out, n);
    wipe(t, sizeof(t));
    return ok;
}
