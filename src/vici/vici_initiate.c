/* initiate: starts an SA and answers when it is up, has failed, or time is out.
 *
 * Events may come while daemon_initiate still runs, before it has told the IKE SA's number;
 * until then they are recognized by their connection.  The outcome is noted and answered
 * afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "text/text.h"
#include "vici/inside.h"

/* The connection that the arguments mean, and its child if one is asked for. */
static const struct conn *find_target(struct vici_client *c, const char *ike, const char *child,
                                      const struct cv_child_config **cfg)
{
    for (const struct conn *conn = daemon_first_conn(c->v->d); conn != NULL;
         conn = conn->next) {
        if (ike != NULL && strcmp(conn->cv.name, ike) != 0)
            continue;
        if (child == NULL)
            return conn;
        for (unsigned i = 0; i < conn->cv.n_children; i++) {
            *cfg = conn->cv.children[i];
            if (strcmp((*cfg)->name, child) == 0)
                return conn;
        }
    }
    *cfg = NULL;
    return NULL;
}

/* One that any peer may use has as many tunnels as peers: that one of them is up says nothing
 * about the next. */
static bool has_one_peer(const struct conn *conn)
{
    struct cv_addr_range range;
    struct cv_addr addr;

    for (unsigned i = 0; i < conn->n_remote_hosts; i++)
        if (!addr_parse(&addr, conn->remote_hosts[i]) &&
            range_parse(&range, conn->remote_hosts[i]))
            return false;
    return conn->n_remote_hosts > 0;
}

/* Asking twice is asking once: a child that is up is not negotiated again. */
static bool is_up(const struct vici_client *c, const struct conn *conn,
                  const struct cv_child_config *cfg)
{
    struct cv_child_info info;

    if (!has_one_peer(conn))
        return false;
    for (uint32_t at = 0; cv_child_next(daemon_engine(c->v->d), 0, &at, &info);)
        if (info.cfg == cfg &&
            (info.state == CV_CHILD_INSTALLED || info.state == CV_CHILD_REKEYING))
            return true;
    return false;
}

static void answer_outcome(struct vici_client *c)
{
    const char *child = vici_arg(c->req, "child");
    enum cv_err err = c->work.outcome;

    if (err == CV_OK)
        vici_answer_ok(c);
    else if (child != NULL)
        vici_answer_error(c, "establishing CHILD_SA '%s' failed: %s", child, cv_err_text(err));
    else
        vici_answer_error(c, "establishing IKE_SA '%s' failed: %s", vici_arg(c->req, "ike"),
                          cv_err_text(err));
}

static void settle(struct vici_client *c, enum cv_err outcome)
{
    if (c->work.settled)
        return;
    c->work.settled = true;
    c->work.outcome = outcome;
    if (!c->work.calling)
        answer_outcome(c);
}

/* The number is unknown inside the first call and while a host name is being resolved. */
static bool is_ours(const struct vici_client *c, const struct cv_effect *fx)
{
    const struct vici_work *w = &c->work;
    struct cv_ike_info info;

    if (w->ike != 0)
        return fx->ike == w->ike;
    if (fx->conn != w->conn)
        return false;
    if (fx->u.event.kind != CV_EV_IKE_DOWN)
        return true;
    /* one that was up before is another one */
    return !cv_ike_info(daemon_engine(c->v->d), fx->ike, &info) || info.established_ms == 0;
}

static void hear(struct vici_client *c, const struct cv_effect *fx)
{
    struct vici_work *w = &c->work;
    enum cv_err err = fx->u.event.err != CV_OK ? fx->u.event.err : CV_ERR_PEER_REJECTED;
    bool same_child = fx->u.event.child_cfg == w->child;

    if (!is_ours(c, fx))
        return;
    switch (fx->u.event.kind) {
    case CV_EV_CHILD_UP:
        if (w->child != NULL && same_child)
            settle(c, CV_OK);
        return;
    case CV_EV_IKE_UP:
        w->ike = fx->ike;
        if (w->child == NULL)
            settle(c, CV_OK);
        return;
    case CV_EV_CHILD_FAILED:
        if (same_child)
            settle(c, err);
        return;
    case CV_EV_IKE_DOWN:
        settle(c, err);
        return;
    case CV_EV_IKE_REKEYED:
        w->ike = fx->u.event.ike_new;
        return;
    default:
        return;
    }
}

static void time_is_out(struct vici_client *c)
{
    const char *child = vici_arg(c->req, "child");
    const char *ms = vici_arg(c->req, "timeout");

    if (child != NULL)
        vici_answer_error(c, "CHILD_SA '%s' not established after %sms", child, ms);
    else
        vici_answer_error(c, "IKE_SA '%s' not established after %sms", vici_arg(c->req, "ike"),
                          ms);
}

/* After the call that starts it: did it end already, or was there nothing to do? */
static void check(struct vici_client *c)
{
    struct cv_ike_info info;

    if (c->work.settled)
        answer_outcome(c);
    else if (c->work.ike == 0)
        return; /* its host name is being resolved */
    else if (!cv_ike_info(daemon_engine(c->v->d), c->work.ike, &info))
        settle(c, CV_ERR_NOT_FOUND);
    else if (c->work.child == NULL && info.state == CV_IKE_ESTABLISHED)
        settle(c, CV_OK);
}

static void start(struct vici_client *c, const struct cv_conn *conn,
                  const struct cv_child_config *cfg, int64_t timeout_ms)
{
    struct problem why = {0};
    bool started;

    c->work.conn = conn;
    c->work.child = cfg;
    c->work.calling = true;
    vici_wait(c, hear, time_is_out, timeout_ms > 0 ? (uint32_t)timeout_ms : 0);
    started = daemon_initiate(c->v->d, conn->name, cfg != NULL ? cfg->name : NULL, &c->work.ike,
                              &c->work.child, &why);
    c->work.calling = false;
    if (!started)
        vici_answer_error(c, "%s", why.text);
    else if (timeout_ms < 0)
        vici_answer_ok(c); /* only the start was asked for */
    else
        check(c);
}

void vici_cmd_initiate(struct vici_client *c, const struct node *req)
{
    const char *ike = vici_arg(req, "ike"), *child = vici_arg(req, "child");
    const struct cv_child_config *cfg = NULL;
    const struct conn *conn;
    int64_t timeout_ms = 0, level = 1;

    if (!vici_arg_number(req, "timeout", -1, UINT32_MAX, &timeout_ms) ||
        !vici_arg_number(req, "loglevel", -1, 4, &level)) {
        vici_answer_error(c, "timeout or loglevel is not a number in range");
        return;
    }
    c->work.log_level = (int)level;
    if (ike == NULL && child == NULL) {
        vici_answer_error(c, "missing configuration name");
        return;
    }
    conn = find_target(c, ike, child, &cfg);
    if (conn == NULL && child != NULL)
        vici_answer_error(c, "CHILD_SA config '%s' not found", child);
    else if (conn == NULL)
        vici_answer_error(c, "IKE_SA config '%s' not found", ike);
    else if (cfg != NULL && is_up(c, conn, cfg))
        vici_answer_ok(c);
    else
        start(c, &conn->cv, cfg, timeout_ms);
}
