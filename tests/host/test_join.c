/* setup: a gateway is made once; a device joins it over real TLS, renews, and is told what is
 * wrong.  The server runs in a process of its own on loopback.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "enrol/admit.h"
#include "enrol/est.h"
#include "http/http.h"
#include "kit/file.h"
#include "pki/authority.h"
#include "pki/pkey.h"
#include "setup/device.h"
#include "setup/gateway.h"

enum { LIFETIME_S = 1000 };

static char top[] = "/tmp/test_join.XXXXXX";
static struct places gw;
static struct gateway_plan plan;
static uint16_t port;
static pid_t server;

/* The process's own clock, which may be one that has forgotten: it stands before the system's.
 */
static time_t clock_behind_s;

time_t time(time_t *out)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out != NULL)
        *out = t.tv_sec - clock_behind_s;
    return t.tv_sec - clock_behind_s;
}

/* ---- the gateway ------------------------------------------------------------------------ */

static struct gateway_plan plan_of(const char *pool)
{
    struct gateway_plan p = {.name = "gw.example", .lifetime_s = LIFETIME_S, .n_service = 1};

    snprintf(p.pool, sizeof(p.pool), "%s", pool);
    strcpy(p.service[0], "10.77.3.0/24");
    strcpy(p.dns[0], "10.77.3.53");
    p.n_dns = 1;
    return p;
}

static struct places below(const char *name)
{
    struct problem why = {.text = ""};
    char root[128];
    struct places p;

    snprintf(root, sizeof(root), "%s/%s", top, name);
    if (!places_below(root, &p, &why))
        fail_msg("%s", why.text);
    return p;
}

static char *beside(const char *name)
{
    static char out[8][PLACE_MAX];
    static int i;

    i = (i + 1) % 8;
    place_of(out[i], &gw, name);
    return out[i];
}

/* Tells its port by the pipe and serves until it is killed. */
static void serve(int out, const char *cert, const char *key)
{
    static const char *const listen[] = {"127.0.0.1:0", NULL};
    const struct registry_config rc = {.uri = plan.registry};
    const struct est_config ec = {.ca_certificate = beside("ca/ca.pem"),
                                  .ca_key = beside("ca/ca.key"),
                                  .pool = registry_pool_new(&rc),
                                  .inside = "https://127.0.0.1:1",
                                  .lifetime_s = LIFETIME_S};
    struct problem why = {.text = ""};
    struct est *est = est_new(&ec, &why);
    const struct http_table *tables[] = {est_table(est), NULL};
    struct event_base *base = event_base_new();
    struct http_settings s;
    struct http_server *h;
    unsigned bound;

    http_settings_default(&s);
    s.listen = listen;
    s.certificate = cert;
    s.key = key;
    s.client_ca = beside("ca/ca.pem");
    h = http_server_new(base, &s, tables, &why);
    if (h == NULL || !http_server_start(h, &why)) {
        fprintf(stderr, "%s\n", why.text);
        _exit(1);
    }
    bound = http_server_port(h, 0);
    if (write(out, &bound, sizeof(bound)) != sizeof(bound))
        _exit(1);
    event_base_dispatch(base);
    _exit(0);
}

/* A server with that certificate; returns its port, 0 when it does not start. */
static uint16_t start_server(pid_t *pid, const char *cert, const char *key)
{
    unsigned bound = 0;
    int ends[2];

    if (pipe(ends) != 0)
        return 0;
    *pid = fork();
    if (*pid == 0)
        serve(ends[1], cert, key);
    close(ends[1]);
    if (read(ends[0], &bound, sizeof(bound)) != sizeof(bound))
        bound = 0;
    close(ends[0]);
    return (uint16_t)bound;
}

static void stop_server(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int start_all(void **state)
{
    struct problem why = {.text = ""};
    unsigned made;

    (void)state;
    gw = below("gw");
    plan = plan_of("10.99.0.0/16");
    if (!gateway_plan_check(&plan, &gw, &why) || !gateway_make(&plan, &gw, &made, &why))
        return 1;
    port = start_server(&server, beside("fleet/https.pem"), beside("fleet/https.key"));
    return port == 0;
}

static int stop_all(void **state)
{
    (void)state;
    stop_server(server);
    return 0;
}

static struct registry *fleet(void)
{
    const struct registry_config c = {.uri = plan.registry};
    struct problem why = {.text = ""};
    enum registry_err err;
    struct registry *r = registry_open(&c, &err, &why);

    assert_non_null(r);
    return r;
}

static struct bundle bundle_for(const char *name)
{
    struct registry *r = fleet();
    const struct admission how = {.ends_s = registry_now_ms(r) / 1000 + 600};
    struct admitted a = {.secret = ""};

    snprintf(a.device.name, sizeof(a.device.name), "%s", name);
    snprintf(a.device.identity, sizeof(a.device.identity), "%s.fleet.example", name);
    assert_int_equal(admit_devices(r, &how, &a, 1), REGISTRY_OK);
    registry_close(r);
    assert_string_equal(a.bundle.host, "gw.example");
    assert_int_equal(a.bundle.port, ENROL_PORT);
    strcpy(a.bundle.host, "127.0.0.1");
    a.bundle.port = port;
    return a.bundle;
}

static char said[4096];

static void say(const char *text)
{
    strncat(said, text, sizeof(said) - strlen(said) - 2);
    strcat(said, "\n");
}

static void expect_join(const struct places *p, const struct bundle *b, const char *refusal)
{
    struct problem why = {.text = ""};
    const bool ok = device_join(p, b, say, &why);

    if (refusal == NULL && !ok)
        fail_msg("%s", why.text);
    if (refusal != NULL && (ok || strstr(why.text, refusal) == NULL))
        fail_msg("'%s' where '%s' was expected", ok ? "joined" : why.text, refusal);
    assert_null(strstr(why.text, b->code));
}

static void read_text(const struct places *p, const char *name, char *out, size_t n)
{
    char path[PLACE_MAX];
    struct problem why = {.text = ""};
    struct file_text t;

    if (!file_read(place_of(path, p, name), &t, &why))
        fail_msg("%s", why.text);
    snprintf(out, n, "%s", t.p);
    file_text_free(&t);
}

/* ---- init ---------------------------------------------------------------------------------
 */

static void what_is_made_stays_and_what_is_missing_is_made(void **state)
{
    const struct places p = below("gw2");
    struct gateway_plan one = plan_of("10.98.0.0/24"), other = plan_of("10.97.0.0/24");
    char before[2000], after[2000], path[PLACE_MAX];
    struct problem why = {.text = ""};
    unsigned made;

    (void)state;
    assert_true(gateway_plan_check(&one, &p, &why) && gateway_plan_check(&other, &p, &why));
    assert_int_equal(gateway_plan_compare(&one, &p, &why), PLAN_NEW);
    assert_true(gateway_make(&one, &p, &made, &why));
    assert_true(made > 8);
    read_text(&p, "ca/ca.pem", before, sizeof(before));
    assert_int_equal(gateway_plan_compare(&one, &p, &why), PLAN_SAME);
    assert_true(gateway_make(&one, &p, &made, &why));
    assert_int_equal(made, 0);
    assert_int_equal(gateway_plan_compare(&other, &p, &why), PLAN_OTHER);
    assert_non_null(strstr(why.text, "--pool is '10.98.0.0/24', not '10.97.0.0/24'"));
    unlink(place_of(path, &p, "fleet/https.pem"));
    assert_true(gateway_make(&one, &p, &made, &why));
    assert_int_equal(made, 1);
    unlink(place_of(path, &p, "ca/ca.key"));
    assert_false(gateway_make(&one, &p, &made, &why));
    assert_non_null(strstr(why.text, "bring it back"));
    read_text(&p, "ca/ca.pem", after, sizeof(after));
    assert_string_equal(before, after);
}

static void somebody_elses_configuration_is_left_alone(void **state)
{
    const struct places p = below("gw3");
    struct gateway_plan one = plan_of("10.98.0.0/24");
    struct problem why = {.text = ""};
    char path[PLACE_MAX];
    unsigned made;

    (void)state;
    assert_true(gateway_plan_check(&one, &p, &why) && file_make_dir(p.conf, 0755, &why));
    assert_true(file_create(place_of(path, &p, "culvert.conf"),
                            (struct cv_span){(const uint8_t *)"# mine", 6}, 0644, &why));
    assert_false(gateway_make(&one, &p, &made, &why));
    assert_non_null(strstr(why.text, "not written by `culvert init`"));
    assert_false(file_is_there(place_of(path, &p, "init.conf")));
}

static void what_makes_no_sense_is_refused_before_anything_is_made(void **state)
{
    static const struct {
        const char *pool, *service, *dns, *says;
    } wrong[] = {
        {"10.99.0.1/16", "10.77.3.0/24", "10.77.3.53", "--pool"   },
        {"10.99.0.0/30", "10.77.3.0/24", "10.77.3.53", "at least" },
        {"10.99.0.0",    "10.77.3.0/24", "10.77.3.53", "--pool"   },
        {"",             "10.77.3.0/24", "10.77.3.53", "--pool"   },
        {"10.99.0.0/16", "10.99.3.0/24", "10.77.3.53", "overlap"  },
        {"10.99.0.0/16", "0.0.0.0/0",    "10.77.3.53", "overlap"  },
        {"10.99.0.0/16", "10.77.3.0/33", "10.77.3.53", "--service"},
        {"10.99.0.0/16", "10.77.3.0/24", "dns",        "--dns"    },
    };
    const struct places p = below("gw4");

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct gateway_plan one = plan_of(wrong[i].pool);
        struct problem why = {.text = ""};

        strcpy(one.service[0], wrong[i].service);
        strcpy(one.dns[0], wrong[i].dns);
        assert_false(gateway_plan_check(&one, &p, &why));
        if (strstr(why.text, wrong[i].says) == NULL)
            fail_msg("'%s' does not say '%s'", why.text, wrong[i].says);
    }
}

static void the_first_address_of_the_pool_is_the_gateways(void **state)
{
    struct gateway_plan one = plan_of("fd99::/64");
    char own[PLAN_TEXT], others[PLAN_TEXT];

    (void)state;
    gateway_plan_inside(&one, own, others);
    assert_string_equal(own, "fd99::1");
    assert_string_equal(others, "fd99::2/64");
    assert_true(gateway_plan_serves(&one, "10.77.3.9"));
    assert_false(gateway_plan_serves(&one, "10.77.4.9"));
}

/* ---- joining ------------------------------------------------------------------------------
 */

static void a_device_joins(void **state)
{
    const struct places p = below("dev");
    const struct bundle b = bundle_for("sensor-17");
    char conf[2000], path[PLACE_MAX];
    struct stat st;

    (void)state;
    expect_join(&p, &b, NULL);
    read_text(&p, "culvert.conf", conf, sizeof(conf));
    assert_non_null(strstr(conf, "id = \"sensor-17.fleet.example\""));
    assert_non_null(strstr(conf, "id = \"gw.example\""));
    assert_non_null(strstr(conf, "remote_addrs = \"127.0.0.1\""));
    assert_int_equal(stat(place_of(path, &p, "private/device.key"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    read_text(&p, "join.conf", conf, sizeof(conf));
    assert_non_null(strstr(conf, "inside = \"https://127.0.0.1:1/.well-known/est\""));
    assert_null(strstr(conf, b.code));
}

/* The same bundle twice, as after a power cut in between: the key of the first try is used. */
static void the_same_try_can_be_repeated(void **state)
{
    const struct places p = below("dev2"), elsewhere = below("dev3");
    const struct bundle b = bundle_for("sensor-2");
    char path[PLACE_MAX];

    (void)state;
    expect_join(&p, &b, NULL);
    unlink(place_of(path, &p, "culvert.conf"));
    unlink(place_of(path, &p, "x509/device.pem"));
    expect_join(&p, &b, NULL);
    assert_true(file_is_there(path));
    expect_join(&elsewhere, &b, "has been used");
}

static void another_gateway_learns_nothing(void **state)
{
    const struct places p = below("dev4");
    struct bundle b = bundle_for("sensor-4"), wrong = b;

    (void)state;
    wrong.pin.sha256[7] ^= 1;
    expect_join(&p, &wrong, "expected fingerprint");
    expect_join(&p, &b, NULL); /* the code was not told */
}

/* The authority's certificate is no secret: whoever shows it behind one of his own is not the
 * gateway for that, and neither is a device of the fleet. */
static void who_only_shows_the_authority_is_not_the_gateway(void **state)
{
    const struct places p = below("dev10"), member = below("dev11");
    const struct bundle b = bundle_for("sensor-10"), first = bundle_for("sensor-11");
    char own[4000], ca[4000], chain[8001], path[PLACE_MAX], key[PLACE_MAX];
    struct bundle there = b;
    struct authority stranger;
    struct problem why = {.text = ""};
    pid_t pid;

    (void)state;
    read_text(&gw, "ca/ca.pem", ca, sizeof(ca));
    assert_true(authority_make(&stranger, "gw.example", (int64_t)time(NULL), &why));
    assert_true(cert_file_write(beside("stranger.pem"), stranger.cert, true, &why));
    assert_true(pkey_write(place_of(key, &gw, "stranger.key"), stranger.key, &why));
    authority_free(&stranger);
    read_text(&gw, "stranger.pem", own, sizeof(own));
    snprintf(chain, sizeof(chain), "%s%s", own, ca);
    assert_true(file_replace(place_of(path, &gw, "stranger.pem"),
                             (struct cv_span){(const uint8_t *)chain, strlen(chain)}, 0644,
                             &why));
    there.port = start_server(&pid, path, key);
    expect_join(&p, &there, "not accepted as the gateway");
    stop_server(pid);

    expect_join(&member, &first, NULL);
    read_text(&member, "x509/device.pem", own, sizeof(own));
    snprintf(chain, sizeof(chain), "%s%s", own, ca);
    assert_true(file_replace(path, (struct cv_span){(const uint8_t *)chain, strlen(chain)},
                             0644, &why));
    there.port = start_server(&pid, path, place_of(key, &member, "private/device.key"));
    expect_join(&p, &there, "not accepted as the gateway");
    stop_server(pid);
    expect_join(&p, &b, NULL);
}

static void what_is_wrong_is_told(void **state)
{
    const struct places p = below("dev5");
    struct bundle b = bundle_for("sensor-5"), wrong = b;

    (void)state;
    strcpy(wrong.name, "sensor-17");
    expect_join(&p, &wrong, "another device");
    wrong = b;
    wrong.until_s = 1;
    expect_join(&p, &wrong, "has ended");
    wrong = b;
    wrong.port = 1;
    expect_join(&p, &wrong, "refused");
    strcpy(wrong.host, "no-such-host.invalid");
    expect_join(&p, &wrong, "no-such-host.invalid");
    expect_join(&p, &b, NULL);
}

/* It wakes in 1970, and takes the time from the pinned gateway, not from anybody before. */
static void a_dead_clock_is_no_obstacle(void **state)
{
    const struct places p = below("dev9");
    const struct bundle b = bundle_for("sensor-9");
    struct bundle wrong = b;
    struct problem why = {.text = ""};
    char path[PLACE_MAX];
    const int64_t now = (int64_t)time(NULL);

    (void)state;
    clock_behind_s = (time_t)now - 1000;
    wrong.pin.sha256[0] ^= 1;
    expect_join(&p, &wrong, "expected fingerprint");
    snprintf(path, sizeof(path), "%.400s/time", p.state);
    assert_false(file_is_there(path));
    said[0] = '\0';
    expect_join(&p, &b, NULL);
    assert_non_null(strstr(said, "this clock is"));
    assert_true(file_is_there(path));
    assert_in_range(device_now_s(&p), now - 2, now + 10);
    assert_int_equal(device_renew(&p, false, say, &why), NOT_DUE);
    clock_behind_s = 0;
}

/* ---- renewing ------------------------------------------------------------------------------
 */

/* The way through the tunnel is not there in this test: it takes the one where it enrolled. */
static void a_device_renews_when_it_is_due(void **state)
{
    const struct places p = below("dev6");
    const struct bundle b = bundle_for("sensor-6");
    struct problem why = {.text = ""};
    char before[2000], after[2000];
    int64_t due, end;

    (void)state;
    expect_join(&p, &b, NULL);
    assert_true(device_due(&p, &due, &end, &why));
    assert_in_range(end - due, LIFETIME_S * 11 / 30 - 2, LIFETIME_S * 11 / 30 + 2);
    assert_int_equal(device_renew(&p, false, say, &why), NOT_DUE);
    read_text(&p, "x509/device.pem", before, sizeof(before));
    if (device_renew(&p, true, say, &why) != RENEWED)
        fail_msg("%s", why.text);
    read_text(&p, "x509/device.pem", after, sizeof(after));
    assert_string_not_equal(before, after);
}

static void a_revoked_device_does_not(void **state)
{
    const struct places p = below("dev7");
    const struct bundle b = bundle_for("sensor-7");
    struct problem why = {.text = ""};
    struct registry *r = fleet();
    struct device d;

    (void)state;
    expect_join(&p, &b, NULL);
    assert_int_equal(registry_device_get(r, "sensor-7", &d), REGISTRY_OK);
    assert_int_equal(registry_certificate_revoke(r, d.id), REGISTRY_OK);
    registry_close(r);
    assert_int_equal(device_renew(&p, true, say, &why), RENEW_FAILED);
    assert_non_null(strstr(why.text, "revoked"));
}

static void who_has_not_joined_cannot_renew(void **state)
{
    const struct places p = below("dev8");
    struct problem why = {.text = ""};

    (void)state;
    assert_int_equal(device_renew(&p, true, say, &why), RENEW_FAILED);
    assert_non_null(strstr(why.text, "joined no fleet"));
}

/* ---- parts ----------------------------------------------------------------------------------
 */

static void answers_are_read_and_cut_ones_refused(void **state)
{
    static const char text[] =
        "HTTP/1.1 403 Forbidden\r\nDate: Tue, 01 Dec 2026 03:00:00 GMT\r\n"
        "Link: <https://10.99.0.1:8443/x>; rel=\"edit\"\r\n"
        "Retry-After: 7\r\nContent-Length: 26\r\n\r\n"
        "{\"detail\":\"no \\\"x\\\" here\"}";
    struct https_answer a = {.status = 0};
    struct problem why = {.text = ""};
    char detail[64];

    (void)state;
    assert_true(https_parse(text, sizeof(text) - 1, &a, &why));
    assert_int_equal(a.status, 403);
    assert_int_equal(a.date_s, 1796094000);
    assert_int_equal(a.retry_after_s, 7);
    assert_string_equal(a.link, "https://10.99.0.1:8443/x");
    assert_string_equal(https_detail(detail, sizeof(detail), &a), "no \"x\" here");
    https_answer_free(&a);
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        assert_false(https_parse(text, n, &a, &why));
        https_answer_free(&a);
    }
}

static void urls_are_read(void **state)
{
    struct est_url u;

    (void)state;
    assert_true(est_url_read("https://[fd99::1]:8443/.well-known/est", &u));
    assert_string_equal(u.host, "fd99::1");
    assert_int_equal(u.port, 8443);
    assert_string_equal(u.path, "/.well-known/est");
    assert_true(est_url_read("https://gw.example/e", &u));
    assert_int_equal(u.port, 443);
    assert_false(est_url_read("http://gw.example/e", &u));
    assert_false(est_url_read("https://gw.example:0/e", &u));
    assert_false(est_url_read("https://gw.example:99999/e", &u));
    assert_false(est_url_read("https://gw.example", &u));
    assert_false(est_url_read("", &u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_clock_is_no_obstacle), /* first: a floor never sinks */
        cmocka_unit_test(what_is_made_stays_and_what_is_missing_is_made),
        cmocka_unit_test(somebody_elses_configuration_is_left_alone),
        cmocka_unit_test(what_makes_no_sense_is_refused_before_anything_is_made),
        cmocka_unit_test(the_first_address_of_the_pool_is_the_gateways),
        cmocka_unit_test(a_device_joins),
        cmocka_unit_test(the_same_try_can_be_repeated),
        cmocka_unit_test(another_gateway_learns_nothing),
        cmocka_unit_test(who_only_shows_the_authority_is_not_the_gateway),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(a_device_renews_when_it_is_due),
        cmocka_unit_test(a_revoked_device_does_not),
        cmocka_unit_test(who_has_not_joined_cannot_renew),
        cmocka_unit_test(answers_are_read_and_cut_ones_refused),
        cmocka_unit_test(urls_are_read),
    };
    char command[64];
    int failed;

    (void)signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(top) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, start_all, stop_all);
    snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command) == 0 ? failed : 1;
}
