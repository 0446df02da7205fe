/* src/creds/creds_verify.c, creds_path.c: whose certificate passes and whose does not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/creds_fixture.h"

#include <openssl/core_names.h>

/* ---- identity ---- */

static enum cv_err try_id(struct sides *s, const char *alt, struct cv_id id)
{
    struct pki p = pki_make(
        keys[P_256], (struct pki_spec){.name = "a.example", .issuer = &root, .alt = alt});
    enum cv_err err;

    creds_clear(s->peer);
    add(s, s->peer, &p, false);
    add_key(s, s->peer, keys[P_256]);
    assert_true(cert_subject(add(s, s->peer, &p, false), &s->id)); /* which is always right */
    assert_int_equal(sign(s), CV_OK);
    s->id = id;
    err = verify(s);
    pki_free(&p);
    return err;
}

static void identities_are_those_of_the_alternative_names(void **state)
{
    static const uint8_t v4[] = {192, 0, 2, 7}, v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 7};
    static const char alt[] =
        "DNS:gw.example,DNS:a.example,email:a@example.com,IP:192.0.2.7,IP:2001:db8::7";
    struct sides *s = *state;

    assert_int_equal(try_id(s, alt, fqdn("a.example")), CV_OK);
    assert_int_equal(try_id(s, alt, fqdn("GW.Example")), CV_OK);
    assert_int_equal(try_id(s, alt, make_id(CV_ID_RFC822, "a@example.com", 13)), CV_OK);
    assert_int_equal(try_id(s, alt, make_id(CV_ID_IPV4, v4, 4)), CV_OK);
    assert_int_equal(try_id(s, alt, make_id(CV_ID_IPV6, v6, 16)), CV_OK);
}

static void other_identities_are_refused(void **state)
{
    static const uint8_t v4[] = {192, 0, 2, 8};
    static const char alt[] = "DNS:a.example,DNS:*.w.example,IP:192.0.2.7,email:a@example.com";
    struct sides *s = *state;
    const struct cv_id wrong[] = {
        fqdn("b.example"),
        fqdn("a.example.com"),
        fqdn("x.a.example"),
        fqdn("x.w.example"),
        fqdn("*.w.example"),
        fqdn(""),
        fqdn("192.0.2.7"),
        fqdn("a@example.com"),
        make_id(CV_ID_IPV4, v4, 4),
        make_id(CV_ID_RFC822, "a.example", 9),
        make_id(CV_ID_RFC822, "b@example.com", 13),
        make_id(CV_ID_KEY_ID, "a.example", 9),
    };

    for (unsigned i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(try_id(s, alt, wrong[i]), CV_ERR_CERT_IDENTITY);
}

static void the_common_name_is_no_identity(void **state)
{
    struct sides *s = *state;

    assert_int_equal(try_id(s, "DNS:other.example", fqdn("a.example")), CV_ERR_CERT_IDENTITY);
    assert_int_equal(try_id(s, NULL, fqdn("a.example")), CV_ERR_CERT_IDENTITY);
}

static void the_whole_subject_is_an_identity(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, P_256, (struct pki_spec){.name = "sensor"});
    struct pki q =
        pki_make(keys[P_384], (struct pki_spec){.name = "sensor 2", .issuer = &root});
    struct cv_id other;

    assert_true(cert_subject(add(s, s->ours, &q, false), &other));
    assert_true(cert_subject(add(s, s->peer, &p, false), &s->id));
    assert_int_equal(s->id.type, CV_ID_DER_DN);
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(verify(s), CV_OK);
    s->id = other;
    assert_int_equal(verify(s), CV_ERR_CERT_IDENTITY);
    pki_free(&p);
    pki_free(&q);
}

/* ---- validity, path, usage ---- */

static void certificates_are_good_in_their_time_alone(void **state)
{
    struct sides *s = *state;
    struct pki old_root =
        pki_make(keys[CA_KEY],
                 (struct pki_spec){.name = "Old", .ca = true, .from_s = -10, .until_s = -5});

    assert_int_equal(try_spec(s, (struct pki_spec){.from_s = -10, .until_s = 10}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.from_s = -10, .until_s = -1}),
                     CV_ERR_CERT_EXPIRED);
    assert_int_equal(try_spec(s, (struct pki_spec){.from_s = 1, .until_s = 10}),
                     CV_ERR_CERT_NOT_YET);
    add(s, s->ours, &old_root, true);
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &old_root}), CV_ERR_CERT_EXPIRED);
    pki_free(&old_root);
}

static void only_our_authorities_vouch(void **state)
{
    struct sides *s = *state;

    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &root}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &stranger}), CV_ERR_CERT_CHAIN);
    /* Loaded, but not as an authority. */
    add(s, s->ours, &stranger, false);
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &stranger}), CV_ERR_CERT_CHAIN);
    add(s, s->ours, &stranger, true);
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &stranger}), CV_OK);
}

static void a_root_that_the_peer_sends_is_not_trusted(void **state)
{
    struct sides *s = *state;
    uint8_t der[PKI_DER_MAX];

    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &stranger}), CV_ERR_CERT_CHAIN);
    s->sig.certs[s->sig.n_certs++] = pki_der(&stranger, der);
    s->check.u.verify.n_certs = s->sig.n_certs;
    assert_int_equal(verify(s), CV_ERR_CERT_CHAIN);
}

/* Same name and key identifier as the root, but another key. */
static void an_authority_of_the_same_name_is_another_one(void **state)
{
    struct sides *s = *state;
    struct pki twin = pki_make(keys[OTHER_KEY], (struct pki_spec){.name = "Root", .ca = true});

    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &twin}), CV_ERR_CERT_CHAIN);
    pki_free(&twin);
}

static void a_self_signed_certificate_proves_nothing(void **state)
{
    struct sides *s = *state;
    struct pki p =
        pki_make(keys[P_256], (struct pki_spec){.name = "a", .alt = "DNS:a.example"});

    add(s, s->peer, &p, false);
    add_key(s, s->peer, keys[P_256]);
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(verify(s), CV_ERR_CERT_CHAIN);
    pki_free(&p);
}

static void authorities_between_must_be_authorities(void **state)
{
    struct sides *s = *state;
    const struct pki_spec leaf = {.ca = false};

    assert_int_equal(try_below(s, (struct pki_spec){.ca = true}, leaf), CV_OK);
    assert_int_equal(try_below(s, (struct pki_spec){.ca = true, .issuer = &stranger}, leaf),
                     CV_ERR_CERT_CHAIN);
    assert_int_equal(try_below(s, (struct pki_spec){.ca = false}, leaf), CV_ERR_CERT_CHAIN);
    assert_int_equal(try_below(s, (struct pki_spec){.ca = false, .usage = ""}, leaf),
                     CV_ERR_CERT_CHAIN);
    /* RFC 5280 section 6.1.4(n): only a keyUsage that is there has to allow it. */
    assert_int_equal(try_below(s, (struct pki_spec){.ca = true, .usage = ""}, leaf), CV_OK);
    assert_int_equal(
        try_below(s, (struct pki_spec){.ca = true, .usage = "", .basic = "CA:TRUE,pathlen:0"},
                  leaf),
        CV_OK);
    assert_int_equal(try_below(s, (struct pki_spec){.bare = true}, leaf), CV_ERR_CERT_CHAIN);
    assert_int_equal(
        try_below(s, (struct pki_spec){.ca = true, .usage = "critical,digitalSignature"}, leaf),
        CV_ERR_CERT_CHAIN);
    assert_int_equal(
        try_below(s, (struct pki_spec){.ca = true, .from_s = -10, .until_s = -1}, leaf),
        CV_ERR_CERT_EXPIRED);
}

static void a_path_longer_than_its_authority_allows_is_refused(void **state)
{
    struct sides *s = *state;
    struct pki short_root = pki_make(
        keys[CA_KEY],
        (struct pki_spec){.name = "Short", .ca = true, .basic = "critical,CA:TRUE,pathlen:0"});

    add(s, s->ours, &short_root, true);
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &short_root}), CV_OK);
    assert_int_equal(try_below(s, (struct pki_spec){.ca = true, .issuer = &short_root},
                               (struct pki_spec){.ca = false}),
                     CV_ERR_CERT_CHAIN);
    pki_free(&short_root);
}

static void name_constraints_are_kept(void **state)
{
    struct sides *s = *state;
    const struct pki_spec fence = {.ca = true,
                                   .constraints = "critical,permitted;DNS:fleet.example"};

    assert_int_equal(try_below(s, fence, (struct pki_spec){.alt = "DNS:a.example"}),
                     CV_ERR_CERT_NAMES);
    assert_string_equal(s->why.text,
                        "certificate 'O=Culvert, CN=a': permitted subtree violation");
    s->id = fqdn("a.fleet.example");
    assert_int_equal(try_below(s, fence, (struct pki_spec){.alt = "DNS:a.fleet.example"}),
                     CV_OK);
}

/* ours: root; the peer's authority has two certificates, one by each root. */
static void a_cross_signed_authority_leads_to_the_root_that_we_know(void **state)
{
    struct sides *s = *state;
    struct pki by_root =
        pki_make(keys[P_384], (struct pki_spec){.name = "Cross", .ca = true, .issuer = &root});
    struct pki by_stranger = pki_make(
        keys[P_384], (struct pki_spec){.name = "Cross", .ca = true, .issuer = &stranger});
    struct pki p = equip(s, P_256, (struct pki_spec){.issuer = &by_root});
    uint8_t der[2][PKI_DER_MAX];

    assert_int_equal(sign(s), CV_OK);
    s->sig.certs[1] = pki_der(&by_stranger, der[0]);
    s->check.u.verify.n_certs = 2;
    assert_int_equal(verify(s), CV_ERR_CERT_CHAIN);
    s->sig.certs[2] = pki_der(&by_root, der[1]);
    s->check.u.verify.n_certs = 3;
    assert_int_equal(verify(s), CV_OK);
    pki_free(&p);
    pki_free(&by_root);
    pki_free(&by_stranger);
}

static void the_key_must_be_allowed_to_sign(void **state)
{
    struct sides *s = *state;

    assert_int_equal(try_spec(s, (struct pki_spec){.usage = ""}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.usage = "critical,nonRepudiation"}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.usage = "critical,keyAgreement"}),
                     CV_ERR_CERT_USAGE);
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "codeSigning"}),
                     CV_ERR_CERT_USAGE);
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "codeSigning,clientAuth"}),
                     CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "serverAuth"}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "1.3.6.1.5.5.7.3.17"}), CV_OK);
    /* What firewalls' own authorities write, alone. */
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "1.3.6.1.5.5.8.2.2"}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "1.3.6.1.5.5.7.3.5"}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "1.3.6.1.5.5.8.2.3"}),
                     CV_ERR_CERT_USAGE);
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "anyExtendedKeyUsage"}), CV_OK);
}

static void weak_certificates_are_refused(void **state)
{
    struct sides *s = *state;
    struct pki small;

    assert_int_equal(try_spec(s, (struct pki_spec){.digest = EVP_sha1()}), CV_ERR_CERT_WEAK);
    assert_string_equal(
        s->why.text, "certificate 'O=Culvert, CN=a': CA signature digest algorithm too weak");
    /* An RSA key of 1024 bits cannot be loaded to sign with, so it is only presented. */
    assert_int_equal(try_spec(s, (struct pki_spec){.ca = false}), CV_OK);
    small = pki_make(keys[RSA_1024],
                     (struct pki_spec){.name = "a", .issuer = &root, .alt = "DNS:a.example"});
    s->sig.certs[0] = pki_der(&small, s->der[0]);
    assert_int_equal(verify(s), CV_ERR_CERT_WEAK);
    s->remote.n_certs = 1;
    s->remote.certs = (const struct cert *[]){add(s, s->ours, &small, false)};
    assert_int_equal(verify(s), CV_ERR_CERT_KEY);
    assert_string_equal(s->why.text, "certificate 'O=Culvert, CN=a': its key is one that we do "
                                     "not accept: RSA of 1024 bits");
    pki_free(&small);
}

/* Each has its own error, and the log line its subject: "no trusted path" sends people to look
 * for an authority that is there. */
static void reasons_name_the_certificate(void **state)
{
    struct sides *s = *state;
    EVP_PKEY *explicit_key = EVP_EC_gen("P-256");
    struct pki odd;

    assert_int_equal(try_spec(s, (struct pki_spec){.unknown = true}), CV_ERR_CERT_EXTENSION);
    assert_string_equal(s->why.text,
                        "certificate 'O=Culvert, CN=a': unhandled critical extension");
    assert_int_equal(try_below(s, (struct pki_spec){.ca = true, .unknown = true},
                               (struct pki_spec){.ca = false}),
                     CV_ERR_CERT_EXTENSION);
    assert_string_equal(s->why.text,
                        "certificate 'O=Culvert, CN=Between': unhandled critical extension");
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &stranger}), CV_ERR_CERT_CHAIN);
    assert_string_equal(s->why.text, "certificate 'O=Culvert, CN=a': its issuer 'O=Culvert, "
                                     "CN=Stranger' is none of our authorities");
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "codeSigning"}),
                     CV_ERR_CERT_USAGE);
    assert_string_equal(s->why.text, "certificate 'O=Culvert, CN=a': keyUsage or "
                                     "extendedKeyUsage does not allow it to sign for IKE");
    assert_int_equal(
        EVP_PKEY_set_utf8_string_param(explicit_key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"),
        1);
    assert_int_equal(try_spec(s, (struct pki_spec){.ca = false}), CV_OK);
    odd = pki_make(explicit_key,
                   (struct pki_spec){.name = "a", .issuer = &root, .alt = "DNS:a.example"});
    s->sig.certs[0] = pki_der(&odd, s->der[0]);
    assert_int_equal(verify(s), CV_ERR_CERT_KEY);
    assert_string_equal(s->why.text, "certificate 'O=Culvert, CN=a': Certificate public key "
                                     "has explicit ECC parameters");
    pki_free(&odd);
    EVP_PKEY_free(explicit_key);
}

/* What common tools make: a root without keyUsage, leaves without key identifiers. */
static void homemade_authorities_work(void **state)
{
    struct sides *s = *state;
    struct pki home =
        pki_make(keys[CA_KEY], (struct pki_spec){.name = "Home", .ca = true, .usage = ""});
    struct pki p =
        pki_make(keys[P_256], (struct pki_spec){.name = "a", .issuer = &home, .bare = true});

    add(s, s->ours, &home, true);
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &home}), CV_OK);
    creds_clear(s->peer);
    add_key(s, s->peer, keys[P_256]);
    assert_true(cert_subject(add(s, s->peer, &p, false), &s->id));
    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(verify(s), CV_OK);
    pki_free(&p);
    pki_free(&home);
}

static void broken_certificates_are_refused(void **state)
{
    struct sides *s = *state;
    size_t n;

    assert_int_equal(try_spec(s, (struct pki_spec){.ca = false}), CV_OK);
    n = s->sig.certs[0].n;
    for (s->sig.certs[0].n = 0; s->sig.certs[0].n < n; s->sig.certs[0].n++)
        assert_int_equal(verify(s), CV_ERR_CERT_CHAIN);
    s->der[0][n] = 0;
    s->sig.certs[0].n = n + 1;
    assert_int_equal(verify(s), CV_ERR_CERT_CHAIN);
}

/* ---- what the connection demands ---- */

static void a_pinned_certificate_needs_no_authority_but_everything_else(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, P_256, (struct pki_spec){.issuer = &stranger});
    struct pki other = pki_make(
        keys[P_256], (struct pki_spec){.name = "a", .issuer = &root, .alt = "DNS:a.example"});
    const struct cert *pinned[] = {add(s, s->ours, &p, false)};

    assert_int_equal(sign(s), CV_OK);
    assert_int_equal(verify(s), CV_ERR_CERT_CHAIN);
    s->remote.certs = pinned;
    s->remote.n_certs = 1;
    assert_int_equal(verify(s), CV_OK);
    assert_int_equal(creds_verify(s->ours, &s->check, PKI_NOW + 2 * PKI_DAY, &s->why),
                     CV_ERR_CERT_EXPIRED);
    s->id = fqdn("b.example");
    assert_int_equal(verify(s), CV_ERR_CERT_IDENTITY);
    s->id = fqdn("a.example");
    /* One that an authority vouches for is not the pinned one. */
    s->sig.certs[0] = pki_der(&other, s->der[0]);
    assert_int_equal(verify(s), CV_ERR_CERT_CHAIN);
    pki_free(&p);
    pki_free(&other);
}

static void the_path_must_go_through_a_named_authority(void **state)
{
    struct sides *s = *state;
    const struct cert *named[] = {add(s, s->ours, &stranger, true)};

    s->remote.cacerts = named;
    s->remote.n_cacerts = 1;
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &root}), CV_ERR_CERT_CHAIN);
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &stranger}), CV_OK);
}

static void a_named_authority_may_be_in_the_middle_of_the_path(void **state)
{
    struct sides *s = *state;
    struct pki between = pki_make(
        keys[OTHER_KEY], (struct pki_spec){.name = "Between", .ca = true, .issuer = &root});
    const struct cert *named[] = {add(s, s->ours, &between, true)};

    s->remote.cacerts = named;
    s->remote.n_cacerts = 1;
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &between}), CV_OK);
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &root}), CV_ERR_CERT_CHAIN);
    pki_free(&between);
}

static void a_peer_without_certificates_is_one_that_we_know(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, P_256, (struct pki_spec){.ca = false});

    assert_int_equal(sign(s), CV_OK);
    s->check.u.verify.n_certs = 0;
    assert_int_equal(verify(s), CV_ERR_NO_CREDENTIAL);
    add(s, s->ours, &p, false);
    assert_int_equal(verify(s), CV_OK);
    s->data[s->sig.data.n - 1] ^= 1;
    assert_int_equal(verify(s), CV_ERR_SIGNATURE);
    pki_free(&p);
}

static void revoked_certificates_are_refused(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, P_256, (struct pki_spec){.ca = false});
    uint8_t crl[PKI_DER_MAX];

    assert_int_equal(sign(s), CV_OK);
    assert_true(creds_add_crl(s->ours, pki_crl(&root, NULL, PKI_DAY, crl), &s->why));
    assert_int_equal(verify(s), CV_OK);
    creds_clear(s->ours);
    add(s, s->ours, &root, true);
    assert_true(creds_add_crl(s->ours, pki_crl(&root, &p, PKI_DAY, crl), &s->why));
    assert_int_equal(verify(s), CV_ERR_CERT_REVOKED);
    pki_free(&p);
}

static void a_revoked_authority_takes_its_certificates_along(void **state)
{
    struct sides *s = *state;
    struct pki between = pki_make(
        keys[OTHER_KEY], (struct pki_spec){.name = "Between", .ca = true, .issuer = &root});
    uint8_t crl[PKI_DER_MAX];

    add(s, s->ours, &between, false);
    assert_int_equal(try_spec(s, (struct pki_spec){.issuer = &between}), CV_OK);
    assert_true(creds_add_crl(s->ours, pki_crl(&root, &between, PKI_DAY, crl), &s->why));
    assert_int_equal(verify(s), CV_ERR_CERT_REVOKED);
    pki_free(&between);
}

static void strict_revocation_wants_a_list_that_is_current(void **state)
{
    struct sides *s = *state;
    struct pki p = equip(s, P_256, (struct pki_spec){.ca = false});
    uint8_t crl[PKI_DER_MAX];

    assert_int_equal(sign(s), CV_OK);
    s->remote.revocation = REVOCATION_STRICT;
    assert_int_equal(verify(s), CV_ERR_CERT_STATUS);
    assert_true(creds_add_crl(s->ours, pki_crl(&root, NULL, -10, crl), &s->why));
    assert_int_equal(verify(s), CV_ERR_CERT_STATUS);
    s->remote.revocation = REVOCATION_IFURI; /* which there is none of */
    assert_int_equal(verify(s), CV_OK);
    s->remote.revocation = REVOCATION_RELAXED;
    assert_int_equal(verify(s), CV_OK);
    s->remote.revocation = REVOCATION_STRICT;
    assert_true(creds_add_crl(s->ours, pki_crl(&root, NULL, PKI_DAY, crl), &s->why));
    assert_int_equal(verify(s), CV_OK);
    pki_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CREDS_TEST(identities_are_those_of_the_alternative_names),
        CREDS_TEST(other_identities_are_refused),
        CREDS_TEST(the_common_name_is_no_identity),
        CREDS_TEST(the_whole_subject_is_an_identity),
        CREDS_TEST(certificates_are_good_in_their_time_alone),
        CREDS_TEST(only_our_authorities_vouch),
        CREDS_TEST(a_root_that_the_peer_sends_is_not_trusted),
        CREDS_TEST(an_authority_of_the_same_name_is_another_one),
        CREDS_TEST(a_self_signed_certificate_proves_nothing),
        CREDS_TEST(authorities_between_must_be_authorities),
        CREDS_TEST(a_path_longer_than_its_authority_allows_is_refused),
        CREDS_TEST(name_constraints_are_kept),
        CREDS_TEST(a_cross_signed_authority_leads_to_the_root_that_we_know),
        CREDS_TEST(the_key_must_be_allowed_to_sign),
        CREDS_TEST(weak_certificates_are_refused),
        CREDS_TEST(reasons_name_the_certificate),
        CREDS_TEST(homemade_authorities_work),
        CREDS_TEST(broken_certificates_are_refused),
        CREDS_TEST(a_pinned_certificate_needs_no_authority_but_everything_else),
        CREDS_TEST(the_path_must_go_through_a_named_authority),
        CREDS_TEST(a_named_authority_may_be_in_the_middle_of_the_path),
        CREDS_TEST(a_peer_without_certificates_is_one_that_we_know),
        CREDS_TEST(revoked_certificates_are_refused),
        CREDS_TEST(a_revoked_authority_takes_its_certificates_along),
        CREDS_TEST(strict_revocation_wants_a_list_that_is_current),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
