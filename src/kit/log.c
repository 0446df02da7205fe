/* Owns: the ring of recent log lines and how a line looks.
 * Invariant: the ring is bounded; a line is one line whatever its text holds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEPT_LEVEL = 1 }; /* one exchange at level 4 would push out a day */

const char *log_group_name(enum log_group g)
{
    static const char *const names[] = {
        [LOG_DMN] = "DMN", [LOG_MGR] = "MGR", [LOG_IKE] = "IKE", [LOG_CHD] = "CHD",
        [LOG_NET] = "NET", [LOG_KNL] = "KNL", [LOG_CFG] = "CFG", [LOG_ESP] = "ESP",
    };

    return (unsigned)g < sizeof(names) / sizeof(names[0]) ? names[g] : "???";
}

void log_init(struct log *log, int level)
{
    memset(log, 0, sizeof(*log));
    for (int g = 0; g < LOG_GROUPS; g++)
        log->level[g] = level;
    log->journal = getenv("JOURNAL_STREAM") != NULL;
}

bool log_wants(const struct log *log, int level, enum log_group group)
{
    return level <= log->level[group];
}

static void copy_printable(char *out, size_t n, const char *text)
{
    size_t i;

    // cppcheck-suppress arrayIndexOutOfBoundsCond ; it takes n for the length of text
    for (i = 0; i + 1 < n && text[i] != '\0'; i++) {
        unsigned char c = (unsigned char)text[i];
        out[i] = c < 0x20 || c == 0x7f ? '?' : text[i];
    }
    out[i] = '\0';
}

static int64_t unix_ms(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_REALTIME, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void format_tail(char *out, size_t n, const struct log_line *l)
{
    if (l->conn[0] != '\0')
        (void)snprintf(out, n, "[%s] <%s|%u> %s", log_group_name(l->group), l->conn, l->ike,
                       l->text);
    else if (l->ike != 0)
        (void)snprintf(out, n, "[%s] <%u> %s", log_group_name(l->group), l->ike, l->text);
    else
        (void)snprintf(out, n, "[%s] %s", log_group_name(l->group), l->text);
}

char *log_format(char *out, size_t n, const struct log_line *line)
{
    time_t s = (time_t)(line->unix_ms / 1000);
    char when[32] = "", tail[LOG_TEXT + 64];
    struct tm tm;

    if (gmtime_r(&s, &tm) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    format_tail(tail, sizeof(tail), line);
    (void)snprintf(out, n, "%s.%03dZ %s", when, (int)(line->unix_ms % 1000), tail);
    return out;
}

/* The journal reads a syslog priority in angle brackets (sd-daemon(3)). */
static void print(const struct log *log, const struct log_line *line)
{
    char out[LOG_TEXT + 128];

    if (log->journal) {
        format_tail(out, sizeof(out), line);
        fprintf(stderr, "<%d>%s\n", line->level <= 0 ? 5 : line->level == 1 ? 6 : 7, out);
    } else {
        fprintf(stderr, "%s\n", log_format(out, sizeof(out), line));
    }
}

const struct log_line *log_put(struct log *log, int level, enum log_group group, uint32_t ike,
                               const char *conn, const char *text)
{
    struct log_line *l = level <= KEPT_LEVEL ? &log->ring[log->n++ % LOG_LINES] : &log->fine;

    l->unix_ms = unix_ms();
    l->level = level;
    l->group = group;
    l->ike = ike;
    copy_printable(l->conn, sizeof(l->conn), conn == NULL ? "" : conn);
    copy_printable(l->text, sizeof(l->text), text);
    if (log_wants(log, level, group))
        print(log, l);
    return l;
}

const struct log_line *log_next(const struct log *log, uint64_t *at)
{
    uint64_t oldest = log->n > LOG_LINES ? log->n - LOG_LINES : 0;

    if (*at < oldest)
        *at = oldest;
    if (*at >= log->n)
        return NULL;
    return &log->ring[(*at)++ % LOG_LINES];
}
