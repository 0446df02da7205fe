/* NAT detection, RFC 7296 section 2.23: SHA-1(SPIs | address | port).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_NATD_H
#define IKE_NATD_H

#include "crypto/crypto.h"
#include "wire/ike.h"

enum { NATD_LEN = 20 };

CV_MUST_USE enum cv_err natd_hash(uint8_t out[NATD_LEN], const struct cv_crypto *crypto,
                                  const uint8_t spi_i[8], const uint8_t spi_r[8],
                                  const struct cv_endpoint *at);

/* What the peer's notifies in m say.  present: it sent both kinds.  local_nat: our own
 * address is translated (no DESTINATION hash fits it); remote_nat: the peer's is (no SOURCE
 * hash fits). */
struct natd_result {
    bool present, local_nat, remote_nat;
};
struct natd_result natd_check(const struct ike_msg *m, const struct cv_crypto *crypto,
                              const uint8_t spi_i[8], const uint8_t spi_r[8],
                              const struct cv_endpoint *local,
                              const struct cv_endpoint *remote);

#endif
