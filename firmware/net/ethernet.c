/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ethernet.h"

#include "board/board.h"
#include "lwip/etharp.h"
#include "netif/ethernet.h"

struct netif ethernet;

static uint8_t frame[BOARD_FRAME_MAX]; /* one at a time, in either direction */

static err_t send(struct netif *netif, struct pbuf *p)
{
    (void)netif;
    if (p->tot_len > sizeof(frame))
        return ERR_BUF;
    board_send(frame, pbuf_copy_partial(p, frame, p->tot_len, 0));
    return ERR_OK;
}

static err_t set_up(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->output = etharp_output;
    netif->linkoutput = send;
    netif->mtu = 1500;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    board_mac(netif->hwaddr);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

void ethernet_init(void)
{
    netif_add_noaddr(&ethernet, NULL, set_up, ethernet_input);
    netif_set_up(&ethernet);
}

/* Without a buffer the frame is dropped, as by any network. */
void ethernet_poll(void)
{
    size_t n;

    while ((n = board_receive(frame)) > 0) {
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_POOL);

        if (p == NULL)
            continue;
        pbuf_take(p, frame, (u16_t)n);
        if (ethernet.input(p, &ethernet) != ERR_OK)
            pbuf_free(p);
    }
}
