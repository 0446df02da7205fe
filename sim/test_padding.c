/* Flow padding: what all packets of a tunnel look like from outside, and a peer that wants none
 * (RFC 4303 section 2.7, RFC 7296 section 1.3.1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ike.h"

struct watch {
    struct duo *d;
    size_t shortest, longest; /* of the device's ESP packets */
};

static enum net_fate measure(void *ctx, struct datagram *d)
{
    struct watch *w = ctx;

    if (d->from == w->d->dev->port && d->carrier == CV_RAW_ESP) {
        if (d->n < w->shortest)
            w->shortest = d->n;
        if (d->n > w->longest)
            w->longest = d->n;
    }
    return NET_PASS;
}

static struct watch pings_of(struct duo *d)
{
    struct watch w = {.d = d, .shortest = SIZE_MAX};

    d->w->tap = measure;
    d->w->tap_ctx = &w;
    duo_traffic(d, 100);
    world_run(d->w, 15000);
    d->w->tap = NULL;
    assert_int_equal(duo_missing(d), 0);
    return w;
}

static void padded_packets_have_one_length(void **state)
{
    struct duo *d = *state;
    struct watch plain, padded;

    assert_true(duo_connect(d));
    plain = pings_of(d);
    assert_true(duo_closes(d));
    d->dev_conn.child[0].tfc = 700;
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 5000, 1, 1));
    padded = pings_of(d);
    assert_true(plain.longest < 700 && padded.shortest > 700);
    assert_int_equal(padded.longest, padded.shortest);
    d->dev_conn.child[0].tfc = CV_TFC_MTU;
    host_rekey_child(d->dev, host_child(d->dev));
    assert_true(duo_settles(d, 15000, 1, 1));
    padded = pings_of(d);
    assert_in_range(padded.longest + 20, 1276, 1280);
    assert_int_equal(padded.longest, padded.shortest);
}

/* A notify of ours in the gateway's IKE_AUTH becomes the one that wants no padding. */
static void want_none(void *ctx, const struct host *h, struct cv_span aad, uint8_t *plain,
                      size_t n)
{
    const struct duo *d = ctx;

    if (h != d->gw || aad.n < 28)
        return;
    for (size_t i = 0; i + 4 <= n; i++) {
        uint8_t *type = plain + i + 2;

        if (plain[i] == 0 && plain[i + 1] == 0 &&
            (type[0] << 8 | type[1]) == N_CULVERT_ALERTS_SUPPORTED) {
            type[0] = N_ESP_TFC_PADDING_NOT_SUPPORTED >> 8;
            type[1] = N_ESP_TFC_PADDING_NOT_SUPPORTED & 0xff;
        }
    }
}

static void a_peer_that_wants_no_padding_gets_none(void **state)
{
    struct duo *d = *state;

    d->dev_conn.child[0].tfc = 700;
    d->w->mangle = want_none;
    d->w->mangle_ctx = d;
    assert_true(duo_connect(d));
    assert_true(pings_of(d).longest < 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(padded_packets_have_one_length),
        DUO(a_peer_that_wants_no_padding_gets_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
