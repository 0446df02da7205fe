/* The crypto ports of this tree, each by itself and against each other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "ports/bearssl/port.h"
#include "tests/conformance/conformance.h"

static void say(const char *what, unsigned id)
{
    fprintf(stderr, "  %s (algorithm %u)\n", what, id);
}

static unsigned run(const struct cv_crypto *crypto)
{
    struct conformance sum = conformance_run(crypto, say);

    printf("%s: %u checks, %u faults\n", crypto->name, sum.checks, sum.faults);
    return sum.faults;
}

/* What one port starts the other answers. */
static unsigned agree(const struct cv_crypto *starts, const struct cv_crypto *answers)
{
    unsigned faults = 0;

    for (const struct cv_ke *const *p = starts->kes; *p != NULL; p++) {
        const struct cv_ke *other = crypto_ke(answers, (*p)->id);
        uint8_t pub[CV_KE_PUB_MAX], answer[CV_KE_PUB_MAX];
        uint8_t one[CV_KE_SECRET_MAX], two[CV_KE_SECRET_MAX];
        void *key;

        if (other == NULL)
            continue;
        key = (*p)->generate(pub);
        if (key == NULL ||
            other->encapsulate((struct cv_span){pub, other->public_len}, answer, one) !=
                CV_OK ||
            (*p)->decapsulate(key, (struct cv_span){answer, other->answer_len}, two) != CV_OK ||
            memcmp(one, two, other->secret_len) != 0) {
            say("key exchange: the ports do not agree", (*p)->id);
            faults++;
        }
        (*p)->free_key(key);
    }
    return faults;
}

/* Before it is seeded the generator gives nothing, and nothing is made of it. */
static unsigned unseeded(void)
{
    uint8_t out[CV_KE_PUB_MAX];

    if (!bearssl_random(out, 1) && bearssl_x25519.generate(out) == NULL &&
        bearssl_ecp256.generate(out) == NULL)
        return 0;
    say("random octets without a seed", 0);
    return 1;
}

int main(void)
{
    unsigned faults = unseeded();
    uint8_t seed[32];

    if (!cv_crypto_openssl.random(seed, sizeof(seed)))
        return 1;
    bearssl_seed(seed, sizeof(seed));
    faults += run(&cv_crypto_openssl) + run(&cv_crypto_bearssl);
    faults += agree(&cv_crypto_openssl, &cv_crypto_bearssl);
    faults += agree(&cv_crypto_bearssl, &cv_crypto_openssl);
    return faults == 0 ? 0 : 1;
}
