/* src/creds/creds_sig.c, creds_rules.c, creds_sign.c: methods, hashes, schemes, and which key
 * signs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/creds_fixture.h"

/* ---- signatures ---- */

static void every_kind_of_key_signs_and_verifies(void **state)
{
    static const struct {
        enum which_key key;
        const char *identifier;
    } cases[] = {
        {RSA_2048, "300d06092a864886f70d01010b0500"},
        {P_256,    "300a06082a8648ce3d040302"      },
        {P_384,    "300a06082a8648ce3d040303"      },
        {P_521,    "300a06082a8648ce3d040304"      },
        {ED_25519, "300506032b6570"                }
    };
    struct sides *s = *state;

    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct cv_span want;
        uint8_t der[32];
        struct pki p;

        creds_clear(s->peer);
        p = equip(s, cases[i].key, (struct pki_spec){.ca = false});
        want = hex_read(der, sizeof(der), cases[i].identifier);
        assert_int_equal(sign(s), CV_OK);
        assert_int_equal(s->sig.method, CV_METHOD_DIGITAL_SIGNATURE);
        assert_int_equal(s->data[0], want.n);
        assert_memory_equal(s->data + 1, want.p, want.n);
        assert_int_equal(verify(s), CV_OK);
        pki_free(&p);
    }
}

static void the_hash_is_one_that_the_peer_announced(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, RSA_2048, (struct pki_spec){.ca = false});
    static const struct {
        uint16_t hash;
        uint8_t arc;
    } cases[] = {
        {CV_HASH_SHA2_256, 11},
        {CV_HASH_SHA2_384, 12},
        {CV_HASH_SHA2_512, 13}
    };

    for (unsigned i = 0; i < 3; i++) {
        s->ask.u.sign.hashes = (uint16_t)(1 << CV_HASH_SHA1 | 1 << cases[i].hash);
        assert_int_equal(sign(s), CV_OK);
        assert_int_equal(s->data[13], cases[i].arc);
        assert_int_equal(verify(s), CV_OK);
    }
    s->ask.u.sign.hashes = 1 << CV_HASH_SHA1;
    assert_int_equal(sign(s), CV_ERR_AUTH_METHOD);
    pki_free(&p);
}

static void peers_without_rfc_7427_get_the_older_methods(void **state)
{
    static const struct {
        enum which_key key;
        uint8_t method;
        size_t n;
    } cases[] = {
        {RSA_2048, CV_METHOD_RSA,       256},
        {P_256,    CV_METHOD_ECDSA_256, 64 },
        {P_384,    CV_METHOD_ECDSA_384, 96 },
        {P_521,    CV_METHOD_ECDSA_521, 132}
    };
    struct sides *s = *state;

    s->ask.u.sign.hashes = 0;
    s->ask.u.sign.identity_hash = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct pki p;

        creds_clear(s->peer);
        p = equip(s, cases[i].key, (struct pki_spec){.ca = false});
        s->local.scheme = s->remote.scheme = "rsa-ecdsa-sha1-sha256-sha384-sha512";
        assert_int_equal(sign(s), CV_OK);
        assert_int_equal(s->sig.method, cases[i].method);
        assert_int_equal(s->sig.data.n, cases[i].n);
        assert_int_equal(verify(s), CV_OK);
        s->data[7] ^= 1;
        assert_int_equal(verify(s), CV_ERR_SIGNATURE);
        pki_free(&p);
    }
}

/* RSA's method of RFC 7296 means SHA-1, whatever else the two agree on. */
static void sha1_signatures_must_be_asked_for_by_name(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, RSA_2048, (struct pki_spec){.ca = false});

    s->ask.u.sign.hashes = 0;
    s->ask.u.sign.identity_hash = 0;
    assert_int_equal(sign(s), CV_ERR_AUTH_METHOD);
    s->local.scheme = "rsa-sha1";
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(s->sig.method, CV_METHOD_RSA);
    assert_int_equal(verify(s), CV_ERR_AUTH_METHOD);
    assert_non_null(strstr(s->why.text, "RSA and SHA-1, which only 'auth = rsa-sha1' accepts"));
    s->remote.scheme = "pubkey-sha1";
    assert_int_equal(verify(s), CV_OK);
    pki_free(&p);
}

static void small_public_exponents_must_be_asked_for_by_name(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, RSA_E3, (struct pki_spec){.ca = false});

    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(verify(s), CV_ERR_CERT_KEY);
    assert_non_null(strstr(s->why.text, "which only 'auth = rsa-e3' accepts"));
    s->remote.scheme = "rsa-e3";
    assert_int_equal(verify(s), CV_OK);
    pki_free(&p);
}

/* RFC 4055: such a key signs in no other way, and with the hash and salt it is bound to. */
static void keys_for_pss_alone_sign_and_verify(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, RSA_PSS, (struct pki_spec){.ca = false});
    struct pki bound;

    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(s->data[13], 10); /* rsassaPss */
    assert_int_equal(s->data[67], 32);
    assert_int_equal(verify(s), CV_OK);
    s->remote.scheme = "rsa-sha384";
    assert_int_equal(verify(s), CV_ERR_AUTH_METHOD);
    s->remote.scheme = NULL;
    s->ask.u.sign.hashes = 0;
    s->ask.u.sign.identity_hash = 0;
    s->local.scheme = "rsa-sha1";
    assert_int_equal(sign(s), CV_ERR_AUTH_METHOD);
    s->local.scheme = NULL;
    creds_clear(s->peer);
    bound = equip(s, RSA_PSS_384, (struct pki_spec){.ca = false});
    s->ask.u.sign.hashes = 1 << CV_HASH_SHA2_256;
    assert_int_equal(sign(s), CV_ERR_AUTH_METHOD);
    s->ask.u.sign.hashes = SHA2_ALL;
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(s->data[67], 50); /* the salt */
    assert_int_equal(verify(s), CV_OK);
    s->data[s->sig.data.n - 1] ^= 1;
    assert_int_equal(verify(s), CV_ERR_SIGNATURE);
    pki_free(&p);
    pki_free(&bound);
}

static void a_key_bound_to_sha1_is_refused(void **state)
{
    struct sides *s = *state;
    uint8_t der[PKI_DER_MAX];

    assert_false(creds_add_key(s->peer, pki_key_der(keys[RSA_PSS_SHA1], false, der), NULL, NULL,
                               &s->why));
}

static void ed25519_needs_a_peer_that_knows_the_identity_hash(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, ED_25519, (struct pki_spec){.ca = false});

    s->ask.u.sign.identity_hash = 0;
    assert_int_equal(sign(s), CV_ERR_AUTH_METHOD);
    s->ask.u.sign.hashes = 0;
    assert_int_equal(sign(s), CV_ERR_AUTH_METHOD);
    pki_free(&p);
}

static void pss_is_used_when_asked_for_with_every_hash(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, RSA_2048, (struct pki_spec){.ca = false});

    s->local.scheme = "rsa/pss";
    for (uint16_t hash = CV_HASH_SHA2_256; hash <= CV_HASH_SHA2_512; hash++) {
        s->ask.u.sign.hashes = (uint16_t)(1 << hash);
        assert_int_equal(sign(s), CV_OK);
        assert_int_equal(s->data[0], 72);
        assert_int_equal(s->data[13], 10); /* rsassaPss */
        assert_int_equal(verify(s), CV_OK);
    }
    pki_free(&p);
}

/* The form that DER asks for: without the default trailerField. */
static void pss_parameters_may_leave_out_their_defaults(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, RSA_2048, (struct pki_spec){.ca = false});

    s->local.scheme = "rsa/pss-sha256";
    assert_int_equal(sign(s), CV_OK);
    memmove(s->data + 1 + 67, s->data + 1 + 72, s->sig.data.n - 73);
    s->data[0] = 67;
    s->data[2] = 65;  /* AlgorithmIdentifier */
    s->data[15] = 52; /* RSASSA-PSS-params */
    s->check.u.verify.signature.n -= 5;
    assert_int_equal(verify(s), CV_OK);
    s->data[67] = 20; /* a salt of another length is not what was signed */
    assert_int_equal(verify(s), CV_ERR_SIGNATURE);
    pki_free(&p);
}

static void a_changed_signature_or_text_is_refused(void **state)
{
    static const enum which_key kinds[] = {RSA_2048, P_256, ED_25519};
    struct sides *s = *state;

    for (unsigned i = 0; i < 3; i++) {
        struct pki p;

        creds_clear(s->peer);
        p = equip(s, kinds[i], (struct pki_spec){.ca = false});
        assert_int_equal(sign(s), CV_OK);
        s->data[s->sig.data.n - 1] ^= 1;
        assert_int_equal(verify(s), CV_ERR_SIGNATURE);
        s->data[s->sig.data.n - 1] ^= 1;
        s->check.u.verify.octets.n--;
        assert_int_equal(verify(s), CV_ERR_SIGNATURE);
        s->check.u.verify.octets.n++;
        assert_int_equal(verify(s), CV_OK);
        pki_free(&p);
    }
}

static void every_proper_prefix_of_a_signature_is_refused(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, P_256, (struct pki_spec){.ca = false});

    assert_int_equal(sign(s), CV_OK);
    for (size_t n = 0; n < s->sig.data.n; n++) {
        s->check.u.verify.signature.n = n;
        assert_int_not_equal(verify(s), CV_OK);
    }
    pki_free(&p);
}

/* RFC 7427 with an AlgorithmIdentifier that the key or we do not go with. */
static void foreign_algorithm_identifiers_are_refused(void **state)
{
    static const char *const foreign[] = {
        "300d06092a864886f70d0101050500",   /* RSA with SHA-1 */
        "300d06092a864886f70d0101040500",   /* RSA with MD5 */
        "300906072a8648ce3d0401",           /* ECDSA with SHA-1 */
        "300a06082a8648ce3d040302",         /* ECDSA with SHA-256: not this key */
        "300506032b6570",                   /* Ed25519: not this key */
        "300d06092a864886f70d01010a0500",   /* RSASSA-PSS without parameters */
        "300e06092a864886f70d01010b0101ff", /* RSA with SHA-256, a parameter too many */
        "300d06092a864886f70d01010b05",     /* cut */
        "300d06092a864886f70d01010b050000", /* an octet too many */
        "050000",
        "",
    };
    struct sides *s = *state;
    struct pki p = equip(s, RSA_2048, (struct pki_spec){.ca = false});

    assert_int_equal(sign(s), CV_OK);
    for (unsigned i = 0; i < COUNT_OF(foreign); i++) {
        s->data[0] = (uint8_t)hex_read(s->data + 1, 64, foreign[i]).n;
        assert_int_equal(verify(s), CV_ERR_AUTH_METHOD);
    }
    pki_free(&p);
}

static void methods_for_other_keys_are_refused(void **state)
{
    static const uint8_t methods[] = {
        0, CV_METHOD_RSA, CV_METHOD_PSK, CV_METHOD_ECDSA_384, CV_METHOD_ECDSA_521, 3, 13, 255};
    struct sides *s = *state;
    struct pki p = equip(s, P_256, (struct pki_spec){.ca = false});

    assert_int_equal(sign(s), CV_OK);
    for (unsigned i = 0; i < sizeof(methods); i++) {
        s->check.u.verify.method = methods[i];
        assert_int_equal(verify(s), CV_ERR_AUTH_METHOD);
    }
    s->check.u.verify.method = CV_METHOD_ECDSA_256; /* the right key, but not r | s */
    assert_int_equal(verify(s), CV_ERR_SIGNATURE);
    pki_free(&p);
}

static void the_configured_scheme_binds_both_sides(void **state)
{
    static const struct {
        const char *scheme;
        enum which_key key;
        enum cv_err want;
    } cases[] = {
        {"pubkey",               RSA_2048, CV_OK             },
        {"rsa",                  RSA_2048, CV_OK             },
        {"rsa-2048-sha256",      RSA_2048, CV_OK             },
        {"rsa-4096-sha256",      RSA_2048, CV_ERR_AUTH_METHOD},
        {"rsa-sha512",           RSA_2048, CV_ERR_AUTH_METHOD},
        {"rsa/pss",              RSA_2048, CV_ERR_AUTH_METHOD},
        {"ecdsa",                RSA_2048, CV_ERR_AUTH_METHOD},
        {"ike:pubkey-sha256",    RSA_2048, CV_OK             },
        {"rsa-ecdsa-384",        P_256,    CV_ERR_AUTH_METHOD},
        {"rsa-ecdsa-256-sha256", P_256,    CV_OK             },
        {"ed25519",              ED_25519, CV_OK             },
        {"ed25519",              P_256,    CV_ERR_AUTH_METHOD},
        {"no-such-thing",        P_256,    CV_ERR_AUTH_METHOD}
    };
    struct sides *s = *state;

    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct pki p;

        creds_clear(s->peer);
        p = equip(s, cases[i].key, (struct pki_spec){.ca = false});
        assert_int_equal(sign(s), CV_OK); /* with SHA-256 */
        s->remote.scheme = cases[i].scheme;
        assert_int_equal(verify(s), cases[i].want);
        s->remote.scheme = NULL;
        pki_free(&p);
    }
}

static void our_own_scheme_chooses_the_hash(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, RSA_2048, (struct pki_spec){.ca = false});

    s->local.scheme = "rsa-sha512";
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(s->data[13], 13);
    s->ask.u.sign.hashes = 1 << CV_HASH_SHA2_256;
    assert_int_equal(sign(s), CV_ERR_AUTH_METHOD);
    s->ask.u.sign.hashes = 0; /* method 1 would mean SHA-1 */
    s->ask.u.sign.identity_hash = 0;
    assert_int_equal(sign(s), CV_ERR_AUTH_METHOD);
    pki_free(&p);
}

static void schemes_are_known_or_not(void **state)
{
    static const char *const good[] = {"pubkey", "rsa", "rsa-3072", "ecdsa-384-sha384",
                                       "rsa-2048-ecdsa-256-sha256-sha512"};
    static const char *const bad[] = {"",        "psk",         "sha256",
                                      "rsa-0",   "rsa-12x",     "2048",
                                      "rsa-md5", "pubkey-2048", "rsa-99999999999999999999"};

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        assert_true(creds_scheme_known(good[i]));
    for (unsigned i = 0; i < 9; i++)
        assert_false(creds_scheme_known(bad[i]));
}

/* ---- choosing what to sign with ---- */

static void without_key_or_fitting_identity_there_is_no_credential(void **state)
{
    struct sides *s = *state;
    struct pki p = pki_make(
        keys[P_256], (struct pki_spec){.name = "a", .issuer = &root, .alt = "DNS:a.example"});

    assert_int_equal(sign(s), CV_ERR_NO_CREDENTIAL);
    add(s, s->peer, &p, false);
    assert_int_equal(sign(s), CV_ERR_NO_CREDENTIAL);
    add_key(s, s->peer, keys[P_384]);
    assert_int_equal(sign(s), CV_ERR_NO_CREDENTIAL);
    add_key(s, s->peer, keys[P_256]);
    assert_int_equal(sign(s), CV_OK);
    s->id = fqdn("b.example");
    assert_int_equal(sign(s), CV_ERR_NO_CREDENTIAL);
    pki_free(&p);
}

static void the_connections_own_certificates_come_first(void **state)
{
    struct sides *s = *state;
    struct pki ec = equip(s, P_256, (struct pki_spec){.ca = false});
    struct pki rsa = equip(s, RSA_2048, (struct pki_spec){.ca = false});
    const struct cert *chosen[] = {add(s, s->peer, &rsa, false)};

    s->local.certs = chosen;
    s->local.n_certs = 1;
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(s->data[0], 15);
    chosen[0] = add(s, s->peer, &ec, false);
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(s->data[0], 12);
    pki_free(&ec);
    pki_free(&rsa);
}

static void a_requested_authority_decides_then_the_later_end(void **state)
{
    struct sides *s = *state;
    struct pki old = equip(s, P_256, (struct pki_spec){.from_s = -10, .until_s = 10});
    struct pki renewed = equip(s, P_256, (struct pki_spec){.from_s = -10, .until_s = 20});
    struct pki foreign = equip(s, P_384, (struct pki_spec){.issuer = &stranger});
    const struct cert *ca[] = {add(s, s->peer, &root, false)};
    const struct auth_conf wanted = {.cacerts = ca, .n_cacerts = 1};
    uint8_t *hashes, der[PKI_DER_MAX];

    assert_int_equal(sign(s), CV_OK);
    assert_true(span_equal(s->sig.certs[0], pki_der(&foreign, der)));
    s->ask.u.sign.certreq.n = creds_certreq(s->peer, &wanted, &hashes);
    s->ask.u.sign.certreq.p = hashes;
    assert_int_equal(s->ask.u.sign.certreq.n, 20);
    assert_int_equal(sign(s), CV_OK);
    assert_true(span_equal(s->sig.certs[0], pki_der(&renewed, der)));
    free(hashes);
    pki_free(&old);
    pki_free(&renewed);
    pki_free(&foreign);
}

static void the_path_is_sent_without_the_root(void **state)
{
    struct sides *s = *state;
    struct pki upper = pki_make(
        keys[OTHER_KEY], (struct pki_spec){.name = "Upper", .ca = true, .issuer = &root});
    struct pki lower =
        pki_make(keys[P_384], (struct pki_spec){.name = "Lower", .ca = true, .issuer = &upper});
    struct pki p = equip(s, P_256, (struct pki_spec){.issuer = &lower});
    uint8_t der[PKI_DER_MAX];

    add(s, s->peer, &root, true);
    add(s, s->peer, &upper, false);
    add(s, s->peer, &lower, false);
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(s->sig.n_certs, 3);
    assert_true(span_equal(s->sig.certs[0], pki_der(&p, der)));
    assert_true(span_equal(s->sig.certs[1], pki_der(&lower, der)));
    assert_true(span_equal(s->sig.certs[2], pki_der(&upper, der)));
    assert_int_equal(verify(s), CV_OK);
    pki_free(&p);
    pki_free(&lower);
    pki_free(&upper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CREDS_TEST(every_kind_of_key_signs_and_verifies),
        CREDS_TEST(the_hash_is_one_that_the_peer_announced),
        CREDS_TEST(peers_without_rfc_7427_get_the_older_methods),
        CREDS_TEST(sha1_signatures_must_be_asked_for_by_name),
        CREDS_TEST(small_public_exponents_must_be_asked_for_by_name),
        CREDS_TEST(keys_for_pss_alone_sign_and_verify),
        CREDS_TEST(a_key_bound_to_sha1_is_refused),
        CREDS_TEST(ed25519_needs_a_peer_that_knows_the_identity_hash),
        CREDS_TEST(pss_is_used_when_asked_for_with_every_hash),
        CREDS_TEST(pss_parameters_may_leave_out_their_defaults),
        CREDS_TEST(a_changed_signature_or_text_is_refused),
        CREDS_TEST(every_proper_prefix_of_a_signature_is_refused),
        CREDS_TEST(foreign_algorithm_identifiers_are_refused),
        CREDS_TEST(methods_for_other_keys_are_refused),
        CREDS_TEST(the_configured_scheme_binds_both_sides),
        CREDS_TEST(our_own_scheme_chooses_the_hash),
        CREDS_TEST(schemes_are_known_or_not),
        CREDS_TEST(without_key_or_fitting_identity_there_is_no_credential),
        CREDS_TEST(the_connections_own_certificates_come_first),
        CREDS_TEST(a_requested_authority_decides_then_the_later_end),
        CREDS_TEST(the_path_is_sent_without_the_root),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
