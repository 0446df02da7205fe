/* Whole small files: read at once, made or replaced so that a reader sees the old or the new
 * one and a full disk costs neither.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_FILE_H
#define KIT_FILE_H

#include <sys/types.h>

#include <culvert/types.h>

#include "kit/problem.h"

enum { FILE_TEXT_MAX = 1 << 20 };

/* A file's octets, followed by a NUL. */
struct file_text {
    char *p;
    size_t n;
};

/* false: why names the file; one of more than FILE_TEXT_MAX octets is refused. */
bool file_read(const char *path, struct file_text *out, struct problem *why);
void file_text_free(struct file_text *t); /* wipes */
bool file_is_there(const char *path);

/* A new file of that mode; false, too, when there is one already. */
bool file_create(const char *path, struct cv_span data, mode_t mode, struct problem *why);
/* In place of what is there, which stays when anything fails. */
bool file_replace(const char *path, struct cv_span data, mode_t mode, struct problem *why);
/* The directory and those above it that are missing, with that mode; one that is there is left
 * as it is. */
bool file_make_dir(const char *path, mode_t mode, struct problem *why);

#endif
