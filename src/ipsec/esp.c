/* ESP, RFC 4303, with AEADs as RFC 4106, 4309, 7634 and 8750 use them and with a cipher
 * and a MAC.
 *
 * Invariant: no two packets of one SA are sealed with the same nonce.  An AEAD's IV is
 * the 64-bit sequence number, which is raised before the cipher sees it, never
 * lowered, and refuses to wrap.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/esp.h"

#include <string.h>

#include "base/secret.h"
#include "base/span.h"
#include "crypto/crypto.h"

enum {
    ESP_ALIGN = 4, /* RFC 4303 section 2.4 */
    NONCE_MAX = 12,
    AEAD_IV_LEN = 8, /* RFC 5116's users in ESP, or none (RFC 8750) */
    AAD_MAX = 12
};

/* ---- suites and keys ---- */

/* The descriptors for suite; false when they are not all there. */
static bool find_suite(struct esp_key *k, const struct cv_crypto *crypto,
                       const struct cv_suite *suite)
{
    *k = (struct esp_key){0};
    if (crypto_is_aead(suite->encr)) {
        k->aead = crypto_aead(crypto, suite->encr, suite->encr_bits);
        return k->aead != NULL && suite->integ == CV_INTEG_NONE &&
               k->aead->salt_len <= ESP_SALT_MAX &&
               (k->aead->iv_len == 0 || k->aead->iv_len == AEAD_IV_LEN);
    }
    k->integ = crypto_integ(crypto, suite->integ);
    /* RFC 8221 section 4: encryption without authentication MUST NOT be used */
    if (k->integ == NULL)
        return false;
    if (suite->encr == 0) /* AH */
        return true;
    if (k->integ->iv_len > 0) /* RFC 4543: with a nonce of its own for AH alone */
        return false;
    k->cipher = crypto_cipher(crypto, suite->encr, suite->encr_bits);
    return k->cipher != NULL;
}

static size_t encr_key_len(const struct esp_key *k)
{
    if (k->aead != NULL)
        return (size_t)k->aead->key_len + k->aead->salt_len;
    return k->cipher != NULL ? (size_t)k->cipher->key_len + k->cipher->salt_len : 0;
}

static size_t suite_key_len(const struct esp_key *k)
{
    return encr_key_len(k) + (k->integ != NULL ? k->integ->key_len : 0U);
}

size_t esp_key_len(const struct cv_crypto *crypto, const struct cv_suite *suite)
{
    struct esp_key k;

    return suite->encr != 0 && find_suite(&k, crypto, suite) ? suite_key_len(&k) : 0;
}

enum cv_err esp_sa_open(struct esp_sa *sa, const struct cv_crypto *crypto,
                        const struct cv_suite *suite, uint32_t spi)
{
    struct esp_key k;

    *sa = (struct esp_sa){0};
    if (suite->encr == 0 || !find_suite(&k, crypto, suite))
        return CV_ERR_UNSUPPORTED;
    *sa = (struct esp_sa){
        .spi = spi,
        .icv_len = k.aead != NULL ? k.aead->icv_len : k.integ->icv_len,
        .align = ESP_ALIGN,
        .block = 1,
        .esn = suite->esn == CV_ESN_YES,
    };
    if (k.aead != NULL)
        sa->iv_len = k.aead->iv_len;
    if (k.cipher == NULL)
        return CV_OK;
    sa->iv_len = k.cipher->iv_len;
    sa->block = k.cipher->block;
    if (sa->block > ESP_ALIGN)
        sa->align = sa->block;
    return CV_OK;
}

enum cv_err esp_key_open(struct esp_key *k, const struct cv_crypto *crypto,
                         const struct cv_suite *suite, struct cv_span keymat)
{
    const bool found = find_suite(k, crypto, suite);
    struct rd r = rd_init(keymat);
    struct cv_span encr, integ;

    if (!found || keymat.n != suite_key_len(k)) {
        *k = (struct esp_key){0};
        return found ? CV_ERR_ARGUMENT : CV_ERR_UNSUPPORTED;
    }
    encr = rd_take(&r, encr_key_len(k));
    integ = rd_rest(&r);
    if (k->aead != NULL) {
        k->key = k->aead->new_key(encr.p);
        r = rd_init(encr);
        rd_take(&r, k->aead->key_len);
        rd_copy(&r, k->salt, k->aead->salt_len);
    }
    if (k->cipher != NULL)
        k->key = k->cipher->new_key(encr.p);
    if (k->integ != NULL)
        k->integ_key = k->integ->new_key(integ.p);
    if ((k->key == NULL && (k->aead != NULL || k->cipher != NULL)) ||
        (k->integ_key == NULL && k->integ != NULL)) {
        esp_key_close(k);
        return CV_ERR_FULL;
    }
    return CV_OK;
}

void esp_key_close(struct esp_key *k)
{
    if (k->key != NULL && k->aead != NULL)
        k->aead->free_key(k->key);
    if (k->key != NULL && k->cipher != NULL)
        k->cipher->free_key(k->key);
    if (k->integ_key != NULL)
        k->integ->free_key(k->integ_key);
    wipe(k, sizeof(*k)); /* the salt is keying material */
}

/* ---- one packet ---- */

/* An ESP packet cut into its parts: header, IV, n octets of body, ICV. */
struct esp_parts {
    uint8_t *hdr, *iv, *body, *icv;
    size_t n;
};

static struct esp_parts cut(const struct esp_sa *sa, const struct cv_packet *pkt)
{
    const size_t front = (size_t)ESP_HDR_LEN + sa->iv_len;
    const size_t n = pkt->len - front - sa->icv_len;
    uint8_t *const hdr = cv_packet_data(pkt);

    return (struct esp_parts){
        .hdr = hdr,
        .iv = &hdr[ESP_HDR_LEN],
        .body = &hdr[front],
        .icv = &hdr[front + n],
        .n = n,
    };
}

/* Salt, then the IV in the packet; an implicit one is the sequence number (RFC 8750
 * section 4). */
static void build_nonce(const struct esp_sa *sa, const uint8_t *iv, uint64_t seq,
                        uint8_t nonce[NONCE_MAX])
{
    uint8_t *const behind = &nonce[sa->key->aead->salt_len];
    struct wr w = wr_init(behind, AEAD_IV_LEN);

    memcpy(nonce, sa->key->salt, ESP_SALT_MAX); /* what is too much is written over */
    if (sa->iv_len > 0)
        memcpy(behind, iv, AEAD_IV_LEN);
    else
        wr_u64(&w, seq);
}

/* SPI and the half of the sequence number that is sent. */
static uint64_t first_words(const struct esp_sa *sa, uint64_t seq)
{
    return (uint64_t)sa->spi << 32 | (seq & UINT32_MAX);
}

/* SPI and sequence number, all 64 bits of an extended one (RFC 4106 section 5). */
static struct cv_span build_aad(const struct esp_sa *sa, uint64_t seq, uint8_t aad[AAD_MAX])
{
    struct wr w = wr_init(aad, AAD_MAX);

    if (sa->esn) {
        wr_u32(&w, sa->spi);
        wr_u64(&w, seq);
    } else {
        wr_u64(&w, first_words(sa, seq));
    }
    return wr_done(&w);
}

/* The MAC covers header, IV and ciphertext, then the half of an extended number that is
 * not sent (RFC 4303 section 2.2.1). */
static bool compute_mac(const struct esp_sa *sa, uint64_t seq, const struct esp_parts *part,
                        uint8_t *icv)
{
    uint8_t high[4];
    struct wr w = wr_init(high, sizeof(high));
    const struct cv_span parts[2] = {
        {part->hdr, ESP_HDR_LEN + sa->iv_len + part->n},
        {high,      sizeof(high)                      },
    };

    wr_u32(&w, (uint32_t)(seq >> 32));
    return sa->key->integ->mac(sa->key->integ_key, parts, sa->esn ? 2 : 1, icv);
}

/* A counter never repeats, which is all that an AEAD or CTR asks for.  CBC wants its IV
 * unpredictable: the encrypted counter (NIST SP 800-38A appendix C, first method). */
static bool build_iv(const struct esp_sa *sa, uint64_t seq, uint8_t *iv)
{
    static const uint8_t zero[CV_IV_MAX];
    struct wr w = wr_init(iv, sa->iv_len);

    if (sa->iv_len == 0)
        return true;
    wr_zero(&w, sa->iv_len - sizeof(seq));
    wr_u64(&w, seq);
    if (!wr_ok(&w))
        return false;
    if (sa->block == 1)
        return true;
    return sa->key->cipher->encrypt(sa->key->key, zero, iv, sa->iv_len);
}

static bool protect(const struct esp_sa *sa, uint64_t seq, const struct esp_parts *part)
{
    const struct esp_key *k = sa->key;
    uint8_t nonce[NONCE_MAX], aad[AAD_MAX];

    if (!build_iv(sa, seq, part->iv))
        return false;
    if (k->aead != NULL) {
        build_nonce(sa, part->iv, seq, nonce);
        return k->aead->seal(k->key, nonce, build_aad(sa, seq, aad), part->body, part->n,
                             part->icv);
    }
    return k->cipher->encrypt(k->key, part->iv, part->body, part->n) &&
           compute_mac(sa, seq, part, part->icv);
}

static bool unprotect(const struct esp_sa *sa, uint64_t seq, const struct esp_parts *part)
{
    const struct esp_key *k = sa->key;
    uint8_t nonce[NONCE_MAX], aad[AAD_MAX], icv[CV_ICV_MAX];

    if (k->aead != NULL) {
        build_nonce(sa, part->iv, seq, nonce);
        return k->aead->open(k->key, nonce, build_aad(sa, seq, aad), part->body, part->n,
                             part->icv);
    }
    return compute_mac(sa, seq, part, icv) && ct_equal(icv, part->icv, sa->icv_len) &&
           k->cipher->decrypt(k->key, part->iv, part->body, part->n);
}

/* ---- outbound ---- */

size_t esp_max_payload(const struct esp_sa *sa, size_t n)
{
    const size_t fixed = (size_t)ESP_HDR_LEN + sa->iv_len + sa->icv_len;

    if (n < fixed + sa->align)
        return 0;
    return ((n - fixed) & ~(size_t)(sa->align - 1U)) - ESP_TRAILER_LEN;
}

static uint64_t last_seq(const struct esp_sa *sa)
{
    return sa->esn ? UINT64_MAX : UINT32_MAX;
}

uint64_t esp_seq_left(const struct esp_sa *sa)
{
    /* RFC 4303 section 3.3.3: the number MUST NOT be allowed to cycle */
    return last_seq(sa) - sa->seq;
}

void esp_raise_seq(struct esp_sa *sa, uint64_t seq)
{
    if (seq > last_seq(sa))
        seq = last_seq(sa);
    if (seq > sa->seq)
        sa->seq = seq;
}

enum cv_err esp_seal(struct esp_sa *sa, struct cv_packet *pkt, uint8_t next_header)
{
    const size_t pad = (0 - (pkt->len + ESP_TRAILER_LEN)) & (sa->align - 1U);
    const size_t front = (size_t)ESP_HDR_LEN + sa->iv_len;
    const size_t back = pad + ESP_TRAILER_LEN + sa->icv_len;
    struct esp_parts part;
    struct wr w;

    if (pkt->off < front || pkt->cap - pkt->off < pkt->len + back)
        return CV_ERR_NO_ROOM;
    if (esp_seq_left(sa) == 0)
        return CV_ERR_SEQ_EXHAUSTED;
    sa->seq++;
    pkt->off -= front;
    pkt->len += front + back;
    part = cut(sa, pkt);
    w = wr_init(part.hdr, ESP_HDR_LEN);
    wr_u64(&w, first_words(sa, sa->seq));
    w = wr_init(part.body, part.n);
    wr_reserve(&w, part.n - pad - ESP_TRAILER_LEN);
    for (unsigned i = 1; i <= pad; i++)
        wr_u8(&w, (uint8_t)i);
    wr_u8(&w, (uint8_t)pad);
    wr_u8(&w, next_header);
    return protect(sa, sa->seq, &part) ? CV_OK : CV_ERR_CRYPTO;
}

/* ---- inbound ---- */

enum cv_err esp_read_header(const struct cv_packet *pkt, uint32_t *spi, uint32_t *seq_low)
{
    struct rd r = rd_init(span(cv_packet_data(pkt), pkt->len));

    *spi = rd_u32(&r);
    *seq_low = rd_u32(&r);
    return rd_ok(&r) ? CV_OK : CV_ERR_SHORT;
}

enum cv_err esp_check_len(const struct esp_sa *sa, size_t len)
{
    const size_t fixed = (size_t)ESP_HDR_LEN + sa->iv_len + sa->icv_len;

    if (len < fixed + ESP_TRAILER_LEN)
        return CV_ERR_SHORT;
    if (((len - fixed) & (sa->block - 1U)) != 0)
        return CV_ERR_MALFORMED; /* RFC 3602 section 3 */
    return CV_OK;
}

enum cv_err esp_open(const struct esp_sa *sa, uint64_t seq, struct cv_packet *pkt)
{
    const struct esp_parts part = cut(sa, pkt);

    if (!unprotect(sa, seq, &part))
        return CV_ERR_ICV;
    pkt->off += (size_t)ESP_HDR_LEN + sa->iv_len;
    pkt->len = part.n;
    return CV_OK;
}

enum cv_err esp_strip(struct cv_packet *pkt, uint8_t *next_header)
{
    const struct cv_span plain = span(cv_packet_data(pkt), pkt->len);
    const size_t n = plain.n - ESP_TRAILER_LEN;
    struct rd r = rd_init(plain);
    size_t pad;

    rd_take(&r, n);
    pad = rd_u8(&r);
    *next_header = rd_u8(&r);
    if (!rd_ok(&r) || pad > n)
        return CV_ERR_PADDING;
    r = rd_init(plain);
    rd_take(&r, n - pad);
    for (unsigned i = 1; i <= pad; i++)
        if (rd_u8(&r) != i) /* RFC 4303 section 2.4: the receiver SHOULD inspect it */
            return CV_ERR_PADDING;
    pkt->len = n - pad;
    return CV_OK;
}
