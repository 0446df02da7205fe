/* What the key exchange methods share.  A key object is an EVP_PKEY.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_OPENSSL_KE_H
#define PORTS_OPENSSL_KE_H

#include <culvert/crypto.h>

#include <openssl/evp.h>

extern const struct cv_ke openssl_x25519, openssl_x448;
extern const struct cv_ke openssl_ecp_256, openssl_ecp_384, openssl_ecp_521;
extern const struct cv_ke openssl_modp_1024, openssl_modp_1536, openssl_modp_2048;
extern const struct cv_ke openssl_modp_3072, openssl_modp_4096;

void ke_free_key(void *key);

/* Writes the n octets of public value that follow skip octets of OpenSSL's encoding;
 * false when it has another length. */
bool ke_write_public(EVP_PKEY *key, size_t skip, uint8_t *pub, size_t n);

/* The secret of key and the public value that encoded (OpenSSL's encoding) stands for in
 * key's group: n octets.  CV_ERR_KE_VALUE when the value is not valid there, or when OpenSSL
 * runs out of memory on the way and does not tell. */
enum cv_err ke_agree(EVP_PKEY *key, struct cv_span encoded, uint8_t *secret, size_t n);

/* What answers a public value in Diffie-Hellman: a key pair of our own, used once. */
enum cv_err ke_answer(const struct cv_ke *ke, struct cv_span peer_pub, uint8_t *answer,
                      uint8_t *secret);

#endif
