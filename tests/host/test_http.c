/* src/http: what is read out of a request, routes, and the server over real sockets with its
 * limits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
// clang-format off: cmocka wants the ones above first
#include <cmocka.h>
// clang-format on

#include "http/inside.h"
#include "tests/support/https_fixture.h"

enum { OUT = 65536 };

/* ---- handlers ---- */

static atomic_int slow_ones, streamed;

static void hello(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    res->type = "text/plain";
    fprintf(http_body(res), "hello %s from %s", req->words[0], req->source);
}

static void echo(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    res->type = "application/octet-stream";
    fwrite(req->body.p, 1, req->body.n, http_body(res));
    http_add_field(res, "X-Name", "%s", "one\r\nX-Other: line");
}

static void who(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    res->type = "text/plain";
    fprintf(http_body(res), "%zu octets, %s", req->client_cert.n,
            req->client_error != NULL ? req->client_error : "no error");
}

static void slow(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    (void)req;
    usleep(200000);
    res->type = "text/plain";
    fputs("at last", http_body(res));
    slow_ones++;
}

static void dear(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    (void)req;
    res->cost = 100;
    http_problem(res, 403, "a \"wrong\" code");
}

static bool more(void *ctx, uint64_t *at, FILE *out)
{
    (void)ctx;
    streamed++;
    fprintf(out, "id: %u\ndata: x\n\n", (unsigned)++*at);
    return *at < 43;
}

static void stream(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    (void)req;
    res->type = "text/event-stream";
    res->stream = (struct http_stream){.more = more, .at = 40};
}

static const struct http_route routes[] = {
    {HTTP_GET,             "/hello/{}",        hello },
    {HTTP_POST | HTTP_PUT, "/echo",            echo  },
    {HTTP_GET,             "/who",             who   },
    {HTTP_GET,             "/slow",            slow  },
    {HTTP_GET,             "/dear",            dear  },
    {HTTP_GET,             "/stream",          stream},
    {HTTP_DELETE,          "/hello/{}/and/{}", hello },
    {0,                    NULL,               NULL  },
};
static const struct http_table table = {routes, NULL};
static const struct http_table *const tables[] = {&table, NULL};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

/* ---- requests ---- */

static void text_is_decoded_or_refused(void **state)
{
    static const char *const bad[] = {"%", "%4", "%4g", "%00", "a%00b", "123456789"};
    char out[9];

    (void)state;
    assert_true(
        http_decode(out, sizeof(out), (struct cv_span){(const uint8_t *)"a%2Fb+c", 7}, false));
    assert_string_equal(out, "a/b+c");
    assert_true(
        http_decode(out, sizeof(out), (struct cv_span){(const uint8_t *)"a%2fb+c", 7}, true));
    assert_string_equal(out, "a/b c");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(http_decode(out, sizeof(out), span(bad[i], strlen(bad[i])), false));
}

static void parameters_and_cookies_are_found_by_their_whole_name(void **state)
{
    struct http_request req = {.query = "xa=1&a=two+words&b=&a=later&c=%zz",
                               .fields = {{"cookie", "xs=1; s=secret;t=u"}},
                               .n_fields = 1};
    char out[16];

    (void)state;
    assert_true(http_parameter(&req, "a", out, sizeof(out)));
    assert_string_equal(out, "two words");
    assert_true(http_parameter(&req, "b", out, sizeof(out)));
    assert_string_equal(out, "");
    assert_false(http_parameter(&req, "c", out, sizeof(out)));
    assert_false(http_parameter(&req, "d", out, sizeof(out)));
    assert_false(http_parameter(&req, "a", out, 4));
    assert_true(http_cookie(&req, "s", out, sizeof(out)));
    assert_string_equal(out, "secret");
    assert_true(http_cookie(&req, "t", out, sizeof(out)));
    assert_false(http_cookie(&req, "x", out, sizeof(out)));
    assert_false(http_cookie(&req, "s", out, 6));
}

static unsigned dispatch(enum http_method method, const char *path, struct http_request *req,
                         char allow[64])
{
    struct http_response res = {0};
    unsigned status;

    *req = (struct http_request){.method = method, .path = path, .query = ""};
    http_dispatch(tables, req, &res);
    http_response_finish(&res);
    allow[0] = '\0';
    for (unsigned i = 0; i < res.n_extra; i++)
        if (strcmp(res.extra[i].name, "Allow") == 0)
            snprintf(allow, 64, "%s", res.extra[i].value);
    status = res.status;
    http_response_free(&res);
    return status;
}

static void a_route_is_its_method_and_its_whole_path(void **state)
{
    static const char *const nowhere[] = {"/",          "/hello",      "/hello/", "/hello/a/b",
                                          "/hello/%00", "/hello/a%zz", "hello/a", "/echo/"};
    struct http_request req;
    char allow[64];

    (void)state;
    assert_int_equal(dispatch(HTTP_GET, "/hello/s%2D1", &req, allow), 200);
    assert_string_equal(req.words[0], "s-1");
    assert_int_equal(dispatch(HTTP_HEAD, "/hello/x", &req, allow), 200);
    assert_int_equal(dispatch(HTTP_DELETE, "/hello/a/and/b", &req, allow), 200);
    assert_string_equal(req.words[1], "b");
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
        assert_int_equal(dispatch(HTTP_GET, nowhere[i], &req, allow), 404);
    assert_int_equal(dispatch(HTTP_DELETE, "/echo", &req, allow), 405);
    assert_string_equal(allow, "POST, PUT");
    assert_int_equal(dispatch(HTTP_POST, "/who", &req, allow), 405);
    assert_string_equal(allow, "GET, HEAD");
}

/* ---- the server ---- */

static void a_request_is_answered_over_tls(void **state)
{
    struct https f;
    char out[OUT];

    (void)state;
    https_start(&f, NULL, tables);
    assert_int_equal(https_ask(&f, NULL, GET("/hello/s-1?x=y"), out, OUT), 200);
    assert_non_null(strstr(out, "hello s-1 from 127.0.0.1"));
    assert_non_null(
        strstr(out, "Content-Security-Policy: default-src 'none'; script-src 'self'"));
    assert_non_null(strstr(out, "Cache-Control: no-store"));
    assert_int_equal(
        https_ask(&f, NULL, "HEAD /hello/s-1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                  out, OUT),
        200);
    assert_non_null(strstr(out, "Content-Length: 24"));
    assert_null(strstr(out, "hello s-1"));
    assert_int_equal(https_ask(&f, NULL,
                               "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                               "Content-Length: 5\r\n\r\n12345",
                               out, OUT),
                     200);
    assert_non_null(strstr(out, "\r\n\r\n12345"));
    assert_null(strstr(out, "\nX-Other"));
    assert_int_equal(https_ask(&f, NULL, GET("/none"), out, OUT), 404);
    assert_non_null(strstr(out, "application/problem+json"));
    https_halt(&f);
    https_end(&f);
}

static void a_clients_certificate_counts_only_when_it_holds(void **state)
{
    struct https f;
    char out[OUT];

    (void)state;
    https_start(&f, NULL, tables);
    assert_int_equal(https_ask(&f, NULL, GET("/who"), out, OUT), 200);
    assert_non_null(strstr(out, "\n0 octets, no error"));
    assert_int_equal(https_ask(&f, &f.device, GET("/who"), out, OUT), 200);
    assert_null(strstr(out, "\n0 octets"));
    assert_non_null(strstr(out, "octets, no error"));
    assert_int_equal(https_ask(&f, &f.stranger, GET("/who"), out, OUT), 200);
    assert_non_null(strstr(out, "\n0 octets, self-signed certificate"));
    https_halt(&f);
    https_end(&f);
}

static void what_is_too_large_is_refused(void **state)
{
    static char head[40000], many[8192], out[OUT];
    struct https f;
    int n;

    (void)state;
    https_start(&f, NULL, tables);
    n = sprintf(head, "GET /who HTTP/1.1\r\nHost: x\r\nX-Long: ");
    memset(head + n, 'a', 30000);
    strcpy(head + n + 30000, "\r\n\r\n");
    assert_int_not_equal(https_ask(&f, NULL, head, out, OUT), 200);
    assert_int_equal(https_ask(&f, NULL,
                               "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                               "Content-Length: 65537\r\n\r\n",
                               out, OUT),
                     413);
    n = sprintf(many, "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (unsigned i = 0; i < HTTP_FIELDS_MAX; i++)
        n += sprintf(many + n, "X-%u: y\r\n", i);
    strcpy(many + n, "\r\n");
    assert_int_equal(https_ask(&f, NULL, many, out, OUT), 400);
    assert_int_equal(https_ask(&f, NULL, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", out, OUT), 501);
    https_halt(&f);
    https_end(&f);
}

static void a_source_has_its_rate_and_wrong_codes_cost_more(void **state)
{
    struct http_settings s;
    struct http_stats stats;
    struct https f;
    char out[OUT];

    (void)state;
    http_settings_default(&s);
    s.burst = 103;
    s.every_ms = 60000;
    https_start(&f, &s, tables);
    assert_int_equal(https_ask(&f, NULL, GET("/dear"), out, OUT), 403);
    assert_non_null(strstr(out, "\"detail\":\"a \\\"wrong\\\" code\""));
    assert_int_equal(https_ask(&f, NULL, GET("/who"), out, OUT), 200);
    assert_int_equal(https_ask(&f, NULL, GET("/who"), out, OUT), 200);
    assert_int_equal(https_ask(&f, NULL, GET("/who"), out, OUT), 429);
    assert_non_null(strstr(out, "Retry-After: "));
    https_halt(&f);
    http_server_stats(f.server, &stats);
    assert_int_equal(stats.refused_rate, 1);
    assert_int_equal(stats.requests, 4);
    https_end(&f);
}

static void a_source_has_so_many_connections_and_no_time_to_waste(void **state)
{
    struct http_settings s;
    struct http_stats stats;
    struct https_client c[4];
    struct https f;
    char out[OUT] = "";

    (void)state;
    http_settings_default(&s);
    s.per_source = 3;
    s.first_ms = 600;
    https_start(&f, &s, tables);
    for (unsigned i = 0; i < 3; i++)
        assert_true(https_connect(&c[i], &f, NULL));
    assert_false(https_connect(&c[3], &f, NULL) && https_send(&c[3], GET("/who")) &&
                 https_until(&c[3], "octets", out, OUT));
    assert_true(https_send(&c[0], "GET /wh")); /* and no more */
    assert_false(https_until(&c[0], "HTTP", out, OUT));
    for (unsigned i = 0; i < 4; i++)
        https_close(&c[i]);
    usleep(400000);
    assert_int_equal(https_ask(&f, NULL, GET("/who"), out, OUT), 200);
    https_halt(&f);
    http_server_stats(f.server, &stats);
    assert_int_equal(stats.refused_source, 1);
    assert_true(stats.closed_slow >= 1);
    https_end(&f);
}

static void a_client_may_go_before_its_answer_is_made(void **state)
{
    struct https f;
    struct https_client c[8];
    char out[OUT];

    (void)state;
    slow_ones = 0;
    https_start(&f, NULL, tables);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(https_connect(&c[i], &f, NULL));
        assert_true(https_send(&c[i], GET("/slow")));
    }
    for (unsigned i = 0; i < 8; i++)
        https_close(&c[i]);
    assert_int_equal(https_ask(&f, NULL, GET("/slow"), out, OUT), 200);
    assert_int_equal(slow_ones, 9);
    assert_true(https_connect(&c[0], &f, NULL)); /* one is under way when the server ends */
    assert_true(https_send(&c[0], GET("/slow")));
    usleep(50000);
    https_halt(&f);
    https_end(&f);
    https_close(&c[0]);
}

static void a_stream_goes_on_until_it_ends_or_its_client_goes(void **state)
{
    struct https f;
    struct https_client c, d = {.fd = -1};
    char out[OUT] = "";

    (void)state;
    streamed = 0;
    https_start(&f, NULL, tables);
    assert_true(https_connect(&c, &f, NULL) && https_connect(&d, &f, NULL));
    assert_true(https_send(&c, GET("/stream")) && https_send(&d, GET("/stream")));
    assert_true(https_until(&c, "id: 42\ndata: x\n\n", out, OUT));
    assert_non_null(strstr(out, "text/event-stream"));
    https_close(&d);
    assert_false(https_until(&c, "id: 43\ndata: x\n\n:", out, OUT)); /* the end */
    assert_in_range(streamed, 3, 6);
    https_close(&c);
    usleep(100000);
    https_halt(&f);
    {
        struct http_stats stats;

        http_server_stats(f.server, &stats);
        assert_int_equal(stats.streams, 0);
        assert_int_equal(stats.connections, 0);
    }
    https_end(&f);
}

static void a_quarter_of_the_streams_is_one_sources(void **state)
{
    struct http_settings s;
    struct https_client c[3];
    struct https f;
    char out[OUT] = "";

    (void)state;
    http_settings_default(&s);
    s.max_streams = 8;
    https_start(&f, &s, tables);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(https_connect(&c[i], &f, NULL));
        assert_true(https_send(&c[i], GET("/stream")));
        out[0] = '\0';
        assert_true(https_until(&c[i], "HTTP/1.1 ", out, OUT));
        assert_true(https_until(&c[i], "\r\n", out, OUT));
        assert_int_equal(strncmp(out, "HTTP/1.1 503", 12) == 0, i == 2);
    }
    for (unsigned i = 0; i < 3; i++)
        https_close(&c[i]);
    https_halt(&f);
    https_end(&f);
}

/* What a client sends before it has its answer waits; more than a request may have is no
 * request. */
static void requests_may_come_before_their_answers(void **state)
{
    static const char three[] =
        "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nsecond"
        "GET /hello/third HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct https_client c;
    struct https f;
    char out[OUT] = "";

    (void)state;
    https_start(&f, NULL, tables);
    assert_true(https_connect(&c, &f, NULL));
    assert_true(https_send(&c, three));
    assert_true(https_until(&c, "at last", out, OUT));
    assert_true(https_until(&c, "second", out, OUT));
    assert_true(https_until(&c, "hello third", out, OUT));
    https_close(&c);
    assert_true(https_connect(&c, &f, NULL));
    assert_true(https_send(&c, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
    usleep(50000);
    assert_true(https_send(&c, "no request at all\r\n\r\n")); /* while the answer is made */
    out[0] = '\0';
    (void)https_until(&c, "400 ", out, OUT);
    https_close(&c);
    assert_int_equal(https_ask(&f, NULL, GET("/who"), out, OUT), 200);
    https_halt(&f);
    https_end(&f);
}

static void a_server_that_cannot_begin_says_why(void **state)
{
    static const char *const at[] = {"127.0.0.1:0", NULL}, *const bad[] = {"8443x", NULL};
    struct http_settings s;
    struct problem why;
    struct https f;

    (void)state;
    https_start(&f, NULL, tables);
    http_settings_default(&s);
    s.listen = at;
    s.certificate = f.certificate;
    s.key = "/none/key.pem";
    assert_null(http_server_new(f.base, &s, tables, &why));
    assert_non_null(strstr(why.text, "key /none/key.pem: No such file"));
    s.key = f.key;
    s.certificate = f.ca;
    assert_null(http_server_new(f.base, &s, tables, &why));
    s.certificate = f.certificate;
    s.listen = bad;
    assert_null(http_server_new(f.base, &s, tables, &why));
    assert_non_null(strstr(why.text, "8443x"));
    https_halt(&f);
    https_write(f.certificate, NULL, NULL); /* emptied: what is at hand stays */
    assert_false(http_server_reload(f.server, &why));
    https_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_decoded_or_refused),
        cmocka_unit_test(parameters_and_cookies_are_found_by_their_whole_name),
        cmocka_unit_test(a_route_is_its_method_and_its_whole_path),
        cmocka_unit_test(a_request_is_answered_over_tls),
        cmocka_unit_test(a_clients_certificate_counts_only_when_it_holds),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(a_source_has_its_rate_and_wrong_codes_cost_more),
        cmocka_unit_test(a_source_has_so_many_connections_and_no_time_to_waste),
        cmocka_unit_test(a_client_may_go_before_its_answer_is_made),
        cmocka_unit_test(a_stream_goes_on_until_it_ends_or_its_client_goes),
        cmocka_unit_test(a_quarter_of_the_streams_is_one_sources),
        cmocka_unit_test(requests_may_come_before_their_answers),
        cmocka_unit_test(a_server_that_cannot_begin_says_why),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
