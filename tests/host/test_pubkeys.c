/* src/creds/creds_pubkey.c, creds_pkcs12.c and what a path has to have besides (creds_path.c):
 * raw public keys, PKCS #12, certificate policies, the names of authorities.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/creds_fixture.h"

#include <openssl/pkcs12.h>

static const struct pubkey *add_pubkey(struct creds *c, EVP_PKEY *key)
{
    struct problem why = {.text = ""};
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    const struct pubkey *out = creds_add_pubkey(c, span(der, (size_t)len), &why);

    OPENSSL_free(der);
    assert_non_null(out);
    return out;
}

/* ---- raw public keys ---- */

static const enum which_key raw_kinds[] = {RSA_2048, P_256, P_384, P_521, ED_25519};

static void a_raw_key_proves_what_the_connection_says(void **state)
{
    struct sides *s = *state;

    for (unsigned i = 0; i < COUNT_OF(raw_kinds); i++) {
        EVP_PKEY *key = keys[raw_kinds[i]];
        const struct pubkey *mine = add_pubkey(s->peer, key),
                            *theirs = add_pubkey(s->ours, key);

        add_key(s, s->peer, key);
        s->local.pubkeys = &mine;
        s->remote.pubkeys = &theirs;
        s->local.n_pubkeys = s->remote.n_pubkeys = 1;
        assert_int_equal(creds_check_own(s->peer, &s->local, &s->id, PKI_NOW, &s->why), CV_OK);
        assert_int_equal(creds_sign(s->peer, &s->ask, s->room, &s->sig), CV_OK);
        assert_int_equal(s->sig.n_certs, 0);
        s->check.u.verify.method = s->sig.method;
        s->check.u.verify.signature = s->sig.data;
        s->check.u.verify.n_certs = 0;
        assert_int_equal(verify(s), CV_OK);
        s->room[s->sig.data.n - 3] ^= 1;
        assert_int_equal(verify(s), CV_ERR_SIGNATURE);
        assert_string_equal(s->why.text, "none of the connection's public keys "
                                         "(remote.pubkeys) made the peer's signature");
        creds_clear(s->peer);
    }
}

static void one_of_several_raw_keys_is_enough(void **state)
{
    struct sides *s = *state;
    const struct pubkey *mine = add_pubkey(s->peer, keys[P_256]);
    const struct pubkey *theirs[] = {add_pubkey(s->ours, keys[ED_25519]),
                                     add_pubkey(s->ours, keys[P_384]),
                                     add_pubkey(s->ours, keys[P_256])};

    add_key(s, s->peer, keys[P_256]);
    s->local.pubkeys = &mine;
    s->local.n_pubkeys = 1;
    assert_int_equal(creds_sign(s->peer, &s->ask, s->room, &s->sig), CV_OK);
    s->check.u.verify.method = s->sig.method;
    s->check.u.verify.signature = s->sig.data;
    s->remote.pubkeys = theirs;
    s->remote.n_pubkeys = 3;
    assert_int_equal(verify(s), CV_OK);
    s->remote.n_pubkeys = 2;
    assert_int_not_equal(verify(s), CV_OK);
    /* A key that is loaded and that the connection does not name proves nothing. */
    s->remote.n_pubkeys = 0;
    assert_int_equal(verify(s), CV_ERR_NO_CREDENTIAL);
}

/* A certificate of ours that fits beside raw keys that do not is heard as well. */
static void certificates_count_beside_raw_keys(void **state)
{
    struct sides *s = *state;
    const struct pubkey *other = add_pubkey(s->ours, keys[P_384]);
    const struct cert *ca = add(s, s->ours, &root, true);
    struct pki p = equip(s, P_256, (struct pki_spec){.ca = false});

    assert_int_equal(sign(s), CV_OK);
    s->remote.pubkeys = &other;
    s->remote.n_pubkeys = 1;
    assert_int_not_equal(verify(s), CV_OK);
    s->remote.cacerts = &ca;
    s->remote.n_cacerts = 1;
    assert_int_equal(verify(s), CV_OK);
    pki_free(&p);
}

static void the_private_half_is_missed_when_it_loads(void **state)
{
    struct sides *s = *state;
    const struct pubkey *mine = add_pubkey(s->peer, keys[P_256]);
    unsigned at = 0;

    s->local.pubkeys = &mine;
    s->local.n_pubkeys = 1;
    assert_int_equal(creds_check_own(s->peer, &s->local, &s->id, PKI_NOW, &s->why),
                     CV_ERR_NO_CREDENTIAL);
    assert_int_equal(creds_sign(s->peer, &s->ask, s->room, &s->sig), CV_ERR_NO_CREDENTIAL);
    add_key(s, s->peer, keys[P_256]);
    assert_false(creds_next_lone_key(s->peer, &at, &s->why));
}

static void raw_keys_that_are_none_are_refused(void **state)
{
    struct sides *s = *state;
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(keys[RSA_1024], &der);
    struct pubkey_view view;
    unsigned at = 0;

    assert_null(creds_add_pubkey(s->ours, span(der, (size_t)n), &s->why));
    assert_null(creds_add_pubkey(s->ours, span(NULL, 0), &s->why));
    assert_null(creds_add_pubkey(s->ours, span("abc", 3), &s->why));
    assert_string_equal(s->why.text, "public key: unknown format");
    OPENSSL_free(der);
    assert_false(creds_next_pubkey(s->ours, &at, &view));
    add_pubkey(s->ours, keys[P_256]);
    add_pubkey(s->ours, keys[P_256]); /* the same again */
    assert_true(creds_next_pubkey(s->ours, &at, &view));
    assert_false(view.has_key);
    assert_false(creds_next_pubkey(s->ours, &at, &view));
    creds_clear(s->ours);
    at = 0;
    assert_false(creds_next_pubkey(s->ours, &at, &view));
}

/* ---- what a path has to have besides ---- */

static enum cv_err try_policies(struct sides *s, const char *between, const char *leaf)
{
    return try_below(s, (struct pki_spec){.ca = true, .policies = between},
                     (struct pki_spec){.policies = leaf});
}

static void policies_hold_for_the_whole_path(void **state)
{
    static char *wanted[] = {"1.3.6.1.4.1.99.1", "1.3.6.1.4.1.99.2"};
    struct sides *s = *state;

    s->remote.policies = wanted;
    s->remote.n_policies = 1;
    assert_int_equal(try_policies(s, "1.3.6.1.4.1.99.1", "1.3.6.1.4.1.99.1"), CV_OK);
    assert_int_equal(try_policies(s, "2.5.29.32.0", "1.3.6.1.4.1.99.1"), CV_OK); /* any */
    assert_int_equal(try_policies(s, "1.3.6.1.4.1.99.1", NULL), CV_ERR_CERT_CHAIN);
    assert_int_equal(try_policies(s, NULL, "1.3.6.1.4.1.99.1"), CV_ERR_CERT_CHAIN);
    assert_int_equal(try_policies(s, "1.3.6.1.4.1.99.2", "1.3.6.1.4.1.99.1"),
                     CV_ERR_CERT_CHAIN);
    s->remote.n_policies = 2;
    assert_int_equal(try_policies(s, "2.5.29.32.0", "1.3.6.1.4.1.99.1"), CV_ERR_CERT_CHAIN);
    assert_string_equal(s->why.text,
                        "certificate 'O=Culvert, CN=a': its path is not good for the policy "
                        "1.3.6.1.4.1.99.2 (remote.cert_policy)");
    assert_int_equal(try_policies(s, "2.5.29.32.0", "1.3.6.1.4.1.99.1,1.3.6.1.4.1.99.2"),
                     CV_OK);
}

static void an_authority_of_that_name_is_on_the_path(void **state)
{
    struct sides *s = *state;
    const struct cert *ca = add(s, s->ours, &root, true);

    assert_true(cert_subject(ca, &s->remote.ca_id));
    assert_int_equal(try_spec(s, (struct pki_spec){.ca = false}), CV_OK);
    assert_int_equal(
        try_below(s, (struct pki_spec){.ca = true}, (struct pki_spec){.ca = false}), CV_OK);
    s->remote.ca_id = fqdn("a.example"); /* the peer is none */
    assert_int_equal(try_spec(s, (struct pki_spec){.ca = false}), CV_ERR_CERT_CHAIN);
    s->remote.ca_id = fqdn("ca.example");
    assert_int_equal(try_below(s, (struct pki_spec){.ca = true, .alt = "DNS:ca.example"},
                               (struct pki_spec){.ca = false}),
                     CV_OK);
}

/* The hash of a certificate's own signature is OpenSSL's matter, SHA-3 among them. */
static void certificates_signed_with_sha3_pass(void **state)
{
    struct sides *s = *state;

    assert_int_equal(try_spec(s, (struct pki_spec){.digest = EVP_sha3_256()}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.digest = EVP_sha3_512()}), CV_OK);
    creds_free(creds_new()); /* what is known once is known */
    assert_int_equal(try_spec(s, (struct pki_spec){.digest = EVP_sha3_384()}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.digest = EVP_sha1()}), CV_ERR_CERT_WEAK);
}

/* ---- PKCS #12 ---- */

static void what_is_in_pkcs12_is_loaded(void **state)
{
    struct sides *s = *state;
    struct pki p = pki_make(
        keys[P_256], (struct pki_spec){.name = "a", .alt = "DNS:a.example", .issuer = &root});
    STACK_OF(X509) *others = sk_X509_new_null();
    struct cert_view view;
    uint8_t *der = NULL;
    unsigned at = 0;
    PKCS12 *p12;
    int n;

    sk_X509_push(others, root.cert);
    p12 = PKCS12_create("secret", "a", keys[P_256], p.cert, others, 0, 0, 0, 0, 0);
    n = i2d_PKCS12(p12, &der);
    assert_false(creds_add_pkcs12(s->peer, span(der, (size_t)n), "other", &s->why));
    assert_string_equal(s->why.text, "PKCS #12: the passphrase is wrong");
    assert_false(creds_add_pkcs12(s->peer, span(der, (size_t)n), NULL, &s->why));
    assert_string_equal(s->why.text, "PKCS #12: encrypted and no passphrase given");
    assert_false(creds_add_pkcs12(s->peer, span(der, (size_t)n / 2), "secret", &s->why));
    assert_false(creds_next_cert(s->peer, &at, &view));
    assert_true(creds_add_pkcs12(s->peer, span(der, (size_t)n), "secret", &s->why));
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(verify(s), CV_OK);
    assert_true(creds_next_cert(s->peer, &at, &view));
    assert_true(view.has_key && !view.trusted);
    assert_true(creds_next_cert(s->peer, &at, &view));
    assert_true(view.trusted);
    sk_X509_free(others);
    PKCS12_free(p12);
    OPENSSL_free(der);
    pki_free(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_raw_key_proves_what_the_connection_says),
        TEST(one_of_several_raw_keys_is_enough),
        TEST(certificates_count_beside_raw_keys),
        TEST(the_private_half_is_missed_when_it_loads),
        TEST(raw_keys_that_are_none_are_refused),
        TEST(policies_hold_for_the_whole_path),
        TEST(an_authority_of_that_name_is_on_the_path),
        TEST(certificates_signed_with_sha3_pass),
        TEST(what_is_in_pkcs12_is_loaded),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
