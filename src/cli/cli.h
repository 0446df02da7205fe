/* The culvert command: what its subcommands share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/vici_client.h"

enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NOT_RUNNING = 3 };

struct cli {
    const char *run_dir;
    char socket[256];
    bool json;
    bool no_follow;                           /* log: the recent lines only */
    bool force;                               /* down: do not wait for the peer */
    unsigned timeout_s;                       /* up, down; 0: as long as it takes */
    const char *name;                         /* the operand, NULL when there is none */
    const char *sa_file, *in_file, *out_file; /* packet; NULL: not given */
};

/* Connects, or says on stderr why that is not possible; then *code is the exit code. */
struct vici_link *cli_connect(const struct cli *cli, enum cli_exit *code);
/* Says on stderr what failed; returns CLI_FAILED. */
enum cli_exit cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

enum cli_exit cli_status(const struct cli *cli);
enum cli_exit cli_up(const struct cli *cli);
enum cli_exit cli_down(const struct cli *cli);
enum cli_exit cli_log(const struct cli *cli);
enum cli_exit cli_version(const struct cli *cli);
enum cli_exit cli_packet(const struct cli *cli);

/* ---- status.c: what the daemon has, collected as trees --------------------------- */

struct state {
    struct node *version, *stats;
    struct node *conns; /* a section for each connection, as list-conn brings it */
    struct node *sas;   /* a section for each IKE SA, named by its number; inside, one section
                           of its connection's name, as list-sa brings it */
};

bool state_read(struct state *s, struct vici_link *l, struct problem *why);
void state_free(struct state *s);
/* The connection's or child's section of an SA from state.sas. */
static inline const struct node *state_sa(const struct node *entry)
{
    return entry->first;
}
/* Is a child of that connection installed? */
bool state_child_is_up(const struct state *s, const char *conn, const char *child);

/* only: that connection; NULL: all. */
void status_print_json(const struct state *s, const char *only);

/* ---- text.c ------------------------------------------------------------------------ */

uint64_t text_number(const struct node *section, const char *name);
/* "3h 47m", "52m", "8s" */
const char *text_duration(char out[32], uint64_t seconds);
/* "84 B", "1.2 MB" */
const char *text_bytes(char out[32], uint64_t bytes);
/* Prints text for a terminal: control characters come out as '?'. */
void text_print(const char *text);

#endif
