/* src/web: who may do what, the API's nouns, the metrics, and that the description says what
 * there is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "fleet/registry_group.h"
#include "http/http.h"

/* kit/json.h has names of jansson's; what is needed of web's inside is said again here. */
struct operation_row {
    unsigned methods;
    const char *path;
    unsigned scopes;
    void *run;
};
#include "web/web.h"

#include "fleet/registry_device.h"
#include "fleet/registry_event.h"
#include "fleet/registry_token.h"

extern const struct operation_row operations[];

static char dir[64], path[96];
static struct registry_pool *pool;
static struct registry *reg;
static struct web *web;
static char reader[TOKEN_TEXT], enroller[TOKEN_TEXT], manager[TOKEN_TEXT],
    tenants_own[TOKEN_TEXT];

/* ---- asking ---- */

static struct {
    unsigned status, cost;
    char body[262144], type[128], cookie[256], location[128], etag[64];
    struct http_response res; /* of a stream; else freed */
} got;

static void keep_fields(const struct http_response *res)
{
    got.cookie[0] = got.location[0] = got.etag[0] = '\0';
    for (unsigned i = 0; i < res->n_extra; i++) {
        if (strcmp(res->extra[i].name, "Set-Cookie") == 0)
            snprintf(got.cookie, sizeof(got.cookie), "%s", res->extra[i].value);
        if (strcmp(res->extra[i].name, "ETag") == 0)
            snprintf(got.etag, sizeof(got.etag), "%s", res->extra[i].value);
        if (strcmp(res->extra[i].name, "Location") == 0)
            snprintf(got.location, sizeof(got.location), "%s", res->extra[i].value);
    }
}

/* fields: NULL at the end, name and value in turn. */
static unsigned ask_with(enum http_method method, const char *target, const char *body,
                         const char *const *fields)
{
    const struct http_table *const tables[] = {web_table(web), NULL};
    static char own[512];
    struct http_request req = {.method = method, .path = own, .query = "", .now_s = time(NULL)};
    struct http_response res = {0};
    char *query;

    snprintf(own, sizeof(own), "%s", target);
    query = strchr(own, '?');
    if (query != NULL) {
        *query = '\0';
        req.query = query + 1;
    }
    for (; fields[0] != NULL; fields += 2)
        req.fields[req.n_fields++] = (struct http_field){fields[0], fields[1]};
    if (body != NULL) {
        req.body = (struct cv_span){(const uint8_t *)body, strlen(body)};
        req.fields[req.n_fields++] = (struct http_field){"Content-Type", "application/json"};
    }
    http_dispatch(tables, &req, &res);
    http_response_finish(&res);
    got.status = res.status;
    got.cost = res.cost;
    snprintf(got.type, sizeof(got.type), "%s", res.type != NULL ? res.type : "");
    snprintf(got.body, sizeof(got.body), "%.*s", (int)(res.fixed.p ? res.fixed.n : res.n),
             res.fixed.p ? (const char *)res.fixed.p
             : res.p     ? res.p
                         : "");
    keep_fields(&res);
    got.res = res;
    if (res.stream.more == NULL)
        http_response_free(&res);
    return got.status;
}

static unsigned ask(const char *token, enum http_method method, const char *target,
                    const char *body)
{
    char bearer[TOKEN_TEXT + 8];
    const char *const fields[] = {token != NULL ? "Authorization" : NULL, bearer, NULL};

    snprintf(bearer, sizeof(bearer), "Bearer %s", token != NULL ? token : "");
    return ask_with(method, target, body, fields);
}

static json_t *answer(void)
{
    json_error_t e;
    json_t *j = json_loads(got.body, 0, &e);

    if (j == NULL)
        fail_msg("no JSON: %s at %d: %.200s", e.text, e.position, got.body);
    return j;
}

static const char *member(json_t *j, const char *name)
{
    const char *text = json_string_value(json_object_get(j, name));

    assert_non_null(text);
    return text;
}

/* ---- before and after ---- */

static void make_token(const char *name, const char *scopes, const char *tenant,
                       char out[TOKEN_TEXT])
{
    struct token t = {.kind = TOKEN_API};

    snprintf(t.name, sizeof(t.name), "%s", name);
    snprintf(t.scopes, sizeof(t.scopes), "%s", scopes);
    snprintf(t.tenant, sizeof(t.tenant), "%s", tenant);
    assert_int_equal(registry_token_make(reg, &t, out), REGISTRY_OK);
}

static int make(void **state)
{
    enum registry_err err;
    struct problem why;
    struct group g = {.name = "acme"};

    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/culvert-web-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/fleet.db", dir);
    pool = registry_pool_new(&(struct registry_config){.uri = path, .gateway = "gw1"});
    reg = registry_pool_take(pool, &err, &why);
    assert_non_null(reg);
    web = web_new(&(struct web_settings){.pool = pool});
    assert_int_equal(registry_group_put(reg, GROUP_TENANT, &g, NULL), REGISTRY_OK);
    snprintf(g.name, sizeof(g.name), "sensor");
    assert_int_equal(registry_group_put(reg, GROUP_PROFILE, &g, NULL), REGISTRY_OK);
    make_token("reader", "read", "", reader);
    make_token("line-1", "enrol", "", enroller);
    make_token("boss", "manage", "", manager);
    make_token("acme", "manage", "acme", tenants_own);
    return 0;
}

static int drop(void **state)
{
    char command[128];

    (void)state;
    registry_pool_give(pool, reg);
    web_free(web);
    registry_pool_free(pool);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

static void make_gateway(void)
{
    assert_int_equal(registry_setting_put(reg, "gateway", "gw.example:8443"), REGISTRY_OK);
    assert_int_equal(
        registry_setting_put(reg, "pin", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
        REGISTRY_OK);
}

/* ---- who may ---- */

static void a_token_opens_what_its_scopes_say(void **state)
{
    static const char new_one[] = "{\"name\":\"s-1\",\"code\":false}";

    (void)state;
    assert_int_equal(ask(NULL, HTTP_GET, "/api/v1/devices", NULL), 401);
    assert_string_equal(got.type, "application/problem+json");
    assert_int_equal(got.cost, 0);
    assert_int_equal(ask("aaaaaaaa", HTTP_GET, "/api/v1/devices", NULL), 401);
    assert_true(got.cost > 0); /* guessing is dear */
    assert_int_equal(ask(reader, HTTP_GET, "/api/v1/devices", NULL), 200);
    assert_int_equal(ask(reader, HTTP_POST, "/api/v1/devices", new_one), 403);
    assert_int_equal(ask(reader, HTTP_GET, "/api/v1/tokens", NULL), 403);
    assert_int_equal(ask(enroller, HTTP_GET, "/api/v1/devices", NULL), 403);
    assert_int_equal(ask(enroller, HTTP_POST, "/api/v1/devices", new_one), 201);
    assert_int_equal(ask(enroller, HTTP_PATCH, "/api/v1/devices/s-1", "{}"), 403);
    assert_int_equal(ask(manager, HTTP_GET, "/api/v1/devices/s-1", NULL), 200);
}

static void a_tenants_token_sees_its_own_alone(void **state)
{
    (void)state;
    assert_int_equal(
        ask(manager, HTTP_POST, "/api/v1/devices", "{\"name\":\"s-1\",\"code\":false}"), 201);
    assert_int_equal(
        ask(tenants_own, HTTP_POST, "/api/v1/devices", "{\"name\":\"a-1\",\"code\":false}"),
        201);
    assert_non_null(strstr(got.body, "\"tenant\":\"acme\""));
    assert_int_equal(ask(tenants_own, HTTP_POST, "/api/v1/devices",
                         "{\"name\":\"a-2\",\"tenant\":\"\",\"code\":false}"),
                     403);
    assert_int_equal(ask(tenants_own, HTTP_GET, "/api/v1/devices?tenant=", NULL), 200);
    assert_null(strstr(got.body, "s-1"));
    assert_non_null(strstr(got.body, "a-1"));
    assert_int_equal(ask(tenants_own, HTTP_GET, "/api/v1/devices/s-1", NULL), 404);
    assert_int_equal(
        ask(tenants_own, HTTP_PATCH, "/api/v1/devices/s-1", "{\"state\":\"suspended\"}"), 404);
    assert_int_equal(ask(tenants_own, HTTP_PUT, "/api/v1/devices/s-1", "{}"), 404);
    assert_int_equal(ask(tenants_own, HTTP_PATCH, "/api/v1/devices/a-1", "{\"tenant\":\"\"}"),
                     403);
    assert_int_equal(ask(tenants_own, HTTP_PUT, "/api/v1/profiles/x", "{}"), 403);
    assert_int_equal(ask(tenants_own, HTTP_GET, "/metrics", NULL), 403);
    assert_int_equal(ask(tenants_own, HTTP_GET, "/api/v1/overview", NULL), 200);
    assert_non_null(strstr(got.body, "\"all\":1"));
    assert_null(strstr(got.body, "\"live\""));
    assert_int_equal(ask(tenants_own, HTTP_POST, "/api/v1/tokens",
                         "{\"name\":\"x\",\"scopes\":\"read\",\"tenant\":\"\"}"),
                     403);
    assert_int_equal(ask(tenants_own, HTTP_GET, "/api/v1/events?device=s-1", NULL), 404);
}

static void a_link_opens_one_session(void **state)
{
    struct token link = {
        .kind = TOKEN_LINK, .name = "operator", .scopes = "manage", .ends_s = time(NULL) + 600};
    char secret[TOKEN_TEXT], body[128], cookie[256], csrf[64];
    const char *const bare[] = {"Cookie", cookie, NULL};
    const char *const whole[] = {"Cookie", cookie, "X-Culvert-Token", csrf, NULL};
    const char *const none[] = {NULL};
    json_t *j;

    (void)state;
    assert_int_equal(registry_token_make(reg, &link, secret), REGISTRY_OK);
    snprintf(body, sizeof(body), "{\"link\":\"%s\"}", secret);
    assert_int_equal(ask_with(HTTP_POST, "/api/v1/session", body, none), 201);
    assert_non_null(strstr(got.cookie, "; Secure; HttpOnly; SameSite=Strict;"));
    snprintf(cookie, sizeof(cookie), "%.*s", (int)strcspn(got.cookie, ";"), got.cookie);
    j = answer();
    snprintf(csrf, sizeof(csrf), "%s", member(j, "token"));
    assert_true(strlen(csrf) >= 16);
    json_decref(j);

    assert_int_equal(ask_with(HTTP_POST, "/api/v1/session", body, none), 403); /* replayed */
    assert_non_null(strstr(got.body, "has been used"));
    assert_true(got.cost > 0);
    assert_int_equal(ask_with(HTTP_GET, "/api/v1/devices", NULL, bare), 200);
    assert_int_equal(ask_with(HTTP_PUT, "/api/v1/devices/s-1", "{}", bare), 403);
    assert_non_null(strstr(got.body, "X-Culvert-Token"));
    assert_int_equal(ask_with(HTTP_PUT, "/api/v1/devices/s-1", "{}", whole), 201);
    csrf[0] ^= 1;
    assert_int_equal(ask_with(HTTP_PUT, "/api/v1/devices/s-1", "{}", whole), 403);
    csrf[0] ^= 1;
    assert_int_equal(ask_with(HTTP_DELETE, "/api/v1/session", NULL, whole), 204);
    assert_int_equal(ask_with(HTTP_GET, "/api/v1/devices", NULL, bare), 401);
    assert_int_equal(ask(reader, HTTP_DELETE, "/api/v1/session", NULL), 409);
}

/* ---- devices ---- */

static void a_device_is_added_with_the_bundle_it_enrols_by(void **state)
{
    json_t *j, *e;

    (void)state;
    assert_int_equal(ask(enroller, HTTP_POST, "/api/v1/devices", "{\"name\":\"s-1\"}"), 503);
    assert_non_null(strstr(got.body, "culvert init"));
    assert_int_equal(ask(manager, HTTP_GET, "/api/v1/devices/s-1", NULL), 404);
    make_gateway();
    assert_int_equal(ask(enroller, HTTP_POST, "/api/v1/devices",
                         "{\"name\":\"s-1\",\"profile\":\"sensor\",\"tags\":[\"b\",\"a\"],"
                         "\"notes\":\"\\u00e9t\\u00e9\",\"hours\":2}"),
                     201);
    assert_string_equal(got.location, "/api/v1/devices/s-1");
    j = answer();
    e = json_object_get(j, "enrolment");
    assert_true(strncmp(member(e, "bundle"), "culvert://s-1:", 14) == 0);
    assert_non_null(strstr(member(e, "bundle"), "@gw.example:8443/"));
    assert_true(strncmp(member(e, "qr"), "<svg", 4) == 0);
    assert_string_equal(json_string_value(json_array_get(
                            json_object_get(json_object_get(j, "device"), "tags"), 0)),
                        "a");
    assert_string_equal(member(json_object_get(j, "device"), "notes"), "\xc3\xa9t\xc3\xa9");
    json_decref(j);
    assert_int_equal(ask(enroller, HTTP_POST, "/api/v1/devices", "{\"name\":\"s-1\"}"), 409);
    assert_int_equal(ask(enroller, HTTP_POST, "/api/v1/devices/s-1/code", NULL), 201);
    assert_non_null(strstr(got.body, "culvert://s-1:"));
    assert_int_equal(ask(enroller, HTTP_POST, "/api/v1/devices/s-2/code", NULL), 404);
}

static void wrong_bodies_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *body, *reason;
        unsigned status;
    } bad[] = {
        {"{\"nmae\":\"s\"}",                            "no member 'nmae'",   422},
        {"{}",                                          "'name' is missing",  422},
        {"{\"name\":\"a b\",\"code\":false}",           "",                   422},
        {"{\"name\":\"s\",\"state\":\"off\"}",          "'state' is to be",   422},
        {"{\"name\":\"s\",\"state\":\"revoked\"}",      "not revoked",        422},
        {"{\"name\":\"s\",\"hours\":0}",                "'hours'",            422},
        {"{\"name\":\"s\",\"hours\":1e9}",              "'hours'",            422},
        {"{\"name\":{\"a\":1}}",                        "'name' is too",      422},
        {"{\"name\":\"s\",\"profile\":\"none\"}",       "",                   422},
        {"{\"name\":\"s\",\"address\":\"10.0.0.300\"}", "",                   422},
        {"{\"name\":\"s\"",                             "JSON: ",             400},
        {"[]",                                          "expected an object", 400},
    };

    (void)state;
    make_gateway();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (ask(manager, HTTP_POST, "/api/v1/devices", bad[i].body) != bad[i].status ||
            strstr(got.body, bad[i].reason) == NULL)
            fail_msg("%s: %u %s", bad[i].body, got.status, got.body);
        assert_string_equal(got.type, "application/problem+json");
    }
    assert_int_equal(ask(manager, HTTP_POST, "/api/v1/devices", NULL), 415);
    assert_int_equal(ask(manager, HTTP_GET, "/api/v1/devices?limit=0", NULL), 400);
    assert_int_equal(ask(manager, HTTP_GET, "/api/v1/devices?state=off", NULL), 400);
    assert_int_equal(ask(manager, HTTP_GET, "/api/v1/devices?online=maybe", NULL), 400);
    assert_int_equal(ask(manager, HTTP_GET, "/api/v1/devices?q=%00", NULL), 400);
    assert_int_equal(ask(manager, HTTP_GET, "/api/v1/events?severity=bad", NULL), 400);
    assert_int_equal(ask(manager, HTTP_GET, "/api/v1/devices/s%2f1", NULL), 404);
}

static void changes_are_made_once_however_often_they_are_asked_for(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(
            ask(manager, HTTP_PUT, "/api/v1/devices/s-1", "{\"tags\":\"x y\",\"notes\":\"n\"}"),
            i == 0 ? 201 : 200);
    assert_null(strstr(got.body, "culvert://")); /* no code unless it is asked for */
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ask(manager, HTTP_PATCH, "/api/v1/devices/s-1",
                             "{\"state\":\"suspended\",\"notes\":\"\"}"),
                         200);
        assert_non_null(strstr(got.body, "\"state\":\"suspended\""));
        assert_non_null(strstr(got.body, "\"notes\":\"\""));
        assert_non_null(strstr(got.body, "[\"x\",\"y\"]")); /* what is not named stays */
    }
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/devices/s-1", "{}"), 200);
    assert_non_null(strstr(got.body, "\"tags\":[]")); /* what is not named is empty */
    assert_non_null(strstr(got.body, "\"state\":\"suspended\"")); /* but for the state */
    assert_int_equal(ask(manager, HTTP_PATCH, "/api/v1/devices/s-1", "{\"identity\":\"x\"}"),
                     422);
    assert_int_equal(ask(manager, HTTP_DELETE, "/api/v1/devices/s-1", NULL), 422);
    assert_int_equal(ask(manager, HTTP_PATCH, "/api/v1/devices/s-1",
                         "{\"name\":\"s-9\",\"state\":\"revoked\"}"),
                     200);
    assert_int_equal(ask(manager, HTTP_PATCH, "/api/v1/devices/s-9", "{\"state\":\"active\"}"),
                     422);
    assert_int_equal(ask(manager, HTTP_POST, "/api/v1/devices/s-9/code", NULL), 409);
    assert_int_equal(ask(manager, HTTP_DELETE, "/api/v1/devices/s-9", NULL), 204);
    assert_int_equal(ask(manager, HTTP_DELETE, "/api/v1/devices/s-9", NULL), 404);
}

static void pages_follow_each_other_by_key(void **state)
{
    static struct device v[250];
    char target[128] = "/api/v1/devices?limit=100&prefix=p-", last[64] = "";
    unsigned n = 0, pages = 0;

    (void)state;
    for (unsigned i = 0; i < 250; i++) {
        memset(&v[i], 0, sizeof(v[i]));
        snprintf(v[i].name, sizeof(v[i].name), "p-%03u", i);
    }
    assert_int_equal(registry_device_add(reg, v, 250), REGISTRY_OK);
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/devices/q-1", "{}"), 201);
    for (;;) {
        json_t *j, *devices;
        char next[64];

        assert_int_equal(ask(reader, HTTP_GET, target, NULL), 200);
        j = answer();
        devices = json_object_get(j, "devices");
        for (size_t i = 0; i < json_array_size(devices); i++, n++) {
            assert_true(strcmp(last, member(json_array_get(devices, i), "name")) < 0);
            snprintf(last, sizeof(last), "%s", member(json_array_get(devices, i), "name"));
        }
        snprintf(next, sizeof(next), "%s", member(j, "next"));
        json_decref(j);
        pages++;
        if (next[0] == '\0')
            break;
        snprintf(target, sizeof(target), "/api/v1/devices?limit=100&prefix=p-&after=%s", next);
    }
    assert_int_equal(n, 250);
    assert_int_equal(pages, 3);
    assert_int_equal(ask(reader, HTTP_GET, "/api/v1/devices?q=p-24&limit=1000", NULL), 200);
    assert_non_null(strstr(got.body, "p-249"));
    assert_null(strstr(got.body, "p-250"));
}

/* ---- groups, events, tokens ---- */

static void groups_are_put_and_removed(void **state)
{
    (void)state;
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/profiles/meter",
                         "{\"notes\":\"water\",\"silent\":3600}"),
                     201);
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/profiles/meter", "{\"silent\":60}"), 200);
    assert_non_null(strstr(got.body, "\"silent\":60"));
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/tenants/meter", "{\"silent\":60}"), 422);
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/devices/m-1", "{\"profile\":\"meter\"}"),
                     201);
    assert_int_equal(ask(manager, HTTP_DELETE, "/api/v1/profiles/meter", NULL), 422);
    assert_int_equal(ask(reader, HTTP_GET, "/api/v1/profiles", NULL), 200);
    assert_non_null(strstr(got.body, "\"name\":\"meter\""));
    assert_int_equal(ask(reader, HTTP_GET, "/api/v1/tenants", NULL), 200);
    assert_non_null(strstr(got.body, "\"name\":\"acme\""));
    assert_int_equal(ask(manager, HTTP_DELETE, "/api/v1/tenants/acme", NULL), 204);
    assert_int_equal(ask(manager, HTTP_DELETE, "/api/v1/tenants/acme", NULL), 404);
}

static void add_event(const char *kind, enum event_severity severity, int64_t device)
{
    struct fleet_event e = {.severity = severity, .device = device};

    snprintf(e.kind, sizeof(e.kind), "%s", kind);
    snprintf(e.text, sizeof(e.text), "it is \"%s\"\n", kind);
    assert_int_equal(registry_event_add(reg, &e, 1), REGISTRY_OK);
}

static void events_come_in_pages_and_as_a_stream(void **state)
{
    const char *const fields[] = {"Accept", "text/event-stream", "Authorization", NULL, NULL};
    const char *own[5];
    char bearer[TOKEN_TEXT + 8], *text = NULL;
    size_t n = 0;
    FILE *out;
    struct device d;

    (void)state;
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/devices/s-1", "{}"), 201);
    assert_int_equal(registry_device_get(reg, "s-1", &d), REGISTRY_OK);
    add_event("up", EVENT_INFO, d.id);
    add_event("tamper", EVENT_ALARM, 0);
    assert_int_equal(ask(reader, HTTP_GET, "/api/v1/events?device=s-1&kind=up", NULL), 200);
    assert_non_null(strstr(got.body, "\"kind\":\"up\""));
    assert_null(strstr(got.body, "tamper"));
    assert_int_equal(ask(reader, HTTP_GET, "/api/v1/events?severity=alarm", NULL), 200);
    assert_null(strstr(got.body, "\"kind\":\"up\""));

    memcpy(own, fields, sizeof(own));
    snprintf(bearer, sizeof(bearer), "Bearer %s", reader);
    own[3] = bearer;
    assert_int_equal(ask_with(HTTP_GET, "/api/v1/events?severity=warning", NULL, own), 200);
    assert_string_equal(got.type, "text/event-stream");
    assert_non_null(got.res.stream.more);
    add_event("down", EVENT_INFO, 0);
    add_event("refused", EVENT_WARNING, 0);
    out = open_memstream(&text, &n);
    assert_true(got.res.stream.more(got.res.stream.ctx, &got.res.stream.at, out));
    assert_true(got.res.stream.more(got.res.stream.ctx, &got.res.stream.at, out));
    fclose(out);
    assert_null(strstr(text, "\"down\""));
    assert_null(strstr(text, "tamper")); /* from now on */
    assert_non_null(strstr(text, "event: fleet\ndata: {"));
    assert_non_null(strstr(text, "\"kind\":\"refused\""));
    assert_null(strstr(strstr(text, "refused") + 1, "event:")); /* once */
    free(text);
    http_response_free(&got.res);
}

static void tokens_are_made_shown_once_and_revoked(void **state)
{
    char secret[TOKEN_TEXT], target[64];
    json_t *j;

    (void)state;
    assert_int_equal(ask(manager, HTTP_POST, "/api/v1/tokens",
                         "{\"name\":\"ci\",\"scopes\":\"read\",\"days\":30}"),
                     201);
    j = answer();
    snprintf(secret, sizeof(secret), "%s", member(j, "secret"));
    snprintf(target, sizeof(target), "/api/v1/tokens/%lld",
             (long long)json_integer_value(json_object_get(j, "id")));
    json_decref(j);
    assert_int_equal(ask(secret, HTTP_GET, "/api/v1/overview", NULL), 200);
    assert_int_equal(ask(manager, HTTP_GET, "/api/v1/tokens", NULL), 200);
    assert_null(strstr(got.body, secret));
    assert_non_null(strstr(got.body, "\"name\":\"ci\""));
    assert_int_equal(
        ask(manager, HTTP_POST, "/api/v1/tokens", "{\"name\":\"x\",\"scopes\":\"root\"}"), 422);
    assert_int_equal(ask(manager, HTTP_DELETE, target, NULL), 204);
    assert_int_equal(ask(manager, HTTP_DELETE, target, NULL), 404);
    assert_int_equal(ask(secret, HTTP_GET, "/api/v1/overview", NULL), 401);
}

/* ---- metrics, page, description ---- */

/* Every metric that a file of packaging/ speaks of is among what we show. */
static void names_exist(const char *file)
{
    FILE *in = fopen(file, "r");
    static char text[262144];
    size_t n;
    unsigned found = 0;

    if (in == NULL)
        fail_msg("no %s", file);
    n = fread(text, 1, sizeof(text) - 1, in);
    fclose(in);
    text[n] = '\0';
    for (const char *at = text; (at = strstr(at, "culvert_")) != NULL;) {
        const size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
        char name[96], with_value[98], with_labels[98];

        snprintf(name, sizeof(name), "%.*s", (int)len, at);
        snprintf(with_value, sizeof(with_value), "\n%s ", name);
        snprintf(with_labels, sizeof(with_labels), "\n%s{", name);
        if (strstr(got.body, with_value) == NULL && strstr(got.body, with_labels) == NULL)
            fail_msg("%s speaks of %s, which there is not", file, name);
        found++;
        at += len;
    }
    assert_true(found > 5);
}

static void metrics_are_bounded_and_name_what_dashboards_ask_for(void **state)
{
    char *whole = got.body;
    unsigned lines = 0;

    (void)state;
    assert_int_equal(ask(NULL, HTTP_GET, "/metrics", NULL), 401);
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/devices/s-1", "{\"profile\":\"sensor\"}"),
                     201);
    assert_int_equal(ask(reader, HTTP_GET, "/metrics", NULL), 200);
    assert_string_equal(got.type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_null(strstr(got.body, "device=\""));
    assert_non_null(strstr(got.body, "\nculvert_devices{state=\"active\"} 1\n"));
    assert_non_null(
        strstr(got.body, "\nculvert_profile_devices{profile=\"sensor\",state=\"active\"} 1\n"));
    assert_non_null(strstr(got.body, "\nculvert_gateway_up 0\n"));
    assert_string_equal(got.body + strlen(got.body) - 6, "# EOF\n");
    for (const char *at = got.body; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    for (unsigned i = 0; i < 20; i++) {
        char target[64];

        snprintf(target, sizeof(target), "/api/v1/devices/more-%u", i);
        assert_int_equal(ask(manager, HTTP_PUT, target, "{}"), 201);
    }
    assert_int_equal(ask(reader, HTTP_GET, "/metrics", NULL), 200);
    for (; (whole = strchr(whole, '\n')) != NULL; whole++)
        lines--;
    assert_int_equal(lines, 0);
    assert_int_equal(ask(reader, HTTP_GET, "/metrics?device=none", NULL), 404);
    assert_int_equal(ask(reader, HTTP_GET, "/metrics?device=s-1", NULL), 200);
    assert_non_null(strstr(got.body, "\nculvert_device_online{device=\"s-1\"} 0\n"));
}

static void the_page_is_files_with_an_etag(void **state)
{
    char etag[64] = "";
    const char *const known[] = {"If-None-Match", etag, NULL};

    (void)state;
    assert_int_equal(ask(NULL, HTTP_GET, "/", NULL), 200);
    assert_string_equal(got.type, "text/html; charset=utf-8");
    assert_null(strstr(got.body, "<script>"));
    assert_null(strstr(got.body, " style=\""));
    assert_null(strstr(got.body, "http://"));
    assert_null(strstr(got.body, "https://"));
    assert_int_equal(ask(NULL, HTTP_GET, "/page/none.js", NULL), 404);
    assert_int_equal(ask(NULL, HTTP_GET, "/page/..%2fweb.c", NULL), 404);
    assert_int_equal(ask(NULL, HTTP_GET, "/page/main.js", NULL), 200);
    assert_string_equal(got.type, "text/javascript; charset=utf-8");
    snprintf(etag, sizeof(etag), "%s", got.etag);
    assert_int_equal(ask_with(HTTP_GET, "/page/main.js", NULL, known), 304);
    etag[1] ^= 1;
    assert_int_equal(ask_with(HTTP_GET, "/page/main.js", NULL, known), 200);
}

static const char *const method_names[] = {"get", "head", "post", "put", "patch", "delete"};

/* A path of the description as a route has it: {name} is {}. */
static void as_route(const char *described, char out[128])
{
    size_t n = (size_t)snprintf(out, 128, "/api/v1");

    for (; *described != '\0' && n < 120; described++) {
        out[n++] = *described;
        if (*described == '{')
            described += strcspn(described, "}") - 1;
    }
    out[n] = '\0';
}

static const struct operation_row *find_row(const char *route, const char *method)
{
    for (const struct operation_row *o = operations; o->path != NULL; o++)
        for (unsigned i = 0; i < 6; i++)
            if (strcmp(o->path, route) == 0 && (o->methods & 1u << i) != 0 &&
                strcmp(method, method_names[i]) == 0)
                return o;
    return NULL;
}

static void the_description_is_what_there_is(void **state)
{
    static const char *const scopes[] = {
        [0] = "none", [1] = "read", [2] = "enrol", [4] = "manage", [7] = "any"};
    unsigned described = 0, there = 0;
    const char *key, *method;
    json_t *j, *paths, *methods, *op;

    (void)state;
    assert_int_equal(ask(NULL, HTTP_GET, "/api/v1/openapi.json", NULL), 200);
    j = answer();
    paths = json_object_get(j, "paths");
    json_object_foreach(paths, key, methods) json_object_foreach(methods, method, op)
    {
        const struct operation_row *o;
        char route[128];

        as_route(key, route);
        o = find_row(route, method);
        if (o == NULL)
            fail_msg("%s %s is described and not there", method, route);
        if (strcmp(scopes[o->scopes], member(op, "x-scope")) != 0)
            fail_msg("%s %s: scope %s is described", method, route, member(op, "x-scope"));
        described++;
    }
    json_decref(j);
    for (const struct operation_row *o = operations; o->path != NULL; o++)
        if (strncmp(o->path, "/api/v1/", 8) == 0)
            there++;
    assert_int_equal(described, there);
}

/* Answers have the members that are described, and no others. */
static void answers_are_as_they_are_described(void **state)
{
    static const struct {
        const char *target, *schema, *list;
    } all[] = {
        {"/api/v1/devices/s-1", "Device",   NULL      },
        {"/api/v1/overview",    "Overview", NULL      },
        {"/api/v1/session",     "Session",  NULL      },
        {"/api/v1/profiles",    "Profile",  "profiles"},
        {"/api/v1/tenants",     "Tenant",   "tenants" },
        {"/api/v1/tokens",      "Token",    "tokens"  },
        {"/api/v1/events",      "Event",    "events"  },
        {"/api/v1/none",        "Problem",  NULL      },
    };
    json_t *doc, *one, *whole, *want, *v;
    const char *key;

    (void)state;
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/devices/s-1", "{}"), 201);
    add_event("up", EVENT_INFO, 0);
    (void)ask(NULL, HTTP_GET, "/api/v1/openapi.json", NULL);
    doc = answer();
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        (void)ask(manager, HTTP_GET, all[i].target, NULL);
        whole = answer();
        one = all[i].list == NULL ? whole
                                  : json_array_get(json_object_get(whole, all[i].list), 0);
        want = json_object_get(
            json_object_get(json_object_get(json_object_get(doc, "components"), "schemas"),
                            all[i].schema),
            "properties");
        json_object_foreach(one, key, v) if (json_object_get(want, key) == NULL)
            fail_msg("%s: member %s is not described", all[i].target, key);
        json_object_foreach(want, key, v) if (json_object_get(one, key) == NULL)
            fail_msg("%s: member %s is described and not there", all[i].target, key);
        json_decref(whole);
    }
    json_decref(doc);
}

static void dashboards_and_alerts_name_metrics_that_exist(void **state)
{
    (void)state;
    assert_int_equal(ask(manager, HTTP_PUT, "/api/v1/devices/s-1", "{\"profile\":\"sensor\"}"),
                     201);
    assert_int_equal(ask(reader, HTTP_GET, "/metrics?device=s-1", NULL), 200);
    /* With a daemon there are these, too; tests/e2e/fleetd.sh sees them there. */
    strcat(got.body, "\nculvert_traffic_bytes_total{\nculvert_traffic_packets_total{"
                     "\nculvert_failures_total{\nculvert_ike_sas \nculvert_ike_sas_half_open ");
    names_exist(TEST_SOURCE "/packaging/grafana/culvert-fleet.json");
    names_exist(TEST_SOURCE "/packaging/prometheus/culvert-alerts.yml");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_opens_what_its_scopes_say),
        TEST(a_tenants_token_sees_its_own_alone),
        TEST(a_link_opens_one_session),
        TEST(a_device_is_added_with_the_bundle_it_enrols_by),
        TEST(wrong_bodies_are_refused_with_a_reason),
        TEST(changes_are_made_once_however_often_they_are_asked_for),
        TEST(pages_follow_each_other_by_key),
        TEST(groups_are_put_and_removed),
        TEST(events_come_in_pages_and_as_a_stream),
        TEST(tokens_are_made_shown_once_and_revoked),
        TEST(metrics_are_bounded_and_name_what_dashboards_ask_for),
        TEST(the_page_is_files_with_an_etag),
        TEST(the_description_is_what_there_is),
        TEST(answers_are_as_they_are_described),
        TEST(dashboards_and_alerts_name_metrics_that_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
