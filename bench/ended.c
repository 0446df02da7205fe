/* What it costs the host to hear of IKE SAs that end together, each with a Child SA: from the
 * first cv_next_effect to the one that says there is no more, slots given back included.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/engine.h"

static const uint32_t counts[] = {2000, 16000, 32000};

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;

    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void open_many(struct cv_engine *e, uint32_t n)
{
    static const struct cv_conn conn = {.name = "bench"};
    static const struct cv_child_config child = {.name = "bench"};

    for (uint32_t i = 0; i < n; i++) {
        struct ike_sa *sa = sa_new(&e->ike, &conn, false);

        if (sa == NULL || child_new(&e->ike.core, &sa->peer, &conn, &child) == NULL)
            die("no room for the SAs");
        sa->state = ST_UP;
    }
}

static void measure(uint32_t n)
{
    const struct cv_settings set = {
        .limits = {.ike_sas = n,
                   .child_sas = n,
                   .conns = 1,
                   .handshakes = 16,
                   .messages = 64,
                   .message_size = 4096,
                   .effects = 64},
        .crypto = &cv_crypto_openssl,
    };
    const size_t size = cv_engine_size(&set.limits);
    const size_t align = alignof(max_align_t);
    void *memory = aligned_alloc(align, (size + align - 1) / align * align);
    struct cv_engine *e = NULL;
    struct cv_effect fx;
    unsigned told = 0;
    double start, ended, done;

    if (memory == NULL || cv_engine_init(&e, memory, size, &set, 0) != CV_OK)
        die("no room for the engine");
    open_many(e, n);
    start = now_ms();
    for (uint32_t i = 0; i < n; i++)
        sa_close(&e->ike, sa_at_mut(&e->ike, i), CV_ERR_PEER_SILENT, false);
    ended = now_ms();
    while (cv_next_effect(e, &fx))
        told++;
    done = now_ms();
    if (told != 2 * n)
        die("not all ends were told");
    printf("%6u SAs end together: %8.1f ms to end, %8.1f ms until the host has heard it\n", n,
           ended - start, done - ended);
    cv_engine_close(e);
    free(memory);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        measure(counts[i]);
    return 0;
}
