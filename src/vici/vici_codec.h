/* VICI on the wire: packets and the message encoding inside them, to and from trees.
 * Shared by the server and by the culvert command.
 *
 * A packet on the stream is a 32-bit length and that many octets: type, name (for the types
 * that have one), message (likewise).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef VICI_VICI_CODEC_H
#define VICI_VICI_CODEC_H

#include "base/span.h"
#include "kit/tree.h"

enum {
    VICI_PACKET_MAX = 512 * 1024, /* octets behind the length field; the protocol's limit */
    VICI_LENGTH = 4,              /* octets of the length field */
    VICI_NAME_MAX = 255,
    VICI_DEPTH_MAX = 16,      /* sections inside sections */
    VICI_ELEMENTS_MAX = 65536 /* of one message */
};

enum vici_type {
    VICI_CMD_REQUEST = 0,
    VICI_CMD_RESPONSE,
    VICI_CMD_UNKNOWN,
    VICI_EVENT_REGISTER,
    VICI_EVENT_UNREGISTER,
    VICI_EVENT_CONFIRM,
    VICI_EVENT_UNKNOWN,
    VICI_EVENT
};

struct vici_packet {
    enum vici_type type;
    char name[VICI_NAME_MAX + 1]; /* empty for types without one */
    struct node *message;         /* the receiver's to free; NULL for types without one */
};

/* Reads a packet without its length field.  False for anything malformed or beyond the limits
 * above; then nothing is left to free. */
bool vici_decode(struct vici_packet *out, struct cv_span octets);

/* Octets that vici_encode will write, length field included. */
size_t vici_encoded_size(enum vici_type type, const char *name, const struct node *message);

/* Writes a whole packet with its length field.  name and message are ignored for types without
 * them; a NULL message is an empty one.  False when a name or value is too long for its length
 * field, the packet is larger than VICI_PACKET_MAX, or w has no room. */
bool vici_encode(struct wr *w, enum vici_type type, const char *name,
                 const struct node *message);

#endif
