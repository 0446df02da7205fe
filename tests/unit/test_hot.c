/* More SAs than expanded keys: every packet still finds its keys, numbers go on where they
 * were, who carries traffic keeps its slot, and a forged packet takes none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "ipsec/plane.h"
#include "tests/support/ipsec_fixture.h"

enum { N = 16, HOT = 4, MEM_LEN = 32768, KEY_LEN = 20, ROUNDS = 2000, SPI = 0x1000 };

static const uint64_t SEED[2] = {1, 2};

/* AES-GCM that counts its keys.  The first octet of a key says whose it is. */
static struct {
    const struct cv_aead *real;
    struct cv_aead aead;
    const struct cv_aead *list[2];
    struct cv_crypto crypto;
    unsigned live, most, room, made[256];
} counting;

struct counted {
    void *key;
};

static void *new_key(const uint8_t *key)
{
    struct counted *k;

    if (counting.live >= counting.room)
        return NULL;
    k = malloc(sizeof(*k));
    k->key = counting.real->new_key(key);
    counting.made[key[0]]++;
    if (++counting.live > counting.most)
        counting.most = counting.live;
    return k;
}

static void free_key(void *key)
{
    struct counted *k = key;

    counting.real->free_key(k->key);
    free(k);
    counting.live--;
}

static bool seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data, size_t n,
                 uint8_t *icv)
{
    return counting.real->seal(((struct counted *)key)->key, nonce, aad, data, n, icv);
}

static bool open(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data, size_t n,
                 const uint8_t *icv)
{
    return counting.real->open(((struct counted *)key)->key, nonce, aad, data, n, icv);
}

/* ---- a plane whose pairs talk to themselves ---- */

struct loop {
    _Alignas(max_align_t) uint8_t mem[MEM_LEN];
    struct ipsec *p;
    uint64_t sent[N];
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt;
    struct ipsec_way way;
};

/* What pair 0 seals pair 1 opens and the other way round, so 2 and 3 ... */
static void key_of(uint8_t key[KEY_LEN], unsigned pair, bool out)
{
    const unsigned whose = out ? pair : pair ^ 1;

    memset(key, 0x40 + (int)whose, KEY_LEN);
    key[0] = (uint8_t)(1 + whose);
}

static struct cv_addr site(unsigned pair)
{
    return ip4(10, 7, (uint8_t)pair, 1);
}

static enum cv_err install(struct loop *l, unsigned i)
{
    uint8_t in[KEY_LEN], out[KEY_LEN];
    const struct cv_endpoint here = {ip4(192, 0, 2, 1), 4500};
    const struct cv_ts_list local = {.n = 1, .ts[0] = ts_host(site(i))};
    const struct cv_ts_list remote = {.n = 1, .ts[0] = ts_host(site(i ^ 1))};
    const struct cv_pair_config cfg = {
        .id = 100 + i,
        .spi_in = SPI + i,
        .spi_out = SPI + (i ^ 1),
        .protocol = CV_PROTO_ESP,
        .mode = CV_TUNNEL,
        .suite = {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128},
        .key_in = span(in, KEY_LEN),
        .key_out = span(out, KEY_LEN),
        .local_ts = local,
        .remote_ts = remote,
        .local = here,
        .remote = here,
        .encap = true,
        .fixed_remote = true,
        .replay_window = 64,
    };
    enum cv_err err;

    key_of(in, i, false);
    key_of(out, i, true);
    err = ipsec_install(l->p, i, &cfg, 1);
    if (err == CV_OK)
        ipsec_use_out(l->p, i);
    return err;
}

static struct loop *begin(struct loop *l, uint32_t n_hot)
{
    struct arena count = {0}, a = {.p = l->mem, .cap = sizeof(l->mem)};

    memset(&counting, 0, sizeof(counting));
    counting.room = UINT32_MAX;
    counting.crypto = cv_crypto_openssl;
    counting.real = crypto_aead(&cv_crypto_openssl, CV_ENCR_AES_GCM_16, 128);
    counting.aead = *counting.real;
    counting.aead.new_key = new_key;
    counting.aead.free_key = free_key;
    counting.aead.seal = seal;
    counting.aead.open = open;
    counting.list[0] = &counting.aead;
    counting.crypto.aeads = counting.list;
    memset(l, 0, sizeof(*l));
    assert_null(ipsec_init(&count, N, n_hot, &counting.crypto, SEED));
    assert_true(count.used <= sizeof(l->mem));
    l->p = ipsec_init(&a, N, n_hot, &counting.crypto, SEED);
    return l;
}

static struct loop *full(struct loop *l, uint32_t n_hot)
{
    begin(l, n_hot);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(install(l, i), CV_OK);
    memset(counting.made, 0, sizeof(counting.made));
    return l;
}

static void end(struct loop *l)
{
    ipsec_close(l->p);
    assert_int_equal(counting.live, 0);
}

static enum cv_err send(struct loop *l, unsigned i)
{
    l->pkt =
        packet_in(l->buf, make_udp(l->buf + CV_HEADROOM, site(i), site(i ^ 1), 1000, 1883, 40));
    ipsec_out(l->p, &l->pkt, 1000, &l->way);
    return l->pkt.err;
}

static enum cv_err receive(struct loop *l)
{
    ipsec_in(l->p, &l->pkt, 1000, &l->way);
    return l->pkt.err;
}

static uint32_t seq_of(const struct loop *l)
{
    uint32_t spi, seq;

    assert_int_equal(esp_read_header(&l->pkt, &spi, &seq), CV_OK);
    return seq;
}

static void pass(struct loop *l, unsigned i)
{
    assert_int_equal(send(l, i), CV_OK);
    assert_int_equal(seq_of(l), ++l->sent[i]);
    assert_int_equal(receive(l), CV_OK);
    assert_int_equal(l->pkt.child, 100 + (i ^ 1));
}

/* ---- what a cache must not change ---- */

static void every_pair_works_with_few_slots_and_numbers_go_on(void **state)
{
    static const uint32_t slots[] = {1, 2, 3, HOT, 2 * N - 1};
    static struct loop room;

    (void)state;
    for (size_t s = 0; s < sizeof(slots) / sizeof(slots[0]); s++) {
        struct loop *l = full(&room, slots[s]);
        uint32_t dice = 1;

        for (unsigned i = 0; i < ROUNDS; i++) {
            dice = dice * 1664525 + 1013904223;
            pass(l, dice >> 16 & (N - 1));
        }
        assert_true(counting.most <= slots[s] + 1); /* and a guest */
        assert_true(counting.live <= slots[s]);
        end(l);
    }
}

static void with_a_slot_for_each_key_none_is_expanded_twice(void **state)
{
    static const uint32_t slots[] = {0, 2 * N, 1000};
    static struct loop room;

    (void)state;
    for (size_t s = 0; s < sizeof(slots) / sizeof(slots[0]); s++) {
        struct loop *l = full(&room, slots[s]);

        for (unsigned i = 0; i < 10 * N; i++)
            pass(l, i % N);
        assert_int_equal(l->p->hot.expanded, 2 * N);
        assert_int_equal(counting.live, 2 * N);
        end(l);
    }
}

static void who_carries_traffic_keeps_its_slot(void **state)
{
    static struct loop room;
    struct loop *l = full(&room, HOT);

    (void)state;
    for (unsigned i = 0; i < 4 * N; i++) {
        pass(l, 0); /* one key sealed, and the same one opens at pair 1 */
        assert_int_equal(send(l, 2 + i % (N - 2)), CV_OK);
    }
    assert_true(counting.made[1] <= 2); /* both directions, as the beginning was cold */
    assert_true(counting.made[3] > 2);
    end(l);
}

/* ---- what a forger must not do ---- */

static void forged_packets_take_no_slot(void **state)
{
    static struct loop room;
    struct loop *l = full(&room, HOT);
    uint64_t expanded;

    (void)state;
    for (unsigned i = 0; i < 8; i++) { /* these two, both ways, fill the slots */
        pass(l, 0);
        pass(l, 1);
    }
    memset(counting.made, 0, sizeof(counting.made));
    expanded = l->p->hot.expanded;
    for (unsigned i = 0; i < 10 * N; i++) {
        struct wr w;

        l->pkt = packet_in(l->buf, 120);
        w = wr_init(cv_packet_data(&l->pkt), 8);
        wr_u32(&w, SPI + 2 + i % (N - 2));
        wr_u32(&w, 1 + i);
        l->pkt.carrier = CV_UDP_4500;
        assert_int_equal(receive(l), CV_ERR_ICV);
        assert_int_equal(counting.live, HOT);
    }
    assert_int_equal(l->p->hot.expanded, expanded + 10 * N);
    pass(l, 0);
    pass(l, 1);
    assert_int_equal(counting.made[1] + counting.made[2], 0);
    end(l);
}

/* ---- no room at the backend ---- */

static void a_packet_without_room_for_its_keys_is_dropped_and_nothing_else_changes(void **state)
{
    static struct loop room;
    struct loop *l = full(&room, HOT);
    struct cv_packet sealed;
    uint8_t wire[BUF_LEN];

    (void)state;
    assert_int_equal(send(l, 4), CV_OK);
    assert_int_equal(seq_of(l), 1);
    sealed = l->pkt;
    memcpy(wire, l->buf, sizeof(wire));
    pass(l, 0);
    pass(l, 2);
    pass(l, 0);
    pass(l, 2);
    counting.room = 0;
    assert_int_equal(send(l, 4), CV_ERR_FULL);
    assert_int_equal(l->pkt.verdict, CV_DROP);
    l->pkt = sealed;
    memcpy(l->buf, wire, sizeof(wire));
    assert_int_equal(receive(l), CV_ERR_FULL);
    assert_int_equal(l->way.notices[0], 0);
    assert_int_equal(ipsec_counters(l->p, 5)->drops[CV_CD_MALFORMED], 0);
    counting.room = UINT32_MAX;
    l->pkt = sealed;
    memcpy(l->buf, wire, sizeof(wire));
    assert_int_equal(receive(l), CV_OK);
    assert_int_equal(send(l, 4), CV_OK);
    assert_int_equal(seq_of(l), 2);
    end(l);
}

static void a_pair_without_room_for_its_keys_is_not_installed(void **state)
{
    static struct loop room;

    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        struct loop *l = begin(&room, 0);

        counting.room = n;
        assert_int_equal(install(l, 0), CV_ERR_FULL);
        assert_int_equal(counting.live, 0);
        assert_int_equal(ipsec_find_spi(l->p, SPI), POOL_NONE);
        counting.room = 2;
        assert_int_equal(install(l, 0), CV_OK);
        end(l);
    }
}

/* ---- secrets ---- */

static bool has_octets(const uint8_t *mem, size_t n, const uint8_t *what, size_t len)
{
    for (size_t i = 0; i + len <= n; i++) {
        if (memcmp(mem + i, what, len) == 0)
            return true;
    }
    return false;
}

static void a_removed_pair_leaves_no_octet_of_its_keys(void **state)
{
    static struct loop room;
    struct loop *l = full(&room, HOT);
    uint8_t key[KEY_LEN];

    (void)state;
    for (unsigned i = 0; i < 3 * N; i++)
        pass(l, i % N);
    key_of(key, 3, true); /* also pair 2's for what comes in */
    assert_true(has_octets(l->mem, sizeof(l->mem), key + 16, 4));
    ipsec_remove(l->p, 3);
    ipsec_remove(l->p, 2);
    assert_false(has_octets(l->mem, sizeof(l->mem), key + 16, 4)); /* not even the salt */
    for (unsigned i = 0; i < 2 * N; i++)
        pass(l, 4 + i % (N - 4));
    assert_int_equal(install(l, 3), CV_OK);
    assert_int_equal(install(l, 2), CV_OK);
    l->sent[2] = l->sent[3] = 0;
    pass(l, 3);
    end(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_works_with_few_slots_and_numbers_go_on),
        cmocka_unit_test(with_a_slot_for_each_key_none_is_expanded_twice),
        cmocka_unit_test(who_carries_traffic_keeps_its_slot),
        cmocka_unit_test(forged_packets_take_no_slot),
        cmocka_unit_test(
            a_packet_without_room_for_its_keys_is_dropped_and_nothing_else_changes),
        cmocka_unit_test(a_pair_without_room_for_its_keys_is_not_installed),
        cmocka_unit_test(a_removed_pair_leaves_no_octet_of_its_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
