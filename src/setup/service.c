/* Owns how daemons are started.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "setup/service.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kit/file.h"
#include "kit/tree.h"
#include "vici/vici_client.h"

extern char **environ;

enum { START_LIMIT_MS = 15000, LOOK_MS = 20 };

/* ---- where they are -------------------------------------------------------------------- */

const char *service_program(char out[PLACE_MAX], const char *name)
{
    char self[400];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    const char *dir;

    if (n > 0) {
        self[n] = '\0';
        dir = dirname(self);
        for (int i = 0; i < 2; i++) {
            (void)snprintf(out, PLACE_MAX, i == 0 ? "%.400s/%.64s" : "%.400s/../sbin/%.64s",
                           dir, name);
            if (access(out, X_OK) == 0)
                return out;
        }
    }
    (void)snprintf(out, PLACE_MAX, "%.64s", name);
    return out;
}

bool service_by_systemd(const struct places *p)
{
    return p->usual && access("/run/systemd/system", F_OK) == 0;
}

const char *service_line(char out[SERVICE_LINE], const struct places *p, const char *name)
{
    const bool is_culvertd = strcmp(name, "culvertd") == 0;
    char program[PLACE_MAX];

    service_program(program, name);
    if (p->usual)
        (void)snprintf(out, SERVICE_LINE, "%.511s", program);
    else if (is_culvertd)
        (void)snprintf(out, SERVICE_LINE,
                       "%.480s -c %.480s/culvert.conf --run-dir %.480s --state-dir %.480s",
                       program, p->conf, p->run, p->state);
    else
        (void)snprintf(out, SERVICE_LINE, "%.480s -c %.480s/fleet.conf", program, p->conf);
    return out;
}

/* ---- systemd ----------------------------------------------------------------------------- */

static bool run(char *const argv[], struct problem *why)
{
    int status = -1, err;
    pid_t pid;

    err = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (err != 0)
        return problem_set(why, "%s: %s", argv[0], strerror(err));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           problem_set(why, "%s %s %s has failed; journalctl -u %s says why", argv[0], argv[1],
                       argv[2], argv[argv[3] != NULL ? 3 : 2]);
}

bool service_enable(const char *unit, struct problem *why)
{
    char name[64], systemctl[] = "systemctl", enable[] = "enable", now[] = "--now";
    char *const argv[] = {systemctl, enable, now, name, NULL};

    (void)snprintf(name, sizeof(name), "%s", unit);
    return run(argv, why);
}

/* ---- without it -------------------------------------------------------------------------- */

static struct vici_link *reach(const struct places *p)
{
    char path[PLACE_MAX];

    (void)snprintf(path, sizeof(path), "%.440s/vici.sock", p->run);
    return vici_open(path);
}

bool service_reload_culvertd(const struct places *p, struct problem *why)
{
    struct vici_link *l = reach(p);
    struct node *answer;

    if (l == NULL)
        return problem_set(why, "culvertd does not run: nobody answers in %s", p->run);
    answer = vici_call(l, "reload-settings", NULL, NULL, why);
    vici_close(l);
    tree_free(answer);
    return answer != NULL;
}

/* Its own session, no input, the log as output: it lives on when this program and its terminal
 * are gone. */
static bool spawn_detached(const struct places *p, const char *log, struct problem *why)
{
    char line[SERVICE_LINE + 8], sh[] = "/bin/sh", dash_c[] = "-c", exec[SERVICE_LINE];
    char *const argv[] = {sh, dash_c, line, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    pid_t pid;
    int err;

    (void)snprintf(line, sizeof(line), "exec %s", service_line(exec, p, "culvertd"));
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
    err = posix_spawn(&pid, sh, &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return err == 0 || problem_set(why, "culvertd cannot be started: %s", strerror(err));
}

static bool start_detached(const struct places *p, struct problem *why)
{
    const struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};
    struct vici_link *l = NULL;
    char log[PLACE_MAX];

    (void)snprintf(log, sizeof(log), "%.440s/culvertd.log", p->state);
    if (!file_make_dir(p->state, 0700, why) || !spawn_detached(p, log, why))
        return false;
    for (int waited = 0; l == NULL && waited < START_LIMIT_MS; waited += LOOK_MS) {
        (void)nanosleep(&look, NULL);
        l = reach(p);
    }
    if (l == NULL)
        return problem_set(why, "culvertd does not start; %s says why", log);
    vici_close(l);
    return true;
}

bool service_start_culvertd(const struct places *p, struct problem *why)
{
    struct vici_link *l = reach(p);

    if (l != NULL) {
        vici_close(l);
        return service_reload_culvertd(p, why);
    }
    return service_by_systemd(p) ? service_enable("culvertd", why) : start_detached(p, why);
}
