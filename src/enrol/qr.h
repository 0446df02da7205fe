/* A text as a QR code (ISO/IEC 18004), drawn by libqrencode.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENROL_QR_H
#define ENROL_QR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct qr {
    unsigned width;    /* of the square, in modules */
    uint8_t *is_black; /* row by row */
};

bool qr_make(const char *text, struct qr *out); /* false: too long for any */
void qr_free(struct qr *q);
/* Is that module black?  Outside of the square it is not: a quiet zone needs no storage. */
bool qr_black(const struct qr *q, int x, int y);

/* Two rows in one line of half blocks, black on white whatever the terminal's colours are. */
void qr_print(const struct qr *q, FILE *out);
/* The same as an SVG picture of modules of one unit. */
void qr_svg(const struct qr *q, FILE *out);

#endif
