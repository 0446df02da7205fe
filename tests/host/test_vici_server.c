/* The VICI server's socket and clients: nobody can hold it up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "tests/support/vici_fixture.h"

static void the_socket_is_for_its_owner_only(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_socket_in_use_is_not_taken_over_and_a_stale_one_is(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct problem why = {0};
    struct vici *second;
    char stale[96];
    int fd;

    (void)state;
    assert_null(vici_start(&d, path, &why));
    assert_non_null(strstr(why.text, "another daemon"));
    snprintf(stale, sizeof(stale), "%s/t", dir);
    strcpy(at.sun_path, stale);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    second = vici_start(&d, stale, &why);
    assert_non_null(second);
    vici_stop(second);
    assert_int_equal(access(stale, F_OK), -1);
    vici_stop(server);
    server = NULL;
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_null(vici_start(&d, path, &why));
    assert_non_null(strstr(why.text, "not a socket"));
    unlink(path);
}

static void unknown_commands_and_events_are_answered_so(void **state)
{
    int fd = client();

    (void)state;
    command(fd, "make-coffee", "");
    assert_received(fd, "unknown command");
    send_packet(fd, VICI_EVENT_REGISTER, "coffee-ready", NULL);
    assert_received(fd, "unknown event");
    command(fd, "reload-settings", "");
    assert_received(fd, "answer success=no errmsg=t.conf:3: no");
    close(fd);
}

static void a_request_may_come_octet_by_octet_and_two_in_one_piece(void **state)
{
    static const uint8_t twice[] = {0, 0, 0, 5, 3, 3, 'l', 'o', 'g',
                                    0, 0, 0, 5, 4, 3, 'l', 'o', 'g'};
    int fd = client();

    (void)state;
    for (size_t i = 0; i < sizeof(twice) / 2; i++) {
        assert_received(fd, "(none)");
        assert_int_equal(write(fd, twice + i, 1), 1);
    }
    assert_received(fd, "confirmed");
    assert_int_equal(write(fd, twice, sizeof(twice)), sizeof(twice));
    assert_received(fd, "confirmed");
    assert_received(fd, "confirmed");
    close(fd);
}

static void a_client_that_sends_nonsense_is_disconnected_alone(void **state)
{
    static const char *const nonsense[] = {
        "\0\0\0\0......",         /* no type */
        "\0\x08\0\1......",       /* one octet more than a packet may have */
        "\xff\xff\xff\xff......", /* no room for anything */
        "\0\0\0\1\x09.....",      /* no such type */
        "\0\0\0\1\5.....",        /* a server's packet */
        "\0\0\0\4\0\1x\2..",      /* a section's end without its start */
    };
    int good = client();

    (void)state;
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        int bad = client();

        assert_int_equal(write(bad, nonsense[i], 10), 10);
        assert_received(bad, "(closed)");
        close(bad);
    }
    command(good, "get-conns", "");
    assert_received(good, "answer conns[home ]");
    close(good);
}

static void the_number_of_clients_is_bounded(void **state)
{
    enum { MAX = 1024, MORE = MAX + 6 };
    static int fds[MORE];
    struct rlimit files;
    int refused = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_max < 2 * MORE + 64) /* both ends are in this process */
        skip();
    for (unsigned i = 0; i < MORE; i++) {
        fds[i] = client();
        refused += i >= MAX && strcmp(received(fds[i]),
                                      "answer success=no errmsg=1024 clients are connected "
                                      "already, the limit of the control socket") == 0;
    }
    assert_int_equal(refused, MORE - MAX);
    command(fds[MAX - 1], "get-keys", ""); /* the last that was let in */
    assert_received(fds[MAX - 1], "answer keys[]");
    for (unsigned i = 0; i < MORE; i++)
        close(fds[i]);
    turn();
    fds[0] = client();
    command(fds[0], "get-keys", "");
    assert_received(fds[0], "answer keys[]");
    close(fds[0]);
}

static void a_client_that_does_not_read_its_events_is_disconnected(void **state)
{
    char line[400];
    int slow = client(), other = client();
    unsigned n = 0;

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    listen_to(slow, "log");
    for (; n < 100000 && d.ears != NULL; n++) {
        daemon_log(&d, 1, LOG_IKE, 0, "%s", line);
        if (n % 1000 == 999)
            turn();
    }
    listen_to(other, "log");
    daemon_log(&d, 1, LOG_IKE, 0, "on we go");
    assert_received(other, "event log group=IKE level=1 msg=on we go");
    n = 0;
    while (strcmp(received(slow), "(closed)") != 0)
        n++;
    assert_in_range(n, 100, 20000); /* what was buffered, far from all */
    close(slow);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(the_socket_is_for_its_owner_only),
        SERVER_TEST(a_socket_in_use_is_not_taken_over_and_a_stale_one_is),
        SERVER_TEST(unknown_commands_and_events_are_answered_so),
        SERVER_TEST(a_request_may_come_octet_by_octet_and_two_in_one_piece),
        SERVER_TEST(a_client_that_sends_nonsense_is_disconnected_alone),
        SERVER_TEST(the_number_of_clients_is_bounded),
        SERVER_TEST(a_client_that_does_not_read_its_events_is_disconnected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
