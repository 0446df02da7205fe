/* The algorithms that are measured, and the library's own objects for one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

#include <culvert/crypto.h>
#include <culvert/plane.h>

enum { SUITE_NAME_MAX = 64, SUITE_BATCH = 64, SUITE_PACKET_MAX = 1400 + 256 };

/* Number i of all combinations: AEADs, ciphers with MACs, MACs alone (AH).  False: there are
 * not so many. */
bool suite_get(unsigned i, struct cv_suite *suite, char name[SUITE_NAME_MAX]);

/* A library alone, with room for a batch of packets. */
struct bare {
    const struct cv_aead *aead;
    const struct cv_cipher *cipher;
    const struct cv_integ *integ;
    void *key, *integ_key;
    uint8_t data[SUITE_BATCH][SUITE_PACKET_MAX], icv[SUITE_BATCH][CV_ICV_MAX];
};

/* False: the library lacks it. */
bool bare_open_keys(struct bare *b, const struct cv_crypto *crypto,
                    const struct cv_suite *suite);
void bare_free_keys(struct bare *b);
/* Octets that the cipher, or the MAC of AH, has to do for an inner packet of that size. */
size_t bare_len(const struct bare *b, size_t inner);
/* A batch of packets of n octets.  False: the library fails. */
bool bare_seal(struct bare *b, size_t n);
bool bare_open(struct bare *b, size_t n); /* after bare_seal */

#endif
