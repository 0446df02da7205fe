/* A scripted peer.  See liar.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/liar.h"

#include <stdlib.h>
#include <string.h>

#include "ike/sk.h"
#include "sim/crypto.h"

enum { HEARING_MS = 1000, CHILD_SPI = 0x0badcafe };

static const struct cv_suite suite = {.encr = CV_ENCR_AES_GCM_16,
                                      .encr_bits = 128,
                                      .prf = CV_PRF_HMAC_SHA2_256,
                                      .ke = CV_KE_X25519};

/* ---- hearing ------------------------------------------------------------------------ */

static const struct sk_keys *own_keys(const struct liar *l)
{
    return l->initiator ? &l->keys.i : &l->keys.r;
}

static const struct sk_keys *victims_keys(const struct liar *l)
{
    return l->initiator ? &l->keys.r : &l->keys.i;
}

static bool open_heard(struct liar *l, struct liar_heard *h)
{
    struct cv_span chain = span(h->octets + IKE_HDR_LEN, h->len - IKE_HDR_LEN), plain;

    if (ike_parse_payloads(&h->msg, h->hdr.next, chain, IKE_HDR_LEN) != CV_OK)
        return false;
    if (!ike_has(&h->msg, PL_SK))
        return true;
    return l->algs.prf != NULL &&
           sk_open(h->octets, h->len, &h->msg, &l->algs, victims_keys(l), &plain) == CV_OK &&
           ike_parse_payloads(&h->msg, h->msg.sk_next, plain, 0) == CV_OK;
}

static void hear(void *ctx, const struct datagram *d)
{
    struct liar *l = ctx;
    struct liar_heard *h;
    struct ike_hdr hdr;

    if (d->carrier != CV_UDP_500 || d->n > sizeof(h->octets) ||
        ike_parse_hdr(&hdr, span(d->data, d->n)) != CV_OK)
        return;
    h = hdr.flags & IKE_F_RESPONSE ? &l->heard : &l->asked;
    memcpy(h->octets, d->data, d->n);
    h->len = d->n;
    h->hdr = hdr;
    h->n++;
    h->plain = open_heard(l, h);
}

uint16_t heard_error(const struct liar *l)
{
    const struct ike_notify *n = l->heard.plain ? ike_error_notify(&l->heard.msg) : NULL;

    return n == NULL ? 0 : n->type;
}

/* ---- life --------------------------------------------------------------------------- */

struct liar *liar_new(struct host *victim, bool initiator)
{
    return liar_new_at(victim, initiator, recipe_v4(192, 0, 2, 77));
}

struct liar *liar_new_at(struct host *victim, bool initiator, struct cv_addr at)
{
    struct liar *l = sim_alloc(sizeof(*l));

    l->w = victim->world;
    l->victim = victim;
    l->initiator = initiator;
    l->at = (struct cv_endpoint){at, 500};
    l->to = (struct cv_endpoint){victim->v4, 500};
    l->crypto = &cv_crypto_openssl; /* not watched: a liar may use a nonce twice */
    l->psk = victim->psk;
    l->ke = crypto_ke(sim_crypto(), suite.ke);
    recipe_id(&l->id, initiator ? "device.example" : "gateway.example");
    l->ts = recipe_subnet(recipe_v4(10, 77, 0, 1), 24).ts;
    l->victim_ts = recipe_subnet(victim->inner[0], 24).ts;
    l->spi_in = CHILD_SPI;
    prng_fill(&l->w->prng, initiator ? l->spi_i : l->spi_r, IKE_SPI_LEN);
    prng_fill(&l->w->prng, l->nonce, sizeof(l->nonce));
    (void)net_attach(&l->w->net, "liar", &l->at.addr, NULL, hear, l);
    return l;
}

void liar_free(struct liar *l)
{
    if (l->key != NULL)
        l->ke->free_key(l->key);
    free(l);
}

static struct cv_span own_nonce(const struct liar *l)
{
    return span(l->nonce, sizeof(l->nonce));
}

static bool derive(struct liar *l, struct cv_span secret)
{
    l->ni = l->initiator ? own_nonce(l) : l->ni;
    l->nr = l->initiator ? l->nr : own_nonce(l);
    return ike_algs_find(&l->algs, l->crypto, &suite) == CV_OK &&
           keymat_ike(&l->keys, &l->auth, &l->algs,
                      &(struct keymat_in){.secret = secret,
                                          .ni = l->ni,
                                          .nr = l->nr,
                                          .spi_i = l->spi_i,
                                          .spi_r = l->spi_r}) == CV_OK;
}

/* Keeps what AUTH will cover and the victim's half of the nonces. */
static struct cv_span keep_init(struct liar *l, const struct liar_heard *h)
{
    struct cv_span n = h->msg.nonce;

    memcpy(l->init_victims, h->octets, h->len);
    l->init_victims_len = h->len;
    memcpy(l->victim_nonce, n.p, n.n);
    return span(l->victim_nonce, n.n);
}

/* ---- speaking ----------------------------------------------------------------------- */

static void begin(struct liar *l, struct liar_say *s, uint8_t exchange, uint32_t id,
                  bool answer)
{
    memset(s, 0, sizeof(*s));
    s->l = l;
    s->from = l->at;
    s->hdr = (struct ike_hdr){.version = 0x20, .exchange = exchange, .msg_id = id};
    memcpy(s->hdr.spi_i, l->spi_i, IKE_SPI_LEN);
    memcpy(s->hdr.spi_r, l->spi_r, IKE_SPI_LEN);
    s->hdr.flags =
        (uint8_t)((answer ? IKE_F_RESPONSE : 0) | (l->initiator ? IKE_F_INITIATOR : 0));
    s->unprotected = exchange == EX_SA_INIT;
    s->w = wr_init(s->octets, sizeof(s->octets));
    s->c = ike_chain_init(&s->w, SIZE_MAX);
}

void say_request(struct liar *l, struct liar_say *s, enum ike_exchange exchange)
{
    begin(l, s, (uint8_t)exchange, l->next_out, false);
}

void say_answer(struct liar *l, struct liar_say *s)
{
    begin(l, s, l->asked.hdr.exchange, l->asked.hdr.msg_id, true);
}

static struct cv_span whole(struct liar_say *s, struct wr *w)
{
    uint8_t first = s->first != 0 ? s->first : s->c.first;
    struct cv_span plain = wr_done(&s->w);

    if (!s->unprotected) {
        const struct sk_message m = {.hdr = s->hdr, .first = first, .plain = plain};

        if (sk_seal(w, s->l->crypto, &s->l->algs, own_keys(s->l), &m) != CV_OK)
            abort();
        return wr_done(w);
    }
    s->hdr.next = first;
    ike_put_hdr(w, &s->hdr);
    wr_span(w, plain);
    ike_msg_end(w);
    return wr_done(w);
}

static void put_out(struct liar *l, const struct cv_endpoint *from, struct cv_span octets)
{
    l->answers = l->heard.n;
    net_inject(&l->w->net, from, &l->to, CV_UDP_500, octets);
    world_run(l->w, l->hearing_ms != 0 ? l->hearing_ms : HEARING_MS);
}

void say_octets(struct liar *l, struct cv_span octets)
{
    put_out(l, &l->at, octets);
}

bool say_end(struct liar_say *s)
{
    uint8_t octets[LIAR_MESSAGE + 200];
    struct wr w = wr_init(octets, sizeof(octets));
    struct cv_span m = whole(s, &w);

    if (s->hdr.exchange == EX_SA_INIT && m.n <= LIAR_MESSAGE) {
        memcpy(s->l->init_ours, m.p, m.n);
        s->l->init_ours_len = m.n;
    }
    put_out(s->l, &s->from, m);
    if (s->l->heard.n == s->l->answers)
        return false;
    if (!(s->hdr.flags & IKE_F_RESPONSE) && !s->unprotected &&
        s->l->heard.hdr.msg_id == s->l->next_out)
        s->l->next_out++;
    return true;
}

/* Sealed here and not by ike/sk.c, which refuses to write what a liar says. */
void say_fragment(struct liar_say *s, uint16_t no, uint16_t total, struct cv_span part)
{
    const struct cv_aead *aead = s->l->algs.aead;
    const struct sk_keys *keys = own_keys(s->l);
    const uint16_t len = (uint16_t)(4 + 4 + aead->iv_len + part.n + 1 + aead->icv_len);
    uint8_t octets[LIAR_MESSAGE], nonce[12], *iv, *data;
    struct wr w = wr_init(octets, sizeof(octets));
    void *key = aead->new_key(keys->e);

    s->hdr.next = PL_SKF;
    ike_put_hdr(&w, &s->hdr);
    wr_u8(&w, no == 1 ? s->c.first : 0);
    wr_u8(&w, 0);
    wr_u16(&w, len);
    wr_u16(&w, no);
    wr_u16(&w, total);
    iv = wr_reserve(&w, aead->iv_len);
    prng_fill(&s->l->w->prng, iv, aead->iv_len);
    memcpy(nonce, keys->e + aead->key_len, aead->salt_len);
    memcpy(nonce + aead->salt_len, iv, aead->iv_len);
    data = w.p + w.n;
    wr_span(&w, part);
    wr_u8(&w, 0); /* Pad Length */
    wr_patch_u32(&w, 24, (uint32_t)(w.n + aead->icv_len));
    if (!aead->seal(key, nonce, span(octets, IKE_HDR_LEN + 8), data, part.n + 1,
                    wr_reserve(&w, aead->icv_len)))
        abort();
    aead->free_key(key);
    put_out(s->l, &s->from, wr_done(&w));
}

/* ---- what messages are made of -------------------------------------------------------- */

static void put_sa(struct liar_say *s, uint8_t protocol, struct cv_span spi, uint16_t group)
{
    struct cv_proposal p = {.protocol = protocol};

    p.t[p.n++] = (struct cv_transform){CV_ENCR, CV_ENCR_AES_GCM_16, 128};
    if (protocol == CV_PROTO_IKE)
        p.t[p.n++] = (struct cv_transform){CV_PRF, CV_PRF_HMAC_SHA2_256, 0};
    if (group != CV_KE_NONE)
        p.t[p.n++] = (struct cv_transform){CV_KE, group, 0};
    if (protocol != CV_PROTO_IKE)
        p.t[p.n++] = (struct cv_transform){CV_ESN, CV_ESN_NO, 0};
    ike_payload_begin(&s->c, PL_SA);
    ike_put_proposal(&s->w, &p, 1, spi, true);
    ike_payload_end(&s->c);
}

void put_sa_ike(struct liar_say *s, struct cv_span spi, uint16_t group)
{
    put_sa(s, CV_PROTO_IKE, spi, group);
}

void put_sa_esp(struct liar_say *s, struct cv_span spi, uint16_t group)
{
    put_sa(s, CV_PROTO_ESP, spi, group);
}

void put_ke(struct liar_say *s, uint16_t group)
{
    struct liar *l = s->l;

    if (l->key == NULL)
        l->key = l->ke->generate(l->pub);
    ike_put_ke(&s->c, group, span(l->pub, l->ke->public_len));
}

void put_nonce(struct liar_say *s, size_t n)
{
    uint8_t nonce[512] = {0};

    memcpy(nonce, s->l->nonce, LIAR_NONCE);
    ike_put_payload(&s->c, PL_NONCE, span(nonce, n));
}

void put_id(struct liar_say *s, uint8_t payload, const struct cv_id *id)
{
    ike_payload_begin(&s->c, payload);
    ike_put_id_body(&s->w, id);
    ike_payload_end(&s->c);
}

void put_proof(struct liar_say *s)
{
    struct liar *l = s->l;
    uint8_t body[4 + CV_ID_MAX], mac[CV_PRF_MAX], auth[CV_PRF_MAX];
    struct wr w = wr_init(body, sizeof(body));
    struct cv_span parts[3] = {span(l->init_ours, l->init_ours_len),
                               l->initiator ? l->nr : l->ni, span(mac, l->algs.prf->out_len)};

    ike_put_id_body(&w, &l->id);
    if (keymat_id_mac(mac, l->algs.prf, l->initiator ? l->auth.pi : l->auth.pr, wr_done(&w)) !=
            CV_OK ||
        keymat_psk_auth(auth, l->algs.prf, span(l->psk, strlen(l->psk)), parts) != CV_OK)
        abort();
    ike_put_auth(&s->c, CV_METHOD_PSK, span(auth, l->algs.prf->out_len));
}

void put_ts(struct liar_say *s, uint8_t payload, const struct cv_ts *ts, unsigned n)
{
    ike_payload_begin(&s->c, payload);
    wr_u8(&s->w, (uint8_t)n);
    wr_zero(&s->w, 3);
    for (unsigned i = 0; i < n; i++) {
        bool v6 = ts[i].family == CV_IPV6;
        size_t len = v6 ? 16 : 4;

        wr_u8(&s->w, v6 ? 8 : 7);
        wr_u8(&s->w, ts[i].proto);
        wr_u16(&s->w, (uint16_t)(8 + 2 * len));
        wr_u16(&s->w, ts[i].port_lo);
        wr_u16(&s->w, ts[i].port_hi);
        wr_copy(&s->w, ts[i].lo, len);
        wr_copy(&s->w, ts[i].hi, len);
    }
    ike_payload_end(&s->c);
}

void put_notify(struct liar_say *s, uint16_t type, struct cv_span data)
{
    ike_put_notify(&s->c, 0, span(NULL, 0), type, data);
}

static struct cv_span spi_octets(uint8_t out[4], uint32_t spi)
{
    struct wr w = wr_init(out, 4);

    wr_u32(&w, spi);
    return wr_done(&w);
}

void put_child(struct liar_say *s)
{
    struct liar *l = s->l;
    uint8_t spi[4];
    bool asks = !(s->hdr.flags & IKE_F_RESPONSE); /* TSi is of the side that asks */

    put_sa_esp(s, spi_octets(spi, l->spi_in), CV_KE_NONE);
    put_ts(s, PL_TSI, asks ? &l->ts : &l->victim_ts, 1);
    put_ts(s, PL_TSR, asks ? &l->victim_ts : &l->ts, 1);
}

/* ---- being honest --------------------------------------------------------------------- */

/* The victim's SPI of the Child SA in what was heard. */
static void note_child(struct liar *l, const struct liar_heard *h)
{
    struct rd r = rd_init(h->msg.sa);
    struct ike_proposal p;
    struct rd spi;

    if (!ike_has(&h->msg, PL_SA) || !ike_next_proposal(&r, &p))
        return;
    spi = rd_init(p.spi);
    l->spi_out = rd_u32(&spi);
}

bool liar_init(struct liar *l)
{
    uint8_t secret[CV_KE_SECRET_MAX];
    struct liar_say s;

    say_request(l, &s, EX_SA_INIT);
    put_sa_ike(&s, span(NULL, 0), suite.ke);
    put_ke(&s, suite.ke);
    put_nonce(&s, LIAR_NONCE);
    put_notify(&s, N_IKEV2_FRAGMENTATION_SUPPORTED, span(NULL, 0));
    if (!say_end(&s) || !ike_has(&l->heard.msg, PL_KE))
        return false;
    memcpy(l->spi_r, l->heard.hdr.spi_r, IKE_SPI_LEN);
    l->nr = keep_init(l, &l->heard);
    l->next_out = 1;
    return l->ke->decapsulate(l->key, l->heard.msg.ke_data, secret) == CV_OK &&
           derive(l, span(secret, l->ke->secret_len));
}

bool liar_auth(struct liar *l)
{
    struct liar_say s;

    say_request(l, &s, EX_AUTH);
    put_id(&s, PL_IDI, &l->id);
    put_proof(&s);
    if (l->mobike)
        put_notify(&s, N_MOBIKE_SUPPORTED, span(NULL, 0));
    put_child(&s);
    if (!say_end(&s) || !l->heard.plain || heard_error(l) != 0)
        return false;
    note_child(l, &l->heard);
    return l->spi_out != 0;
}

bool liar_again(struct liar *l)
{
    prng_fill(&l->w->prng, l->spi_i, IKE_SPI_LEN);
    prng_fill(&l->w->prng, l->nonce, sizeof(l->nonce));
    memset(l->spi_r, 0, IKE_SPI_LEN);
    l->next_out = 0;
    l->spi_in++;
    return liar_init(l) && liar_auth(l);
}

/* SKEYSEED of the new SA comes of the old one's SK_d (RFC 7296 section 2.18). */
static bool derive_next(struct liar *l, const uint8_t spi_i[IKE_SPI_LEN], struct cv_span spi_r,
                        struct cv_span nonce)
{
    const struct ike_keys old = l->keys;
    uint8_t secret[CV_KE_SECRET_MAX] = {0};
    const struct keymat_in in = {.secret = span(secret, l->ke->secret_len),
                                 .ni = nonce,
                                 .nr = l->heard.msg.nonce,
                                 .spi_i = spi_i,
                                 .spi_r = spi_r.p,
                                 .old_prf = l->algs.prf,
                                 .old_d = old.d};
    struct ike_auth_keys none;

    if (spi_r.n != IKE_SPI_LEN ||
        l->ke->decapsulate(l->key, l->heard.msg.ke_data, secret) != CV_OK ||
        keymat_ike(&l->keys, &none, &l->algs, &in) != CV_OK)
        return false;
    memcpy(l->spi_i, spi_i, IKE_SPI_LEN);
    memcpy(l->spi_r, spi_r.p, IKE_SPI_LEN);
    l->next_out = 0;
    return true;
}

bool liar_rekey(struct liar *l)
{
    uint8_t spi[IKE_SPI_LEN], nonce[LIAR_NONCE];
    struct ike_proposal p;
    struct liar_say s;
    struct rd r;

    prng_fill(&l->w->prng, spi, sizeof(spi));
    prng_fill(&l->w->prng, nonce, sizeof(nonce));
    say_request(l, &s, EX_CREATE_CHILD);
    put_sa_ike(&s, span(spi, sizeof(spi)), suite.ke);
    ike_put_payload(&s.c, PL_NONCE, span(nonce, sizeof(nonce)));
    put_ke(&s, suite.ke);
    if (!say_end(&s) || !l->heard.plain || heard_error(l) != 0)
        return false;
    r = rd_init(l->heard.msg.sa);
    return ike_next_proposal(&r, &p) && derive_next(l, spi, p.spi, span(nonce, sizeof(nonce)));
}

bool liar_answer_init(struct liar *l)
{
    uint8_t secret[CV_KE_SECRET_MAX], answer[CV_KE_PUB_MAX];
    struct liar_say s;

    if (!l->asked.plain || l->asked.hdr.exchange != EX_SA_INIT)
        return false;
    memcpy(l->spi_i, l->asked.hdr.spi_i, IKE_SPI_LEN);
    l->ni = keep_init(l, &l->asked);
    if (l->ke->encapsulate(l->asked.msg.ke_data, answer, secret) != CV_OK ||
        !derive(l, span(secret, l->ke->secret_len)))
        return false;
    say_answer(l, &s);
    put_sa_ike(&s, span(NULL, 0), suite.ke);
    ike_put_ke(&s.c, suite.ke, span(answer, l->ke->answer_len));
    put_nonce(&s, LIAR_NONCE);
    put_notify(&s, N_IKEV2_FRAGMENTATION_SUPPORTED, span(NULL, 0));
    (void)say_end(&s);
    return l->asked.plain && l->asked.hdr.exchange == EX_AUTH;
}

bool liar_answer_auth(struct liar *l)
{
    struct liar_say s;

    note_child(l, &l->asked);
    say_answer(l, &s);
    put_id(&s, PL_IDR, &l->id);
    put_proof(&s);
    if (l->mobike)
        put_notify(&s, N_MOBIKE_SUPPORTED, span(NULL, 0));
    put_child(&s);
    (void)say_end(&s);
    return l->victim->saw[CV_EV_CHILD_UP] > 0;
}
