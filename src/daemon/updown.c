/* Owns: the queue of script calls, the one that runs, and the pipe its output comes by.
 * Invariant: at most one script runs; one that does not end is killed, so it can hold up the
 * others but not for ever.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/updown.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/env.h"
#include "kit/mem.h"

enum { SCRIPT_LIMIT_S = 60, SCRIPT_LINE = 256, SCRIPT_QUEUE = 4096 };

struct job {
    char *command;
    struct env env;
    struct job *next;
};

struct updown {
    struct event_base *base;
    const char *name;
    void (*note)(void *ctx, int level, const char *text);
    void *ctx;
    struct job *first, *last; /* the first one runs when pid is not 0 */
    unsigned n;
    pid_t pid;
    int output; /* -1: none */
    struct event *readable, *limit;
    char line[SCRIPT_LINE];
    size_t line_n;
};

static void start_next(struct updown *u);

static void job_free(struct job *j)
{
    free(j->command);
    env_free(&j->env);
    free(j);
}

static void say(struct updown *u, int level, const char *what, const char *detail)
{
    char text[SCRIPT_LINE + 128];

    (void)snprintf(text, sizeof(text), "%s%s", what, detail);
    u->note(u->ctx, level, text);
}

static void end_line(struct updown *u)
{
    char before[32];

    u->line[u->line_n] = '\0';
    (void)snprintf(before, sizeof(before), "%s: ", u->name);
    if (u->line_n > 0)
        say(u, 1, before, u->line);
    u->line_n = 0;
}

static void take_output(struct updown *u, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n' || u->line_n == sizeof(u->line) - 1)
            end_line(u);
        if (p[i] != '\n')
            u->line[u->line_n++] = p[i];
    }
}

static void close_output(struct updown *u)
{
    end_line(u);
    if (u->readable != NULL)
        event_free(u->readable);
    u->readable = NULL;
    if (u->output >= 0)
        close(u->output);
    u->output = -1;
}

static void on_output(evutil_socket_t fd, short what, void *ctx)
{
    struct updown *u = ctx;
    char buf[1024];
    ssize_t n = read(fd, buf, sizeof(buf));

    (void)what;
    if (n > 0)
        take_output(u, buf, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        close_output(u);
}

static void on_limit(evutil_socket_t fd, short what, void *ctx)
{
    struct updown *u = ctx;

    (void)fd;
    (void)what;
    if (u->pid <= 0)
        return;
    say(u, 0, "updown script did not end in time, killing it: ", u->first->command);
    (void)kill(-u->pid, SIGKILL);
}

struct updown *updown_new(struct event_base *base, const char *name,
                          void (*note)(void *ctx, int level, const char *text), void *ctx)
{
    struct updown *u = mem_new(1, sizeof(*u));

    u->base = base;
    u->name = name;
    u->note = note;
    u->ctx = ctx;
    u->output = -1;
    u->limit = evtimer_new(base, on_limit, u);
    return u;
}

void updown_free(struct updown *u)
{
    if (u == NULL)
        return;
    while (u->first != NULL) {
        struct job *j = u->first;
        u->first = j->next;
        job_free(j);
    }
    u->line_n = 0;
    close_output(u);
    if (u->limit != NULL)
        event_free(u->limit);
    free(u);
}

bool updown_idle(const struct updown *u)
{
    return u->first == NULL;
}

/* The script gets no input, its own process group, default signals, and ends as output. */
static int spawn(pid_t *pid, const struct job *j, int out)
{
    char sh[] = "/bin/sh", dash_c[] = "-c";
    char *argv[] = {sh, dash_c, j->command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int err;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, out, 2);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                        POSIX_SPAWN_SETSIGDEF);
    err = posix_spawn(pid, sh, &files, &attr, argv, (char *const *)j->env.v);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return err;
}

static bool start_first(struct updown *u)
{
    const struct timeval limit = {.tv_sec = SCRIPT_LIMIT_S};
    int ends[2], err;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        say(u, 0, "cannot run updown script, no pipe: ", strerror(errno));
        return false;
    }
    err = spawn(&u->pid, u->first, ends[1]);
    close(ends[1]);
    if (err != 0) {
        close(ends[0]);
        u->pid = 0;
        say(u, 0, "cannot run updown script: ", strerror(err));
        return false;
    }
    u->output = ends[0];
    (void)fcntl(u->output, F_SETFL, O_NONBLOCK);
    u->readable = event_new(u->base, ends[0], EV_READ | EV_PERSIST, on_output, u);
    if (u->readable != NULL)
        (void)event_add(u->readable, NULL);
    (void)evtimer_add(u->limit, &limit);
    return true;
}

static void drop_first(struct updown *u)
{
    struct job *j = u->first;

    u->first = j->next;
    if (u->first == NULL)
        u->last = NULL;
    u->n--;
    job_free(j);
}

static void start_next(struct updown *u)
{
    while (u->first != NULL && u->pid == 0 && !start_first(u))
        drop_first(u);
}

void updown_reap(struct updown *u)
{
    int status;
    char text[64] = "";

    if (u->pid <= 0 || waitpid(u->pid, &status, WNOHANG) != u->pid)
        return;
    if (WIFSIGNALED(status))
        (void)snprintf(text, sizeof(text), "signal %d ended ", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        (void)snprintf(text, sizeof(text), "exit status %d of ", WEXITSTATUS(status));
    (void)evtimer_del(u->limit);
    u->pid = 0;
    if (u->output >= 0)
        on_output(u->output, EV_READ, u); /* the last words */
    close_output(u);
    if (text[0] != '\0')
        say(u, 0, text, u->first->command);
    drop_first(u);
    start_next(u);
}

static void enqueue(struct updown *u, struct job *j)
{
    if (u->last != NULL)
        u->last->next = j;
    else
        u->first = j;
    u->last = j;
    u->n++;
}

void updown_run(struct updown *u, bool up, const struct cv_ike_info *ike,
                const struct cv_child_info *child, const char *interface)
{
    const struct child_conf *conf = child->cfg == NULL ? NULL : child->cfg->host;

    if (conf == NULL || conf->updown == NULL)
        return;
    for (unsigned l = 0; l < child->local_ts.n; l++) {
        for (unsigned r = 0; r < child->remote_ts.n; r++) {
            const struct cv_ts *mine = &child->local_ts.ts[l];
            const struct cv_ts *peers = &child->remote_ts.ts[r];
            struct job *j;

            if (mine->family != peers->family)
                continue;
            if (u->n >= SCRIPT_QUEUE) {
                say(u, 0, "too many updown scripts wait, left out: ", conf->updown);
                return;
            }
            j = mem_new(1, sizeof(*j));
            j->command = mem_text(conf->updown);
            env_put_child(&j->env, up, ike, child, mine, peers, interface);
            enqueue(u, j);
        }
    }
    start_next(u);
}

void updown_command(struct updown *u, const char *command)
{
    struct job *j = mem_new(1, sizeof(*j));

    j->command = mem_text(command);
    env_put_path(&j->env);
    enqueue(u, j);
    start_next(u);
}
