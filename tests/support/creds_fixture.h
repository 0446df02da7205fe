/* Two credential stores for tests: "peer" is the side that signs, "ours" the side that
 * verifies.  All certificates are made here.  Included once, by a test program.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CREDS_FIXTURE_H
#define TESTS_SUPPORT_CREDS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "creds/creds.h"
#include "tests/support/hex.h"
#include "tests/support/pki.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define SIGNED_TEXT "the octets of RFC 7296 section 2.15"

enum {
    SHA2_ALL = 1 << CV_HASH_SHA2_256 | 1 << CV_HASH_SHA2_384 | 1 << CV_HASH_SHA2_512,
    CHAIN_MAX = 4,
    SIG_ROOM = 1200
};

enum which_key {
    RSA_2048,
    RSA_1024,
    RSA_E3,
    RSA_PSS,      /* for RSASSA-PSS alone, with any hash */
    RSA_PSS_384,  /* the same, with SHA-384 and a salt of 50 octets or more */
    RSA_PSS_SHA1, /* the same, bound to SHA-1 */
    P_256,
    P_384,
    P_521,
    ED_25519,
    CA_KEY,
    OTHER_KEY,
    KEYS
};

static EVP_PKEY *keys[KEYS];
static struct pki root;     /* CA_KEY, trusted by ours */
static struct pki stranger; /* OTHER_KEY: an authority nobody here trusts */

static inline EVP_PKEY *make_rsa_e3(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *e = BN_new();
    EVP_PKEY *key = NULL;

    assert_int_equal(BN_set_word(e, 3), 1);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* hash NULL: bound to none. */
static inline EVP_PKEY *make_rsa_pss(const char *hash, int salt)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *key = NULL;

    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
    if (hash != NULL) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_md_name(ctx, hash, NULL), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md_name(ctx, hash), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, salt), 1);
    }
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static inline int make_keys(void **state)
{
    (void)state;
    keys[RSA_2048] = EVP_RSA_gen(2048);
    keys[RSA_1024] = EVP_RSA_gen(1024);
    keys[RSA_E3] = make_rsa_e3();
    keys[RSA_PSS] = make_rsa_pss(NULL, 0);
    keys[RSA_PSS_384] = make_rsa_pss("SHA384", 50);
    keys[RSA_PSS_SHA1] = make_rsa_pss("SHA1", 20);
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

static inline int free_keys(void **state)
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
    uint8_t room[CREDS_SIGNATURE_MAX], data[SIG_ROOM];
    uint8_t der[CHAIN_MAX][PKI_DER_MAX];
};

static inline struct cv_id make_id(uint8_t type, const void *octets, size_t n)
{
    struct cv_id id = {.type = type, .n = (uint8_t)n};

    memcpy(id.b, octets, n);
    return id;
}

static inline struct cv_id fqdn(const char *name)
{
    return make_id(CV_ID_FQDN, name, strlen(name));
}

static inline const struct cert *add(struct sides *s, struct creds *c, const struct pki *p,
                                     bool ca)
{
    uint8_t der[PKI_DER_MAX];
    const struct cert *cert = creds_add_cert(c, pki_der(p, der), ca, &s->why);

    assert_non_null(cert);
    return cert;
}

static inline void add_key(struct sides *s, struct creds *c, EVP_PKEY *key)
{
    uint8_t der[PKI_DER_MAX];

    assert_true(creds_add_key(c, pki_key_der(key, false, der), NULL, NULL, &s->why));
}

/* Ours trusts the root; the peer is a.example and has nothing yet. */
static inline int set_up(void **state)
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

static inline int tear_down(void **state)
{
    struct sides *s = *state;

    creds_free(s->peer);
    creds_free(s->ours);
    free(s);
    return 0;
}

/* Signs as the peer and hands the result to the side that verifies. */
static inline enum cv_err sign(struct sides *s)
{
    enum cv_err err = creds_sign(s->peer, &s->ask, s->room, &s->sig);

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

static inline enum cv_err verify(struct sides *s)
{
    return creds_verify(s->ours, &s->check, PKI_NOW, &s->why);
}

/* The peer gets a certificate by this spec (issuer NULL: the root) and signs with it. */
static inline struct pki equip(struct sides *s, enum which_key key, struct pki_spec spec)
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
static inline enum cv_err try_spec(struct sides *s, struct pki_spec spec)
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
static inline enum cv_err try_below(struct sides *s, struct pki_spec between,
                                    struct pki_spec leaf)
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

#define CREDS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
