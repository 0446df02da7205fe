/* A batch of packets with buffers of their own, set up once: the packet path takes no heap.
 * One batch serves one thread; its contents live until the next receive into it.
 *
 * Most packets are small, and lie one behind the other in small slots.  A few large buffers
 * take what is larger, and what the kernel hands over put together: many datagrams of one flow
 * in one buffer, whose packets then share it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_BATCH_H
#define LINUX_NET_BATCH_H

#include <sys/socket.h>

#include <culvert/packet.h>

enum {
    BATCH_MAX = 256,
    BATCH_LARGE = 64,
    BATCH_SMALL_ROOM = 2048,
    BATCH_PACKET_MAX = 65535, /* IKE without RFC 7383 may fill a whole UDP datagram */
    BATCH_CONTROL = 384       /* packet info, TOS and IPv6 extension headers */
};

struct batch {
    struct cv_packet pkts[BATCH_MAX];
    uint8_t *memory;
    size_t memory_size;
    bool copies; /* packets of one buffer get slots of their own, with room in front of them */
    /* Datagrams received that are still to become packets: the next one, as a packet; how many
     * octets of it each packet has; and how many datagrams there are. */
    struct cv_packet whole;
    size_t each;
    unsigned next, received;
    uint8_t origin[BATCH_MAX]; /* of each packet, its datagram: the index of its message */
    /* scratch of recvmmsg and sendmmsg */
    struct mmsghdr msgs[BATCH_MAX];
    struct iovec iov[BATCH_MAX];
    struct sockaddr_storage names[BATCH_MAX];
    _Alignas(size_t) uint8_t control[BATCH_MAX][BATCH_CONTROL];
};

/* False with errno set when there is no memory.  Pages that no packet reached yet stay
 * unused, so the size is address space, not resident memory. */
bool batch_init(struct batch *b);
void batch_free(struct batch *b);

/* Packet i empty again, in its small slot. */
void batch_reset(struct batch *b, unsigned i);
/* An empty packet in large buffer k. */
struct cv_packet batch_large(const struct batch *b, unsigned k);
/* Octets that a packet may have in its buffer. */
size_t batch_room(const struct cv_packet *p);

#endif
