/* The credential store: who may pass and who may not.  All certificates are made here.
 *
 * "peer" is the store of the side that signs, "ours" that of the side that verifies.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/creds.h"
#include "tests/support/hex.h"
#include "tests/support/pki.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define SIGNED_TEXT "the octets of RFC 7296 section 2.15"

enum {
    SHA2_ALL = 1 << CV_HASH_SHA2_256 | 1 << CV_HASH_SHA2_384 | 1 << CV_HASH_SHA2_512,
    CHAIN_MAX = 4,
    SIG_ROOM = 1200
};

enum which_key { RSA_2048, RSA_1024, P_256, P_384, P_521, ED_25519, CA_KEY, OTHER_KEY, KEYS };

static EVP_PKEY *keys[KEYS];
static struct pki root;     /* CA_KEY, trusted by ours */
static struct pki stranger; /* OTHER_KEY: an authority nobody here trusts */

static int make_keys(void **state)
{
    (void)state;
    keys[RSA_2048] = EVP_RSA_gen(2048);
    keys[RSA_1024] = EVP_RSA_gen(1024);
    keys[P_256] = EVP_EC_gen("P-256");
    keys[P_384] = EVP_EC_gen("P-384");
    keys[P_521] = EVP_EC_gen("P-521");
    keys[ED_25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    keys[CA_KEY] = EVP_EC_gen("P-256");
    keys[OTHER_KEY] = EVP_EC_gen("P-256");
    for (unsigned i = 0; i < KEYS; i++)
        assert_non_null(keys[i]);
    root = pki_make(keys[CA_KEY], (struct pki_spec){.name = "Root", .ca = true});
    stranger = pki_make(keys[OTHER_KEY], (struct pki_spec){.name = "Stranger", .ca = true});
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    pki_free(&root);
    pki_free(&stranger);
    for (unsigned i = 0; i < KEYS; i++)
        EVP_PKEY_free(keys[i]);
    return 0;
}

/* ---- the two sides ---- */

struct sides {
    struct creds *peer, *ours;
    struct problem why;
    struct auth_conf local, remote; /* of the peer as signer, of ours as verifier */
    struct cv_conn conn;
    struct cv_id id; /* the peer's */
    struct cv_effect ask;
    struct cv_effect check;
    struct cv_signature sig; /* made by sign(), points into copies below */
    uint8_t data[SIG_ROOM];
    uint8_t der[CHAIN_MAX][PKI_DER_MAX];
};

static struct cv_id make_id(uint8_t type, const void *octets, size_t n)
{
    struct cv_id id = {.type = type, .n = (uint8_t)n};

    memcpy(id.b, octets, n);
    return id;
}

static struct cv_id fqdn(const char *name)
{
    return make_id(CV_ID_FQDN, name, strlen(name));
}

static const struct cert *add(struct sides *s, struct creds *c, const struct pki *p, bool ca)
{
    uint8_t der[PKI_DER_MAX];
    const struct cert *cert = creds_add_cert(c, pki_der(p, der), ca, &s->why);

    assert_non_null(cert);
    return cert;
}

static void add_key(struct sides *s, struct creds *c, EVP_PKEY *key)
{
    uint8_t der[PKI_DER_MAX];

    assert_true(creds_add_key(c, pki_key_der(key, false, der), NULL, NULL, &s->why));
}

/* Ours trusts the root; the peer is a.example and has nothing yet. */
static int set_up(void **state)
{
    struct sides *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    s->peer = creds_new();
    s->ours = creds_new();
    s->id = fqdn("a.example");
    s->conn.local.host = &s->local;
    s->conn.remote.host = &s->remote;
    s->ask.conn = s->check.conn = &s->conn;
    s->ask.u.sign.local_id = &s->id;
    s->ask.u.sign.octets = span(SIGNED_TEXT, sizeof(SIGNED_TEXT));
    s->ask.u.sign.hashes = SHA2_ALL;
    s->ask.u.sign.identity_hash = 1;
    s->check.u.verify.remote_id = &s->id;
    s->check.u.verify.octets = span(SIGNED_TEXT, sizeof(SIGNED_TEXT));
    add(s, s->ours, &root, true);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct sides *s = *state;

    creds_free(s->peer);
    creds_free(s->ours);
    free(s);
    return 0;
}

/* Signs as the peer and hands the result to the side that verifies. */
static enum cv_err sign(struct sides *s)
{
    enum cv_err err = creds_sign(s->peer, &s->ask, &s->sig);

    if (err != CV_OK)
        return err;
    assert_true(s->sig.data.n <= sizeof(s->data));
    assert_true(s->sig.n_certs > 0 && s->sig.n_certs <= CHAIN_MAX);
    memcpy(s->data, s->sig.data.p, s->sig.data.n);
    for (unsigned i = 0; i < s->sig.n_certs; i++) {
        memcpy(s->der[i], s->sig.certs[i].p, s->sig.certs[i].n);
        s->sig.certs[i].p = s->der[i];
    }
    s->check.u.verify.method = s->sig.method;
    s->check.u.verify.signature = span(s->data, s->sig.data.n);
    s->check.u.verify.certs = s->sig.certs;
    s->check.u.verify.n_certs = s->sig.n_certs;
    return CV_OK;
}

static enum cv_err verify(struct sides *s)
{
    return creds_verify(s->ours, &s->check, PKI_NOW);
}

/* The peer gets a certificate by this spec (issuer NULL: the root) and signs with it. */
static struct pki equip(struct sides *s, enum which_key key, struct pki_spec spec)
{
    struct pki p;

    spec.name = spec.name != NULL ? spec.name : "a";
    spec.alt = spec.alt != NULL ? spec.alt : "DNS:a.example";
    spec.issuer = spec.issuer != NULL ? spec.issuer : &root;
    p = pki_make(keys[key], spec);
    add(s, s->peer, &p, false);
    add_key(s, s->peer, keys[key]);
    return p;
}

/* What ours says to a peer with such a certificate. */
static enum cv_err try_spec(struct sides *s, struct pki_spec spec)
{
    struct pki p;
    enum cv_err err;

    creds_clear(s->peer);
    p = equip(s, P_256, spec);
    assert_int_equal(sign(s), CV_OK);
    err = verify(s);
    pki_free(&p);
    return err;
}

/* The same for a spec under an authority that the peer sends along. */
static enum cv_err try_below(struct sides *s, struct pki_spec between, struct pki_spec leaf)
{
    struct pki ca, p;
    enum cv_err err;

    between.name = "Between";
    between.issuer = between.issuer != NULL ? between.issuer : &root;
    ca = pki_make(keys[OTHER_KEY], between);
    leaf.issuer = &ca;
    creds_clear(s->peer);
    add(s, s->peer, &ca, false);
    p = equip(s, P_256, leaf);
    assert_int_equal(sign(s), CV_OK);
    s->sig.certs[1] = pki_der(&ca, s->der[1]);
    s->check.u.verify.n_certs = 2;
    err = verify(s);
    pki_free(&p);
    pki_free(&ca);
    return err;
}

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
        assert_int_equal(sign(s), CV_OK);
        assert_int_equal(s->sig.method, cases[i].method);
        assert_int_equal(s->sig.data.n, cases[i].n);
        assert_int_equal(verify(s), CV_OK);
        s->data[7] ^= 1;
        assert_int_equal(verify(s), CV_ERR_SIGNATURE);
        pki_free(&p);
    }
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
                     CV_ERR_CERT_EXPIRED);
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
    assert_int_equal(try_below(s, (struct pki_spec){.ca = true, .usage = ""}, leaf),
                     CV_ERR_CERT_CHAIN);
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
                     CV_ERR_CERT_CHAIN);
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
    assert_int_equal(try_spec(s, (struct pki_spec){.purpose = "anyExtendedKeyUsage"}), CV_OK);
}

static void weak_certificates_are_refused(void **state)
{
    struct sides *s = *state;
    struct pki small;

    assert_int_equal(try_spec(s, (struct pki_spec){.digest = EVP_sha1()}), CV_ERR_CERT_CHAIN);
    /* An RSA key of 1024 bits cannot be loaded to sign with, so it is only presented. */
    assert_int_equal(try_spec(s, (struct pki_spec){.ca = false}), CV_OK);
    small = pki_make(keys[RSA_1024],
                     (struct pki_spec){.name = "a", .issuer = &root, .alt = "DNS:a.example"});
    s->sig.certs[0] = pki_der(&small, s->der[0]);
    assert_int_equal(verify(s), CV_ERR_CERT_CHAIN);
    s->remote.n_certs = 1;
    s->remote.certs = (const struct cert *[]){add(s, s->ours, &small, false)};
    assert_int_equal(verify(s), CV_ERR_CERT_USAGE);
    pki_free(&small);
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
    assert_int_equal(creds_verify(s->ours, &s->check, PKI_NOW + 2 * PKI_DAY),
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
    s->remote.revocation_strict = true;
    assert_int_equal(verify(s), CV_ERR_CERT_REVOKED);
    assert_true(creds_add_crl(s->ours, pki_crl(&root, NULL, -10, crl), &s->why));
    assert_int_equal(verify(s), CV_ERR_CERT_REVOKED);
    s->remote.revocation_strict = false;
    assert_int_equal(verify(s), CV_OK);
    s->remote.revocation_strict = true;
    assert_true(creds_add_crl(s->ours, pki_crl(&root, NULL, PKI_DAY, crl), &s->why));
    assert_int_equal(verify(s), CV_OK);
    pki_free(&p);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_key_signs_and_verifies),
        TEST(the_hash_is_one_that_the_peer_announced),
        TEST(peers_without_rfc_7427_get_the_older_methods),
        TEST(ed25519_needs_a_peer_that_knows_the_identity_hash),
        TEST(pss_is_used_when_asked_for_with_every_hash),
        TEST(pss_parameters_may_leave_out_their_defaults),
        TEST(a_changed_signature_or_text_is_refused),
        TEST(every_proper_prefix_of_a_signature_is_refused),
        TEST(foreign_algorithm_identifiers_are_refused),
        TEST(methods_for_other_keys_are_refused),
        TEST(the_configured_scheme_binds_both_sides),
        TEST(our_own_scheme_chooses_the_hash),
        TEST(schemes_are_known_or_not),
        TEST(identities_are_those_of_the_alternative_names),
        TEST(other_identities_are_refused),
        TEST(the_common_name_is_no_identity),
        TEST(the_whole_subject_is_an_identity),
        TEST(certificates_are_good_in_their_time_alone),
        TEST(only_our_authorities_vouch),
        TEST(a_root_that_the_peer_sends_is_not_trusted),
        TEST(an_authority_of_the_same_name_is_another_one),
        TEST(a_self_signed_certificate_proves_nothing),
        TEST(authorities_between_must_be_authorities),
        TEST(a_path_longer_than_its_authority_allows_is_refused),
        TEST(name_constraints_are_kept),
        TEST(a_cross_signed_authority_leads_to_the_root_that_we_know),
        TEST(the_key_must_be_allowed_to_sign),
        TEST(weak_certificates_are_refused),
        TEST(homemade_authorities_work),
        TEST(broken_certificates_are_refused),
        TEST(a_pinned_certificate_needs_no_authority_but_everything_else),
        TEST(the_path_must_go_through_a_named_authority),
        TEST(a_named_authority_may_be_in_the_middle_of_the_path),
        TEST(a_peer_without_certificates_is_one_that_we_know),
        TEST(revoked_certificates_are_refused),
        TEST(a_revoked_authority_takes_its_certificates_along),
        TEST(strict_revocation_wants_a_list_that_is_current),
        TEST(without_key_or_fitting_identity_there_is_no_credential),
        TEST(the_connections_own_certificates_come_first),
        TEST(a_requested_authority_decides_then_the_later_end),
        TEST(the_path_is_sent_without_the_root),
        TEST(private_keys_are_read_in_every_wrapping),
        TEST(encrypted_keys_need_their_passphrase),
        TEST(curve_parameters_before_the_key_do_not_disturb),
        TEST(weak_unknown_and_public_keys_are_refused),
        TEST(halves_of_two_keys_are_refused),
        TEST(every_proper_prefix_of_a_key_is_refused),
        TEST(certificates_are_read_as_der_and_pem_and_kept_once),
        TEST(what_is_no_certificate_or_no_authority_is_refused),
        TEST(a_cleared_store_trusts_and_signs_nothing),
        TEST(requests_name_all_authorities_or_those_of_the_connection),
        TEST(the_secret_that_names_more_wins),
        TEST(a_secret_of_us_and_another_peer_is_not_for_this_one),
        TEST(an_unknown_peer_may_be_anyone_until_it_speaks),
        TEST(secrets_are_replaced_and_removed_by_name),
        TEST(other_kinds_of_secrets_are_no_ike_secrets),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
