/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wire.h"

#include <string.h>

#include "lwip/ip4.h"
#include "lwip/raw.h"
#include "lwip/udp.h"
#include "net/ethernet.h"

enum { IP_HEADER = 20, UDP_HEADER = 8, PROTO_ESP = 50, IKE_PORT = 500, NAT_PORT = 4500 };

static struct udp_pcb *sockets[2]; /* by carrier */
static struct raw_pcb *esp;

size_t wire_overhead(uint8_t carrier)
{
    return carrier == CV_RAW_ESP ? IP_HEADER : IP_HEADER + UDP_HEADER;
}

/* ---- what comes ----------------------------------------------------------------- */

static struct cv_endpoint endpoint(const ip4_addr_t *address, u16_t port)
{
    struct cv_endpoint e = {.addr.family = CV_IPV4, .port = port};

    memcpy(e.addr.b, &address->addr, sizeof(address->addr));
    return e;
}

/* lwIP's buffers are as long as a frame, so a packet is in one piece, as the engine wants it.
 */
static void take(struct pbuf *p, struct cv_packet *pkt)
{
    if (p->next != NULL) {
        pbuf_free(p);
        return;
    }
    pkt->buf = p->payload;
    pkt->cap = pkt->len = p->len;
    tunnel_input(p, pkt);
}

static void on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip4_addr_t *from,
                   u16_t port)
{
    struct cv_packet pkt = {
        .local = endpoint(ip_current_dest_addr(), pcb->local_port),
        .remote = endpoint(from, port),
        .carrier = pcb == sockets[CV_UDP_500] ? CV_UDP_500 : CV_UDP_4500,
    };

    (void)arg;
    take(p, &pkt);
}

static u8_t on_esp(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip4_addr_t *from)
{
    struct cv_packet pkt = {
        .local = endpoint(ip_current_dest_addr(), 0),
        .remote = endpoint(from, 0),
        .carrier = CV_RAW_ESP,
    };

    (void)arg;
    (void)pcb;
    pbuf_remove_header(p, ip_current_header_tot_len());
    take(p, &pkt);
    return 1;
}

/* ---- what leaves ---------------------------------------------------------------- */

size_t wire_send(const struct cv_packet *pkt)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)pkt->len, PBUF_REF);
    ip4_addr_t to;
    err_t err;

    if (p == NULL)
        return 0;
    p->payload = pkt->buf + pkt->off;
    memcpy(&to.addr, pkt->remote.addr.b, sizeof(to.addr));
    if (pkt->carrier == CV_RAW_ESP)
        err = raw_sendto_if_src(esp, p, &to, &ethernet, netif_ip4_addr(&ethernet));
    else
        err = udp_sendto_if(sockets[pkt->carrier], p, &to, pkt->remote.port, &ethernet);
    pbuf_free(p);
    return err == ERR_OK ? pkt->len + wire_overhead(pkt->carrier) : 0;
}

bool wire_init(void)
{
    static const u16_t ports[] = {[CV_UDP_500] = IKE_PORT, [CV_UDP_4500] = NAT_PORT};

    esp = raw_new(PROTO_ESP);
    if (esp == NULL)
        return false;
    raw_recv(esp, on_esp, NULL);
    for (size_t i = 0; i < 2; i++) {
        sockets[i] = udp_new();
        if (sockets[i] == NULL || udp_bind(sockets[i], IP4_ADDR_ANY, ports[i]) != ERR_OK)
            return false;
        udp_recv(sockets[i], on_udp, NULL);
    }
    return true;
}
