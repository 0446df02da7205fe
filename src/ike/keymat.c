/* Owns the key schedule of IKEv2: SKEYSEED, the SK_* keys, KEYMAT and the shared-key proof.
 *
 * Invariant: every intermediate key is wiped before return, and on failure so is the output.
 * RFC 7296 sections 2.13 to 2.18; RFC 5282 section 7.1 (salts).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/keymat.h"

#include <string.h>

#include "base/secret.h"
#include "base/span.h"

enum {
    NONCE_MAX = 256,   /* RFC 7296 section 3.9 */
    AES_PRF_NONCE = 8, /* octets of each nonce that key an AES-based prf */
    SK_TOTAL_MAX = 3 * CV_PRF_MAX + 2 * CV_INTEG_KEY_MAX + 2 * CV_CIPHER_KEY_MAX,
    SCRATCH_LEN = 2 * NONCE_MAX
};

/* One piece of stack for both nonces first and for all keys then. */
_Static_assert((int)SK_TOTAL_MAX <= (int)SCRATCH_LEN, "all keys of an IKE SA fit");

/* The IANA registry allows ENCR_NULL, ENCR_NULL_AUTH_AES_GMAC and the ciphers with an implicit
 * IV (RFC 8750) for ESP, but not for the messages of IKEv2 itself. */
static bool encr_is_for_esp_alone(uint16_t id)
{
    return id == CV_ENCR_NULL || id == CV_ENCR_NULL_GMAC ||
           (id >= CV_ENCR_AES_CCM_8_IIV && id <= CV_ENCR_CHACHA20_POLY1305_IIV);
}

enum cv_err ike_algs_find(struct ike_algs *out, const struct cv_crypto *crypto,
                          const struct cv_suite *suite)
{
    *out = (struct ike_algs){.prf = crypto_prf(crypto, suite->prf)};
    if (out->prf == NULL || encr_is_for_esp_alone(suite->encr))
        return CV_ERR_UNSUPPORTED;
    if (crypto_is_aead(suite->encr)) {
        out->aead = crypto_aead(crypto, suite->encr, suite->encr_bits);
        return out->aead != NULL ? CV_OK : CV_ERR_UNSUPPORTED;
    }
    out->cipher = crypto_cipher(crypto, suite->encr, suite->encr_bits);
    out->integ = crypto_integ(crypto, suite->integ);
    return out->cipher != NULL && out->integ != NULL && out->integ->iv_len == 0
               ? CV_OK
               : CV_ERR_UNSUPPORTED;
}

static size_t encr_key_len(const struct ike_algs *algs)
{
    if (algs->aead != NULL)
        return (size_t)algs->aead->key_len + algs->aead->salt_len;
    return (size_t)algs->cipher->key_len + algs->cipher->salt_len;
}

/* SKEYSEED = prf(Ni | Nr, g^ir), RFC 7296 section 2.14.  For the two AES-based functions "only
 * the first 64 bits of Ni and the first 64 bits of Nr are used". */
static bool skeyseed_first(uint8_t *out, const struct cv_prf *prf, const struct keymat_in *in,
                           uint8_t scratch[SCRATCH_LEN])
{
    struct wr w = wr_init(scratch, SCRATCH_LEN);
    bool aes = prf->id == CV_PRF_AES128_XCBC || prf->id == CV_PRF_AES128_CMAC;
    struct cv_span ni = in->ni, nr = in->nr;

    if (aes && ni.n > AES_PRF_NONCE)
        ni.n = AES_PRF_NONCE;
    if (aes && nr.n > AES_PRF_NONCE)
        nr.n = AES_PRF_NONCE;
    wr_span(&w, ni);
    wr_span(&w, nr);
    return wr_ok(&w) && prf->prf(wr_done(&w), &in->secret, 1, out);
}

/* Deals {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr}, RFC 7296 section 2.14. */
static void deal_keys(struct ike_keys *out, struct ike_auth_keys *auth, struct rd *material,
                      size_t prf_len, size_t integ_len, size_t encr_len)
{
    rd_copy(material, out->d, prf_len);
    rd_copy(material, out->i.a, integ_len);
    rd_copy(material, out->r.a, integ_len);
    rd_copy(material, out->i.e, encr_len);
    rd_copy(material, out->r.e, encr_len);
    rd_copy(material, auth->pi, prf_len);
    rd_copy(material, auth->pr, prf_len);
}

enum cv_err keymat_ike(struct ike_keys *out, struct ike_auth_keys *auth,
                       const struct ike_algs *algs, const struct keymat_in *in)
{
    const struct cv_span parts[] = {in->secret, in->ni, in->nr, span(in->spi_i, 8),
                                    span(in->spi_r, 8)};
    const struct cv_prf *prf = in->old_d != NULL ? in->old_prf : algs->prf;
    uint8_t skeyseed[CV_PRF_MAX], scratch[SCRATCH_LEN];
    size_t integ_len = algs->aead != NULL ? 0 : algs->integ->key_len;
    size_t encr_len = encr_key_len(algs);
    size_t n = 3U * algs->prf->out_len + 2 * integ_len + 2 * encr_len;
    struct rd material = rd_init(span(scratch, n));
    bool ok;

    memset(out, 0, sizeof(*out));
    memset(auth, 0, sizeof(*auth));
    if (in->old_d != NULL) /* RFC 7296 section 2.18: prf(SK_d (old), g^ir (new) | Ni | Nr) */
        ok = prf->prf(span(in->old_d, prf->out_len), parts, 3, skeyseed);
    else
        ok = skeyseed_first(skeyseed, prf, in, scratch);
    ok = ok &&
         crypto_prf_plus(algs->prf, span(skeyseed, prf->out_len), parts + 1, 4, scratch, n);
    if (ok)
        deal_keys(out, auth, &material, algs->prf->out_len, integ_len, encr_len);
    wipe(skeyseed, sizeof(skeyseed));
    wipe(scratch, sizeof(scratch));
    return ok ? CV_OK : CV_ERR_CRYPTO;
}

enum cv_err keymat_child(uint8_t *out, size_t n_total, const struct cv_prf *prf,
                         const uint8_t *sk_d, struct cv_span secret, struct cv_span ni,
                         struct cv_span nr)
{
    /* KEYMAT = prf+(SK_d, [g^ir (new) |] Ni | Nr), RFC 7296 section 2.17. */
    const struct cv_span seed[] = {secret, ni, nr};

    if (crypto_prf_plus(prf, span(sk_d, prf->out_len), seed, 3, out, n_total))
        return CV_OK;
    wipe(out, n_total);
    return CV_ERR_CRYPTO;
}

enum cv_err keymat_id_mac(uint8_t *out, const struct cv_prf *prf, const uint8_t *sk_p,
                          struct cv_span id_body)
{
    return prf->prf(span(sk_p, prf->out_len), &id_body, 1, out) ? CV_OK : CV_ERR_CRYPTO;
}

enum cv_err keymat_psk_auth(uint8_t *out, const struct cv_prf *prf, struct cv_span psk,
                            const struct cv_span octets[3])
{
    /* RFC 7296 section 2.15: 17 ASCII characters without a terminator. */
    static const char key_pad[] = "Key Pad for IKEv2";
    const struct cv_span pad = span(key_pad, sizeof(key_pad) - 1);
    uint8_t key[CV_PRF_MAX];
    bool ok = prf->prf(psk, &pad, 1, key) && prf->prf(span(key, prf->out_len), octets, 3, out);

    wipe(key, sizeof(key));
    return ok ? CV_OK : CV_ERR_CRYPTO;
}
