/* A batch of packets with buffers of their own, set up once: the packet path takes no heap.
 * One batch serves one thread; its contents live until the next receive into it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_BATCH_H
#define LINUX_NET_BATCH_H

#include <sys/socket.h>

#include <culvert/packet.h>

enum {
    BATCH_MAX = 64,
    BATCH_PACKET_MAX = 65535, /* IKE without RFC 7383 may fill a whole UDP datagram */
    BATCH_CONTROL = 384       /* packet info, TOS and IPv6 extension headers */
};

struct batch {
    struct cv_packet pkts[BATCH_MAX];
    uint8_t *memory;
    size_t memory_size;
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

/* Packet i empty again: all room behind the headroom is free. */
void batch_reset(struct batch *b, unsigned i);
static inline size_t batch_room(void)
{
    return BATCH_PACKET_MAX;
}

#endif
