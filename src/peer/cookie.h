/* Stateless cookies against spoofed IKE_SA_INIT, RFC 7296 section 2.6.
 *
 * cookie = version | MAC(secret of that version, IPi | port | SPIi | Ni).  Two
 * secrets are valid at a time; each lives COOKIE_SECRET_MS twice over.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_COOKIE_H
#define PEER_COOKIE_H

#include <culvert/error.h>

#include "crypto/crypto.h"

enum { COOKIE_LEN = 17, COOKIE_SECRET_LEN = 32, COOKIE_SECRET_MS = 60000 };

struct cookie_jar {
    uint8_t secret[2][COOKIE_SECRET_LEN]; /* by version & 1 */
    uint8_t version;
    uint64_t made_ms;
    bool filled;
};

/* Makes a new secret when the current one is older than COOKIE_SECRET_MS. */
CV_MUST_USE enum cv_err cookie_refresh(struct cookie_jar *j, const struct cv_crypto *crypto,
                                       uint64_t now_ms);
CV_MUST_USE enum cv_err cookie_make(uint8_t out[COOKIE_LEN], const struct cookie_jar *j,
                                    const struct cv_crypto *crypto, struct cv_span ni,
                                    const struct cv_endpoint *from, const uint8_t spi_i[8]);
/* Constant-time comparison with the current and the previous secret's cookie. */
bool cookie_check(const struct cookie_jar *j, const struct cv_crypto *crypto,
                  struct cv_span cookie, struct cv_span ni, const struct cv_endpoint *from,
                  const uint8_t spi_i[8]);

#endif
