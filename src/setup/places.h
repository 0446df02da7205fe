/* Where files are: /etc/culvert, /var/lib/culvert, /run/culvert, all below a root.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SETUP_PLACES_H
#define SETUP_PLACES_H

#include <limits.h>

#include "kit/problem.h"

enum { PLACE_MAX = 512 };

struct places {
    char conf[PLACE_MAX];  /* /etc/culvert */
    char state[PLACE_MAX]; /* /var/lib/culvert */
    char fleet[PLACE_MAX]; /* /var/lib/culvert-fleet: what the registry is in */
    char run[PLACE_MAX];   /* /run/culvert */
    char root[PLACE_MAX];  /* "/", or what was given, absolute */
    bool usual;            /* nothing else was asked for: the system's services use them */
};

/* root NULL or "/": the usual ones.  A relative one is taken from where we are. */
bool places_below(const char *root, struct places *out, struct problem *why);
/* conf/NAME; returns out. */
const char *place_of(char out[PLACE_MAX], const struct places *p, const char *name);

#endif
