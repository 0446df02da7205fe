/* The smallest engine: limits that are accepted work, and those that cannot are named.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/sa.h"
#include "sim/check.h"
#include "sim/duo.h"

/* As small as one device with one tunnel may be. */
static const struct cv_limits smallest = {
    .ike_sas = 1,
    .child_sas = 1,
    .conns = 1,
    .handshakes = 1,
    .messages = 8,
    .message_size = 1280,
    .effects = 16,
};

/* Does a tunnel come up between two hosts that are so small, and carry packets? */
static bool connects(const struct cv_limits *limits, bool certs)
{
    struct duo *d = duo_new(7);
    struct host *const hosts[] = {d->dev, d->gw};
    bool up;

    for (unsigned i = 0; i < 2; i++) {
        hosts[i]->settings.limits = *limits;
        recipe_ike_kes(i == 0 ? &d->dev_conn : &d->gw_conn, (uint16_t[]){CV_KE_X25519}, 1);
    }
    if (certs)
        duo_use_certs(d, 1, 600);
    up = duo_connect(d);
    (void)duo_free(d);
    return up;
}

static bool is_accepted(const struct cv_limits *limits)
{
    return cv_limits_fault(limits) == NULL;
}

/* From far too little upwards: the first that is accepted connects. */
static void search(const char *name, uint32_t *field, const struct cv_limits *limits,
                   uint32_t from, uint32_t to)
{
    for (uint32_t v = from; v <= to; v++) {
        *field = v;
        if (!is_accepted(limits)) {
            const char *fault = cv_limits_fault(limits);

            assert_memory_equal(fault, name, strlen(name));
            continue;
        }
        for (int certs = 0; certs < 2; certs++) {
            if (!connects(limits, certs))
                fail_msg("%s = %u is accepted and does not connect, certificates %d", name,
                         (unsigned)v, certs);
        }
    }
}

static void what_is_accepted_connects(void **state)
{
    struct cv_limits l;

    (void)state;
#define SEARCH(field, from, to)                                                                \
    l = smallest;                                                                              \
    search(#field, &l.field, &l, from, to)
    SEARCH(ike_sas, 0, 2);
    SEARCH(child_sas, 0, 2);
    SEARCH(conns, 0, 2);
    SEARCH(handshakes, 0, 2);
    SEARCH(messages, 0, 10);
    SEARCH(effects, 0, 20);
#undef SEARCH
    for (l = smallest; l.message_size >= 256; l.message_size -= 64) {
        if (is_accepted(&l))
            assert_true(connects(&l, false));
    }
}

/* Tables may be of very different sizes: none must make another too small. */
static void what_is_accepted_together_connects(void **state)
{
    static const uint32_t some[] = {1, 2, 5, 64, 1000};
    struct cv_limits l = smallest;

    (void)state;
    l.messages = 4;
    for (unsigned h = 0; h < 5; h++) {
        for (unsigned i = 0; i < 5; i++) {
            l.handshakes = some[h];
            l.ike_sas = l.child_sas = some[i];
            l.gathers = some[i];
            assert_true(is_accepted(&l));
            if (!connects(&l, true))
                fail_msg("%u handshakes, %u SAs, 4 messages", some[h], some[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_accepted_connects),
        cmocka_unit_test(what_is_accepted_together_connects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
