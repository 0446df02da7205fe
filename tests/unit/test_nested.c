/* SAs inside SAs: AH around ESP, tunnels in tunnels, through the plane.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/nested_fixture.h"

/* ---- stacks ---- */

static uint8_t carrier_of(const struct layer *l)
{
    return l->protocol == CV_PROTO_AH ? CV_RAW_AH : l->encap ? CV_UDP_4500 : CV_RAW_ESP;
}

static uint8_t proto_of(const struct layer *l)
{
    return l->protocol == CV_PROTO_AH ? IPPROTO_NUM_AH
           : l->encap                 ? IPPROTO_NUM_UDP
                                      : IPPROTO_NUM_ESP;
}

/* layers[0] is the innermost. */
static void try_stack(const struct layer *layers, unsigned n)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, layers, n);

    for (unsigned size = 0; size < 900; size += 1 + size / 3) {
        uint8_t want[BUF_LEN];
        size_t len;

        make_packet(f, &layers[0], size);
        set_tos(cv_packet_data(&f->pkt), 0xb8);
        len = f->pkt.len;
        memcpy(want, cv_packet_data(&f->pkt), len);
        assert_int_equal(send(f), CV_OK);
        assert_int_equal(f->way.n, n);
        assert_int_equal(f->pkt.child, n);
        assert_int_equal(f->pkt.carrier, carrier_of(&layers[n - 1]));
        assert_int_equal(f->pkt.tos, 0xb8);
        assert_int_equal(receive(f), CV_OK);
        assert_int_equal(f->pkt.verdict, CV_DELIVER);
        assert_int_equal(f->way.n, n);
        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(f->way.pair[i], n - 1 - i);
            assert_int_equal(f->way.notices[i], size == 0 ? CV_NOTICE_FIRST_IN : 0);
        }
        assert_int_equal(f->pkt.len, len);
        if (!layers[0].encap) /* else the UDP checksum is computed anew */
            assert_memory_equal(cv_packet_data(&f->pkt), want, len);
    }
    done(f);
}

static void every_kind_of_sa_goes_through_every_other(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 512; bits++) {
        struct layer l[2] = {layer_of(bits & 15, 2, 1, bits & 256)};

        l[1] = layer_of(bits >> 4 & 15, 3, l[0].net, l[0].v6);
        l[1].proto = proto_of(&l[0]); /* else a transport SA's packet fits both */
        l[0].nested = true;
        /* AH protects the IPv4 identification, which ESP's transport mode does not keep */
        if (l[0].protocol == CV_PROTO_AH && !l[1].v6 && l[1].protocol == CV_PROTO_ESP &&
            l[1].mode == CV_TRANSPORT)
            continue;
        try_stack(l, 2);
    }
}

static void three_tunnels_lie_in_each_other(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 64; bits++) {
        struct layer l[3] = {layer_of(bits & 1 ? 1 : 8, 2, 1, bits & 2)};

        l[1] = layer_of((bits & 4 ? 1 : 8) | (bits & 8 ? 4 : 0), 3, 2, l[0].v6);
        l[2] = layer_of((bits & 16 ? 1 : 8) | (bits & 32 ? 4 : 0), 4, 3, l[1].v6);
        l[0].nested = l[1].nested = true;
        try_stack(l, 3);
    }
}

/* ---- what is refused ---- */

static void a_fourth_sa_is_refused_before_anything_is_sealed(void **state)
{
    static struct fixture room;
    struct layer l[4];
    struct fixture *f;

    (void)state;
    for (uint8_t i = 0; i < 4; i++) {
        l[i] = layer_of(0, (uint8_t)(i + 2), (uint8_t)(i + 1), false);
        l[i].nested = i < 3;
    }
    f = fresh(&room, l, 4);
    make_packet(f, &l[0], 30);
    assert_int_equal(send(f), CV_ERR_LIMIT);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(count(f, 0, i)->packets_out, 0);
    done(f);
}

/* A forger who holds all keys, which is the peer, gets no further than three. */
static void a_fourth_sa_inside_is_not_opened(void **state)
{
    static struct fixture room;
    struct layer l[4];
    struct fixture *f;

    (void)state;
    for (uint8_t i = 0; i < 4; i++)
        l[i] = layer_of(0, (uint8_t)(i + 2), (uint8_t)(i + 1), false);
    f = fresh(&room, l, 4);
    for (uint32_t i = 0; i < 3; i++) { /* nested for the receiver alone */
        struct cv_pair_config cfg = config(&l[i], i, true);

        cfg.nested = true;
        ipsec_remove(f->p[1], i);
        assert_int_equal(ipsec_install(f->p[1], i, &cfg, 0), CV_OK);
    }
    make_packet(f, &l[0], 30);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(send(f), CV_OK);
        assert_int_equal(cv_outer_put(&f->pkt), CV_OK);
    }
    assert_int_equal(send(f), CV_OK);
    assert_int_equal(receive(f), CV_ERR_LIMIT);
    assert_int_equal(f->pkt.verdict, CV_DROP);
    assert_int_equal(count(f, 1, 0)->packets_in, 0);
    done(f);
}

static void without_the_outer_sa_nothing_leaves_and_policy_sees_what_would(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, esp_in_ah, 1);
    struct ip_flow flow;

    (void)state;
    make_packet(f, &esp_in_ah[0], 30);
    assert_int_equal(send(f), CV_ERR_NO_TUNNEL);
    assert_int_equal(ip_parse(&flow, span(cv_packet_data(&f->pkt), f->pkt.len)), CV_OK);
    assert_int_equal(flow.proto, IPPROTO_NUM_ESP);
    /* the one that this starts takes the packet that was caught */
    add(f, &esp_in_ah[1], 1);
    assert_int_equal(send(f), CV_OK);
    assert_int_equal(f->pkt.carrier, CV_RAW_AH);
    assert_int_equal(receive(f), CV_OK);
    assert_int_equal(f->way.n, 2);
    /* and when it goes again, so does the traffic */
    ipsec_remove(f->p[0], 1);
    make_packet(f, &esp_in_ah[0], 30);
    assert_int_equal(send(f), CV_ERR_NO_TUNNEL);
    done(f);
}

static void a_nested_pairs_packet_that_comes_by_itself_is_refused(void **state)
{
    static struct fixture room;
    struct layer bare = esp_in_ah[0];
    struct fixture *f;

    (void)state;
    bare.nested = false;
    f = fresh(&room, &bare, 1);
    ipsec_remove(f->p[1], 0);
    for (uint32_t i = 0; i < 2; i++) {
        const struct cv_pair_config cfg = config(&esp_in_ah[i], i, true);

        assert_int_equal(ipsec_install(f->p[1], i, &cfg, 0), CV_OK);
    }
    make_packet(f, &bare, 30);
    assert_int_equal(send(f), CV_OK);
    assert_int_equal(receive(f), CV_ERR_ENCAP);
    assert_int_equal(f->pkt.verdict, CV_DROP);
    assert_int_equal(count(f, 1, 0)->drops[CV_CD_MALFORMED], 1);
    assert_int_equal(count(f, 1, 0)->packets_in, 0);
    done(f);
}

static void a_pair_never_carries_its_own_packets(void **state)
{
    static struct fixture room;
    const struct layer loop[] = {
        {CV_PROTO_ESP, CV_TUNNEL, .nested = true, .net = 1, .inside = 1},
        {CV_PROTO_ESP, CV_TUNNEL, .nested = true, .net = 1, .inside = 1},
    };
    struct fixture *f = fresh(&room, loop, 1);

    (void)state;
    make_packet(f, &loop[0], 30);
    assert_int_equal(send(f), CV_ERR_NO_TUNNEL);
    assert_int_equal(f->way.n, 1);
    add(f, &loop[1], 1);
    make_packet(f, &loop[0], 30);
    assert_int_equal(send(f), CV_ERR_NO_TUNNEL);
    assert_int_equal(f->way.n, 2);
    done(f);
}

static void what_lies_in_a_tunnel_for_another_host_or_sa_is_delivered(void **state)
{
    static struct fixture room;
    struct layer l[2] = {tunnels[0], tunnels[1]};
    struct ip_flow flow;
    struct fixture *f;

    (void)state;
    l[0].nested = false;
    f = fresh(&room, l, 2);
    for (unsigned other = 0; other < 2; other++) {
        if (other == 1) { /* nested, but at 10.9.0.2: not for us */
            struct cv_pair_config cfg = config(&tunnels[0], 0, true);

            cfg.local.addr = ip4(10, 9, 0, 2);
            ipsec_remove(f->p[1], 0);
            assert_int_equal(ipsec_install(f->p[1], 0, &cfg, 0), CV_OK);
        }
        make_packet(f, &l[0], 30);
        assert_int_equal(send(f), CV_OK);
        assert_int_equal(cv_outer_put(&f->pkt), CV_OK);
        assert_int_equal(send(f), CV_OK);
        assert_int_equal(receive(f), CV_OK);
        assert_int_equal(f->pkt.verdict, CV_DELIVER);
        assert_int_equal(f->way.n, 1);
        assert_int_equal(ip_parse(&flow, span(cv_packet_data(&f->pkt), f->pkt.len)), CV_OK);
        assert_int_equal(flow.proto, IPPROTO_NUM_ESP);
    }
    done(f);
}

static void a_nested_pair_needs_to_know_both_addresses(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, tunnels, 0);
    struct cv_pair_config cfg = config(&tunnels[0], 0, false);

    (void)state;
    cfg.local.addr.family = CV_ANY_FAMILY;
    assert_int_equal(ipsec_install(f->p[0], 0, &cfg, 0), CV_ERR_ARGUMENT);
    done(f);
}

/* ---- rekeying ---- */

static void either_sa_is_replaced_while_packets_go(void **state)
{
    static struct fixture room;

    (void)state;
    for (uint32_t old = 0; old < 2; old++) {
        struct fixture *f = fresh(&room, esp_in_ah, 2);

        add(f, &esp_in_ah[old], 2);
        for (unsigned removed = 0; removed < 2; removed++) {
            make_packet(f, &esp_in_ah[0], 30);
            assert_int_equal(send(f), CV_OK);
            assert_int_equal(f->way.n, 2);
            assert_int_equal(f->way.pair[old], 2); /* the new one */
            assert_int_equal(f->way.pair[1 - old], 1 - old);
            assert_int_equal(receive(f), CV_OK);
            ipsec_remove(f->p[0], old);
            ipsec_remove(f->p[1], old);
        }
        done(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_sa_goes_through_every_other),
        cmocka_unit_test(three_tunnels_lie_in_each_other),
        cmocka_unit_test(a_fourth_sa_is_refused_before_anything_is_sealed),
        cmocka_unit_test(a_fourth_sa_inside_is_not_opened),
        cmocka_unit_test(without_the_outer_sa_nothing_leaves_and_policy_sees_what_would),
        cmocka_unit_test(a_nested_pairs_packet_that_comes_by_itself_is_refused),
        cmocka_unit_test(a_pair_never_carries_its_own_packets),
        cmocka_unit_test(what_lies_in_a_tunnel_for_another_host_or_sa_is_delivered),
        cmocka_unit_test(a_nested_pair_needs_to_know_both_addresses),
        cmocka_unit_test(either_sa_is_replaced_while_packets_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
