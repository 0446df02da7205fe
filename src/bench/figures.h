/* Medians, and where they go: a table for people, or JSON.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

enum { FIGURES_ROUNDS_MAX = 4001 };

/* One figure in each round. */
struct figures {
    double v[FIGURES_ROUNDS_MAX];
    unsigned n;
};

void figures_add(struct figures *f, double v);
/* Both sort. */
double figures_median(struct figures *f);
double figures_spread(struct figures *f); /* half the distance of the quartiles */

double figures_now_ns(void);
/* Nanoseconds since from for each of n, and from becomes now. */
double figures_lap(double *from, unsigned n);

#endif
