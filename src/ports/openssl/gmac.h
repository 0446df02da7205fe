/* AES-GMAC under the integrity transforms.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_OPENSSL_GMAC_H
#define PORTS_OPENSSL_GMAC_H

#include <culvert/crypto.h>

extern const struct cv_integ openssl_gmac_128, openssl_gmac_192, openssl_gmac_256;

#endif
