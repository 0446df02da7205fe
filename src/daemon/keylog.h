/* Keys for those who look into captures; off unless culvert.save_keys says where.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_KEYLOG_H
#define DAEMON_KEYLOG_H

#include <stdbool.h>

#include "kit/problem.h"

struct daemon;

enum keylog_file { KEYLOG_XFRM, KEYLOG_ESP, KEYLOG_IKE, KEYLOG_FILES };

struct keylog {
    bool is_on;
    int fd[KEYLOG_FILES];
};

/* dir NULL: none.  False: the directory, or a file in it, is not ours alone. */
bool keylog_open(struct daemon *d, const char *dir, struct problem *why);
void keylog_close(struct daemon *d);

#endif
