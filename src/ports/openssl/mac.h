/* OpenSSL's MACs, under integrity transforms and PRFs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_OPENSSL_MAC_H
#define PORTS_OPENSSL_MAC_H

#include <culvert/types.h>

#include <openssl/evp.h>

enum mac_kind {
    MAC_HMAC_MD5,
    MAC_HMAC_SHA1,
    MAC_HMAC_SHA2_256,
    MAC_HMAC_SHA2_384,
    MAC_HMAC_SHA2_512,
    MAC_CMAC_AES_128
};

/* A context with its key set; EVP_MAC_CTX_free gives it back.  NULL when memory or the
 * algorithm is missing. */
EVP_MAC_CTX *mac_new(enum mac_kind kind, struct cv_span key);

/* The first n octets of the MAC over the concatenation of the parts. */
bool mac_run(EVP_MAC_CTX *ctx, const struct cv_span *parts, size_t n_parts, uint8_t *out,
             size_t n);

#endif
