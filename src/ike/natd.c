/* Owns NAT detection: the hashes of both endpoints and what the peer's say of ours.
 * RFC 7296 section 2.23.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/natd.h"

#include "wire/ip.h"

enum cv_err natd_hash(uint8_t out[NATD_LEN], const struct cv_crypto *crypto,
                      const uint8_t spi_i[8], const uint8_t spi_r[8],
                      const struct cv_endpoint *at)
{
    const struct cv_hash *sha1 = crypto_hash(crypto, CV_HASH_SHA1);
    const uint8_t port[2] = {(uint8_t)(at->port >> 8), (uint8_t)at->port};
    const struct cv_span parts[] = {span(spi_i, IKE_SPI_LEN), span(spi_r, IKE_SPI_LEN),
                                    span(at->addr.b, addr_len(at->addr.family)),
                                    span(port, sizeof(port))};

    if (sha1 == NULL)
        return CV_ERR_UNSUPPORTED;
    return sha1->hash(parts, 4, out) ? CV_OK : CV_ERR_CRYPTO;
}

/* Does one of m's notifies of this type carry hash?  There may be several sources: the sender
 * need not know which of its addresses it uses. */
static bool any_fits(const struct ike_msg *m, uint16_t type, const uint8_t hash[NATD_LEN])
{
    for (unsigned i = 0; i < m->n_notify; i++) {
        const struct ike_notify *n = &m->notify[i];

        if (n->type == type && span_equal(n->data, span(hash, NATD_LEN)))
            return true;
    }
    return false;
}

struct natd_result natd_check(const struct ike_msg *m, const struct cv_crypto *crypto,
                              const uint8_t spi_i[8], const uint8_t spi_r[8],
                              const struct cv_endpoint *local, const struct cv_endpoint *remote)
{
    struct natd_result result = {false, false, false};
    uint8_t ours[NATD_LEN], theirs[NATD_LEN];

    if (ike_find_notify(m, N_NAT_DETECTION_SOURCE_IP) == NULL ||
        ike_find_notify(m, N_NAT_DETECTION_DESTINATION_IP) == NULL ||
        natd_hash(ours, crypto, spi_i, spi_r, local) != CV_OK ||
        natd_hash(theirs, crypto, spi_i, spi_r, remote) != CV_OK)
        return result;
    result.present = true;
    result.local_nat = !any_fits(m, N_NAT_DETECTION_DESTINATION_IP, ours);
    result.remote_nat = !any_fits(m, N_NAT_DETECTION_SOURCE_IP, theirs);
    return result;
}
