/* What a packet costs in memory, beside the same calls of the crypto backend alone.
 *
 * One row an algorithm.  For inner packets of 64, 576 and 1,400 octets: nanoseconds of the bare
 * cipher and of ipsec_out, and the ratios to the bare cipher of sealing (ipsec_out) and opening
 * (ipsec_in, replay window included).  Figures are medians over rounds that take turns, so that
 * what else the machine does hits both alike; behind each ratio stands half its interquartile
 * range.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "crypto/crypto.h"
#include "ipsec/ipsec.h"
#include "wire/ip.h"

enum {
    BATCH = 64,
    ROUNDS = 101,
    SIZE_MAX_INNER = 1400,
    ROOM = SIZE_MAX_INNER + CV_HEADROOM + CV_TAILROOM,
    ESP_TRAILER = 2,
    AH_FIXED = 12
};

static const size_t sizes[] = {64, 576, SIZE_MAX_INNER};

struct named {
    const char *name;
    uint16_t id, bits;
};

/* clang-format off */
static const struct named aeads[] = {
    {"aes128gcm8",  CV_ENCR_AES_GCM_8,  128}, {"aes256gcm8",  CV_ENCR_AES_GCM_8,  256},
    {"aes128gcm12", CV_ENCR_AES_GCM_12, 128}, {"aes256gcm12", CV_ENCR_AES_GCM_12, 256},
    {"aes128gcm16", CV_ENCR_AES_GCM_16, 128}, {"aes256gcm16", CV_ENCR_AES_GCM_16, 256},
    {"aes128gcm16iiv", CV_ENCR_AES_GCM_16_IIV, 128},
    {"aes256gcm16iiv", CV_ENCR_AES_GCM_16_IIV, 256},
    {"aes128ccm8",  CV_ENCR_AES_CCM_8,  128}, {"aes256ccm8",  CV_ENCR_AES_CCM_8,  256},
    {"aes128ccm12", CV_ENCR_AES_CCM_12, 128}, {"aes256ccm12", CV_ENCR_AES_CCM_12, 256},
    {"aes128ccm16", CV_ENCR_AES_CCM_16, 128}, {"aes256ccm16", CV_ENCR_AES_CCM_16, 256},
    {"aes128ccm8iiv", CV_ENCR_AES_CCM_8_IIV, 128},
    {"aes256ccm8iiv", CV_ENCR_AES_CCM_8_IIV, 256},
    {"aes128gmac",  CV_ENCR_NULL_GMAC,  128}, {"aes256gmac",  CV_ENCR_NULL_GMAC,  256},
    {"chacha20poly1305", CV_ENCR_CHACHA20_POLY1305, 0},
    {"chacha20poly1305iiv", CV_ENCR_CHACHA20_POLY1305_IIV, 0},
};

static const struct named ciphers[] = {
    {"aes128", CV_ENCR_AES_CBC, 128}, {"aes256", CV_ENCR_AES_CBC, 256},
    {"aes128ctr", CV_ENCR_AES_CTR, 128}, {"3des", CV_ENCR_3DES, 0}, {"null", CV_ENCR_NULL, 0},
};

static const struct named integs[] = {
    {"sha256", CV_INTEG_HMAC_SHA2_256_128, 0}, {"sha384", CV_INTEG_HMAC_SHA2_384_192, 0},
    {"sha512", CV_INTEG_HMAC_SHA2_512_256, 0}, {"sha1", CV_INTEG_HMAC_SHA1_96, 0},
    {"md5", CV_INTEG_HMAC_MD5_96, 0}, {"aesxcbc", CV_INTEG_AES_XCBC_96, 0},
    {"aescmac", CV_INTEG_AES_CMAC_96, 0},
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The backend's own objects for one suite. */
struct bare {
    const struct cv_aead *aead;
    const struct cv_cipher *cipher;
    const struct cv_integ *integ;
    void *key, *integ_key;
};

static uint8_t buffers[BATCH][ROOM], icvs[BATCH][CV_ICV_MAX];
static struct cv_packet packets[BATCH];
static const uint8_t some_key[CV_CIPHER_KEY_MAX + CV_INTEG_KEY_MAX] = {1, 2, 3, 4, 5};

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* ---- the plane ---- */

static struct ipsec *make_plane(void)
{
    static alignas(max_align_t) uint8_t memory[64 * 1024];
    const uint64_t seed[2] = {1, 2};
    struct arena a = {.p = memory, .cap = sizeof(memory)};
    struct ipsec *p = ipsec_init(&a, 1, 0, &cv_crypto_openssl, seed);

    if (p == NULL)
        die("no room for the plane");
    return p;
}

/* One pair that talks to itself: what it seals it opens. */
static void install(struct ipsec *p, const struct cv_suite *suite)
{
    const struct cv_ts all = {
        .family = CV_IPV4, .port_hi = UINT16_MAX, .hi = {255, 255, 255, 255}
    };
    const struct cv_endpoint here = {
        .addr = {CV_IPV4, {127, 0, 0, 1}}
    };
    const struct cv_span key = {some_key, ipsec_key_len(&cv_crypto_openssl, suite)};
    const struct cv_pair_config cfg = {
        .id = 1,
        .spi_in = 0x1000,
        .spi_out = 0x1000,
        .protocol = suite->encr == 0 ? CV_PROTO_AH : CV_PROTO_ESP,
        .mode = CV_TUNNEL,
        .suite = *suite,
        .key_in = key,
        .key_out = key,
        .local_ts = {1, {all}},
        .remote_ts = {1, {all}},
        .local = here,
        .remote = here,
        .replay_window = 1024,
    };

    if (ipsec_install(p, 0, &cfg, 0) != CV_OK)
        die("the plane refuses a suite");
    ipsec_use_out(p, 0);
}

static void fill(size_t size)
{
    uint8_t ip[IP4_HDR_LEN] = {0x45, [8] = 64, 253, [12] = 10, 0, 0, 1, 10, 0, 0, 2};
    uint16_t sum;

    ip[2] = (uint8_t)(size >> 8);
    ip[3] = (uint8_t)(size & 0xff);
    sum = ip_checksum((struct cv_span){ip, sizeof(ip)});
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)(sum & 0xff);
    for (int i = 0; i < BATCH; i++) {
        packets[i] =
            (struct cv_packet){.buf = buffers[i], .cap = ROOM, .off = CV_HEADROOM, .len = size};
        memcpy(buffers[i] + CV_HEADROOM, ip, sizeof(ip));
    }
}

static void plane_seal(struct ipsec *p)
{
    struct ipsec_way way;

    for (int i = 0; i < BATCH; i++)
        ipsec_out(p, &packets[i], 1, &way);
}

static void plane_open(struct ipsec *p)
{
    struct ipsec_way way;

    for (int i = 0; i < BATCH; i++)
        ipsec_in(p, &packets[i], 1, &way);
}

/* ---- the cipher alone ---- */

static struct bare bare_open_keys(const struct cv_suite *s)
{
    struct bare b = {.aead = crypto_aead(&cv_crypto_openssl, s->encr, s->encr_bits),
                     .cipher = crypto_cipher(&cv_crypto_openssl, s->encr, s->encr_bits),
                     .integ = crypto_integ(&cv_crypto_openssl, s->integ)};

    if (b.aead != NULL)
        b.key = b.aead->new_key(some_key);
    if (b.cipher != NULL)
        b.key = b.cipher->new_key(some_key);
    if (b.integ != NULL)
        b.integ_key = b.integ->new_key(some_key);
    return b;
}

static void bare_free_keys(struct bare *b)
{
    if (b->aead != NULL)
        b->aead->free_key(b->key);
    if (b->cipher != NULL)
        b->cipher->free_key(b->key);
    if (b->integ != NULL)
        b->integ->free_key(b->integ_key);
}

/* As many octets as the cipher, or the MAC of AH, has to do in a packet of that size. */
static size_t bare_len(const struct bare *b, size_t size)
{
    const size_t align = b->cipher != NULL && b->cipher->block > 4 ? b->cipher->block : 4;

    if (b->aead == NULL && b->cipher == NULL)
        return size + IP4_HDR_LEN + AH_FIXED + b->integ->icv_len;
    return (size + ESP_TRAILER + align - 1) & ~(align - 1);
}

static bool bare_seal_one(const struct bare *b, const uint8_t *nonce, uint8_t *data, size_t n,
                          uint8_t *icv)
{
    if (b->aead != NULL)
        return b->aead->seal(b->key, nonce, (struct cv_span){nonce, 8}, data, n, icv);
    if (b->cipher != NULL && !b->cipher->encrypt(b->key, nonce, data, n))
        return false;
    return b->integ->mac(b->integ_key, &(struct cv_span){data, n}, 1, icv);
}

static bool bare_open_one(const struct bare *b, const uint8_t *nonce, uint8_t *data, size_t n,
                          const uint8_t *icv)
{
    uint8_t again[CV_ICV_MAX];

    if (b->aead != NULL)
        return b->aead->open(b->key, nonce, (struct cv_span){nonce, 8}, data, n, icv);
    if (!b->integ->mac(b->integ_key, &(struct cv_span){data, n}, 1, again) ||
        memcmp(icv, again, b->integ->icv_len) != 0)
        return false;
    return b->cipher == NULL || b->cipher->decrypt(b->key, nonce, data, n);
}

static void make_nonce(uint8_t nonce[CV_IV_MAX], int i)
{
    memset(nonce, 0, CV_IV_MAX);
    memcpy(nonce + 4, &i, sizeof(i));
}

static void bare_seal(const struct bare *b, size_t n)
{
    uint8_t nonce[CV_IV_MAX];

    for (int i = 0; i < BATCH; i++) {
        make_nonce(nonce, i);
        if (!bare_seal_one(b, nonce, buffers[i], n, icvs[i]))
            die("the bare cipher fails");
    }
}

static void bare_open(const struct bare *b, size_t n)
{
    uint8_t nonce[CV_IV_MAX];

    for (int i = 0; i < BATCH; i++) {
        make_nonce(nonce, i);
        if (!bare_open_one(b, nonce, buffers[i], n, icvs[i]))
            die("the bare cipher does not open what it sealed");
    }
}

/* ---- figures ---- */

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds a packet since from, which becomes now. */
static double lap(double *from)
{
    const double now = now_ns(), took = (now - *from) / BATCH;

    *from = now;
    return took;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double v[ROUNDS])
{
    qsort(v, ROUNDS, sizeof(*v), by_value);
    return v[ROUNDS / 2];
}

static void print_ratio(double v[ROUNDS])
{
    const double m = median(v);

    printf(" %.2f ±%.2f |", m, (v[ROUNDS * 3 / 4] - v[ROUNDS / 4]) / 2);
}

static void measure(struct ipsec *p, const struct bare *b, size_t size)
{
    double bare[ROUNDS], seal[ROUNDS], seal_ratio[ROUNDS], open_ratio[ROUNDS];
    const size_t n = bare_len(b, size);

    for (int i = 0; i < ROUNDS; i++) {
        double opened, bare_opened, t = now_ns();

        bare_seal(b, n);
        bare[i] = lap(&t);
        bare_open(b, n);
        bare_opened = lap(&t);
        fill(size);
        t = now_ns();
        plane_seal(p);
        seal[i] = lap(&t);
        plane_open(p);
        opened = lap(&t);
        if (packets[BATCH - 1].verdict != CV_DELIVER)
            die(cv_err_text(packets[BATCH - 1].err));
        seal_ratio[i] = seal[i] / bare[i];
        open_ratio[i] = opened / bare_opened;
    }
    printf(" %.0f | %.0f |", median(bare), median(seal));
    print_ratio(seal_ratio);
    print_ratio(open_ratio);
}

static void row(const char *name, const struct cv_suite *suite)
{
    struct bare b = bare_open_keys(suite);
    struct ipsec *p = make_plane();

    install(p, suite);
    printf("| %s |", name);
    for (size_t i = 0; i < COUNT(sizes); i++)
        measure(p, &b, sizes[i]);
    putchar('\n');
    fflush(stdout);
    ipsec_close(p);
    bare_free_keys(&b);
}

static void header(void)
{
    printf("| octets |");
    for (size_t i = 0; i < COUNT(sizes); i++)
        printf(" %zu: bare ns | seal ns | seal | open |", sizes[i]);
    printf("\n|---|");
    for (size_t i = 0; i < COUNT(sizes) * 4; i++)
        printf("---|");
    putchar('\n');
}

int main(void)
{
    char name[64];

    header();
    for (size_t i = 0; i < COUNT(aeads); i++)
        row(aeads[i].name, &(struct cv_suite){.encr = aeads[i].id, .encr_bits = aeads[i].bits});
    for (size_t i = 0; i < COUNT(ciphers) * COUNT(integs); i++) {
        const struct named *c = &ciphers[i / COUNT(integs)], *m = &integs[i % COUNT(integs)];

        snprintf(name, sizeof(name), "%s-%s", c->name, m->name);
        row(name, &(struct cv_suite){.encr = c->id, .encr_bits = c->bits, .integ = m->id});
    }
    for (size_t i = 0; i < COUNT(integs); i++) {
        snprintf(name, sizeof(name), "AH %s", integs[i].name);
        row(name, &(struct cv_suite){.integ = integs[i].id});
    }
    return 0;
}
