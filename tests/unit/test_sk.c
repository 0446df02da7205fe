/* src/ike/sk.c: a published message, every algorithm there and back, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/sk.h"
#include "tests/support/hex.h"

enum { MAX_MSG = 1500, MSG_ID = 7 };

static const struct ike_hdr hdr = {
    .spi_i = {1, 2,  3,  4,  5,  6,  7,  8 },
    .spi_r = {9, 10, 11, 12, 13, 14, 15, 16},
    .version = 0x20,
    .exchange = EX_INFORMATIONAL,
    .flags = IKE_F_INITIATOR,
    .msg_id = MSG_ID
};

static struct sk_keys some_keys(void)
{
    struct sk_keys keys;

    for (unsigned i = 0; i < sizeof(keys.e); i++)
        keys.e[i] = (uint8_t)(i + 1);
    for (unsigned i = 0; i < sizeof(keys.a); i++)
        keys.a[i] = (uint8_t)(200 - i);
    return keys;
}

/* Calls f with every algorithm that may protect an IKE message. */
static void with_every_algorithm(void (*f)(const struct ike_algs *algs))
{
    const struct cv_crypto *c = &cv_crypto_openssl;
    unsigned n = 0;

    for (unsigned i = 0; c->aeads[i] != NULL; i++) {
        if (c->aeads[i]->iv_len == 0 || c->aeads[i]->id == CV_ENCR_NULL_GMAC)
            continue;
        f(&(struct ike_algs){.aead = c->aeads[i]});
        n++;
    }
    for (unsigned i = 0; c->ciphers[i] != NULL; i++) {
        for (unsigned j = 0; c->integs[j] != NULL && c->ciphers[i]->id != CV_ENCR_NULL; j++) {
            if (c->integs[j]->iv_len > 0)
                continue;
            f(&(struct ike_algs){.cipher = c->ciphers[i], .integ = c->integs[j]});
            n++;
        }
    }
    assert_true(n > 10);
}

static struct ike_algs algs_of(uint16_t encr, uint16_t bits, uint16_t integ)
{
    const struct cv_suite suite = {encr, bits, integ, CV_PRF_HMAC_SHA2_256, 0, 0};
    struct ike_algs algs;

    assert_int_equal(ike_algs_find(&algs, &cv_crypto_openssl, &suite), CV_OK);
    return algs;
}

static void parse(struct ike_msg *m, struct cv_span msg)
{
    struct ike_hdr h;
    struct rd r = rd_init(msg);

    assert_int_equal(ike_parse_hdr(&h, msg), CV_OK);
    rd_take(&r, IKE_HDR_LEN);
    assert_int_equal(ike_parse_payloads(m, h.next, rd_rest(&r), IKE_HDR_LEN), CV_OK);
}

static enum cv_err open_msg(uint8_t *msg, size_t n, const struct ike_algs *algs,
                            const struct sk_keys *keys, struct cv_span *plain)
{
    struct ike_msg m;

    parse(&m, span(msg, n));
    return sk_open(msg, n, &m, algs, keys, plain);
}

/* RFC 7634 appendix B: an INFORMATIONAL with SET_WINDOW_SIZE under ChaCha20-Poly1305. */
static void the_message_of_rfc_7634_opens(void **state)
{
    const struct ike_algs algs = algs_of(CV_ENCR_CHACHA20_POLY1305, 0, 0);
    struct sk_keys keys = {{0}, {0}};
    uint8_t msg[128], want[32];
    struct cv_span packet, plain, expect;
    struct ike_msg m;

    (void)state;
    hex_read(keys.e, sizeof(keys.e),
             "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3");
    packet =
        hex_read(msg, sizeof(msg),
                 "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e2025000000000900000045290000291011121314"
                 "151617610394701f8d017f7c129248896b71bfe25236efd7cdc67066906315b2");
    expect = hex_read(want, sizeof(want), "0000000c000040010000000a");
    parse(&m, packet);
    assert_int_equal(m.sk_next, PL_NOTIFY);
    assert_int_equal(sk_open(msg, packet.n, &m, &algs, &keys, &plain), CV_OK);
    assert_true(span_equal(plain, expect));
}

static void round_trip(const struct ike_algs *algs)
{
    const struct sk_keys keys = some_keys();
    uint8_t text[40], msg[MAX_MSG];

    memset(text, 0x5a, sizeof(text));
    for (size_t n = 0; n <= sizeof(text); n++) {
        struct wr w = wr_init(msg, sizeof(msg));
        struct cv_span plain;
        struct ike_hdr h;

        assert_int_equal(sk_seal(&w, &cv_crypto_openssl, algs, &keys,
                                 &(struct sk_message){.hdr = hdr,
                                                      .first = n == 0 ? PL_NONE : PL_NOTIFY,
                                                      .plain = span(text, n)}),
                         CV_OK);
        assert_true(w.n <= n + sk_overhead(algs, false));
        assert_int_equal(ike_parse_hdr(&h, wr_done(&w)), CV_OK);
        assert_int_equal(h.next, PL_SK);
        assert_int_equal(h.msg_id, MSG_ID);
        assert_int_equal(open_msg(msg, w.n, algs, &keys, &plain), CV_OK);
        assert_true(span_equal(plain, span(text, n)));
    }
}

static void every_algorithm_opens_what_it_sealed(void **state)
{
    (void)state;
    with_every_algorithm(round_trip);
}

static void round_trip_fragment(const struct ike_algs *algs)
{
    const struct sk_keys keys = some_keys();
    const size_t max = 200, room = sk_fragment_room(algs, max);
    uint8_t text[200] = {1, 2, 3}, msg[MAX_MSG];
    struct wr w = wr_init(msg, sizeof(msg));
    struct cv_span plain;
    struct ike_msg m;

    assert_int_equal(
        sk_seal_fragment(
            &w, &cv_crypto_openssl, algs, &keys,
            &(struct sk_message){.hdr = hdr, .no = 2, .total = 3, .plain = span(text, room)}),
        CV_OK);
    assert_true(w.n <= max);
    assert_true(w.n <= room + sk_overhead(algs, true));
    parse(&m, wr_done(&w));
    assert_true(m.is_skf);
    assert_int_equal(m.frag_no, 2);
    assert_int_equal(m.frag_total, 3);
    assert_int_equal(sk_open(msg, w.n, &m, algs, &keys, &plain), CV_OK);
    assert_true(span_equal(plain, span(text, room)));

    w.n = 0; /* one octet more would not have fitted */
    assert_int_equal(
        sk_seal_fragment(&w, &cv_crypto_openssl, algs, &keys,
                         &(struct sk_message){
                             .hdr = hdr, .no = 2, .total = 3, .plain = span(text, room + 1)}),
        CV_OK);
    assert_true(w.n > max);
}

static void fragments_fill_their_room_to_the_octet(void **state)
{
    (void)state;
    with_every_algorithm(round_trip_fragment);
}

static void no_room(const struct ike_algs *algs)
{
    size_t last = 0;

    assert_int_equal(sk_fragment_room(algs, 0), 0);
    for (size_t max = 0; max < 150; max++) {
        size_t room = sk_fragment_room(algs, max);

        assert_true(room >= last && room < 150);
        last = room;
    }
}

static void fragments_have_no_room_in_tiny_datagrams(void **state)
{
    (void)state;
    with_every_algorithm(no_room);
}

static void tamper(const struct ike_algs *algs)
{
    const struct sk_keys keys = some_keys();
    uint8_t msg[MAX_MSG], copy[MAX_MSG];
    struct wr w = wr_init(msg, sizeof(msg));
    struct cv_span plain;
    struct ike_msg m;

    assert_int_equal(sk_seal_fragment(&w, &cv_crypto_openssl, algs, &keys,
                                      &(struct sk_message){.hdr = hdr,
                                                           .first = PL_NOTIFY,
                                                           .no = 1,
                                                           .total = 2,
                                                           .plain = span("some text", 9)}),
                     CV_OK);
    parse(&m, wr_done(&w)); /* lengths stay true, so this parse serves every change */
    for (size_t i = 0; i < w.n; i++) {
        memcpy(copy, msg, w.n);
        copy[i] ^= 0x10;
        assert_int_equal(sk_open(copy, w.n, &m, algs, &keys, &plain), CV_ERR_IKE_AUTHENTIC);
        assert_int_equal(plain.n, 0);
    }
}

static void one_changed_bit_anywhere_is_noticed(void **state)
{
    (void)state;
    with_every_algorithm(tamper);
}

static void cut(const struct ike_algs *algs)
{
    const struct sk_keys keys = some_keys();
    uint8_t msg[MAX_MSG], copy[MAX_MSG];
    struct wr w = wr_init(msg, sizeof(msg));
    struct cv_span plain;
    struct ike_msg m;

    assert_int_equal(sk_seal(&w, &cv_crypto_openssl, algs, &keys,
                             &(struct sk_message){.hdr = hdr,
                                                  .first = PL_NOTIFY,
                                                  .plain = span("some text", 9)}),
                     CV_OK);
    for (size_t n = w.n - 1; n >= IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN; n--) {
        memcpy(copy, msg, n);
        parse(&m, wr_done(&w));
        m.sk.n = n - m.sk_offset;
        assert_int_equal(sk_open(copy, n, &m, algs, &keys, &plain), CV_ERR_IKE_AUTHENTIC);
    }
}

static void every_proper_prefix_is_refused(void **state)
{
    (void)state;
    with_every_algorithm(cut);
}

static void the_other_directions_keys_do_not_open(void **state)
{
    const struct ike_algs algs = algs_of(CV_ENCR_AES_CBC, 128, CV_INTEG_HMAC_SHA2_256_128);
    const struct sk_keys keys = some_keys();
    struct sk_keys others = keys;
    uint8_t msg[MAX_MSG];
    struct wr w = wr_init(msg, sizeof(msg));
    struct cv_span plain;

    (void)state;
    others.a[31] ^= 1;
    assert_int_equal(
        sk_seal(&w, &cv_crypto_openssl, &algs, &keys,
                &(struct sk_message){.hdr = hdr, .first = PL_NOTIFY, .plain = span("x", 1)}),
        CV_OK);
    assert_int_equal(open_msg(msg, w.n, &algs, &others, &plain), CV_ERR_IKE_AUTHENTIC);
}

/* Seals n octets, of which the last, the Pad Length, is given. */
static enum cv_err open_with_pad_length(size_t n, uint8_t pad, struct cv_span *plain)
{
    const struct ike_algs algs = algs_of(CV_ENCR_AES_GCM_16, 128, 0);
    const struct sk_keys keys = some_keys();
    uint8_t nonce[12], msg[80] = {0};
    void *key = algs.aead->new_key(keys.e);
    struct wr w = wr_init(msg, sizeof(msg));

    ike_put_hdr(&w, &(struct ike_hdr){.next = PL_SK, .version = 0x20});
    wr_u32(&w, (uint32_t)(IKE_PAYLOAD_HDR_LEN + 8 + n + 16));
    wr_zero(&w, 8 + n + 16);
    msg[40 + n - 1] = pad; /* n 0: in the IV, which must not be read as padding */
    wr_patch_u32(&w, 24, (uint32_t)w.n);
    memcpy(nonce, keys.e + 16, 4);
    memcpy(nonce + 4, msg + 32, 8);
    assert_true(algs.aead->seal(key, nonce, span(msg, 32), msg + 40, n, msg + 40 + n));
    algs.aead->free_key(key);
    return open_msg(msg, w.n, &algs, &keys, plain);
}

/* RFC 7296 section 3.14: any Pad Length is fine if the octets are there. */
static void authentic_padding_may_fill_the_payload_but_not_exceed_it(void **state)
{
    struct cv_span plain;

    (void)state;
    assert_int_equal(open_with_pad_length(16, 0, &plain), CV_OK);
    assert_int_equal(plain.n, 15);
    assert_int_equal(open_with_pad_length(16, 15, &plain), CV_OK);
    assert_int_equal(plain.n, 0);
    assert_int_equal(open_with_pad_length(16, 16, &plain), CV_ERR_SYNTAX);
    assert_int_equal(open_with_pad_length(16, 255, &plain), CV_ERR_SYNTAX);
}

static void a_payload_without_room_for_its_pad_length_is_refused(void **state)
{
    struct cv_span plain;

    (void)state;
    assert_int_equal(open_with_pad_length(1, 0, &plain), CV_OK);
    assert_int_equal(plain.n, 0);
    assert_int_equal(open_with_pad_length(0, 0, &plain), CV_ERR_IKE_AUTHENTIC);
}

/* Authentic, but the ciphertext is not whole blocks. */
static void authentic_half_blocks_are_a_syntax_error(void **state)
{
    const struct ike_algs algs = algs_of(CV_ENCR_AES_CBC, 128, CV_INTEG_HMAC_SHA2_256_128);
    const struct sk_keys keys = some_keys();
    uint8_t msg[128] = {0};
    void *key = algs.integ->new_key(keys.a);
    struct wr w = wr_init(msg, sizeof(msg));
    struct cv_span covered, plain;

    (void)state;
    ike_put_hdr(&w, &(struct ike_hdr){.next = PL_SK, .version = 0x20});
    wr_u32(&w, IKE_PAYLOAD_HDR_LEN + 16 + 17 + 16);
    wr_zero(&w, 16 + 17 + 16);
    wr_patch_u32(&w, 24, (uint32_t)w.n);
    covered = span(msg, w.n - 16);
    assert_true(algs.integ->mac(key, &covered, 1, msg + w.n - 16));
    algs.integ->free_key(key);
    assert_int_equal(open_msg(msg, w.n, &algs, &keys, &plain), CV_ERR_SYNTAX);
}

static void a_message_that_does_not_fit_is_refused(void **state)
{
    const struct ike_algs algs = algs_of(CV_ENCR_AES_CBC, 128, CV_INTEG_HMAC_SHA2_256_128);
    const struct sk_keys keys = some_keys();
    const size_t need = IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN + 16 + 16 + 16;
    static uint8_t huge[70000], out[80000];
    struct wr w;

    (void)state;
    for (size_t cap = 0; cap < need; cap++) {
        w = wr_init(out, cap);
        assert_int_equal(sk_seal(&w, &cv_crypto_openssl, &algs, &keys,
                                 &(struct sk_message){
                                     .hdr = hdr, .first = PL_NOTIFY, .plain = span(huge, 15)}),
                         CV_ERR_TOO_BIG);
    }
    w = wr_init(out, need);
    assert_int_equal(
        sk_seal(&w, &cv_crypto_openssl, &algs, &keys,
                &(struct sk_message){.hdr = hdr, .first = PL_NOTIFY, .plain = span(huge, 15)}),
        CV_OK);
    w = wr_init(out, sizeof(out));
    assert_int_equal(sk_seal(&w, &cv_crypto_openssl, &algs, &keys,
                             &(struct sk_message){.hdr = hdr,
                                                  .first = PL_NOTIFY,
                                                  .plain = span(huge, sizeof(huge))}),
                     CV_ERR_TOO_BIG);
}

static void a_message_may_begin_behind_others(void **state)
{
    const struct ike_algs algs = algs_of(CV_ENCR_AES_GCM_16, 256, 0);
    const struct sk_keys keys = some_keys();
    uint8_t out[200];
    struct wr w = wr_init(out, sizeof(out));
    struct cv_span plain;

    (void)state;
    wr_u32(&w, 0x11223344);
    assert_int_equal(sk_seal(&w, &cv_crypto_openssl, &algs, &keys,
                             &(struct sk_message){
                                 .hdr = hdr, .first = PL_NOTIFY, .plain = span("behind", 6)}),
                     CV_OK);
    assert_int_equal(open_msg(out + 4, w.n - 4, &algs, &keys, &plain), CV_OK);
    assert_true(span_equal(plain, span("behind", 6)));
}

static void fragment_numbers_that_cannot_be_are_refused(void **state)
{
    const struct ike_algs algs = algs_of(CV_ENCR_AES_GCM_16, 128, 0);
    const struct sk_keys keys = some_keys();
    static const uint16_t bad[][2] = {
        {0, 1},
        {2, 1},
        {0, 0}
    };
    uint8_t out[200];
    struct wr many = wr_init(out, sizeof(out));

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct wr w = wr_init(out, sizeof(out));

        assert_int_equal(sk_seal_fragment(&w, &cv_crypto_openssl, &algs, &keys,
                                          &(struct sk_message){.hdr = hdr,
                                                               .no = bad[i][0],
                                                               .total = bad[i][1],
                                                               .plain = span("x", 1)}),
                         CV_ERR_ARGUMENT);
    }
    /* A whole message has none. */
    assert_int_equal(
        sk_seal(&many, &cv_crypto_openssl, &algs, &keys,
                &(struct sk_message){.hdr = hdr, .no = 1, .total = 1, .plain = span("x", 1)}),
        CV_ERR_ARGUMENT);
    /* More than the IV can tell apart. */
    assert_int_equal(
        sk_seal_fragment(
            &many, &cv_crypto_openssl, &algs, &keys,
            &(struct sk_message){.hdr = hdr, .no = 1, .total = 0x8000, .plain = span("x", 1)}),
        CV_ERR_TOO_BIG);
}

/* The IV of one sealed message; total 0 means unfragmented. */
static void seal_iv(uint8_t iv[8], const struct ike_algs *algs, uint32_t msg_id, uint8_t flags,
                    uint16_t no, uint16_t total)
{
    const struct sk_keys keys = some_keys();
    struct ike_hdr h = hdr;
    uint8_t out[200];
    struct wr w = wr_init(out, sizeof(out));
    struct ike_msg m;

    h.msg_id = msg_id;
    h.flags = flags;
    if (total == 0)
        assert_int_equal(sk_seal(&w, &cv_crypto_openssl, algs, &keys,
                                 &(struct sk_message){.hdr = h, .plain = span("x", 1)}),
                         CV_OK);
    else
        assert_int_equal(
            sk_seal_fragment(&w, &cv_crypto_openssl, algs, &keys,
                             &(struct sk_message){
                                 .hdr = h, .no = no, .total = total, .plain = span("x", 1)}),
            CV_OK);
    parse(&m, wr_done(&w));
    memcpy(iv, m.sk.p, 8);
}

/* RFC 5282 section 3.1: an IV is unique under its key. */
static void counter_ivs_differ_for_all_that_differs(void **state)
{
    const struct ike_algs kinds[] = {algs_of(CV_ENCR_AES_GCM_16, 128, 0),
                                     algs_of(CV_ENCR_AES_CTR, 128, CV_INTEG_HMAC_SHA1_96)};
    static const struct {
        uint32_t msg_id;
        uint8_t flags;
        uint16_t no, total;
    } msgs[] = {
        {0,          0,              0,     0    },
        {1,          0,              0,     0    },
        {0,          IKE_F_RESPONSE, 0,     0    },
        {0,          0,              1,     2    },
        {0,          0,              2,     2    },
        {0,          0,              1,     3    },
        {0,          0,              2,     3    },
        {256,        0,              0,     0    },
        {0,          IKE_F_RESPONSE, 1,     2    },
        {UINT32_MAX, 0,              0,     0    },
        {0,          0,              1,     0x101},
        {0,          0,              0x101, 0x101}
    };
    enum { N = sizeof(msgs) / sizeof(msgs[0]) };
    uint8_t iv[N][8];

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned i = 0; i < N; i++) {
            seal_iv(iv[i], &kinds[k], msgs[i].msg_id, msgs[i].flags, msgs[i].no, msgs[i].total);
            for (unsigned j = 0; j < i; j++)
                assert_memory_not_equal(iv[i], iv[j], 8);
        }
    }
}

static void chaining_ivs_are_fresh_for_the_same_message(void **state)
{
    const struct ike_algs algs = algs_of(CV_ENCR_AES_CBC, 256, CV_INTEG_HMAC_SHA2_256_128);
    uint8_t a[8], b[8];

    (void)state;
    seal_iv(a, &algs, 1, 0, 0, 0);
    seal_iv(b, &algs, 1, 0, 0, 0);
    assert_memory_not_equal(a, b, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_of_rfc_7634_opens),
        cmocka_unit_test(every_algorithm_opens_what_it_sealed),
        cmocka_unit_test(fragments_fill_their_room_to_the_octet),
        cmocka_unit_test(fragments_have_no_room_in_tiny_datagrams),
        cmocka_unit_test(one_changed_bit_anywhere_is_noticed),
        cmocka_unit_test(every_proper_prefix_is_refused),
        cmocka_unit_test(the_other_directions_keys_do_not_open),
        cmocka_unit_test(authentic_padding_may_fill_the_payload_but_not_exceed_it),
        cmocka_unit_test(a_payload_without_room_for_its_pad_length_is_refused),
        cmocka_unit_test(authentic_half_blocks_are_a_syntax_error),
        cmocka_unit_test(a_message_that_does_not_fit_is_refused),
        cmocka_unit_test(a_message_may_begin_behind_others),
        cmocka_unit_test(fragment_numbers_that_cannot_be_are_refused),
        cmocka_unit_test(counter_ivs_differ_for_all_that_differs),
        cmocka_unit_test(chaining_ivs_are_fresh_for_the_same_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
