/* What stands behind the VICI server in its tests: a daemon and an engine that show what they
 * are given and count what they are asked for.  It defines what the server calls, so a program
 * includes it once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_VICI_DAEMON_H
#define TESTS_VICI_DAEMON_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kit/log.h"
#include "kit/mem.h"
#include "text/text.h"
#include "vici/vici.h"

/* ---- a daemon -------------------------------------------------------------------- */

enum { SAS_MAX = 12000 };

struct daemon {
    struct event_base *base;
    struct listener *ears;
    struct creds *creds;
    struct pools *pools;
    struct conn *conns;
    uint64_t now_ms;
    /* the engine's part */
    unsigned n_ikes, n_children;
    struct cv_ike_info ike[SAS_MAX];
    struct cv_child_info child[4];
    /* what was asked of it */
    unsigned initiated, terminated, rekeyed, redirected;
    struct cv_id gateway;
    unsigned waiting; /* for another attempt */
    bool forced;
    void (*when_initiated)(void); /* events inside the call */
    bool resolves;                /* the IKE SA's number is not known yet */
};

static struct daemon d;

struct event_base *daemon_base(struct daemon *any)
{
    return any->base;
}

struct cv_engine *daemon_engine(struct daemon *any)
{
    (void)any;
    return NULL;
}

struct creds *daemon_creds(struct daemon *any)
{
    return any->creds;
}

struct pools *daemon_pools(struct daemon *any)
{
    return any->pools;
}

void daemon_questions(const struct daemon *any, struct ask_stats *out)
{
    (void)any;
    *out = (struct ask_stats){.filed = 7, .answered = 3, .refused = 2, .open = 1, .overdue = 1};
}

unsigned daemon_call_off(struct daemon *any, const char *conn, const char *child)
{
    const unsigned n = any->waiting;

    (void)conn;
    (void)child;
    any->waiting = 0;
    return n;
}

uint64_t daemon_now_ms(const struct daemon *any)
{
    return any->now_ms;
}

uint64_t daemon_started_ms(const struct daemon *any)
{
    (void)any;
    return 0;
}

const struct cv_crypto *daemon_crypto(const struct daemon *any)
{
    (void)any;
    return &cv_crypto_openssl;
}

void daemon_log_levels(const struct daemon *any, uint8_t out[LOG_GROUPS])
{
    (void)any;
    memset(out, 1, LOG_GROUPS);
}

void daemon_set_log_levels(struct daemon *any, const uint8_t levels[LOG_GROUPS])
{
    (void)any;
    (void)levels;
}

void daemon_offloads(const struct daemon *any,
                     void (*put)(void *ctx, const char *name, uint64_t n), void *ctx)
{
    (void)any;
    put(ctx, "tun-tso", 1);
}

void daemon_kernel_stats(const struct daemon *any,
                         void (*put)(void *ctx, const char *name, uint64_t n), void *ctx)
{
    (void)any;
    put(ctx, "rules-restored", 2);
}

const char *daemon_lifetime_name(unsigned i)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};

    return names[i];
}

void daemon_lifetime(const struct daemon *any, uint64_t out[DAEMON_LIFETIME_COUNT])
{
    (void)any;
    for (unsigned i = 0; i < DAEMON_LIFETIME_COUNT; i++)
        out[i] = 100 + i;
}

void daemon_pump(struct daemon *any)
{
    (void)any;
}

bool daemon_add_conn(struct daemon *any, struct conn *c, struct problem *why)
{
    (void)why;
    c->next = any->conns;
    any->conns = c;
    return true;
}

bool daemon_remove_conn(struct daemon *any, const char *name)
{
    (void)any;
    return strcmp(name, "home") == 0;
}

bool daemon_install(struct daemon *any, const char *conn, const char *child,
                    struct problem *why)
{
    (void)any;
    (void)conn;
    return strcmp(child, "net") == 0 || problem_set(why, "configuration name not found");
}

bool daemon_uninstall(struct daemon *any, const char *conn, const char *child,
                      struct problem *why)
{
    (void)any;
    (void)conn;
    return strcmp(child, "net") == 0 || problem_set(why, "policy '%s' not found", child);
}

bool daemon_is_installed(const struct daemon *any, const struct conn *c,
                         const struct cv_child_config *child)
{
    (void)any;
    (void)c;
    return child->start_action != CV_ACTION_NONE;
}

struct conn *daemon_first_conn(struct daemon *any)
{
    return any->conns;
}

void daemon_listen(struct daemon *any, struct listener *l)
{
    any->ears = l;
}

void daemon_unlisten(struct daemon *any, struct listener *l)
{
    if (any->ears == l)
        any->ears = NULL;
}

void daemon_log(struct daemon *any, int level, enum log_group group, uint32_t ike,
                const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (any->ears != NULL)
        any->ears->log(any->ears->ctx, level, group, ike, NULL, text);
}

const char *log_group_name(enum log_group g)
{
    return g == LOG_IKE ? "IKE" : "CFG";
}

const struct log_line *daemon_next_line(const struct daemon *any, uint64_t *at)
{
    static const struct log_line lines[] = {
        {.unix_ms = 7000,     .level = 1, .group = LOG_IKE, .ike = 3,          .conn = "home", .text = "a"},
        {.unix_ms = 8000,        .level = 3,                  .group = LOG_IKE,                    .text = "too fine"                   },
        {.unix_ms = 9000, .level = 0,           .group = LOG_CFG,.text = "b"},
    };

    (void)any;
    return *at < 3 ? &lines[(*at)++] : NULL;
}

bool daemon_reload(struct daemon *any, struct problem *why)
{
    (void)any;
    return problem_set(why, "t.conf:3: no");
}

bool daemon_initiate(struct daemon *any, const char *conn, const char *child, uint32_t *ike,
                     const struct cv_child_config **cfg, struct problem *why)
{
    assert_string_equal(conn, "home");
    if (any->initiated++ == 0 && any->when_initiated != NULL)
        any->when_initiated();
    *ike = any->resolves ? 0 : 3;
    *cfg = child != NULL ? any->conns->cv.children[0] : NULL;
    (void)why;
    return true;
}

/* ---- an engine --------------------------------------------------------------------- */

bool cv_ike_next(const struct cv_engine *e, uint32_t *at, struct cv_ike_info *out)
{
    (void)e;
    if (*at >= d.n_ikes)
        return false;
    *out = d.ike[(*at)++];
    return true;
}

bool cv_ike_info(const struct cv_engine *e, uint32_t ike, struct cv_ike_info *out)
{
    for (uint32_t at = 0; cv_ike_next(e, &at, out);)
        if (out->id == ike)
            return true;
    return false;
}

bool cv_child_next(const struct cv_engine *e, uint32_t ike, uint32_t *at,
                   struct cv_child_info *out)
{
    (void)e;
    while (*at < d.n_children) {
        *out = d.child[(*at)++];
        if (ike == 0 || out->ike == ike)
            return true;
    }
    return false;
}

bool cv_child_info(const struct cv_engine *e, uint32_t child, struct cv_child_info *out)
{
    for (uint32_t at = 0; cv_child_next(e, 0, &at, out);)
        if (out->id == child)
            return true;
    return false;
}

enum cv_err cv_terminate_ike(struct cv_engine *e, uint32_t ike, bool force, uint64_t now_ms)
{
    (void)e, (void)ike, (void)now_ms;
    d.terminated++;
    d.forced = force;
    return CV_OK;
}

enum cv_err cv_terminate_child(struct cv_engine *e, uint32_t child, bool force, uint64_t now_ms)
{
    return cv_terminate_ike(e, child, force, now_ms);
}

enum cv_err cv_rekey_ike(struct cv_engine *e, uint32_t ike, bool reauth, uint64_t now_ms)
{
    (void)e, (void)ike, (void)reauth, (void)now_ms;
    d.rekeyed++;
    return CV_OK;
}

enum cv_err cv_redirect(struct cv_engine *e, uint32_t ike, const struct cv_id *gateway,
                        uint64_t now_ms)
{
    (void)e, (void)ike, (void)now_ms;
    d.redirected++;
    d.gateway = *gateway;
    return CV_OK;
}

enum cv_err cv_rekey_child(struct cv_engine *e, uint32_t child, uint64_t now_ms)
{
    return cv_rekey_ike(e, child, false, now_ms);
}

void cv_get_stats(const struct cv_engine *e, struct cv_stats *out)
{
    (void)e;
    *out = (struct cv_stats){.ike_sas = d.n_ikes, .ike_rekeyed = 5};
    out->errors[CV_ERR_REPLAY] = 2;
}

void cv_get_limit(const struct cv_engine *e, enum cv_limit limit, struct cv_limit_met *out)
{
    (void)e;
    *out = (struct cv_limit_met){.times = limit == CV_LIMIT_HANDSHAKES ? 3 : 0};
}

#endif
