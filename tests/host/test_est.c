/* EST's server side, request in, response out: what a device gets, and that no failure,
 * whoever's, costs an honest one its code.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "enrol/est.h"
#include "fleet/registry_code.h"
#include "fleet/registry_event.h"
#include "pki/authority.h"
#include "pki/base64.h"
#include "pki/certs_only.h"
#include "pki/csr.h"
#include "pki/pkey.h"

enum { DAY = 86400, NAMES = 256 };

static char dir[] = "/tmp/test_est.XXXXXX", ca_path[64], key_path[64], db_path[64];
static struct authority ca;
static struct registry *reg;
static struct est *est;
static struct registry_pool *pool;
static int64_t now_s;

/* ---- a fleet with one device ---------------------------------------------------------- */

static int start_est(void)
{
    const struct est_config ec = {.ca_certificate = ca_path,
                                  .ca_key = key_path,
                                  .pool = pool,
                                  .inside = "https://10.99.0.1:8443",
                                  .lifetime_s = 90 * DAY};
    struct problem why = {.text = ""};

    est = est_new(&ec, &why);
    return est != NULL ? 0 : -1;
}

static int set_up(void **state)
{
    const struct registry_config rc = {.uri = db_path};
    struct problem why = {.text = ""};
    enum registry_err err;

    (void)state;
    unlink(db_path);
    reg = registry_open(&rc, &err, &why);
    assert_non_null(reg);
    now_s = registry_now_ms(reg) / 1000;
    pool = registry_pool_new(&rc);
    return start_est();
}

static int tear_down(void **state)
{
    (void)state;
    est_free(est);
    registry_pool_free(pool);
    registry_close(reg);
    return 0;
}

static struct device add_device(const char *name, char code[CODE_TEXT])
{
    struct device d = {.state = DEVICE_ACTIVE};

    snprintf(d.name, sizeof(d.name), "%s", name);
    snprintf(d.identity, sizeof(d.identity), "%s.fleet.example", name);
    assert_int_equal(registry_device_add(reg, &d, 1), REGISTRY_OK);
    assert_int_equal(registry_code_make(reg, d.id, now_s + 3600, code), REGISTRY_OK);
    return d;
}

static EVP_PKEY *key_new(void)
{
    struct problem why = {.text = ""};
    EVP_PKEY *key = pkey_make(&why);

    assert_non_null(key);
    return key;
}

/* ---- a request ------------------------------------------------------------------------ */

struct asked {
    const char *name, *code; /* NULL: without authentication */
    const char *subject;     /* of the request */
    EVP_PKEY *key;
    X509 *cert; /* of the TLS client */
    const char *body;
    const char *source;
};

struct answered {
    unsigned status;
    char detail[512], link[NAMES];
    X509 *cert;
};

static void take_answer(struct http_response *res, struct answered *out)
{
    struct problem why = {.text = ""};

    http_response_finish(res);
    out->status = res->status;
    snprintf(out->detail, sizeof(out->detail), "%.*s", (int)res->n,
             res->p != NULL ? res->p : "");
    for (unsigned i = 0; i < res->n_extra; i++)
        if (strcmp(res->extra[i].name, "Link") == 0)
            snprintf(out->link, sizeof(out->link), "%s", res->extra[i].value);
    if (res->status == 200) {
        STACK_OF(X509) *certs =
            certs_only_read((struct cv_span){(const uint8_t *)res->p, res->n}, &why);

        assert_int_equal(sk_X509_num(certs), 1);
        out->cert = sk_X509_shift(certs);
        sk_X509_pop_free(certs, X509_free);
    }
    http_response_free(res);
}

static char *credential(const struct asked *q)
{
    char plain[256], *lines, *out = malloc(512);
    size_t n = 0;

    snprintf(plain, sizeof(plain), "%s:%s", q->name, q->code);
    lines = base64_lines((struct cv_span){(const uint8_t *)plain, strlen(plain)});
    n = (size_t)snprintf(out, 512, "Basic ");
    for (const char *p = lines; *p != '\0'; p++)
        if (*p != '\n')
            out[n++] = *p;
    out[n] = '\0';
    free(lines);
    return out;
}

static struct answered ask(const char *path, const struct asked *q)
{
    const struct http_table *tables[] = {est_table(est), NULL};
    struct http_request req = {.method = strstr(path, "enroll") != NULL ? HTTP_POST : HTTP_GET,
                               .path = path,
                               .query = "",
                               .now_s = now_s};
    struct http_response res = {.status = 200};
    struct answered out = {.status = 0};
    struct problem why = {.text = ""};
    struct cv_span der = {NULL, 0};
    char *auth = q->code != NULL ? credential(q) : NULL, *body = NULL;
    uint8_t *cert = NULL;
    int n = q->cert != NULL ? i2d_X509(q->cert, &cert) : 0;

    snprintf(req.source, sizeof(req.source), "%s", q->source != NULL ? q->source : "192.0.2.1");
    if (auth != NULL)
        req.fields[req.n_fields++] = (struct http_field){"Authorization", auth};
    if (q->key != NULL) {
        der = csr_make(q->key, q->subject, &why);
        body = base64_lines(der);
        OPENSSL_free((void *)der.p);
    }
    if (q->body != NULL || body != NULL) {
        const char *text = q->body != NULL ? q->body : body;

        req.body = (struct cv_span){(const uint8_t *)text, strlen(text)};
    }
    req.client_cert = (struct cv_span){cert, n > 0 ? (size_t)n : 0};
    http_dispatch(tables, &req, &res);
    take_answer(&res, &out);
    OPENSSL_free(cert);
    free(auth);
    free(body);
    return out;
}

static struct answered enrol(const char *name, const char *code, const char *subject,
                             EVP_PKEY *key)
{
    return ask("/.well-known/est/simpleenroll",
               &(struct asked){.name = name, .code = code, .subject = subject, .key = key});
}

static void expect(struct answered *a, unsigned status, const char *says)
{
    if (a->status != status || strstr(a->detail, says) == NULL)
        fail_msg("%u '%s' where %u '%s' was expected", a->status, a->detail, status, says);
    X509_free(a->cert);
    a->cert = NULL;
}

/* ---- what is given ------------------------------------------------------------------- */

static void a_device_gets_its_certificate(void **state)
{
    char code[CODE_TEXT], serial[SERIAL_TEXT];
    struct device d = add_device("sensor-17", code);
    struct certificate known;
    EVP_PKEY *key = key_new();
    struct answered a = enrol("sensor-17", code, "sensor-17", key);

    (void)state;
    assert_int_equal(a.status, 200);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(a.cert), key), 1);
    assert_int_equal(X509_verify(a.cert, ca.key), 1);
    assert_int_equal(X509_check_host(a.cert, "sensor-17.fleet.example", 0, 0, NULL), 1);
    assert_int_equal(cert_until_s(a.cert), now_s + 90 * DAY);
    assert_non_null(strstr(a.link, "<https://10.99.0.1:8443/.well-known/est>"));
    assert_int_equal(registry_certificate_get(reg, serial_text(serial, a.cert), &known),
                     REGISTRY_OK);
    assert_int_equal(known.device, d.id);
    assert_int_equal(registry_device_get(reg, "sensor-17", &d), REGISTRY_OK);
    assert_string_equal(&d.credential[5], known.fingerprint);
    assert_int_equal(d.credential_end_s, now_s + 90 * DAY);
    expect(&a, 200, "");
    EVP_PKEY_free(key);
}

static void anybody_learns_the_authority_and_the_attributes(void **state)
{
    struct answered a = ask("/.well-known/est/cacerts", &(struct asked){.name = NULL});

    (void)state;
    assert_int_equal(a.status, 200);
    assert_int_equal(X509_cmp(a.cert, ca.cert), 0);
    X509_free(a.cert);
}

static void the_attributes_are_what_the_standard_says(void **state)
{
    const struct http_table *tables[] = {est_table(est), NULL};
    struct http_request req = {
        .method = HTTP_GET, .path = "/.well-known/est/csrattrs", .query = ""};
    struct http_response res = {.status = 200};
    uint8_t der[64];
    const uint8_t *p = der;
    ASN1_TYPE *seq;
    size_t n;

    (void)state;
    http_dispatch(tables, &req, &res);
    http_response_finish(&res);
    assert_true(base64_read(res.p, res.n, der, sizeof(der), &n));
    seq = d2i_ASN1_TYPE(NULL, &p, (long)n);
    assert_int_equal(ASN1_TYPE_get(seq), V_ASN1_SEQUENCE);
    assert_ptr_equal(p, der + n);
    ASN1_TYPE_free(seq);
    http_response_free(&res);
}

/* ---- what costs no code --------------------------------------------------------------- */

static void a_lost_answer_comes_again_to_the_same_key_alone(void **state)
{
    char code[CODE_TEXT];
    EVP_PKEY *key = key_new(), *other = key_new();
    struct answered a;

    (void)state;
    add_device("sensor-17", code);
    a = enrol("sensor-17", code, "sensor-17", key);
    expect(&a, 200, "");
    a = enrol("sensor-17", code, "sensor-17", key);
    expect(&a, 200, "");
    a = enrol("sensor-17", code, "sensor-17", other);
    expect(&a, 403, "has been used");
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void keep_text(void *ctx, const struct fleet_event *e)
{
    snprintf(ctx, 512, "%s: %.400s", e->name, e->text);
}

/* The newest event of that kind; "" when there is none. */
static const char *told(const char *kind)
{
    static char text[512];
    struct event_page page = {.filter = {.kind = kind}, .newest_first = true, .limit = 1};
    int64_t next;

    text[0] = '\0';
    assert_int_equal(registry_event_list(reg, &page, keep_text, text, &next), REGISTRY_OK);
    return text;
}

static void failures_leave_the_code_as_it_was(void **state)
{
    char code[CODE_TEXT], others[CODE_TEXT];
    EVP_PKEY *key = key_new(), *weak = EVP_RSA_gen(1024);
    struct asked q = {.name = "sensor-17", .code = code};
    struct answered a;

    (void)state;
    add_device("sensor-17", code);
    add_device("sensor-18", others);
    a = enrol("sensor-17", code, "sensor-18", key);
    expect(&a, 400, "CN=sensor-18");
    assert_non_null(
        strstr(told("enrol-refused"), "sensor-17: no certificate: the request is for"));
    a = enrol("sensor-17", code, "sensor-17", weak);
    expect(&a, 400, "RSA of 1024 bits");
    a = enrol("sensor-18", code, "sensor-18", key);
    expect(&a, 403, "another device");
    assert_non_null(strstr(told("enrol-refused"), "another device"));
    q.body = "no request";
    a = ask("/.well-known/est/simpleenroll", &q);
    expect(&a, 400, "no PKCS #10");
    q.body = "";
    a = ask("/.well-known/est/simpleenroll", &q);
    expect(&a, 400, "empty");
    a = enrol("sensor-17", code, "sensor-17", key);
    expect(&a, 200, "");
    EVP_PKEY_free(key);
    EVP_PKEY_free(weak);
}

static void what_is_wrong_is_said(void **state)
{
    char code[CODE_TEXT];
    EVP_PKEY *key = key_new();
    struct device d = add_device("sensor-17", code);
    struct answered a = enrol("sensor-17", "NONSENSE", "sensor-17", key);

    (void)state;
    expect(&a, 401, "nobody has given out");
    assert_string_equal(told("enrol-refused"), ""); /* guesses are told otherwise */
    a = ask("/.well-known/est/simpleenroll",
            &(struct asked){.subject = "sensor-17", .key = key});
    expect(&a, 401, "basic authentication");
    assert_int_equal(registry_code_make(reg, d.id, now_s - 1, code), REGISTRY_OK);
    a = enrol("sensor-17", code, "sensor-17", key);
    expect(&a, 403, "has expired");
    d.state = DEVICE_SUSPENDED;
    assert_int_equal(registry_device_set(reg, &d, DEVICE_STATE), REGISTRY_OK);
    assert_int_equal(registry_code_make(reg, d.id, now_s + 60, code), REGISTRY_OK);
    a = enrol("sensor-17", code, "sensor-17", key);
    expect(&a, 403, "suspended");
    EVP_PKEY_free(key);
}

static void count_alarms(void *ctx, const struct fleet_event *e)
{
    *(unsigned *)ctx += strcmp(e->kind, "wrong-codes") == 0;
}

/* Who guesses is slowed down and told of; the honest device beside it, behind the same address,
 * enrols as if nothing were. */
static void guessing_is_slowed_down_and_costs_nobody_else(void **state)
{
    char code[CODE_TEXT], guess[CODE_TEXT];
    EVP_PKEY *key = key_new();
    struct event_page page = {.filter = {.kind = "wrong-codes"}};
    struct answered a = {.status = 0};
    const char *many = getenv("CULVERT_GUESSES"); /* 1000 tell as much as 100000 */
    const int guesses = many != NULL ? atoi(many) : 1000;
    unsigned slowed = 0, alarms = 0;
    int64_t next;

    (void)state;
    add_device("sensor-17", code);
    for (int i = 0; i < guesses; i++) {
        snprintf(guess, sizeof(guess), "GUESS%06d", i);
        a = enrol("sensor-17", guess, "sensor-17", key);
        assert_true(a.status == 401 || a.status == 429);
        slowed += a.status == 429;
    }
    assert_true(slowed > (unsigned)guesses * 98 / 100);
    assert_int_equal(registry_event_list(reg, &page, count_alarms, &alarms, &next),
                     REGISTRY_OK);
    assert_in_range(alarms, 1, 30);
    a = enrol("sensor-17", code, "sensor-17", key);
    expect(&a, 200, "");
    EVP_PKEY_free(key);
}

/* ---- renewing ------------------------------------------------------------------------- */

static struct answered renew(X509 *cert, const char *subject, EVP_PKEY *key)
{
    return ask("/.well-known/est/simplereenroll",
               &(struct asked){.cert = cert, .subject = subject, .key = key});
}

static void a_certificate_renews_itself(void **state)
{
    char code[CODE_TEXT];
    EVP_PKEY *key = key_new(), *next_key = key_new();
    struct answered first, a;
    struct device d;

    (void)state;
    d = add_device("sensor-17", code);
    first = enrol("sensor-17", code, "sensor-17", key);
    assert_int_equal(first.status, 200);
    a = renew(first.cert, "sensor-17", key);
    expect(&a, 200, "");
    a = renew(first.cert, "sensor-17", next_key);
    expect(&a, 200, "");
    a = renew(first.cert, "sensor-18", key);
    expect(&a, 400, "CN=sensor-18");
    a = renew(NULL, "sensor-17", key);
    expect(&a, 401, "TLS client");
    assert_int_equal(registry_certificate_revoke(reg, d.id), REGISTRY_OK);
    a = renew(first.cert, "sensor-17", key);
    expect(&a, 403, "revoked");
    expect(&first, 200, "");
    EVP_PKEY_free(key);
    EVP_PKEY_free(next_key);
}

/* One that the authority has issued and the registry does not know: a restored backup. */
static void a_certificate_that_the_registry_does_not_know_is_refused(void **state)
{
    const struct leaf leaf = {
        .use = LEAF_DEVICE, .common_name = "sensor-17", .from_s = now_s, .lifetime_s = DAY};
    struct problem why = {.text = ""};
    EVP_PKEY *key = key_new();
    X509 *cert = authority_issue(&ca, &leaf, key, &why);
    struct answered a = renew(cert, "sensor-17", key);

    (void)state;
    expect(&a, 403, "");
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* ---- what is away --------------------------------------------------------------------- */

static void a_registry_that_is_away_is_said_and_comes_back(void **state)
{
    char code[CODE_TEXT], aside[80];
    EVP_PKEY *key = key_new();
    struct answered a;

    (void)state;
    add_device("sensor-17", code);
    registry_close(reg);
    reg = NULL;
    snprintf(aside, sizeof(aside), "%s.aside", db_path);
    assert_int_equal(rename(db_path, aside), 0);
    assert_int_equal(symlink("/not/there/at/all", db_path), 0);
    a = enrol("sensor-17", code, "sensor-17", key);
    expect(&a, 503, "");
    unlink(db_path);
    assert_int_equal(rename(aside, db_path), 0);
    a = enrol("sensor-17", code, "sensor-17", key);
    expect(&a, 200, "");
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(a_device_gets_its_certificate),
        TEST(anybody_learns_the_authority_and_the_attributes),
        TEST(the_attributes_are_what_the_standard_says),
        TEST(a_lost_answer_comes_again_to_the_same_key_alone),
        TEST(failures_leave_the_code_as_it_was),
        TEST(what_is_wrong_is_said),
        TEST(guessing_is_slowed_down_and_costs_nobody_else),
        TEST(a_certificate_renews_itself),
        TEST(a_certificate_that_the_registry_does_not_know_is_refused),
        TEST(a_registry_that_is_away_is_said_and_comes_back),
    };
    struct problem why = {.text = ""};
    char command[96];
    int failed;

    if (mkdtemp(dir) == NULL || !authority_make(&ca, "test fleet", time(NULL), &why))
        return 1;
    snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", dir);
    snprintf(key_path, sizeof(key_path), "%s/ca.key", dir);
    snprintf(db_path, sizeof(db_path), "%s/fleet.db", dir);
    if (!cert_file_write(ca_path, ca.cert, false, &why) || !pkey_write(key_path, ca.key, &why))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    authority_free(&ca);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) == 0 ? failed : 1;
}
