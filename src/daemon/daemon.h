/* One culvertd: the engine, its sockets, credentials, pools, connections; and what the
 * control interfaces (VICI, later HTTP) may ask of it.  Everything runs on one libevent loop.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <event2/event.h>

#include "ask/ask.h"
#include "config/config.h"
#include "creds/creds.h"
#include "fleet/pools.h"
#include "fleet/registry_event.h"
#include "kit/log.h"

struct daemon;

struct daemon_options {
    struct conf_source conf; /* path NULL: start empty, VICI brings the configuration */
    const char *run_dir, *state_dir;
};

struct daemon *daemon_new(const struct daemon_options *opt, struct problem *why);
/* Opens the state directory.  As the user that the daemon runs as, before packets come. */
void daemon_keep(struct daemon *d);
int daemon_run(struct daemon *d); /* until stopped; the process's exit code */
void daemon_free(struct daemon *d);
/* Takes away what a daemon with on_exit = block and this device has left: 0 or an errno. */
int daemon_unblock(const char *device);

/* What the file says about the daemon itself. */
const struct daemon_settings *daemon_settings(const struct daemon *d);
struct event_base *daemon_base(struct daemon *d);
struct cv_engine *daemon_engine(struct daemon *d);
/* The backend that the engine's algorithms are from. */
const struct cv_crypto *daemon_crypto(const struct daemon *d);
struct creds *daemon_creds(struct daemon *d);
struct pools *daemon_pools(struct daemon *d);
void daemon_questions(const struct daemon *d, struct ask_stats *out);
uint64_t daemon_now_ms(const struct daemon *d); /* monotonic, the engine's time */
uint64_t daemon_started_ms(const struct daemon *d);

/* Which offloads of the kernel are in use, each by its name, 1 or 0. */
void daemon_offloads(const struct daemon *d,
                     void (*put)(void *ctx, const char *name, uint64_t n), void *ctx);
/* What the registry of the fleet has decided.  False: there is none. */
struct roster_stats;
bool daemon_fleet_stats(const struct daemon *d, struct roster_stats *out);

/* What was done about changes of others in the kernel's network, one counter after the other.
 */
void daemon_kernel_stats(const struct daemon *d,
                         void (*put)(void *ctx, const char *name, uint64_t n), void *ctx);

/* Carries out the engine's waiting effects and re-arms the timer.  Call after every engine
 * call. */
void daemon_pump(struct daemon *d);
/* Tells the engine again what the kernel knows of the next few paths, before that is forgotten.
 * *at starts as 0; false: that was the last one. */
bool daemon_renew_paths(struct daemon *d, uint32_t *at);

/* Takes ownership of c.  One of the same name is replaced; unchanged ones stay as they are.
 * start_action of its children is carried out; it is undone for a replaced one. */
bool daemon_add_conn(struct daemon *d, struct conn *c, struct problem *why);
bool daemon_remove_conn(struct daemon *d, const char *name);
struct conn *daemon_first_conn(struct daemon *d); /* then ->next */

/* Initiates child of conn.  conn NULL: the first connection that has such a child.  child NULL:
 * the IKE SA alone. Resolves the remote host, chooses the local address.  ike gets the IKE SA's
 * number, or 0 when the host's name has to be resolved first: then it starts by itself, and if
 * that fails listeners hear CV_EV_CHILD_FAILED without an IKE SA. */
bool daemon_initiate(struct daemon *d, const char *conn, const char *child, uint32_t *ike,
                     const struct cv_child_config **cfg, struct problem *why);

/* A trap, pass or drop that is to hold, or to hold no more, whatever its start_action; conn
 * NULL: the first connection that has such a child. */
bool daemon_install(struct daemon *d, const char *conn, const char *child, struct problem *why);
bool daemon_uninstall(struct daemon *d, const char *conn, const char *child,
                      struct problem *why);
bool daemon_is_installed(const struct daemon *d, const struct conn *c,
                         const struct cv_child_config *child);

/* What waits for another attempt, or for its peer's name, is not tried any more until somebody
 * asks for it or the connection is loaded anew: how many children that were.  NULL: any. */
unsigned daemon_call_off(struct daemon *d, const char *conn, const char *child);

/* Totals over all lives of the daemon, as the state directory keeps them. */
enum daemon_lifetime {
    LIFE_STARTS,
    LIFE_PACKETS_IN,
    LIFE_BYTES_IN,
    LIFE_PACKETS_OUT,
    LIFE_BYTES_OUT,
    LIFE_IKE_ESTABLISHED,
    LIFE_CHILD_ESTABLISHED,
    DAEMON_LIFETIME_COUNT
};
const char *daemon_lifetime_name(unsigned i); /* "packets-in" */
void daemon_lifetime(const struct daemon *d, uint64_t out[DAEMON_LIFETIME_COUNT]);

/* Listeners hear engine events and log lines while registered. */
struct listener {
    void (*event)(void *ctx, const struct cv_effect *fx);
    void (*log)(void *ctx, int level, enum log_group group, uint32_t ike, const char *conn,
                const char *text);
    void (*fleet)(void *ctx, const struct fleet_event *e); /* NULL: does not care */
    void *ctx;
    struct listener *next;
};
void daemon_listen(struct daemon *d, struct listener *l);
void daemon_unlisten(struct daemon *d, struct listener *l);

/* The log's levels, by group; what is set holds until the next reload. */
void daemon_log_levels(const struct daemon *d, uint8_t out[LOG_GROUPS]);
void daemon_set_log_levels(struct daemon *d, const uint8_t levels[LOG_GROUPS]);

/* Writes a log line (stderr or journal by level) and hands it to the listeners. */
void daemon_log(struct daemon *d, int level, enum log_group group, uint32_t ike,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Walks the recent lines that are kept (log.h), oldest first: *at starts as 0. */
const struct log_line *daemon_next_line(const struct daemon *d, uint64_t *at);

/* Reads the file given with -c again: declarative, reports what changed. */
bool daemon_reload(struct daemon *d, struct problem *why);
/* Ends the loop after deletes were sent and answered (or given up). */
void daemon_stop(struct daemon *d);

#endif
