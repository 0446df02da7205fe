/* The culvert command: what its subcommands share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/peers.h"
#include "vici/vici_client.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_NOT_RUNNING = 3,
    CLI_NONE = 4, /* what was asked for is not in the registry */
    CLI_AWAY = 5  /* the registry cannot be reached, or written, for now */
};

struct cli {
    const char *run_dir;
    char socket[256];
    bool json, json_lines;   /* json_lines: json, too */
    bool verbose, down;      /* status */
    const char *peer, *sort; /* status */
    unsigned watch_s;        /* status; 0: once */
    bool levels;             /* log: only the levels of the log, and set those of */
    const char *level;       /* "2", "ike=3,net=2", or NULL */
    bool no_follow;          /* log: the recent lines only */
    bool force;              /* down: do not wait for the peer */
    unsigned timeout_s;      /* up, down; 0: as long as it takes */
    const char *name;        /* the operand, NULL when there is none */
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
enum cli_exit cli_check(const struct cli *cli);
enum cli_exit cli_packet(const struct cli *cli);
/* Verbs that read their own options (args.h); argv[0] is the verb. */
enum cli_exit cli_api(int argc, char **argv);
enum cli_exit cli_bench(int argc, char **argv);
enum cli_exit cli_ca(int argc, char **argv);
enum cli_exit cli_device(int argc, char **argv);
enum cli_exit cli_profile(int argc, char **argv);
enum cli_exit cli_tenant(int argc, char **argv);
enum cli_exit cli_events(int argc, char **argv);
enum cli_exit cli_top(int argc, char **argv);
enum cli_exit cli_webhook(int argc, char **argv);
enum cli_exit cli_backup(int argc, char **argv);
enum cli_exit cli_restore(int argc, char **argv);
enum cli_exit cli_init(int argc, char **argv);
enum cli_exit cli_join(int argc, char **argv);
enum cli_exit cli_renew(int argc, char **argv);
enum cli_exit cli_web(int argc, char **argv);

/* ---- status.c: what the daemon has, collected as trees --------------------------- */

struct state {
    struct node *version, *stats;
    struct node *conns; /* a section for each connection, as list-conn brings it */
    struct node *up;    /* sections of connections, in them sections of installed children */
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

/* Are they among what is asked for? */
bool conn_passes(const struct state *s, const struct node *conn, const struct peer_filter *f);
bool sa_passes(const struct node *sa, const struct peer_filter *f);

/* status_page.c, status_json.c: what passes. */
void status_print_daemon(const struct state *s); /* version, age, drops by name */
void status_print_pages(const struct state *s, const struct peer_filter *f);
void status_print_json(const struct state *s, const struct peer_filter *f);

/* ---- units.c ------------------------------------------------------------------------ */

uint64_t text_number(const struct node *section, const char *name);
/* "3h 47m", "52m", "8s" */
const char *text_duration(char out[32], uint64_t seconds);
/* The same without a space, for a column. */
const char *text_age(char out[32], uint64_t seconds);
const char *text_count(char out[32], uint64_t n);
enum { TEXT_TIME = 24 };
/* "2026-11-30T22:15:00Z" (RFC 3339) */
const char *text_time(char out[TEXT_TIME], int64_t unix_s);
/* "84 B", "1.2 MB" */
const char *text_bytes(char out[32], uint64_t bytes);
/* Prints text for a terminal: control characters come out as '?'. */
void text_print(const char *text);

#endif
