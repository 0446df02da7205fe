/* A backend whose MAC is all zeros and whose cipher does nothing: any octets with zeros behind
 * them are authentic, and the fuzzer sees what lies behind authentication.  The high half of an
 * extended sequence number, which is not on the wire, is the MAC's first four octets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_WEAK_CRYPTO_H
#define TESTS_FUZZ_WEAK_CRYPTO_H

#include <culvert/crypto.h>

#include "fuzz.h"

enum { ICV_LEN = 12, HIGH_LEN = 4 };

static uint8_t some_key;

static inline void *new_key(const uint8_t *key)
{
    (void)key;
    return &some_key;
}

static inline void free_key(void *key)
{
    FUZZ_CHECK(key == &some_key);
}

static inline bool weak_mac(void *key, const struct cv_span *parts, size_t n_parts,
                            uint8_t *icv)
{
    size_t sum = 0;

    (void)key;
    for (size_t i = 0; i < n_parts; i++) /* every octet is there to be read */
        for (size_t k = 0; k < parts[i].n; k++)
            sum += parts[i].p[k];
    memset(icv, sum == SIZE_MAX, ICV_LEN);
    if (n_parts % 2 == 0) /* ESP has one part and AH three, and then the number's half */
        memcpy(icv, parts[n_parts - 1].p, HIGH_LEN);
    return true;
}

static inline bool copy(void *key, const uint8_t *iv, uint8_t *data, size_t n)
{
    (void)key;
    (void)iv;
    (void)data;
    (void)n;
    return true;
}

static const struct cv_cipher weak_cipher = {
    .id = CV_ENCR_NULL,
    .block = 1,
    .new_key = new_key,
    .free_key = free_key,
    .encrypt = copy,
    .decrypt = copy,
};

static const struct cv_integ weak_integ = {
    .id = CV_INTEG_HMAC_SHA1_96,
    .key_len = 1,
    .icv_len = ICV_LEN,
    .new_key = new_key,
    .free_key = free_key,
    .mac = weak_mac,
};

static const struct cv_cipher *const ciphers[] = {&weak_cipher, NULL};
static const struct cv_integ *const integs[] = {&weak_integ, NULL};
static const struct cv_crypto weak = {.ciphers = ciphers, .integs = integs};

#endif
