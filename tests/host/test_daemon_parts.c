/* The daemon's small parts: log ring, run directory, resolver, clock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "culvertd/rundir.h"
#include "daemon/host.h"
#include "kit/clock.h"
#include "kit/log.h"
#include "kit/systemd.h"

static struct log log_;

static void a_log_line_names_group_connection_and_number(void **state)
{
    const struct log_line *l;
    char out[512];

    (void)state;
    log_init(&log_, -1);
    l = log_put(&log_, 1, LOG_IKE, 3, "home", "text");
    log_format(out, sizeof(out), l);
    assert_non_null(strstr(out, "Z [IKE] <home|3> text"));
    l = log_put(&log_, 1, LOG_CFG, 0, NULL, "text");
    log_format(out, sizeof(out), l);
    assert_non_null(strstr(out, "Z [CFG] text"));
}

static void control_characters_cannot_forge_a_second_line(void **state)
{
    (void)state;
    log_init(&log_, -1);
    assert_string_equal(log_put(&log_, 1, LOG_IKE, 0, NULL, "a\nb\x1b[2Jc")->text, "a?b?[2Jc");
}

static void fine_lines_do_not_push_out_what_happened(void **state)
{
    uint64_t at = 0;

    (void)state;
    log_init(&log_, -1);
    (void)log_put(&log_, 1, LOG_IKE, 0, NULL, "what happened");
    for (unsigned i = 0; i < 2 * LOG_LINES; i++)
        assert_string_equal(log_put(&log_, 4, LOG_IKE, 0, NULL, "octets")->text, "octets");
    assert_string_equal(log_next(&log_, &at)->text, "what happened");
    assert_null(log_next(&log_, &at));
}

static void the_ring_keeps_the_latest_lines(void **state)
{
    const struct log_line *l;
    uint64_t at = 0;
    unsigned n = 0;
    char text[16];

    (void)state;
    log_init(&log_, -1);
    for (unsigned i = 0; i < LOG_LINES + 10; i++) {
        (void)snprintf(text, sizeof(text), "%u", i);
        (void)log_put(&log_, 1, LOG_DMN, 0, NULL, text);
    }
    while ((l = log_next(&log_, &at)) != NULL) {
        (void)snprintf(text, sizeof(text), "%u", n + 10);
        assert_string_equal(l->text, text);
        n++;
    }
    assert_int_equal(n, LOG_LINES);
}

static void a_run_directory_is_private_and_held_once(void **state)
{
    char top[] = "/tmp/culvert-run-XXXXXX", dir[64], path[96], pid[16] = "";
    struct problem why;
    struct stat st;
    int fd, file;

    (void)state;
    assert_non_null(mkdtemp(top));
    (void)snprintf(dir, sizeof(dir), "%s/a/b", top);
    (void)snprintf(path, sizeof(path), "%s/culvertd.pid", dir);
    fd = rundir_hold(dir, &why);
    assert_true(fd >= 0);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    file = open(path, O_RDONLY);
    assert_true(read(file, pid, sizeof(pid) - 1) > 0);
    assert_int_equal(atol(pid), getpid());
    close(file);
    assert_int_equal(rundir_hold(dir, &why), -1);
    assert_non_null(strstr(why.text, "another culvertd is running"));
    pid[strcspn(pid, "\n")] = '\0';
    assert_non_null(strstr(why.text, pid));
    rundir_release(fd);
    fd = rundir_hold(dir, &why);
    assert_true(fd >= 0);
    rundir_release(fd);
    unlink(path);
    rmdir(dir);
    (void)snprintf(dir, sizeof(dir), "%s/a", top);
    rmdir(dir);
    rmdir(top);
}

static void a_run_directory_that_cannot_be_made_is_explained(void **state)
{
    struct problem why;

    (void)state;
    assert_int_equal(rundir_hold("/dev/null/x", &why), -1);
    assert_non_null(strstr(why.text, "/dev/null"));
}

static unsigned answers;

static void on_answer(void *ctx, const char *name)
{
    (void)name;
    answers++;
    event_base_loopbreak(ctx);
}

static void wait_answer(struct event_base *base)
{
    const struct timeval limit = {.tv_sec = 20};

    answers = 0;
    event_base_loopexit(base, &limit);
    event_base_dispatch(base);
    assert_int_equal(answers, 1);
}

static void a_name_resolves_beside_the_loop(void **state)
{
    struct event_base *base = event_base_new();
    struct hosts *h = hosts_new(base, on_answer, base);
    struct cv_addr addr = {0};
    const char *why;

    (void)state;
    hosts_begin(h);
    assert_int_equal(hosts_find(h, "localhost", &addr, &why), HOST_PENDING);
    assert_int_equal(hosts_find(h, "localhost", &addr, &why), HOST_PENDING);
    wait_answer(base);
    assert_int_equal(hosts_find(h, "localhost", &addr, &why), HOST_READY);
    assert_true(addr.family == CV_IPV4 || addr.family == CV_IPV6);
    hosts_free(h);
    event_base_free(base);
}

static unsigned threads(void)
{
    DIR *d = opendir("/proc/self/task");
    unsigned n = 0;

    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* A thread that asked before privileges are dropped would have them all. */
static void nobody_is_asked_before_it_begins(void **state)
{
    struct event_base *base = event_base_new();
    struct hosts *h = hosts_new(base, on_answer, base);
    struct cv_addr addr = {0};
    const unsigned before = threads();
    const char *why;

    (void)state;
    assert_int_equal(hosts_find(h, "localhost", &addr, &why), HOST_PENDING);
    assert_true(threads() <= before);
    hosts_begin(h);
    wait_answer(base);
    assert_int_equal(hosts_find(h, "localhost", &addr, &why), HOST_READY);
    hosts_free(h);
    event_base_free(base);
}

static void an_unknown_name_fails_once_and_may_be_asked_again(void **state)
{
    struct event_base *base = event_base_new();
    struct hosts *h = hosts_new(base, on_answer, base);
    struct cv_addr addr = {0};
    const char *why;

    (void)state;
    hosts_begin(h);
    assert_int_equal(hosts_find(h, "no-such-host.invalid", &addr, &why), HOST_PENDING);
    wait_answer(base);
    assert_int_equal(hosts_find(h, "no-such-host.invalid", &addr, &why), HOST_FAILED);
    assert_non_null(why);
    assert_int_equal(hosts_find(h, "no-such-host.invalid", &addr, &why), HOST_PENDING);
    hosts_free(h); /* while the thread still asks */
    event_base_free(base);
}

static void an_alarm_rings_when_due_and_at_once_when_late(void **state)
{
    int fd = clock_alarm_open();
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint64_t from = clock_now_ms();

    (void)state;
    clock_alarm_set(fd, UINT64_MAX);
    assert_int_equal(poll(&p, 1, 20), 0);
    clock_alarm_set(fd, from + 50);
    assert_int_equal(poll(&p, 1, 1000), 1);
    assert_true(clock_now_ms() >= from + 50);
    clock_alarm_clear(fd);
    assert_int_equal(poll(&p, 1, 0), 0);
    clock_alarm_set(fd, from);
    assert_int_equal(poll(&p, 1, 100), 1);
    close(fd);
}

static void the_service_manager_is_told(void **state)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    char got[32] = "";

    (void)state;
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/culvert-notify-%ld",
                   (long)getpid());
    unlink(addr.sun_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    unsetenv("NOTIFY_SOCKET");
    systemd_notify("READY=1");
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
    setenv("NOTIFY_SOCKET", addr.sun_path, 1);
    systemd_notify("READY=1");
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 7);
    assert_memory_equal(got, "READY=1", 7);
    unsetenv("NOTIFY_SOCKET");
    unlink(addr.sun_path);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_line_names_group_connection_and_number),
        cmocka_unit_test(control_characters_cannot_forge_a_second_line),
        cmocka_unit_test(fine_lines_do_not_push_out_what_happened),
        cmocka_unit_test(the_ring_keeps_the_latest_lines),
        cmocka_unit_test(a_run_directory_is_private_and_held_once),
        cmocka_unit_test(a_run_directory_that_cannot_be_made_is_explained),
        cmocka_unit_test(a_name_resolves_beside_the_loop),
        cmocka_unit_test(nobody_is_asked_before_it_begins),
        cmocka_unit_test(an_unknown_name_fails_once_and_may_be_asked_again),
        cmocka_unit_test(the_service_manager_is_told),
        cmocka_unit_test(an_alarm_rings_when_due_and_at_once_when_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
