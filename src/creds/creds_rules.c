/* Owns the choice of signature schemes: what the configuration allows, what the key can do,
 * what the peer understands.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "creds/creds_sig.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { ALL_KINDS = (1 << KEY_KINDS) - 1, BITS_LIMIT = 16384 };

/* ---- rules ---- */

static bool parse_bits(int *out, const char *word)
{
    char *end;
    long bits = strtol(word, &end, 10);

    *out = (int)bits;
    return *word >= '1' && *word <= '9' && *end == '\0' && bits <= BITS_LIMIT;
}

/* kind: that of the last word that named one; KEY_KINDS: none yet. */
static bool parse_word(struct sig_rules *r, enum key_kind *kind, const char *word)
{
    static const struct {
        const char *word;
        enum key_kind kind;
        bool pss;
    } kinds[] = {
        {"rsa",     KEY_RSA,     false},
        {"rsa/pss", KEY_RSA,     true },
        {"ecdsa",   KEY_ECDSA,   false},
        {"ed25519", KEY_ED25519, false}
    };
    static const struct {
        const char *word;
        enum cv_hash_id hash;
    } hashes[] = {
        {"sha1",   CV_HASH_SHA1    },
        {"sha256", CV_HASH_SHA2_256},
        {"sha384", CV_HASH_SHA2_384},
        {"sha512", CV_HASH_SHA2_512}
    };

    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(word, kinds[i].word) != 0)
            continue;
        *kind = kinds[i].kind;
        r->kinds |= 1U << *kind;
        r->pss = r->pss || kinds[i].pss;
        return true;
    }
    for (unsigned i = 0; i < COUNT_OF(hashes); i++) {
        if (strcmp(word, hashes[i].word) != 0)
            continue;
        r->hashes |= 1U << hashes[i].hash;
        return true;
    }
    if (*kind == KEY_RSA && strcmp(word, "e3") == 0) {
        r->e3 = true;
        return true;
    }
    return *kind != KEY_KINDS && parse_bits(&r->min_bits[*kind], word);
}

bool sig_rules_parse(struct sig_rules *out, const char *text)
{
    enum key_kind kind = KEY_KINDS;
    char copy[128], *word, *rest;

    *out = (struct sig_rules){.kinds = 0};
    if (text == NULL)
        text = "pubkey";
    if (strncmp(text, "ike:", 4) == 0)
        text += 4;
    if (strlen(text) >= sizeof(copy))
        return false;
    memcpy(copy, text, strlen(text) + 1);
    word = strtok_r(copy, "-", &rest);
    if (word != NULL && strcmp(word, "pubkey") == 0) {
        out->kinds = ALL_KINDS;
        word = strtok_r(NULL, "-", &rest);
    }
    for (; word != NULL; word = strtok_r(NULL, "-", &rest)) {
        if (!parse_word(out, &kind, word))
            return false;
    }
    return out->kinds != 0;
}

/* A key for RSASSA-PSS signs in no other way, nor with another hash than it is bound to. */
static bool key_allows(const struct key_info *key, const struct sig_scheme *scheme)
{
    if (!key->pss)
        return true;
    return scheme->pss && (key->pss_hash == 0 || key->pss_hash == scheme->hash) &&
           scheme->salt_len >= key->pss_salt;
}

bool sig_rules_allow(const struct sig_rules *rules, const struct key_info *key,
                     const struct sig_scheme *scheme)
{
    if ((rules->kinds >> key->kind & 1) == 0 || key->bits < rules->min_bits[key->kind])
        return false;
    if (key->kind == KEY_ED25519) /* has its own hash */
        return true;
    if (!key_allows(key, scheme) || (rules->pss && key->kind == KEY_RSA && !scheme->pss))
        return false;
    if (rules->hashes == 0) /* RFC 8247 section 3.1: SHA-1 signatures "SHOULD NOT" be used */
        return scheme->hash != CV_HASH_SHA1;
    return (rules->hashes >> scheme->hash & 1) != 0;
}

/* ---- choosing ---- */

static int hash_len(uint16_t hash)
{
    return hash == CV_HASH_SHA2_256 ? 32 : hash == CV_HASH_SHA2_384 ? 48 : 64;
}

/* The hash that goes with the key's strength first (RFC 8247 section 3.2 for RSA). */
static const uint16_t *hashes_by_preference(const struct key_info *key)
{
    static const uint16_t by_256[] = {CV_HASH_SHA2_256, CV_HASH_SHA2_384, CV_HASH_SHA2_512, 0};
    static const uint16_t by_384[] = {CV_HASH_SHA2_384, CV_HASH_SHA2_512, CV_HASH_SHA2_256, 0};
    static const uint16_t by_512[] = {CV_HASH_SHA2_512, CV_HASH_SHA2_384, CV_HASH_SHA2_256, 0};

    if (key->kind == KEY_RSA || key->bits == 256)
        return by_256;
    return key->bits == 384 ? by_384 : by_512;
}

/* RFC 7427: one of the hashes that the peer announced. */
static bool choose_by_rfc7427(struct sig_scheme *s, const struct key_info *key,
                              const struct sig_rules *rules, uint16_t hashes)
{
    for (const uint16_t *hash = hashes_by_preference(key); *hash != 0; hash++) {
        *s = (struct sig_scheme){.kind = key->kind, .hash = *hash};
        if ((rules->pss || key->pss) && key->kind == KEY_RSA) {
            s->pss = true;
            s->salt_len = hash_len(*hash) > key->pss_salt ? hash_len(*hash) : key->pss_salt;
        }
        if ((hashes >> *hash & 1) != 0 && sig_rules_allow(rules, key, s))
            return true;
    }
    return false;
}

/* The methods of RFC 7296 and RFC 4754, each with its one hash. */
static bool choose_by_key(uint8_t *method, struct sig_scheme *s, const struct key_info *key)
{
    *s = (struct sig_scheme){.kind = key->kind};
    if (key->kind == KEY_RSA) {
        *method = CV_METHOD_RSA;
        s->hash = CV_HASH_SHA1;
        return true;
    }
    if (key->kind != KEY_ECDSA)
        return false;
    *method = key->bits == 256   ? CV_METHOD_ECDSA_256
              : key->bits == 384 ? CV_METHOD_ECDSA_384
                                 : CV_METHOD_ECDSA_521;
    s->hash = hashes_by_preference(key)[0];
    return true;
}

bool sig_choose(uint8_t *method, struct sig_scheme *scheme, const struct key_info *key,
                const struct sig_rules *rules, uint16_t hashes, bool identity_hash)
{
    *method = CV_METHOD_DIGITAL_SIGNATURE;
    if (key->kind == KEY_ED25519) { /* RFC 8420 section 2 */
        *scheme = (struct sig_scheme){.kind = KEY_ED25519};
        return identity_hash && sig_rules_allow(rules, key, scheme);
    }
    if (hashes != 0 || identity_hash)
        return choose_by_rfc7427(scheme, key, rules, hashes);
    return choose_by_key(method, scheme, key) && sig_rules_allow(rules, key, scheme);
}
