/* Nonces decide which of two simultaneous rekeys stands, RFC 7296 section 2.8.1.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ike/exchange.h"

bool nonce_less(struct cv_span a, struct cv_span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = memcmp(a.p, b.p, n);

    return order != 0 ? order < 0 : a.n < b.n;
}

struct cv_span nonce_lower(struct cv_span a, struct cv_span b)
{
    return nonce_less(b, a) ? b : a;
}

void change_nonce(struct ike_change *ch, struct cv_span ni, struct cv_span nr)
{
    struct cv_span low = nonce_lower(ni, nr);

    memcpy(ch->nonce, low.p, low.n);
    ch->nonce_len = (uint16_t)low.n;
}
