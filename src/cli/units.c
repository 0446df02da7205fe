/* Numbers and names for people.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cli.h"

uint64_t text_number(const struct node *section, const char *name)
{
    return strtoull(tree_get(section, name, "0"), NULL, 10);
}

const char *text_duration(char out[32], uint64_t seconds)
{
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

    if (days > 0)
        snprintf(out, 32, "%" PRIu64 "d %" PRIu64 "h", days, hours % 24);
    else if (hours > 0)
        snprintf(out, 32, "%" PRIu64 "h %" PRIu64 "m", hours, minutes % 60);
    else if (minutes > 0)
        snprintf(out, 32, "%" PRIu64 "m %" PRIu64 "s", minutes, seconds % 60);
    else
        snprintf(out, 32, "%" PRIu64 "s", seconds);
    return out;
}

const char *text_age(char out[32], uint64_t seconds)
{
    char *to = out;

    for (const char *from = text_duration(out, seconds); *from != '\0'; from++)
        if (*from != ' ')
            *to++ = *from;
    *to = '\0';
    return out;
}

const char *text_count(char out[32], uint64_t n)
{
    snprintf(out, 32, "%" PRIu64, n);
    return out;
}

const char *text_time(char out[TEXT_TIME], int64_t unix_s)
{
    time_t at = (time_t)unix_s;
    struct tm tm;

    if (gmtime_r(&at, &tm) == NULL || strftime(out, TEXT_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
    return out;
}

const char *text_bytes(char out[32], uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double n = (double)bytes / 1000;
    unsigned unit = 0;

    if (bytes < 1000) {
        snprintf(out, 32, "%" PRIu64 " B", bytes);
        return out;
    }
    while (n >= 999.95 && unit < 5) {
        n /= 1000;
        unit++;
    }
    snprintf(out, 32, "%.1f %s", n, units[unit]);
    return out;
}

void text_print(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        putchar(c < 0x20 || c == 0x7f ? '?' : c);
    }
}
