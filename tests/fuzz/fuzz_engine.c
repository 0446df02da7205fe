/* Two engines in a simulated world, a network that lies to them, and peers that lie
 * under correct keys.
 *
 * The first two octets of the input choose the connections and how far they have come;
 * the rest is a list of steps (see enum step).  What must hold:
 *   - the world's invariants, after every step;
 *   - a datagram that is not authentic changes nothing in an SA that has keys;
 *   - whatever happened, all SAs can be closed and every table is empty afterwards.
 *
 * An authentic lie is made in one of two ways.  SEAL writes a message of its own under
 * the keys that the victim shares with its peer.  EDIT opens a message that the network
 * holds, changes payloads in it and seals it again, so that the parts that were left
 * alone (AUTH, nonces, SPIs) are those that the victim expects.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine_bench.h"
#include "ike/sk.h"
#include "plaintext.h"
#include "sim/crypto.h"

enum { STEPS_MAX = 24, EDITS_MAX = 6, MESSAGE_MAX = 9000 };

enum step { RAW, REPLAY, SEAL, EDIT, GO, COMMAND, HOLD, PING, STEP_KINDS };

enum edit { DROP, DOUBLE, FLIP, CUT, INSERT, RETYPE, HEADER, EDIT_KINDS };

enum command { INITIATE, REKEY_IKE, REKEY_CHILD, DELETE_IKE, DELETE_CHILD, COMMANDS };

/* The n-th SA of h that can open messages, or NULL. */
static struct ike_sa *pick_sa(const struct host *h, unsigned n)
{
    struct ike *k = ike_of(h);
    struct ike_sa *found[SAS_MAX];
    unsigned count = 0;

    for (uint32_t i = 0; i < k->core.sas.cap; i++)
        if (is_keyed(sa_at(k, i)) && sa_at(k, i)->state != ST_DEAD)
            found[count++] = sa_at_mut(k, i);
    return count == 0 ? NULL : found[n % count];
}

/* Seals under the real backend: the world's watches over nonces, and a liar's IVs are
 * those of the honest peer. */
static void seal_and_inject(struct bench *b, const struct ike_sa *victim,
                            const struct sk_message *m)
{
    static const uint8_t marker[4];
    static uint8_t msg[MESSAGE_MAX];
    struct wr w = wr_init(msg, sizeof(msg));
    const struct cv_crypto *c = &cv_crypto_openssl;
    const struct sk_keys keys = *sa_keys_in(victim);
    const struct cv_endpoint src = victim->peer.remote, dst = victim->peer.local;
    const uint8_t carrier = victim->peer.carrier;
    struct ike_algs algs;
    enum cv_err err;

    FUZZ_CHECK(ike_algs_find(&algs, c, &victim->suite) == CV_OK);
    err = m->total == 0 ? sk_seal(&w, c, &algs, &keys, m)
                        : sk_seal_fragment(&w, c, &algs, &keys, m);
    if (err != CV_OK)
        return;
    if (carrier == CV_UDP_4500) {
        memmove(msg + sizeof(marker), msg, w.n);
        memcpy(msg, marker, sizeof(marker));
        w.n += sizeof(marker);
    }
    net_inject(&b->duo->w->net, &src, &dst, carrier, span(msg, w.n));
    world_settle(b->duo->w);
}

static void step_raw(struct bench *b, struct rd *r)
{
    uint8_t how = rd_u8(r);
    const struct host *to = b->host[how & 1], *other = b->host[~how & 1];
    const bool nat_t = how & 2;
    struct cv_endpoint src = {how & 4 ? other->v4 : recipe_v4(203, 0, 113, 9),
                              nat_t ? 4500 : 500};
    struct cv_endpoint dst = {to->v4, nat_t ? 4500 : 500};
    struct cv_span data = some(r, rd_u16(r));

    inject_unauthentic(b, &src, &dst, nat_t ? CV_UDP_4500 : CV_UDP_500, data);
}

/* A datagram that was sent, with one octet changed or the end cut off. */
static void step_replay(struct bench *b, struct rd *r)
{
    uint8_t which = rd_u8(r), change = rd_u8(r);
    size_t at = rd_u16(r), n;
    const struct datagram *d;
    uint8_t *copy;

    if (b->tape.n == 0)
        return;
    d = b->tape.d[which % b->tape.n];
    if (d->n == 0)
        return;
    n = d->n;
    copy = malloc(n);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, d->data, n);
    if (change != 0)
        copy[at % n] ^= change;
    else
        n = at % n;
    inject_unauthentic(b, &d->src, &d->dst, d->carrier, span(copy, n));
    free(copy);
}

static void step_seal(struct bench *b, struct rd *r)
{
    static struct items items;
    uint8_t how = rd_u8(r), which = rd_u8(r), kind = rd_u8(r);
    const struct host *h = b->host[how & 1];
    const struct ike_sa *sa = pick_sa(h, which);
    const bool response = how & 2;
    struct sk_message m = {.hdr = {.version = 0x20}};

    if (sa == NULL)
        return;
    memcpy(m.hdr.spi_i, sa->peer.spi_i, sizeof(m.hdr.spi_i));
    memcpy(m.hdr.spi_r, sa->peer.spi_r, sizeof(m.hdr.spi_r));
    m.hdr.exchange = (uint8_t)(EX_SA_INIT + (kind & 7));
    m.hdr.flags =
        (uint8_t)((sa->peer.initiator ? 0 : IKE_F_INITIATOR) | (response ? IKE_F_RESPONSE : 0));
    m.hdr.msg_id = response ? sa->next_out - 1 : sa->next_in;
    m.hdr.msg_id += (uint32_t)(how >> 6) - (how & 0x20 ? 1U : 0U);
    if (how & 4) {
        m.no = rd_u8(r);
        m.total = rd_u8(r);
        m.no = m.total == 0 ? 0 : m.no;
    }
    if (how & 8) {
        m.first = rd_u8(r);
        m.plain = some(r, rd_u16(r));
    } else {
        read_items(&items, r, h, sa, rd_u8(r) % ITEMS_MAX);
        m.plain = join_chain(&items, &m.first);
    }
    seal_and_inject(b, sa, &m);
}

/* One change of a plaintext. */
static void edit_items(struct items *items, struct ike_hdr *hdr, struct rd *r,
                       const struct host *h, const struct ike_sa *sa)
{
    enum edit kind = rd_u8(r) % EDIT_KINDS;
    unsigned i = items->n == 0 ? 0 : rd_u8(r) % items->n;
    size_t at = rd_u16(r);
    uint8_t value = rd_u8(r);
    struct item *item = &items->item[i];
    static struct items fresh;

    if (items->n == 0 && kind != INSERT && kind != HEADER)
        return;
    switch (kind) {
    case DROP:
        items_remove(items, i);
        break;
    case DOUBLE:
        items_insert(items, i, *item);
        break;
    case FLIP:
        item_flip(items, item, at, value);
        break;
    case CUT:
        item->body.n = item->body.n > 0 ? at % item->body.n : 0;
        break;
    case INSERT:
        read_items(&fresh, r, h, sa, 1);
        if (fresh.n == 1)
            items_insert(items, i, fresh.item[0]);
        break;
    case RETYPE:
        item->type = value;
        break;
    default:
        hdr->exchange = (uint8_t)(EX_SA_INIT + (value & 7));
        break;
    }
}

/* The held message i as its receiver will read it; false when it cannot. */
static bool open_held(const struct bench *b, unsigned i, uint8_t *msg, struct ike_hdr *hdr,
                      const struct ike_sa **victim, struct ike_msg *m, struct cv_span *plain,
                      const struct host **receiver)
{
    const struct datagram *d = b->duo->w->net.held[i];
    const uint32_t to = net_find(&b->duo->w->net, &d->dst.addr);
    const struct cv_span ike = trace_ike(d);
    struct ike_algs algs;

    if (to > 1 || ike.n > MESSAGE_MAX)
        return false;
    memcpy(msg, ike.p, ike.n);
    *receiver = b->host[to];
    if (ike_parse_hdr(hdr, span(msg, ike.n)) != CV_OK || hdr->exchange == EX_SA_INIT)
        return false;
    *victim = sa_find(ike_of(*receiver), hdr);
    if (!is_keyed(*victim) || (*victim)->state == ST_DEAD ||
        ike_parse_payloads(m, hdr->next, span(msg + IKE_HDR_LEN, ike.n - IKE_HDR_LEN),
                           IKE_HDR_LEN) != CV_OK ||
        !ike_has(m, PL_SK))
        return false;
    FUZZ_CHECK(ike_algs_find(&algs, &cv_crypto_openssl, &(*victim)->suite) == CV_OK);
    return sk_open(msg, ike.n, m, &algs, sa_keys_in(*victim), plain) == CV_OK;
}

static void step_edit(struct bench *b, struct rd *r)
{
    static uint8_t msg[MESSAGE_MAX];
    static struct items items;
    struct net *net = &b->duo->w->net;
    unsigned i = rd_u8(r), edits = rd_u8(r) % (EDITS_MAX + 1);
    const struct host *receiver;
    const struct ike_sa *victim;
    struct cv_span plain;
    struct ike_hdr hdr;
    struct ike_msg m;
    struct sk_message lie = {0};

    if (net->n_held == 0)
        return;
    i %= net->n_held;
    if (!open_held(b, i, msg, &hdr, &victim, &m, &plain, &receiver)) {
        net_release(net, i);
        world_settle(b->duo->w);
        return;
    }
    net_discard(net, i);
    items.n_changed = 0;
    split_chain(&items, m.sk_next, plain);
    while (edits-- > 0)
        edit_items(&items, &hdr, r, receiver, victim);
    lie.plain = join_chain(&items, &lie.first);
    lie.hdr = hdr;
    seal_and_inject(b, victim, &lie);
}

static void step_command(struct bench *b, struct rd *r)
{
    uint8_t how = rd_u8(r);
    struct host *h = b->host[how & 1];

    switch ((how >> 1) % COMMANDS) {
    case INITIATE:
        host_initiate(h, h->recipes[0], 0, b->host[~how & 1]);
        break;
    case REKEY_IKE:
        host_rekey_ike(h, host_ike(h));
        break;
    case REKEY_CHILD:
        host_rekey_child(h, host_child(h));
        break;
    case DELETE_IKE:
        host_delete_ike(h, host_ike(h));
        break;
    default:
        host_delete_child(h, host_child(h));
        break;
    }
    world_settle(b->duo->w);
}

static void step(struct bench *b, struct rd *r)
{
    struct world *w = b->duo->w;

    switch ((enum step)(rd_u8(r) % STEP_KINDS)) {
    case RAW:
        step_raw(b, r);
        break;
    case REPLAY:
        step_replay(b, r);
        break;
    case SEAL:
        step_seal(b, r);
        break;
    case EDIT:
        step_edit(b, r);
        break;
    case GO:
        world_release(w);
        world_run(w, 4U * rd_u16(r));
        break;
    case COMMAND:
        step_command(b, r);
        break;
    case HOLD:
        world_hold_all(w);
        break;
    default:
        host_send_inner(b->host[0], b->duo->flow);
        host_send_inner(b->host[1], b->duo->flow ^ 1);
        world_run(w, 20);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct bench b;
    struct rd r = rd_init(span(data, n));
    uint8_t how = rd_u8(&r), stage = rd_u8(&r);

    if (!rd_ok(&r))
        return 0;
    begin(&b, how, stage);
    for (unsigned i = 0; i < STEPS_MAX && rd_left(&r) > 0 && !b.duo->w->failed; i++)
        step(&b, &r);
    FUZZ_CHECK(!b.duo->w->failed);
    finish(&b);
    return 0;
}
