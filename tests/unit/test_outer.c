/* One SA inside another by hand: outer headers put on and taken off between two SAs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <culvert/ipsec.h>

#include "tests/support/hex.h"
#include "tests/support/ipsec_fixture.h"

enum { ROOM = 2 * CV_HEADROOM, PAYLOAD = 100 };

static struct cv_addr host(bool v6, uint8_t n)
{
    return v6 ? ip6(1, n) : ip4(10, 1, 0, n);
}

/* Good for sealing at host 1, and for opening what it sealed. */
static void open_sa(struct cv_sa *sa, uint8_t protocol, bool v6, bool encap)
{
    const bool ah = protocol == CV_PROTO_AH;
    const struct cv_sa_config cfg = {
        .crypto = &cv_crypto_openssl,
        .protocol = protocol,
        .mode = CV_TRANSPORT,
        .spi = 0x1000U + protocol,
        .encr = ah ? 0 : CV_ENCR_AES_GCM_16,
        .encr_bits = ah ? 0 : 128,
        .integ = ah ? CV_INTEG_HMAC_SHA2_256_128 : CV_INTEG_NONE,
        .key = span(keymat[0], ah ? 32 : 20),
        .local = {host(v6, 1), 4500},
        .remote = {host(v6, 2), 4500},
        .encap = encap,
    };

    assert_int_equal(cv_sa_init(sa, &cfg), CV_OK);
}

static struct cv_packet packet(uint8_t buf[BUF_LEN], bool v6)
{
    return (struct cv_packet){
        .buf = buf,
        .cap = BUF_LEN,
        .off = ROOM,
        .len = make_udp(buf + ROOM, host(v6, 1), host(v6, 2), 40000, 1883, PAYLOAD),
    };
}

static void ah_around_esp_composes_by_hand(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 4; bits++) {
        const bool v6 = bits & 1, encap = bits & 2;
        const size_t head = v6 ? 48 : 28; /* IP, and UDP for its checksum */
        uint8_t buf[BUF_LEN], want[BUF_LEN];
        struct cv_packet pkt = packet(buf, v6);
        const size_t len = pkt.len;
        struct cv_addr src = host(v6, 1);
        struct cv_sa esp, ah;

        open_sa(&esp, CV_PROTO_ESP, v6, encap);
        open_sa(&ah, CV_PROTO_AH, v6, false);
        memcpy(want, cv_packet_data(&pkt), len);
        assert_int_equal(cv_sa_seal(&esp, &pkt), CV_OK);
        assert_int_equal(cv_outer_put(&pkt), CV_OK);
        assert_int_equal(cv_sa_seal(&ah, &pkt), CV_OK);
        assert_int_equal(pkt.carrier, CV_RAW_AH);

        assert_int_equal(cv_sa_open(&ah, &pkt), CV_OK);
        assert_int_equal(cv_outer_take(&pkt), CV_OK);
        assert_int_equal(pkt.carrier, encap ? CV_UDP_4500 : CV_RAW_ESP);
        assert_true(addr_equal(&pkt.remote.addr, &src));
        assert_int_equal(pkt.remote.port, encap ? 4500 : 0);
        assert_int_equal(cv_sa_open(&esp, &pkt), CV_OK);
        assert_int_equal(pkt.len, len);
        assert_memory_equal(cv_packet_data(&pkt) + head, want + head, len - head);
        cv_sa_close(&esp);
        cv_sa_close(&ah);
    }
}

/* Sealed by scapy 2.5: UDP port 40000 to 1883, "bundle", in ESP with AES-CBC, in AH, both in
 * transport mode with HMAC-SHA-256. */
static void a_packet_of_another_implementation_opens(void **state)
{
    static const char wire[] =
        "4500006800070000403366580a0100010a010002" /* IP */
        "320500000000200200000001d63de61410e63340d4367f232fe7a0f1"
        "0000100100000001000102030405060708090a0b0c0d0e0f"
        "3a6a0413858f5e041116374fdb3f8beac93cdcdb4fbe4f6a13e66b6ee0ca8c9a";
    static const char inside[] = "9c40075b000e0af362756e646c65";
    struct cv_sa_config cfg = {
        .crypto = &cv_crypto_openssl,
        .protocol = CV_PROTO_AH,
        .mode = CV_TRANSPORT,
        .spi = 0x2002,
        .integ = CV_INTEG_HMAC_SHA2_256_128,
        .local = {ip4(10, 1, 0, 2), 0},
        .remote = {ip4(10, 1, 0, 1), 0},
    };
    static uint8_t buf[BUF_LEN];
    struct cv_packet pkt = packet_in(buf, 0);
    uint8_t keys[96], want[32];
    struct cv_span expected;
    struct cv_sa esp, ah;

    (void)state;
    for (uint8_t i = 0; i < sizeof(keys); i++)
        keys[i] = i;
    cfg.integ_key = span(keys + 64, 32);
    assert_int_equal(cv_sa_init(&ah, &cfg), CV_OK);
    cfg.protocol = CV_PROTO_ESP;
    cfg.spi = 0x1001;
    cfg.encr = CV_ENCR_AES_CBC;
    cfg.encr_bits = 128;
    cfg.key = span(keys, 16);
    cfg.integ_key = span(keys + 32, 32);
    assert_int_equal(cv_sa_init(&esp, &cfg), CV_OK);
    pkt.carrier = CV_RAW_AH;
    pkt.len = hex_read(buf + pkt.off, BUF_LEN - pkt.off, wire).n;
    expected = hex_read(want, sizeof(want), inside);
    assert_int_equal(cv_sa_open(&ah, &pkt), CV_OK);
    assert_int_equal(cv_outer_take(&pkt), CV_OK);
    assert_int_equal(cv_sa_open(&esp, &pkt), CV_OK);
    assert_int_equal(pkt.len, IP4_HDR_LEN + expected.n);
    assert_memory_equal(cv_packet_data(&pkt) + IP4_HDR_LEN, expected.p, expected.n);
    cv_sa_close(&ah);
    cv_sa_close(&esp);
}

static void udp_has_the_checksum_that_its_family_asks_for(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        const struct cv_addr src = host(v6, 1), dst = host(v6, 2);
        const size_t head = ip_head_len(src.family);
        uint8_t buf[BUF_LEN];
        struct cv_packet pkt = packet(buf, v6);
        struct cv_span udp;
        struct cv_sa esp;

        open_sa(&esp, CV_PROTO_ESP, v6, true);
        assert_int_equal(cv_sa_seal(&esp, &pkt), CV_OK);
        assert_int_equal(cv_outer_put(&pkt), CV_OK);
        udp = span(cv_packet_data(&pkt) + head, pkt.len - head);
        if (v6)
            assert_int_equal(ip_upper_checksum(&src, &dst, IPPROTO_NUM_UDP, udp), 0);
        else
            assert_int_equal(udp.p[6] | udp.p[7], 0);
        cv_sa_close(&esp);
    }
}

static void headers_that_lie_are_refused_and_nothing_changes(void **state)
{
    uint8_t buf[BUF_LEN], *udp;
    struct cv_packet pkt = packet(buf, false), was;
    struct cv_sa esp;

    (void)state;
    open_sa(&esp, CV_PROTO_ESP, false, true);
    assert_int_equal(cv_sa_seal(&esp, &pkt), CV_OK);
    was = pkt;
    pkt.local.addr.family = CV_IPV6;
    assert_int_equal(cv_outer_put(&pkt), CV_ERR_ARGUMENT);
    pkt.local.addr.family = CV_IPV4;
    pkt.off = 27;
    assert_int_equal(cv_outer_put(&pkt), CV_ERR_NO_ROOM);
    pkt = was;
    assert_int_equal(cv_outer_put(&pkt), CV_OK);
    for (size_t n = 0; n < pkt.len; n++) {
        struct cv_packet cut = pkt;

        cut.len = n;
        assert_int_not_equal(cv_outer_take(&cut), CV_OK);
        assert_int_equal(cut.off, pkt.off);
        assert_int_equal(cut.len, n);
    }
    was = pkt;
    udp = cv_packet_data(&pkt) + IP4_HDR_LEN;
    udp[5]++; /* a length beyond the packet */
    assert_int_equal(cv_outer_take(&pkt), CV_ERR_MALFORMED);
    udp[5]--;
    memset(udp + 8, 0, 4); /* IKE */
    assert_int_equal(cv_outer_take(&pkt), CV_ERR_NEXT_HEADER);
    assert_memory_equal(&pkt, &was, sizeof(pkt));
    cv_sa_close(&esp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ah_around_esp_composes_by_hand),
        cmocka_unit_test(a_packet_of_another_implementation_opens),
        cmocka_unit_test(udp_has_the_checksum_that_its_family_asks_for),
        cmocka_unit_test(headers_that_lie_are_refused_and_nothing_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
