/* Owns the list of algorithms, by their strongSwan names, and the calls without a plane around
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/suite.h"

#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "wire/ip.h"

enum { ESP_TRAILER = 2, AH_FIXED = 12, ESP_ALIGN = 4, ESP_HEADER = 8 };

struct named {
    const char *name;
    uint16_t id, bits;
};

/* clang-format off */
static const struct named aeads[] = {
    {"aes128gcm16", CV_ENCR_AES_GCM_16, 128}, {"aes256gcm16", CV_ENCR_AES_GCM_16, 256},
    {"aes128gcm12", CV_ENCR_AES_GCM_12, 128}, {"aes256gcm12", CV_ENCR_AES_GCM_12, 256},
    {"aes128gcm8",  CV_ENCR_AES_GCM_8,  128}, {"aes256gcm8",  CV_ENCR_AES_GCM_8,  256},
    {"aes128gcm16iiv", CV_ENCR_AES_GCM_16_IIV, 128},
    {"aes256gcm16iiv", CV_ENCR_AES_GCM_16_IIV, 256},
    {"aes128gmac",  CV_ENCR_NULL_GMAC,  128}, {"aes256gmac",  CV_ENCR_NULL_GMAC,  256},
    {"aes128ccm8",  CV_ENCR_AES_CCM_8,  128}, {"aes256ccm8",  CV_ENCR_AES_CCM_8,  256},
    {"aes128ccm12", CV_ENCR_AES_CCM_12, 128}, {"aes256ccm12", CV_ENCR_AES_CCM_12, 256},
    {"aes128ccm16", CV_ENCR_AES_CCM_16, 128}, {"aes256ccm16", CV_ENCR_AES_CCM_16, 256},
    {"aes128ccm8iiv", CV_ENCR_AES_CCM_8_IIV, 128},
    {"aes256ccm8iiv", CV_ENCR_AES_CCM_8_IIV, 256},
    {"chacha20poly1305", CV_ENCR_CHACHA20_POLY1305, 0},
    {"chacha20poly1305iiv", CV_ENCR_CHACHA20_POLY1305_IIV, 0},
};

static const struct named ciphers[] = {
    {"aes128", CV_ENCR_AES_CBC, 128}, {"aes256", CV_ENCR_AES_CBC, 256},
    {"aes128ctr", CV_ENCR_AES_CTR, 128}, {"3des", CV_ENCR_3DES, 0}, {"null", CV_ENCR_NULL, 0},
};

static const struct named integs[] = {
    {"sha256", CV_INTEG_HMAC_SHA2_256_128, 0}, {"sha384", CV_INTEG_HMAC_SHA2_384_192, 0},
    {"sha512", CV_INTEG_HMAC_SHA2_512_256, 0}, {"sha1", CV_INTEG_HMAC_SHA1_96, 0},
    {"md5", CV_INTEG_HMAC_MD5_96, 0}, {"aesxcbc", CV_INTEG_AES_XCBC_96, 0},
    {"aescmac", CV_INTEG_AES_CMAC_96, 0},
};
/* clang-format on */

enum {
    N_AEADS = sizeof(aeads) / sizeof(aeads[0]),
    N_CIPHERS = sizeof(ciphers) / sizeof(ciphers[0]),
    N_INTEGS = sizeof(integs) / sizeof(integs[0])
};

static const uint8_t some_key[CV_CIPHER_KEY_MAX + CV_INTEG_KEY_MAX] = {1, 2, 3, 4, 5};

bool suite_get(unsigned i, struct cv_suite *suite, char name[SUITE_NAME_MAX])
{
    const struct named *c, *m;

    *suite = (struct cv_suite){0};
    if (i < N_AEADS) {
        suite->encr = aeads[i].id;
        suite->encr_bits = aeads[i].bits;
        (void)snprintf(name, SUITE_NAME_MAX, "%s", aeads[i].name);
        return true;
    }
    i -= N_AEADS;
    m = &integs[i % N_INTEGS];
    suite->integ = m->id;
    if (i < N_CIPHERS * N_INTEGS) {
        c = &ciphers[i / N_INTEGS];
        suite->encr = c->id;
        suite->encr_bits = c->bits;
        (void)snprintf(name, SUITE_NAME_MAX, "%s-%s", c->name, m->name);
        return true;
    }
    (void)snprintf(name, SUITE_NAME_MAX, "ah-%s", m->name);
    return i < (N_CIPHERS + 1U) * N_INTEGS;
}

/* ---- the library alone -------------------------------------------------------- */

bool bare_open_keys(struct bare *b, const struct cv_crypto *crypto,
                    const struct cv_suite *suite)
{
    b->aead = crypto_aead(crypto, suite->encr, suite->encr_bits);
    b->cipher = crypto_cipher(crypto, suite->encr, suite->encr_bits);
    b->integ = crypto_integ(crypto, suite->integ);
    b->key = b->integ_key = NULL;
    if (b->aead != NULL)
        b->key = b->aead->new_key(some_key);
    if (b->cipher != NULL)
        b->key = b->cipher->new_key(some_key);
    if (b->integ != NULL)
        b->integ_key = b->integ->new_key(some_key);
    return b->key != NULL || b->integ_key != NULL;
}

void bare_free_keys(struct bare *b)
{
    if (b->aead != NULL)
        b->aead->free_key(b->key);
    if (b->cipher != NULL)
        b->cipher->free_key(b->key);
    if (b->integ != NULL)
        b->integ->free_key(b->integ_key);
}

size_t bare_len(const struct bare *b, size_t inner)
{
    const size_t align =
        b->cipher != NULL && b->cipher->block > ESP_ALIGN ? b->cipher->block : ESP_ALIGN;

    if (b->aead == NULL && b->cipher == NULL)
        return inner + IP4_HDR_LEN + AH_FIXED + b->integ->icv_len;
    return (inner + ESP_TRAILER + align - 1) & ~(align - 1);
}

static void make_nonce(uint8_t nonce[CV_IV_MAX], unsigned i)
{
    memset(nonce, 0, CV_IV_MAX);
    memcpy(nonce + 4, &i, sizeof(i));
}

static bool seal_one(struct bare *b, const uint8_t *nonce, unsigned i, size_t n)
{
    uint8_t *data = b->data[i], *icv = b->icv[i];

    if (b->aead != NULL)
        return b->aead->seal(b->key, nonce, (struct cv_span){nonce, ESP_HEADER}, data, n, icv);
    if (b->cipher != NULL && !b->cipher->encrypt(b->key, nonce, data, n))
        return false;
    return b->integ->mac(b->integ_key, &(struct cv_span){data, n}, 1, icv);
}

static bool open_one(struct bare *b, const uint8_t *nonce, unsigned i, size_t n)
{
    uint8_t *data = b->data[i], *icv = b->icv[i], again[CV_ICV_MAX];

    if (b->aead != NULL)
        return b->aead->open(b->key, nonce, (struct cv_span){nonce, ESP_HEADER}, data, n, icv);
    if (!b->integ->mac(b->integ_key, &(struct cv_span){data, n}, 1, again) ||
        memcmp(icv, again, b->integ->icv_len) != 0)
        return false;
    return b->cipher == NULL || b->cipher->decrypt(b->key, nonce, data, n);
}

bool bare_seal(struct bare *b, size_t n)
{
    uint8_t nonce[CV_IV_MAX];
    bool ok = true;

    for (unsigned i = 0; i < SUITE_BATCH; i++) {
        make_nonce(nonce, i);
        ok = seal_one(b, nonce, i, n) && ok;
    }
    return ok;
}

bool bare_open(struct bare *b, size_t n)
{
    uint8_t nonce[CV_IV_MAX];
    bool ok = true;

    for (unsigned i = 0; i < SUITE_BATCH; i++) {
        make_nonce(nonce, i);
        ok = open_one(b, nonce, i, n) && ok;
    }
    return ok;
}
