/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tunnel.h"

#include <string.h>

#include "board/board.h"
#include "crypto.h"
#include "device.h"
#include "device_config.h"
#include "gateway.h"
#include "lwip/ip4.h"
#include "lwip/prot/ip4.h"
#include "lwip/raw.h"
#include "lwip/udp.h"
#include "net/ethernet.h"
#include "net/hooks.h"
#include "net/wire.h"

enum {
    TUNNEL_MTU = 1400,
    ENGINE_OCTETS = 36 * 1024,
    RETRY_FIRST_MS = 1000,
    RETRY_MAX_MS = 300000
};

struct netif tunnel;

static _Alignas(max_align_t) uint8_t memory[ENGINE_OCTETS];
static struct cv_engine *engine;
static uint32_t ike, child; /* numbers of our SAs; 0: none */
static enum tunnel_state state;
static struct cv_lease lease;
static uint64_t retry_at;
static uint32_t retry_ms;
static struct tunnel_counts counts;

/* ---- what leaves ---------------------------------------------------------------- */

static uint8_t packet[CV_HEADROOM + TUNNEL_MTU + CV_TAILROOM]; /* one at a time */

static void drain(uint64_t now);

/* lwIP's output function of the tunnel: an IP packet of the device. */
static err_t output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    struct cv_packet pkt = {
        .buf = packet, .cap = sizeof(packet), .off = CV_HEADROOM, .len = p->tot_len};

    (void)netif;
    (void)to;
    if (p->tot_len > TUNNEL_MTU)
        return ERR_BUF;
    pbuf_copy_partial(p, packet + CV_HEADROOM, p->tot_len, 0);
    cv_output(engine, &pkt, 1, board_now());
    if (pkt.verdict != CV_TRANSMIT) {
        counts.refused++;
        return ERR_RTE;
    }
    counts.wire_out += wire_send(&pkt);
    return ERR_OK;
}

static void send_message(const struct cv_effect *fx)
{
    struct cv_packet pkt = {.buf = packet,
                            .cap = sizeof(packet),
                            .len = fx->u.send.data.n,
                            .local = fx->u.send.local,
                            .remote = fx->u.send.remote,
                            .carrier = fx->u.send.carrier};

    if (pkt.len > sizeof(packet))
        return;
    memcpy(packet, fx->u.send.data.p, pkt.len);
    counts.wire_out += wire_send(&pkt);
}

/* ---- what comes ----------------------------------------------------------------- */

/* pbuf p holds pkt, in one piece, and is ours. */
void tunnel_input(struct pbuf *p, struct cv_packet *pkt)
{
    uint64_t now = board_now();

    counts.wire_in += pkt->len + wire_overhead(pkt->carrier);
    cv_input(engine, pkt, 1, now);
    if (pkt->verdict == CV_DELIVER && pbuf_remove_header(p, pkt->off) == 0) {
        pbuf_realloc(p, (u16_t)pkt->len);
        if (tunnel.input(p, &tunnel) == ERR_OK)
            p = NULL;
    }
    if (p != NULL)
        pbuf_free(p);
    drain(now);
}

/* What comes in the clear must not look as if it had come through the tunnel, and while there
 * is none it may be DHCP and IKE alone: see the policies. */
int tunnel_guard(struct pbuf *p, struct netif *netif)
{
    struct cv_packet pkt = {.buf = p->payload, .cap = p->len, .len = p->len};

    if (netif != &ethernet)
        return 0;
    if (p->next == NULL) {
        cv_clear(engine, &pkt, 1, board_now());
        if (pkt.verdict == CV_BYPASS)
            return 0;
    }
    counts.refused++;
    pbuf_free(p);
    return 1;
}

static bool add_policies(void)
{
    enum { DHCP_CLIENT = 68, PROTO_UDP = 17 };
    const struct cv_ts any = {
        .family = CV_IPV4, .port_hi = 65535, .hi = {255, 255, 255, 255}
    };
    struct cv_policy dhcp = {CV_POLICY_BYPASS, CV_IN, 1, 0, any, any};
    const struct cv_policy rest = {CV_POLICY_PROTECT, CV_IN, UINT32_MAX, 0, any, any};
    uint32_t number;

    dhcp.local.proto = dhcp.remote.proto = PROTO_UDP;
    dhcp.local.port_lo = dhcp.local.port_hi = DHCP_CLIENT;
    return cv_policy_add(engine, &dhcp, &number) == CV_OK &&
           cv_policy_add(engine, &rest, &number) == CV_OK;
}

/* ---- what happens --------------------------------------------------------------- */

static void set_address(void)
{
    ip4_addr_t address, mask;

    IP4_ADDR(&mask, 255, 255, 255, 255);
    memcpy(&address.addr, lease.v4.b, sizeof(address.addr));
    netif_set_addr(&tunnel, &address, &mask, NULL);
}

/* Every attempt is a new one; the wait between two grows. */
static void came_down(uint64_t now)
{
    state = TUNNEL_DOWN;
    ike = child = 0;
    retry_at = now + retry_ms;
    retry_ms = retry_ms * 2 < RETRY_MAX_MS ? retry_ms * 2 : RETRY_MAX_MS;
    netif_set_link_down(&tunnel);
}

/* An IKE SA without its Child SA is of no use; its event comes when the gateway knows. */
static void end(uint64_t now)
{
    if (cv_terminate_ike(engine, ike, false, now) != CV_OK)
        came_down(now);
}

static void on_event(const struct cv_effect *fx, uint64_t now)
{
    switch (fx->u.event.kind) {
    case CV_EV_ADDRESS:
        lease = fx->u.event.lease;
        set_address();
        break;
    case CV_EV_CHILD_UP:
        child = fx->u.event.child;
        state = TUNNEL_UP;
        retry_ms = RETRY_FIRST_MS;
        netif_set_link_up(&tunnel);
        break;
    case CV_EV_CHILD_REKEYED:
        child = fx->u.event.child_new;
        counts.child_rekeys++;
        break;
    case CV_EV_IKE_REKEYED:
        ike = fx->u.event.ike_new;
        counts.ike_rekeys++;
        break;
    case CV_EV_CHILD_FAILED:
    case CV_EV_CHILD_DOWN:
        if (state != TUNNEL_UP || fx->u.event.child == child)
            end(now);
        break;
    case CV_EV_IKE_DOWN:
        if (fx->ike == ike)
            came_down(now);
        break;
    case CV_EV_ALARM:
    case CV_EV_PEER_ALARM:
        counts.alarms++;
        break;
    default:
        break;
    }
}

static void drain(uint64_t now)
{
    struct cv_effect fx;

    while (cv_next_effect(engine, &fx)) {
        if (fx.kind == CV_SEND)
            send_message(&fx);
        else if (fx.kind == CV_EVENT)
            on_event(&fx, now);
        else
            gateway_answer(engine, &fx, now);
    }
}

/* ---- life ----------------------------------------------------------------------- */

static void connect(uint64_t now)
{
    struct cv_endpoint local = {.addr.family = CV_IPV4, .port = 500};
    struct cv_endpoint remote = {.addr.family = CV_IPV4, .port = 500};
    ip4_addr_t gateway;

    ip4addr_aton(CULVERT_GATEWAY_ADDRESS, &gateway);
    memcpy(local.addr.b, netif_ip4_addr(&ethernet), 4);
    memcpy(remote.addr.b, &gateway.addr, 4);
    if (cv_initiate(engine, &gateway_conn, &gateway_child, &local, &remote, now, &ike) == CV_OK)
        state = TUNNEL_CONNECTING;
    else
        came_down(now);
}

static err_t set_up(struct netif *netif)
{
    netif->name[0] = 'c';
    netif->name[1] = 'v';
    netif->output = output;
    netif->mtu = TUNNEL_MTU;
    return ERR_OK;
}

void tunnel_init(void)
{
    const struct cv_settings settings = {
        .limits = {.ike_sas = 2,
                   .child_sas = 3,
                   .conns = 1,
                   .handshakes = 2,
                   .messages = 5,
                   .message_size = 1280,
                   .effects = 16,
                   .hot_keys = 6,
                   .policies = 2,
                   .gathers = 1,
                   .roams = 1},
        .crypto = &device_crypto,
        .tunnel_mss = TUNNEL_MTU - 40,
        .keepalive_ms = DEVICE_KEEPALIVE_MS,
    };

    netif_add_noaddr(&tunnel, NULL, set_up, ip4_input);
    netif_set_up(&tunnel);
    netif_set_default(&tunnel);
    device_say("octets of the engine:", cv_engine_size(&settings.limits));
    if (!wire_init() ||
        cv_engine_init(&engine, memory, sizeof(memory), &settings, board_now()) != CV_OK ||
        cv_conn_add(engine, &gateway_conn) != CV_OK || !add_policies())
        device_failed("tunnel_init");
    retry_ms = RETRY_FIRST_MS;
}

uint64_t tunnel_poll(uint64_t now)
{
    uint64_t deadline;

    if (state == TUNNEL_DOWN && now >= retry_at && !ip4_addr_isany(netif_ip4_addr(&ethernet)))
        connect(now);
    if (cv_next_deadline(engine) <= now)
        cv_tick(engine, now);
    drain(now);
    deadline = cv_next_deadline(engine);
    return state == TUNNEL_DOWN && retry_at < deadline ? retry_at : deadline;
}

enum tunnel_state tunnel_state(void)
{
    return state;
}

struct cv_addr tunnel_dns(void)
{
    return lease.n_dns > 0 ? lease.dns[0] : (struct cv_addr){.family = CV_ANY_FAMILY};
}

enum cv_err tunnel_rekey_child(void)
{
    return cv_rekey_child(engine, child, board_now());
}

enum cv_err tunnel_rekey_ike(void)
{
    return cv_rekey_ike(engine, ike, false, board_now());
}

void tunnel_moved(void)
{
    uint64_t now = board_now();

    if (state == TUNNEL_UP && cv_probe(engine, ike, now) != CV_OK)
        end(now);
    drain(now);
}

void tunnel_close(void)
{
    end(board_now());
    drain(board_now());
}

const struct tunnel_counts *tunnel_counts(void)
{
    return &counts;
}
