/* Lies of an authentic peer about where it is (RFC 4555 sections 3.5 to 3.7, 3.9, 5.1, 5.2).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/lies.h"
#include "wire/ip.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct cv_span none;

/* The liar has this address as well. */
static struct cv_addr second_home(struct liar *l)
{
    const struct cv_addr a = recipe_v4(203, 0, 113, 78);

    l->w->net.ports[net_find(&l->w->net, &l->at.addr)].addr[1] = a;
    return a;
}

static void update_begin(struct liar *l, struct liar_say *s, struct cv_addr from)
{
    say_request(l, s, EX_INFORMATIONAL);
    s->from.addr = from;
    put_notify(s, N_UPDATE_SA_ADDRESSES, none);
}

static void update_from(struct liar *l, struct cv_addr from)
{
    struct liar_say s;

    update_begin(l, &s, from);
    if (!say_end(&s))
        l->next_out++; /* it was answered, elsewhere */
}

static void from_where_nobody_is(struct liar *l)
{
    update_from(l, recipe_v4(203, 0, 113, 99));
    world_run(l->w, 20000); /* it is asked there, and given up */
}

static void from_a_group(struct liar *l)
{
    update_from(l, recipe_v4(224, 0, 0, 1));
}

static void from_everybody(struct liar *l)
{
    update_from(l, recipe_v4(255, 255, 255, 255));
}

static void from_no_address(struct liar *l)
{
    update_from(l, recipe_v4(0, 0, 0, 0));
}

static void from_loopback(struct liar *l)
{
    update_from(l, recipe_v4(127, 0, 0, 1));
}

static void from_one_link(struct liar *l)
{
    update_from(l, (struct cv_addr){
                       CV_IPV6, {0xfe, 0x80, [15] = 1}
    });
}

static void from_the_victim(struct liar *l)
{
    update_from(l, l->victim->v4);
}

static void from_another_address_of_the_victim(struct liar *l)
{
    const struct cv_addr own[] = {l->victim->v4, recipe_v4(203, 0, 113, 5)};

    cv_set_addresses(l->victim->engine, own, 2);
    update_from(l, own[1]);
}

static void from_port_0(struct liar *l)
{
    struct liar_say s;

    update_begin(l, &s, l->at.addr);
    s.from.port = 0;
    (void)say_end(&s);
}

static void where_it_is_anyway(struct liar *l)
{
    update_from(l, l->at.addr);
}

/* ---- return routability ---- */

static void prove(struct liar *l, struct cv_span cookie)
{
    struct liar_say s;

    update_from(l, second_home(l));
    say_answer(l, &s);
    if (cookie.n > 0)
        put_notify(&s, N_COOKIE2, cookie);
    (void)say_end(&s);
}

static void no_cookie(struct liar *l)
{
    prove(l, none);
}

static void another_cookie(struct liar *l)
{
    static const uint8_t guess[16] = {1};

    prove(l, span(guess, sizeof(guess)));
}

static void half_a_cookie(struct liar *l)
{
    static uint8_t half[8];
    const struct ike_notify *n;

    update_from(l, second_home(l));
    n = ike_find_notify(&l->asked.msg, N_COOKIE2);
    if (n == NULL || n->data.n < sizeof(half))
        return;
    memcpy(half, n->data.p, sizeof(half));
    prove(l, span(half, sizeof(half)));
}

/* ---- NATs, and cookies of its own ---- */

static void a_nat_that_is_not_allowed(struct liar *l)
{
    struct cv_endpoint other = l->at;
    struct liar_say s;

    other.port++;
    update_begin(l, &s, l->at.addr);
    ike_put_no_nats(&s.c, &other, &l->to);
    (void)say_end(&s);
}

static void half_a_word_about_nats(struct liar *l)
{
    static const uint8_t half[5] = {192, 0, 2};
    struct liar_say s;

    update_begin(l, &s, l->at.addr);
    put_notify(&s, N_NO_NATS_ALLOWED, span(half, sizeof(half)));
    (void)say_end(&s);
}

/* An answer without what is too long or too short to be one (section 4.2.5). */
static void a_senseless_cookie(struct liar *l)
{
    static const uint8_t octets[65];
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    put_notify(&s, N_COOKIE2, span(octets, sizeof(octets)));
    put_notify(&s, N_COOKIE2, span(octets, 7));
    (void)say_end(&s);
    if (ike_find_notify(&l->heard.msg, N_COOKIE2) != NULL)
        world_fail(l->w, "a senseless COOKIE2 comes back");
}

static const struct lie initiators[] = {
    {"it is where nobody is",                from_where_nobody_is,               SILENCE,                   CV_OK,       AS_BEFORE},
    {"it is a group",                        from_a_group,                       SILENCE,                   CV_ERR_PATH, AS_BEFORE},
    {"it is everybody",                      from_everybody,                     SILENCE,                   CV_ERR_PATH, AS_BEFORE},
    {"it has no address",                    from_no_address,                    SILENCE,                   CV_ERR_PATH, AS_BEFORE},
    {"it is on this very host",              from_loopback,                      SILENCE,                   CV_ERR_PATH, AS_BEFORE},
    {"it has an address of one link",        from_one_link,                      SILENCE,                   CV_ERR_PATH, AS_BEFORE},
    {"it is the victim",                     from_the_victim,                    SILENCE,                   CV_ERR_PATH, AS_BEFORE},
    {"it is the victim, somewhere else",     from_another_address_of_the_victim, SILENCE,
     CV_ERR_PATH,                                                                                                        AS_BEFORE},
    {"it has no port",                       from_port_0,                        N_UNACCEPTABLE_ADDRESSES,  CV_ERR_PATH, AS_BEFORE},
    {"it is where it is anyway",             where_it_is_anyway,                 NO_ERROR,                  CV_OK,       AS_BEFORE},
    {"it is elsewhere, without a cookie",    no_cookie,                          SILENCE,                   CV_OK,       GONE     },
    {"it is elsewhere, with another cookie", another_cookie,                     SILENCE,                   CV_OK,       GONE     },
    {"it is elsewhere, with half a cookie",  half_a_cookie,                      SILENCE,                   CV_OK,       GONE     },
    {"a NAT that is not allowed",            a_nat_that_is_not_allowed,          N_UNEXPECTED_NAT_DETECTED,
     CV_ERR_NAT,                                                                                                         AS_BEFORE},
    {"half a word about NATs",               half_a_word_about_nats,             N_UNEXPECTED_NAT_DETECTED, CV_ERR_NAT,
     AS_BEFORE                                                                                                                    },
    {"a senseless cookie",                   a_senseless_cookie,                 NO_ERROR,                  CV_OK,       AS_BEFORE},
};

static void who_began_the_sa_points_it_at_nobody_else(void **state)
{
    const struct lies t = {.initiator = true,
                           .mobike = true,
                           .steps = 2,
                           .lie = initiators,
                           .n = COUNT(initiators)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

/* ---- the side that does not decide ---- */

static void it_decides_nevertheless(struct liar *l)
{
    const unsigned asked = l->asked.n;

    update_from(l, second_home(l));
    if (l->asked.n != asked)
        world_fail(l->w, "it is asked whether it is there");
}

static void many_addresses(struct liar *l)
{
    struct cv_addr got[2 * CV_ADDRS_MAX];
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    for (uint8_t i = 0; i < 30; i++)
        ike_put_additional_address(&s.c, &(struct cv_addr){
                                             CV_IPV4, {203, 0, 113, (uint8_t)(i + 100)}
        });
    (void)say_end(&s);
    if (cv_peer_addresses(l->victim->engine, host_ike(l->victim), got, COUNT(got)) !=
        1 + CV_ADDRS_MAX)
        world_fail(l->w, "not as many addresses are kept as the bound says");
}

static void senseless_addresses(struct liar *l)
{
    static const uint8_t short_one[3] = {192, 0, 2};
    const struct cv_addr none_of_them[] = {
        {CV_IPV4, {224, 0, 0, 1}        },
        {CV_IPV4, {255, 255, 255, 255}  },
        {CV_IPV4, {0}                   },
        {CV_IPV4, {127, 0, 0, 1}        },
        {CV_IPV6, {0}                   },
        {CV_IPV6, {[15] = 1}            },
        {CV_IPV6, {0xff, 2, [15] = 1}   },
        {CV_IPV6, {0xfe, 0x80, [15] = 1}},
    };
    struct cv_addr got[2 * CV_ADDRS_MAX];
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    for (size_t i = 0; i < COUNT(none_of_them); i++)
        ike_put_additional_address(&s.c, &none_of_them[i]);
    put_notify(&s, N_ADDITIONAL_IP4_ADDRESS, span(short_one, sizeof(short_one)));
    put_notify(&s, N_ADDITIONAL_IP6_ADDRESS, span(short_one, sizeof(short_one)));
    (void)say_end(&s);
    if (cv_peer_addresses(l->victim->engine, host_ike(l->victim), got, COUNT(got)) != 1)
        world_fail(l->w, "an address is kept that no host can have");
}

static const struct lie responders[] = {
    {"it decides nevertheless", it_decides_nevertheless, NO_ERROR, CV_OK, AS_BEFORE},
    {"many addresses",          many_addresses,          NO_ERROR, CV_OK, AS_BEFORE},
    {"senseless addresses",     senseless_addresses,     NO_ERROR, CV_OK, AS_BEFORE},
    {"a senseless cookie",      a_senseless_cookie,      NO_ERROR, CV_OK, AS_BEFORE},
};

static void who_did_not_begin_it_moves_nothing(void **state)
{
    const struct lies t = {
        .mobike = true, .steps = 2, .lie = responders, .n = COUNT(responders)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

/* ---- without it ---- */

static const struct lie strangers[] = {
    {"it is elsewhere",           it_decides_nevertheless,   NO_ERROR, CV_OK, AS_BEFORE},
    {"it is a group",             from_a_group,              NO_ERROR, CV_OK, AS_BEFORE},
    {"a NAT that is not allowed", a_nat_that_is_not_allowed, NO_ERROR, CV_OK, AS_BEFORE},
};

static void who_did_not_agree_to_it_moves_nothing(void **state)
{
    const struct lies t = {
        .initiator = true, .steps = 2, .lie = strangers, .n = COUNT(strangers)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

/* ---- the answers to what the victim asks ---- */

static void asks_by_a_new_way(struct host *victim)
{
    const struct cv_way way = {
        recipe_v4(203, 0, 113, 40), {CV_IPV4, {192, 0, 2, 77}}
    };

    (void)!cv_ways(victim->engine, host_ike(victim), &way, 1, world_now(victim->world));
    host_drain(victim);
}

static void answer_error(struct liar *l, uint16_t type)
{
    struct liar_say s;

    say_answer(l, &s);
    put_notify(&s, type, none);
    (void)say_end(&s);
}

/* To the victim's delete. */
static void answer_nothing(struct liar *l)
{
    struct liar_say s;

    say_answer(l, &s);
    (void)say_end(&s);
}

static void it_does_not_follow(struct liar *l)
{
    answer_error(l, N_UNACCEPTABLE_ADDRESSES);
    world_run(l->w, 1000);
    answer_nothing(l);
}

static void it_sees_a_nat(struct liar *l)
{
    answer_error(l, N_UNEXPECTED_NAT_DETECTED);
    world_run(l->w, 1000);
    answer_nothing(l);
}

static const struct lie answers[] = {
    {"it does not follow", it_does_not_follow, SILENCE, CV_ERR_PATH, GONE},
    {"it sees a NAT",      it_sees_a_nat,      SILENCE, CV_ERR_NAT,  GONE},
};

static void where_the_peer_does_not_follow_nothing_stays(void **state)
{
    const struct lies t = {.mobike = true,
                           .steps = 2,
                           .ask = asks_by_a_new_way,
                           .lie = answers,
                           .n = COUNT(answers)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_began_the_sa_points_it_at_nobody_else),
        cmocka_unit_test(who_did_not_begin_it_moves_nothing),
        cmocka_unit_test(who_did_not_agree_to_it_moves_nothing),
        cmocka_unit_test(where_the_peer_does_not_follow_nothing_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
