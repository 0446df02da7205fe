/* src/ask/signer.c, crew.c, src/creds/creds_snapshot.c: signatures made by threads while
 * everything else goes on.  With -fsanitize=thread it shows that the two share nothing amiss;
 * see tests/check.sh.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "kit/crew.h"
#include "tests/support/ask_fixture.h"

/* Both sides are gw.fleet.example: one certificate of the fixture, named by the connection on
 * one side and found in the store on the other. */
#define DEV_SIDES                                                                              \
    "local { auth = pubkey\n id = gw.fleet.example }\n"                                        \
    "remote { auth = pubkey\n id = gw.fleet.example }\n"
#define GW_CONF                                                                                \
    "connections { any { unique = never\n proposals = aes128gcm16-prfsha256-x25519\n"          \
    "local { auth = pubkey\n certs = gw.pem\n id = gw.fleet.example }\n"                       \
    "remote { auth = pubkey\n cacerts = ca.pem }\nchildren { net { } } } }\n"

enum { N_TEMPORARY_FAILURE = 43, LINE = 100, LIMIT_MS = 20000 };

static struct event_base *base;
static struct signer *dev_signer, *gw_signer;

static int64_t unix_s(void)
{
    return time(NULL);
}

static struct signer *hire(struct party *p, unsigned threads, uint32_t line)
{
    return signer_new(&(struct signer_host){.base = base,
                                            .ask = p->ask,
                                            .creds = p->f.creds,
                                            .unix_s = unix_s,
                                            .pump = party_pump,
                                            .note = party_note,
                                            .ctx = p},
                      threads, line);
}

static void begin(unsigned devices, unsigned threads, uint32_t line)
{
    char *text = devices_conf(devices, DEV_SIDES, "");

    party_start(&gw, GW_CONF, 1000, 0);
    party_start(&dev, text, 1000, 0);
    free(text);
    dev.other = &gw;
    gw.other = &dev;
    base = event_base_new();
    dev_signer = hire(&dev, 0, LINE);
    gw_signer = hire(&gw, threads, line);
    assert_non_null(gw_signer);
}

static void end(void)
{
    signer_free(dev_signer);
    signer_free(gw_signer);
    assert_int_equal(stats_of(&gw).held, stats_of(&gw).open);
    party_stop(&dev);
    party_stop(&gw);
    event_base_free(base);
}

/* One turn of the loop, which is never stuck. */
static void turn(void)
{
    (void)event_base_loop(base, EVLOOP_NONBLOCK);
    meet();
    usleep(100);
}

/* The loop turns until so many of the devices are up or down. */
static void turn_until(unsigned n)
{
    const uint64_t began = clock_now_ms();

    meet();
    while (dev.up + dev.down < n && clock_now_ms() < began + LIMIT_MS)
        turn();
    assert_int_equal(dev.up + dev.down, n);
}

/* As SIGHUP does: all that the file brought goes and comes again. */
static void reload(struct party *p)
{
    struct conf again = {0};
    char path[160];

    fixture_path(path, sizeof(path), "swanctl.conf");
    fixture_write("swanctl.conf", GW_CONF);
    creds_clear(p->f.creds);
    if (!conf_load(&again, &(struct conf_source){.path = path}, p->f.creds, p->f.pools))
        fail_msg("%s", problems_first_error(&again.found)->text);
    conf_free(&again);
}

static void threads_make_signatures_and_check_them(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads <= 3; threads++) {
        begin(20, threads, LINE);
        assert_true(signer_start(gw_signer));
        connect_devices(20);
        turn_until(20);
        assert_int_equal(dev.up, 20);
        assert_int_equal(gw.up, 20);
        assert_int_equal(stats_of(&gw).answered, 40); /* verdict and signature */
        assert_int_equal(stats_of(&gw).held, 0);
        end();
    }
}

static void credentials_change_while_threads_use_them(void **state)
{
    const uint64_t began = clock_now_ms();

    (void)state;
    begin(60, 2, LINE);
    assert_true(signer_start(gw_signer));
    connect_devices(60);
    meet();
    while (dev.up < 60 && clock_now_ms() < began + LIMIT_MS) {
        reload(&gw);
        turn();
    }
    assert_int_equal(dev.up, 60);
    assert_int_equal(gw.down, 0);
    end();
}

/* What begins after a key is gone does not get it. */
static void a_key_that_is_gone_signs_no_more(void **state)
{
    const char *keyid;
    char id[64];
    unsigned at = 0;

    (void)state;
    begin(4, 1, LINE);
    connect_devices(4);
    meet();
    assert_int_equal(stats_of(&gw).open, 4);
    assert_true(creds_next_key(gw.f.creds, &at, &keyid));
    snprintf(id, sizeof(id), "%s", keyid);
    assert_true(creds_remove_key(gw.f.creds, id));
    assert_true(signer_start(gw_signer));
    turn_until(4);
    assert_int_equal(dev.up, 0);
    assert_int_equal(gw.reason, CV_ERR_NO_CREDENTIAL);
    end();
}

static void a_snapshot_stays_as_it_is(void **state)
{
    struct cert_view cert;
    struct creds *before, *after;
    const char *keyid;
    unsigned at = 0;

    (void)state;
    begin(0, 0, LINE);
    before = creds_snapshot(gw.f.creds);
    after = creds_snapshot(gw.f.creds);
    assert_ptr_equal(before, after); /* nothing has changed */
    creds_release(after);
    creds_clear(gw.f.creds);
    after = creds_snapshot(gw.f.creds);
    assert_true(creds_next_cert(before, &at, &cert));
    assert_true(creds_next_key(before, (at = 0, &at), &keyid));
    assert_false(creds_next_cert(after, (at = 0, &at), &cert));
    assert_false(creds_next_key(after, (at = 0, &at), &keyid));
    reload(&gw);
    assert_false(creds_next_cert(after, (at = 0, &at), &cert));
    creds_release(before);
    creds_release(after);
    end();
}

/* Threads that have not begun stand for some that are slow. */
static void a_full_line_refuses(void **state)
{
    (void)state;
    begin(5, 1, 2);
    connect_devices(5);
    meet();
    assert_int_equal(stats_of(&gw).refused, 3);
    assert_int_equal(gw.down, 3);
    assert_int_equal(gw.reason, CV_ERR_FULL);
    assert_int_equal(dev.notify, N_TEMPORARY_FAILURE);
    assert_true(signer_start(gw_signer));
    turn_until(5);
    assert_int_equal(dev.up, 2);
    end();
}

static void what_has_ended_takes_no_room_in_the_line(void **state)
{
    struct cv_ike_info ike;
    uint32_t at = 0;

    (void)state;
    begin(2, 1, 1);
    connect_devices(1);
    meet();
    assert_true(cv_ike_next(gw.engine, &at, &ike));
    assert_int_equal(cv_terminate_ike(gw.engine, ike.id, true, clock_now_ms()), CV_OK);
    party_pump(&gw);
    meet();
    assert_int_equal(stats_of(&gw).gone, 1);
    connect_devices(2); /* the second finds the place free */
    meet();
    assert_int_equal(stats_of(&gw).open, 1);
    assert_int_equal(stats_of(&gw).refused, 0);
    assert_true(signer_start(gw_signer));
    turn_until(1);
    assert_int_equal(dev.up, 1);
    end();
}

/* No matter how far they have come. */
static void the_end_waits_for_no_more_than_it_must(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 6; turns++) {
        begin(40, 2, LINE);
        assert_true(signer_start(gw_signer));
        connect_devices(40);
        meet();
        for (unsigned i = 0; i < turns; i++)
            turn();
        end();
    }
}

/* ---- the threads by themselves ---- */

enum { JOBS = 1000 };

struct sum {
    struct job job;
    unsigned a, b, result;
};

static unsigned n_finished, in_order;

static void add(struct job *job)
{
    struct sum *s = (struct sum *)job;

    s->result = s->a + s->b;
}

static void on_finished(void *ctx, struct job *job)
{
    const struct sum *s = (struct sum *)job;

    (void)ctx;
    assert_int_equal(s->result, s->a + s->b);
    in_order += s->a == n_finished;
    n_finished++;
}

static void every_job_comes_back_once(void **state)
{
    static struct sum sums[JOBS];
    struct crew *c;

    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        base = event_base_new();
        c = crew_new(base, on_finished, NULL);
        n_finished = in_order = 0;
        for (unsigned i = 0; i < JOBS; i++) {
            sums[i] = (struct sum){.job.run = add, .a = i, .b = 7};
            crew_give(c, &sums[i].job);
            if (i == JOBS / 2)
                assert_int_equal(crew_start(c, threads), threads);
        }
        while (n_finished < JOBS)
            (void)event_base_loop(base, EVLOOP_ONCE);
        assert_int_equal(crew_load(c), 0);
        if (threads == 1)
            assert_int_equal(in_order, JOBS);
        crew_stop(c);
        assert_null(crew_left(c));
        crew_free(c);
        event_base_free(base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_comes_back_once),
        cmocka_unit_test(threads_make_signatures_and_check_them),
        cmocka_unit_test(credentials_change_while_threads_use_them),
        cmocka_unit_test(a_key_that_is_gone_signs_no_more),
        cmocka_unit_test(a_snapshot_stays_as_it_is),
        cmocka_unit_test(a_full_line_refuses),
        cmocka_unit_test(what_has_ended_takes_no_room_in_the_line),
        cmocka_unit_test(the_end_waits_for_no_more_than_it_must),
    };

    return cmocka_run_group_tests(tests, fixture_make, fixture_drop);
}
