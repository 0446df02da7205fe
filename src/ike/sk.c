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

/* What the algorithms add around the plaintext. */
struct shape {
    size_t iv, icv, block;
};

/* A whole message in place: head (all that an AEAD takes as associated data, RFC 5282 section
 * 5.1), IV, data, ICV, one behind the other, with their lengths. */
struct box {
    uint8_t *msg;
    size_t head, iv, data, icv;
};

static uint8_t *iv_of(const struct box *b)
{
    return b->msg + b->head;
}

static uint8_t *data_of(const struct box *b)
{
    return iv_of(b) + b->iv;
}

static uint8_t *icv_of(const struct box *b)
{
    return data_of(b) + b->data;
}

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

/* ---- the algorithms on a box ---- */

static enum cv_err aead_run(const struct cv_aead *aead, const struct sk_keys *keys,
                            const struct box *b, bool sealing)
{
    uint8_t nonce[NONCE_MAX]; /* salt, then the message's IV (RFC 5282 section 4) */
    struct wr w = wr_init(nonce, sizeof(nonce));
    struct cv_span head = span(b->msg, b->head);
    void *key = aead->new_key(keys->e);
    bool ok;

    if (key == NULL)
        return CV_ERR_CRYPTO;
    wr_copy(&w, keys->e + aead->key_len, aead->salt_len);
    wr_copy(&w, iv_of(b), b->iv);
    ok = sealing ? aead->seal(key, nonce, head, data_of(b), b->data, icv_of(b))
                 : aead->open(key, nonce, head, data_of(b), b->data, icv_of(b));
    aead->free_key(key);
    wipe(nonce, sizeof(nonce));
    if (ok)
        return CV_OK;
    return sealing ? CV_ERR_CRYPTO : CV_ERR_IKE_AUTHENTIC;
}

static enum cv_err cipher_run(const struct cv_cipher *cipher, const struct sk_keys *keys,
                              const struct box *b, bool sealing)
{
    void *key = cipher->new_key(keys->e);
    bool ok;

    if (key == NULL)
        return CV_ERR_CRYPTO;
    ok = sealing ? cipher->encrypt(key, iv_of(b), data_of(b), b->data)
                 : cipher->decrypt(key, iv_of(b), data_of(b), b->data);
    cipher->free_key(key);
    return ok ? CV_OK : CV_ERR_CRYPTO;
}

/* RFC 7296 section 3.14: over all that comes before the ICV. */
static enum cv_err integ_run(const struct cv_integ *integ, const struct sk_keys *keys,
                             const struct box *b, uint8_t *icv)
{
    struct cv_span covered = span(b->msg, b->head + b->iv + b->data);
    void *key = integ->new_key(keys->a);
    bool ok;

    if (key == NULL)
        return CV_ERR_CRYPTO;
    ok = integ->mac(key, &covered, 1, icv);
    integ->free_key(key);
    return ok ? CV_OK : CV_ERR_CRYPTO;
}

static enum cv_err integ_check(const struct cv_integ *integ, const struct sk_keys *keys,
                               const struct box *b)
{
    uint8_t want[CV_ICV_MAX];
    enum cv_err err = integ_run(integ, keys, b, want);

    if (err == CV_OK && !ct_equal(want, icv_of(b), b->icv))
        err = CV_ERR_IKE_AUTHENTIC;
    wipe(want, sizeof(want)); /* the right ICV of a forged message is worth hiding */
    return err;
}

/* ---- sealing ---- */

static bool make_iv(const struct box *b, const struct cv_crypto *crypto, size_t block,
                    const struct sk_message *m)
{
    struct wr w = wr_init(iv_of(b), b->iv);
    uint32_t response = (m->hdr.flags & IKE_F_RESPONSE) != 0 ? 1U : 0U;

    if (block > 1)
        return crypto->random(iv_of(b), b->iv); /* RFC 7296 section 3.14: unpredictable */
    wr_u32(&w, m->hdr.msg_id);
    wr_u32(&w, response << 31 | (uint32_t)m->total << 16 | m->no);
    return wr_ok(&w);
}

static void put_head(struct wr *w, const struct sk_message *m, size_t len)
{
    struct ike_hdr hdr = m->hdr;
    size_t start = w->n;

    hdr.next = m->total != 0 ? PL_SKF : PL_SK;
    ike_put_hdr(w, &hdr);
    wr_u8(w, m->first);
    wr_u8(w, 0);
    wr_u16(w, (uint16_t)(len - IKE_HDR_LEN));
    if (m->total != 0) {
        wr_u16(w, m->no);
        wr_u16(w, m->total);
    }
    if (wr_ok(w))
        wr_patch_u32(w, start + HDR_LENGTH_AT, (uint32_t)len);
}

static enum cv_err seal(struct wr *w, const struct cv_crypto *crypto,
                        const struct ike_algs *algs, const struct sk_keys *keys,
                        const struct sk_message *m)
{
    struct shape s = shape_of(algs);
    size_t pad = s.block - 1 - m->plain.n % s.block;
    struct box b = {w->p + w->n, head_len(m->total != 0), s.iv, m->plain.n + pad + 1, s.icv};
    enum cv_err err;

    /* The payload's length field has 16 bits. */
    if (m->total > TOTAL_MAX || m->plain.n > UINT16_MAX - sk_overhead(algs, true))
        return CV_ERR_TOO_BIG;
    put_head(w, m, b.head + b.iv + b.data + b.icv);
    wr_zero(w, b.iv);
    wr_span(w, m->plain);
    wr_zero(w, pad);
    wr_u8(w, (uint8_t)pad);
    wr_zero(w, b.icv);
    if (!wr_ok(w))
        return CV_ERR_TOO_BIG;
    if (!make_iv(&b, crypto, s.block, m))
        return CV_ERR_CRYPTO;
    if (algs->aead != NULL)
        return aead_run(algs->aead, keys, &b, true);
    err = cipher_run(algs->cipher, keys, &b, true);
    return err == CV_OK ? integ_run(algs->integ, keys, &b, icv_of(&b)) : err;
}

enum cv_err sk_seal(struct wr *w, const struct cv_crypto *crypto, const struct ike_algs *algs,
                    const struct sk_keys *keys, const struct sk_message *m)
{
    bool whole = m->no == 0 && m->total == 0;

    return whole ? seal(w, crypto, algs, keys, m) : CV_ERR_ARGUMENT;
}

enum cv_err sk_seal_fragment(struct wr *w, const struct cv_crypto *crypto,
                             const struct ike_algs *algs, const struct sk_keys *keys,
                             const struct sk_message *m)
{
    bool fragment = m->no != 0 && m->no <= m->total;

    return fragment ? seal(w, crypto, algs, keys, m) : CV_ERR_ARGUMENT;
}

/* ---- opening ---- */

static enum cv_err unseal(const struct ike_algs *algs, const struct sk_keys *keys,
                          const struct box *b)
{
    enum cv_err err;

    if (algs->aead != NULL)
        return aead_run(algs->aead, keys, b, false);
    err = integ_check(algs->integ, keys, b);
    if (err != CV_OK)
        return err;
    if (b->data % algs->cipher->block != 0)
        return CV_ERR_SYNTAX;
    return cipher_run(algs->cipher, keys, b, false);
}

enum cv_err sk_open(uint8_t *msg, size_t n, const struct ike_msg *m,
                    const struct ike_algs *algs, const struct sk_keys *keys,
                    struct cv_span *plain)
{
    struct shape s = shape_of(algs);
    struct box b = {msg, m->sk_offset, s.iv, m->sk.n - s.iv - s.icv, s.icv};
    enum cv_err err;
    size_t pad;

    *plain = span(NULL, 0);
    if (m->sk_offset > n || m->sk.n != n - m->sk_offset)
        return CV_ERR_BUG;
    if (m->sk.n <= s.iv + s.icv)
        return CV_ERR_IKE_AUTHENTIC;
    err = unseal(algs, keys, &b);
    if (err != CV_OK)
        return err;

    /* RFC 7296 section 3.14: any padding content and length is fine, if it is there. */
    pad = (size_t)data_of(&b)[b.data - 1] + 1;
    if (pad > b.data)
        return CV_ERR_SYNTAX;
    *plain = span(data_of(&b), b.data - pad);
    return CV_OK;
}
