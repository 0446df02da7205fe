/* An integrity algorithm of no octets, for vectors of a cipher alone.  A backend with it
 * is for tests only: an SA refuses suites that do not authenticate.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_NO_INTEG_H
#define TESTS_SUPPORT_NO_INTEG_H

#include <culvert/crypto.h>

enum { NO_INTEG = 250 };

static inline void *no_integ_key(const uint8_t *key)
{
    static char something;

    (void)key;
    return &something;
}

static inline void no_integ_free(void *key)
{
    (void)key;
}

static inline bool no_integ_mac(void *key, const struct cv_span *parts, size_t n_parts,
                                uint8_t *icv)
{
    (void)key, (void)parts, (void)n_parts, (void)icv;
    return true;
}

static const struct cv_integ no_integ = {
    .id = NO_INTEG,
    .new_key = no_integ_key,
    .free_key = no_integ_free,
    .mac = no_integ_mac,
};

/* The OpenSSL backend with NO_INTEG for its only integrity algorithm. */
static inline struct cv_crypto no_integ_crypto(void)
{
    static const struct cv_integ *const integs[] = {&no_integ, NULL};
    struct cv_crypto crypto = cv_crypto_openssl;

    crypto.integs = integs;
    return crypto;
}

#endif
