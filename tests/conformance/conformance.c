/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conformance.h"

#include <string.h>

#include "tests/support/crypto_vectors.h"
#include "tests/support/hex.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { ROOM = 512, KEYS_MANY = 4096, CANARY = 0xee };

/* A run: what is checked, what has come of it. */
struct run {
    const struct cv_crypto *crypto;
    conformance_say say;
    struct conformance sum;
};

static void check(struct run *r, bool ok, const char *what, unsigned id)
{
    r->sum.checks++;
    if (ok)
        return;
    r->sum.faults++;
    r->say(what, id);
}

/* ---- AEADs ------------------------------------------------------------------ */

struct packet {
    uint8_t key[CV_CIPHER_KEY_MAX], nonce[CV_IV_MAX], aad[ROOM], plain[ROOM], cipher[ROOM];
    uint8_t icv[CV_ICV_MAX];
    struct cv_span aads;
    size_t n;
};

static void load(struct packet *p, const struct aead_vector *v)
{
    hex_read(p->key, sizeof(p->key), v->key);
    hex_read(p->nonce, sizeof(p->nonce), v->nonce);
    p->aads = hex_read(p->aad, sizeof(p->aad), v->aad);
    p->n = hex_read(p->plain, sizeof(p->plain), v->plain).n;
    hex_read(p->cipher, sizeof(p->cipher), v->cipher);
    hex_read(p->icv, sizeof(p->icv), v->icv);
}

/* In place, at this distance from an aligned address, and not an octet beyond. */
static bool seals(const struct cv_aead *a, void *key, const struct packet *p, size_t shift)
{
    uint8_t data[ROOM + 8], icv[CV_ICV_MAX + 1];

    memset(data, CANARY, sizeof(data));
    memcpy(data + shift, p->plain, p->n);
    icv[a->icv_len] = CANARY;
    return a->seal(key, p->nonce, p->aads, data + shift, p->n, icv) &&
           memcmp(data + shift, p->cipher, p->n) == 0 && data[shift + p->n] == CANARY &&
           memcmp(icv, p->icv, a->icv_len) == 0 && icv[a->icv_len] == CANARY;
}

static bool opens(const struct cv_aead *a, void *key, const struct packet *p, size_t shift)
{
    uint8_t data[ROOM + 8];

    memcpy(data + shift, p->cipher, p->n);
    return a->open(key, p->nonce, p->aads, data + shift, p->n, p->icv) &&
           memcmp(data + shift, p->plain, p->n) == 0;
}

/* One changed octet, in each place that is authenticated. */
static bool refuses_changes(const struct cv_aead *a, void *key, const struct packet *good)
{
    struct packet bad = *good;
    uint8_t *const places[] = {bad.icv, bad.icv + a->icv_len - 1, bad.nonce, bad.cipher,
                               bad.aad};

    bad.aads.p = bad.aad;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        *places[i] ^= 1;
        if (opens(a, key, &bad, 0))
            return false;
        *places[i] ^= 1;
    }
    bad.n--;
    if (opens(a, key, &bad, 0))
        return false;
    bad.n++;
    bad.aads.n--;
    return !opens(a, key, &bad, 0);
}

static void check_packet(struct run *r, const struct cv_aead *a, struct packet *p)
{
    void *key = a->new_key(p->key), *other;

    check(r, key != NULL, "AEAD: no key object", a->id);
    if (key == NULL)
        return;
    p->key[0] ^= 1;
    other = a->new_key(p->key);
    p->aads.p = p->aad;
    for (size_t shift = 0; shift < 8; shift++) {
        check(r, seals(a, key, p, shift), "AEAD: seals to other octets", a->id);
        check(r, opens(a, key, p, shift), "AEAD: does not open", a->id);
    }
    check(r, refuses_changes(a, key, p), "AEAD: opens what was changed", a->id);
    check(r, other != NULL && !opens(a, other, p, 0), "AEAD: opens with another key", a->id);
    check(r, seals(a, key, p, 0), "AEAD: two keys at one time disturb each other", a->id);
    a->free_key(other);
    a->free_key(key);
}

static void check_aeads(struct run *r)
{
    for (const struct cv_aead *const *a = r->crypto->aeads; *a != NULL; a++) {
        /* GMAC with a longer key has no published value of its own. */
        bool found = (*a)->id == CV_ENCR_NULL_GMAC && (*a)->key_len > 16;

        for (size_t i = 0; i < COUNT_OF(aead_vectors); i++) {
            struct packet p;

            for (size_t j = 0; j < COUNT_OF(aead_vectors[i].ids); j++) {
                if (aead_vectors[i].ids[j] != (*a)->id ||
                    strlen(aead_vectors[i].key) != 2u * (*a)->key_len)
                    continue;
                found = true;
                load(&p, &aead_vectors[i]);
                check_packet(r, *a, &p);
            }
        }
        check(r, found, "AEAD: no published value", (*a)->id);
    }
}

/* ---- ciphers ---------------------------------------------------------------- */

static bool ciphers_as(const struct cv_cipher *c, const struct cipher_vector *v)
{
    uint8_t octets[CV_CIPHER_KEY_MAX + CV_IV_MAX], iv[CV_IV_MAX], plain[ROOM], cipher[ROOM];
    uint8_t data[ROOM];
    size_t n = hex_read(plain, sizeof(plain), v->plain).n;
    void *key;
    bool ok;

    hex_read(octets, sizeof(octets), v->key);
    hex_read(iv, sizeof(iv), v->iv);
    hex_read(cipher, sizeof(cipher), v->cipher);
    key = c->new_key(octets);
    if (key == NULL)
        return false;
    memcpy(data, plain, n);
    ok = c->encrypt(key, iv, data, n) && memcmp(data, cipher, n) == 0 &&
         c->decrypt(key, iv, data, n) && memcmp(data, plain, n) == 0;
    c->free_key(key);
    return ok;
}

static void check_ciphers(struct run *r)
{
    for (const struct cv_cipher *const *c = r->crypto->ciphers; *c != NULL; c++) {
        bool found = false;

        for (size_t i = 0; i < COUNT_OF(cipher_vectors); i++) {
            const struct cipher_vector *v = &cipher_vectors[i];

            if (v->id != (*c)->id || strlen(v->key) != 2u * ((*c)->key_len + (*c)->salt_len))
                continue;
            found = true;
            check(r, ciphers_as(*c, v), "cipher: other octets", v->id);
        }
        check(r, found, "cipher: no published value", (*c)->id);
    }
}

/* ---- integrity transforms, PRFs, hashes -------------------------------------- */

/* The data of a vector, in two parts cut anywhere. */
struct input {
    uint8_t key[ROOM], data[ROOM], expected[CV_HASH_MAX], got[CV_HASH_MAX + 1];
    struct cv_span keys, parts[2];
    size_t n;
};

static void read_input(struct input *in, const struct mac_vector *v)
{
    memset(in, 0, sizeof(*in));
    in->keys = hex_read(in->key, sizeof(in->key), v->key != NULL ? v->key : "");
    in->n = hex_read(in->data, sizeof(in->data), v->data).n;
    hex_read(in->expected, sizeof(in->expected), v->out);
}

static void cut(struct input *in, size_t at)
{
    in->parts[0] = span(in->data, at);
    in->parts[1] = span(in->data + at, in->n - at);
}

static bool macs_as(const struct cv_integ *a, struct input *in)
{
    void *key = a->new_key(in->key);
    bool ok = key != NULL;

    for (size_t at = 0; ok && at <= in->n; at++) {
        cut(in, at);
        memcpy(in->got, in->expected, a->iv_len);
        in->got[a->icv_len] = CANARY;
        ok = a->mac(key, in->parts, 2, in->got) &&
             memcmp(in->got, in->expected, a->icv_len) == 0 && in->got[a->icv_len] == CANARY;
    }
    a->free_key(key);
    return ok;
}

static bool prfs_as(const struct cv_prf *f, struct input *in)
{
    cut(in, in->n / 2);
    return f->prf(in->keys, in->parts, 2, in->got) &&
           memcmp(in->got, in->expected, f->out_len) == 0;
}

static bool hashes_as(const struct cv_hash *h, struct input *in)
{
    cut(in, in->n / 2);
    return h->hash(in->parts, 2, in->got) && memcmp(in->got, in->expected, h->out_len) == 0;
}

static void check_macs(struct run *r)
{
    struct input in;

    for (const struct cv_integ *const *a = r->crypto->integs; *a != NULL; a++) {
        unsigned before = r->sum.checks;

        for (size_t i = 0; i < COUNT_OF(integ_vectors); i++) {
            if (integ_vectors[i].id != (*a)->id)
                continue;
            read_input(&in, &integ_vectors[i]);
            check(r, macs_as(*a, &in), "integrity transform: another ICV", (*a)->id);
        }
        check(r, r->sum.checks > before, "integrity transform: no published value", (*a)->id);
    }
    for (const struct cv_prf *const *f = r->crypto->prfs; *f != NULL; f++) {
        unsigned before = r->sum.checks;

        for (size_t i = 0; i < COUNT_OF(prf_vectors); i++) {
            if (prf_vectors[i].id != (*f)->id)
                continue;
            read_input(&in, &prf_vectors[i]);
            check(r, prfs_as(*f, &in), "PRF: other octets", (*f)->id);
        }
        check(r, r->sum.checks > before, "PRF: no published value", (*f)->id);
    }
    for (const struct cv_hash *const *h = r->crypto->hashes; *h != NULL; h++) {
        for (size_t i = 0; i < COUNT_OF(hash_vectors); i++) {
            if (hash_vectors[i].id != (*h)->id)
                continue;
            read_input(&in, &hash_vectors[i]);
            check(r, hashes_as(*h, &in), "hash: other octets", (*h)->id);
        }
    }
}

/* ---- key exchange ------------------------------------------------------------ */

/* Both sides of one exchange come to the same secret; the peer's value is refused when it is of
 * another length, and when it is one that RFC 6989 and RFC 8031 forbid: zero. */
static void check_exchange(struct run *r, const struct cv_ke *ke)
{
    static uint8_t pub[CV_KE_PUB_MAX + 1], answer[CV_KE_PUB_MAX + 1];
    static uint8_t ours[CV_KE_SECRET_MAX + 1], theirs[CV_KE_SECRET_MAX];
    static const uint8_t zeros[CV_KE_PUB_MAX];
    void *key;

    pub[ke->public_len] = answer[ke->answer_len] = ours[ke->secret_len] = CANARY;
    key = ke->generate(pub);
    check(r, key != NULL, "key exchange: no key pair", ke->id);
    if (key == NULL)
        return;
    check(r,
          ke->encapsulate(span(pub, ke->public_len), answer, theirs) == CV_OK &&
              ke->decapsulate(key, span(answer, ke->answer_len), ours) == CV_OK &&
              memcmp(ours, theirs, ke->secret_len) == 0,
          "key exchange: the sides do not agree", ke->id);
    check(r, memcmp(ours, zeros, ke->secret_len) != 0, "key exchange: the secret is zero",
          ke->id);
    check(r, memcmp(pub, answer, ke->answer_len) != 0, "key exchange: no fresh key", ke->id);
    check(r,
          pub[ke->public_len] == CANARY && answer[ke->answer_len] == CANARY &&
              ours[ke->secret_len] == CANARY,
          "key exchange: writes beyond its length", ke->id);
    check(r,
          ke->encapsulate(span(zeros, ke->public_len), answer, theirs) == CV_ERR_KE_VALUE &&
              ke->decapsulate(key, span(zeros, ke->answer_len), ours) == CV_ERR_KE_VALUE,
          "key exchange: takes a value of zeros", ke->id);
    check(r,
          ke->encapsulate(span(pub, ke->public_len - 1u), answer, theirs) == CV_ERR_KE_VALUE &&
              ke->decapsulate(key, span(pub, ke->answer_len - 1u), ours) == CV_ERR_KE_VALUE,
          "key exchange: takes a short value", ke->id);
    ke->free_key(key);
    ke->free_key(NULL);
}

/* ---- the port as a whole ------------------------------------------------------ */

static void check_random(struct run *r)
{
    static uint8_t a[64], b[64];

    check(r,
          r->crypto->random(a, sizeof(a)) && r->crypto->random(b, sizeof(b)) &&
              memcmp(a, b, sizeof(a)) != 0,
          "random octets: none, or the same twice", 0);
}

/* A port with a pool says so when it is empty, and each object that comes back is of use. */
static void check_room(struct run *r)
{
    static void *keys[KEYS_MANY];
    static const uint8_t octets[CV_CIPHER_KEY_MAX];
    const struct cv_aead *a = r->crypto->aeads[0];
    size_t n = 0;

    if (a == NULL)
        return;
    while (n < KEYS_MANY && (keys[n] = a->new_key(octets)) != NULL)
        n++;
    check(r, n >= 2, "keys: room for fewer than two", a->id);
    for (size_t i = 0; i < n; i++)
        a->free_key(keys[i]);
    keys[0] = a->new_key(octets);
    check(r, keys[0] != NULL, "keys: what is given back is lost", a->id);
    a->free_key(keys[0]);
    a->free_key(NULL);
}

struct conformance conformance_run(const struct cv_crypto *crypto, conformance_say say)
{
    struct run r = {.crypto = crypto, .say = say};

    check_random(&r);
    check_aeads(&r);
    check_ciphers(&r);
    check_macs(&r);
    for (const struct cv_ke *const *ke = crypto->kes; *ke != NULL; ke++)
        check_exchange(&r, *ke);
    check_room(&r);
    return r.sum;
}
