/* The pool of key objects.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_BEARSSL_KEYS_H
#define PORTS_BEARSSL_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include <bearssl.h>

#ifndef BEARSSL_KEYS
#define BEARSSL_KEYS 8
#endif

enum { KEY_OCTETS_MAX = 48 };

/* What any algorithm keeps of a key. */
union key {
    struct {
        br_aes_ct_ctr_keys aes;
        br_gcm_context gcm;
    } gcm;
    br_aes_ct_ctrcbc_keys ccm;
    br_hmac_key_context hmac;
    uint8_t octets[KEY_OCTETS_MAX]; /* ChaCha20, AES-CBC, a private key */
};

/* A slot, or NULL: all are in use. */
union key *key_take(void);

/* Wipes it and gives it back; NULL is fine.  Fits free_key of every algorithm. */
void key_give(void *key);

#endif
