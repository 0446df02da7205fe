/* Owns the Encrypted payload: sealing and opening whole messages and fragments.
 *
 * Invariant: a message is decrypted only after its integrity check passed, and no IV of a
 * counter mode occurs twice under one key: it names the message, whether it is a response, and
 * which fragment of how many it is (the same message may be sent again in smaller fragments).
 * RFC 7296 section 3.14, RFC 5282, RFC 5930, RFC 7383 section 2.5.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/sk.h"

#include "base/secret.h"

enum {
    HDR_LENGTH_AT = 24,
    SKF_HDR_LEN = 4, /* fragment number, total fragments */
    NONCE_MAX = 12,
    TOTAL_MAX = 0x7fff /* what the IV has room for */
};

/* One message on its way out.  no and total are 0 for SK. */
struct sealing {
    struct ike_hdr hdr;
    uint8_t first;
    uint16_t no, total;
    struct cv_span plain;
};

/* What the algorithms add around the plaintext. */
struct shape {
    size_t iv, icv, block;
};

static struct shape shape_of(const struct ike_algs *algs)
{
    if (algs->aead != NULL)
        return (struct shape){algs->aead->iv_len, algs->aead->icv_len, 1};
    return (struct shape){algs->cipher->iv_len, algs->integ->icv_len, algs->cipher->block};
}

/* Octets up to and including the SK or SKF payload's own header. */
static size_t head_len(bool fragment)
{
    return IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN + (fragment ? SKF_HDR_LEN : 0);
}

size_t sk_overhead(const struct ike_algs *algs, bool fragment)
{
    struct shape s = shape_of(algs);

    /* At most block - 1 octets of padding and the Pad Length octet. */
    return head_len(fragment) + s.iv + s.block + s.icv;
}

size_t sk_fragment_room(const struct ike_algs *algs, size_t max)
{
    struct shape s = shape_of(algs);
    size_t fixed = head_len(true) + s.iv + s.icv;
    size_t room = max > fixed ? max - fixed : 0;

    room -= room % s.block;
    return room > 1 ? room - 1 : 0; /* the Pad Length octet */
}

static bool make_iv(uint8_t *iv, size_t n, const struct cv_crypto *crypto, size_t block,
                    const struct sealing *m)
{
    struct wr w = wr_init(iv, n);
    uint32_t response = (m->hdr.flags & IKE_F_RESPONSE) != 0 ? 1U : 0U;

    if (block > 1)
        return crypto->random(iv, n); /* RFC 7296 section 3.14: CBC "unpredictable" */
    wr_u32(&w, m->hdr.msg_id);
    wr_u32(&w, response << 31 | (uint32_t)m->total << 16 | m->no);
    return wr_ok(&w);
}

/* Everything before the IV: what an AEAD takes as associated data, RFC 5282 section 5.1. */
static void put_head(struct wr *w, const struct sealing *m, size_t body_len)
{
    struct ike_hdr hdr = m->hdr;
    size_t start = w->n, head = head_len(m->total != 0);

    hdr.next = m->total != 0 ? PL_SKF : PL_SK;
    ike_put_hdr(w, &hdr);
    wr_u8(w, m->first);
    wr_u8(w, 0);
    wr_u16(w, (uint16_t)(head - IKE_HDR_LEN + body_len));
    if (m->total != 0) {
        wr_u16(w, m->no);
        wr_u16(w, m->total);
    }
    if (wr_ok(w))
        wr_patch_u32(w, start + HDR_LENGTH_AT, (uint32_t)(head + body_len));
}

/* The nonce of an AEAD: salt, then the packet's IV (RFC 5282 section 4). */
static void make_nonce(uint8_t nonce[NONCE_MAX], const struct cv_aead *aead,
                       const struct sk_keys *keys, const uint8_t *iv)
{
    struct wr w = wr_init(nonce, NONCE_MAX);

    wr_copy(&w, keys->e + aead->key_len, aead->salt_len);
    wr_copy(&w, iv, aead->iv_len);
}

static enum cv_err aead_run(const struct cv_aead *aead, const struct sk_keys *keys, bool seal,
                            struct cv_span aad, const uint8_t *iv, uint8_t *data, size_t n,
                            uint8_t *icv)
{
    uint8_t nonce[NONCE_MAX];
    void *key = aead->new_key(keys->e);
    bool ok;

    if (key == NULL)
        return CV_ERR_CRYPTO;
    make_nonce(nonce, aead, keys, iv);
    ok = seal ? aead->seal(key, nonce, aad, data, n, icv)
              : aead->open(key, nonce, aad, data, n, icv);
    aead->free_key(key);
    if (ok)
        return CV_OK;
    return seal ? CV_ERR_CRYPTO : CV_ERR_IKE_AUTHENTIC;
}

static enum cv_err cipher_run(const struct cv_cipher *cipher, const struct sk_keys *keys,
                              bool encrypt, const uint8_t *iv, uint8_t *data, size_t n)
{
    void *key = cipher->new_key(keys->e);
    bool ok;

    if (key == NULL)
        return CV_ERR_CRYPTO;
    ok = encrypt ? cipher->encrypt(key, iv, data, n) : cipher->decrypt(key, iv, data, n);
    cipher->free_key(key);
    return ok ? CV_OK : CV_ERR_CRYPTO;
}

static enum cv_err integ_run(const struct cv_integ *integ, const struct sk_keys *keys,
                             struct cv_span message, uint8_t *icv)
{
    void *key = integ->new_key(keys->a);
    bool ok;

    if (key == NULL)
        return CV_ERR_CRYPTO;
    ok = integ->mac(key, &message, 1, icv);
    integ->free_key(key);
    return ok ? CV_OK : CV_ERR_CRYPTO;
}

/* msg is the whole message with iv, data and icv inside it, in this order. */
static enum cv_err protect(const struct ike_algs *algs, const struct sk_keys *keys,
                           const uint8_t *msg, const uint8_t *iv, uint8_t *data, size_t n)
{
    uint8_t *icv = data + n;
    enum cv_err err;

    if (algs->aead != NULL)
        return aead_run(algs->aead, keys, true, span(msg, (size_t)(iv - msg)), iv, data, n,
                        icv);
    err = cipher_run(algs->cipher, keys, true, iv, data, n);
    if (err != CV_OK)
        return err;
    return integ_run(algs->integ, keys, span(msg, (size_t)(icv - msg)), icv);
}

static enum cv_err seal(struct wr *w, const struct cv_crypto *crypto,
                        const struct ike_algs *algs, const struct sk_keys *keys,
                        const struct sealing *m)
{
    struct shape s = shape_of(algs);
    size_t start = w->n;
    size_t pad = (s.block - (m->plain.n + 1) % s.block) % s.block;
    size_t n = m->plain.n + pad + 1;
    uint8_t *iv;

    /* The payload's length field has 16 bits. */
    if (m->total > TOTAL_MAX || m->plain.n > UINT16_MAX - sk_overhead(algs, true))
        return CV_ERR_TOO_BIG;
    put_head(w, m, s.iv + n + s.icv);
    iv = wr_reserve(w, s.iv);
    wr_span(w, m->plain);
    wr_zero(w, pad);
    wr_u8(w, (uint8_t)pad);
    wr_reserve(w, s.icv);
    if (!wr_ok(w))
        return CV_ERR_TOO_BIG;
    if (!make_iv(iv, s.iv, crypto, s.block, m))
        return CV_ERR_CRYPTO;
    return protect(algs, keys, w->p + start, iv, iv + s.iv, n);
}

enum cv_err sk_seal(struct wr *w, const struct cv_crypto *crypto, const struct ike_algs *algs,
                    const struct sk_keys *keys, const struct ike_hdr *hdr, uint8_t first,
                    struct cv_span plain)
{
    const struct sealing m = {.hdr = *hdr, .first = first, .plain = plain};

    return seal(w, crypto, algs, keys, &m);
}

enum cv_err sk_seal_fragment(struct wr *w, const struct cv_crypto *crypto,
                             const struct ike_algs *algs, const struct sk_keys *keys,
                             const struct ike_hdr *hdr, uint8_t first, uint16_t no,
                             uint16_t total, struct cv_span plain)
{
    const struct sealing m = {*hdr, first, no, total, plain};

    return no == 0 || no > total ? CV_ERR_ARGUMENT : seal(w, crypto, algs, keys, &m);
}

/* Checks, then decrypts: the counterpart of protect. */
static enum cv_err unprotect(const struct ike_algs *algs, const struct sk_keys *keys,
                             const uint8_t *msg, const uint8_t *iv, uint8_t *data, size_t n)
{
    uint8_t *icv = data + n;
    uint8_t want[CV_ICV_MAX];
    enum cv_err err;

    if (algs->aead != NULL)
        return aead_run(algs->aead, keys, false, span(msg, (size_t)(iv - msg)), iv, data, n,
                        icv);
    err = integ_run(algs->integ, keys, span(msg, (size_t)(icv - msg)), want);
    if (err == CV_OK && !ct_equal(want, icv, algs->integ->icv_len))
        err = CV_ERR_IKE_AUTHENTIC;
    wipe(want, sizeof(want)); /* the right ICV of a forged message is worth hiding */
    if (err != CV_OK)
        return err;
    if (n % algs->cipher->block != 0)
        return CV_ERR_SYNTAX;
    return cipher_run(algs->cipher, keys, false, iv, data, n);
}

enum cv_err sk_open(uint8_t *msg, size_t n, const struct ike_msg *m,
                    const struct ike_algs *algs, const struct sk_keys *keys,
                    struct cv_span *plain)
{
    struct shape s = shape_of(algs);
    size_t n_data, pad;
    uint8_t *data;
    enum cv_err err;

    *plain = span(NULL, 0);
    if (m->sk_offset > n || m->sk.n != n - m->sk_offset)
        return CV_ERR_BUG;
    if (m->sk.n < s.iv + s.icv + 1)
        return CV_ERR_IKE_AUTHENTIC;
    n_data = m->sk.n - s.iv - s.icv;
    data = msg + m->sk_offset + s.iv;
    err = unprotect(algs, keys, msg, data - s.iv, data, n_data);
    if (err != CV_OK)
        return err;

    /* RFC 7296 section 3.14: any padding content and length is fine, if it is there. */
    pad = (size_t)data[n_data - 1] + 1;
    if (pad > n_data)
        return CV_ERR_SYNTAX;
    *plain = span(data, n_data - pad);
    return CV_OK;
}
