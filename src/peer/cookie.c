/* Owns the stateless cookie: making, checking, and the secrets behind it.
 *
 * Invariant: once filled, both secrets are random, so that no version can be guessed.
 * RFC 7296 section 2.6.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/cookie.h"

#include "base/secret.h"
#include "base/span.h"

enum { MAC_LEN = COOKIE_LEN - 1 };

enum cv_err cookie_refresh(struct cookie_jar *j, const struct cv_crypto *crypto,
                           uint64_t now_ms)
{
    bool stale = !j->filled || now_ms - j->made_ms >= COOKIE_SECRET_MS;
    bool both_stale = !j->filled || now_ms - j->made_ms >= 2 * COOKIE_SECRET_MS;
    uint8_t next = (uint8_t)(j->version + 1);

    if (!stale)
        return CV_OK;
    j->filled = false; /* until every stale secret is replaced */
    if (!crypto->random(j->secret[next & 1], COOKIE_SECRET_LEN) ||
        (both_stale && !crypto->random(j->secret[j->version & 1], COOKIE_SECRET_LEN)))
        return CV_ERR_CRYPTO;
    j->version = next;
    j->made_ms = now_ms;
    j->filled = true;
    return CV_OK;
}

/* The fields of fixed size go first, so that no other split of the octets means the same. */
static enum cv_err cookie_mac(uint8_t mac[MAC_LEN], const uint8_t secret[COOKIE_SECRET_LEN],
                              const struct cv_crypto *crypto, struct cv_span ni,
                              const struct cv_endpoint *from, const uint8_t spi_i[8])
{
    const struct cv_prf *prf = crypto_prf(crypto, CV_PRF_HMAC_SHA2_256);
    const uint8_t where[] = {from->addr.family, (uint8_t)(from->port >> 8),
                             (uint8_t)from->port};
    const struct cv_span parts[] = {span(where, sizeof(where)),
                                    span(from->addr.b, sizeof(from->addr.b)), span(spi_i, 8),
                                    ni};
    uint8_t full[CV_PRF_MAX];
    struct rd r = rd_init(span(full, MAC_LEN));

    if (prf == NULL)
        prf = crypto->prfs[0];
    if (prf == NULL)
        return CV_ERR_UNSUPPORTED;
    if (!prf->prf(span(secret, COOKIE_SECRET_LEN), parts, 4, full))
        return CV_ERR_CRYPTO;
    rd_copy(&r, mac, MAC_LEN);
    wipe(full, sizeof(full));
    return CV_OK;
}

enum cv_err cookie_make(uint8_t out[COOKIE_LEN], const struct cookie_jar *j,
                        const struct cv_crypto *crypto, struct cv_span ni,
                        const struct cv_endpoint *from, const uint8_t spi_i[8])
{
    if (!j->filled)
        return CV_ERR_BUG;
    out[0] = j->version;
    return cookie_mac(out + 1, j->secret[j->version & 1], crypto, ni, from, spi_i);
}

bool cookie_check(const struct cookie_jar *j, const struct cv_crypto *crypto,
                  struct cv_span cookie, struct cv_span ni, const struct cv_endpoint *from,
                  const uint8_t spi_i[8])
{
    uint8_t mac[MAC_LEN], age;
    bool ok;

    if (!j->filled || cookie.n != COOKIE_LEN)
        return false;
    age = (uint8_t)(j->version - cookie.p[0]);
    if (age > 1)
        return false;
    ok = cookie_mac(mac, j->secret[cookie.p[0] & 1], crypto, ni, from, spi_i) == CV_OK &&
         ct_equal(mac, span_from(cookie, 1).p, MAC_LEN);
    wipe(mac, sizeof(mac));
    return ok;
}
