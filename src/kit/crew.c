/* Owns: the threads, the line of jobs before them and the pile behind them.
 *
 * Invariant: line and pile are touched under the lock alone; a job is on one of them, or in the
 * hands of one thread.  A thread that has put a job on the pile writes to the descriptor after
 * it, so the loop never misses one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kit/mem.h"

enum { STACK_OCTETS = 1 << 20 };

struct queue {
    struct job *first, **end;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t more; /* in the line, or stopping */
    struct queue line, pile;
    bool stopping;
    int fd;

    /* the loop's alone */
    struct event *readable;
    void (*finished)(void *ctx, struct job *job);
    void *ctx;
    unsigned load;
    pthread_t *threads;
    unsigned n_threads;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_put(struct queue *q, struct job *job)
{
    job->next = NULL;
    *q->end = job;
    q->end = &job->next;
}

static struct job *queue_take(struct queue *q)
{
    struct job *job = q->first;

    if (job == NULL)
        return NULL;
    q->first = job->next;
    if (q->first == NULL)
        q->end = &q->first;
    return job;
}

/* ---- in the threads ---- */

static struct job *next_job(struct crew *c)
{
    struct job *job = NULL;

    pthread_mutex_lock(&c->lock);
    while (!c->stopping && c->line.first == NULL)
        pthread_cond_wait(&c->more, &c->lock);
    if (!c->stopping)
        job = queue_take(&c->line);
    pthread_mutex_unlock(&c->lock);
    return job;
}

static void *work(void *ctx)
{
    const eventfd_t one = 1;
    struct crew *c = ctx;
    struct job *job;

    while ((job = next_job(c)) != NULL) {
        job->run(job);
        pthread_mutex_lock(&c->lock);
        queue_put(&c->pile, job);
        pthread_mutex_unlock(&c->lock);
        (void)eventfd_write(c->fd, one); /* fails only when full, and then it is readable */
    }
    return NULL;
}

/* ---- in the loop ---- */

static struct job *take_finished(struct crew *c)
{
    struct job *job;

    pthread_mutex_lock(&c->lock);
    job = queue_take(&c->pile);
    pthread_mutex_unlock(&c->lock);
    return job;
}

static void on_finished(evutil_socket_t fd, short what, void *ctx)
{
    struct crew *c = ctx;
    struct job *job;
    eventfd_t n;

    (void)what;
    (void)eventfd_read(fd, &n); /* first: what is put on the pile from now on rings again */
    while ((job = take_finished(c)) != NULL) {
        c->load--;
        c->finished(c->ctx, job);
    }
}

struct crew *crew_new(struct event_base *base, void (*finished)(void *ctx, struct job *job),
                      void *ctx)
{
    struct crew *c = mem_new(1, sizeof(*c));

    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->more, NULL);
    queue_init(&c->line);
    queue_init(&c->pile);
    c->finished = finished;
    c->ctx = ctx;
    c->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->fd >= 0)
        c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, on_finished, c);
    if (c->readable != NULL && event_add(c->readable, NULL) == 0)
        return c;
    crew_free(c);
    return NULL;
}

/* Signals are the loop's: a thread that caught one would only be interrupted. */
static bool start_thread(struct crew *c, pthread_t *thread)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_OCTETS);
    err = pthread_create(thread, &attr, work, c);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err == 0;
}

unsigned crew_start(struct crew *c, unsigned threads)
{
    c->threads = mem_new(threads, sizeof(c->threads[0]));
    while (c->n_threads < threads && start_thread(c, &c->threads[c->n_threads]))
        c->n_threads++;
    return c->n_threads;
}

void crew_give(struct crew *c, struct job *job)
{
    c->load++;
    pthread_mutex_lock(&c->lock);
    queue_put(&c->line, job);
    pthread_mutex_unlock(&c->lock);
    pthread_cond_signal(&c->more);
}

unsigned crew_load(const struct crew *c)
{
    return c->load;
}

void crew_stop(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_mutex_unlock(&c->lock);
    pthread_cond_broadcast(&c->more);
    while (c->n_threads > 0)
        pthread_join(c->threads[--c->n_threads], NULL);
}

struct job *crew_left(struct crew *c)
{
    struct job *job = take_finished(c);

    return job != NULL ? job : queue_take(&c->line);
}

void crew_free(struct crew *c)
{
    if (c == NULL)
        return;
    if (c->readable != NULL)
        event_free(c->readable);
    if (c->fd >= 0)
        close(c->fd);
    free(c->threads);
    pthread_cond_destroy(&c->more);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
