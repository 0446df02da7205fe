/* Owns the table in which the library's algorithms stand before OpenSSL's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <threads.h>

#include "ports/ipsec_mb/manager.h"
#include "ports/ipsec_mb/port.h"

enum { AEADS_MAX = 63 };

static once_flag once = ONCE_FLAG_INIT;
static const struct cv_aead *aeads[AEADS_MAX + 1]; /* written once, before anybody sees it */
static struct cv_crypto crypto;

static bool has(unsigned n, const struct cv_aead *a)
{
    unsigned i = 0;

    while (i < n && (aeads[i]->id != a->id || aeads[i]->key_len != a->key_len))
        i++;
    return i < n;
}

static void fill(void)
{
    unsigned n = 0;

    for (const struct cv_aead *const *a = ipsec_mb_aeads; *a != NULL && n < AEADS_MAX; a++)
        aeads[n++] = *a;
    for (const struct cv_aead *const *a = cv_crypto_openssl.aeads; *a != NULL; a++)
        if (n < AEADS_MAX && !has(n, *a))
            aeads[n++] = *a;
    crypto = cv_crypto_openssl;
    crypto.name = "ipsec-mb";
    crypto.aeads = aeads;
}

const struct cv_crypto *ipsec_mb_crypto(void)
{
    if (manager_get() == NULL)
        return NULL;
    call_once(&once, fill);
    return &crypto;
}
