/* Owns Base64.  Table-free reading, so that secrets in it leave no trace in the cache.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pki/base64.h"

#include "kit/mem.h"

enum { LINE = 64, GROUP = 3, DIGITS = 4 };

static const char standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_links[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Up to three octets from data's i-th on as two to four digits; returns how many. */
static size_t put_group(char out[DIGITS], const char *digits, struct cv_span data, size_t i)
{
    const size_t n = data.n - i < GROUP ? data.n - i : GROUP;
    uint32_t v = 0;

    for (size_t k = 0; k < GROUP; k++)
        v = v << 8 | (k < n ? data.p[i + k] : 0);
    for (int k = 0; k < DIGITS; k++)
        out[k] = digits[v >> (18 - 6 * k) & 63];
    return n + 1;
}

char *base64_lines(struct cv_span data)
{
    const size_t digits = (data.n + GROUP - 1) / GROUP * DIGITS;
    char *out = mem_new(digits + digits / LINE + 2, 1), group[DIGITS];
    size_t at = 0, in_line = 0;

    for (size_t i = 0; i < data.n; i += GROUP) {
        const size_t filled = put_group(group, standard, data, i);

        for (size_t k = 0; k < DIGITS; k++)
            out[at++] = k < filled ? group[k] : '=';
        in_line += DIGITS;
        if (in_line == LINE || i + GROUP >= data.n) {
            out[at++] = '\n';
            in_line = 0;
        }
    }
    return out;
}

bool base64_word(struct cv_span data, char *out, size_t n)
{
    char group[DIGITS];
    size_t at = 0;

    for (size_t i = 0; i < data.n; i += GROUP) {
        const size_t filled = put_group(group, for_links, data, i);

        for (size_t k = 0; k < filled; k++) {
            if (at + 1 >= n)
                return false;
            out[at++] = group[k];
        }
    }
    if (at >= n)
        return false;
    out[at] = '\0';
    return true;
}

/* The digit's value, or -1. */
static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool base64_read(const char *text, size_t n, uint8_t *out, size_t room, size_t *n_out)
{
    uint32_t v = 0;
    unsigned bits = 0, padding = 0;
    size_t at = 0, digits = 0;

    for (size_t i = 0; i < n; i++) {
        const int d = digit(text[i]);

        if (is_space(text[i]))
            continue;
        if (text[i] == '=' && ++padding <= 2)
            continue;
        if (d < 0 || padding > 0)
            return false;
        digits++;
        v = v << 6 | (uint32_t)d;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (at == room)
            return false;
        out[at++] = (uint8_t)(v >> bits);
    }
    *n_out = at;
    return digits % DIGITS != 1;
}
