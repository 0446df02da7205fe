/* The tables that make up the OpenSSL backend, one file each.  Needs OpenSSL >= 3.0.
 * The backend has no state of its own: its tables are const, and each key object holds
 * what OpenSSL needs for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_OPENSSL_PORT_H
#define PORTS_OPENSSL_PORT_H

#include <culvert/crypto.h>

extern const struct cv_aead *const openssl_aeads[];
extern const struct cv_cipher *const openssl_ciphers[];
extern const struct cv_integ *const openssl_integs[];
extern const struct cv_prf *const openssl_prfs[];
extern const struct cv_ke *const openssl_kes[]; /* their key objects are EVP_PKEYs */
extern const struct cv_hash *const openssl_hashes[];

#endif
