/* Owns the files that configurations name: where they are looked up (swanctl's folders beside
 * the configuration: x509, x509ca, private, rsa, ecdsa, pkcs8), and that their octets, which
 * may be private keys, are wiped.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "config/inside.h"

enum { FILE_MAX = 1024 * 1024 };

bool conf_file_read(struct conf_file *f, const char *path, const char **reason)
{
    FILE *in = fopen(path, "rb");
    int err;

    *f = (struct conf_file){.p = NULL};
    if (in == NULL) {
        *reason = strerror(errno);
        return false;
    }
    setbuf(in, NULL); /* no second copy of a private key on the heap */
    f->p = mem_new(FILE_MAX, 1);
    f->n = fread(f->p, 1, FILE_MAX, in);
    err = ferror(in) ? errno : f->n == FILE_MAX ? EFBIG : f->n == 0 ? ENODATA : 0;
    fclose(in);
    if (err == 0)
        return true;
    *reason = strerror(err);
    conf_file_free(f);
    return false;
}

void conf_file_free(struct conf_file *f)
{
    if (f->p != NULL)
        wipe(f->p, f->n);
    free(f->p);
    f->p = NULL;
}

static const char *join(struct conf_reader *r, const char *dir, const char *folder,
                        const char *name)
{
    size_t n = strlen(dir) + strlen(folder) + strlen(name) + 3;
    char *path = mem_take(r->mem, n, 1);

    snprintf(path, n, "%s/%s/%s", dir, folder, name);
    return path;
}

const char *conf_path(struct conf_reader *r, const struct node *n, const char *folder,
                      const char *name)
{
    if (name[0] == '/')
        return mem_take_text(r->mem, name);
    if (r->dir == NULL) {
        problem_at(r->why, n, "expected an absolute path, not '%s'", name);
        return NULL;
    }
    return join(r, r->dir, folder, name);
}

const struct cert *conf_load_cert(struct conf_reader *r, const struct node *n,
                                  const char *folder, const char *name, bool ca)
{
    const char *path = conf_path(r, n, folder, name), *reason;
    const struct cert *cert;
    struct conf_file f;
    struct problem why;

    if (path == NULL)
        return NULL;
    if (!conf_file_read(&f, path, &reason)) {
        problem_at(r->why, n, "cannot read certificate '%s': %s", path, reason);
        return NULL;
    }
    creds_set_file(r->creds, path);
    cert = creds_add_cert(r->creds, (struct cv_span){f.p, f.n}, ca, &why);
    creds_set_file(r->creds, NULL);
    if (cert == NULL)
        problem_at(r->why, n, "certificate '%s': %s", path, why.text);
    conf_file_free(&f);
    return cert;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of a directory's plain files in order, so that loading does not depend on it. */
static struct conf_texts list_files(struct conf_reader *r, const char *folder)
{
    const char *path = join(r, r->dir, folder, "");
    DIR *dir = opendir(path);
    struct conf_texts files = {0};
    const struct dirent *e;
    size_t cap = 0;

    if (dir == NULL && errno != ENOENT) {
        problem_set(r->why, "cannot list '%s': %s", path, strerror(errno));
        conf_warning(r);
    }
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        const char *file = join(r, r->dir, folder, e->d_name);
        struct stat st;

        if (e->d_name[0] == '.' || stat(file, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        files.v = mem_grow(files.v, &cap, files.n + 1u, sizeof(char *));
        files.v[files.n++] = (char *)(uintptr_t)file;
    }
    if (dir != NULL)
        closedir(dir);
    if (files.n > 0)
        qsort(files.v, files.n, sizeof(char *), by_name);
    return files;
}

static void warn(struct conf_reader *r)
{
    char reason[sizeof(r->why->text)];

    memcpy(reason, r->why->text, sizeof(reason));
    problem_set(r->why, "passed over: %s", reason);
    conf_warning(r);
}

void conf_load_folder(struct conf_reader *r, const char *folder,
                      bool (*load)(struct conf_reader *r, const char *path))
{
    struct conf_texts files = list_files(r, folder);

    for (unsigned i = 0; i < files.n; i++)
        if (!load(r, files.v[i]))
            warn(r);
    free(files.v);
}
