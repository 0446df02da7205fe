/* What culvert costs on this machine, beside what it is made of.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdio.h>

/* What is asked for. */
struct bench_wish {
    bool json;
    unsigned rounds;  /* figures are medians over so many */
    const char *only; /* the algorithm, or NULL: all */
};

/* ESP and AH in memory.  For each algorithm and inner packets of 64, 576 and 1,400 octets:
 * nanoseconds of the bare library, of sealing (ipsec_out) and of opening (ipsec_in, replay
 * window included), and which part of that the library is.  The row "none" has no cipher: it is
 * what the plane itself costs.  False: there is no such algorithm. */
bool bench_esp(const struct bench_wish *w, FILE *out);

#endif
