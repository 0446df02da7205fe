/* No secret outlives its use.  Whole lives are led with a backend that remembers where each
 * secret was written and each key was read, and with a wipe() that is watched: what lay on the
 * stack must have been wiped when the function that held it has returned, and nothing is left
 * in the engine's memory when SAs or the engine itself have ended.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "crypto/crypto.h"
#include "engine/engine.h"
#include "sim/check.h"
#include "sim/crypto.h"
#include "sim/duo.h"

enum { SECRETS_MAX = 4096, SECRET_LEN = 16, PLACES_MAX = 256 };

/* A place on the stack where a secret lies. */
struct place {
    uintptr_t at;
    const char *what;
};

static struct {
    uintptr_t stack; /* an address of the test's own frame: the engine's frames lie below */
    struct place place[PLACES_MAX];
    unsigned n_places, wiped;
    uint8_t secret[SECRETS_MAX][SECRET_LEN]; /* the first octets of each */
    const char *what[SECRETS_MAX];
    unsigned n;
} known;

/* ---- what is wiped --------------------------------------------------------------------- */

void __real_wipe(void *p, size_t n);
void __wrap_wipe(void *p, size_t n);

void __wrap_wipe(void *p, size_t n)
{
    const uintptr_t from = (uintptr_t)p;

    for (unsigned i = 0; i < known.n_places;) {
        if (known.place[i].at >= from && known.place[i].at < from + n) {
            known.place[i] = known.place[--known.n_places];
            known.wiped++;
        } else {
            i++;
        }
    }
    __real_wipe(p, n);
}

/* Places of functions that have returned hold nothing any more. */
static void check_places(void)
{
    const uint8_t here = 0;

    for (unsigned i = 0; i < known.n_places; i++)
        if (known.place[i].at < (uintptr_t)&here)
            fail_msg("%s is left on the stack", known.place[i].what);
}

/* A secret lies at p, or a key was read there. */
static void remember(const char *what, const void *p)
{
    const uint8_t here = 0;
    const uintptr_t at = (uintptr_t)p;

    if (at > (uintptr_t)&here && at < known.stack) {
        for (unsigned i = 0; i < known.n_places; i++)
            if (known.place[i].at == at)
                return;
        assert_true(known.n_places < PLACES_MAX);
        known.place[known.n_places++] = (struct place){at, what};
    }
    for (unsigned i = 0; i < known.n; i++)
        if (memcmp(known.secret[i], p, SECRET_LEN) == 0)
            return;
    assert_true(known.n < SECRETS_MAX);
    memcpy(known.secret[known.n], p, SECRET_LEN);
    known.what[known.n++] = what;
}

/* All keys of an SA at once, before they are dealt out. */
bool __real_crypto_prf_plus(const struct cv_prf *prf, struct cv_span key,
                            const struct cv_span *seed, size_t n_seed, uint8_t *out, size_t n);
bool __wrap_crypto_prf_plus(const struct cv_prf *prf, struct cv_span key,
                            const struct cv_span *seed, size_t n_seed, uint8_t *out, size_t n);

bool __wrap_crypto_prf_plus(const struct cv_prf *prf, struct cv_span key,
                            const struct cv_span *seed, size_t n_seed, uint8_t *out, size_t n)
{
    bool ok = __real_crypto_prf_plus(prf, key, seed, n_seed, out, n);

    if (n >= SECRET_LEN)
        remember("key material", out);
    return ok;
}

static void search_memory(const struct host *h, const char *when)
{
    for (unsigned i = 0; i < known.n; i++)
        if (memmem(h->mem, h->mem_size, known.secret[i], SECRET_LEN) != NULL)
            fail_msg("%s: %s is left in the engine's memory %s", h->name, known.what[i], when);
}

/* ---- the backend ------------------------------------------------------------------------ */

static const struct cv_prf *real_prf;
static const struct cv_aead *real_aead;
static const struct cv_ke *real_ke;

static bool watched_prf(struct cv_span key, const struct cv_span *parts, size_t n, uint8_t *out)
{
    bool ok = real_prf->prf(key, parts, n, out);

    check_places();
    if (key.n == real_prf->out_len) /* others are nonces, or the secret that the host has */
        remember("a PRF's key", key.p);
    remember("a PRF's output", out);
    return ok;
}

static void *watched_new_key(const uint8_t *key)
{
    check_places();
    remember("a cipher's key", key);
    return real_aead->new_key(key);
}

static bool watched_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                         size_t n, uint8_t *icv)
{
    check_places();
    return real_aead->seal(key, nonce, aad, data, n, icv);
}

static enum cv_err watched_encapsulate(struct cv_span pub, uint8_t *answer, uint8_t *secret)
{
    enum cv_err err = real_ke->encapsulate(pub, answer, secret);

    check_places();
    remember("g^ir", secret);
    return err;
}

static enum cv_err watched_decapsulate(void *key, struct cv_span answer, uint8_t *secret)
{
    enum cv_err err = real_ke->decapsulate(key, answer, secret);

    check_places();
    remember("g^ir", secret);
    return err;
}

/* The simulator's backend with one algorithm of each kind, watched. */
static const struct cv_crypto *watched(void)
{
    static struct cv_prf prf;
    static struct cv_aead aead;
    static struct cv_ke ke;
    static const struct cv_prf *prfs[] = {&prf, NULL};
    static const struct cv_aead *aeads[] = {&aead, NULL};
    static const struct cv_ke *kes[] = {&ke, NULL};
    static struct cv_crypto crypto;

    crypto = *sim_crypto();
    for (unsigned i = 0; crypto.prfs[i] != NULL; i++)
        if (crypto.prfs[i]->id == CV_PRF_HMAC_SHA2_256)
            real_prf = crypto.prfs[i];
    for (unsigned i = 0; crypto.aeads[i] != NULL; i++)
        if (crypto.aeads[i]->id == CV_ENCR_AES_GCM_16 && crypto.aeads[i]->key_len == 16)
            real_aead = crypto.aeads[i];
    for (unsigned i = 0; crypto.kes[i] != NULL; i++)
        if (crypto.kes[i]->id == CV_KE_X25519)
            real_ke = crypto.kes[i];
    prf = *real_prf;
    prf.prf = watched_prf;
    aead = *real_aead;
    aead.new_key = watched_new_key;
    aead.seal = watched_seal;
    ke = *real_ke;
    ke.encapsulate = watched_encapsulate;
    ke.decapsulate = watched_decapsulate;
    crypto.prfs = prfs;
    crypto.aeads = aeads;
    crypto.kes = kes;
    return &crypto;
}

/* ---- lives --------------------------------------------------------------------------------
 */

static enum net_fate on_datagram(void *ctx, struct datagram *d)
{
    (void)ctx, (void)d;
    check_places();
    return NET_PASS;
}

static void watch(struct duo *d, const void *frame)
{
    memset(&known, 0, sizeof(known));
    known.stack = (uintptr_t)frame;
    d->dev->settings.crypto = d->gw->settings.crypto = watched();
    d->dev->settings.cookie_threshold = d->gw->settings.cookie_threshold =
        1000; /* no secret of any SA */
    d->w->tap = on_datagram;
}

/* Rekeys of both kinds by both sides. */
static void live(struct duo *d)
{
    host_rekey_child(d->dev, host_child(d->dev));
    world_run(d->w, 10000);
    host_rekey_ike(d->gw, host_ike(d->gw));
    world_run(d->w, 10000);
    host_rekey_child(d->gw, host_child(d->gw));
    host_rekey_ike(d->dev, host_ike(d->dev));
    world_run(d->w, 30000);
    assert_true(world_ping(d->w, d->flow));
    check_places();
    assert_true(known.n > 20 && known.wiped > 20);
}

static void end(struct duo *d)
{
    assert_true(duo_closes(d));
    world_run(d->w, 400000);
    assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
    check_places();
    search_memory(d->dev, "after its SAs have ended");
    search_memory(d->gw, "after its SAs have ended");
}

static void no_secret_is_left_of_a_life_with_a_shared_secret(void **state)
{
    struct duo *d = *state;

    watch(d, __builtin_frame_address(0));
    assert_true(duo_connect(d));
    live(d);
    end(d);
}

static void no_secret_is_left_of_a_life_with_certificates_and_new_key_exchanges(void **state)
{
    struct duo *d = *state;

    watch(d, __builtin_frame_address(0));
    duo_use_certs(d, 1, 600);
    duo_use_virtual_ip(d);
    recipe_pfs(&d->dev_conn, CV_KE_X25519);
    recipe_pfs(&d->gw_conn, CV_KE_X25519);
    assert_true(duo_connect(d));
    live(d);
    end(d);
}

/* What ends half-way must not leave more behind than what ends well. */
static void no_secret_is_left_of_a_handshake_that_is_refused(void **state)
{
    struct duo *d = *state;

    watch(d, __builtin_frame_address(0));
    d->dev->psk = "another secret than the gateway has";
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 400000);
    assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
    search_memory(d->dev, "after its SA has failed");
    search_memory(d->gw, "after its SA has failed");
}

/* cv_engine_close forgets every SA, and its memory is the caller's again. */
static void no_secret_is_left_of_an_engine_that_is_closed(void **state)
{
    struct duo *d = *state;

    watch(d, __builtin_frame_address(0));
    assert_true(duo_connect(d));
    live(d);
    host_rekey_ike(d->dev, host_ike(d->dev)); /* a key exchange is under way */
    cv_engine_close(d->dev->engine);
    check_places();
    search_memory(d->dev, "after it was closed");
    for (size_t i = 0; i < sizeof(struct cv_engine);
         i++) /* seeds and what makes cookies, too */
        assert_int_equal(((const uint8_t *)d->dev->mem)[i], 0);
    d->dev->engine = NULL;
    d->dev->deadline_ms = CV_NO_DEADLINE;
    free(d->dev->mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(no_secret_is_left_of_a_life_with_a_shared_secret),
        DUO(no_secret_is_left_of_a_life_with_certificates_and_new_key_exchanges),
        DUO(no_secret_is_left_of_a_handshake_that_is_refused),
        DUO(no_secret_is_left_of_an_engine_that_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
