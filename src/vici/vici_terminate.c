/* terminate and rekey: the SAs that the arguments select, and for terminate the wait until they
 * are gone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"
#include "vici/inside.h"

/* Which SAs: those of all given conditions; children when a child is named, else IKE SAs. */
struct selector {
    const char *ike, *child;  /* names or NULL */
    int64_t ike_id, child_id; /* -1: not given */
};

struct selection {
    struct vici_target *at;
    size_t cap;
    unsigned n;
};

static bool read_selector(struct selector *s, const struct node *req)
{
    *s = (struct selector){.ike = vici_arg(req, "ike"),
                           .child = vici_arg(req, "child"),
                           .ike_id = -1,
                           .child_id = -1};
    return vici_arg_number(req, "ike-id", 0, UINT32_MAX, &s->ike_id) &&
           vici_arg_number(req, "child-id", 0, UINT32_MAX, &s->child_id);
}

static bool is_empty(const struct selector *s)
{
    return s->ike == NULL && s->child == NULL && s->ike_id < 0 && s->child_id < 0;
}

static bool wants_children(const struct selector *s)
{
    return s->child != NULL || s->child_id >= 0;
}

static bool selects_ike(const struct selector *s, const struct cv_ike_info *ike)
{
    return (s->ike_id < 0 || s->ike_id == ike->id) &&
           (s->ike == NULL || (ike->conn != NULL && strcmp(s->ike, ike->conn->name) == 0));
}

/* One that is being replaced or deleted already goes by itself; named by number it still
 * counts. */
static bool selects_child(const struct selector *s, const struct cv_child_info *child)
{
    if (s->child_id >= 0)
        return s->child_id == child->id;
    return child->state <= CV_CHILD_REKEYING && strcmp(s->child, child->cfg->name) == 0;
}

static void add(struct selection *out, uint32_t id, uint32_t ike)
{
    out->at = mem_grow(out->at, &out->cap, out->n + 1, sizeof(*out->at));
    out->at[out->n++] = (struct vici_target){.id = id, .ike = ike};
}

/* Collected before anything is done to them: the engine's tables do not stay as they are. */
static struct selection collect(const struct cv_engine *e, const struct selector *s)
{
    struct selection out = {0};
    struct cv_child_info child;
    struct cv_ike_info ike;

    for (uint32_t at = 0; cv_ike_next(e, &at, &ike);) {
        if (!selects_ike(s, &ike))
            continue;
        if (!wants_children(s) && (ike.state < CV_IKE_REKEYED || s->ike_id >= 0))
            add(&out, ike.id, 0);
        for (uint32_t k = 0; wants_children(s) && cv_child_next(e, ike.id, &k, &child);)
            if (selects_child(s, &child))
                add(&out, child.id, ike.id);
    }
    return out;
}

/* ---- terminate ---------------------------------------------------------------- */

static unsigned count_gone(const struct vici_work *w)
{
    unsigned n = 0;

    for (unsigned i = 0; i < w->n_targets; i++)
        n += w->targets[i].gone;
    return n;
}

static void answer_terminate(struct vici_client *c, const char *error)
{
    struct node *message = tree_new();

    tree_add_value(message, "success", error == NULL ? "yes" : "no");
    tree_add_valuef(message, "matches", "%u", c->work.n_targets);
    tree_add_valuef(message, "terminated", "%u", count_gone(&c->work));
    if (c->work.called_off > 0)
        tree_add_valuef(message, "called-off", "%u", c->work.called_off);
    if (error != NULL)
        tree_add_value(message, "errmsg", error);
    vici_answer(c, message);
}

/* Children go with their IKE SA, whether or not there is an event for each. */
static void note_event(struct vici_target *t, const struct cv_effect *fx)
{
    uint32_t ike = t->ike != 0 ? t->ike : t->id;

    switch (fx->u.event.kind) {
    case CV_EV_IKE_DOWN:
        t->gone = t->gone || fx->ike == ike;
        return;
    case CV_EV_CHILD_DOWN:
        t->gone = t->gone || (t->ike != 0 && fx->u.event.child == t->id);
        return;
    case CV_EV_CHILD_REKEYED:
        if (t->ike != 0 && fx->u.event.child == t->id)
            t->id = fx->u.event.child_new;
        return;
    case CV_EV_IKE_REKEYED:
        if (fx->ike == ike)
            *(t->ike != 0 ? &t->ike : &t->id) = fx->u.event.ike_new;
        return;
    default:
        return;
    }
}

static void hear(struct vici_client *c, const struct cv_effect *fx)
{
    struct vici_work *w = &c->work;

    for (unsigned i = 0; i < w->n_targets; i++)
        note_event(&w->targets[i], fx);
    if (!w->calling && count_gone(w) == w->n_targets)
        answer_terminate(c, NULL);
}

static void time_is_out(struct vici_client *c)
{
    answer_terminate(c, "not all matching SAs could be terminated in time");
}

static enum cv_err terminate(struct vici_client *c, const struct vici_target *t, bool force)
{
    struct cv_engine *e = daemon_engine(c->v->d);
    uint64_t now_ms = daemon_now_ms(c->v->d);

    return t->ike != 0 ? cv_terminate_child(e, t->id, force, now_ms)
                       : cv_terminate_ike(e, t->id, force, now_ms);
}

static void start_terminate(struct vici_client *c, bool force, int64_t timeout_ms)
{
    struct vici_work *w = &c->work;

    w->calling = true;
    vici_wait(c, hear, time_is_out, timeout_ms > 0 ? (uint32_t)timeout_ms : 0);
    for (unsigned i = 0; i < w->n_targets; i++) {
        if (!w->targets[i].gone && terminate(c, &w->targets[i], force) == CV_ERR_NOT_FOUND)
            w->targets[i].gone = true;
        daemon_pump(c->v->d);
    }
    w->calling = false;
    if (count_gone(w) == w->n_targets || timeout_ms < 0)
        answer_terminate(c, NULL);
}

void vici_cmd_terminate(struct vici_client *c, const struct node *req)
{
    int64_t timeout_ms = 0, level = 1;
    struct selection found;
    struct selector s;

    if (!read_selector(&s, req) ||
        !vici_arg_number(req, "timeout", -1, UINT32_MAX, &timeout_ms) ||
        !vici_arg_number(req, "loglevel", -1, 4, &level)) {
        vici_answer_error(c, "ike-id, child-id, timeout or loglevel is not a number in range");
        return;
    }
    if (is_empty(&s)) {
        vici_answer_error(c, "missing terminate selector");
        return;
    }
    if (s.ike_id < 0 && s.child_id < 0)
        c->work.called_off = daemon_call_off(c->v->d, s.ike, s.child);
    found = collect(daemon_engine(c->v->d), &s);
    c->work.targets = found.at;
    c->work.n_targets = found.n;
    c->work.log_level = (int)level;
    if (found.n == 0)
        answer_terminate(c,
                         c->work.called_off > 0 ? NULL : "no matching SAs to terminate found");
    else
        start_terminate(c, vici_arg_yes(req, "force"), timeout_ms);
}

/* ---- rekey -------------------------------------------------------------------- */

static enum cv_err rekey(struct vici_client *c, const struct vici_target *t, bool reauth)
{
    struct cv_engine *e = daemon_engine(c->v->d);
    uint64_t now_ms = daemon_now_ms(c->v->d);

    return t->ike != 0 ? cv_rekey_child(e, t->id, now_ms)
                       : cv_rekey_ike(e, t->id, reauth, now_ms);
}

static void answer_rekey(struct vici_client *c, unsigned matches, enum cv_err err)
{
    struct node *message = tree_new();
    bool good = matches > 0 && err == CV_OK;

    tree_add_value(message, "success", good ? "yes" : "no");
    tree_add_valuef(message, "matches", "%u", matches);
    if (!good)
        tree_add_value(message, "errmsg",
                       matches == 0 ? "no matching SAs to rekey found" : cv_err_text(err));
    vici_answer(c, message);
}

/* Answers when the rekeying has begun, as charon does. */
void vici_cmd_rekey(struct vici_client *c, const struct node *req)
{
    struct selection found;
    enum cv_err err, first = CV_OK;
    struct selector s;

    if (!read_selector(&s, req)) {
        vici_answer_error(c, "ike-id or child-id is not a number in range");
        return;
    }
    if (is_empty(&s)) {
        vici_answer_error(c, "missing rekey selector");
        return;
    }
    found = collect(daemon_engine(c->v->d), &s);
    for (unsigned i = 0; i < found.n; i++) {
        err = rekey(c, &found.at[i], vici_arg_yes(req, "reauth"));
        first = first != CV_OK ? first : err;
        daemon_pump(c->v->d);
    }
    free(found.at);
    answer_rekey(c, found.n, first);
}
