/* The VICI server: strongSwan's control protocol over a Unix socket.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef VICI_VICI_H
#define VICI_VICI_H

#include "daemon/daemon.h"

struct vici;

/* Listens at path (mode 0600).  NULL with the problem filled. */
struct vici *vici_start(struct daemon *d, const char *path, struct problem *why);
void vici_stop(struct vici *v);

#endif
