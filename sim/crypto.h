/* The crypto of a simulated world: the real backend, watched.
 *
 * AES-GCM, HMAC and hashes are the backend's.  Randomness comes from the world's
 * seed.  Every (key, nonce) that any AEAD seals with is remembered; a second use ends
 * the run.  Key exchanges are replaced by a cheap one that protects nothing and keeps
 * the sizes of the real ones, unless a scenario asks for the real ones.  One more has the
 * shape of ML-KEM: each side sends another length, and neither can do the other's part.
 *
 * One world uses it at a time: a backend's functions have no context of their own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_CRYPTO_H
#define SIM_CRYPTO_H

#include <culvert/crypto.h>

#include "sim/prng.h"

enum {
    SIM_KE_KEM = 1024 /* of the private range */,
    SIM_KEM_PUBLIC = 200,
    SIM_KEM_ANSWER = 88
};

/* Called with what is about to be sealed, for the ladder; it may change the plaintext, so
 * that an authentic peer can be made to write nonsense. */
typedef void sim_seal_fn(void *ctx, struct cv_span aad, uint8_t *plain, size_t n);

/* Starts a run: forgets the nonces of the last one. */
void sim_crypto_start(uint64_t seed, sim_seal_fn *on_seal, void *ctx);
void sim_crypto_stop(void);

const struct cv_crypto *sim_crypto(void);         /* cheap key exchanges */
const struct cv_crypto *sim_crypto_real_ke(void); /* the backend's */

/* How many times an AEAD was used twice with one key and nonce, and how many seals. */
uint64_t sim_crypto_reused(void);
uint64_t sim_crypto_seals(void);
/* How often HMAC-SHA-256 was computed as a PRF. */
uint64_t sim_crypto_prfs(void);
/* Keys that were made and not given back. */
uint64_t sim_crypto_live_keys(void);

/* The host's pretended signature: a keyed hash under the signer's name. */
enum { SIM_SIGNATURE_LEN = 34 };
bool sim_sign(uint8_t out[SIM_SIGNATURE_LEN], struct cv_span signer, struct cv_span octets);

#endif
