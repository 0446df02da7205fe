/* Owns raw public keys (RFC 7670): those that are loaded, what is proven with one, and signing
 * with the private half of one.
 *
 * Invariant: a key is known by its SubjectPublicKeyInfo, in the list once, and stays in memory
 * as long as the store.  It names nobody: that a peer is who it says follows from the
 * connection that names the key.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/span.h"
#include "creds/creds_pubkey.h"

enum { PUBKEY_FILE_MAX = 1 << 16 };

/* PEM or DER, as SubjectPublicKeyInfo or of a type of its own. */
static EVP_PKEY *decode(struct cv_span data)
{
    EVP_PKEY *pkey = NULL;
    OSSL_DECODER_CTX *ctx =
        OSSL_DECODER_CTX_new_for_pkey(&pkey, NULL, NULL, NULL, EVP_PKEY_PUBLIC_KEY, NULL, NULL);
    const unsigned char *p = data.p;
    size_t n = data.n;

    if (ctx != NULL)
        (void)OSSL_DECODER_from_data(ctx, &p, &n);
    OSSL_DECODER_CTX_free(ctx);
    return pkey;
}

static struct pubkey *find(const struct creds *c, EVP_PKEY *pkey)
{
    struct pubkey *k = c->pubkeys;

    while (k != NULL && EVP_PKEY_eq(k->pkey, pkey) != 1)
        k = k->next;
    return k;
}

static struct pubkey *store(struct creds *c, EVP_PKEY *pkey)
{
    struct pubkey *k;
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(pkey, &der);

    if (n <= 0)
        return NULL;
    k = mem_new(1, sizeof(*k));
    k->pkey = pkey;
    k->der = der;
    k->n_der = (size_t)n;
    k->file = mem_text(c->file);
    k->next = c->pubkeys;
    c->pubkeys = k;
    return k;
}

const struct pubkey *creds_add_pubkey(struct creds *c, struct cv_span data, struct problem *why)
{
    struct key_info info;
    struct pubkey *k = NULL;
    EVP_PKEY *pkey;

    if (data.n == 0 || data.n > PUBKEY_FILE_MAX) {
        problem_set(why, "public key: %s", data.n == 0 ? "no data" : "too large");
        return NULL;
    }
    ERR_clear_error();
    pkey = decode(data);
    if (pkey == NULL)
        problem_set(why, "public key: unknown format");
    else if (!key_describe(&info, pkey))
        problem_set(why, "public key: neither RSA of at least 2048 bits, nor ECDSA on P-256, "
                         "P-384 or P-521, nor Ed25519");
    else if ((k = find(c, pkey)) == NULL && (k = store(c, pkey)) != NULL)
        pkey = NULL; /* it is the store's now */
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    if (k != NULL)
        k->loaded |= (unsigned)c->origin;
    return k;
}

void creds_clear_pubkeys(struct creds *c)
{
    for (struct pubkey *k = c->pubkeys; k != NULL; k = k->next)
        k->loaded &= ~(unsigned)c->origin;
}

void creds_free_pubkeys(struct creds *c)
{
    while (c->pubkeys != NULL) {
        struct pubkey *k = c->pubkeys;

        c->pubkeys = k->next;
        EVP_PKEY_free(k->pkey);
        OPENSSL_free(k->der);
        free(k->file);
        free(k);
    }
}

bool creds_next_pubkey(const struct creds *c, unsigned *at, struct pubkey_view *out)
{
    unsigned i = 0;

    for (const struct pubkey *k = c->pubkeys; k != NULL; k = k->next, i++) {
        if (i < *at || k->loaded == 0)
            continue;
        *out = (struct pubkey_view){.der = span(k->der, k->n_der),
                                    .has_key = pubkey_private(c, k) != NULL};
        *at = i + 1;
        return true;
    }
    return false;
}

EVP_PKEY *pubkey_private(const struct creds *c, const struct pubkey *k)
{
    for (struct key *own = c->keys; own != NULL; own = own->next)
        if (EVP_PKEY_eq(own->pkey, k->pkey) == 1)
            return own->pkey;
    return NULL;
}

enum cv_err pubkey_verify(const struct auth_conf *a, const struct cv_effect *fx,
                          const struct sig_rules *rules, struct problem *why)
{
    enum cv_err err = CV_ERR_NO_CREDENTIAL;

    for (unsigned i = 0; i < a->n_pubkeys && err != CV_OK; i++)
        err = sig_check(a->pubkeys[i]->pkey, fx->u.verify.method, fx->u.verify.signature,
                        fx->u.verify.octets, rules, why);
    if (err == CV_ERR_SIGNATURE)
        problem_set(why, "none of the connection's public keys (remote.pubkeys) made the "
                         "peer's signature");
    return err;
}
