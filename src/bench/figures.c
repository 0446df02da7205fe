/* Medians and quartiles: what else the machine does in a round spoils that round alone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/figures.h"

#include <stdlib.h>
#include <time.h>

void figures_add(struct figures *f, double v)
{
    if (f->n < FIGURES_ROUNDS_MAX)
        f->v[f->n++] = v;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double figures_median(struct figures *f)
{
    qsort(f->v, f->n, sizeof(*f->v), by_value);
    return f->n > 0 ? f->v[f->n / 2] : 0;
}

double figures_spread(struct figures *f)
{
    (void)figures_median(f);
    return f->n > 0 ? (f->v[f->n * 3 / 4] - f->v[f->n / 4]) / 2 : 0;
}

double figures_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double figures_lap(double *from, unsigned n)
{
    const double now = figures_now_ns(), took = (now - *from) / n;

    *from = now;
    return took;
}
