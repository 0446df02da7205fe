/* Owns how whole files come to be: beside their place, synced, then put there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "kit/mem.h"

static bool fail(struct problem *why, const char *path)
{
    return problem_set(why, "%s: %s", path, strerror(errno));
}

/* ---- reading ---------------------------------------------------------------------- */

static bool read_all(int fd, struct file_text *out)
{
    ssize_t n = 1;

    while (n > 0 && out->n <= FILE_TEXT_MAX) {
        n = read(fd, &out->p[out->n], FILE_TEXT_MAX + 1 - out->n);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            out->n += (size_t)n;
    }
    return n == 0;
}

bool file_read(const char *path, struct file_text *out, struct problem *why)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok;

    *out = (struct file_text){.p = NULL};
    if (fd < 0)
        return fail(why, path);
    out->p = mem_new(FILE_TEXT_MAX + 2, 1);
    errno = EFBIG;
    ok = read_all(fd, out);
    if (!ok) {
        fail(why, path);
        file_text_free(out);
    }
    close(fd);
    return ok;
}

void file_text_free(struct file_text *t)
{
    if (t->p != NULL)
        wipe(t->p, t->n);
    free(t->p);
    *t = (struct file_text){.p = NULL};
}

bool file_is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* ---- writing ---------------------------------------------------------------------- */

static bool write_all(int fd, struct cv_span data)
{
    size_t done = 0;

    while (done < data.n) {
        const ssize_t n = write(fd, &data.p[done], data.n - done);

        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0;
}

/* The name of a file in the same directory that nobody else has. */
static int open_beside(const char *path, char beside[PATH_MAX])
{
    if ((size_t)snprintf(beside, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mkostemp(beside, O_CLOEXEC);
}

/* The name holds after a loss of power, too. */
static void sync_dir_of(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;

    (void)snprintf(dir, sizeof(dir), "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
                   slash == NULL ? "." : path);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

static bool put(const char *path, struct cv_span data, mode_t mode, bool over,
                struct problem *why)
{
    char beside[PATH_MAX];
    const int fd = open_beside(path, beside);
    bool ok;

    if (fd < 0)
        return fail(why, path);
    ok = fchmod(fd, mode) == 0 && write_all(fd, data) &&
         (over ? rename(beside, path) : link(beside, path)) == 0;
    if (!ok)
        fail(why, path);
    close(fd);
    if (!ok || !over)
        unlink(beside);
    if (ok)
        sync_dir_of(path);
    return ok;
}

bool file_create(const char *path, struct cv_span data, mode_t mode, struct problem *why)
{
    return put(path, data, mode, false, why);
}

bool file_replace(const char *path, struct cv_span data, mode_t mode, struct problem *why)
{
    return put(path, data, mode, true, why);
}

bool file_make_dir(const char *path, mode_t mode, struct problem *why)
{
    char part[PATH_MAX];
    const size_t n = strlen(path);

    if (n >= sizeof(part)) {
        errno = ENAMETOOLONG;
        return fail(why, path);
    }
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return fail(why, part);
    }
    return true;
}
