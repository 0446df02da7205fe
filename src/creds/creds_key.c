/* Owns the private keys: reading them in whatever wrapping, keeping only strong ones.
 *
 * Invariant: a stored key is RSA of 2048 bits or more, ECDSA on P-256, P-384 or P-521, or
 * Ed25519, and has its private half.  RFC 5958, RFC 8017, RFC 5915.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/decoder.h>
#include <openssl/err.h>

#include "creds/creds_sig.h"
#include "creds/inside.h"
#include "kit/mem.h"

enum { KEY_FILE_MAX = 1 << 16, RSA_SIGNATURE_MAX = 2048 };

EVP_PKEY *creds_key_of(const struct creds *c, const struct cert *cert)
{
    EVP_PKEY *public = X509_get0_pubkey(cert->x509);

    for (struct key *k = c->keys; k != NULL; k = k->next) {
        if (public != NULL && EVP_PKEY_eq(k->pkey, public) == 1)
            return k->pkey;
    }
    return NULL;
}

static void free_key(struct key *k)
{
    EVP_PKEY_free(k->pkey); /* wipes */
    free(k->file);
    free(k);
}

void creds_clear_keys(struct creds *c)
{
    creds_changed(c);
    for (struct key **at = &c->keys; *at != NULL;) {
        struct key *k = *at;

        if (k->origin != c->origin) {
            at = &k->next;
            continue;
        }
        *at = k->next;
        free_key(k);
    }
}

/* Without this OpenSSL would ask on the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static bool set_passphrase(OSSL_DECODER_CTX *ctx, const char *passphrase)
{
    if (passphrase == NULL)
        return OSSL_DECODER_CTX_set_pem_password_cb(ctx, no_passphrase, NULL) == 1;
    return OSSL_DECODER_CTX_set_passphrase(ctx, (const unsigned char *)passphrase,
                                           strlen(passphrase)) == 1;
}

/* A PEM file may hold other things before the key (EC PARAMETERS), so reading goes on as long
 * as it moves on. */
static EVP_PKEY *decode(struct cv_span data, const char *passphrase)
{
    EVP_PKEY *pkey = NULL;
    OSSL_DECODER_CTX *ctx =
        OSSL_DECODER_CTX_new_for_pkey(&pkey, NULL, NULL, NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
    BIO *bio = BIO_new_mem_buf(data.p, (int)data.n);
    int at = 0, before = -1;

    if (ctx != NULL && bio != NULL && set_passphrase(ctx, passphrase)) {
        while (pkey == NULL && at > before) {
            before = at;
            (void)OSSL_DECODER_from_bio(ctx, bio);
            at = BIO_tell(bio);
        }
    }
    BIO_free(bio);
    OSSL_DECODER_CTX_free(ctx);
    return pkey;
}

/* What the private half signs, the public one verifies. */
static bool signs_for_itself(EVP_PKEY_CTX *ctx)
{
    static const unsigned char digest[32] = {1};
    unsigned char sig[RSA_SIGNATURE_MAX];
    size_t n = sizeof(sig);

    return EVP_PKEY_sign_init(ctx) == 1 &&
           EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
           EVP_PKEY_sign(ctx, sig, &n, digest, sizeof(digest)) == 1 &&
           EVP_PKEY_verify_init(ctx) == 1 &&
           EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
           EVP_PKEY_verify(ctx, sig, n, digest, sizeof(digest)) == 1;
}

/* Does the private half belong to the public one?  Of an RSA key OpenSSL would first prove once
 * more that its primes are primes, for half a second in which a reload holds up all packets. */
static bool is_pair(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = ctx != NULL && (EVP_PKEY_is_a(pkey, "RSA") ? signs_for_itself(ctx)
                                                         : EVP_PKEY_pairwise_check(ctx) == 1);

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* SHA-1 of the public key's bits, as strongSwan names keys (RFC 5280 section 4.2.1.2). */
static bool make_keyid(EVP_PKEY *pkey, char out[KEYID_TEXT])
{
    X509_PUBKEY *public = NULL;
    const unsigned char *bits;
    unsigned char id[EVP_MAX_MD_SIZE];
    int n;
    bool ok = X509_PUBKEY_set(&public, pkey) == 1 &&
              X509_PUBKEY_get0_param(NULL, &bits, &n, NULL, public) == 1 &&
              EVP_Digest(bits, (size_t)n, id, NULL, EVP_sha1(), NULL) == 1;

    for (unsigned i = 0; ok && i < KEYID_LEN; i++)
        snprintf(out + (size_t)2 * i, 3, "%02x", id[i]);
    X509_PUBKEY_free(public);
    return ok;
}

static void store_key(struct creds *c, EVP_PKEY *pkey, const char *keyid)
{
    struct key *k;

    creds_remove_key(c, keyid);
    k = mem_new(1, sizeof(*k));
    k->pkey = pkey;
    memcpy(k->keyid, keyid, KEYID_TEXT);
    k->origin = c->origin;
    k->file = mem_text(c->file);
    k->next = c->keys;
    c->keys = k;
    creds_changed(c);
}

bool creds_add_key(struct creds *c, struct cv_span data, const char *passphrase, char *keyid,
                   struct problem *why)
{
    char id[KEYID_TEXT];
    struct key_info info;
    EVP_PKEY *pkey;

    if (data.n == 0 || data.n > KEY_FILE_MAX)
        return problem_set(why, "private key: %s", data.n == 0 ? "no data" : "too large");
    ERR_clear_error();
    pkey = decode(data, passphrase);
    if (pkey == NULL)
        return problem_set(why, "private key: not a key, or %s",
                           passphrase != NULL ? "the passphrase is wrong"
                                              : "encrypted and no passphrase given");
    if (!key_describe(&info, pkey))
        problem_set(why, "private key: neither RSA of at least 2048 bits, nor ECDSA on P-256, "
                         "P-384 or P-521, nor Ed25519");
    else if (!is_pair(pkey) || !make_keyid(pkey, id))
        problem_set(why, "private key: the halves do not belong together");
    else {
        store_key(c, pkey, id);
        if (keyid != NULL)
            memcpy(keyid, id, KEYID_TEXT);
        ERR_clear_error();
        return true;
    }
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return false;
}

bool creds_remove_key(struct creds *c, const char *keyid)
{
    for (struct key **at = &c->keys; *at != NULL; at = &(*at)->next) {
        struct key *k = *at;

        if (k->origin != c->origin || strcmp(k->keyid, keyid) != 0)
            continue;
        *at = k->next;
        free_key(k);
        creds_changed(c);
        return true;
    }
    return false;
}

bool creds_next_key(const struct creds *c, unsigned *at, const char **keyid)
{
    unsigned i = 0;

    for (const struct key *k = c->keys; k != NULL; k = k->next, i++) {
        if (i < *at)
            continue;
        *keyid = k->keyid;
        *at = i + 1;
        return true;
    }
    return false;
}
