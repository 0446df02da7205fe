/* An ESP SA of any suite of ipsec_fixture.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ESP_FIXTURE_H
#define TESTS_ESP_FIXTURE_H

#include "ipsec/esp.h"
#include "tests/support/ipsec_fixture.h"
#include "tests/support/own_sa.h"

static const uint64_t TWO_32 = UINT64_C(1) << 32;

static inline void open_sa(struct esp_sa *sa, const struct named_suite *s, bool esn,
                           unsigned way)
{
    struct cv_suite suite = s->suite;

    suite.esn = esn ? CV_ESN_YES : CV_ESN_NO;
    assert_int_equal(
        own_esp_open(sa, &cv_crypto_openssl, &suite, 0x11223344, span(keymat[way], s->key_len)),
        CV_OK);
}

#endif
