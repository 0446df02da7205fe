/* The generator behind bearssl_random, for what draws from it through BearSSL.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_BEARSSL_RANDOM_H
#define PORTS_BEARSSL_RANDOM_H

#include <bearssl.h>

/* NULL: not seeded yet. */
const br_prng_class **random_source(void);

#endif
