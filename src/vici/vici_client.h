/* A VICI client: one connection to the daemon's socket, one command at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef VICI_VICI_CLIENT_H
#define VICI_VICI_CLIENT_H

#include "kit/tree.h"

struct vici_link;

/* NULL when nobody answers there; errno says why. */
struct vici_link *vici_open(const char *path);
void vici_close(struct vici_link *l);

/* Told of each event that comes while a command runs or a log is followed. */
struct vici_hearer {
    const char *event; /* its name; NULL: none is asked for */
    void (*each)(void *ctx, const struct node *message);
    void *ctx;
};

/* Sends a command and waits for its answer, which the caller frees.  request NULL: no
 * arguments.  hear may be NULL.  NULL with the problem filled when the connection breaks, the
 * daemon does not know the command, or its answer says success = no; the problem then holds
 * its errmsg. */
struct node *vici_call(struct vici_link *l, const char *command, const struct node *request,
                       const struct vici_hearer *hear, struct problem *why);

/* Listens until the daemon closes the connection. */
bool vici_follow(struct vici_link *l, const struct vici_hearer *hear, struct problem *why);

#endif
