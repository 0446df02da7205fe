/* Owns the batch and the thread that writes it.
 *
 * Invariants: the batch belongs to the loop while `busy` is false and to the writer while it is
 * true; the writer alone touches the database once it runs; a signal is never delivered to it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "state/state.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "kit/mem.h"
#include "state/database.h"

enum { RETRY_FIRST_S = 1, RETRY_MOST_S = 30, CLOSE_LIMIT_S = 3 };

struct state {
    struct database database;
    struct state_op *ops;
    size_t n, cap;

    pthread_t writer;
    bool has_writer;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t turn;
    bool busy, stop, failing;
    struct state_news news;
    int news_fd;
};

/* ---- the batch -------------------------------------------------------------- */

static bool is_busy(const struct state *s)
{
    struct state *mutable = (struct state *)(uintptr_t)s;
    bool busy;

    pthread_mutex_lock(&mutable->lock);
    busy = s->busy;
    pthread_mutex_unlock(&mutable->lock);
    return busy;
}

bool state_is_idle(const struct state *s)
{
    return s->has_writer && s->n == 0 && !is_busy(s); /* n: until it has been heard of */
}

bool state_has_room(const struct state *s)
{
    return s->n < DATABASE_OPS_MAX;
}

static struct state_op *op_new(struct state *s, enum state_op_kind kind, const char *name)
{
    struct state_op *op;

    s->ops = mem_grow(s->ops, &s->cap, s->n + 1, sizeof(*s->ops));
    op = &s->ops[s->n++];
    *op = (struct state_op){.kind = kind, .name = mem_text(name)};
    return op;
}

void state_put_lease(struct state *s, const struct pool_lease *lease)
{
    op_new(s, OP_LEASE, lease->pool)->lease = *lease;
}

void state_forget_pool(struct state *s, const char *pool)
{
    (void)op_new(s, OP_FORGET_POOL, pool);
}

void state_put_counter(struct state *s, const char *name, uint64_t value)
{
    op_new(s, OP_COUNTER, name)->value = value;
}

static void drop_batch(struct state *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->ops[i].name);
    s->n = 0;
}

bool state_write(struct state *s)
{
    if (s->n == 0)
        return false;
    pthread_mutex_lock(&s->lock);
    s->busy = true;
    pthread_cond_broadcast(&s->turn);
    pthread_mutex_unlock(&s->lock);
    return true;
}

/* ---- the writer ------------------------------------------------------------- */

/* Opens what is closed, and puts a damaged one aside once. */
static enum database_result open_again(struct state *s, bool *renewed, struct problem *why)
{
    enum database_result r = database_open(&s->database, renewed, why);
    struct problem again;

    if (r != DATABASE_DAMAGED)
        return r;
    if (!database_put_aside(&s->database, why))
        return DATABASE_FAILED;
    r = database_open(&s->database, renewed, &again);
    if (r != DATABASE_OK)
        *why = again;
    return r;
}

/* A file that was damaged or taken away is made anew, and all is to be written again. */
static enum database_result write_batch(struct state *s, bool *renewed, struct problem *why)
{
    enum database_result r = DATABASE_OK;

    *renewed = false;
    if (s->database.db != NULL && !database_is_there(&s->database)) {
        problem_set(why, "%s was taken away", s->database.path);
        database_close(&s->database);
    }
    if (s->database.db == NULL)
        r = open_again(s, renewed, why);
    if (r == DATABASE_OK)
        r = database_write(&s->database, s->ops, s->n, why);
    if (r != DATABASE_DAMAGED)
        return r;
    r = open_again(s, renewed, why);
    return r == DATABASE_OK ? database_write(&s->database, s->ops, s->n, why) : r;
}

/* Called with the lock held. */
static void give_news(struct state *s, enum database_result r, bool renewed,
                      const struct problem *why)
{
    static const uint64_t one = 1;
    const bool failed = r != DATABASE_OK;

    s->news.failed = s->news.failed || (failed && !s->failing);
    s->news.mended = s->news.mended || (!failed && s->failing);
    s->news.renewed = s->news.renewed || renewed;
    if ((failed && !s->failing) || renewed)
        s->news.told = *why;
    s->failing = failed;
    s->busy = failed;
    pthread_cond_broadcast(&s->turn);
    (void)!write(s->news_fd, &one, sizeof(one));
}

static void wait_for(struct state *s, unsigned seconds)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    while (!s->stop && pthread_cond_timedwait(&s->turn, &s->lock, &until) == 0)
        ;
}

static void *run_writer(void *state)
{
    struct state *s = state;
    unsigned retry_s = RETRY_FIRST_S;

    pthread_mutex_lock(&s->lock);
    while (s->busy || !s->stop) {
        struct problem why = {0};
        enum database_result r;
        bool renewed;

        if (!s->busy) {
            pthread_cond_wait(&s->turn, &s->lock);
            continue;
        }
        pthread_mutex_unlock(&s->lock);
        r = write_batch(s, &renewed, &why);
        pthread_mutex_lock(&s->lock);
        give_news(s, r, renewed, &why);
        if (r != DATABASE_OK && s->stop)
            break;
        if (r != DATABASE_OK)
            wait_for(s, retry_s);
        retry_s = r == DATABASE_OK             ? RETRY_FIRST_S
                  : 2 * retry_s < RETRY_MOST_S ? 2 * retry_s
                                               : RETRY_MOST_S;
    }
    pthread_mutex_unlock(&s->lock);
    database_close(&s->database);
    return NULL;
}

/* Signals are the loop's. */
static bool start_writer(struct state *s)
{
    sigset_t all, before;
    bool started;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&s->writer, NULL, run_writer, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* ---- for the loop ----------------------------------------------------------- */

int state_fd(const struct state *s)
{
    return s->news_fd;
}

void state_hear(struct state *s, struct state_news *news)
{
    uint64_t count;

    (void)!read(s->news_fd, &count, sizeof(count));
    pthread_mutex_lock(&s->lock);
    *news = s->news;
    s->news = (struct state_news){.failed = false};
    if (!s->busy)
        drop_batch(s);
    pthread_mutex_unlock(&s->lock);
}

/* What is there; one that cannot be written to is read all the same. */
static bool read_all(struct state *s, const struct state_reader *r, struct problem *told)
{
    struct problem why = {0};
    bool made;
    enum database_result got = database_open(&s->database, &made, &why);

    if (got == DATABASE_FAILED)
        database_read_only(s->database.path, r);
    if (got == DATABASE_OK && !made)
        got = database_read(&s->database, r, &why);
    if (got != DATABASE_DAMAGED) {
        *told = why;
        return got == DATABASE_OK;
    }
    if (!database_put_aside(&s->database, told))
        return false;
    problem_set(told, "%.400s: put aside as culvert.db.damaged, leases begin anew", why.text);
    return database_open(&s->database, &made, &why) == DATABASE_OK;
}

struct state *state_open(const char *dir, const struct state_reader *r, struct problem *told)
{
    struct state *s = mem_new(1, sizeof(*s));
    const size_t room = strlen(dir) + sizeof("/culvert.db");

    told->text[0] = '\0';
    s->database.path = mem_new(room, 1);
    snprintf(s->database.path, room, "%s/culvert.db", dir);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->turn, NULL);
    s->failing = !read_all(s, r, told);
    s->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->has_writer = s->news_fd >= 0 && start_writer(s);
    if (!s->has_writer)
        problem_set(told, "no thread that writes %s: leases will not outlive a restart",
                    s->database.path);
    return s;
}

static struct timespec close_limit(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_LIMIT_S;
    return until;
}

bool state_settle(struct state *s)
{
    const struct timespec until = close_limit();
    bool settled;

    if (!s->has_writer)
        return false;
    pthread_mutex_lock(&s->lock);
    while (s->busy && !s->failing)
        if (pthread_cond_timedwait(&s->turn, &s->lock, &until) != 0)
            break;
    settled = !s->busy;
    pthread_mutex_unlock(&s->lock);
    if (settled)
        drop_batch(s);
    return settled;
}

/* True when the writer has ended; a disk that hangs is left behind with it. */
static bool stop_writer(struct state *s)
{
    const struct timespec until = close_limit();

    if (!s->has_writer)
        return true;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->turn);
    pthread_mutex_unlock(&s->lock);
    return pthread_timedjoin_np(s->writer, NULL, &until) == 0;
}

void state_close(struct state *s)
{
    if (s == NULL || !stop_writer(s))
        return;
    database_close(&s->database);
    drop_batch(s);
    free(s->ops);
    free(s->database.path);
    if (s->news_fd >= 0)
        close(s->news_fd);
    pthread_cond_destroy(&s->turn);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
