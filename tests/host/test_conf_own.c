/* Our own credentials are checked when they are loaded: what is wrong with them is said as
 * ours, with file and identity, before a peer refuses it without a reason.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/conf_loaded.h"

/* Whether the text occurs in exactly one finding of that level, which is the only one. */
static void assert_only(bool is_error, const char *text)
{
    for (size_t i = 0; i < f.conf.found.n; i++)
        if (f.conf.found.n > 1)
            print_message("%s\n", f.conf.found.v[i].problem.text);
    assert_int_equal(f.conf.found.n, 1);
    assert_int_equal(f.conf.found.v[0].is_error, is_error);
    if (strstr(f.conf.found.v[0].problem.text, text) == NULL)
        fail_msg("'%s' is not in: %s", text, f.conf.found.v[0].problem.text);
}

static void assert_warned(const char *conf, const char *text)
{
    load(conf);
    assert_only(false, text);
    fixture_unload(&f);
}

static void assert_refused(const char *conf, const char *text)
{
    assert_false(fixture_load(&f, conf));
    assert_only(true, text);
    assert_true(conf_refused(&f.conf, "c"));
    fixture_unload(&f);
}

static void assert_clean(const char *conf)
{
    load(conf);
    if (f.conf.found.n > 0)
        fail_msg("%s", f.conf.found.v[0].problem.text);
    fixture_unload(&f);
}

/* A self-signed certificate for CN=name with subjectAltName DNS:name. */
static void write_cert(const char *file, const char *name, EVP_PKEY *key, long until_s)
{
    X509 *cert = fixture_cert(name, key, 77);
    char alt[64];

    snprintf(alt, sizeof(alt), "DNS:%s", name);
    fixture_extension(cert, NID_subject_alt_name, alt);
    X509_gmtime_adj(X509_getm_notAfter(cert), until_s);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_sign(cert, key, EVP_sha256());
    fixture_write_cert(file, cert);
    X509_free(cert);
}

static void what_fits_is_not_talked_about(void **state)
{
    (void)state;
    assert_clean("connections { c { local { certs = gw.pem\n id = gw.fleet.example } } }");
    assert_clean("connections { c { local { certs = gw.pem } } }");
    assert_clean("connections { c { local { id = GW.fleet.example } } }");
    assert_clean("connections { c { local { auth = ecdsa-256-sha256\n certs = gw.pem } } }");
    assert_clean("connections { c { children { p { mode = pass\n } } } }");
}

static void an_identity_that_is_not_in_our_certificate_is_refused(void **state)
{
    (void)state;
    assert_refused("connections { c { local {\n certs = gw.pem\n id = vpn.example } } }",
                   "swanctl.conf:1: connections.c.local: our identity 'vpn.example' is neither "
                   "the subject nor a subjectAltName of our certificate 'C=CH, O=Fleet, "
                   "CN=gw.fleet.example' (");
}

static void auth_that_does_not_go_with_our_key_is_refused(void **state)
{
    (void)state;
    assert_refused("connections { c { local { auth = rsa\n certs = gw.pem } } }",
                   "'auth' does not go with the key of our certificate 'C=CH, O=Fleet, "
                   "CN=gw.fleet.example' (");
}

static void a_key_too_small_is_refused(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);

    (void)state;
    write_cert("x509/small.pem", "small", key, 3600);
    assert_refused("connections { c { local { certs = small.pem } } }",
                   "/x509/small.pem) has a key that we do not use: RSA of 1024 bits");
    fixture_remove("x509/small.pem");
    fixture_write_key("private/small.pem", key, NULL);
    assert_warned("", "/private/small.pem': private key: neither RSA of at least 2048 bits");
    fixture_remove("private/small.pem");
    EVP_PKEY_free(key);
}

/* It would be our address then, which no peer expects. */
static void a_subject_too_long_for_an_identity_is_refused(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = fixture_cert("long", key, 78);
    char word[61];

    (void)state;
    memset(word, 'x', 60);
    word[60] = '\0';
    for (unsigned i = 0; i < 4; i++)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "OU", MBSTRING_ASC,
                                   (const unsigned char *)word, -1, -1, 0);
    fixture_extension(cert, NID_subject_alt_name, "DNS:long.example");
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_sign(cert, key, EVP_sha256());
    fixture_write_cert("x509/long.pem", cert);
    fixture_write_key("private/long.pem", key, NULL);
    assert_refused("connections { c { local {\n certs = long.pem } } }",
                   "connections.c.local: the subject of our certificate is longer than the 200 "
                   "octets of an identity: give 'id', one of its subjectAltNames");
    assert_clean("connections { c { local { certs = long.pem\n id = long.example } } }");
    fixture_remove("x509/long.pem");
    fixture_remove("private/long.pem");
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* A client may bring it yet. */
static void what_is_missing_is_warned_of(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    (void)state;
    write_cert("x509/dev.pem", "dev", key, 3600);
    assert_warned("connections { c { local { certs = dev.pem } } }",
                  "connections.c.local: the private key of our certificate 'C=CH, O=Fleet, "
                  "CN=dev' (");
    assert_warned("connections { c { local { id = dev } } }", "the private key of");
    assert_warned("connections { c { local { id = other.example } } }",
                  "no certificate with its private key is loaded for our identity "
                  "'other.example'");
    fixture_write_key("private/dev.pem", key, NULL);
    assert_clean("connections { c { local { certs = dev.pem } } }");
    fixture_remove("x509/dev.pem");
    assert_warned("", "/private/dev.pem belongs to no certificate that is loaded");
    fixture_remove("private/dev.pem");
    EVP_PKEY_free(key);
}

static void a_certificate_that_has_expired_is_warned_of(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    (void)state;
    write_cert("x509/old.pem", "old", key, -60);
    fixture_write_key("private/old.pem", key, NULL);
    assert_warned("connections { c { local { certs = old.pem } } }",
                  "/x509/old.pem): certificate has expired");
    fixture_remove("x509/old.pem");
    fixture_remove("private/old.pem");
    EVP_PKEY_free(key);
}

static void without_an_authority_nobody_can_be_verified(void **state)
{
    char ca[160], aside[160];

    (void)state;
    fixture_path(ca, sizeof(ca), "x509ca/ca.pem");
    fixture_path(aside, sizeof(aside), "ca.pem");
    assert_int_equal(rename(ca, aside), 0);
    assert_warned("connections { c { } }",
                  "no authority's certificate is loaded (x509ca/, cacerts)");
    assert_clean("connections { c { remote { certs = gw.pem\n } } }");
    assert_int_equal(rename(aside, ca), 0);
}

#define PSK(remote, secret)                                                                    \
    "connections { c { local { auth = psk\n id = gw.example }\n remote { auth = psk\n " remote \
    "\n } } }\nsecrets { ike-1 { secret = x\n" secret "\n } }"

static void a_secret_for_neither_pair_is_warned_of(void **state)
{
    (void)state;
    assert_clean(PSK("id = s1.example", "id = s1.example"));
    assert_clean(PSK("id = s1.example", "id-a = s1.example\n id-b = gw.example"));
    assert_clean(PSK("id = s1.example", ""));
    assert_clean(PSK("id = s1.example", "id = gw.example"));
    assert_clean(PSK("id = *.example", "id = s1.example\n"));
    assert_clean(PSK("id = s1.example", "id = *.example\n"));
    assert_clean(PSK("", "id = s1.example\n"));
    assert_warned(PSK("id = s1.example", "id = s2.example"),
                  "no secret is loaded for our identity 'gw.example' and the peer's "
                  "'s1.example'");
    assert_warned(PSK("id = s1.example", "id-a = s2.example\n id-b = gw.example"),
                  "no secret is loaded");
    assert_warned(PSK("id = *.other", "id = s1.example"), "no secret is loaded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_not_talked_about),
        cmocka_unit_test(an_identity_that_is_not_in_our_certificate_is_refused),
        cmocka_unit_test(auth_that_does_not_go_with_our_key_is_refused),
        cmocka_unit_test(a_key_too_small_is_refused),
        cmocka_unit_test(a_subject_too_long_for_an_identity_is_refused),
        cmocka_unit_test(what_is_missing_is_warned_of),
        cmocka_unit_test(a_certificate_that_has_expired_is_warned_of),
        cmocka_unit_test(without_an_authority_nobody_can_be_verified),
        cmocka_unit_test(a_secret_for_neither_pair_is_warned_of),
    };

    return cmocka_run_group_tests(tests, fixture_make, fixture_drop);
}
