/* src/creds/creds.c, creds_key.c, creds_shared.c: what goes into the store and what comes out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/creds_fixture.h"

/* ---- reading ---- */

static void private_keys_are_read_in_every_wrapping(void **state)
{
    static const enum which_key kinds[] = {RSA_2048, P_256, P_384, P_521, ED_25519};
    struct sides *s = *state;
    uint8_t der[PKI_DER_MAX];

    for (unsigned i = 0; i < 5; i++) {
        char first[41], second[41];
        unsigned at = 0;
        const char *keyid;

        creds_clear(s->peer);
        assert_true(creds_add_key(s->peer, pki_key_der(keys[kinds[i]], false, der), NULL, first,
                                  &s->why));
        if (kinds[i] != ED_25519)
            assert_true(creds_add_key(s->peer, pki_key_der(keys[kinds[i]], true, der), NULL,
                                      second, &s->why));
        else
            memcpy(second, first, sizeof(second));
        assert_string_equal(first, second);
        assert_int_equal(strlen(first), 40);
        assert_true(creds_next_key(s->peer, &at, &keyid)); /* the same twice is one */
        assert_string_equal(keyid, first);
        assert_false(creds_next_key(s->peer, &at, &keyid));
        assert_true(creds_remove_key(s->peer, first));
        assert_false(creds_remove_key(s->peer, first));
    }
}

static struct cv_span pem_key(EVP_PKEY *key, const char *passphrase, bool with_parameters,
                              char *buf, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int n;

    if (with_parameters)
        BIO_puts(bio, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                      "-----END EC PARAMETERS-----\n");
    if (passphrase != NULL)
        PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), passphrase,
                                      (int)strlen(passphrase), NULL, NULL);
    else
        PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL);
    n = BIO_read(bio, buf, (int)cap);
    assert_true(n > 0);
    BIO_free(bio);
    return span(buf, (size_t)n);
}

static void encrypted_keys_need_their_passphrase(void **state)
{
    struct sides *s = *state;
    char pem[PKI_DER_MAX];
    struct cv_span data = pem_key(keys[P_256], "open sesame", false, pem, sizeof(pem));

    assert_true(creds_add_key(s->peer, data, "open sesame", NULL, &s->why));
    assert_false(creds_add_key(s->peer, data, "close sesame", NULL, &s->why));
    assert_non_null(strstr(s->why.text, "passphrase"));
    assert_false(creds_add_key(s->peer, data, NULL, NULL, &s->why));
    assert_non_null(strstr(s->why.text, "passphrase"));
}

static void curve_parameters_before_the_key_do_not_disturb(void **state)
{
    struct sides *s = *state;
    char pem[PKI_DER_MAX];
    struct cv_span data = pem_key(keys[P_256], NULL, true, pem, sizeof(pem));

    assert_true(creds_add_key(s->peer, data, NULL, NULL, &s->why));
}

static void weak_unknown_and_public_keys_are_refused(void **state)
{
    struct sides *s = *state;
    EVP_PKEY *odd = EVP_EC_gen("secp256k1");
    uint8_t der[PKI_DER_MAX], *public = NULL;
    int n = i2d_PUBKEY(keys[P_256], &public);

    assert_false(
        creds_add_key(s->peer, pki_key_der(keys[RSA_1024], false, der), NULL, NULL, &s->why));
    assert_non_null(strstr(s->why.text, "2048"));
    assert_false(creds_add_key(s->peer, pki_key_der(odd, false, der), NULL, NULL, &s->why));
    assert_false(creds_add_key(s->peer, span(public, (size_t)n), NULL, NULL, &s->why));
    OPENSSL_free(public);
    EVP_PKEY_free(odd);
}

/* SEC 1 ends with the public point: here it is another key's. */
static void halves_of_two_keys_are_refused(void **state)
{
    struct sides *s = *state;
    uint8_t one[PKI_DER_MAX], other[PKI_DER_MAX];
    struct cv_span a = pki_key_der(keys[P_256], true, one);
    struct cv_span b = pki_key_der(keys[OTHER_KEY], true, other);

    assert_int_equal(a.n, b.n);
    memcpy(one + a.n - 64, b.p + b.n - 64, 64);
    assert_false(creds_add_key(s->peer, a, NULL, NULL, &s->why));
    assert_non_null(strstr(s->why.text, "belong together"));
}

/* PKCS #1 begins with the modulus: here it is another key's. */
static void halves_of_two_rsa_keys_are_refused(void **state)
{
    enum { MODULUS_AT = 12, MODULUS = 256 };
    struct sides *s = *state;
    EVP_PKEY *stranger_key = EVP_RSA_gen(2048);
    uint8_t one[PKI_DER_MAX], other[PKI_DER_MAX];
    struct cv_span a = pki_key_der(keys[RSA_2048], true, one);

    (void)pki_key_der(stranger_key, true, other);
    memcpy(one + MODULUS_AT, other + MODULUS_AT, MODULUS);
    assert_false(creds_add_key(s->peer, a, NULL, NULL, &s->why));
    assert_non_null(strstr(s->why.text, "belong together"));
    EVP_PKEY_free(stranger_key);
}

static void every_proper_prefix_of_a_key_is_refused(void **state)
{
    struct sides *s = *state;
    uint8_t der[PKI_DER_MAX];
    struct cv_span data = pki_key_der(keys[P_256], false, der);

    for (size_t n = 0; n < data.n; n++)
        assert_false(creds_add_key(s->peer, span(der, n), NULL, NULL, &s->why));
}

static struct cv_span pem_certs(const struct pki *const *list, unsigned n, char *buf,
                                size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int len;

    for (unsigned i = 0; i < n; i++)
        PEM_write_bio_X509(bio, list[i]->cert);
    len = BIO_read(bio, buf, (int)cap);
    assert_true(len > 0 && (size_t)len < cap);
    BIO_free(bio);
    return span(buf, (size_t)len);
}

static unsigned count_certs(const struct creds *c)
{
    struct cert_view view;
    unsigned at = 0, n = 0;

    while (creds_next_cert(c, &at, &view))
        n++;
    return n;
}

static void certificates_are_read_as_der_and_pem_and_kept_once(void **state)
{
    struct sides *s = *state;
    const struct pki *both[] = {&stranger, &root};
    uint8_t der[PKI_DER_MAX];
    char pem[2 * PKI_DER_MAX];
    struct cert_view view;
    unsigned at = 0;
    const struct cert *first, *again;

    creds_clear(s->ours);
    first = creds_add_cert(s->ours, pki_der(&stranger, der), false, &s->why);
    assert_non_null(first);
    again = creds_add_cert(s->ours, pem_certs(both, 2, pem, sizeof(pem)), true, &s->why);
    assert_ptr_equal(first, again);
    assert_int_equal(count_certs(s->ours), 2);
    while (creds_next_cert(s->ours, &at, &view) && strstr(view.subject, "Root") == NULL)
        ;
    assert_string_equal(view.subject, "O=Culvert, CN=Root");
    assert_true(view.ca && view.trusted && !view.has_key);
    assert_int_equal(view.not_before_s, PKI_NOW - PKI_DAY);
    assert_int_equal(view.not_after_s, PKI_NOW + PKI_DAY);
    assert_true(span_equal(view.der, pki_der(&root, der)));
}

static void what_is_no_certificate_or_no_authority_is_refused(void **state)
{
    struct sides *s = *state;
    struct pki p = pki_make(keys[P_256], (struct pki_spec){.name = "a", .issuer = &root});
    uint8_t der[PKI_DER_MAX];
    struct cv_span data = pki_der(&p, der);

    assert_null(creds_add_cert(s->peer, data, true, &s->why));
    assert_non_null(strstr(s->why.text, "authority"));
    for (size_t n = 0; n < data.n; n++)
        assert_null(creds_add_cert(s->peer, span(der, n), false, &s->why));
    der[data.n] = 0;
    assert_null(creds_add_cert(s->peer, span(der, data.n + 1), false, &s->why));
    assert_null(
        creds_add_cert(s->peer, span("-----BEGIN CERTIFICATE-----\n", 28), false, &s->why));
    assert_int_equal(count_certs(s->peer), 0);
    pki_free(&p);
}

static void a_cleared_store_trusts_and_signs_nothing(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, P_256, (struct pki_spec){.ca = false});

    assert_int_equal(sign(s), CV_OK);
    creds_clear(s->ours);
    assert_int_equal(verify(s), CV_ERR_CERT_CHAIN);
    assert_int_equal(count_certs(s->ours), 0);
    creds_clear(s->peer);
    assert_int_equal(sign(s), CV_ERR_NO_CREDENTIAL);
    pki_free(&p);
}

static void requests_name_all_authorities_or_those_of_the_connection(void **state)
{
    struct sides *s = *state;
    const struct cert *named[] = {add(s, s->ours, &stranger, false)};
    const struct auth_conf some = {.cacerts = named, .n_cacerts = 1};
    uint8_t *all, *one;

    assert_int_equal(creds_certreq(s->ours, NULL, &all), 20);
    assert_int_equal(creds_certreq(s->ours, &some, &one), 20);
    assert_memory_not_equal(all, one, 20);
    free(all);
    free(one);
}

/* ---- shared secrets ---- */

static void share(struct sides *s, const char *name, const char *secret, unsigned n,
                  const struct cv_id *ids)
{
    assert_true(creds_add_shared(s->ours, SHARED_IKE, name, ids, n,
                                 span(secret, strlen(secret)), &s->why));
}

static void assert_psk(struct sides *s, struct cv_id local, struct cv_id remote,
                       const char *want)
{
    struct cv_span got;
    enum cv_err err = creds_psk(s->ours, &local, &remote, &got);

    if (want == NULL) {
        assert_int_equal(err, CV_ERR_NO_CREDENTIAL);
        return;
    }
    assert_int_equal(err, CV_OK);
    assert_true(span_equal(got, span(want, strlen(want))));
}

static void the_secret_that_names_more_wins(void **state)
{
    struct sides *s = *state;
    const struct cv_id gw = fqdn("gw.example"), s1 = fqdn("s1.example"),
                       s2 = fqdn("s2.example");
    const struct cv_id any_sensor = fqdn("*.example");

    assert_psk(s, gw, s1, NULL);
    share(s, NULL, "for all", 0, NULL);
    assert_psk(s, gw, s1, "for all");
    share(s, NULL, "for gw", 1, &gw);
    assert_psk(s, gw, s2, "for gw");
    share(s, NULL, "for sensors", 1, &any_sensor);
    share(s, NULL, "for s1", 1, &s1);
    assert_psk(s, fqdn("gw"), s1, "for s1");
    assert_psk(s, fqdn("gw"), s2, "for sensors");
    share(s, NULL, "for gw and s1", 2, (const struct cv_id[]){s1, gw});
    assert_psk(s, gw, s1, "for gw and s1");
    assert_psk(s, s1, gw, "for gw and s1");
}

static void a_secret_of_us_and_another_peer_is_not_for_this_one(void **state)
{
    struct sides *s = *state;
    const struct cv_id gw = fqdn("gw.example"), s1 = fqdn("s1.example");

    share(s, NULL, "for gw and s1", 2, (const struct cv_id[]){gw, s1});
    assert_psk(s, gw, s1, "for gw and s1");
    assert_psk(s, gw, fqdn("s2.example"), NULL);
    assert_psk(s, fqdn("other.example"), fqdn("s2.example"), NULL);
    assert_psk(s, fqdn("other.example"), s1, "for gw and s1");
}

/* Whoever shares a secret with us does not become us by saying so. */
static void a_peer_may_not_call_itself_by_our_own_name(void **state)
{
    struct sides *s = *state;
    const struct cv_id gw = fqdn("gw.example"), s1 = fqdn("s1.example");

    share(s, NULL, "for gw and s1", 2, (const struct cv_id[]){gw, s1});
    assert_psk(s, gw, gw, NULL);
    assert_psk(s, gw, fqdn("GW.example"), NULL);
    assert_psk(s, gw, s1, "for gw and s1");
    share(s, NULL, "for gw", 1, &gw); /* both ends have one name, and nobody else is meant */
    assert_psk(s, gw, gw, "for gw");
}

static void an_unknown_peer_may_be_anyone_until_it_speaks(void **state)
{
    struct sides *s = *state;
    const struct cv_id gw = fqdn("gw.example"), any = {.type = CV_ID_ANY};

    share(s, NULL, "for gw", 1, &gw);
    assert_psk(s, fqdn("s1.example"), any, "for gw");
}

static void secrets_are_replaced_and_removed_by_name(void **state)
{
    struct sides *s = *state;
    const struct cv_id gw = fqdn("gw.example"), s1 = fqdn("s1.example");
    unsigned at = 0;
    const char *name;

    share(s, "ike-1", "old", 0, NULL);
    share(s, "ike-1", "new", 0, NULL);
    assert_psk(s, gw, s1, "new");
    assert_true(creds_next_shared(s->ours, &at, &name));
    assert_string_equal(name, "ike-1");
    assert_false(creds_next_shared(s->ours, &at, &name));
    assert_false(creds_remove_shared(s->ours, "ike-2"));
    assert_true(creds_remove_shared(s->ours, "ike-1"));
    assert_psk(s, gw, s1, NULL);
    share(s, NULL, "x", 0, NULL);
    creds_clear(s->ours);
    assert_psk(s, gw, s1, NULL);
}

static void other_kinds_of_secrets_are_no_ike_secrets(void **state)
{
    struct sides *s = *state;

    assert_true(creds_add_shared(s->ours, SHARED_EAP, "eap-1", NULL, 0, span("x", 1), &s->why));
    assert_psk(s, fqdn("a"), fqdn("b"), NULL);
    assert_false(creds_add_shared(s->ours, SHARED_IKE, "ike-1", NULL, 0, span("", 0), &s->why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CREDS_TEST(private_keys_are_read_in_every_wrapping),
        CREDS_TEST(encrypted_keys_need_their_passphrase),
        CREDS_TEST(curve_parameters_before_the_key_do_not_disturb),
        CREDS_TEST(weak_unknown_and_public_keys_are_refused),
        CREDS_TEST(halves_of_two_keys_are_refused),
        CREDS_TEST(halves_of_two_rsa_keys_are_refused),
        CREDS_TEST(every_proper_prefix_of_a_key_is_refused),
        CREDS_TEST(certificates_are_read_as_der_and_pem_and_kept_once),
        CREDS_TEST(what_is_no_certificate_or_no_authority_is_refused),
        CREDS_TEST(a_cleared_store_trusts_and_signs_nothing),
        CREDS_TEST(requests_name_all_authorities_or_those_of_the_connection),
        CREDS_TEST(the_secret_that_names_more_wins),
        CREDS_TEST(a_secret_of_us_and_another_peer_is_not_for_this_one),
        CREDS_TEST(a_peer_may_not_call_itself_by_our_own_name),
        CREDS_TEST(an_unknown_peer_may_be_anyone_until_it_speaks),
        CREDS_TEST(secrets_are_replaced_and_removed_by_name),
        CREDS_TEST(other_kinds_of_secrets_are_no_ike_secrets),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
