/* The engine's questions as objects: each has a copy of what it shows, waits in one table, and
 * is answered by whoever provides for its kind, at once or at any later time.
 *
 * All of this belongs to the loop's thread.  A provider may have another thread read a
 * question that it holds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASK_ASK_H
#define ASK_ASK_H

#include <culvert/engine.h>

struct ask;

/* Whom the questions are from. */
struct ask_host {
    struct cv_engine *engine;
    void (*pump)(void *ctx); /* drains the engine's effects */
    void (*note)(void *ctx, int level, uint32_t ike, const char *text);
    void *ctx;
};

/* most: questions at one time, those included that are answered but still held.  What is asked
 * beyond is answered with CV_ERR_FULL. */
struct ask *ask_new(const struct ask_host *host, uint32_t most);
/* Providers have let go of their questions by now. */
void ask_free(struct ask *a);

/* ---- the host's side ---- */

/* Takes a question that the engine has just put, fx->kind being CV_NEED_*. */
void ask_file(struct ask *a, const struct cv_effect *fx);
/* Lets the provider have the oldest question that is filed; false when there is none.  The
 * engine's effects are drained before. */
bool ask_serve(struct ask *a);
/* An IKE SA has ended (CV_EV_IKE_DOWN), so nobody waits for what it has asked.  The engine
 * watches over deadlines: then err is CV_ERR_NO_ANSWER. */
void ask_ended(struct ask *a, uint32_t ike, enum cv_err err);
/* Does a question, or an answer under way, still show conn? */
bool ask_uses(const struct ask *a, const struct cv_conn *conn);

struct ask_stats {
    uint64_t filed, answered;
    uint64_t refused; /* for want of room here or in a provider's line */
    uint64_t overdue; /* nobody answered by the deadline */
    uint64_t gone;    /* their SA ended for another reason */
    uint64_t late;    /* answers that nobody waited for any more */
    uint32_t open;    /* wait for an answer now */
    uint32_t held;    /* those, and closed ones that a provider still reads */
};

void ask_get_stats(const struct ask *a, struct ask_stats *out);

/* ---- the provider's side ---- */

/* A question.  Identities and octets in fx are its own; fx.conn lives as long as it does, see
 * ask_uses. */
struct asked {
    struct cv_effect fx;
    struct asked *next; /* for the line of the provider that holds it */
};

/* While somebody holds a question it stays in memory, closed or not. */
void asked_hold(struct asked *q);
void asked_release(struct asked *q); /* wipes it when that was the last */
/* Is the answer still waited for?  Else q need not be worked on. */
bool asked_is_open(const struct asked *q);

/* Answers q with ask_answer, now or later; to look at q later it has to hold it. */
typedef void ask_take(struct ask *a, struct asked *q, void *ctx);

void ask_provide(struct ask *a, uint8_t kind, ask_take *take, void *ctx);

struct ask_answer {
    enum cv_err err; /* other than CV_OK: there is none, and why */
    union {
        struct cv_span secret;
        struct cv_signature sig;
        struct cv_lease lease;
    } u; /* by the kind of the question; nothing for CV_NEED_VERIFY and CV_NEED_ADMISSION */
};

/* Answers by number (fx.question) and closes the question.  False: nobody waited for it, as it
 * is overdue, answered or its SA is gone; nothing has changed, and a lease is still free. */
bool ask_answer(struct ask *a, uint32_t question, const struct ask_answer *answer);
/* The provider has no room for q: counted, told, and answered with CV_ERR_FULL. */
void ask_refuse(struct ask *a, const struct asked *q);

#endif
