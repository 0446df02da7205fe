/* AES-CCM: RFC 4309, and RFC 8750 where the IV does not travel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"
#include "ports/bearssl/aead.h"

enum { SALT_LEN = 3, IV_LEN = 8, NONCE_LEN = SALT_LEN + IV_LEN };

static void *new_key(const uint8_t *octets, size_t n)
{
    union key *key = key_take();

    if (key != NULL)
        br_aes_ct_ctrcbc_init(&key->ccm, octets, n);
    return key;
}

static bool run(br_ccm_context *ccm, union key *key, const struct packet *p, bool encrypt)
{
    br_ccm_init(ccm, &key->ccm.vtable);
    if (br_ccm_reset(ccm, p->nonce, NONCE_LEN, p->aad.n, p->n, p->icv_len) == 0)
        return false;
    br_ccm_aad_inject(ccm, p->aad.p, p->aad.n);
    br_ccm_flip(ccm);
    br_ccm_run(ccm, encrypt, p->data, p->n);
    return true;
}

static bool seal(union key *key, const struct packet *p, uint8_t *icv)
{
    br_ccm_context ccm;
    bool ok = run(&ccm, key, p, true) && br_ccm_get_tag(&ccm, icv) == p->icv_len;

    wipe(&ccm, sizeof(ccm));
    return ok;
}

static bool open(union key *key, const struct packet *p, const uint8_t *icv)
{
    br_ccm_context ccm;
    bool ok = run(&ccm, key, p, false) && br_ccm_check_tag(&ccm, icv) == 1;

    wipe(&ccm, sizeof(ccm));
    return ok;
}

AEAD(ccm_8_128, CV_ENCR_AES_CCM_8, 16, IV_LEN, 8)
AEAD(ccm_8_256, CV_ENCR_AES_CCM_8, 32, IV_LEN, 8)
AEAD(ccm_8_iiv_128, CV_ENCR_AES_CCM_8_IIV, 16, 0, 8)
AEAD(ccm_8_iiv_256, CV_ENCR_AES_CCM_8_IIV, 32, 0, 8)
AEAD(ccm_12_128, CV_ENCR_AES_CCM_12, 16, IV_LEN, 12)
AEAD(ccm_12_256, CV_ENCR_AES_CCM_12, 32, IV_LEN, 12)
AEAD(ccm_16_128, CV_ENCR_AES_CCM_16, 16, IV_LEN, 16)
AEAD(ccm_16_256, CV_ENCR_AES_CCM_16, 32, IV_LEN, 16)
