/* Which backend is best is found out on the machine that runs, not on the one that built.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/crypto.h>

#if CULVERT_IPSEC_MB
#include "ports/ipsec_mb/port.h"
#endif

const struct cv_crypto *cv_crypto_best(void)
{
#if CULVERT_IPSEC_MB
    const struct cv_crypto *fast = ipsec_mb_crypto();

    if (fast != NULL)
        return fast;
#endif
    return &cv_crypto_openssl;
}
