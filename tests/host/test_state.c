/* What outlives a restart: rows come back, and a disk that is of no use does no harm.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/state.h"

static char dir[64], path[96], found[4096];
static struct problem told;

static void put_text(const char *fmt, ...)
{
    size_t n = strlen(found);
    va_list args;

    va_start(args, fmt);
    vsnprintf(found + n, sizeof(found) - n, fmt, args);
    va_end(args);
}

static void take_lease(void *ctx, const struct pool_lease *l)
{
    (void)ctx;
    put_text("%s .%u %.*s %s %u; ", l->pool, l->addr.b[l->addr.family == CV_IPV4 ? 3 : 15],
             (int)l->who.n, (const char *)l->who.b, l->online ? "on" : "off", (unsigned)l->age);
}

static void take_counter(void *ctx, const char *name, uint64_t value)
{
    (void)ctx;
    put_text("%s=%llu ", name, (unsigned long long)value);
}

/* What is there goes to found, what is wrong to told. */
static struct state *open_state(void)
{
    static const struct state_reader reader = {take_lease, take_counter, NULL};

    found[0] = '\0';
    return state_open(dir, &reader, &told);
}

static struct pool_lease lease(unsigned host, const char *who, bool online, uint64_t age)
{
    struct pool_lease l = {
        .pool = "fleet",
        .addr = {.family = CV_IPV4,  .b = {10, 3, 0, (uint8_t)host}},
        .who = {.type = CV_ID_FQDN, .n = (uint8_t)strlen(who)     },
        .online = online,
        .age = age
    };

    memcpy(l.who.b, who, strlen(who));
    return l;
}

static void put(struct state *s, unsigned host, const char *who, bool online, uint64_t age)
{
    struct pool_lease l = lease(host, who, online, age);

    state_put_lease(s, &l);
}

static struct state_news news_within(struct state *s, int seconds)
{
    struct pollfd p = {.fd = state_fd(s), .events = POLLIN};
    struct state_news news = {.failed = false};

    assert_int_equal(poll(&p, 1, 1000 * seconds), 1);
    state_hear(s, &news);
    return news;
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/culvert-state-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/culvert.db", dir);
    return 0;
}

static int drop_dir(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

static void run_sql(const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A life that leaves one lease. */
static void live_once(void)
{
    struct state *s = open_state();

    put(s, 1, "alice", false, 1);
    assert_true(state_write(s));
    assert_true(state_settle(s));
    state_close(s);
}

/* ---- rows ---- */

static void leases_come_back_oldest_first_and_the_online_last(void **state)
{
    struct state *s = open_state();

    (void)state;
    assert_string_equal(told.text, "");
    assert_string_equal(found, "");
    assert_true(state_is_idle(s));
    assert_false(state_write(s)); /* nothing */
    put(s, 1, "alice", true, 1);
    put(s, 2, "bob", false, 3);
    put(s, 3, "carol", false, 2);
    state_put_counter(s, "starts", 7);
    assert_true(state_write(s));
    assert_false(state_is_idle(s));
    assert_true(state_settle(s));
    put(s, 3, "dora", true, 4); /* in carol's place */
    assert_true(state_write(s));
    assert_true(state_settle(s));
    state_close(s);

    s = open_state();
    assert_string_equal(found, "fleet .2 bob off 3; fleet .1 alice on 1; fleet .3 dora on 4; "
                               "starts=7 ");
    state_forget_pool(s, "fleet");
    state_put_counter(s, "starts", UINT64_MAX >> 1);
    assert_true(state_write(s));
    assert_true(state_settle(s));
    state_close(s);
    s = open_state();
    assert_string_equal(found, "starts=9223372036854775807 ");
    state_close(s);
}

/* As when the power goes: the process is gone in the middle of its writing. */
static void a_killed_process_leaves_all_or_nothing_of_a_batch(void **state)
{
    unsigned last = 0;

    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        pid_t child = fork();
        unsigned n = 0, age;
        struct state *s;
        int status;

        if (child == 0) {
            struct state *mine = open_state();

            for (unsigned batch = last + 1;; batch++) {
                for (unsigned i = 1; i <= 200; i++)
                    put(mine, i, "alice", true, batch);
                (void)state_write(mine);
                if (!state_settle(mine))
                    _exit(1);
            }
        }
        usleep(5000 + 3000 * round);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        s = open_state();
        assert_string_equal(told.text, "");
        for (const char *at = found; (at = strstr(at, " on ")) != NULL; n++) {
            at += 4;
            age = (unsigned)atoi(at);
            if (n == 0)
                assert_true(age >= last);
            else
                assert_int_equal(age, last);
            last = age;
        }
        state_close(s);
    }
    assert_true(last > 0);
}

/* ---- disks that are of no use ---- */

static void a_directory_that_is_missing_is_told_once_and_used_when_it_comes(void **state)
{
    struct state *s;
    struct state_news news;

    (void)state;
    assert_int_equal(rmdir(dir), 0);
    s = open_state();
    assert_non_null(strstr(told.text, "culvert.db: unable to open database file"));
    put(s, 1, "alice", true, 1);
    assert_true(state_write(s));
    news = news_within(s, 5);
    assert_false(news.failed || news.mended); /* it was told at the start */
    assert_false(state_is_idle(s));
    assert_int_equal(mkdir(dir, 0700), 0);
    news = news_within(s, 5);
    assert_true(news.mended && news.renewed);
    assert_true(state_is_idle(s));
    state_close(s);
    s = open_state();
    assert_string_equal(found, "fleet .1 alice on 1; ");
    state_close(s);
}

static void a_newer_database_is_left_alone(void **state)
{
    struct state *s;

    (void)state;
    live_once();
    run_sql("PRAGMA user_version = 99");
    s = open_state();
    assert_non_null(strstr(told.text, "is of a newer culvertd (schema 99, this one knows 1)"));
    assert_string_equal(found, "");
    put(s, 1, "mallory", true, 1);
    assert_true(state_write(s));
    assert_false(state_settle(s));
    state_close(s);
    run_sql("PRAGMA user_version = 1");
    s = open_state();
    assert_string_equal(found, "fleet .1 alice off 1; ");
    state_close(s);
}

static void somebody_elses_database_is_left_alone(void **state)
{
    struct state *s;

    (void)state;
    run_sql("CREATE TABLE theirs (x)");
    s = open_state();
    assert_non_null(strstr(told.text, "not culvertd's at all"));
    state_close(s);
    run_sql("INSERT INTO theirs VALUES (1)");
}

static void a_damaged_database_is_put_aside(void **state)
{
    char aside[128];
    struct state *s;
    int fd;

    (void)state;
    live_once();
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "not a database at all", 21, 0), 21);
    close(fd);
    s = open_state();
    assert_non_null(strstr(told.text, "is damaged"));
    assert_non_null(strstr(told.text, "put aside as culvert.db.damaged"));
    snprintf(aside, sizeof(aside), "%s.damaged", path);
    assert_int_equal(access(aside, F_OK), 0);
    put(s, 2, "bob", true, 1);
    assert_true(state_write(s));
    assert_true(state_settle(s));
    state_close(s);
    s = open_state();
    assert_string_equal(told.text, "");
    assert_string_equal(found, "fleet .2 bob on 1; ");
    state_close(s);
}

static void a_database_that_is_taken_away_is_made_anew(void **state)
{
    struct state *s = open_state();
    struct state_news news;

    (void)state;
    put(s, 1, "alice", true, 1);
    assert_true(state_write(s));
    (void)news_within(s, 5);
    assert_int_equal(unlink(path), 0);
    put(s, 2, "bob", true, 2);
    assert_true(state_write(s));
    news = news_within(s, 5);
    assert_true(news.renewed);
    assert_non_null(strstr(news.told.text, "was taken away"));
    state_close(s);
    s = open_state();
    assert_string_equal(found, "fleet .2 bob on 2; ");
    state_close(s);
}

static void two_daemons_do_not_share_a_directory(void **state)
{
    struct state *second;
    int fds[2], status;
    pid_t child;
    char c;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        (void)open_state();
        (void)!write(fds[1], "x", 1);
        pause();
    }
    assert_int_equal(read(fds[0], &c, 1), 1);
    second = open_state();
    assert_non_null(strstr(told.text, "another process has it open"));
    state_close(second);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(fds[0]);
    close(fds[1]);
}

#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATE_TEST(leases_come_back_oldest_first_and_the_online_last),
        STATE_TEST(a_killed_process_leaves_all_or_nothing_of_a_batch),
        STATE_TEST(a_directory_that_is_missing_is_told_once_and_used_when_it_comes),
        STATE_TEST(a_newer_database_is_left_alone),
        STATE_TEST(somebody_elses_database_is_left_alone),
        STATE_TEST(a_damaged_database_is_put_aside),
        STATE_TEST(a_database_that_is_taken_away_is_made_anew),
        STATE_TEST(two_daemons_do_not_share_a_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
