/* Owns private keys as files: only their owner can read them, and none is ever lost to another.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pki/pkey.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "kit/file.h"

const char *pki_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason != NULL ? reason : "unknown reason";
}

EVP_PKEY *pkey_make(struct problem *why)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    if (key == NULL)
        problem_set(why, "no key could be made: %s", pki_reason());
    return key;
}

EVP_PKEY *pkey_read(const char *path, struct problem *why)
{
    struct file_text text;
    EVP_PKEY *key;
    BIO *bio;

    if (!file_read(path, &text, why))
        return NULL;
    bio = BIO_new_mem_buf(text.p, (int)text.n);
    key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    file_text_free(&text);
    if (key == NULL)
        problem_set(why, "%s is no private key in PEM without a passphrase: %s", path,
                    pki_reason());
    return key;
}

bool pkey_write(const char *path, EVP_PKEY *key, struct problem *why)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    bool ok = false;
    long n;

    if (bio == NULL || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
        problem_set(why, "%s: the key could not be written as PEM: %s", path, pki_reason());
    else if ((n = BIO_get_mem_data(bio, &text)) > 0)
        ok = file_create(path, (struct cv_span){(const uint8_t *)text, (size_t)n}, 0600, why);
    BIO_free(bio);
    return ok;
}

/* ---- strength --------------------------------------------------------------------- */

static bool is_curve_of_ours(EVP_PKEY *key)
{
    char name[64];
    size_t n;

    return EVP_PKEY_get_group_name(key, name, sizeof(name), &n) == 1 &&
           (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0 ||
            strcmp(name, "secp384r1") == 0 || strcmp(name, "P-384") == 0 ||
            strcmp(name, "secp521r1") == 0 || strcmp(name, "P-521") == 0);
}

bool pkey_is_strong(EVP_PKEY *key, struct problem *why)
{
    static const char accepted[] =
        "RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, and Ed25519 are accepted";
    const int bits = EVP_PKEY_get_bits(key);

    if (EVP_PKEY_is_a(key, "ED25519"))
        return true;
    if (EVP_PKEY_is_a(key, "RSA")) {
        if (bits >= 2048 && bits <= 8192)
            return true;
        return problem_set(why, "the key is RSA of %d bits: %s", bits, accepted);
    }
    if (EVP_PKEY_is_a(key, "EC")) {
        if (is_curve_of_ours(key))
            return true;
        return problem_set(why, "the key is on another curve, of %d bits: %s", bits, accepted);
    }
    return problem_set(why, "the key is of another kind: %s", accepted);
}
