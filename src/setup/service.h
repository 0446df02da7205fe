/* The daemons as services: found, started, told to read their files again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SETUP_SERVICE_H
#define SETUP_SERVICE_H

#include "setup/places.h"

/* A program of ours by its name: beside this one, in the directory for daemons beside that, or
 * by the name alone, for the shell to find.  Returns out. */
const char *service_program(char out[PLACE_MAX], const char *name);

/* Does systemd run here, and are these the places that its units know? */
bool service_by_systemd(const struct places *p);

/* The line that starts it by hand; returns out. */
enum { SERVICE_LINE = 2048 };
const char *service_line(char out[SERVICE_LINE], const struct places *p, const char *name);

/* culvertd, so that it has read culvert.conf as it is now: started, also at the next boot where
 * systemd runs; without it, beside this program, and its log is STATE/culvertd.log.  One that
 * runs reads its file again.  false: why. */
bool service_start_culvertd(const struct places *p, struct problem *why);
/* systemctl enable --now UNIT */
bool service_enable(const char *unit, struct problem *why);
/* The daemon that runs reads its file again; false when none runs. */
bool service_reload_culvertd(const struct places *p, struct problem *why);

#endif
