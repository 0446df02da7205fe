/* AES-GCM: RFC 4106, and RFC 8750 where the IV does not travel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ports/bearssl/aead.h"

enum { SALT_LEN = 4, IV_LEN = 8, NONCE_LEN = SALT_LEN + IV_LEN };

static void *new_key(const uint8_t *octets, size_t n)
{
    union key *key = key_take();

    if (key == NULL)
        return NULL;
    br_aes_ct_ctr_init(&key->gcm.aes, octets, n);
    br_gcm_init(&key->gcm.gcm, &key->gcm.aes.vtable, br_ghash_ctmul32);
    return key;
}

static void run(br_gcm_context *gcm, const struct packet *p, bool encrypt)
{
    br_gcm_reset(gcm, p->nonce, NONCE_LEN);
    br_gcm_aad_inject(gcm, p->aad.p, p->aad.n);
    br_gcm_flip(gcm);
    br_gcm_run(gcm, encrypt, p->data, p->n);
}

static bool seal(union key *key, const struct packet *p, uint8_t *icv)
{
    run(&key->gcm.gcm, p, true);
    br_gcm_get_tag_trunc(&key->gcm.gcm, icv, p->icv_len);
    return true;
}

static bool open(union key *key, const struct packet *p, const uint8_t *icv)
{
    run(&key->gcm.gcm, p, false);
    return br_gcm_check_tag_trunc(&key->gcm.gcm, icv, p->icv_len) == 1;
}

AEAD(gcm_16_128, CV_ENCR_AES_GCM_16, 16, IV_LEN, 16)
AEAD(gcm_16_256, CV_ENCR_AES_GCM_16, 32, IV_LEN, 16)
AEAD(gcm_16_iiv_128, CV_ENCR_AES_GCM_16_IIV, 16, 0, 16)
AEAD(gcm_16_iiv_256, CV_ENCR_AES_GCM_16_IIV, 32, 0, 16)
AEAD(gcm_12_128, CV_ENCR_AES_GCM_12, 16, IV_LEN, 12)
AEAD(gcm_12_256, CV_ENCR_AES_GCM_12, 32, IV_LEN, 12)
AEAD(gcm_8_128, CV_ENCR_AES_GCM_8, 16, IV_LEN, 8)
AEAD(gcm_8_256, CV_ENCR_AES_GCM_8, 32, IV_LEN, 8)
