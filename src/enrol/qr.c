/* Owns QR codes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "enrol/qr.h"

#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"

enum { QUIET = 4 }; /* modules around it (ISO/IEC 18004 section 9.1) */

bool qr_make(const char *text, struct qr *out)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);

    *out = (struct qr){.width = 0};
    if (code == NULL)
        return false;
    out->width = (unsigned)code->width;
    out->is_black = mem_new((size_t)out->width * out->width, 1);
    for (size_t i = 0; i < (size_t)out->width * out->width; i++)
        out->is_black[i] = code->data[i] & 1;
    QRcode_free(code);
    return true;
}

void qr_free(struct qr *q)
{
    free(q->is_black);
    *q = (struct qr){.width = 0};
}

bool qr_black(const struct qr *q, int x, int y)
{
    const int width = (int)q->width;

    return x >= 0 && y >= 0 && x < width && y < width && q->is_black[y * width + x] != 0;
}

void qr_print(const struct qr *q, FILE *out)
{
    /* By whether the upper and the lower module are black. */
    static const char *const blocks[2][2] = {
        {" ",            "\xe2\x96\x84"},
        {"\xe2\x96\x80", "\xe2\x96\x88"}
    };
    const int end = (int)q->width + QUIET;

    for (int y = -QUIET; y < end; y += 2) {
        fputs("\033[30;107m", out);
        for (int x = -QUIET; x < end; x++)
            fputs(blocks[qr_black(q, x, y)][qr_black(q, x, y + 1)], out);
        fputs("\033[0m\n", out);
    }
}

void qr_svg(const struct qr *q, FILE *out)
{
    const int size = (int)q->width + 2 * QUIET;

    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "shape-rendering=\"crispEdges\"><rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>"
            "<path fill=\"#000\" d=\"",
            size, size, size, size);
    for (int y = 0; y < (int)q->width; y++)
        for (int x = 0; x < (int)q->width; x++)
            if (qr_black(q, x, y))
                fprintf(out, "M%d %dh1v1h-1z", x + QUIET, y + QUIET);
    fputs("\"/></svg>", out);
}
