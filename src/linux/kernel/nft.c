/* Owns: the layout of nf_tables messages: one transaction of a table, its chain and rules.
 * Invariant: the table has the owner flag, so it is in the kernel no longer than the socket.
 *
 * Numbers in attributes are in network order, values that expressions compare as the kernel
 * keeps them: device indices and address types in the host's.
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

/* ---- messages ---- */

static void attr_text(struct nl_request *r, uint16_t type, const char *text)
{
    nl_attr(r, type, text, strlen(text) + 1);
}

static void attr_number(struct nl_request *r, uint16_t type, uint32_t value)
{
    nl_attr_u32(r, type, htonl(value));
}

static void message_begin(struct nl_request *r, uint16_t type, uint16_t flags)
{
    const struct nfgenmsg header = {.nfgen_family = NFPROTO_INET};

    nl_begin(r, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &header, sizeof(header));
}

/* Begins or ends the transaction. */
static void add_bracket(struct nl_batch *b, uint16_t type)
{
    const struct nfgenmsg header = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};
    struct nl_request r;

    nl_begin(&r, type, 0, &header, sizeof(header));
    nl_batch_add(b, &r);
}

static void add_table(struct nl_batch *b, const struct nft_inbound *in)
{
    struct nl_request r;

    message_begin(&r, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
    attr_text(&r, NFTA_TABLE_NAME, in->table);
    attr_number(&r, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
    nl_batch_add(b, &r);
}

static void add_chain(struct nl_batch *b, const struct nft_inbound *in)
{
    struct nl_request r;
    size_t hook;

    message_begin(&r, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    attr_text(&r, NFTA_CHAIN_TABLE, in->table);
    attr_text(&r, NFTA_CHAIN_NAME, chain);
    attr_text(&r, NFTA_CHAIN_TYPE, "filter");
    hook = nl_nest_begin(&r, NFTA_CHAIN_HOOK);
    attr_number(&r, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
    attr_number(&r, NFTA_HOOK_PRIORITY, (uint32_t)PRIORITY_AT);
    nl_nest_end(&r, hook);
    nl_batch_add(b, &r);
}

/* ---- rules ---- */

struct rule {
    struct nl_request r;
    size_t list, element, data;
};

static void rule_begin(struct rule *u, const struct nft_inbound *in, uint16_t flags)
{
    message_begin(&u->r, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | flags);
    attr_text(&u->r, NFTA_RULE_TABLE, in->table);
    attr_text(&u->r, NFTA_RULE_CHAIN, chain);
    u->list = nl_nest_begin(&u->r, NFTA_RULE_EXPRESSIONS);
}

static void rule_end(struct rule *u, struct nl_batch *b)
{
    nl_nest_end(&u->r, u->list);
    nl_batch_add(b, &u->r);
}

static void expr_begin(struct rule *u, const char *name)
{
    u->element = nl_nest_begin(&u->r, NFTA_LIST_ELEM);
    attr_text(&u->r, NFTA_EXPR_NAME, name);
    u->data = nl_nest_begin(&u->r, NFTA_EXPR_DATA);
}

static void expr_end(struct rule *u)
{
    nl_nest_end(&u->r, u->data);
    nl_nest_end(&u->r, u->element);
}

static void load_meta(struct rule *u, enum nft_meta_keys key)
{
    expr_begin(u, "meta");
    attr_number(&u->r, NFTA_META_DREG, NFT_REG_1);
    attr_number(&u->r, NFTA_META_KEY, key);
    expr_end(u);
}

static void load_fib(struct rule *u, enum nft_fib_flags of, enum nft_fib_result what)
{
    expr_begin(u, "fib");
    attr_number(&u->r, NFTA_FIB_DREG, NFT_REG_1);
    attr_number(&u->r, NFTA_FIB_FLAGS, of);
    attr_number(&u->r, NFTA_FIB_RESULT, what);
    expr_end(u);
}

/* Of the header behind IP's. */
static void load_upper(struct rule *u, uint32_t offset, uint32_t n)
{
    expr_begin(u, "payload");
    attr_number(&u->r, NFTA_PAYLOAD_DREG, NFT_REG_1);
    attr_number(&u->r, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
    attr_number(&u->r, NFTA_PAYLOAD_OFFSET, offset);
    attr_number(&u->r, NFTA_PAYLOAD_LEN, n);
    expr_end(u);
}

static void compare(struct rule *u, enum nft_cmp_ops op, const void *value, size_t n)
{
    size_t data;

    expr_begin(u, "cmp");
    attr_number(&u->r, NFTA_CMP_SREG, NFT_REG_1);
    attr_number(&u->r, NFTA_CMP_OP, op);
    data = nl_nest_begin(&u->r, NFTA_CMP_DATA);
    nl_attr(&u->r, NFTA_DATA_VALUE, value, n);
    nl_nest_end(&u->r, data);
    expr_end(u);
}

static void compare_u8(struct rule *u, enum nft_cmp_ops op, uint8_t value)
{
    compare(u, op, &value, sizeof(value));
}

static void compare_u32(struct rule *u, enum nft_cmp_ops op, uint32_t value)
{
    compare(u, op, &value, sizeof(value));
}

static void accept_and_end(struct rule *u, struct nl_batch *b)
{
    size_t data, verdict;

    expr_begin(u, "immediate");
    attr_number(&u->r, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    data = nl_nest_begin(&u->r, NFTA_IMMEDIATE_DATA);
    verdict = nl_nest_begin(&u->r, NFTA_DATA_VERDICT);
    attr_number(&u->r, NFTA_VERDICT_CODE, NF_ACCEPT);
    nl_nest_end(&u->r, verdict);
    nl_nest_end(&u->r, data);
    expr_end(u);
    rule_end(u, b);
}

static void accept_device(struct nl_batch *b, const struct nft_inbound *in, uint32_t ifindex)
{
    struct rule u;

    rule_begin(&u, in, 0);
    load_meta(&u, NFT_META_IIF);
    compare_u32(&u, NFT_CMP_EQ, ifindex);
    accept_and_end(&u, b);
}

static void accept_unprotected(struct nl_batch *b, const struct nft_inbound *in)
{
    struct rule u;

    rule_begin(&u, in, 0);
    load_fib(&u, NFTA_FIB_F_SADDR, NFT_FIB_RESULT_OIF);
    compare_u32(&u, NFT_CMP_NEQ, in->tun);
    compare_u32(&u, NFT_CMP_NEQ, 0);
    accept_and_end(&u, b);
}

/* What carries the tunnels themselves.  port 0: any. */
static void accept_carrier(struct nl_batch *b, const struct nft_inbound *in, uint8_t proto,
                           uint16_t port)
{
    const uint16_t dport = htons(port);
    struct rule u;

    rule_begin(&u, in, 0);
    load_fib(&u, NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE);
    compare_u32(&u, NFT_CMP_EQ, RTN_LOCAL);
    load_meta(&u, NFT_META_L4PROTO);
    compare_u8(&u, NFT_CMP_EQ, proto);
    if (port != 0) {
        load_upper(&u, 2, sizeof(dport));
        compare(&u, NFT_CMP_EQ, &dport, sizeof(dport));
    }
    accept_and_end(&u, b);
}

static void accept_neighbors(struct nl_batch *b, const struct nft_inbound *in)
{
    struct rule u;

    rule_begin(&u, in, 0);
    load_meta(&u, NFT_META_L4PROTO);
    compare_u8(&u, NFT_CMP_EQ, IPPROTO_ICMPV6);
    load_upper(&u, 0, 1);
    compare_u8(&u, NFT_CMP_GTE, ND_FIRST);
    compare_u8(&u, NFT_CMP_LTE, ND_LAST);
    accept_and_end(&u, b);
}

static void queue_to(struct rule *u, uint16_t number)
{
    const uint16_t be = htons(number);

    expr_begin(u, "queue");
    nl_attr(&u->r, NFTA_QUEUE_NUM, &be, sizeof(be));
    expr_end(u);
}

/* The same by way of the xtables target, which some kernels have instead. */
static void queue_to_by_target(struct rule *u, uint16_t number)
{
    const struct xt_NFQ_info info = {.queuenum = number};
    uint8_t padded[XT_INFO_ALIGN] = {0};

    memcpy(padded, &info, sizeof(info));
    expr_begin(u, "target");
    attr_text(&u->r, NFTA_TARGET_NAME, "NFQUEUE");
    attr_number(&u->r, NFTA_TARGET_REV, 0);
    nl_attr(&u->r, NFTA_TARGET_INFO, padded, sizeof(padded));
    expr_end(u);
}

static void queue_rest(struct nl_batch *b, const struct nft_inbound *in, bool by_target)
{
    struct rule u;

    rule_begin(&u, in, NLM_F_ACK);
    expr_begin(&u, "counter");
    expr_end(&u);
    if (by_target)
        queue_to_by_target(&u, in->queue);
    else
        queue_to(&u, in->queue);
    rule_end(&u, b);
}

static int install(struct netlink *nl, const struct nft_inbound *in, bool by_target)
{
    struct nl_batch b;

    nl_batch_begin(&b, nl);
    add_bracket(&b, NFNL_MSG_BATCH_BEGIN);
    add_table(&b, in);
    add_chain(&b, in);
    accept_device(&b, in, LOOPBACK);
    accept_device(&b, in, in->tun);
    accept_unprotected(&b, in);
    accept_carrier(&b, in, IPPROTO_ESP, 0);
    accept_carrier(&b, in, IPPROTO_AH, 0);
    accept_carrier(&b, in, IPPROTO_UDP, in->port);
    accept_carrier(&b, in, IPPROTO_UDP, in->port_nat_t);
    accept_neighbors(&b, in);
    queue_rest(&b, in, by_target);
    add_bracket(&b, NFNL_MSG_BATCH_END);
    return netlink_ask_all(nl, &b);
}

int nft_queue_inbound(struct netlink *nl, const struct nft_inbound *in)
{
    int err = install(nl, in, false);

    return err == ENOENT ? install(nl, in, true) : err;
}
