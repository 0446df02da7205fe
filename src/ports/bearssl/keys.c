/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "base/secret.h"
#include "ports/bearssl/keys.h"

static union key slots[BEARSSL_KEYS];
static bool taken[BEARSSL_KEYS];

union key *key_take(void)
{
    for (size_t i = 0; i < BEARSSL_KEYS; i++) {
        if (!taken[i]) {
            taken[i] = true;
            return &slots[i];
        }
    }
    return NULL;
}

void key_give(void *key)
{
    for (size_t i = 0; i < BEARSSL_KEYS; i++) {
        if (key == &slots[i]) {
            wipe(key, sizeof(slots[i]));
            taken[i] = false;
        }
    }
}
