/* Peers, a line each: those that are connected, and those that should be.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PEERS_H
#define CLI_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kit/tree.h"

#define PEER_NEVER UINT64_MAX

struct peer {
    char *name;     /* the connection's, or the pool's of a device that is away */
    char *identity; /* empty when it is not known */
    char *address;  /* outside */
    char *inner;    /* virtual addresses; empty when there is none */
    char *children; /* names of Child SAs, a newline behind each */
    const char *state;
    bool up;          /* a Child SA is installed */
    uint64_t id;      /* of the IKE SA; 0: there is none */
    uint64_t port;    /* outside */
    uint64_t since_s; /* ago, or PEER_NEVER */
    uint64_t seen_s;  /* ago: the last packet from there */
    uint64_t bytes_in, bytes_out, drops;
};

struct peers {
    struct peer *v;
    size_t n, cap;
};

/* What is asked for; NULL or false: all. */
struct peer_filter {
    const char *name;  /* a connection, a child, or CONNECTION/CHILD */
    const char *match; /* part of a name, an identity or an address; with '*' a pattern */
    bool down;         /* those that are not up */
};

/* The IKE SA of a list-sa event; false for one that is only lingering after its rekey. */
bool peer_of_sa(struct peer *out, const struct node *sa);
/* The connection of a list-conn event as a peer that is down; false for one that waits for
 * whoever comes, or is made of policies alone. */
bool peer_of_conn(struct peer *out, const struct node *conn);
/* A device that has an address of a pool and is not connected. */
void peer_of_lease(struct peer *out, const char *pool, const struct node *lease);
void peer_clear(struct peer *p);
bool peer_passes(const struct peer *p, const struct peer_filter *f);

void peers_add(struct peers *p, const struct peer *peer); /* takes its text */
void peers_free(struct peers *p);
/* By one of peer_sort_names; false: there is no such order. */
bool peers_sort(struct peers *p, const char *by);
extern const char peer_sort_names[]; /* "name, identity, ..." */

#endif
