/* The algorithms that Intel's multi-buffer library does, one table a file.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_IPSEC_MB_PORT_H
#define PORTS_IPSEC_MB_PORT_H

#include <culvert/crypto.h>

extern const struct cv_aead *const ipsec_mb_aeads[];

/* These, and OpenSSL for everything else; NULL: this machine cannot. */
const struct cv_crypto *ipsec_mb_crypto(void);

#endif
