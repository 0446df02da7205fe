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
    htab_del(&s->by_spi, spi);
}

uint32_t sad_find(const struct sad *s, uint32_t spi)
{
    return htab_get(&s->by_spi, spi);
}
