/* Entries for the journal: fields as its protocol has them, and nobody's text begins another.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "kit/journal.h"

static struct sockaddr_un at = {.sun_family = AF_UNIX};
static int receiver;

static int make(void **state)
{
    (void)state;
    snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/culvert-journal-%d", (int)getpid());
    receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return bind(receiver, (const struct sockaddr *)&at, sizeof(at));
}

static int drop(void **state)
{
    (void)state;
    close(receiver);
    return unlink(at.sun_path);
}

static void an_entry_has_a_line_for_each_field_that_says_something(void **state)
{
    static const struct journal_field v[] = {
        {"MESSAGE",        "sensor-17 is up"},
        {"CULVERT_TENANT", ""               },
        {"PRIORITY",       "6"              },
    };
    char got[256] = "";

    (void)state;
    assert_true(journal_send(at.sun_path, v, 3));
    assert_true(recv(receiver, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
    assert_string_equal(got, "MESSAGE=sensor-17 is up\nPRIORITY=6\n");
}

static void a_line_end_in_a_value_is_refused(void **state)
{
    static const struct journal_field v[] = {
        {"MESSAGE", "up\nPRIORITY=0"},
    };
    char got[256];

    (void)state;
    assert_false(journal_send(at.sun_path, v, 1));
    assert_int_equal(recv(receiver, got, sizeof(got), MSG_DONTWAIT), -1);
}

static void a_journal_that_is_not_there_costs_nothing(void **state)
{
    static const struct journal_field v[] = {
        {"MESSAGE", "up"},
    };

    (void)state;
    assert_false(journal_send("/tmp/no-such-socket", v, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_has_a_line_for_each_field_that_says_something),
        cmocka_unit_test(a_line_end_in_a_value_is_refused),
        cmocka_unit_test(a_journal_that_is_not_there_costs_nothing),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
