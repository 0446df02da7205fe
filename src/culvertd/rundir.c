/* Owns: RUN_DIR/culvertd.pid.
 * Invariant: the lock ends with the process, so a crash leaves nothing that blocks a start.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "culvertd/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool rundir_make(const char *dir, struct problem *why)
{
    char path[PATH_MAX];
    size_t n = strlen(dir);

    if (n == 0 || n >= sizeof(path))
        return problem_set(why, "directory name \"%s\" is empty or too long", dir);
    memcpy(path, dir, n + 1);
    for (size_t i = 1; i < n; i++) {
        if (path[i] != '/')
            continue;
        path[i] = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            return problem_set(why, "cannot make directory %s: %s", path, strerror(errno));
        path[i] = '/';
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return problem_set(why, "cannot make directory %s: %s", path, strerror(errno));
    return true;
}

static void say_who(int fd, const char *path, struct problem *why)
{
    char pid[16];
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    problem_set(why, "another culvertd is running here: %s is locked by process %s", path,
                pid[0] != '\0' ? pid : "(unknown)");
}

int rundir_hold(const char *dir, struct problem *why)
{
    char path[PATH_MAX];
    int fd;

    if (!rundir_make(dir, why))
        return -1;
    if (snprintf(path, sizeof(path), "%s/culvertd.pid", dir) >= (int)sizeof(path)) {
        problem_set(why, "directory name %s is too long", dir);
        return -1;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        problem_set(why, "cannot open %s: %s", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        say_who(fd, path, why);
        close(fd);
        return -1;
    }
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
        problem_set(why, "cannot write %s: %s", path, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

void rundir_release(int fd)
{
    /* The file stays: removing it could take it away under a daemon that just opened it. */
    (void)!ftruncate(fd, 0);
    close(fd);
}
