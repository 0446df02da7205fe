/* The kernel's names for ESP's and AH's algorithms (RFC 8221), with the ICV lengths and key
 * sizes that it takes them with.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/packet/xfrm_state.h"

enum { AES = -1 }; /* 128, 192 or 256 bits */

static const struct row {
    enum xfrm_alg_kind kind;
    const char *name;
    uint16_t icv_bits;
    uint16_t id;
    int key_len; /* octets without salt, or AES */
    unsigned salt_len;
} rows[] = {
    {XFRM_ENC,  "cbc(aes)",                      0,   CV_ENCR_AES_CBC,               AES, 0},
    {XFRM_ENC,  "aes",                           0,   CV_ENCR_AES_CBC,               AES, 0},
    {XFRM_ENC,  "rfc3686(ctr(aes))",             0,   CV_ENCR_AES_CTR,               AES, 4},
    {XFRM_ENC,  "cbc(des3_ede)",                 0,   CV_ENCR_3DES,                  24,  0},
    {XFRM_ENC,  "des3_ede",                      0,   CV_ENCR_3DES,                  24,  0},
    {XFRM_ENC,  "ecb(cipher_null)",              0,   CV_ENCR_NULL,                  0,   0},
    {XFRM_ENC,  "cipher_null",                   0,   CV_ENCR_NULL,                  0,   0},
    {XFRM_AUTH, "hmac(md5)",                     96,  CV_INTEG_HMAC_MD5_96,          16,  0},
    {XFRM_AUTH, "md5",                           96,  CV_INTEG_HMAC_MD5_96,          16,  0},
    {XFRM_AUTH, "hmac(sha1)",                    96,  CV_INTEG_HMAC_SHA1_96,         20,  0},
    {XFRM_AUTH, "sha1",                          96,  CV_INTEG_HMAC_SHA1_96,         20,  0},
    {XFRM_AUTH, "hmac(sha256)",                  128, CV_INTEG_HMAC_SHA2_256_128,    32,  0},
    {XFRM_AUTH, "sha256",                        128, CV_INTEG_HMAC_SHA2_256_128,    32,  0},
    {XFRM_AUTH, "hmac(sha384)",                  192, CV_INTEG_HMAC_SHA2_384_192,    48,  0},
    {XFRM_AUTH, "hmac(sha512)",                  256, CV_INTEG_HMAC_SHA2_512_256,    64,  0},
    {XFRM_AUTH, "xcbc(aes)",                     96,  CV_INTEG_AES_XCBC_96,          16,  0},
    {XFRM_AUTH, "cmac(aes)",                     96,  CV_INTEG_AES_CMAC_96,          16,  0},
 /* AH with GMAC: Linux has none, so it is called as in ESP. */
    {XFRM_AUTH, "rfc4543(gcm(aes))",             128, CV_INTEG_AES_128_GMAC,         AES, 4},
    {XFRM_AEAD, "rfc4106(gcm(aes))",             128, CV_ENCR_AES_GCM_16,            AES, 4},
    {XFRM_AEAD, "rfc4106(gcm(aes))",             96,  CV_ENCR_AES_GCM_12,            AES, 4},
    {XFRM_AEAD, "rfc4106(gcm(aes))",             64,  CV_ENCR_AES_GCM_8,             AES, 4},
    {XFRM_AEAD, "rfc4309(ccm(aes))",             128, CV_ENCR_AES_CCM_16,            AES, 3},
    {XFRM_AEAD, "rfc4309(ccm(aes))",             96,  CV_ENCR_AES_CCM_12,            AES, 3},
    {XFRM_AEAD, "rfc4309(ccm(aes))",             64,  CV_ENCR_AES_CCM_8,             AES, 3},
    {XFRM_AEAD, "rfc4543(gcm(aes))",             128, CV_ENCR_NULL_GMAC,             AES, 4},
    {XFRM_AEAD, "rfc7539esp(chacha20,poly1305)", 128, CV_ENCR_CHACHA20_POLY1305,     32,  4},
 /* Implicit IV (RFC 8750): Linux has no name for these, so they are called by the RFC. */
    {XFRM_AEAD, "rfc8750(gcm(aes))",             128, CV_ENCR_AES_GCM_16_IIV,        AES, 4},
    {XFRM_AEAD, "rfc8750(ccm(aes))",             64,  CV_ENCR_AES_CCM_8_IIV,         AES, 3},
    {XFRM_AEAD, "rfc8750(chacha20,poly1305)",    128, CV_ENCR_CHACHA20_POLY1305_IIV, 32,  4},
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct row *find_name(enum xfrm_alg_kind kind, const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (rows[i].kind == kind && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static bool unknown_name(enum xfrm_alg_kind kind, const char *name, struct problem *why)
{
    size_t n = (size_t)snprintf(why->text, sizeof(why->text),
                                "unknown algorithm %.60s; expected one of", name);
    const char *last = "";

    for (size_t i = 0; i < N_ROWS && n < sizeof(why->text); i++) {
        if (rows[i].kind != kind || strcmp(rows[i].name, last) == 0)
            continue;
        last = rows[i].name;
        n += (size_t)snprintf(why->text + n, sizeof(why->text) - n, " %s", last);
    }
    return false;
}

/* The kernel's own default for hmac(sha256) without a truncation length is 96 bits, from a
 * draft that no standard kept. */
static bool find_icv(const struct row **row, unsigned icv_bits, struct problem *why)
{
    const struct row *first = *row;

    if (icv_bits == 0 && first->id == CV_INTEG_HMAC_SHA2_256_128 && first->kind == XFRM_AUTH)
        return problem_set(why,
                           "auth %s means an ICV of 96 bits in Linux; expected "
                           "auth-trunc with 128 (RFC 4868)",
                           first->name);
    for (const struct row *r = first; r < rows + N_ROWS; r++) {
        if (strcmp(r->name, first->name) == 0 && r->kind == first->kind &&
            (icv_bits == 0 || r->icv_bits == icv_bits)) {
            *row = r;
            return true;
        }
    }
    return problem_set(why, "%s has no ICV of %u bits; expected %u", first->name, icv_bits,
                       first->icv_bits);
}

static bool key_fits(const struct row *row, size_t key_len, struct problem *why)
{
    size_t bare = key_len - row->salt_len;

    if (row->key_len != AES && key_len == (size_t)row->key_len + row->salt_len)
        return true;
    if (row->key_len != AES)
        return problem_set(why, "%s takes a key of %zu bits, not of %zu", row->name,
                           ((size_t)row->key_len + row->salt_len) * 8, key_len * 8);
    if (key_len >= row->salt_len && (bare == 16 || bare == 24 || bare == 32))
        return true;
    return problem_set(why, "%s takes a key of %u, %u or %u bits%s, not of %zu", row->name,
                       (16 + row->salt_len) * 8, (24 + row->salt_len) * 8,
                       (32 + row->salt_len) * 8, row->salt_len > 0 ? ", salt included" : "",
                       key_len * 8);
}

bool xfrm_alg_find(struct xfrm_alg *out, enum xfrm_alg_kind kind, const char *name,
                   unsigned icv_bits, size_t key_len, struct problem *why)
{
    const struct row *row = find_name(kind, name);

    if (row == NULL)
        return unknown_name(kind, name, why);
    if ((kind != XFRM_ENC && !find_icv(&row, icv_bits, why)) || !key_fits(row, key_len, why))
        return false;
    out->id = row->id;
    if (row->id == CV_INTEG_AES_128_GMAC && kind == XFRM_AUTH) /* three, by their key */
        out->id = (uint16_t)(row->id + (key_len - row->salt_len - 16) / 8);
    out->bits = (uint16_t)(row->key_len == AES ? (key_len - row->salt_len) * 8 : 0);
    return true;
}

bool xfrm_alg_keyless(enum xfrm_alg_kind kind, const char *name)
{
    const struct row *row = find_name(kind, name);

    return row != NULL && row->key_len == 0;
}
