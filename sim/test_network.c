/* The simulated network alone, with no engine in it: what the scenarios rely on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/network.h"
#include "sim/recipe.h"
#include "sim/stack.h"
#include "wire/ip.h"

struct inbox {
    unsigned n;
    uint64_t at_ms[2000];
    uint8_t first[2000];
    struct cv_endpoint src, dst;
    uint8_t carrier;
    const struct agenda *agenda;
};

struct bench {
    struct prng prng;
    struct agenda agenda;
    struct net net;
    struct inbox a, b;
    struct cv_addr addr_a, addr_b;
    uint32_t port_a, port_b;
};

static void receive(void *ctx, const struct datagram *d)
{
    struct inbox *in = ctx;

    in->at_ms[in->n] = in->agenda->now_ms;
    in->first[in->n++] = d->data[0];
    in->src = d->src;
    in->dst = d->dst;
    in->carrier = d->carrier;
}

static int setup(void **state)
{
    struct bench *b = sim_alloc(sizeof(*b));

    b->prng = prng_seed(7);
    agenda_init(&b->agenda, 0);
    net_init(&b->net, &b->agenda, &b->prng);
    b->a.agenda = b->b.agenda = &b->agenda;
    b->addr_a = recipe_v4(192, 168, 0, 1);
    b->addr_b = recipe_v4(192, 0, 2, 2);
    b->port_a = net_attach(&b->net, "a", &b->addr_a, NULL, receive, &b->a);
    b->port_b = net_attach(&b->net, "b", &b->addr_b, NULL, receive, &b->b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    net_free(&b->net);
    agenda_free(&b->agenda);
    free(b);
    return 0;
}

static void send_byte(struct bench *b, uint8_t byte)
{
    struct cv_endpoint src = {b->addr_a, 4500}, dst = {b->addr_b, 4500};

    net_send(&b->net, b->port_a, &src, &dst, CV_UDP_4500, 0, (struct cv_span){&byte, 1});
}

static void answer_byte(struct bench *b, uint8_t byte)
{
    struct cv_endpoint src = {b->addr_b, 4500};

    net_send(&b->net, b->port_b, &src, &b->b.src, CV_UDP_4500, 0, (struct cv_span){&byte, 1});
}

static void run(struct bench *b)
{
    while (agenda_next(&b->agenda) != AGENDA_EMPTY)
        agenda_fire(&b->agenda);
}

static void events_of_one_millisecond_fire_in_the_order_of_queueing(void **state)
{
    struct bench *b = *state;

    for (uint8_t i = 0; i < 100; i++)
        send_byte(b, i);
    run(b);
    assert_int_equal(b->b.n, 100);
    for (uint8_t i = 0; i < 100; i++)
        assert_int_equal(b->b.first[i], i);
}

static void delay_is_both_links_and_jitter_reorders(void **state)
{
    struct bench *b = *state;
    bool reordered = false;

    b->net.ports[b->port_a].out = (struct net_link){.delay_ms = 20, .jitter_ms = 30};
    b->net.ports[b->port_b].in = (struct net_link){.delay_ms = 5};
    for (uint8_t i = 0; i < 50; i++)
        send_byte(b, i);
    run(b);
    assert_int_equal(b->b.n, 50);
    for (unsigned i = 0; i < 50; i++) {
        assert_in_range(b->b.at_ms[i], 25, 55);
        reordered = reordered || (i > 0 && b->b.first[i] < b->b.first[i - 1]);
    }
    assert_true(reordered);
}

static void loss_and_duplication_come_near_their_rates(void **state)
{
    struct bench *b = *state;

    b->net.ports[b->port_a].out = (struct net_link){.loss_pm = 300, .dup_pm = 100};
    for (unsigned i = 0; i < 1000; i++)
        send_byte(b, 0);
    run(b);
    assert_in_range(b->net.count.lost, 250, 350);
    assert_in_range(b->net.count.duplicated, 40, 100);
    assert_int_equal(b->b.n, 1000 - b->net.count.lost + b->net.count.duplicated);
}

static void a_datagram_above_the_mtu_vanishes(void **state)
{
    struct bench *b = *state;

    b->net.ports[b->port_b].in.mtu = 29;
    send_byte(b, 1); /* 20 + 8 + 1 octets */
    run(b);
    assert_int_equal(b->b.n, 1);
    b->net.ports[b->port_b].in.mtu = 28;
    send_byte(b, 1);
    run(b);
    assert_int_equal(b->b.n, 1);
    assert_int_equal(b->net.count.too_big, 1);
}

static void nat_lets_back_in_only_whom_it_let_out_to(void **state)
{
    struct bench *b = *state;
    struct cv_addr public = recipe_v4(198, 51, 100, 1), stranger = recipe_v4(192, 0, 2, 9);
    struct cv_endpoint mapped, other = {stranger, 4500};
    uint8_t byte = 1;

    b->net.ports[b->port_a].nat = net_add_nat(&b->net, &public, 30000);
    send_byte(b, 1);
    run(b);
    mapped = b->b.src;
    assert_true(addr_equal(&mapped.addr, &public));
    assert_int_not_equal(mapped.port, 4500);
    answer_byte(b, 2);
    run(b);
    assert_int_equal(b->a.n, 1);
    assert_int_equal(b->a.dst.port, 4500);
    net_inject(&b->net, &other, &mapped, CV_UDP_4500, (struct cv_span){&byte, 1});
    run(b);
    assert_int_equal(b->a.n, 1);
    assert_int_equal(b->net.count.filtered, 1);
}

static void a_nat_mapping_expires_and_rebinding_changes_the_port(void **state)
{
    struct bench *b = *state;
    struct cv_addr public = recipe_v4(198, 51, 100, 1);
    uint16_t port;

    b->net.ports[b->port_a].nat = net_add_nat(&b->net, &public, 30000);
    send_byte(b, 1);
    run(b);
    port = b->b.src.port;
    b->agenda.now_ms += 29999;
    send_byte(b, 1);
    run(b);
    assert_int_equal(b->b.src.port, port);
    b->agenda.now_ms += 30000;
    answer_byte(b, 2);
    run(b);
    assert_int_equal(b->a.n, 0);
    nat_rebind(&b->net.nats[0]);
    send_byte(b, 1);
    run(b);
    assert_int_not_equal(b->b.src.port, port);
}

static enum net_fate hold_odd(void *ctx, struct datagram *d)
{
    (void)ctx;
    return d->data[0] == 9 ? NET_LOSE : d->data[0] & 1 ? NET_HOLD : NET_PASS;
}

static void held_datagrams_go_when_and_in_what_order_the_scenario_says(void **state)
{
    struct bench *b = *state;

    b->net.tap = hold_odd;
    for (uint8_t i = 0; i < 10; i++)
        send_byte(b, i);
    run(b);
    assert_int_equal(b->b.n, 5); /* the even ones */
    assert_int_equal(b->net.n_held, 4);
    net_release(&b->net, 2);
    net_release(&b->net, 0);
    net_discard(&b->net, 0);
    run(b);
    assert_int_equal(b->b.first[5], 5);
    assert_int_equal(b->b.first[6], 1);
    assert_int_equal(b->net.n_held, 1);
}

static void an_inner_packet_is_recognised_once_unchanged_and_at_its_place(void **state)
{
    struct stack s = {0};
    struct flow f = {.from = 0, .to = 1};
    uint8_t packet[STACK_PACKET_MAX];
    struct ip_flow parsed;
    uint32_t first, seen;
    size_t n;

    (void)state;
    f.src = recipe_v4(10, 0, 0, 1);
    f.dst = recipe_v4(10, 0, 1, 1);
    f.payload = 200;
    first = stack_add(&s, &f);
    n = stack_build(&s, first, s.flows[first].sent++, packet);
    assert_int_equal(ip_parse(&parsed, (struct cv_span){packet, n}), CV_OK);
    assert_int_equal(n, 228);
    assert_true(stack_leaks((struct cv_span){packet, n}));
    assert_false(stack_leaks((struct cv_span){packet, 43}));
    assert_int_equal(stack_accept(&s, 0, (struct cv_span){packet, n}, &seen), STACK_ASTRAY);
    assert_int_equal(stack_accept(&s, 1, (struct cv_span){packet, n}, &seen), STACK_FINE);
    assert_int_equal(stack_accept(&s, 1, (struct cv_span){packet, n}, &seen), STACK_REPEATED);
    packet[n - 1] ^= 1;
    assert_int_equal(stack_accept(&s, 1, (struct cv_span){packet, n}, &seen), STACK_CHANGED);
    stack_free(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_of_one_millisecond_fire_in_the_order_of_queueing),
        TEST(delay_is_both_links_and_jitter_reorders),
        TEST(loss_and_duplication_come_near_their_rates),
        TEST(a_datagram_above_the_mtu_vanishes),
        TEST(nat_lets_back_in_only_whom_it_let_out_to),
        TEST(a_nat_mapping_expires_and_rebinding_changes_the_port),
        TEST(held_datagrams_go_when_and_in_what_order_the_scenario_says),
        TEST(an_inner_packet_is_recognised_once_unchanged_and_at_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
