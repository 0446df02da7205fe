/* The SA database.  Invariant: an SPI is in it exactly as long as its pair is
 * installed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/sad.h"

void sad_init(struct sad *s, struct arena *a, uint32_t n_pairs, const uint64_t seed[2])
{
    const uint32_t n = htab_slots(n_pairs);
    struct htab_slot *slots = arena_take(a, n, sizeof(*slots));

    if (slots != NULL)
        htab_init(&s->by_spi, slots, n, seed);
}

bool sad_add(struct sad *s, uint32_t spi, uint32_t pair)
{
    return htab_put(&s->by_spi, spi, pair);
}

void sad_remove(struct sad *s, uint32_t spi)
{
    if (s->near[spi % SAD_NEAR].spi == spi)
        s->near[spi % SAD_NEAR].spi = 0;
    htab_del(&s->by_spi, spi);
}

uint32_t sad_find(const struct sad *s, uint32_t spi)
{
    const unsigned at = spi % SAD_NEAR;

    return spi != 0 && s->near[at].spi == spi ? s->near[at].pair : htab_get(&s->by_spi, spi);
}

void sad_keep_near(struct sad *s, uint32_t spi, uint32_t pair)
{
    s->near[spi % SAD_NEAR].spi = spi;
    s->near[spi % SAD_NEAR].pair = pair;
}

void sad_expect(const struct sad *s, uint32_t spi)
{
    htab_expect(&s->by_spi, spi);
}
