/* Owns: the layout of nf_tables messages and of the expressions that our rules are made of.
 *
 * Numbers in attributes are in network order, values that expressions compare as the kernel
 * keeps them: device indices and address types in the host's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/kernel/nft_rule.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

void nft_begin(struct nl_request *r, uint16_t type, uint16_t flags)
{
    const struct nfgenmsg header = {.nfgen_family = NFPROTO_INET};

    nl_begin(r, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &header, sizeof(header));
}

void nft_text(struct nl_request *r, uint16_t type, const char *text)
{
    nl_attr(r, type, text, strlen(text) + 1);
}

void nft_number(struct nl_request *r, uint16_t type, uint32_t value)
{
    nl_attr_u32(r, type, htonl(value));
}

void nft_bracket(struct nl_batch *b, uint16_t type)
{
    const struct nfgenmsg header = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};
    struct nl_request r;

    nl_begin(&r, type, 0, &header, sizeof(header));
    nl_batch_add(b, &r);
}

void nft_table_add(struct nl_batch *b, const char *table, uint16_t flags, uint32_t table_flags)
{
    struct nl_request r;

    nft_begin(&r, NFT_MSG_NEWTABLE, (uint16_t)(NLM_F_CREATE | flags));
    nft_text(&r, NFTA_TABLE_NAME, table);
    nft_number(&r, NFTA_TABLE_FLAGS, table_flags);
    nl_batch_add(b, &r);
}

void nft_chain_add(struct nl_batch *b, const char *table, const char *chain,
                   const struct nft_hook *hook)
{
    struct nl_request r;
    size_t at;

    nft_begin(&r, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    nft_text(&r, NFTA_CHAIN_TABLE, table);
    nft_text(&r, NFTA_CHAIN_NAME, chain);
    if (hook != NULL) {
        nft_text(&r, NFTA_CHAIN_TYPE, "filter");
        at = nl_nest_begin(&r, NFTA_CHAIN_HOOK);
        nft_number(&r, NFTA_HOOK_HOOKNUM, hook->number);
        nft_number(&r, NFTA_HOOK_PRIORITY, (uint32_t)hook->priority);
        nl_nest_end(&r, at);
    }
    nl_batch_add(b, &r);
}

void nft_rule_begin(struct nft_rule *u, const char *table, const char *chain, uint16_t flags)
{
    nft_begin(&u->r, NFT_MSG_NEWRULE, (uint16_t)(NLM_F_CREATE | NLM_F_APPEND | flags));
    nft_text(&u->r, NFTA_RULE_TABLE, table);
    nft_text(&u->r, NFTA_RULE_CHAIN, chain);
    u->list = nl_nest_begin(&u->r, NFTA_RULE_EXPRESSIONS);
}

void nft_rule_end(struct nft_rule *u, struct nl_batch *b)
{
    nl_nest_end(&u->r, u->list);
    nl_batch_add(b, &u->r);
}

void nft_expr_begin(struct nft_rule *u, const char *name)
{
    u->element = nl_nest_begin(&u->r, NFTA_LIST_ELEM);
    nft_text(&u->r, NFTA_EXPR_NAME, name);
    u->data = nl_nest_begin(&u->r, NFTA_EXPR_DATA);
}

void nft_expr_end(struct nft_rule *u)
{
    nl_nest_end(&u->r, u->data);
    nl_nest_end(&u->r, u->element);
}

void nft_load_meta(struct nft_rule *u, uint32_t key)
{
    nft_expr_begin(u, "meta");
    nft_number(&u->r, NFTA_META_DREG, NFT_REG_1);
    nft_number(&u->r, NFTA_META_KEY, key);
    nft_expr_end(u);
}

void nft_load_fib(struct nft_rule *u, uint32_t of, uint32_t what)
{
    nft_expr_begin(u, "fib");
    nft_number(&u->r, NFTA_FIB_DREG, NFT_REG_1);
    nft_number(&u->r, NFTA_FIB_FLAGS, of);
    nft_number(&u->r, NFTA_FIB_RESULT, what);
    nft_expr_end(u);
}

void nft_load_header(struct nft_rule *u, uint32_t base, uint32_t offset, uint32_t n,
                     uint32_t reg)
{
    nft_expr_begin(u, "payload");
    nft_number(&u->r, NFTA_PAYLOAD_DREG, reg);
    nft_number(&u->r, NFTA_PAYLOAD_BASE, base);
    nft_number(&u->r, NFTA_PAYLOAD_OFFSET, offset);
    nft_number(&u->r, NFTA_PAYLOAD_LEN, n);
    nft_expr_end(u);
}

static void put_value(struct nft_rule *u, uint16_t type, const void *value, size_t n)
{
    size_t data = nl_nest_begin(&u->r, type);

    nl_attr(&u->r, NFTA_DATA_VALUE, value, n);
    nl_nest_end(&u->r, data);
}

void nft_load_value(struct nft_rule *u, const void *value, size_t n, uint32_t reg)
{
    nft_expr_begin(u, "immediate");
    nft_number(&u->r, NFTA_IMMEDIATE_DREG, reg);
    put_value(u, NFTA_IMMEDIATE_DATA, value, n);
    nft_expr_end(u);
}

void nft_mask(struct nft_rule *u, const uint8_t *mask, size_t n, uint32_t reg)
{
    static const uint8_t zero[16];

    nft_expr_begin(u, "bitwise");
    nft_number(&u->r, NFTA_BITWISE_SREG, reg);
    nft_number(&u->r, NFTA_BITWISE_DREG, reg);
    nft_number(&u->r, NFTA_BITWISE_LEN, (uint32_t)n);
    put_value(u, NFTA_BITWISE_MASK, mask, n);
    put_value(u, NFTA_BITWISE_XOR, zero, n);
    nft_expr_end(u);
}

void nft_lookup(struct nft_rule *u, const char *set)
{
    nft_expr_begin(u, "lookup");
    nft_text(&u->r, NFTA_LOOKUP_SET, set);
    nft_number(&u->r, NFTA_LOOKUP_SREG, NFT_REG_1);
    nft_expr_end(u);
}

void nft_compare(struct nft_rule *u, uint32_t op, const void *value, size_t n)
{
    nft_expr_begin(u, "cmp");
    nft_number(&u->r, NFTA_CMP_SREG, NFT_REG_1);
    nft_number(&u->r, NFTA_CMP_OP, op);
    put_value(u, NFTA_CMP_DATA, value, n);
    nft_expr_end(u);
}

void nft_compare_u8(struct nft_rule *u, uint32_t op, uint8_t value)
{
    nft_compare(u, op, &value, sizeof(value));
}

void nft_compare_u32(struct nft_rule *u, uint32_t op, uint32_t value)
{
    nft_compare(u, op, &value, sizeof(value));
}

void nft_count(struct nft_rule *u)
{
    nft_expr_begin(u, "counter");
    nft_expr_end(u);
}

void nft_verdict(struct nft_rule *u, struct nl_batch *b, uint32_t code, const char *chain)
{
    size_t data, verdict;

    nft_expr_begin(u, "immediate");
    nft_number(&u->r, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    data = nl_nest_begin(&u->r, NFTA_IMMEDIATE_DATA);
    verdict = nl_nest_begin(&u->r, NFTA_DATA_VERDICT);
    nft_number(&u->r, NFTA_VERDICT_CODE, code);
    if (chain != NULL)
        nft_text(&u->r, NFTA_VERDICT_CHAIN, chain);
    nl_nest_end(&u->r, verdict);
    nl_nest_end(&u->r, data);
    nft_expr_end(u);
    nft_rule_end(u, b);
}
