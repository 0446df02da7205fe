/* Owns: the line of questions that wait for a thread, and the work on them.
 *
 * Invariant: a thread reads its question and a snapshot of the credentials, neither of which
 * changes, and writes its own struct proof; all else is the loop's.  The line is the loop's,
 * so that what nobody waits for any more costs no thread a moment.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ask/signer.h"

#include <stddef.h>
#include <stdlib.h>

#include "ask/lookups.h"
#include "base/secret.h"
#include "kit/clock.h"
#include "kit/crew.h"
#include "kit/mem.h"

/* Enough that no thread is idle while the loop is at its packets, few enough that a change of
 * credentials counts for nearly all that wait. */
enum { AHEAD_PER_THREAD = 4 };

struct proof {
    struct job job;
    struct lookup_waiter waiter; /* between two looks at the same question */
    struct asked *q;
    struct creds *creds; /* a snapshot */
    int64_t now_s;
    struct inquiry inquiry;
    uint64_t began_ms;
    struct ask_answer answer;
    struct problem why;
    uint8_t signature[CREDS_SIGNATURE_MAX];
};

struct signer {
    struct signer_host host;
    struct crew *crew; /* NULL: in the loop */
    struct lookups *lookups;
    bool asks; /* it has its thread */
    unsigned threads;
    bool started;
    uint32_t n, most;
    struct asked *first, **end; /* the line */
};

/* ---- the work ---- */

/* In any thread. */
static void prove(struct job *job)
{
    struct proof *p = (struct proof *)job;
    const struct cv_effect *fx = &p->q->fx;

    if (fx->kind == CV_NEED_SIGNATURE)
        p->answer.err = creds_sign_inquire(p->creds, fx, p->now_s, &p->inquiry, p->signature,
                                           &p->answer.u.sig);
    else
        p->answer.err = creds_inquire(p->creds, fx, p->now_s, &p->inquiry, &p->why);
}

static struct proof *proof_new(const struct signer *s, struct asked *q)
{
    struct proof *p = mem_new(1, sizeof(*p));

    asked_hold(q);
    p->job.run = prove;
    p->q = q;
    p->creds = creds_snapshot(s->host.creds);
    p->now_s = s->host.unix_s();
    p->began_ms = clock_now_ms();
    p->inquiry.closed = !s->asks;
    return p;
}

static void proof_free(struct proof *p)
{
    creds_release(p->creds);
    asked_release(p->q);
    lookup_free(p->inquiry.want);
    inquiry_free(&p->inquiry);
    wipe(p, sizeof(*p));
    free(p);
}

/* What the peer is not told: what is wrong with its certificate, or nobody could say. */
static void proof_tell(const struct signer *s, const struct proof *p)
{
    if (p->why.text[0] != '\0' && asked_is_open(p->q))
        s->host.note(s->host.ctx, 1, p->q->fx.ike, p->why.text);
}

static void proof_deliver(const struct signer *s, struct proof *p)
{
    proof_tell(s, p);
    (void)ask_answer(s->host.ask, p->q->fx.question, &p->answer);
    proof_free(p);
}

/* Once more, with what has come meanwhile. */
static void proof_again(struct signer *s, struct proof *p)
{
    p->creds = creds_snapshot(s->host.creds);
    p->now_s = s->host.unix_s();
    if (s->crew != NULL)
        crew_give(s->crew, &p->job);
    else
        prove(&p->job);
}

/* The verdict has to be there before the engine gives up. */
static void proof_hurry(const struct signer *s, struct proof *p)
{
    if (clock_now_ms() - p->began_ms < s->host.ask_online_ms)
        return;
    p->inquiry.closed = true;
    p->inquiry.why_not = "is not asked, the others took too long";
}

/* A document is missing: the verdict waits for it, or is given without. */
static bool proof_waits(struct signer *s, struct proof *p)
{
    struct lookup *want = p->inquiry.want;

    if (want == NULL || !asked_is_open(p->q))
        return false;
    p->inquiry.want = NULL;
    creds_release(p->creds);
    p->creds = NULL;
    if (lookups_wait(s->lookups, want, &p->waiter, &p->inquiry.why_not))
        return true;
    p->inquiry.closed = true;
    proof_again(s, p);
    return s->crew != NULL;
}

static struct proof *proof_of(struct lookup_waiter *w)
{
    return (struct proof *)((char *)w - offsetof(struct proof, waiter));
}

static void proof_finish(struct signer *s, struct proof *p)
{
    if (!proof_waits(s, p))
        proof_deliver(s, p);
}

static void on_looked_up(void *ctx, struct lookup_waiter *w)
{
    struct signer *s = ctx;
    struct proof *p = proof_of(w);

    if (!asked_is_open(p->q)) {
        proof_free(p);
        return;
    }
    proof_hurry(s, p);
    proof_again(s, p);
    if (s->crew == NULL)
        proof_finish(s, p);
}

static void on_all_looked_up(void *ctx)
{
    const struct signer *s = ctx;

    s->host.pump(s->host.ctx);
}

static void on_lookup_note(void *ctx, int level, const char *text)
{
    const struct signer *s = ctx;

    s->host.note(s->host.ctx, level, 0, text);
}

/* ---- the line ---- */

static struct asked *line_take(struct signer *s)
{
    struct asked *q = s->first;

    if (q == NULL)
        return NULL;
    s->first = q->next;
    if (s->first == NULL)
        s->end = &s->first;
    s->n--;
    return q;
}

/* Keeps the threads busy with questions that are still of interest. */
static void feed(struct signer *s)
{
    struct asked *q;

    while (s->started && crew_load(s->crew) < AHEAD_PER_THREAD * s->threads &&
           (q = line_take(s)) != NULL) {
        if (asked_is_open(q))
            crew_give(s->crew, &proof_new(s, q)->job);
        asked_release(q);
    }
}

/* What ended while it waited takes no room from others. */
static void drop_stale(struct signer *s)
{
    while (s->first != NULL && !asked_is_open(s->first))
        asked_release(line_take(s));
}

static void take(struct ask *a, struct asked *q, void *ctx)
{
    struct signer *s = ctx;

    if (s->crew == NULL) {
        struct proof *p = proof_new(s, q);

        prove(&p->job);
        proof_finish(s, p);
        return;
    }
    if (s->n >= s->most)
        drop_stale(s);
    if (s->n >= s->most) {
        ask_refuse(a, q);
        return;
    }
    asked_hold(q);
    q->next = NULL;
    *s->end = q;
    s->end = &q->next;
    s->n++;
    feed(s);
}

static void on_finished(void *ctx, struct job *job)
{
    struct signer *s = ctx;

    feed(s);
    proof_finish(s, (struct proof *)job);
    s->host.pump(s->host.ctx);
}

/* ---- life ---- */

struct signer *signer_new(const struct signer_host *host, unsigned threads, uint32_t line)
{
    struct signer *s = mem_new(1, sizeof(*s));

    s->host = *host;
    s->threads = threads;
    s->most = line;
    s->end = &s->first;
    if (threads > 0) {
        s->crew = crew_new(host->base, on_finished, s);
        if (s->crew == NULL) {
            free(s);
            return NULL;
        }
    }
    s->lookups = lookups_new(&(struct lookups_host){.base = host->base,
                                                    .ready = on_looked_up,
                                                    .rest = on_all_looked_up,
                                                    .note = on_lookup_note,
                                                    .ctx = s,
                                                    .unix_s = host->unix_s,
                                                    .limit_ms = host->ask_online_ms / 2});
    if (s->lookups == NULL) {
        crew_free(s->crew);
        free(s);
        return NULL;
    }
    ask_provide(host->ask, CV_NEED_SIGNATURE, take, s);
    ask_provide(host->ask, CV_NEED_VERIFY, take, s);
    return s;
}

/* Without threads what waits already is answered now. */
static void dismiss_crew(struct signer *s)
{
    struct asked *q;

    crew_free(s->crew);
    s->crew = NULL;
    while ((q = line_take(s)) != NULL) {
        take(s->host.ask, q, s);
        asked_release(q);
    }
}

bool signer_start(struct signer *s)
{
    const unsigned wanted = s->threads;

    s->asks = lookups_start(s->lookups);
    if (s->crew == NULL)
        return s->asks;
    s->threads = crew_start(s->crew, wanted);
    s->started = s->threads > 0;
    if (s->started)
        feed(s);
    else
        dismiss_crew(s);
    return s->threads == wanted && s->asks;
}

void signer_free(struct signer *s)
{
    struct lookup_waiter *w;
    struct asked *q;
    struct job *job;

    if (s == NULL)
        return;
    lookups_stop(s->lookups);
    while ((w = lookups_left(s->lookups)) != NULL)
        proof_free(proof_of(w));
    lookups_free(s->lookups);
    if (s->crew != NULL) {
        crew_stop(s->crew);
        while ((job = crew_left(s->crew)) != NULL)
            proof_free((struct proof *)job);
        crew_free(s->crew);
    }
    while ((q = line_take(s)) != NULL)
        asked_release(q);
    free(s);
}
