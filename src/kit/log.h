/* Log lines: to stderr (or the journal behind it), and the last ones kept for those who ask
 * later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_LOG_H
#define KIT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* charon's log groups, as VICI's log event names them */
enum log_group {
    LOG_DMN,
    LOG_MGR,
    LOG_IKE,
    LOG_CHD,
    LOG_NET,
    LOG_KNL,
    LOG_CFG,
    LOG_ESP,
    LOG_GROUPS
};

/* What a level adds: 0 what an operator must know, 1 what happens, 2 each message, 3 what was
 * compared and chosen, 4 octets. */
enum { LOG_LEVEL_MAX = 4 };

const char *log_group_name(enum log_group g); /* "IKE" */

enum { LOG_LINES = 256, LOG_TEXT = 1024 };

struct log_line {
    int64_t unix_ms;
    int level;
    enum log_group group;
    uint32_t ike;
    char conn[32]; /* cut when longer; empty when none */
    char text[LOG_TEXT];
};

struct log {
    int level[LOG_GROUPS]; /* lines above it are not printed */
    bool journal;          /* stderr is the journal: it adds the time itself */
    uint64_t n;            /* lines written so far */
    struct log_line ring[LOG_LINES];
    struct log_line fine; /* the newest of those that are not kept */
};

void log_init(struct log *log, int level); /* of every group */

/* Would a line of this level be printed?  Where making it costs something, ask first. */
bool log_wants(const struct log *log, int level, enum log_group group);

/* Keeps the line, unless it is finer than level 1, and prints it when its level is low enough.
 * Control characters, which a peer's identity may hold, come out as '?'. */
const struct log_line *log_put(struct log *log, int level, enum log_group group, uint32_t ike,
                               const char *conn, const char *text);

/* The oldest kept line whose number is at least *at, which moves past it; NULL at the end. */
const struct log_line *log_next(const struct log *log, uint64_t *at);

/* "2026-11-22T10:00:00.123Z [IKE] <conn|3> text"; returns out. */
char *log_format(char *out, size_t n, const struct log_line *line);

#endif
