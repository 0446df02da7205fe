/* The plane beside the library that it calls: batches of packets, in turns, so that what else
 * the machine does hits both alike.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "bench/bench.h"
#include "bench/figures.h"
#include "bench/suite.h"
#include "ipsec/ipsec.h"
#include "kit/json.h"
#include "wire/ip.h"

enum { PLANE_MEMORY = 128 * 1024, N_SIZES = 3, SPI = 0x1000, PLAIN_ICV = 16, NS_TENTHS = 10 };

static const size_t sizes[N_SIZES] = {64, 576, 1400};

/* One algorithm: the plane, the library that it uses, OpenSSL, and what they took. */
struct esp_bench {
    alignas(max_align_t) uint8_t memory[PLANE_MEMORY];
    struct ipsec *plane;
    struct bare bare, openssl;
    uint8_t buffers[SUITE_BATCH][SUITE_PACKET_MAX];
    struct cv_packet packets[SUITE_BATCH];
    struct figures t_openssl, t_bare_seal, t_bare_open, t_seal, t_open, r_seal, r_open;
};

/* ---- a cipher that does nothing ------------------------------------------------ */

static void *nothing_new(const uint8_t *key)
{
    (void)key;
    return malloc(1);
}

static bool nothing_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                         size_t n, uint8_t *icv)
{
    (void)key;
    (void)nonce;
    (void)aad;
    (void)data;
    (void)n;
    memset(icv, 1, PLAIN_ICV);
    return true;
}

static bool nothing_open(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                         size_t n, const uint8_t *icv)
{
    (void)key;
    (void)nonce;
    (void)aad;
    (void)data;
    (void)n;
    return icv[0] == 1;
}

static const struct cv_aead nothing = {
    .id = CV_ENCR_AES_GCM_16,
    .key_len = 16,
    .salt_len = 4,
    .iv_len = 8,
    .icv_len = PLAIN_ICV,
    .new_key = nothing_new,
    .free_key = free,
    .seal = nothing_seal,
    .open = nothing_open,
};

static const struct cv_aead *const nothings[] = {&nothing, NULL};

/* ---- the plane ------------------------------------------------------------------ */

/* One pair that talks to itself: what it seals it opens. */
static bool make_plane(struct esp_bench *b, const struct cv_crypto *crypto,
                       const struct cv_suite *suite)
{
    static const uint8_t key[CV_CIPHER_KEY_MAX + CV_INTEG_KEY_MAX] = {1, 2, 3};
    const struct cv_ts all = {
        .family = CV_IPV4, .port_hi = UINT16_MAX, .hi = {255, 255, 255, 255}
    };
    const struct cv_endpoint here = {
        .addr = {CV_IPV4, {127, 0, 0, 1}}
    };
    const struct cv_span keys = {key, ipsec_key_len(crypto, suite)};
    const struct cv_pair_config cfg = {
        .id = 1,
        .spi_in = SPI,
        .spi_out = SPI,
        .protocol = suite->encr == 0 ? CV_PROTO_AH : CV_PROTO_ESP,
        .mode = CV_TUNNEL,
        .suite = *suite,
        .key_in = keys,
        .key_out = keys,
        .local_ts = {1, {all}},
        .remote_ts = {1, {all}},
        .local = here,
        .remote = here,
        .replay_window = 1024,
    };
    const uint64_t seed[2] = {1, 2};
    struct arena a = {.p = b->memory, .cap = sizeof(b->memory)};

    b->plane = ipsec_init(&a, 1, 0, crypto, seed);
    if (b->plane == NULL || ipsec_install(b->plane, 0, &cfg, 0) != CV_OK)
        return false;
    ipsec_use_out(b->plane, 0);
    return true;
}

static void fill(struct esp_bench *b, size_t size)
{
    const struct ip_head head = {
        .src = {CV_IPV4, {10, 0, 0, 1}},
        .dst = {CV_IPV4, {10, 0, 0, 2}},
        .proto = IPPROTO_NUM_UDP,
        .ttl = 64,
    };

    for (unsigned i = 0; i < SUITE_BATCH; i++) {
        b->packets[i] = (struct cv_packet){
            .buf = b->buffers[i], .cap = SUITE_PACKET_MAX, .off = CV_HEADROOM, .len = size};
        ip_put_head(b->buffers[i] + CV_HEADROOM, &head, size - IP4_HDR_LEN);
        memset(b->buffers[i] + CV_HEADROOM + IP4_HDR_LEN, 0, 8); /* ports */
    }
}

static void plane_seal(struct esp_bench *b)
{
    struct ipsec_way way;

    for (unsigned i = 0; i < SUITE_BATCH; i++)
        ipsec_out(b->plane, &b->packets[i], 1, &way);
}

static void plane_open(struct esp_bench *b)
{
    struct ipsec_way way;

    for (unsigned i = 0; i < SUITE_BATCH; i++)
        ipsec_in(b->plane, &b->packets[i], 1, &way);
}

static bool measure(struct esp_bench *b, size_t size, unsigned rounds)
{
    const size_t n = bare_len(&b->bare, size);

    b->t_openssl.n = b->t_bare_seal.n = b->t_bare_open.n = b->t_seal.n = b->t_open.n =
        b->r_seal.n = b->r_open.n = 0;
    for (unsigned i = 0; i < rounds; i++) {
        double t = figures_now_ns(), seal, open, bare_s, bare_o;
        bool ok = bare_seal(&b->openssl, n);

        figures_add(&b->t_openssl, figures_lap(&t, SUITE_BATCH));
        ok = bare_seal(&b->bare, n) && ok;
        bare_s = figures_lap(&t, SUITE_BATCH);
        ok = bare_open(&b->bare, n) && ok;
        bare_o = figures_lap(&t, SUITE_BATCH);
        fill(b, size);
        t = figures_now_ns();
        plane_seal(b);
        seal = figures_lap(&t, SUITE_BATCH);
        plane_open(b);
        open = figures_lap(&t, SUITE_BATCH);
        if (!ok || b->packets[SUITE_BATCH - 1].verdict != CV_DELIVER)
            return false;
        figures_add(&b->t_bare_seal, bare_s);
        figures_add(&b->t_bare_open, bare_o);
        figures_add(&b->t_seal, seal);
        figures_add(&b->t_open, open);
        figures_add(&b->r_seal, bare_s / seal);
        figures_add(&b->r_open, bare_o / open);
    }
    return true;
}

/* ---- out ------------------------------------------------------------------------ */

static uint64_t tenths(double ns)
{
    return (uint64_t)(ns * NS_TENTHS + 0.5);
}

static void put_json(struct json *j, struct esp_bench *b, size_t size)
{
    json_object(j, NULL);
    json_number(j, "octets", size);
    json_number(j, "openssl-tenths-ns", tenths(figures_median(&b->t_openssl)));
    json_number(j, "library-seal-tenths-ns", tenths(figures_median(&b->t_bare_seal)));
    json_number(j, "library-open-tenths-ns", tenths(figures_median(&b->t_bare_open)));
    json_number(j, "seal-tenths-ns", tenths(figures_median(&b->t_seal)));
    json_number(j, "open-tenths-ns", tenths(figures_median(&b->t_open)));
    json_number(j, "seal-share-percent", (uint64_t)(100 * figures_median(&b->r_seal) + 0.5));
    json_number(j, "open-share-percent", (uint64_t)(100 * figures_median(&b->r_open) + 0.5));
    json_end_object(j);
}

static void put_cells(FILE *out, struct esp_bench *b)
{
    fprintf(out, " %.0f | %.0f | %.0f | %.0f | %.2f ±%.2f | %.2f ±%.2f |",
            figures_median(&b->t_openssl), figures_median(&b->t_bare_seal),
            figures_median(&b->t_seal), figures_median(&b->t_open), figures_median(&b->r_seal),
            figures_spread(&b->r_seal), figures_median(&b->r_open), figures_spread(&b->r_open));
}

static void put_header(FILE *out, const char *library)
{
    fprintf(out, "Nanoseconds a packet; seal/ and open/: the share of %s in them.\n\n| |",
            library);
    for (unsigned i = 0; i < N_SIZES; i++)
        fprintf(out, " %zu: OpenSSL | library | seal | open | seal/ | open/ |", sizes[i]);
    fputs("\n|---|", out);
    for (unsigned i = 0; i < N_SIZES * 6; i++)
        fputs("---|", out);
    fputc('\n', out);
}

/* Where one row goes. */
struct sheet {
    const struct bench_wish *wish;
    FILE *out;
    struct json *json; /* NULL: a table */
};

static bool put_row(const struct sheet *s, struct esp_bench *b, const char *name)
{
    bool ok = true;

    if (s->json != NULL) {
        json_object(s->json, NULL);
        json_text(s->json, "algorithm", name);
        json_array(s->json, "sizes");
    } else {
        fprintf(s->out, "| %s |", name);
    }
    for (unsigned i = 0; i < N_SIZES && ok; i++) {
        ok = measure(b, sizes[i], s->wish->rounds);
        if (s->json != NULL)
            put_json(s->json, b, sizes[i]);
        else
            put_cells(s->out, b);
    }
    if (s->json != NULL) {
        json_end_array(s->json);
        json_end_object(s->json);
    } else {
        fputc('\n', s->out);
        (void)fflush(s->out);
    }
    return ok;
}

static bool run(const struct sheet *s, struct esp_bench *b, const struct cv_crypto *crypto,
                const struct cv_suite *suite, const char *name)
{
    bool ok;

    b->plane = NULL;
    ok = bare_open_keys(&b->bare, crypto, suite) &&
         bare_open_keys(&b->openssl, &cv_crypto_openssl, suite);

    ok = ok && make_plane(b, crypto, suite) && put_row(s, b, name);
    if (b->plane != NULL)
        ipsec_close(b->plane);
    bare_free_keys(&b->bare);
    bare_free_keys(&b->openssl);
    return ok;
}

static bool run_all(const struct sheet *s, struct esp_bench *b)
{
    struct cv_crypto no_cipher = cv_crypto_openssl;
    struct cv_suite suite = {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128};
    const char *only = s->wish->only;
    char name[SUITE_NAME_MAX];
    bool found = false;

    no_cipher.aeads = nothings;
    if (only == NULL || strcmp(only, "none") == 0)
        found = run(s, b, &no_cipher, &suite, "none");
    for (unsigned i = 0; suite_get(i, &suite, name); i++)
        if (only == NULL || strcmp(only, name) == 0)
            found = run(s, b, cv_crypto_best(), &suite, name) || found;
    return found;
}

bool bench_esp(const struct bench_wish *w, FILE *out)
{
    struct json j = {.out = out};
    const struct sheet s = {.wish = w, .out = out, .json = w->json ? &j : NULL};
    struct esp_bench *b = calloc(1, sizeof(*b));
    bool ok;

    if (b == NULL)
        return false;
    if (w->json) {
        json_object(&j, NULL);
        json_text(&j, "library", cv_crypto_best()->name);
        json_array(&j, "esp");
    } else {
        put_header(out, cv_crypto_best()->name);
    }
    ok = run_all(&s, b);
    if (w->json) {
        json_end_array(&j);
        json_end_object(&j);
        json_finish(&j);
    }
    free(b);
    return ok;
}
