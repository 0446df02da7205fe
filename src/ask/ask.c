/* Owns: the table of questions.
 *
 * Invariant: every question lies on one of two lists.  Open ones, whose answer the engine waits
 * for, lie there in the order in which they came, and are found by number and by IKE SA, which
 * has one at a time; unserved is the first of them that no provider has seen.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ask/ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "ask/asked.h"
#include "kit/clock.h"
#include "kit/mem.h"

enum {
    KINDS = CV_NEED_ADDRESS + 1,
    NOTE_EVERY_MS = 10000,
    SLOT_BITS_MIN = 4,
    SLOT_BITS_MAX = 20
};

struct list {
    struct filed *oldest, *newest;
};

struct provider {
    ask_take *take;
    void *ctx;
};

struct ask {
    struct ask_host host;
    struct provider providers[KINDS];
    uint32_t most;
    struct list open, closed; /* closed: somebody still holds them */
    struct filed *unserved;
    struct filed **by_number, **by_ike;
    unsigned slot_bits;               /* each of the two has 1 << slot_bits */
    uint64_t noted_ms, refused_noted; /* the last line about refusals */
    struct ask_stats stats;
};

/* ---- lists ---- */

static void list_add(struct list *l, struct filed *f)
{
    f->older = l->newest;
    f->newer = NULL;
    *(l->newest != NULL ? &l->newest->newer : &l->oldest) = f;
    l->newest = f;
}

static void list_remove(struct list *l, struct filed *f)
{
    *(f->older != NULL ? &f->older->newer : &l->oldest) = f->newer;
    *(f->newer != NULL ? &f->newer->older : &l->newest) = f->older;
}

/* Numbers are the engine's own, so no peer can choose them to collide. */
static uint32_t slot_of(const struct ask *a, uint32_t number)
{
    return (number * UINT32_C(0x9e3779b1)) >> (32 - a->slot_bits);
}

static struct filed **find(const struct ask *a, uint32_t number)
{
    struct filed **at = &a->by_number[slot_of(a, number)];

    while (*at != NULL && (*at)->q.fx.question != number)
        at = &(*at)->number_next;
    return at;
}

static struct filed **find_ike(const struct ask *a, uint32_t ike)
{
    struct filed **at = &a->by_ike[slot_of(a, ike)];

    while (*at != NULL && (*at)->q.fx.ike != ike)
        at = &(*at)->ike_next;
    return at;
}

/* ---- life ---- */

struct ask *ask_new(const struct ask_host *host, uint32_t most)
{
    struct ask *a = mem_new(1, sizeof(*a));

    a->host = *host;
    a->most = most;
    a->slot_bits = SLOT_BITS_MIN;
    while (a->slot_bits < SLOT_BITS_MAX && UINT32_C(1) << a->slot_bits < most)
        a->slot_bits++;
    a->by_number = mem_new((size_t)1 << a->slot_bits, sizeof(struct filed *));
    a->by_ike = mem_new((size_t)1 << a->slot_bits, sizeof(struct filed *));
    return a;
}

/* The last one who looked at it is gone. */
static void bury(struct filed *f)
{
    struct ask *a = f->ask;

    list_remove(&a->closed, f);
    a->stats.held--;
    filed_free(f);
}

void asked_hold(struct asked *q)
{
    ((struct filed *)q)->holders++;
}

void asked_release(struct asked *q)
{
    struct filed *f = (struct filed *)q;

    if (--f->holders == 0)
        bury(f);
}

bool asked_is_open(const struct asked *q)
{
    return ((const struct filed *)q)->open;
}

/* Nobody waits for the answer any more. */
static void close_question(struct filed *f)
{
    struct ask *a = f->ask;

    *find(a, f->q.fx.question) = f->number_next;
    *find_ike(a, f->q.fx.ike) = f->ike_next;
    if (a->unserved == f)
        a->unserved = f->newer;
    list_remove(&a->open, f);
    list_add(&a->closed, f);
    f->open = false;
    a->stats.open--;
    asked_release(&f->q);
}

void ask_free(struct ask *a)
{
    if (a == NULL)
        return;
    while (a->open.oldest != NULL)
        close_question(a->open.oldest);
    free(a->by_number);
    free(a->by_ike);
    free(a);
}

/* ---- filing ---- */

/* Told once, then summed up: it may go on for long. */
static void tell_refused(struct ask *a, uint32_t ike)
{
    uint64_t now = clock_now_ms(), n = a->stats.refused - a->refused_noted;
    char text[160];

    if (a->noted_ms != 0 && now - a->noted_ms < NOTE_EVERY_MS)
        return;
    (void)snprintf(
        text, sizeof(text),
        "too many questions about credentials and addresses wait: %llu refused since "
        "the last such line",
        (unsigned long long)n);
    a->host.note(a->host.ctx, 0, ike, text);
    a->noted_ms = now;
    a->refused_noted = a->stats.refused;
}

void ask_file(struct ask *a, const struct cv_effect *fx)
{
    struct filed *f = a->stats.held < a->most ? filed_new(fx) : NULL;

    if (f == NULL)
        f = filed_bare(fx);
    f->ask = a;
    *find(a, fx->question) = f;
    *find_ike(a, fx->ike) = f;
    list_add(&a->open, f);
    if (a->unserved == NULL)
        a->unserved = f;
    a->stats.filed++;
    a->stats.open++;
    a->stats.held++;
}

void ask_provide(struct ask *a, uint8_t kind, ask_take *take, void *ctx)
{
    a->providers[kind] = (struct provider){take, ctx};
}

bool ask_serve(struct ask *a)
{
    static const struct ask_answer unknown = {.err = CV_ERR_UNSUPPORTED};
    struct filed *f = a->unserved;
    const struct provider *p;

    if (f == NULL)
        return false;
    a->unserved = f->newer;
    p = &a->providers[f->q.fx.kind];
    if (f->refused)
        ask_refuse(a, &f->q);
    else if (p->take == NULL)
        (void)ask_answer(a, f->q.fx.question, &unknown);
    else
        p->take(a, &f->q, p->ctx);
    return true;
}

/* ---- answers ---- */

static enum cv_err give(struct ask *a, const struct asked *q, const struct ask_answer *answer)
{
    struct cv_engine *e = a->host.engine;
    const uint32_t number = q->fx.question;
    const uint64_t now = clock_now_ms();

    switch (q->fx.kind) {
    case CV_NEED_PSK:
        return cv_answer_psk(e, number, answer->err, answer->u.secret, now);
    case CV_NEED_SIGNATURE:
        return cv_answer_signature(e, number, answer->err, &answer->u.sig, now);
    case CV_NEED_VERIFY:
        return cv_answer_verify(e, number, answer->err, now);
    case CV_NEED_ADMISSION:
        return cv_answer_admission(e, number, answer->err, now);
    default:
        return cv_answer_address(e, number, answer->err, &answer->u.lease, now);
    }
}

static void tell_trouble(struct ask *a, uint32_t ike, enum cv_err err)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "the engine refused an answer: %s", cv_err_text(err));
    a->host.note(a->host.ctx, 0, ike, text);
}

/* CV_ERR_BUSY: the effects are to be drained first, and then there is room. */
static enum cv_err give_or_drain(struct ask *a, struct filed *f,
                                 const struct ask_answer *answer)
{
    enum cv_err err = give(a, &f->q, answer);

    if (err != CV_ERR_BUSY)
        return err;
    a->host.pump(a->host.ctx);
    return f->open ? give(a, &f->q, answer) : CV_ERR_NOT_FOUND;
}

bool ask_answer(struct ask *a, uint32_t question, const struct ask_answer *answer)
{
    struct filed *f = *find(a, question);
    enum cv_err err;

    if (f == NULL) {
        a->stats.late++;
        return false;
    }
    asked_hold(&f->q);
    err = give_or_drain(a, f, answer);
    if (err == CV_OK)
        a->stats.answered++;
    else if (err == CV_ERR_NOT_FOUND) /* the peer or an operator ended the SA meanwhile */
        a->stats.late++;
    else
        tell_trouble(a, f->q.fx.ike, err);
    if (f->open)
        close_question(f);
    asked_release(&f->q);
    return err == CV_OK;
}

void ask_refuse(struct ask *a, const struct asked *q)
{
    static const struct ask_answer full = {.err = CV_ERR_FULL};
    const uint32_t ike = q->fx.ike;

    a->stats.refused++;
    (void)ask_answer(a, q->fx.question, &full);
    tell_refused(a, ike);
}

static const char *kind_text(uint8_t kind)
{
    static const char *const texts[KINDS] = {
        [CV_NEED_PSK] = "a shared secret",
        [CV_NEED_SIGNATURE] = "a signature",
        [CV_NEED_VERIFY] = "a verdict on the peer's signature",
        [CV_NEED_ADDRESS] = "an address",
    };

    return texts[kind];
}

static void tell_overdue(struct ask *a, const struct asked *q)
{
    char text[160];

    (void)snprintf(text, sizeof(text),
                   "nobody here answered in time when asked for %s; %u wait",
                   kind_text(q->fx.kind), (unsigned)a->stats.open);
    a->host.note(a->host.ctx, 0, q->fx.ike, text);
}

void ask_ended(struct ask *a, uint32_t ike, enum cv_err err)
{
    struct filed *f = *find_ike(a, ike);

    if (f == NULL)
        return;
    if (err == CV_ERR_NO_ANSWER) {
        a->stats.overdue++;
        tell_overdue(a, &f->q);
    } else {
        a->stats.gone++;
    }
    close_question(f);
}

/* ---- inspection ---- */

static bool shows(const struct filed *f, const struct cv_conn *conn)
{
    for (; f != NULL; f = f->newer)
        if (f->q.fx.conn == conn)
            return true;
    return false;
}

bool ask_uses(const struct ask *a, const struct cv_conn *conn)
{
    return shows(a->open.oldest, conn) || shows(a->closed.oldest, conn);
}

void ask_get_stats(const struct ask *a, struct ask_stats *out)
{
    *out = a->stats;
}
