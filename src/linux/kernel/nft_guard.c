/* Owns: the layout of the table that guards what leaves, and of its elements.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/kernel/nft_guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "linux/kernel/nft_rule.h"
#include "linux/kernel/sockaddr.h"
#include "wire/ip.h"

enum {
    PRIORITY_AT = 99, /* before source NAT */
    ND_FIRST = 133,   /* RFC 4861 */
    ND_LAST = 137,
    TYPE_CONCAT_4 = 19 << 6 | 7, /* nft's mark . ipv4_addr, */
    TYPE_CONCAT_6 = 19 << 6 | 8, /* and mark . ipv6_addr, for its listings */
    DST_AT_4 = 16,
    SRC_AT_4 = 12,
    DST_AT_6 = 24,
    SRC_AT_6 = 8,
    ADDR_MAX = 16,
    KEY_MAX = 4 + ADDR_MAX
};

static const char out[] = "out";

/* By the kind of shunt; "first" and "last" are what must go by the device. */
static const struct {
    const char *chain;
    uint32_t verdict;
} shunt_rules[] = {
    [ROUTE_PASS] = {"pass",  NF_ACCEPT},
    [ROUTE_DROP] = {"last",  NF_DROP  },
    [ROUTE_ASK_FIRST] = {"first", NF_DROP  },
    [ROUTE_ASK_LAST] = {"last",  NF_DROP  },
};

static const char *const shunt_chains[] = {"first", "pass", "last"};
enum { SHUNT_CHAINS = 3 };

static const char *set_of(uint8_t family)
{
    return family == CV_IPV6 ? "v6" : "v4";
}

static int transact(struct netlink *nl, struct nl_batch *b)
{
    nft_bracket(b, NFNL_MSG_BATCH_END);
    return netlink_ask_all(nl, b);
}

static void begin(struct nl_batch *b, struct netlink *nl)
{
    nl_batch_begin(b, nl);
    nft_bracket(b, NFNL_MSG_BATCH_BEGIN);
}

/* ---- rules ------------------------------------------------------------------ */

static void mask_of(uint8_t mask[ADDR_MAX], unsigned len)
{
    for (unsigned i = 0; i < ADDR_MAX; i++) {
        unsigned bits = len > 8 * i ? len - 8 * i : 0;

        mask[i] = (uint8_t)(bits >= 8 ? 0xff : 0xff << (8 - bits));
    }
}

static void only_family(struct nft_rule *u, uint8_t family)
{
    nft_load_meta(u, NFT_META_NFPROTO);
    nft_compare_u8(u, NFT_CMP_EQ, family == CV_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
}

static void load_masked(struct nft_rule *u, uint8_t family, uint32_t at, unsigned len,
                        uint32_t reg)
{
    uint8_t mask[ADDR_MAX];

    mask_of(mask, len);
    nft_load_header(u, NFT_PAYLOAD_NETWORK_HEADER, at, (uint32_t)addr_len(family), reg);
    nft_mask(u, mask, addr_len(family), reg);
}

static void only_prefix(struct nft_rule *u, const struct prefix *p, uint32_t at)
{
    uint8_t mask[ADDR_MAX];
    uint8_t value[ADDR_MAX];

    if (p->len == 0)
        return;
    mask_of(mask, p->len);
    for (unsigned i = 0; i < ADDR_MAX; i++)
        value[i] = p->addr.b[i] & mask[i];
    load_masked(u, p->addr.family, at, p->len, NFT_REG_1);
    nft_compare(u, NFT_CMP_EQ, value, addr_len(p->addr.family));
}

static void only_ports(struct nft_rule *u, uint32_t at, uint16_t lo, uint16_t hi)
{
    const uint16_t first = htons(lo), last = htons(hi);

    if (lo == 0 && hi == UINT16_MAX)
        return;
    nft_load_header(u, NFT_PAYLOAD_TRANSPORT_HEADER, at, sizeof(first), NFT_REG_1);
    nft_compare(u, NFT_CMP_GTE, &first, sizeof(first));
    nft_compare(u, NFT_CMP_LTE, &last, sizeof(last));
}

static void only_proto(struct nft_rule *u, uint8_t proto)
{
    if (proto == 0)
        return;
    nft_load_meta(u, NFT_META_L4PROTO);
    nft_compare_u8(u, NFT_CMP_EQ, proto);
}

static void put_selected(struct nl_batch *b, const struct nft_guard *g, const char *chain,
                         const struct route_shunt *s, uint32_t verdict, uint16_t flags)
{
    const bool six = s->to.addr.family == CV_IPV6;
    struct nft_rule u;

    nft_rule_begin(&u, g->table, chain, flags);
    only_family(&u, s->to.addr.family);
    only_prefix(&u, &s->from, six ? SRC_AT_6 : SRC_AT_4);
    only_prefix(&u, &s->to, six ? DST_AT_6 : DST_AT_4);
    only_proto(&u, s->proto);
    only_ports(&u, 0, s->sport_lo, s->sport_hi);
    only_ports(&u, 2, s->dport_lo, s->dport_hi);
    if (verdict == NF_DROP)
        nft_count(&u);
    nft_verdict(&u, b, verdict, NULL);
}

static void put_carriers(struct nl_batch *b, const struct nft_guard *g)
{
    const uint32_t mark = ROUTE_MARK;
    char name[IFNAMSIZ] = {0};
    size_t n = strlen(g->device);
    struct nft_rule u;

    nft_rule_begin(&u, g->table, out, 0);
    nft_load_meta(&u, NFT_META_MARK);
    nft_compare_u32(&u, NFT_CMP_EQ, mark);
    nft_verdict(&u, b, NF_ACCEPT, NULL);
    nft_rule_begin(&u, g->table, out, 0);
    nft_load_meta(&u, NFT_META_OIFNAME);
    memcpy(name, "lo", 2);
    nft_compare(&u, NFT_CMP_EQ, name, sizeof(name));
    nft_verdict(&u, b, NF_ACCEPT, NULL);
    nft_rule_begin(&u, g->table, out, 0);
    nft_load_meta(&u, NFT_META_OIFNAME);
    memcpy(name, g->device, n);
    if (n > 0 && g->device[n - 1] == '*')
        nft_compare(&u, NFT_CMP_EQ, name, n - 1);
    else
        nft_compare(&u, NFT_CMP_EQ, name, sizeof(name));
    nft_verdict(&u, b, NF_ACCEPT, NULL);
}

static void accept_link(struct nl_batch *b, const struct nft_guard *g, struct cv_addr base,
                        uint8_t len)
{
    const struct route_shunt s = {
        .to = {.addr = base, .len = len},
          .sport_hi = UINT16_MAX, .dport_hi = UINT16_MAX
    };

    put_selected(b, g, out, &s, NF_ACCEPT, 0);
}

/* What the host needs to have an address at all. */
static void accept_dhcp(struct nl_batch *b, const struct nft_guard *g, uint8_t family,
                        uint16_t client, uint16_t server)
{
    const struct route_shunt s = {
        .to = {.addr = {.family = family}},
        .proto = IPPROTO_UDP,
        .sport_lo = client,
        .sport_hi = client,
        .dport_lo = server,
        .dport_hi = server,
    };

    put_selected(b, g, out, &s, NF_ACCEPT, 0);
}

static void put_local(struct nl_batch *b, const struct nft_guard *g)
{
    struct nft_rule u;

    nft_rule_begin(&u, g->table, out, 0);
    nft_load_fib(&u, NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE);
    nft_compare_u32(&u, NFT_CMP_EQ, RTN_BROADCAST);
    nft_verdict(&u, b, NF_ACCEPT, NULL);
    accept_link(b, g, (struct cv_addr){CV_IPV4, {224}}, 24);
    accept_link(b, g,
                (struct cv_addr){
                    CV_IPV6, {0xff, 2}
    },
                16);
    accept_link(b, g,
                (struct cv_addr){
                    CV_IPV6, {0xfe, 0x80}
    },
                10);
    accept_dhcp(b, g, CV_IPV4, 68, 67);
    accept_dhcp(b, g, CV_IPV6, 546, 547);
    nft_rule_begin(&u, g->table, out, 0);
    only_proto(&u, IPPROTO_ICMPV6);
    nft_load_header(&u, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, NFT_REG_1);
    nft_compare_u8(&u, NFT_CMP_GTE, ND_FIRST);
    nft_compare_u8(&u, NFT_CMP_LTE, ND_LAST);
    nft_verdict(&u, b, NF_ACCEPT, NULL);
}

static void put_jumps(struct nl_batch *b, const struct nft_guard *g)
{
    for (unsigned i = 0; i < SHUNT_CHAINS; i++) {
        struct nft_rule u;

        nft_rule_begin(&u, g->table, out, i + 1 == SHUNT_CHAINS ? NLM_F_ACK : 0);
        nft_verdict(&u, b, (uint32_t)NFT_JUMP, shunt_chains[i]);
    }
}

/* ---- the table -------------------------------------------------------------- */

static void delete_table(struct nl_batch *b, const struct nft_guard *g, uint16_t flags)
{
    struct nl_request r;

    nft_begin(&r, NFT_MSG_DELTABLE, flags);
    nft_text(&r, NFTA_TABLE_NAME, g->table);
    nl_batch_add(b, &r);
}

static void add_set(struct nl_batch *b, const struct nft_guard *g, uint8_t family)
{
    const bool six = family == CV_IPV6;
    struct nl_request r;

    nft_begin(&r, NFT_MSG_NEWSET, NLM_F_CREATE);
    nft_text(&r, NFTA_SET_TABLE, g->table);
    nft_text(&r, NFTA_SET_NAME, set_of(family));
    nft_number(&r, NFTA_SET_FLAGS, 0);
    nft_number(&r, NFTA_SET_KEY_TYPE, six ? TYPE_CONCAT_6 : TYPE_CONCAT_4);
    nft_number(&r, NFTA_SET_KEY_LEN, (uint32_t)(4 + addr_len(family)));
    nft_number(&r, NFTA_SET_ID, family);
    nl_batch_add(b, &r);
}

static void forget_rules(struct nl_batch *b, const struct nft_guard *g, const char *chain,
                         uint16_t flags)
{
    struct nl_request r;

    nft_begin(&r, NFT_MSG_DELRULE, flags);
    nft_text(&r, NFTA_RULE_TABLE, g->table);
    nft_text(&r, NFTA_RULE_CHAIN, chain);
    nl_batch_add(b, &r);
}

int nft_guard_install(struct netlink *nl, const struct nft_guard *g)
{
    const struct nft_hook hook = {NF_INET_POST_ROUTING, PRIORITY_AT};
    struct nl_batch b;

    begin(&b, nl);
    nft_table_add(&b, g->table, 0, 0);
    if (!g->outlives) {
        delete_table(&b, g, 0);
        nft_table_add(&b, g->table, 0, NFT_TABLE_F_OWNER);
    }
    nft_chain_add(&b, g->table, out, &hook);
    for (unsigned i = 0; i < SHUNT_CHAINS; i++)
        nft_chain_add(&b, g->table, shunt_chains[i], NULL);
    add_set(&b, g, CV_IPV4);
    add_set(&b, g, CV_IPV6);
    forget_rules(&b, g, out, 0);
    for (unsigned i = 0; i < SHUNT_CHAINS; i++)
        forget_rules(&b, g, shunt_chains[i], 0);
    put_carriers(&b, g);
    put_local(&b, g);
    put_jumps(&b, g);
    return transact(nl, &b);
}

int nft_guard_remove(struct netlink *nl, const struct nft_guard *g)
{
    struct nl_batch b;

    begin(&b, nl);
    delete_table(&b, g, NLM_F_ACK);
    return transact(nl, &b);
}

int nft_guard_length(struct netlink *nl, const struct nft_guard *g, uint8_t family, uint8_t len)
{
    const bool six = family == CV_IPV6;
    const uint32_t n = len;
    struct nft_rule u;
    struct nl_batch b;

    begin(&b, nl);
    nft_rule_begin(&u, g->table, out, NLM_F_ACK);
    only_family(&u, family);
    nft_load_value(&u, &n, sizeof(n), NFT_REG32_00);
    load_masked(&u, family, six ? DST_AT_6 : DST_AT_4, len, NFT_REG32_01);
    nft_lookup(&u, set_of(family));
    nft_count(&u);
    nft_verdict(&u, &b, NF_DROP, NULL);
    return transact(nl, &b);
}

static int change_element(struct netlink *nl, const struct nft_guard *g, uint16_t type,
                          uint16_t flags, const struct prefix *to)
{
    const uint32_t len = to->len;
    uint8_t key[KEY_MAX], mask[ADDR_MAX];
    size_t list, element, data;
    struct nl_request r;
    struct nl_batch b;

    mask_of(mask, to->len);
    memcpy(key, &len, sizeof(len));
    for (unsigned i = 0; i < ADDR_MAX; i++)
        key[sizeof(len) + i] = to->addr.b[i] & mask[i];
    begin(&b, nl);
    nft_begin(&r, type, (uint16_t)(flags | NLM_F_ACK));
    nft_text(&r, NFTA_SET_ELEM_LIST_TABLE, g->table);
    nft_text(&r, NFTA_SET_ELEM_LIST_SET, set_of(to->addr.family));
    list = nl_nest_begin(&r, NFTA_SET_ELEM_LIST_ELEMENTS);
    element = nl_nest_begin(&r, NFTA_LIST_ELEM);
    data = nl_nest_begin(&r, NFTA_SET_ELEM_KEY);
    nl_attr(&r, NFTA_DATA_VALUE, key, sizeof(len) + addr_len(to->addr.family));
    nl_nest_end(&r, data);
    nl_nest_end(&r, element);
    nl_nest_end(&r, list);
    nl_batch_add(&b, &r);
    return transact(nl, &b);
}

int nft_guard_add(struct netlink *nl, const struct nft_guard *g, const struct prefix *to)
{
    return change_element(nl, g, NFT_MSG_NEWSETELEM, NLM_F_CREATE, to);
}

int nft_guard_del(struct netlink *nl, const struct nft_guard *g, const struct prefix *to)
{
    int err = change_element(nl, g, NFT_MSG_DELSETELEM, 0, to);

    return err == ENOENT ? 0 : err;
}

int nft_guard_shunt(struct netlink *nl, const struct nft_guard *g, const struct route_shunt *s)
{
    struct nl_batch b;

    begin(&b, nl);
    put_selected(&b, g, shunt_rules[s->kind].chain, s, shunt_rules[s->kind].verdict, NLM_F_ACK);
    return transact(nl, &b);
}

int nft_guard_forget_shunts(struct netlink *nl, const struct nft_guard *g)
{
    struct nl_batch b;

    begin(&b, nl);
    for (unsigned i = 0; i < SHUNT_CHAINS; i++)
        forget_rules(&b, g, shunt_chains[i], i + 1 == SHUNT_CHAINS ? NLM_F_ACK : 0);
    return transact(nl, &b);
}

/* ---- what is in it ---------------------------------------------------------- */

struct listing {
    uint8_t family;
    void (*take)(void *ctx, const struct prefix *to);
    void *ctx;
};

static void take_element(const struct listing *l, struct nl_attrs element)
{
    const size_t n = addr_len(l->family);
    struct nl_attrs in = nl_attr_find(element, NFTA_SET_ELEM_KEY);
    struct nl_attrs key = nl_attr_find(in, NFTA_DATA_VALUE);
    struct prefix p = {0};
    uint32_t len;

    if (key.n != sizeof(len) + n)
        return;
    memcpy(&len, key.p, sizeof(len));
    if (len > 8 * n)
        return;
    p.addr = addr_make(l->family, key.p + sizeof(len));
    p.len = (uint8_t)len;
    l->take(l->ctx, &p);
}

static void take_elements(void *ctx, const void *message, size_t n)
{
    struct nl_attrs list = nl_attr_find(nl_attrs_of(message, n, sizeof(struct nfgenmsg)),
                                        NFTA_SET_ELEM_LIST_ELEMENTS);
    struct nl_attrs element;

    while (nl_attr_next(&list, NULL, &element))
        take_element(ctx, element);
}

int nft_guard_list(struct netlink *nl, const struct nft_guard *g,
                   void (*take)(void *ctx, const struct prefix *to), void *ctx)
{
    struct listing l = {.take = take, .ctx = ctx};
    int err = 0;

    for (unsigned i = 0; i < 2 && err == 0; i++) {
        struct nl_request r;

        l.family = i == 0 ? CV_IPV4 : CV_IPV6;
        nft_begin(&r, NFT_MSG_GETSETELEM, 0);
        nft_text(&r, NFTA_SET_ELEM_LIST_TABLE, g->table);
        nft_text(&r, NFTA_SET_ELEM_LIST_SET, set_of(l.family));
        err = netlink_dump(nl, &r, take_elements, &l);
    }
    return err;
}
