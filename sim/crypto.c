/* A watched backend.  See crypto.h.
 *
 * A cv_aead has no context pointer for new_key, so each wrapped algorithm gets a slot
 * with functions of its own; key objects carry everything else.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/crypto.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "sim/agenda.h"

enum { AEADS_MAX = 12, PRFS_MAX = 12 };

/* A set of 128-bit fingerprints, open addressing; all zero is an empty slot. */
struct seen {
    uint64_t (*slot)[2];
    size_t n, cap;
};

/* What belongs to the run that is going on. */
static struct {
    struct prng prng;
    struct seen seen;
    uint64_t reused, seals, prfs, live_keys;
    sim_seal_fn *on_seal;
    void *on_seal_ctx;
} run;

/* ---- nonces ----------------------------------------------------------------- */

static bool seen_put(uint64_t (*slot)[2], size_t cap, const uint64_t print[2])
{
    size_t i = (size_t)print[0] & (cap - 1);

    while (slot[i][0] != 0 || slot[i][1] != 0) {
        if (slot[i][0] == print[0] && slot[i][1] == print[1])
            return false;
        i = (i + 1) & (cap - 1);
    }
    memcpy(slot[i], print, sizeof(slot[i]));
    return true;
}

static void seen_grow(struct seen *s)
{
    size_t cap = s->cap == 0 ? 4096 : 2 * s->cap;
    uint64_t(*bigger)[2] = sim_alloc(cap * sizeof(*bigger));

    for (size_t i = 0; i < s->cap; i++) {
        if (s->slot[i][0] != 0 || s->slot[i][1] != 0)
            (void)seen_put(bigger, cap, s->slot[i]);
    }
    free(s->slot);
    s->slot = bigger;
    s->cap = cap;
}

static void absorb(uint64_t print[2], const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        print[0] = prng_mix(print[0] ^ p[i]) + 0x9e3779b97f4a7c15u;
        print[1] = prng_mix(print[1] + p[i]) ^ 0xd1b54a32d192ed03u;
    }
}

static void note_nonce(uint16_t id, const uint8_t *key, size_t key_len, const uint8_t *nonce,
                       size_t nonce_len)
{
    uint64_t print[2] = {id, key_len};

    absorb(print, key, key_len);
    absorb(print, nonce, nonce_len);
    if (2 * (run.seen.n + 1) > run.seen.cap)
        seen_grow(&run.seen);
    if (seen_put(run.seen.slot, run.seen.cap, print))
        run.seen.n++;
    else
        run.reused++;
}

/* ---- AEADs ------------------------------------------------------------------ */

struct watched_key {
    const struct cv_aead *real;
    void *key;
    uint8_t bytes[CV_CIPHER_KEY_MAX];
};

static const struct cv_aead *real_aead[AEADS_MAX];
static struct cv_aead watched_aead[AEADS_MAX];
static const struct cv_aead *aead_list[AEADS_MAX + 1];

static void *watched_new(unsigned slot, const uint8_t *key)
{
    struct watched_key *k = sim_alloc(sizeof(*k));

    k->real = real_aead[slot];
    k->key = k->real->new_key(key);
    if (k->key == NULL) {
        free(k);
        return NULL;
    }
    memcpy(k->bytes, key, k->real->key_len);
    run.live_keys++;
    return k;
}

static void watched_free(void *key)
{
    struct watched_key *k = key;

    if (k == NULL)
        return;
    k->real->free_key(k->key);
    free(k);
    run.live_keys--;
}

static bool watched_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                         size_t n, uint8_t *icv)
{
    struct watched_key *k = key;
    size_t nonce_len = (size_t)k->real->salt_len + 8;

    note_nonce(k->real->id, k->bytes, k->real->key_len, nonce, nonce_len);
    run.seals++;
    if (run.on_seal != NULL)
        run.on_seal(run.on_seal_ctx, aad, data, n);
    return k->real->seal(k->key, nonce, aad, data, n, icv);
}

static bool watched_open(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                         size_t n, const uint8_t *icv)
{
    struct watched_key *k = key;

    return k->real->open(k->key, nonce, aad, data, n, icv);
}

#define SLOT(i)                                                                                \
    static void *new_key_##i(const uint8_t *key)                                               \
    {                                                                                          \
        return watched_new(i, key);                                                            \
    }
SLOT(0)
SLOT(1)
SLOT(2)
SLOT(3)
SLOT(4)
SLOT(5)
SLOT(6)
SLOT(7)
SLOT(8)
SLOT(9)
SLOT(10)
SLOT(11)
#undef SLOT

static void *(*const new_key[AEADS_MAX])(const uint8_t *) = {
    new_key_0, new_key_1, new_key_2, new_key_3, new_key_4,  new_key_5,
    new_key_6, new_key_7, new_key_8, new_key_9, new_key_10, new_key_11,
};

/* Scenarios have 16-octet ICVs; the short ones behave alike and would need more slots. */
static bool is_offered(const struct cv_aead *a)
{
    return a->id == CV_ENCR_AES_GCM_16 || a->id == CV_ENCR_AES_CCM_16 ||
           a->id == CV_ENCR_CHACHA20_POLY1305 || a->id == CV_ENCR_NULL_GMAC;
}

static void wrap_aeads(const struct cv_crypto *real)
{
    unsigned n = 0;

    for (unsigned i = 0; real->aeads[i] != NULL && n < AEADS_MAX; i++) {
        if (!is_offered(real->aeads[i]))
            continue;
        real_aead[n] = real->aeads[i];
        watched_aead[n] = *real->aeads[i];
        watched_aead[n].new_key = new_key[n];
        watched_aead[n].free_key = watched_free;
        watched_aead[n].seal = watched_seal;
        watched_aead[n].open = watched_open;
        aead_list[n] = &watched_aead[n];
        n++;
    }
    aead_list[n] = NULL;
}

/* ---- the PRF of scenarios ------------------------------------------------------ */

static const struct cv_prf *real_prf, *prf_list[PRFS_MAX + 1];
static struct cv_prf watched_prf;

static bool counted_prf(struct cv_span key, const struct cv_span *parts, size_t n_parts,
                        uint8_t *out)
{
    run.prfs++;
    return real_prf->prf(key, parts, n_parts, out);
}

/* The one that recipes name is counted, the others are there as they are. */
static void wrap_prf(const struct cv_crypto *real)
{
    for (unsigned i = 0; real->prfs[i] != NULL && i < PRFS_MAX; i++) {
        prf_list[i] = real->prfs[i];
        if (prf_list[i]->id != CV_PRF_HMAC_SHA2_256)
            continue;
        real_prf = prf_list[i];
        watched_prf = *real_prf;
        watched_prf.prf = counted_prf;
        prf_list[i] = &watched_prf;
    }
}

/* ---- cheap key exchange ------------------------------------------------------- */

/* Both sides mix what was sent; anyone who sees it could too. */
struct fake_key {
    const struct cv_ke *ke;
    uint8_t pub[CV_KE_PUB_MAX];
};

static bool sim_random(uint8_t *out, size_t n)
{
    prng_fill(&run.prng, out, n);
    return true;
}

static void *fake_generate(const struct cv_ke *ke, uint8_t *pub)
{
    struct fake_key *k = sim_alloc(sizeof(*k));

    k->ke = ke;
    prng_fill(&run.prng, k->pub, ke->public_len);
    memcpy(pub, k->pub, ke->public_len);
    run.live_keys++;
    return k;
}

static void fake_free(void *key)
{
    if (key == NULL)
        return;
    free(key);
    run.live_keys--;
}

/* A value of zeros stands for all that a real method refuses. */
static enum cv_err fake_mix(const struct cv_ke *ke, struct cv_span pub, struct cv_span answer,
                            uint8_t *secret)
{
    static const uint8_t zeros[CV_KE_PUB_MAX];
    uint64_t print[2] = {ke->id, 0};
    struct prng mix = {0};

    if (memcmp(pub.p, zeros, pub.n) == 0 || memcmp(answer.p, zeros, answer.n) == 0)
        return CV_ERR_KE_VALUE;
    absorb(print, pub.p, pub.n);
    absorb(print, answer.p, answer.n);
    mix.state = print[0] ^ print[1];
    prng_fill(&mix, secret, ke->secret_len);
    return CV_OK;
}

static enum cv_err fake_encapsulate(const struct cv_ke *ke, struct cv_span pub, uint8_t *answer,
                                    uint8_t *secret)
{
    if (pub.n != ke->public_len)
        return CV_ERR_KE_VALUE;
    prng_fill(&run.prng, answer, ke->answer_len);
    return fake_mix(ke, pub, (struct cv_span){answer, ke->answer_len}, secret);
}

static enum cv_err fake_decapsulate(void *key, struct cv_span answer, uint8_t *secret)
{
    const struct fake_key *k = key;

    if (answer.n != k->ke->answer_len)
        return CV_ERR_KE_VALUE;
    return fake_mix(k->ke, (struct cv_span){k->pub, k->ke->public_len}, answer, secret);
}

/* name, identifier, octets of public value, answer and secret */
#define FAKE_KE_LIST(X)                                                                        \
    X(fake_x25519, CV_KE_X25519, 32, 32, 32)                                                   \
    X(fake_p256, CV_KE_ECP_256, 64, 64, 32)                                                    \
    X(fake_p384, CV_KE_ECP_384, 96, 96, 48)                                                    \
    X(fake_modp2048, CV_KE_MODP_2048, 256, 256, 256)                                           \
    X(fake_kem, SIM_KE_KEM, SIM_KEM_PUBLIC, SIM_KEM_ANSWER, 32)

#define FAKE_KE(name, ke_id, pub_octets, answer_octets, secret_octets)                         \
    static const struct cv_ke name;                                                            \
    static void *name##_generate(uint8_t *pub)                                                 \
    {                                                                                          \
        return fake_generate(&name, pub);                                                      \
    }                                                                                          \
    static enum cv_err name##_encapsulate(struct cv_span pub, uint8_t *answer,                 \
                                          uint8_t *secret)                                     \
    {                                                                                          \
        return fake_encapsulate(&name, pub, answer, secret);                                   \
    }                                                                                          \
    static const struct cv_ke name = {                                                         \
        .id = ke_id,                                                                           \
        .public_len = pub_octets,                                                              \
        .answer_len = answer_octets,                                                           \
        .secret_len = secret_octets,                                                           \
        .generate = name##_generate,                                                           \
        .free_key = fake_free,                                                                 \
        .encapsulate = name##_encapsulate,                                                     \
        .decapsulate = fake_decapsulate,                                                       \
    };
FAKE_KE_LIST(FAKE_KE)
#define FAKE_KE_ENTRY(name, ke_id, pub_octets, answer_octets, secret_octets) &name,

static const struct cv_ke *const fake_kes[] = {FAKE_KE_LIST(FAKE_KE_ENTRY) NULL};

/* ---- the backends ------------------------------------------------------------- */

static struct cv_crypto cheap, real_ke;

static void build(void)
{
    if (cheap.name != NULL)
        return;
    wrap_aeads(&cv_crypto_openssl);
    wrap_prf(&cv_crypto_openssl);
    real_ke = cv_crypto_openssl;
    real_ke.name = "simulated, real key exchange";
    real_ke.random = sim_random;
    real_ke.aeads = aead_list;
    real_ke.prfs = prf_list;
    cheap = real_ke;
    cheap.name = "simulated";
    cheap.kes = fake_kes;
}

const struct cv_crypto *sim_crypto(void)
{
    build();
    return &cheap;
}

const struct cv_crypto *sim_crypto_real_ke(void)
{
    build();
    return &real_ke;
}

void sim_crypto_start(uint64_t seed, sim_seal_fn *on_seal, void *ctx)
{
    sim_crypto_stop();
    run.prng = prng_seed(seed ^ 0xc0ffee);
    run.on_seal = on_seal;
    run.on_seal_ctx = ctx;
}

void sim_crypto_stop(void)
{
    free(run.seen.slot);
    memset(&run, 0, sizeof(run));
}

uint64_t sim_crypto_reused(void)
{
    return run.reused;
}

uint64_t sim_crypto_seals(void)
{
    return run.seals;
}

uint64_t sim_crypto_prfs(void)
{
    return run.prfs;
}

uint64_t sim_crypto_live_keys(void)
{
    return run.live_keys;
}

bool sim_sign(uint8_t out[SIM_SIGNATURE_LEN], struct cv_span signer, struct cv_span octets)
{
    const struct cv_prf *prf = crypto_prf(&cv_crypto_openssl, CV_PRF_HMAC_SHA2_256);

    /* RFC 7427: the length of the AlgorithmIdentifier, then it, then the signature. */
    out[0] = 1;
    out[1] = 0;
    return prf != NULL && prf->prf(signer, &octets, 1, out + 2);
}
