/* Owns what each source has used up: requests in time, connections.
 *
 * Invariant: a source has one cell, found by a keyed hash, so the table needs no room for
 * newcomers and never forgets anybody.  Two sources of one cell share its limits; who shares
 * with whom cannot be known, let alone aimed at, without the key.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/htab.h"
#include "http/inside.h"
#include "kit/mem.h"

bool sources_init(struct sources *t)
{
    t->cells = mem_new(SOURCE_CELLS, sizeof(t->cells[0]));
    return RAND_bytes((unsigned char *)t->key, sizeof(t->key)) == 1;
}

void sources_free(struct sources *t)
{
    free(t->cells);
    t->cells = NULL;
}

size_t sources_find(const struct sources *t, const struct sockaddr_storage *at)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 */
    uint8_t who[16] = {0};

    if (at->ss_family == AF_INET) {
        memcpy(who, mapped, sizeof(mapped));
        memcpy(&who[12], &((const struct sockaddr_in *)at)->sin_addr, 4);
    } else if (at->ss_family == AF_INET6) {
        memcpy(who, &((const struct sockaddr_in6 *)at)->sin6_addr, sizeof(who));
        if (memcmp(who, mapped, sizeof(mapped)) != 0)
            memset(&who[8], 0, 8); /* a /64 is one site's */
    }
    return siphash24(t->key, who, sizeof(who)) % SOURCE_CELLS;
}
