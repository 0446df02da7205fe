/* What start_action, dpd_action and close_action mean when a connection comes or goes and when
 * the engine tells of its tunnels: wishes (wish.c) and traps (trap.c).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/inside.h"
#include "kit/clock.h"

/* The connection that the engine means, unless it is on its way out; NULL: it means none. */
static struct conn *current(struct daemon *d, const struct cv_conn *conn)
{
    struct conn *c = d->conns;

    while (c != NULL && &c->cv != conn)
        c = c->next;
    return c;
}

static void act(struct daemon *d, struct conn *c, const struct cv_child_config *child,
                uint8_t action)
{
    if (action & CV_ACTION_TRAP)
        trap_set(d, c, child);
    if (action & CV_ACTION_START)
        wish_start(d, c, child, true);
}

void actions_take(struct daemon *d, struct conn *c, uint8_t kind)
{
    for (unsigned i = 0; i < c->cv.n_children; i++)
        act(d, c, c->cv.children[i], c->cv.children[i]->start_action & kind);
}

/* Ends what start_action = start brought up: the children, and an IKE SA that has no others. */
static void stop_started(struct daemon *d, const struct conn *c)
{
    struct cv_child_info child;
    struct cv_ike_info ike;
    uint64_t now = clock_now_ms();

    for (uint32_t at = 0; cv_ike_next(d->engine, &at, &ike);) {
        unsigned started = 0, others = 0;

        if (ike.conn != &c->cv)
            continue;
        for (uint32_t k = 0; cv_child_next(d->engine, ike.id, &k, &child);) {
            if (!(child.cfg->start_action & CV_ACTION_START)) {
                others++;
                continue;
            }
            started++;
            if (ike.n_children > 1)
                (void)!cv_terminate_child(d->engine, child.id, false, now);
        }
        if (started > 0 && others == 0)
            (void)!cv_terminate_ike(d->engine, ike.id, false, now);
    }
}

void actions_remove(struct daemon *d, struct conn *c)
{
    wish_remove(d, c);
    trap_remove(d, c, NULL);
    for (unsigned i = 0; i < c->cv.n_children; i++) {
        if (c->cv.children[i]->start_action & CV_ACTION_START) {
            stop_started(d, c);
            break;
        }
    }
    wish_arm(d);
}

/* A child that was up has ended. */
static void child_down(struct daemon *d, struct conn *c, const struct cv_effect *fx)
{
    const struct cv_child_config *child = fx->u.event.child_cfg;
    const enum cv_err why = fx->u.event.err;
    const uint8_t action = why == CV_ERR_PEER_SILENT ? child->dpd_action : child->close_action;

    if (why == CV_ERR_REPLACED)
        return;
    if (why ==
        CV_ERR_DELETED_LOCALLY) { /* an operator's word, or ours with a wish that is due */
        wish_forget_up(d, c, child);
        return;
    }
    if (action & CV_ACTION_TRAP)
        trap_set(d, c, child);
    if (action & CV_ACTION_START)
        wish_again(d, c, child);
    else
        wish_forget_up(d, c, child);
}

void actions_again(struct daemon *d, const struct cv_conn *conn,
                   const struct cv_child_config *child)
{
    struct conn *c = current(d, conn);

    if (d->stopping || c == NULL || (child->start_action & CV_ACTION_START) == 0)
        return;
    wish_once_more(d, c, child);
}

/* RFC 7296 section 3.15.4: without the address asked for the IKE SA is of no use, and only a
 * new one can ask again. */
static void end_without_address(struct daemon *d, const struct cv_effect *fx)
{
    if (fx->u.event.err == CV_ERR_ADDRESS && fx->conn->n_vips > 0)
        (void)!cv_terminate_ike(d->engine, fx->ike, false, clock_now_ms());
}

void actions_event(struct daemon *d, const struct cv_effect *fx)
{
    struct conn *c = current(d, fx->conn);

    if (c == NULL || d->stopping)
        return;
    switch (fx->u.event.kind) {
    case CV_EV_CHILD_UP:
        trap_ready(d, c, fx->u.event.child_cfg);
        wish_up(d, c, fx);
        break;
    case CV_EV_IKE_REKEYED:
        wish_renamed(d, fx);
        break;
    case CV_EV_IKE_UP:
        wish_forget(d, c, NULL);
        break;
    case CV_EV_CHILD_DOWN:
        child_down(d, c, fx);
        break;
    case CV_EV_CHILD_FAILED:
        if (fx->u.event.child_cfg != NULL)
            trap_failed(d, c, fx->u.event.child_cfg);
        wish_tries_failed(d, fx, false);
        end_without_address(d, fx);
        break;
    case CV_EV_IKE_DOWN:
        trap_failed(d, c, NULL);
        wish_tries_failed(d, fx, true);
        break;
    default:
        break;
    }
}
