/* An environment for execve: "NAME=value" strings, NULL at the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ENV_H
#define DAEMON_ENV_H

#include <culvert/engine.h>

enum { ENV_MAX = 63 };

struct env {
    char *v[ENV_MAX + 1];
    unsigned n;
};

/* Dropped when there are ENV_MAX already. */
void env_put(struct env *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void env_put_path(struct env *e);
void env_free(struct env *e);

/* What charon's updown plugin tells a script, version 1.1, about one pair of selectors of a
 * Child SA. */
void env_put_child(struct env *e, bool up, const struct cv_ike_info *ike,
                   const struct cv_child_info *child, const struct cv_ts *mine,
                   const struct cv_ts *peers, const char *interface);

#endif
