/* The crypto port: what a backend (OpenSSL, BearSSL, PSA) gives the engine.
 *
 * Algorithms are const structs found through one const table, so a firmware links
 * only the ones it lists.  A key object is the backend's own: from its heap on a
 * host, from a static pool on a microcontroller; NULL means it has no room.  The
 * engine hands each key object back through free_key, which wipes it.
 *
 * All numbers are IANA's IKEv2 transform IDs.  Functions that can fail return
 * false and leave no partial output that a caller may use.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_CRYPTO_H
#define CULVERT_CRYPTO_H

#include <culvert/error.h>
#include <culvert/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Transform types, RFC 7296 section 3.3.2 */
enum cv_transform_type { CV_ENCR = 1, CV_PRF = 2, CV_INTEG = 3, CV_KE = 4, CV_ESN = 5 };

enum cv_encr_id {
    CV_ENCR_3DES = 3,
    CV_ENCR_NULL = 11,
    CV_ENCR_AES_CBC = 12,
    CV_ENCR_AES_CTR = 13,
    CV_ENCR_AES_CCM_8 = 14,
    CV_ENCR_AES_CCM_12 = 15,
    CV_ENCR_AES_CCM_16 = 16,
    CV_ENCR_AES_GCM_8 = 18,
    CV_ENCR_AES_GCM_12 = 19,
    CV_ENCR_AES_GCM_16 = 20,
    CV_ENCR_NULL_GMAC = 21,
    CV_ENCR_CHACHA20_POLY1305 = 28,
    CV_ENCR_AES_CCM_8_IIV = 29,
    CV_ENCR_AES_GCM_16_IIV = 30,
    CV_ENCR_CHACHA20_POLY1305_IIV = 31
};

enum cv_prf_id {
    CV_PRF_HMAC_MD5 = 1,
    CV_PRF_HMAC_SHA1 = 2,
    CV_PRF_AES128_XCBC = 4,
    CV_PRF_HMAC_SHA2_256 = 5,
    CV_PRF_HMAC_SHA2_384 = 6,
    CV_PRF_HMAC_SHA2_512 = 7,
    CV_PRF_AES128_CMAC = 8
};

enum cv_integ_id {
    CV_INTEG_NONE = 0,
    CV_INTEG_HMAC_MD5_96 = 1,
    CV_INTEG_HMAC_SHA1_96 = 2,
    CV_INTEG_AES_XCBC_96 = 5,
    CV_INTEG_AES_CMAC_96 = 8,
    CV_INTEG_AES_128_GMAC = 9, /* RFC 4543, for AH alone: ESP's is CV_ENCR_NULL_GMAC */
    CV_INTEG_AES_192_GMAC = 10,
    CV_INTEG_AES_256_GMAC = 11,
    CV_INTEG_HMAC_SHA2_256_128 = 12,
    CV_INTEG_HMAC_SHA2_384_192 = 13,
    CV_INTEG_HMAC_SHA2_512_256 = 14
};

enum cv_ke_id {
    CV_KE_NONE = 0,
    CV_KE_MODP_1024 = 2,
    CV_KE_MODP_1536 = 5,
    CV_KE_MODP_2048 = 14,
    CV_KE_MODP_3072 = 15,
    CV_KE_MODP_4096 = 16,
    CV_KE_ECP_256 = 19,
    CV_KE_ECP_384 = 20,
    CV_KE_ECP_521 = 21,
    CV_KE_X25519 = 31,
    CV_KE_X448 = 32
};

enum cv_esn_id { CV_ESN_NO = 0, CV_ESN_YES = 1 };

enum {
    CV_CIPHER_KEY_MAX = 36, /* AES-256 key and 4-octet salt, ChaCha20 key and salt */
    CV_INTEG_KEY_MAX = 64,
    CV_ICV_MAX = 32,
    CV_IV_MAX = 16,
    CV_PRF_MAX = 64,
    CV_HASH_MAX = 64,
    CV_KE_PUB_MAX = 512, /* of what either side sends: MODP-4096 */
    CV_KE_SECRET_MAX = 512
};

/* An AEAD: AES-GCM, AES-CCM, ChaCha20-Poly1305 (RFC 5116).  The nonce is always
 * built by the caller: salt then 8-octet IV; CCM's is 11 octets, the others 12. */
struct cv_aead {
    uint16_t id;      /* cv_encr_id */
    uint8_t key_len;  /* octets without the salt */
    uint8_t salt_len; /* octets of salt at the end of the keying material */
    uint8_t iv_len;   /* octets of IV in each packet; 0 when implicit (RFC 8750) */
    uint8_t icv_len;
    void *(*new_key)(const uint8_t *key);
    void (*free_key)(void *key);
    /* Encrypts data[0..n) in place and writes icv_len octets to icv. */
    bool (*seal)(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data, size_t n,
                 uint8_t *icv);
    /* Checks icv, then leaves the plaintext in data.  On false data is undefined. */
    bool (*open)(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data, size_t n,
                 const uint8_t *icv);
    /* A packet will come soon: the backend may fetch the key from memory meanwhile.  Or NULL.
     */
    void (*expect)(const void *key);
};

/* A cipher without integrity: AES-CBC, AES-CTR, 3DES-CBC, NULL. */
struct cv_cipher {
    uint16_t id;
    uint8_t key_len;
    uint8_t salt_len; /* CTR: 4-octet nonce at the end of the keying material (RFC 3686) */
    uint8_t iv_len;
    uint8_t block;                        /* 16, 8, or 1 for stream and NULL */
    void *(*new_key)(const uint8_t *key); /* key_len + salt_len octets */
    void (*free_key)(void *key);
    /* n is a multiple of block.  iv has iv_len octets. */
    bool (*encrypt)(void *key, const uint8_t *iv, uint8_t *data, size_t n);
    bool (*decrypt)(void *key, const uint8_t *iv, uint8_t *data, size_t n);
};

/* A keyed MAC, truncated to icv_len.  One with a nonce (GMAC) has iv_len octets of IV at the
 * start of its ICV: the caller has written them there when it calls mac, for no two packets the
 * same. The salt of such a nonce is at the end of the key. */
struct cv_integ {
    uint16_t id;
    uint8_t key_len;
    uint8_t iv_len; /* of icv_len; 0 for all others */
    uint8_t icv_len;
    void *(*new_key)(const uint8_t *key);
    void (*free_key)(void *key);
    /* MAC over the concatenation of n_parts spans. */
    bool (*mac)(void *key, const struct cv_span *parts, size_t n_parts, uint8_t *icv);
};

/* A pseudorandom function, RFC 7296 section 2.13.  Keys of any length. */
struct cv_prf {
    uint16_t id;
    uint8_t out_len; /* also the preferred key length */
    bool (*prf)(struct cv_span key, const struct cv_span *parts, size_t n_parts, uint8_t *out);
};

/* A key exchange method, in the shape of a key encapsulation mechanism: whoever starts the
 * exchange sends a public value, the other side makes the secret and an answer out of it at
 * once, and the answer leads the first to the same secret.  Diffie-Hellman fits, ML-KEM needs
 * it: there the two values have different lengths and the answer depends on the public value.
 *
 * The engine hands over values of the right length alone, and has no use for a method whose
 * lengths are above the limits. */
struct cv_ke {
    uint16_t id;
    uint16_t public_len; /* octets of the KE payload that starts an exchange */
    uint16_t answer_len; /* octets of the one that answers it */
    uint16_t secret_len; /* octets of the secret: for MODP padded to the prime's length */
    /* Makes a key pair, the backend's object, and writes public_len octets.  NULL on failure.
     */
    void *(*generate)(uint8_t *pub);
    void (*free_key)(void *key); /* wipes it; NULL is fine */
    /* Writes answer_len octets of answer and secret_len of secret.  Both functions check the
     * peer's value as the method's RFC asks (RFC 6989: 1 < y < p-1, point on curve; X25519:
     * result not all zero).  CV_ERR_KE_VALUE: the value is not valid; CV_ERR_CRYPTO: it is our
     * fault. */
    enum cv_err (*encapsulate)(struct cv_span peer_pub, uint8_t *answer, uint8_t *secret);
    enum cv_err (*decapsulate)(void *key, struct cv_span answer, uint8_t *secret);
};

/* A plain hash; SHA-1 is here for NAT detection (RFC 7296 section 2.23). */
enum cv_hash_id {
    CV_HASH_SHA1 = 1, /* numbers of RFC 7427 section 4 */
    CV_HASH_SHA2_256 = 2,
    CV_HASH_SHA2_384 = 3,
    CV_HASH_SHA2_512 = 4
};

struct cv_hash {
    uint16_t id;
    uint8_t out_len;
    bool (*hash)(const struct cv_span *parts, size_t n_parts, uint8_t *out);
};

/* One backend.  Every list ends with NULL.  An algorithm with several key sizes
 * appears once for each. */
struct cv_crypto {
    const char *name;
    bool (*random)(uint8_t *out, size_t n);
    const struct cv_aead *const *aeads;
    const struct cv_cipher *const *ciphers;
    const struct cv_integ *const *integs;
    const struct cv_prf *const *prfs;
    const struct cv_ke *const *kes;
    const struct cv_hash *const *hashes;
};

/* The OpenSSL >= 3.0 backend, when built with it. */
extern const struct cv_crypto cv_crypto_openssl;

/* The fastest backend that this machine has: Intel's multi-buffer library in front of OpenSSL,
 * where the processor has AES instructions and the library is installed, or OpenSSL alone.  The
 * same for the whole process, and of it to the end. */
const struct cv_crypto *cv_crypto_best(void);

#ifdef __cplusplus
}
#endif

#endif
