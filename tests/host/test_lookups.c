/* src/ask/lookups.c, src/fetch/fetch.c: documents from servers that answer, err, or hang; each
 * is fetched once, and one server's trouble is not another's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "ask/lookups.h"
#include "kit/clock.h"
#include "tests/support/creds_fixture.h"

enum { LIMIT_MS = 15000, PER_SERVER = 64 };

/* ---- a server on loopback, in a thread ---- */

struct server {
    int fd;
    uint16_t port;
    const char *answer; /* NULL: takes connections and says nothing */
    pthread_t thread;
    unsigned asked;
    int open[256];
};

static void *serve(void *ctx)
{
    struct server *s = ctx;
    char request[1024];

    for (;;) {
        int fd = accept(s->fd, NULL, NULL);

        if (fd < 0)
            break;
        s->open[s->asked++ % 256] = fd;
        if (s->answer == NULL)
            continue;
        if (read(fd, request, sizeof(request)) > 0)
            (void)!write(fd, s->answer, strlen(s->answer));
        (void)shutdown(fd, SHUT_RDWR);
    }
    return NULL;
}

static void begin_server(struct server *s, const char *answer)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);

    *s = (struct server){.answer = answer, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
    assert_int_equal(listen(s->fd, 200), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end_server(struct server *s)
{
    (void)shutdown(s->fd, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    for (unsigned i = 0; i < s->asked && i < 256; i++)
        close(s->open[i]);
    close(s->fd);
}

/* ---- who waits ---- */

static struct event_base *base;
static struct lookups *lookups;
static unsigned ready, notes;
static char note[640];
static struct lookup_waiter waiters[256];

static void on_ready(void *ctx, struct lookup_waiter *w)
{
    (void)ctx, (void)w;
    ready++;
}

static void on_rest(void *ctx)
{
    (void)ctx;
}

static void on_note(void *ctx, int level, const char *text)
{
    (void)ctx, (void)level;
    notes++;
    (void)snprintf(note, sizeof(note), "%s", text);
}

static int64_t unix_s(void)
{
    return PKI_NOW;
}

static void begin(uint32_t limit_ms)
{
    ready = notes = 0;
    base = event_base_new();
    lookups = lookups_new(&(struct lookups_host){.base = base,
                                                 .ready = on_ready,
                                                 .rest = on_rest,
                                                 .note = on_note,
                                                 .unix_s = unix_s,
                                                 .limit_ms = limit_ms});
    assert_non_null(lookups);
    assert_true(lookups_start(lookups));
}

static unsigned end(void)
{
    unsigned left = 0;

    lookups_stop(lookups);
    while (lookups_left(lookups) != NULL)
        left++;
    lookups_free(lookups);
    event_base_free(base);
    return left;
}

static void turn_until(unsigned n)
{
    const uint64_t began = clock_now_ms();

    while (ready < n && clock_now_ms() - began < LIMIT_MS) {
        (void)event_base_loop(base, EVLOOP_NONBLOCK);
        (void)poll(NULL, 0, 2);
    }
    assert_int_equal(ready, n);
}

/* The list that a certificate names, which is at that server. */
static struct lookup *want(struct sides *s, const struct server *server, const char *path)
{
    struct inquiry i = {.closed = false};
    char points[128];
    struct pki p;

    (void)snprintf(points, sizeof(points), "URI:http://127.0.0.1:%u/%s", server->port, path);
    creds_clear(s->peer);
    p = equip(s, P_256, (struct pki_spec){.points = points});
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(creds_inquire(s->ours, &s->check, PKI_NOW, &i, &s->why),
                     CV_ERR_CERT_STATUS);
    assert_non_null(i.want);
    pki_free(&p);
    return i.want;
}

static void one_document_is_fetched_once(void **state)
{
    struct sides *s = *state;
    struct lookup *all[20];
    struct server server;
    const char *why;

    begin_server(&server, "HTTP/1.0 404 no\r\n\r\n");
    begin(0);
    for (unsigned i = 0; i < 20; i++) /* before it is known that there is none */
        all[i] = want(s, &server, "a");
    for (unsigned i = 0; i < 20; i++)
        assert_true(lookups_wait(lookups, all[i], &waiters[i], &why));
    turn_until(20);
    assert_int_equal(server.asked, 1);
    assert_int_equal(notes, 1);
    assert_non_null(strstr(note, "/a answers with HTTP status 404"));
    assert_int_equal(end(), 0);
    end_server(&server);
}

static void a_server_that_hangs_keeps_nobody_from_another(void **state)
{
    struct sides *s = *state;
    struct server slow, good;
    uint64_t began;
    const char *why = NULL;
    char path[16];

    begin_server(&slow, NULL);
    begin_server(&good, "HTTP/1.0 200 ok\r\n\r\nnothing that is a list");
    begin(1000);
    for (unsigned i = 0; i < PER_SERVER; i++) {
        (void)snprintf(path, sizeof(path), "%u", i);
        assert_true(lookups_wait(lookups, want(s, &slow, path), &waiters[i], &why));
    }
    assert_false(lookups_wait(lookups, want(s, &slow, "more"), &waiters[100], &why));
    assert_string_equal(why, "is not asked, it is busy with too many questions of ours");
    began = clock_now_ms();
    assert_true(lookups_wait(lookups, want(s, &good, "a"), &waiters[101], &why));
    turn_until(1);
    assert_true(clock_now_ms() - began < 900);
    assert_true(slow.asked <= 8);
    assert_non_null(strstr(note, "/a answers with what is no revocation list"));
    turn_until(1 + PER_SERVER); /* each its own time-out, and all at the same time */
    assert_true(clock_now_ms() - began < 5000);
    assert_int_equal(end(), 0);
    end_server(&slow);
    end_server(&good);
}

static void an_answer_that_does_not_end_is_cut(void **state)
{
    struct sides *s = *state;
    struct server server;
    const char *why;

    begin_server(&server, "HTTP/1.1 200 ok\r\nContent-Length: 99999999\r\n\r\nx");
    begin(2000);
    assert_true(lookups_wait(lookups, want(s, &server, "a"), &waiters[0], &why));
    turn_until(1);
    assert_non_null(strstr(note, "Maximum file size exceeded"));
    assert_int_equal(end(), 0);
    end_server(&server);
}

/* Redirects are followed, but neither for ever nor to other schemes. */
static void redirects_are_bounded(void **state)
{
    static const struct {
        const char *to, *why;
    } cases[] = {
        {"Location: /again\r\n",             "redirects"},
        {"Location: file:///etc/passwd\r\n", "scheme"   },
    };
    struct sides *s = *state;

    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct server server;
        char answer[128];
        const char *why;

        (void)snprintf(answer, sizeof(answer), "HTTP/1.0 302 there\r\n%s\r\n", cases[i].to);
        begin_server(&server, answer);
        begin(2000);
        assert_true(lookups_wait(lookups, want(s, &server, "a"), &waiters[0], &why));
        turn_until(1);
        assert_true(server.asked <= 4);
        assert_non_null(strstr(note, cases[i].why));
        assert_int_equal(end(), 0);
        end_server(&server);
    }
}

static void what_is_under_way_ends_with_the_daemon(void **state)
{
    struct sides *s = *state;
    struct server slow;
    const char *why;

    begin_server(&slow, NULL);
    begin(0);
    assert_true(lookups_wait(lookups, want(s, &slow, "a"), &waiters[0], &why));
    assert_true(lookups_wait(lookups, want(s, &slow, "a"), &waiters[1], &why));
    assert_true(lookups_wait(lookups, want(s, &slow, "b"), &waiters[2], &why));
    assert_int_equal(end(), 3);
    end_server(&slow);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_document_is_fetched_once),
        TEST(a_server_that_hangs_keeps_nobody_from_another),
        TEST(an_answer_that_does_not_end_is_cut),
        TEST(redirects_are_bounded),
        TEST(what_is_under_way_ends_with_the_daemon),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
