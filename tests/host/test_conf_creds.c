/* Certificates and keys of a configuration: from folders, by name, and as octets by VICI.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/conf_loaded.h"

static unsigned count_certs(bool ca)
{
    struct cert_view v;
    unsigned n = 0;

    for (unsigned at = 0; creds_next_cert(f.creds, &at, &v);)
        n += v.ca == ca;
    return n;
}

static void folders_beside_the_file_are_loaded(void **state)
{
    const char *keyid;
    unsigned at = 0;

    (void)state;
    fixture_write("private/.hidden", "not a key");
    load("");
    assert_int_equal(count_certs(true), 1);
    assert_int_equal(count_certs(false), 1);
    assert_true(creds_next_key(f.creds, &at, &keyid));
    assert_false(creds_next_key(f.creds, &at, &keyid));
    fixture_unload(&f);
    fixture_remove("private/.hidden");
}

static void a_file_in_a_folder_that_is_no_certificate_is_passed_over(void **state)
{
    (void)state;
    fixture_write("x509ca/ca.srl", "1234\n");
    load("");
    assert_int_equal(count_certs(true), 1);
    assert_int_equal(f.conf.found.warnings, 1);
    assert_non_null(strstr(f.conf.found.v[0].problem.text, "/x509ca/ca.srl': "));
    fixture_unload(&f);
    fixture_remove("x509ca/ca.srl");
}

static void a_key_with_a_passphrase_is_opened_with_its_secret(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");

    (void)state;
    fixture_write_key("rsa/locked.pem", key, "open sesame");
    load("secrets { rsa-1 { file = locked.pem\n secret = \"open sesame\"\n } }");
    assert_int_equal(f.conf.found.warnings, 1);
    assert_non_null(strstr(f.conf.found.v[0].problem.text, "belongs to no certificate"));
    fixture_unload(&f);
    assert_false(
        fixture_load(&f, "secrets { rsa-1 { file = locked.pem\n secret = wrong\n } }"));
    assert_non_null(strstr(f.why.text, "swanctl.conf:1: secrets.rsa-1: private key '"));
    assert_non_null(strstr(f.why.text, "/rsa/locked.pem'"));
    fixture_unload(&f);
    load(""); /* nobody asked for it by name */
    assert_int_equal(f.conf.found.warnings, 1);
    assert_non_null(strstr(f.conf.found.v[0].problem.text, "/rsa/locked.pem'"));
    fixture_unload(&f);
    fixture_remove("rsa/locked.pem");
    EVP_PKEY_free(key);
}

/* charon finds the passphrase by the file's name alone. */
static void a_key_may_lie_in_another_folder_than_its_section_says(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");
    const char *keyid;
    unsigned at = 0, n = 0;

    (void)state;
    load("secrets { rsa-x { file = gw.pem\n } }");
    while (creds_next_key(f.creds, &at, &keyid))
        n++;
    assert_int_equal(n, 1);
    fixture_unload(&f);
    fixture_write_key("private/locked.pem", key, "open sesame");
    load("secrets { rsa-1 { file = locked.pem\n secret = \"open sesame\"\n } }");
    assert_int_equal(f.conf.found.errors, 0);
    fixture_unload(&f);
    fixture_remove("private/locked.pem");
    assert_false(fixture_load(&f, "secrets { rsa-1 { file = locked.pem\n } }"));
    assert_non_null(strstr(f.why.text, "/rsa/locked.pem'"));
    fixture_unload(&f);
    EVP_PKEY_free(key);
}

static void certificates_may_be_named_in_sections_and_by_path(void **state)
{
    char text[512];

    (void)state;
    snprintf(text, sizeof(text),
             "connections { c { local { id = gw.fleet.example\n cert1 { file = "
             "%s/x509/gw.pem\n } }\n"
             "  remote { cacert-1 { file = %s/x509ca/ca.pem\n }\n revocation = strict\n } } }\n"
             "authorities { root { cacert = ca.pem } }\n",
             fixture_dir, fixture_dir);
    load(text);
    assert_int_equal(((const struct auth_conf *)conn("c")->cv.local.host)->n_certs, 1);
    assert_int_equal(((const struct auth_conf *)conn("c")->cv.remote.host)->n_cacerts, 1);
    assert_int_equal(((const struct auth_conf *)conn("c")->cv.remote.host)->revocation,
                     REVOCATION_STRICT);
    assert_id(&conn("c")->cv.local.id, "gw.fleet.example");
    fixture_unload(&f);
}

static void load_conn_brings_lists_and_certificates_as_octets(void **state)
{
    struct creds *creds = creds_new();
    struct node *msg = tree_new(), *c = tree_add_section(msg, "vici"), *s, *list;
    struct problems found = {0};
    struct conn *built;
    unsigned char *der = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = fixture_cert("dev", key, 9);
    int n;

    (void)state;
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_sign(cert, key, EVP_sha256());
    n = i2d_X509(cert, &der);
    list = tree_add_list(c, "remote_addrs");
    tree_add_item(list, "192.0.2.1");
    tree_add_item(list, "192.0.2.0/24");
    tree_add_item(tree_add_list(c, "proposals"), "aes128gcm16-prfsha256-x25519");
    tree_add_value(c, "version", "2");
    tree_add_value(c, "unique", "");
    s = tree_add_section(c, "local");
    tree_add_item_bytes(tree_add_list(s, "certs"), der, (size_t)n);
    s = tree_add_section(tree_add_section(c, "children"), "n");
    tree_add_item(tree_add_list(s, "local_ts"), "10.0.0.0/8");
    built = conn_build(c, creds, NULL, &found);
    if (built == NULL)
        fail_msg("%s", problems_first_error(&found)->text);
    assert_int_equal(built->cv.n_remote_addrs, 2);
    assert_id(&built->cv.local.id, "C=CH, O=Fleet, CN=dev");
    assert_true(tree_equal(built->source, c));
    conn_free(built);

    tree_set_value(tree_find(c, "version"), "2\0x", 3);
    tree_set_value(tree_find(tree_find(c, "local"), "certs")->first, "junk", 4);
    assert_null(conn_build(c, creds, NULL, &found)); /* both are told */
    assert_int_equal(found.errors, 2);
    assert_string_equal(found.v[0].problem.text, "vici.version: expected text, not octets");
    assert_ptr_equal(strstr(found.v[1].problem.text, "vici.local.certs: "),
                     found.v[1].problem.text);
    problems_free(&found);
    OPENSSL_free(der);
    X509_free(cert);
    EVP_PKEY_free(key);
    tree_free(msg);
    creds_free(creds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_beside_the_file_are_loaded),
        cmocka_unit_test(a_file_in_a_folder_that_is_no_certificate_is_passed_over),
        cmocka_unit_test(a_key_with_a_passphrase_is_opened_with_its_secret),
        cmocka_unit_test(a_key_may_lie_in_another_folder_than_its_section_says),
        cmocka_unit_test(certificates_may_be_named_in_sections_and_by_path),
        cmocka_unit_test(load_conn_brings_lists_and_certificates_as_octets),
    };

    return cmocka_run_group_tests(tests, fixture_make, fixture_drop);
}
