/* The messages of nf_tables, and the expressions that our rules are made of: written from left
 * to right, as nft(8) would.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_KERNEL_NFT_RULE_H
#define LINUX_KERNEL_NFT_RULE_H

#include "linux/kernel/nl.h"

/* type: NFT_MSG_... */
void nft_begin(struct nl_request *r, uint16_t type, uint16_t flags);
void nft_text(struct nl_request *r, uint16_t type, const char *text);
void nft_number(struct nl_request *r, uint16_t type, uint32_t value);

/* NFNL_MSG_BATCH_BEGIN or _END: what is between is one transaction. */
void nft_bracket(struct nl_batch *b, uint16_t type);

/* flags: NLM_F_EXCL and the like; table_flags: NFT_TABLE_F_OWNER or 0. */
void nft_table_add(struct nl_batch *b, const char *table, uint16_t flags, uint32_t table_flags);

/* Where a chain hangs; a chain without a hook is jumped to. */
struct nft_hook {
    uint32_t number; /* NF_INET_... */
    int priority;
};

void nft_chain_add(struct nl_batch *b, const char *table, const char *chain,
                   const struct nft_hook *hook);

/* A rule being written; it goes to the end of its chain. */
struct nft_rule {
    struct nl_request r;
    size_t list, element, data;
};

void nft_rule_begin(struct nft_rule *u, const char *table, const char *chain, uint16_t flags);
void nft_rule_end(struct nft_rule *u, struct nl_batch *b);

void nft_expr_begin(struct nft_rule *u, const char *name);
void nft_expr_end(struct nft_rule *u);

/* Into register 1: a key of NFT_META, a result of NFT_FIB. */
void nft_load_meta(struct nft_rule *u, uint32_t key);
void nft_load_fib(struct nft_rule *u, uint32_t of, uint32_t what);
/* Octets of a header whose base is NFT_PAYLOAD_..., or of our own, into a register. */
void nft_load_header(struct nft_rule *u, uint32_t base, uint32_t offset, uint32_t n,
                     uint32_t reg);
void nft_load_value(struct nft_rule *u, const void *value, size_t n, uint32_t reg);
void nft_mask(struct nft_rule *u, const uint8_t *mask, size_t n, uint32_t reg);
/* What is in the registers from 1 on is in the set, or the rule ends. */
void nft_lookup(struct nft_rule *u, const char *set);

/* With register 1; op is NFT_CMP_... */
void nft_compare(struct nft_rule *u, uint32_t op, const void *value, size_t n);
void nft_compare_u8(struct nft_rule *u, uint32_t op, uint8_t value);
void nft_compare_u32(struct nft_rule *u, uint32_t op, uint32_t value);

void nft_count(struct nft_rule *u);
/* Ends the rule with a verdict: NF_ACCEPT, NF_DROP, or NFT_JUMP to a chain. */
void nft_verdict(struct nft_rule *u, struct nl_batch *b, uint32_t code, const char *chain);

#endif
