/* The SA database: which pair an inbound packet belongs to (RFC 4301 section 4.4.2).
 *
 * Every SPI here is one that we chose, so the SPI alone finds a unicast SA; ESP and AH
 * share the number space.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_SAD_H
#define IPSEC_SAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/htab.h"

enum { SAD_NEAR = 16 };

struct sad {
    struct htab by_spi; /* to the pair's index */
    /* Those used last, by the lowest bits of their SPIs; SPI 0: none. */
    struct {
        uint32_t spi, pair;
    } near[SAD_NEAR];
};

void sad_init(struct sad *s, struct arena *a, uint32_t n_pairs, const uint64_t seed[2]);
/* False: the SPI is taken. */
bool sad_add(struct sad *s, uint32_t spi, uint32_t pair);
void sad_remove(struct sad *s, uint32_t spi);
uint32_t sad_find(const struct sad *s, uint32_t spi); /* HTAB_NONE when absent */
void sad_expect(const struct sad *s, uint32_t spi);   /* will be asked for soon */
/* A packet by this SPI, which leads to pair, was authentic: more are likely to follow it. */
void sad_keep_near(struct sad *s, uint32_t spi, uint32_t pair);

#endif
