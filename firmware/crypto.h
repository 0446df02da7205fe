/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_CRYPTO_H
#define FIRMWARE_CRYPTO_H

#include <culvert/crypto.h>

extern const struct cv_crypto device_crypto;

#endif
