/* One direction of one SA with its expanded keys, for tests that need no data plane.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_OWN_SA_H
#define TESTS_SUPPORT_OWN_SA_H

#include <stdlib.h>
#include <string.h>

#include "ipsec/ah.h"

static inline enum cv_err own_keys(struct esp_sa *sa, const struct cv_crypto *crypto,
                                   const struct cv_suite *suite, struct cv_span octets)
{
    enum cv_err err;

    sa->key = calloc(1, sizeof(*sa->key));
    if (sa->key == NULL)
        abort();
    err = esp_key_open(sa->key, crypto, suite, octets);
    if (err != CV_OK) {
        free(sa->key);
        memset(sa, 0, sizeof(*sa));
    }
    return err;
}

CV_MUST_USE static inline enum cv_err own_esp_open(struct esp_sa *sa,
                                                   const struct cv_crypto *crypto,
                                                   const struct cv_suite *suite, uint32_t spi,
                                                   struct cv_span octets)
{
    enum cv_err err = esp_sa_open(sa, crypto, suite, spi);

    return err == CV_OK ? own_keys(sa, crypto, suite, octets) : err;
}

CV_MUST_USE static inline enum cv_err own_ah_open(struct esp_sa *sa,
                                                  const struct cv_crypto *crypto,
                                                  const struct cv_suite *suite, uint32_t spi,
                                                  struct cv_span octets)
{
    enum cv_err err = ah_sa_open(sa, crypto, suite, spi);

    return err == CV_OK ? own_keys(sa, crypto, suite, octets) : err;
}

static inline void own_close(struct esp_sa *sa)
{
    if (sa->key != NULL)
        esp_key_close(sa->key);
    free(sa->key);
    memset(sa, 0, sizeof(*sa));
}

#endif
