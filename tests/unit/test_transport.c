/* What transport mode alone must watch.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <culvert/ipsec.h>

#include "ipsec/esp.h"
#include "tests/support/hex.h"
#include "tests/support/modes_fixture.h"
#include "tests/support/own_sa.h"

static const struct way esp_transport = {
    .protocol = CV_PROTO_ESP, .mode = CV_TRANSPORT, .suite = &suites[0]};
static const struct way esp_transport_udp = {
    .protocol = CV_PROTO_ESP, .mode = CV_TRANSPORT, .encap = true, .suite = &suites[0]};
static const struct way ah_transport = {
    .protocol = CV_PROTO_AH, .mode = CV_TRANSPORT, .suite = &ah_suites[4]};

static void fragments_do_not_go_through_transport_mode(void **state)
{
    static const struct way *const ways[] = {&esp_transport, &ah_transport};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture *f = fresh(&room, ways[i]);
        struct cv_packet was;

        make_packet(f, ways[i], 30);
        cv_packet_data(&f->pkt)[6] = 0x20; /* more fragments */
        set_tos(cv_packet_data(&f->pkt), 0);
        was = f->pkt;
        assert_int_equal(send_left(f), CV_ERR_FRAGMENT);
        assert_int_equal(f->pkt.verdict, CV_DROP);
        assert_int_equal(f->pkt.off, was.off);
        assert_int_equal(f->pkt.len, was.len);
        assert_int_equal(ipsec_counters(f->left.p, PAIR)->packets_out, 0);
        done(f);
    }
}

/* A NAT in the middle: right sees left under another address, and its selectors name it. */
static void checksum_is_made_right_behind_a_nat(void **state)
{
    static struct fixture room, *f = &room;
    struct cv_pair_config left = config(&esp_transport_udp, false);
    struct cv_pair_config right = config(&esp_transport_udp, true);
    const struct cv_addr nat = ip4(203, 0, 113, 5);
    struct ip_flow flow;

    (void)state;
    right.remote.addr = nat;
    right.remote_ts = ts_one(ts_host(nat));
    init_side(&f->left, &left);
    init_side(&f->right, &right);
    make_packet(f, &esp_transport_udp, 31);
    assert_int_equal(send_left(f), CV_OK);
    f->pkt.local = (struct cv_endpoint){nat, 1024};
    assert_int_equal(receive_right(f), CV_OK);
    assert_true(upper_checksum_is_right(&f->pkt));
    assert_int_equal(ip_parse(&flow, span(cv_packet_data(&f->pkt), f->pkt.len)), CV_OK);
    assert_true(addr_equal(&flow.src, &nat));
    assert_int_equal(flow.sport, 40000);
    done(f);
}

/* A host whose sockets write the header has only the TTL: what a program chose goes out and
 * what the way left of it comes in (RFC 5082). */
static void time_to_live_travels_by_itself(void **state)
{
    static const struct way *const ways[] = {&esp_transport, &esp_transport_udp};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture *f = fresh(&room, ways[i]);
        uint8_t *ip;

        make_packet(f, ways[i], 5);
        ip = cv_packet_data(&f->pkt);
        ip[8] = 9;
        ip_set_len(ip, f->pkt.len);
        assert_int_equal(send_left(f), CV_OK);
        assert_int_equal(f->pkt.ttl, 9);
        f->pkt.ttl = 6;
        f->pkt.head = 0;
        assert_int_equal(receive_right(f), CV_OK);
        assert_int_equal(cv_packet_data(&f->pkt)[8], 6);
        done(f);
    }
}

/* ---- headers of all kinds ---- */

/* What a program sends, and the headers in front of ESP as RFC 4303 section 3.1.1 has them: all
 * but lengths, checksum and the protocol that is named is the program's. */
static const struct headers {
    const char *packet;
    size_t front;
    size_t proto_at;
} headers[] = {
  /* TTL 1, router alert, DF, identification 0xbeef */
    {"46c0"
     "0024"
     "beef4000"
     "0111"
     "0000"
     "c0000201c0000202"
     "94040000"
     "9c40075b000c0000"
     "01020304", 24, 9 },
 /* record route, one address of it filled in; no DF */
    {"4800"
     "002c"
     "00010000"
     "ff11"
     "0000"
     "c0000201c0000202"
     "070b08cb007105"
     "0000000000"
     "9c40075b000c0000"
     "05060708", 32, 9 },
 /* hop-by-hop options, destination options behind; flow label 0x12345 */
    {"6b812345"
     "001c"
     "00"
     "02"
     "20010db8000900000000000000000001"
     "20010db8000900000000000000000002"
     "3c00050200000100"
     "11001e0401020304"
     "9c40075b000c1e84"
     "01020304", 48, 40},
 /* destination options for each stop, a route that has ended */
    {"60000001"
     "002c"
     "3c"
     "ff"
     "20010db8000900000000000000000001"
     "20010db8000900000000000000000002"
     "2b001e0401020304"
     "11020200"
     "00000000"
     "20010db8000900000000000000000002"
     "9c40075b000c1e84"
     "01020304", 72, 48},
};

static const struct way esp_v6 = {
    .protocol = CV_PROTO_ESP, .mode = CV_TRANSPORT, .outer6 = true, .suite = &suites[0]};
static const struct way esp_v6_udp = {.protocol = CV_PROTO_ESP,
                                      .mode = CV_TRANSPORT,
                                      .outer6 = true,
                                      .encap = true,
                                      .suite = &suites[0]};

static const struct way *way_for(const struct headers *h, bool udp)
{
    if (h->packet[0] == '6')
        return udp ? &esp_v6_udp : &esp_v6;
    return udp ? &esp_transport_udp : &esp_transport;
}

static void load_headers(struct fixture *f, const struct headers *h)
{
    f->pkt = packet_in(f->buf, 0);
    f->pkt.len = hex_read(cv_packet_data(&f->pkt), 256, h->packet).n;
    if (h->packet[0] == '4')
        ip_set_len(cv_packet_data(&f->pkt), f->pkt.len);
}

static void check_outside(const struct cv_packet *pkt, const struct headers *h, bool udp,
                          const uint8_t *was)
{
    uint8_t want[256];
    struct ip_flow flow;

    memcpy(want, was, h->front);
    want[h->proto_at] = udp ? IPPROTO_NUM_UDP : IPPROTO_NUM_ESP;
    ip_set_len(want, pkt->len);
    assert_memory_equal(cv_packet_data(pkt), want, h->front);
    assert_int_equal(ip_parse(&flow, span(cv_packet_data(pkt), pkt->len)), CV_OK);
    assert_int_equal(flow.total_len, pkt->len);
    assert_int_equal(flow.proto, udp ? IPPROTO_NUM_UDP : IPPROTO_NUM_ESP);
    assert_int_equal(flow.hdr_len, h->front);
}

static void every_header_goes_out_and_comes_in_as_it_was(void **state)
{
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < 2 * sizeof(headers) / sizeof(headers[0]); i++) {
        const struct headers *h = &headers[i / 2];
        struct fixture *f = fresh(&room, way_for(h, i % 2));
        uint8_t was[256];
        size_t len;

        load_headers(f, h);
        len = f->pkt.len;
        memcpy(was, cv_packet_data(&f->pkt), len);
        assert_int_equal(send_left(f), CV_OK);
        assert_int_equal(f->pkt.head, h->front);
        assert_int_equal(cv_outer_put(&f->pkt), CV_OK);
        assert_int_equal(f->pkt.head, 0);
        check_outside(&f->pkt, h, i % 2, was);
        assert_int_equal(cv_outer_take(&f->pkt), CV_OK);
        ipsec_in(f->right.p, &f->pkt, 2000, &f->way);
        assert_int_equal(f->pkt.err, CV_OK);
        assert_int_equal(f->pkt.head, 0);
        assert_int_equal(f->pkt.len, len);
        if (i % 2) /* behind UDP the checksum is computed anew, if there was one */
            memcpy(cv_packet_data(&f->pkt) + len - 6, was + len - 6, 2);
        assert_memory_equal(cv_packet_data(&f->pkt), was, len);
        done(f);
    }
}

/* A host may lie about what was in front, or not have had room for it. */
static void headers_that_do_not_hold_together_are_refused(void **state)
{
    static const struct {
        uint16_t head;
        int at; /* an octet of the headers, from their start; -1: none */
        uint8_t value;
        enum cv_err want;
    } cases[] = {
        {48,         -1, 0,    CV_OK              },
        {40,         -1, 0,    CV_ERR_MALFORMED   },
        {47,         -1, 0,    CV_ERR_MALFORMED   },
        {UINT16_MAX, -1, 0,    CV_ERR_LIMIT       },
        {48,         0,  0x45, CV_ERR_MALFORMED   },
        {48,         6,  43,   CV_ERR_SOURCE_ROUTE},
        {48,         6,  44,   CV_ERR_FRAGMENT    },
        {48,         40, 60,   CV_ERR_SHORT       },
        {48,         41, 1,    CV_ERR_SHORT       },
        {0,          -1, 0,    CV_OK              },
    };
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture *f = fresh(&room, &esp_v6);

        load_headers(f, &headers[2]);
        assert_int_equal(send_left(f), CV_OK);
        if (cases[i].at >= 0)
            f->pkt.buf[f->pkt.off - 48 + (size_t)cases[i].at] = cases[i].value;
        f->pkt.head = cases[i].head;
        assert_int_equal(receive_right(f), cases[i].want);
        assert_int_equal(ipsec_counters(f->right.p, PAIR)->packets_in, cases[i].want == CV_OK);
        done(f);
    }
}

/* ESP is opened where the packet ends up, not at its next stop. */
static void a_source_route_that_goes_on_is_not_sealed(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, &esp_transport);
    struct cv_packet was;

    (void)state;
    load_headers(f, &headers[1]);
    cv_packet_data(&f->pkt)[20] =
        131; /* from here on a loose source route, its first stop past */
    assert_int_equal(f->pkt.len, 44);
    cv_packet_data(&f->pkt)[22] = 8;
    ip_set_len(cv_packet_data(&f->pkt), f->pkt.len);
    was = f->pkt;
    assert_int_equal(send_left(f), CV_ERR_SOURCE_ROUTE);
    assert_int_equal(f->pkt.off, was.off);
    assert_int_equal(f->pkt.len, was.len);
    cv_packet_data(&f->pkt)[22] = 12;
    ip_set_len(cv_packet_data(&f->pkt), f->pkt.len);
    assert_int_equal(send_left(f), CV_OK);
    done(f);
}

/* Nothing is moved and no number spent where there is no room. */
static void a_packet_without_room_stays_as_it_was(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, &esp_transport_udp);

    (void)state;
    for (size_t front = 0; front < 24; front++) { /* UDP 8, ESP 8, IV 8 */
        uint8_t was[BUF_LEN];

        load_headers(f, &headers[0]);
        memmove(f->buf + front, cv_packet_data(&f->pkt), f->pkt.len);
        f->pkt.off = front;
        memcpy(was, f->buf, sizeof(was));
        assert_int_equal(send_left(f), CV_ERR_NO_ROOM);
        assert_int_equal(f->pkt.off, front);
        assert_memory_equal(f->buf, was, sizeof(was));
    }
    load_headers(f, &headers[0]);
    f->pkt.cap = f->pkt.off + f->pkt.len + 10;
    assert_int_equal(send_left(f), CV_ERR_NO_ROOM);
    assert_int_equal(f->pkt.off, CV_HEADROOM);
    assert_int_equal(cv_packet_data(&f->pkt)[20], 148);
    assert_int_equal(f->pkt.head, 0);
    done(f);
}

/* What the options take is not there for the payload. */
static void sizes_count_the_headers_outside(void **state)
{
    static struct fixture room;
    struct fixture *f = &room;
    struct cv_pair_config left = config(&esp_transport, false);

    (void)state;
    left.mtu = 576;
    init_side(&f->left, &left);
    for (unsigned options = 0; options <= 40; options += 4) {
        size_t largest = 0;

        for (size_t len = 500; len <= 576; len++) {
            uint8_t *ip = f->buf + CV_HEADROOM;

            memset(ip, 1, 576); /* options that do nothing */
            make_packet(f, &esp_transport, 0);
            memset(ip + 20, 1, options);
            ip[0] = (uint8_t)(0x45 + options / 4);
            ip[6] = 0x40;
            f->pkt.len = len;
            ip_set_len(ip, len);
            if (send_left(f) == CV_OK) {
                largest = len;
                assert_true(f->pkt.len + f->pkt.head <= 576);
            } else {
                assert_int_equal(f->pkt.err, CV_ERR_TOO_BIG);
                assert_int_equal(largest, ipsec_inner_mtu_for(f->left.p, PAIR, span(ip, len)));
            }
        }
        assert_in_range(largest, 576 - 38 - 3, 576 - 34);
    }
    ipsec_close(f->left.p);
}

static void udp_packet_without_a_checksum_stays_without(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, &esp_transport_udp);
    const uint8_t *udp;

    (void)state;
    make_packet(f, &esp_transport_udp, 5);
    cv_packet_data(&f->pkt)[26] = cv_packet_data(&f->pkt)[27] = 0;
    assert_int_equal(send_left(f), CV_OK);
    assert_int_equal(receive_right(f), CV_OK);
    udp = cv_packet_data(&f->pkt) + 20;
    assert_int_equal(udp[6] | udp[7], 0);
    done(f);
}

static void packet_from_an_address_outside_the_selectors_is_dropped(void **state)
{
    static const struct way *const ways[] = {&esp_transport, &ah_transport};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture *f = &room;
        struct cv_pair_config left = config(ways[i], false), right = config(ways[i], true);

        right.remote_ts = ts_one(ts_host(ip4(192, 0, 2, 77)));
        init_side(&f->left, &left);
        init_side(&f->right, &right);
        make_packet(f, ways[i], 5);
        assert_int_equal(send_left(f), CV_OK);
        assert_int_equal(receive_right(f), CV_ERR_SELECTOR);
        assert_int_equal(f->pkt.verdict, CV_DROP);
        done(f);
    }
}

static void packet_to_another_address_than_the_peers_does_not_go_out(void **state)
{
    static struct fixture room, *f = &room;
    struct cv_pair_config left = config(&esp_transport, false);
    struct cv_pair_config right = config(&esp_transport, true);

    (void)state;
    left.remote_ts = ts_one(ts_any(CV_IPV4));
    init_side(&f->left, &left);
    init_side(&f->right, &right);
    make_packet(f, &esp_transport, 5);
    f->pkt.len = make_udp(f->buf + CV_HEADROOM, ip4(192, 0, 2, 1), ip4(192, 0, 2, 9), 1, 2, 5);
    assert_int_equal(send_left(f), CV_ERR_SELECTOR);
    done(f);
}

/* The sealed payload of a hostile peer, whatever it likes. */
static enum cv_err receive_payload(struct fixture *f, const struct way *w, uint8_t next_header,
                                   const uint8_t *payload, size_t n)
{
    struct esp_sa sa;

    assert_int_equal(own_esp_open(&sa, &cv_crypto_openssl, &w->suite->suite, RIGHT_SPI,
                                  span(keymat[1], w->suite->key_len)),
                     CV_OK);
    f->pkt = packet_in(f->buf, n);
    memcpy(cv_packet_data(&f->pkt), payload, n);
    assert_int_equal(esp_seal(&sa, &f->pkt, next_header), CV_OK);
    own_close(&sa);
    f->pkt.carrier = w->encap ? CV_UDP_4500 : CV_RAW_ESP;
    f->pkt.local = (struct cv_endpoint){outer_ip(w, true), 0};
    f->pkt.remote = (struct cv_endpoint){outer_ip(w, false), 0};
    ipsec_in(f->right.p, &f->pkt, 0, &f->way);
    return f->pkt.err;
}

static void hostile_payload_in_transport_mode_is_dropped(void **state)
{
    static const struct way w6 = {.protocol = CV_PROTO_ESP,
                                  .mode = CV_TRANSPORT,
                                  .outer6 = true,
                                  .encap = true,
                                  .suite = &suites[0]};
    static const uint8_t zeros[64];
    static struct fixture room;
    static const struct {
        uint8_t next_header, first;
        size_t n;
        enum cv_err want;
    } cases[] = {
        {IPPROTO_NUM_HOP_BY_HOP,   0,                    8,  CV_ERR_NEXT_HEADER},
        {IPPROTO_NUM_ROUTING,      0,                    8,  CV_ERR_NEXT_HEADER},
        {IPPROTO_NUM_FRAGMENT,     0,                    8,  CV_ERR_NEXT_HEADER},
        {IPPROTO_NUM_DEST_OPTIONS, 0,                    7,  CV_ERR_INNER      },
        {IPPROTO_NUM_DEST_OPTIONS, 0,                    0,  CV_ERR_INNER      },
        {IPPROTO_NUM_DEST_OPTIONS, IPPROTO_NUM_FRAGMENT, 9,  CV_ERR_INNER      },
        {IPPROTO_NUM_DEST_OPTIONS, IPPROTO_NUM_FRAGMENT, 20, CV_ERR_FRAGMENT   },
        {IPPROTO_NUM_UDP,          0,                    0,  CV_OK             },
        {IPPROTO_NUM_UDP,          0,                    7,  CV_OK             },
        {IPPROTO_NUM_TCP,          0,                    17, CV_OK             },
        {IPPROTO_NUM_ICMPV6,       128,                  3,  CV_OK             },
        {IPPROTO_NUM_NONE,         0,                    9,  CV_OK             },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture *f = fresh(&room, &w6);
        uint8_t payload[64];

        memcpy(payload, zeros, sizeof(payload));
        payload[0] = cases[i].first;
        payload[8] = IPPROTO_NUM_UDP; /* behind the first header, a fragment's */
        payload[11] = 1;              /* more fragments */
        assert_int_equal(receive_payload(f, &w6, cases[i].next_header, payload, cases[i].n),
                         cases[i].want);
        done(f);
    }
}

static void carrier_of_the_other_protocol_is_refused(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, &ah_transport);
    struct cv_pair_config cfg = config(&ah_transport, false);

    (void)state;
    make_packet(f, &ah_transport, 5);
    assert_int_equal(send_left(f), CV_OK);
    f->pkt.off += 20 + 4; /* SPI and number, as if it were ESP */
    f->pkt.len -= 20 + 4;
    f->pkt.carrier = CV_RAW_ESP;
    assert_int_equal(receive_right(f), CV_ERR_ENCAP);
    ipsec_remove(f->left.p, PAIR);
    cfg.encap = true;
    assert_int_equal(ipsec_install(f->left.p, PAIR, &cfg, 0), CV_ERR_UNSUPPORTED);
    cfg.encap = false;
    cfg.local.addr.family = CV_IPV6;
    assert_int_equal(ipsec_install(f->left.p, PAIR, &cfg, 0), CV_ERR_ARGUMENT);
    done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_do_not_go_through_transport_mode),
        cmocka_unit_test(checksum_is_made_right_behind_a_nat),
        cmocka_unit_test(udp_packet_without_a_checksum_stays_without),
        cmocka_unit_test(packet_from_an_address_outside_the_selectors_is_dropped),
        cmocka_unit_test(packet_to_another_address_than_the_peers_does_not_go_out),
        cmocka_unit_test(time_to_live_travels_by_itself),
        cmocka_unit_test(every_header_goes_out_and_comes_in_as_it_was),
        cmocka_unit_test(headers_that_do_not_hold_together_are_refused),
        cmocka_unit_test(a_source_route_that_goes_on_is_not_sealed),
        cmocka_unit_test(a_packet_without_room_stays_as_it_was),
        cmocka_unit_test(sizes_count_the_headers_outside),
        cmocka_unit_test(hostile_payload_in_transport_mode_is_dropped),
        cmocka_unit_test(carrier_of_the_other_protocol_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
