/* Tells the lies of a table.  See lies.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/lies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_MS = 400000 }; /* every handshake has ended, every closed SA has gone */

/* One victim with one connection, and the liar it meets. */
struct stage {
    const struct lies *t;
    const struct lie *lie;
    struct world *w;
    struct host *victim;
    struct recipe recipe;
    struct liar *liar;
    bool failed;
};

/* What a lie must not change. */
struct snapshot {
    struct cv_ike_info ike;
    struct cv_child_info child;
    unsigned ikes, children;
};

static void fail(struct stage *s, const char *why)
{
    if (!s->failed)
        printf("  %s, %s, after %u exchanges: \"%s\": %s\n",
               s->t->initiator ? "initiator" : "responder", s->t->ask ? "answering" : "asking",
               s->t->steps, s->lie->what, why);
    s->failed = true;
}

static void to_liar(struct stage *s)
{
    const struct cv_endpoint local = {s->victim->v4, 500};

    if (cv_initiate(s->victim->engine, &s->recipe.conn, &s->recipe.child[0], &local,
                    &s->liar->at, world_now(s->w), NULL) != CV_OK)
        fail(s, "the victim does not start");
    host_drain(s->victim);
    world_run(s->w, 200);
}

static void set_up(struct stage *s)
{
    const bool initiator = s->t->initiator;

    s->w = world_new(7);
    s->w->silent = true;
    s->victim = world_add(s->w, "victim");
    recipe_init(&s->recipe, "liar", initiator ? "gateway.example" : "device.example",
                initiator ? "device.example" : "gateway.example");
    world_set_links(s->w, (struct net_link){.delay_ms = 10});
    s->liar = liar_new(s->victim, initiator);
    s->liar->mobike = s->recipe.conn.mobike = s->t->mobike;
    recipe_local_ts(&s->recipe, 0, (struct cv_ts_config){.ts = s->liar->victim_ts});
    recipe_remote_ts(&s->recipe, 0, (struct cv_ts_config){.ts = s->liar->ts});
    host_add(s->victim, &s->recipe);
    if (s->t->arrange != NULL)
        s->t->arrange(s->victim, &s->recipe);
    host_start(s->victim);
    if (!initiator)
        to_liar(s);
}

static bool first_exchange(struct liar *l)
{
    return l->initiator ? liar_init(l) : liar_answer_init(l);
}

static bool second_exchange(struct liar *l)
{
    return l->initiator ? liar_auth(l) : liar_answer_auth(l);
}

static void take(struct snapshot *s, const struct host *h)
{
    memset(s, 0, sizeof(*s));
    s->ike = host_ike_info(h, host_ike(h));
    s->child = host_child_info(h, host_child(h));
    s->ikes = host_ike_count(h);
    s->children = host_child_count(h);
}

static bool same(const struct snapshot *a, const struct snapshot *b)
{
    return a->ikes == b->ikes && a->children == b->children && a->ike.id == b->ike.id &&
           a->ike.state == b->ike.state && a->child.id == b->child.id &&
           a->child.state == b->child.state && a->child.spi_in == b->child.spi_in &&
           a->child.spi_out == b->child.spi_out &&
           memcmp(&a->child.local_ts, &b->child.local_ts, sizeof(a->child.local_ts)) == 0 &&
           memcmp(&a->child.remote_ts, &b->child.remote_ts, sizeof(a->child.remote_ts)) == 0 &&
           memcmp(&a->ike.remote, &b->ike.remote, sizeof(a->ike.remote)) == 0 &&
           memcmp(&a->ike.local, &b->ike.local, sizeof(a->ike.local)) == 0 &&
           memcmp(&a->ike.lease, &b->ike.lease, sizeof(a->ike.lease)) == 0;
}

/* An honest INFORMATIONAL request is answered as ever. */
static bool answers(struct liar *l)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    return say_end(&s) && l->heard.plain && l->heard.hdr.exchange == EX_INFORMATIONAL &&
           heard_error(l) == 0;
}

static void check_as_before(struct stage *s, const struct snapshot *before)
{
    struct snapshot after;

    if (s->t->steps == 0 && !first_exchange(s->liar))
        fail(s, "an honest IKE_SA_INIT does not work any more");
    else if (s->t->steps < 2 && !second_exchange(s->liar))
        fail(s, "an honest IKE_AUTH does not work any more");
    if (s->failed)
        return;
    if (s->t->steps == 2) {
        take(&after, s->victim);
        if (!same(before, &after))
            fail(s, "an SA is not as it was");
    }
    if (!answers(s->liar))
        fail(s, "the established SA does not answer any more");
}

static void check_after(struct stage *s, const struct snapshot *before)
{
    struct snapshot after;

    if (s->lie->after == AS_BEFORE) {
        check_as_before(s, before);
        return;
    }
    take(&after, s->victim);
    if (s->lie->after == BARE && (s->victim->saw[CV_EV_IKE_UP] != 1 ||
                                  s->victim->saw[CV_EV_CHILD_UP] != 0 || !answers(s->liar)))
        fail(s, "it should have an IKE SA, and no Child SA");
    if (s->lie->after == UP && (s->victim->saw[CV_EV_IKE_UP] != 1 ||
                                s->victim->saw[CV_EV_CHILD_UP] == 0 || !answers(s->liar)))
        fail(s, "it should have an IKE SA and a Child SA");
    if (s->lie->after != GONE)
        return;
    if (s->t->steps < 2 && s->victim->saw[CV_EV_CHILD_UP] != 0)
        fail(s, "a Child SA came up");
    world_run(s->w, LONG_MS);
    if (host_ike_count(s->victim) != 0)
        fail(s, "the IKE SA is still there");
}

/* The lie is a request, and so the victim's answer is for it. */
static bool asks(const struct lies *t)
{
    return t->ask == NULL && (t->initiator || t->steps == 2);
}

static void check_answer(struct stage *s, uint64_t counted)
{
    const struct lie *lie = s->lie;
    const struct liar *l = s->liar;
    char text[120];

    if (lie->notify == SILENCE && l->heard.n != l->answers && asks(s->t))
        fail(s, "it is answered, and should not be");
    if (lie->notify != SILENCE && asks(s->t)) {
        (void)snprintf(text, sizeof(text), "the answer is notify %u, not %u",
                       l->heard.n == l->answers ? SILENCE : heard_error(l), lie->notify);
        if (l->heard.n == l->answers || heard_error(l) != lie->notify)
            fail(s, text);
    }
    if (lie->counts == CV_OK || host_errors(s->victim, lie->counts) > counted)
        return;
    (void)snprintf(text, sizeof(text), "'%s' is not counted", cv_err_name(lie->counts));
    fail(s, text);
}

static void tell(struct stage *s)
{
    struct snapshot before;
    uint64_t counted;

    if ((s->t->steps > 0 && !first_exchange(s->liar)) ||
        (s->t->steps > 1 && !second_exchange(s->liar))) {
        fail(s, "the honest part does not work");
        return;
    }
    if (s->t->steps > 1 && (!answers(s->liar) || !answers(s->liar))) {
        fail(s, "the established SA does not answer"); /* twice, so that there are old IDs */
        return;
    }
    take(&before, s->victim);
    if (s->t->ask != NULL) {
        s->t->ask(s->victim);
        world_run(s->w, 200);
    }
    counted = host_errors(s->victim, s->lie->counts);
    s->lie->tell(s->liar);
    check_answer(s, counted);
    check_after(s, &before);
}

unsigned lies_tell(const struct lies *t)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < t->n; i++) {
        struct stage *s = calloc(1, sizeof(*s));

        if (s == NULL)
            abort();
        s->t = t;
        s->lie = &t->lie[i];
        set_up(s);
        tell(s);
        if (s->w->failed)
            fail(s, s->w->why);
        bad += s->failed;
        liar_free(s->liar);
        world_free(s->w);
        free(s);
    }
    return bad;
}
