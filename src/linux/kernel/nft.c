/* Owns: the table for what comes in: one transaction of a table, its chain and rules.
 * Invariant: the table has the owner flag, so it is in the kernel no longer than the socket.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/kernel/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "linux/kernel/nft_rule.h"

enum {
    LOOPBACK = 1, /* ifindex of lo in every namespace */
    /* Behind connection tracking, which makes fragments whole, and destination NAT (-100):
     * policy is on addresses as the inside knows them. */
    PRIORITY_AT = -99,
    ND_FIRST = 133, /* RFC 4861 */
    ND_LAST = 137,
    XT_INFO_ALIGN = 8
};

static const char chain[] = "inbound";

static void accept_device(struct nl_batch *b, const struct nft_inbound *in, uint32_t ifindex)
{
    struct nft_rule u;

    nft_rule_begin(&u, in->table, chain, 0);
    nft_load_meta(&u, NFT_META_IIF);
    nft_compare_u32(&u, NFT_CMP_EQ, ifindex);
    nft_verdict(&u, b, NF_ACCEPT, NULL);
}

static void accept_unprotected(struct nl_batch *b, const struct nft_inbound *in)
{
    struct nft_rule u;

    nft_rule_begin(&u, in->table, chain, 0);
    nft_load_fib(&u, NFTA_FIB_F_SADDR, NFT_FIB_RESULT_OIF);
    nft_compare_u32(&u, NFT_CMP_NEQ, in->tun);
    nft_compare_u32(&u, NFT_CMP_NEQ, 0);
    nft_verdict(&u, b, NF_ACCEPT, NULL);
}

/* What carries the tunnels themselves.  port 0: any. */
static void accept_carrier(struct nl_batch *b, const struct nft_inbound *in, uint8_t proto,
                           uint16_t port)
{
    const uint16_t dport = htons(port);
    struct nft_rule u;

    nft_rule_begin(&u, in->table, chain, 0);
    nft_load_fib(&u, NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE);
    nft_compare_u32(&u, NFT_CMP_EQ, RTN_LOCAL);
    nft_load_meta(&u, NFT_META_L4PROTO);
    nft_compare_u8(&u, NFT_CMP_EQ, proto);
    if (port != 0) {
        nft_load_header(&u, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(dport), NFT_REG_1);
        nft_compare(&u, NFT_CMP_EQ, &dport, sizeof(dport));
    }
    nft_verdict(&u, b, NF_ACCEPT, NULL);
}

static void accept_neighbors(struct nl_batch *b, const struct nft_inbound *in)
{
    struct nft_rule u;

    nft_rule_begin(&u, in->table, chain, 0);
    nft_load_meta(&u, NFT_META_L4PROTO);
    nft_compare_u8(&u, NFT_CMP_EQ, IPPROTO_ICMPV6);
    nft_load_header(&u, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, NFT_REG_1);
    nft_compare_u8(&u, NFT_CMP_GTE, ND_FIRST);
    nft_compare_u8(&u, NFT_CMP_LTE, ND_LAST);
    nft_verdict(&u, b, NF_ACCEPT, NULL);
}

static void queue_to(struct nft_rule *u, uint16_t number)
{
    const uint16_t be = htons(number);

    nft_expr_begin(u, "queue");
    nl_attr(&u->r, NFTA_QUEUE_NUM, &be, sizeof(be));
    nft_expr_end(u);
}

/* The same by way of the xtables target, which some kernels have instead. */
static void queue_to_by_target(struct nft_rule *u, uint16_t number)
{
    const struct xt_NFQ_info info = {.queuenum = number};
    uint8_t padded[XT_INFO_ALIGN] = {0};

    memcpy(padded, &info, sizeof(info));
    nft_expr_begin(u, "target");
    nft_text(&u->r, NFTA_TARGET_NAME, "NFQUEUE");
    nft_number(&u->r, NFTA_TARGET_REV, 0);
    nl_attr(&u->r, NFTA_TARGET_INFO, padded, sizeof(padded));
    nft_expr_end(u);
}

static void queue_rest(struct nl_batch *b, const struct nft_inbound *in, bool by_target)
{
    struct nft_rule u;

    nft_rule_begin(&u, in->table, chain, NLM_F_ACK);
    nft_count(&u);
    if (by_target)
        queue_to_by_target(&u, in->queue);
    else
        queue_to(&u, in->queue);
    nft_rule_end(&u, b);
}

static int install(struct netlink *nl, const struct nft_inbound *in, bool by_target)
{
    const struct nft_hook hook = {NF_INET_PRE_ROUTING, PRIORITY_AT};
    struct nl_batch b;

    nl_batch_begin(&b, nl);
    nft_bracket(&b, NFNL_MSG_BATCH_BEGIN);
    nft_table_add(&b, in->table, NLM_F_EXCL, NFT_TABLE_F_OWNER);
    nft_chain_add(&b, in->table, chain, &hook);
    accept_device(&b, in, LOOPBACK);
    accept_device(&b, in, in->tun);
    accept_unprotected(&b, in);
    accept_carrier(&b, in, IPPROTO_ESP, 0);
    accept_carrier(&b, in, IPPROTO_AH, 0);
    accept_carrier(&b, in, IPPROTO_UDP, in->port);
    accept_carrier(&b, in, IPPROTO_UDP, in->port_nat_t);
    accept_neighbors(&b, in);
    queue_rest(&b, in, by_target);
    nft_bracket(&b, NFNL_MSG_BATCH_END);
    return netlink_ask_all(nl, &b);
}

int nft_queue_inbound(struct netlink *nl, const struct nft_inbound *in)
{
    int err = install(nl, in, false);

    return err == ENOENT ? install(nl, in, true) : err;
}
