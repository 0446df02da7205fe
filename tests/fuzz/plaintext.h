/* The plaintext of an IKE message as a list of payloads that can be changed one by one.
 *
 * Bodies are views: into the input, into the message that was opened, or into the copies
 * that a list keeps of what was changed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_PLAINTEXT_H
#define TESTS_FUZZ_PLAINTEXT_H

#include "fuzz.h"
#include "snapshot.h"
#include "wire/ike.h"

enum { ITEMS_MAX = 40, PLAIN_MAX = 8192 };

/* One payload of a plaintext being made. */
struct item {
    uint8_t type;
    struct cv_span body;
};

struct items {
    struct item item[ITEMS_MAX];
    unsigned n;
    uint8_t changed[PLAIN_MAX]; /* copies of bodies that were changed */
    size_t n_changed;
};

static inline struct cv_span some(struct rd *r, size_t n)
{
    return rd_take(r, n < rd_left(r) ? n : rd_left(r));
}

/* Payloads that need to know the victim's state to get past its first check. */
static inline struct cv_span clever_body(const struct host *h, const struct ike_sa *sa,
                                         uint8_t type, uint8_t how)
{
    static uint8_t buf[64];
    struct wr w = wr_init(buf, sizeof(buf));
    const struct child_sa *c =
        sa->peer.children == POOL_NONE ? NULL : child_at(&ike_of(h)->core, sa->peer.children);
    uint32_t spi = c == NULL ? 0 : how & 1 ? c->spi_in : c->spi_out;

    wr_u8(&w, CV_PROTO_ESP);
    wr_u8(&w, 4); /* octets of an SPI */
    if (type == PL_DELETE)
        wr_u16(&w, 1); /* how many */
    else
        wr_u16(&w, how & 2 ? N_CHILD_SA_NOT_FOUND : N_REKEY_SA);
    wr_u32(&w, spi);
    return wr_done(&w);
}

/* Reads payloads from the input: type, length, body; a type above 0x80 asks for a body
 * that fits the victim. */
static inline void read_items(struct items *out, struct rd *r, const struct host *h,
                              const struct ike_sa *sa, unsigned n)
{
    out->n = 0;
    for (unsigned i = 0; i < n && out->n < ITEMS_MAX && rd_left(r) > 0; i++) {
        uint8_t type = rd_u8(r);
        size_t len = rd_u16(r);
        struct item item = {type & 0x7f, span(NULL, 0)};

        item.body =
            type & 0x80 ? clever_body(h, sa, item.type, (uint8_t)(len & 0xff)) : some(r, len);
        out->item[out->n++] = item;
    }
}

/* Takes a plaintext apart; as far as it is well-formed, which ours are. */
static inline void split_chain(struct items *out, uint8_t first, struct cv_span chain)
{
    struct rd r = rd_init(chain);

    out->n = 0;
    for (uint8_t type = first; type != PL_NONE && out->n < ITEMS_MAX; out->n++) {
        uint8_t next = rd_u8(&r);
        struct rd body;

        rd_u8(&r);
        body = rd_block16(&r, IKE_PAYLOAD_HDR_LEN);
        FUZZ_CHECK(rd_ok(&r));
        out->item[out->n] = (struct item){type, rd_rest(&body)};
        type = next;
    }
}

static inline struct cv_span join_chain(const struct items *items, uint8_t *first)
{
    static uint8_t plain[PLAIN_MAX];
    struct wr w = wr_init(plain, sizeof(plain));
    struct ike_chain c = ike_chain_init(&w, SIZE_MAX);

    for (unsigned i = 0; i < items->n; i++)
        ike_put_payload(&c, items->item[i].type, items->item[i].body);
    *first = c.first;
    return wr_done(&w);
}

static inline void items_remove(struct items *items, unsigned i)
{
    items->n--;
    memmove(&items->item[i], &items->item[i + 1], (items->n - i) * sizeof(items->item[0]));
}

static inline void items_insert(struct items *items, unsigned i, struct item item)
{
    if (items->n == ITEMS_MAX)
        return;
    memmove(&items->item[i + 1], &items->item[i], (items->n - i) * sizeof(items->item[0]));
    items->item[i] = item;
    items->n++;
}

static inline void item_flip(struct items *items, struct item *item, size_t at, uint8_t change)
{
    uint8_t *copy = items->changed + items->n_changed;
    const size_t n = item->body.n;

    if (n == 0 || n > sizeof(items->changed) - items->n_changed)
        return;
    memcpy(copy, item->body.p, n);
    copy[at % n] ^= change;
    item->body.p = copy;
    items->n_changed += n;
}

#endif
