/* Sent and gathered messages in a bounded pool of reference-counted buffers.
 *
 * A buffer holds one message as one or more datagrams, each stored with a length and
 * room for the four-octet marker of UDP port 4500, so that the same octets can leave by
 * either port.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_MSG_H
#define PEER_MSG_H

#include <culvert/types.h>

#include "base/arena.h"
#include "base/pool.h"
#include "base/span.h"

struct msg {
    uint16_t refs;
    uint16_t parts;
    uint32_t len; /* octets used of data */
    uint8_t data[];
};

struct msgs {
    struct pool pool;
    uint32_t cap; /* octets of data in each */
};

void msgs_carve(struct msgs *m, struct arena *a, uint32_t n, uint32_t message_size);
uint32_t msg_new(struct msgs *m); /* one reference; POOL_NONE when full */
struct msg *msg_at(const struct msgs *m, uint32_t i);
void msg_ref(struct msgs *m, uint32_t i);    /* POOL_NONE is ignored */
void msg_unref(struct msgs *m, uint32_t *i); /* sets *i to POOL_NONE */
/* A copy of plain octets; POOL_NONE when full or too large. */
uint32_t msg_copy(struct msgs *m, struct cv_span s);
struct cv_span msg_octets(const struct msgs *m, uint32_t i);

/* Datagrams: begin reserves length and marker; end fills them in. */
void msg_part_begin(struct wr *w, size_t *at);
void msg_part_end(struct wr *w, size_t at, struct msg *m);
/* The datagram at *at (starts as 0), moving on; with the marker when wanted. */
bool msg_next_part(const struct msg *m, uint32_t *at, bool marker, struct cv_span *out);

#endif
