/* pki: the authority and what it issues, requests that are taken and refused, certificates in
 * PKCS #7, fingerprints, and the files they are kept in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/file.h"
#include "pki/authority.h"
#include "pki/base64.h"
#include "pki/certs_only.h"
#include "pki/csr.h"
#include "pki/pin.h"
#include "pki/pkey.h"

enum { YEAR = 31557600 };
#define NOW INT64_C(1780000000)

static const struct csr_subject sensor = {"sensor-17", "sensor-17.fleet.example"};
static char dir[] = "/tmp/test_pki.XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static struct authority ca_new(void)
{
    struct authority a;
    struct problem why = {.text = ""};

    if (!authority_make(&a, "gw.example fleet", NOW, &why))
        fail_msg("%s", why.text);
    return a;
}

static EVP_PKEY *key_new(void)
{
    struct problem why = {.text = ""};
    EVP_PKEY *key = pkey_make(&why);

    assert_non_null(key);
    return key;
}

static X509 *issue(const struct authority *a, const struct leaf *leaf, EVP_PKEY *key)
{
    struct problem why = {.text = ""};
    X509 *cert = authority_issue(a, leaf, key, &why);

    if (cert == NULL)
        fail_msg("%s", why.text);
    return cert;
}

/* OpenSSL's own judgement at a time, for a purpose: X509_V_OK or why not. */
static int judge(const struct authority *a, X509 *cert, X509_CRL *crl, int purpose, int64_t at)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int result;

    X509_STORE_add_cert(store, a->cert);
    if (crl != NULL)
        X509_STORE_add_crl(store, crl);
    X509_STORE_CTX_init(ctx, store, cert, NULL);
    X509_STORE_CTX_set_purpose(ctx, purpose);
    X509_STORE_CTX_set_time(ctx, 0, (time_t)at);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT |
                                      (crl != NULL ? X509_V_FLAG_CRL_CHECK : 0));
    (void)X509_verify_cert(ctx);
    result = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return result;
}

/* ---- the authority ------------------------------------------------------------------ */

static const struct leaf device_leaf = {.use = LEAF_DEVICE,
                                        .common_name = "sensor-17",
                                        .dns = {"sensor-17.fleet.example"},
                                        .n_dns = 1,
                                        .from_s = NOW,
                                        .lifetime_s = YEAR};

static void a_gateway_serves_and_is_named(void **state)
{
    const struct leaf leaf = {
        .use = LEAF_GATEWAY,
        .common_name = "gw.example",
        .dns = {"gw.example"},
        .n_dns = 1,
        .ip = { "10.99.0.1",   "fd99::1"},
        .n_ip = 2,
        .from_s = NOW,
        .lifetime_s = YEAR
    };
    struct authority a = ca_new();
    EVP_PKEY *key = key_new();
    X509 *cert = issue(&a, &leaf, key);

    (void)state;
    assert_int_equal(judge(&a, cert, NULL, X509_PURPOSE_SSL_SERVER, NOW), X509_V_OK);
    assert_int_not_equal(judge(&a, cert, NULL, X509_PURPOSE_SSL_CLIENT, NOW), X509_V_OK);
    assert_int_equal(X509_check_host(cert, "gw.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(cert, "10.99.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "fd99::1", 0), 1);
    assert_int_equal(X509_check_host(cert, "other.example", 0, 0, NULL), 0);
    assert_int_equal(judge(&a, cert, NULL, X509_PURPOSE_SSL_SERVER, NOW + YEAR + 1),
                     X509_V_ERR_CERT_HAS_EXPIRED);
    X509_free(cert);
    EVP_PKEY_free(key);
    authority_free(&a);
}

static void a_device_is_a_client_and_no_authority(void **state)
{
    struct authority a = ca_new();
    EVP_PKEY *key = key_new();
    X509 *cert = issue(&a, &device_leaf, key);
    struct authority false_ca = {.cert = cert, .key = key};
    X509 *below = issue(&false_ca, &device_leaf, key);

    (void)state;
    assert_int_equal(judge(&a, cert, NULL, X509_PURPOSE_SSL_CLIENT, NOW), X509_V_OK);
    assert_int_not_equal(judge(&a, cert, NULL, X509_PURPOSE_SSL_SERVER, NOW), X509_V_OK);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_int_not_equal(judge(&a, below, NULL, X509_PURPOSE_SSL_CLIENT, NOW), X509_V_OK);
    assert_int_equal(cert_until_s(cert), NOW + YEAR);
    X509_free(below);
    X509_free(cert);
    EVP_PKEY_free(key);
    authority_free(&a);
}

static void nothing_outlives_its_authority(void **state)
{
    struct authority a = ca_new();
    struct leaf leaf = device_leaf;
    EVP_PKEY *key = key_new();
    struct problem why = {.text = ""};
    X509 *cert;

    (void)state;
    leaf.from_s = NOW + INT64_C(9) * YEAR;
    leaf.lifetime_s = INT64_C(5) * YEAR;
    cert = issue(&a, &leaf, key);
    assert_int_equal(cert_until_s(cert), cert_until_s(a.cert));
    X509_free(cert);
    leaf.from_s = NOW + INT64_C(11) * YEAR;
    assert_null(authority_issue(&a, &leaf, key, &why));
    assert_non_null(strstr(why.text, "has ended"));
    EVP_PKEY_free(key);
    authority_free(&a);
}

static void a_revoked_certificate_is_on_the_list(void **state)
{
    struct authority a = ca_new();
    EVP_PKEY *key = key_new();
    X509 *taken = issue(&a, &device_leaf, key), *kept = issue(&a, &device_leaf, key);
    struct problem why = {.text = ""};
    char serial[SERIAL_TEXT];
    const struct revoked list = {serial_text(serial, taken), NOW};
    const struct revoked no_number = {"nonsense", NOW};
    X509_CRL *crl = authority_crl(&a, &list, 1, NOW, NOW + 86400, &why);

    (void)state;
    assert_non_null(crl);
    assert_int_equal(judge(&a, taken, crl, X509_PURPOSE_SSL_CLIENT, NOW),
                     X509_V_ERR_CERT_REVOKED);
    assert_int_equal(judge(&a, kept, crl, X509_PURPOSE_SSL_CLIENT, NOW), X509_V_OK);
    assert_int_equal(judge(&a, kept, crl, X509_PURPOSE_SSL_CLIENT, NOW + 90000),
                     X509_V_ERR_CRL_HAS_EXPIRED);
    assert_null(authority_crl(&a, &no_number, 1, NOW, NOW + 86400, &why));
    assert_true(crl_file_write(in_dir("crl.pem"), crl, &why));
    X509_CRL_free(crl);
    X509_free(taken);
    X509_free(kept);
    EVP_PKEY_free(key);
    authority_free(&a);
}

static void an_authority_comes_back_from_its_files(void **state)
{
    struct authority a = ca_new(), b;
    struct problem why = {.text = ""};
    EVP_PKEY *other = key_new();
    struct stat st;
    char cert[128], key[128];

    (void)state;
    strcpy(cert, in_dir("ca.pem"));
    strcpy(key, in_dir("ca.key"));
    assert_true(cert_file_write(cert, a.cert, false, &why));
    assert_true(pkey_write(key, a.key, &why));
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(authority_load(&b, cert, key, &why));
    assert_int_equal(X509_cmp(a.cert, b.cert), 0);
    assert_false(pkey_write(key, other, &why)); /* a key is never written over */
    assert_true(pkey_write(in_dir("other.key"), other, &why));
    authority_free(&b);
    assert_false(authority_load(&b, cert, in_dir("other.key"), &why));
    assert_non_null(strstr(why.text, "is not the key of"));
    EVP_PKEY_free(other);
    authority_free(&a);
}

/* ---- requests ----------------------------------------------------------------------- */

static X509_REQ *request_for(EVP_PKEY *key, const char *name)
{
    struct problem why = {.text = ""};
    struct cv_span der = csr_make(key, name, &why);
    X509_REQ *req = csr_read(der, &why);

    if (req == NULL)
        fail_msg("%s", why.text);
    OPENSSL_free((void *)der.p);
    return req;
}

static void check_refused(X509_REQ *req, const char *because)
{
    struct problem why = {.text = ""};

    assert_false(csr_check(req, &sensor, &why));
    if (strstr(why.text, because) == NULL)
        fail_msg("'%s' does not say '%s'", why.text, because);
    X509_REQ_free(req);
}

static void an_honest_request_is_taken(void **state)
{
    EVP_PKEY *key = key_new();
    X509_REQ *by_name = request_for(key, "sensor-17");
    X509_REQ *by_identity = request_for(key, "Sensor-17.Fleet.example");
    struct problem why = {.text = ""};

    (void)state;
    assert_true(csr_check(by_name, &sensor, &why));
    assert_true(csr_check(by_identity, &sensor, &why));
    X509_REQ_free(by_name);
    X509_REQ_free(by_identity);
    EVP_PKEY_free(key);
}

static void another_name_is_refused(void **state)
{
    EVP_PKEY *key = key_new();
    X509_REQ *two = request_for(key, "sensor-17");

    (void)state;
    check_refused(request_for(key, "sensor-18"), "CN=sensor-18");
    check_refused(request_for(key, "sensor-17x"), "CN=sensor-17x");
    X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(two), NID_commonName, MBSTRING_UTF8,
                               (const unsigned char *)"gw.example", -1, -1, 0);
    X509_REQ_sign(two, key, EVP_sha256());
    check_refused(two, "several common names");
    EVP_PKEY_free(key);
}

static X509_REQ *asking_for(EVP_PKEY *key, int nid, const char *value)
{
    X509_REQ *req = request_for(key, "sensor-17");
    STACK_OF(X509_EXTENSION) *asked = sk_X509_EXTENSION_new_null();

    sk_X509_EXTENSION_push(asked, X509V3_EXT_conf_nid(NULL, NULL, nid, value));
    assert_int_equal(X509_REQ_add_extensions(req, asked), 1);
    sk_X509_EXTENSION_pop_free(asked, X509_EXTENSION_free);
    assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
    return req;
}

static void what_a_request_asks_for_beyond_its_name_is_refused(void **state)
{
    EVP_PKEY *key = key_new();
    X509_REQ *own = asking_for(key, NID_subject_alt_name, "DNS:sensor-17.fleet.example");
    struct problem why = {.text = ""};

    (void)state;
    assert_true(csr_check(own, &sensor, &why));
    X509_REQ_free(own);
    check_refused(asking_for(key, NID_subject_alt_name, "DNS:sensor-17,DNS:gw.example"),
                  "gw.example");
    check_refused(asking_for(key, NID_subject_alt_name, "IP:10.99.0.1"), "more than names");
    check_refused(asking_for(key, NID_basic_constraints, "CA:TRUE"), "authority");
    EVP_PKEY_free(key);
}

static void weak_keys_and_wrong_signatures_are_refused(void **state)
{
    EVP_PKEY *weak = EVP_RSA_gen(1024), *curve = EVP_EC_gen("secp256k1"), *key = key_new();
    EVP_PKEY *strong = EVP_RSA_gen(2048), *other = key_new();
    X509_REQ *forged = request_for(key, "sensor-17"), *rsa = request_for(strong, "sensor-17");
    struct problem why = {.text = ""};

    (void)state;
    assert_true(csr_check(rsa, &sensor, &why));
    X509_REQ_free(rsa);
    check_refused(request_for(weak, "sensor-17"), "RSA of 1024 bits");
    check_refused(request_for(curve, "sensor-17"), "another curve");
    X509_REQ_sign(forged, other, EVP_sha256());
    check_refused(forged, "signature is wrong");
    EVP_PKEY_free(weak);
    EVP_PKEY_free(curve);
    EVP_PKEY_free(strong);
    EVP_PKEY_free(other);
    EVP_PKEY_free(key);
}

static void every_prefix_of_a_request_is_refused(void **state)
{
    EVP_PKEY *key = key_new();
    struct problem why = {.text = ""};
    struct cv_span der = csr_make(key, "sensor-17", &why);
    char *text = base64_lines(der);
    X509_REQ *req;

    (void)state;
    for (size_t n = 0; n < der.n; n++)
        assert_null(csr_read((struct cv_span){der.p, n}, &why));
    /* Base64's last line end, padding and, padding gone, nothing else may be missing. */
    for (size_t n = 0; n + 5 < strlen(text); n++)
        assert_null(csr_read((struct cv_span){(const uint8_t *)text, n}, &why));
    req = csr_read((struct cv_span){(const uint8_t *)text, strlen(text)}, &why);
    assert_non_null(req);
    X509_REQ_free(req);
    free(text);
    OPENSSL_free((void *)der.p);
    EVP_PKEY_free(key);
}

static void a_request_in_pem_is_read(void **state)
{
    EVP_PKEY *key = key_new();
    X509_REQ *req = request_for(key, "sensor-17"), *again;
    BIO *bio = BIO_new(BIO_s_mem());
    struct problem why = {.text = ""};
    char *text;
    long n;

    (void)state;
    PEM_write_bio_X509_REQ(bio, req);
    n = BIO_get_mem_data(bio, &text);
    again = csr_read((struct cv_span){(const uint8_t *)text, (size_t)n}, &why);
    assert_non_null(again);
    X509_REQ_free(again);
    X509_REQ_free(req);
    BIO_free(bio);
    EVP_PKEY_free(key);
}

/* ---- PKCS #7, fingerprints, Base64, files ------------------------------------------- */

static void certificates_travel_in_pkcs7(void **state)
{
    struct authority a = ca_new();
    EVP_PKEY *key = key_new();
    X509 *certs[2] = {issue(&a, &device_leaf, key), a.cert};
    struct problem why = {.text = ""};
    char *text = certs_only_text(certs, 2, &why);
    STACK_OF(X509) * back;

    (void)state;
    assert_non_null(text);
    back = certs_only_read((struct cv_span){(const uint8_t *)text, strlen(text)}, &why);
    assert_int_equal(sk_X509_num(back), 2);
    assert_int_equal(X509_cmp(sk_X509_value(back, 0), certs[0]), 0);
    sk_X509_pop_free(back, X509_free);
    for (size_t n = 0; n + 5 < strlen(text); n += 7)
        assert_null(certs_only_read((struct cv_span){(const uint8_t *)text, n}, &why));
    free(text);
    X509_free(certs[0]);
    EVP_PKEY_free(key);
    authority_free(&a);
}

static void a_fingerprint_is_that_of_the_key(void **state)
{
    struct authority a = ca_new(), b = ca_new();
    struct pin one, two, back;
    char text[PIN_TEXT];

    (void)state;
    assert_true(pin_of_cert(a.cert, &one) && pin_of_key(a.key, &two));
    assert_true(pin_equal(&one, &two));
    assert_int_equal(strlen(pin_text(text, &one)), PIN_TEXT - 1);
    assert_true(pin_read(text, PIN_TEXT - 1, &back) && pin_equal(&one, &back));
    assert_false(pin_read(text, PIN_TEXT - 2, &back));
    assert_true(pin_of_cert(b.cert, &two));
    assert_false(pin_equal(&one, &two));
    authority_free(&a);
    authority_free(&b);
}

static void base64_comes_back_at_every_length(void **state)
{
    uint8_t data[200], back[200];
    char word[300];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 167 + 3);
    for (size_t len = 0; len <= sizeof(data); len++) {
        char *lines = base64_lines((struct cv_span){data, len});

        assert_true(base64_read(lines, strlen(lines), back, len, &n));
        assert_int_equal(n, len);
        assert_memory_equal(back, data, len);
        assert_true(base64_word((struct cv_span){data, len}, word, sizeof(word)));
        assert_true(base64_read(word, strlen(word), back, len, &n));
        assert_memory_equal(back, data, len);
        assert_false(base64_word((struct cv_span){data, len}, word, strlen(word)));
        if (len > 0)
            assert_false(base64_read(word, strlen(word), back, len - 1, &n));
        free(lines);
    }
    assert_false(base64_read("QUJD!", 5, back, sizeof(back), &n));
    assert_false(base64_read("QUJDR", 5, back, sizeof(back), &n));
    assert_false(base64_read("QQ==QQ==", 8, back, sizeof(back), &n));
}

static void a_file_is_replaced_whole_or_not_at_all(void **state)
{
    const struct cv_span one = {(const uint8_t *)"one", 3}, two = {(const uint8_t *)"two", 3};
    struct problem why = {.text = ""};
    struct file_text text;
    char path[128];

    (void)state;
    strcpy(path, in_dir("a/b/c"));
    assert_false(file_create(path, one, 0600, &why));
    assert_true(file_make_dir(in_dir("a/b"), 0755, &why));
    assert_true(file_create(path, one, 0600, &why));
    assert_false(file_create(path, two, 0600, &why));
    assert_true(file_read(path, &text, &why));
    assert_string_equal(text.p, "one");
    file_text_free(&text);
    assert_true(file_replace(path, two, 0644, &why));
    assert_true(file_read(path, &text, &why));
    assert_string_equal(text.p, "two");
    file_text_free(&text);
    assert_false(file_read(in_dir("not there"), &text, &why));
    assert_non_null(strstr(why.text, "not there"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateway_serves_and_is_named),
        cmocka_unit_test(a_device_is_a_client_and_no_authority),
        cmocka_unit_test(nothing_outlives_its_authority),
        cmocka_unit_test(a_revoked_certificate_is_on_the_list),
        cmocka_unit_test(an_authority_comes_back_from_its_files),
        cmocka_unit_test(an_honest_request_is_taken),
        cmocka_unit_test(another_name_is_refused),
        cmocka_unit_test(what_a_request_asks_for_beyond_its_name_is_refused),
        cmocka_unit_test(weak_keys_and_wrong_signatures_are_refused),
        cmocka_unit_test(every_prefix_of_a_request_is_refused),
        cmocka_unit_test(a_request_in_pem_is_read),
        cmocka_unit_test(certificates_travel_in_pkcs7),
        cmocka_unit_test(a_fingerprint_is_that_of_the_key),
        cmocka_unit_test(base64_comes_back_at_every_length),
        cmocka_unit_test(a_file_is_replaced_whole_or_not_at_all),
    };
    char command[64];
    int failed;

    if (mkdtemp(dir) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) == 0 ? failed : 1;
}
