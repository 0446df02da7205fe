/* What transport mode alone must watch.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipsec/esp.h"
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

/* RFC 4303 section 3.1.1: the header stays in front, so what a program chose goes out and what
 * the way left of it comes in (RFC 5082). */
static void time_to_live_travels_with_the_packet(void **state)
{
    static const struct way *const ways[] = {&esp_transport, &esp_transport_udp};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture *f = fresh(&room, ways[i]);
        uint16_t sum;
        uint8_t *ip;

        make_packet(f, ways[i], 5);
        ip = cv_packet_data(&f->pkt);
        ip[8] = 9;
        ip[10] = ip[11] = 0;
        sum = ip_checksum(span(ip, 20));
        ip[10] = (uint8_t)(sum >> 8);
        ip[11] = (uint8_t)sum;
        assert_int_equal(send_left(f), CV_OK);
        assert_int_equal(f->pkt.ttl, 9);
        f->pkt.ttl = 6;
        assert_int_equal(receive_right(f), CV_OK);
        assert_int_equal(cv_packet_data(&f->pkt)[8], 6);
        done(f);
    }
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
        cmocka_unit_test(time_to_live_travels_with_the_packet),
        cmocka_unit_test(hostile_payload_in_transport_mode_is_dropped),
        cmocka_unit_test(carrier_of_the_other_protocol_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
