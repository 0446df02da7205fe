/* Owns: the layout of nfnetlink_queue messages.
 * Invariant: what was received is answered; what cannot be received or does not fit is dropped
 * by the kernel, never let through.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/kernel/nfqueue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

enum { RECEIVE_QUEUE = 1 << 20 };

static void begin(struct nl_request *r, uint8_t type, uint16_t number)
{
    const struct nfgenmsg header = {.res_id = htons(number)};

    nl_begin(r, (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type), 0, &header, sizeof(header));
}

static int bind_queue(struct nfqueue *q)
{
    const struct nfqnl_msg_config_cmd cmd = {.command = NFQNL_CFG_CMD_BIND};
    struct nl_request r;

    begin(&r, NFQNL_MSG_CONFIG, q->number);
    nl_attr(&r, NFQA_CFG_CMD, &cmd, sizeof(cmd));
    return netlink_ask(&q->nl, &r, NULL, NULL);
}

static int want_whole_packets(struct nfqueue *q)
{
    const struct nfqnl_msg_config_params params = {.copy_range = htonl(UINT16_MAX),
                                                   .copy_mode = NFQNL_COPY_PACKET};
    struct nl_request r;

    begin(&r, NFQNL_MSG_CONFIG, q->number);
    nl_attr(&r, NFQA_CFG_PARAMS, &params, sizeof(params));
    return netlink_ask(&q->nl, &r, NULL, NULL);
}

bool nfqueue_open(struct nfqueue *q, uint16_t number)
{
    const int on = 1, room = RECEIVE_QUEUE;
    int err;

    q->number = number;
    if (!netlink_open(&q->nl, NETLINK_NETFILTER))
        return false;
    /* More room and silence about what did not fit are wishes. */
    (void)setsockopt(q->nl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    (void)setsockopt(q->nl.fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
    err = bind_queue(q);
    if (err == 0)
        err = want_whole_packets(q);
    if (err == 0)
        return true;
    nfqueue_close(q);
    errno = err == EPERM ? EBUSY : err; /* as the kernel calls another's queue */
    return false;
}

void nfqueue_close(struct nfqueue *q)
{
    netlink_close(&q->nl);
}

/* The message in p's buffer, n octets: p becomes the packet in it. */
static bool take_message(struct cv_packet *p, size_t n, uint32_t *id)
{
    struct nfqnl_msg_packet_hdr header;
    size_t header_n, payload_n;
    const uint8_t *h = nl_find(p->buf, n, sizeof(struct nfgenmsg), NFQA_PACKET_HDR, &header_n);
    const uint8_t *payload =
        nl_find(p->buf, n, sizeof(struct nfgenmsg), NFQA_PAYLOAD, &payload_n);

    if (h == NULL || header_n < sizeof(header))
        return false;
    memcpy(&header, h, sizeof(header));
    *id = header.packet_id;
    p->off = payload != NULL ? (size_t)(payload - p->buf) : 0;
    p->len = payload != NULL ? payload_n : 0;
    return true;
}

unsigned nfqueue_recv(struct nfqueue *q, struct batch *b)
{
    unsigned kept = 0;
    int n;

    for (unsigned i = 0; i < BATCH_LARGE; i++) {
        b->pkts[i] = batch_large(b, i);
        b->iov[i] = (struct iovec){b->pkts[i].buf, b->pkts[i].cap};
        b->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &b->iov[i], .msg_iovlen = 1};
    }
    n = recvmmsg(q->nl.fd, b->msgs, BATCH_LARGE, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
        struct cv_packet p = b->pkts[i];

        if (!take_message(&p, b->msgs[i].msg_len, &q->ids[kept]))
            continue;
        b->pkts[i] = b->pkts[kept]; /* each buffer stays in the batch once */
        b->pkts[kept++] = p;
    }
    return kept;
}

void nfqueue_answer(struct nfqueue *q, const struct batch *b, unsigned n)
{
    struct nl_batch all;
    struct nl_request r;

    nl_batch_begin(&all, &q->nl);
    for (unsigned i = 0; i < n; i++) {
        const struct nfqnl_msg_verdict_hdr verdict = {
            .verdict = htonl(b->pkts[i].verdict == CV_BYPASS ? NF_ACCEPT : NF_DROP),
            .id = q->ids[i],
        };

        begin(&r, NFQNL_MSG_VERDICT, q->number);
        nl_attr(&r, NFQA_VERDICT_HDR, &verdict, sizeof(verdict));
        nl_batch_add(&all, &r);
    }
    (void)netlink_tell(&q->nl, &all);
}
