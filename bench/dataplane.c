/* In-memory cost of the data plane, packet by packet, beside the bare cipher: for each
 * algorithm and size the median over rounds of nanoseconds per packet of
 *   seal   ipsec_out, from an inner IP packet to ESP
 *   open   ipsec_in, back to the inner packet, replay window included
 *   bare   the same cipher call alone, sealing, in the same buffers
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "crypto/crypto.h"
#include "ipsec/ipsec.h"
#include "wire/ip.h"

enum { BATCH = 256, ROUNDS = 41, ROOM = 1400 + CV_HEADROOM + CV_TAILROOM };

static uint8_t buffers[BATCH][ROOM];
static struct cv_packet packets[BATCH];

struct algorithm {
    const char *name;
    uint16_t encr, bits, integ;
};

/* name, ENCR, key length in bits, INTEG */
static const struct algorithm algorithms[] = {
    {"aes128gcm16",      CV_ENCR_AES_GCM_16,        128, 0                         },
    {"aes256gcm16",      CV_ENCR_AES_GCM_16,        256, 0                         },
    {"aes128ccm8",       CV_ENCR_AES_CCM_8,         128, 0                         },
    {"chacha20poly1305", CV_ENCR_CHACHA20_POLY1305, 0,   0                         },
    {"aes128-sha256",    CV_ENCR_AES_CBC,           128, CV_INTEG_HMAC_SHA2_256_128},
    {"aes128ctr-sha256", CV_ENCR_AES_CTR,           128, CV_INTEG_HMAC_SHA2_256_128},
    {"null-sha256",      CV_ENCR_NULL,              0,   CV_INTEG_HMAC_SHA2_256_128},
};

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof(*v), by_value);
    return v[ROUNDS / 2];
}

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static struct ipsec *make_plane(void)
{
    static const uint64_t seed[2] = {1, 2};
    struct arena a = {.cap = SIZE_MAX};

    ipsec_init(&a, 4, &cv_crypto_openssl, seed);
    a = (struct arena){.p = calloc(1, a.used + 64), .cap = a.used + 64};
    return a.p == NULL ? NULL : ipsec_init(&a, 4, &cv_crypto_openssl, seed);
}

/* One pair that talks to itself: what it seals it opens. */
static void install(struct ipsec *p, const struct algorithm *alg)
{
    static uint8_t key[200];
    struct ipsec_config cfg = {.id = 1,
                               .spi_in = 0x1000,
                               .spi_out = 0x1000,
                               .protocol = CV_PROTO_ESP,
                               .mode = CV_TUNNEL,
                               .replay_window = 1024};
    struct cv_ts all = {.family = CV_IPV4, .port_hi = 65535};
    size_t n;

    cfg.suite =
        (struct cv_suite){.encr = alg->encr, .encr_bits = alg->bits, .integ = alg->integ};
    memset(all.hi, 0xff, 4);
    cfg.local_ts = cfg.remote_ts = (struct cv_ts_list){.n = 1, .ts = {all}};
    cfg.local = cfg.remote = (struct cv_endpoint){
        .addr = {CV_IPV4, {127, 0, 0, 1}}
    };
    n = ipsec_key_len(&cv_crypto_openssl, &cfg.suite);
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    cfg.key_in = cfg.key_out = (struct cv_span){key, n};
    if (n == 0 || ipsec_install(p, 0, &cfg, 0) != CV_OK)
        die(alg->name);
    ipsec_use_out(p, 0);
}

static void fill(size_t size)
{
    uint8_t ip[20] = {0x45,
                      0,
                      (uint8_t)(size >> 8),
                      (uint8_t)size,
                      0,
                      0,
                      0,
                      0,
                      64,
                      253,
                      0,
                      0,
                      10,
                      0,
                      0,
                      1,
                      10,
                      0,
                      0,
                      2};
    uint16_t sum = ip_checksum((struct cv_span){ip, sizeof(ip)});

    memcpy(ip + 10, (uint8_t[2]){(uint8_t)(sum >> 8), (uint8_t)sum}, 2);
    for (int i = 0; i < BATCH; i++) {
        packets[i] =
            (struct cv_packet){.buf = buffers[i], .cap = ROOM, .off = CV_HEADROOM, .len = size};
        memcpy(buffers[i] + CV_HEADROOM, ip, sizeof(ip));
    }
}

static double run_bare(const struct algorithm *alg, size_t size)
{
    const struct cv_aead *aead = crypto_aead(&cv_crypto_openssl, alg->encr, alg->bits);
    const struct cv_cipher *cipher = crypto_cipher(&cv_crypto_openssl, alg->encr, alg->bits);
    const struct cv_integ *integ = crypto_integ(&cv_crypto_openssl, alg->integ);
    uint8_t key[64] = {1}, nonce[16] = {0}, icv[64], aad[8] = {0};
    void *k = aead != NULL ? aead->new_key(key) : cipher->new_key(key);
    void *m = integ != NULL && aead == NULL ? integ->new_key(key) : NULL;
    double start = now_ns();

    for (int i = 0; i < BATCH; i++) {
        uint8_t *data = buffers[i] + CV_HEADROOM;

        memcpy(nonce + 4, &i, sizeof(i));
        if (aead != NULL)
            aead->seal(k, nonce, (struct cv_span){aad, 8}, data, size, icv);
        else
            cipher->encrypt(k, nonce, data, size & ~(size_t)15);
        if (m != NULL)
            integ->mac(m, &(struct cv_span){data, size}, 1, icv);
    }
    start = now_ns() - start;
    aead != NULL ? aead->free_key(k) : cipher->free_key(k);
    if (m != NULL)
        integ->free_key(m);
    return start / BATCH;
}

static void measure(const struct algorithm *alg, size_t size)
{
    double seal[ROUNDS], open[ROUNDS], bare[ROUNDS], s, o, b;
    struct ipsec *p = make_plane();
    unsigned notices;
    uint32_t pair;

    if (p == NULL)
        die("no memory");
    install(p, alg);
    for (int round = 0; round < ROUNDS; round++) {
        double start;

        fill(size);
        start = now_ns();
        for (int i = 0; i < BATCH; i++)
            ipsec_out(p, &packets[i], 1, &pair, &notices);
        seal[round] = (now_ns() - start) / BATCH;
        start = now_ns();
        for (int i = 0; i < BATCH; i++)
            ipsec_in(p, &packets[i], 1, &pair, &notices);
        open[round] = (now_ns() - start) / BATCH;
        if (packets[BATCH - 1].verdict != CV_DELIVER)
            die(cv_err_text(packets[BATCH - 1].err));
        bare[round] = run_bare(alg, size);
    }
    s = median(seal);
    o = median(open);
    b = median(bare);
    printf("%-18s %5zu %9.0f %9.0f %9.0f %11.2f %11.2f\n", alg->name, size, s, o, b, s / b,
           o / b);
    ipsec_close(p);
}

int main(void)
{
    static const size_t sizes[] = {64, 576, 1400};

    printf("%-18s %5s %9s %9s %9s %11s %11s\n", "algorithm", "size", "seal ns", "open ns",
           "bare ns", "seal/bare", "open/bare");
    for (size_t a = 0; a < sizeof(algorithms) / sizeof(algorithms[0]); a++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            measure(&algorithms[a], sizes[i]);
    }
    return 0;
}
