/* What the dearest message of somebody unknown costs: an IKE_SA_INIT of 150 transforms that
 * nobody has, and the same with a good proposal at its end but the wrong group, beside one and
 * 10,000 connections that anybody may use.  Microseconds of processor time a packet, answer
 * included.  It asks the public interface alone, so that older trees can be measured with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <culvert/engine.h>

enum { ROUNDS = 300, JUNK = 150, OCTETS = 2048, HEAD = 128 };

extern const struct cv_crypto cv_crypto_openssl;

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* ---- the message ---- */

struct octets {
    uint8_t b[OCTETS];
    size_t n;
};

static void put(struct octets *o, uint32_t value, unsigned len)
{
    for (unsigned i = len; i-- > 0;)
        o->b[o->n++] = (uint8_t)(value >> (8 * i));
}

static void put_transform(struct octets *o, uint8_t type, uint16_t id, uint16_t bits, bool last)
{
    put(o, last ? 0 : 3, 1);
    put(o, 0, 1);
    put(o, bits != 0 ? 12 : 8, 2);
    put(o, type, 1);
    put(o, 0, 1);
    put(o, id, 2);
    if (bits != 0)
        put(o, 0x800e0000 | bits, 4);
}

static void put_length(struct octets *o, size_t at, size_t from)
{
    o->b[at] = (uint8_t)((o->n - from) >> 8);
    o->b[at + 1] = (uint8_t)(o->n - from);
}

static void write_message(struct octets *o, bool good)
{
    size_t sa;

    put(o, 1, 8); /* SPI */
    put(o, 0, 8);
    put(o, 33, 1); /* SA */
    put(o, 0x202208, 3);
    put(o, 0, 8);
    sa = o->n;
    put(o, 34, 2);
    o->b[sa] = 34; /* KE */
    o->b[sa + 1] = 0;
    put(o, 0, 2);
    put(o, 0, 4);
    put(o, 1, 1); /* proposal 1, IKE, no SPI */
    put(o, 1, 1);
    put(o, 0, 1);
    put(o, good ? JUNK + 3 : JUNK, 1);
    for (unsigned i = 0; i < JUNK; i++)
        put_transform(o, 1 + i % 4, (uint16_t)(40000 + i), 0, !good && i + 1 == JUNK);
    if (good) {
        put_transform(o, CV_ENCR, CV_ENCR_AES_GCM_16, 128, false);
        put_transform(o, CV_PRF, CV_PRF_HMAC_SHA2_256, 0, false);
        put_transform(o, CV_KE, CV_KE_X25519, 0, true);
    }
    put_length(o, sa + 6, sa + 4);
    put_length(o, sa + 2, sa);
    put(o, 40 << 24 | 40, 4); /* KE of 32 octets, a nonce behind it */
    put(o, 40000u << 16, 4);
    o->n += 32;
    put(o, 36, 4); /* nonce of 32 octets */
    o->n += 32;
    put_length(o, 26, 0);
}

/* ---- the connections ---- */

/* Everything that a test machine's backend has, as charon's "default" would list it. */
static const struct cv_proposal wanted = {
    CV_PROTO_IKE,
    9,
    {{CV_ENCR, CV_ENCR_AES_GCM_16, 128},
      {CV_ENCR, CV_ENCR_AES_GCM_16, 256},
      {CV_ENCR, CV_ENCR_CHACHA20_POLY1305, 0},
      {CV_PRF, CV_PRF_HMAC_SHA2_256, 0},
      {CV_PRF, CV_PRF_HMAC_SHA2_384, 0},
      {CV_PRF, CV_PRF_HMAC_SHA2_512, 0},
      {CV_KE, CV_KE_X25519, 0},
      {CV_KE, CV_KE_ECP_256, 0},
      {CV_KE, CV_KE_ECP_384, 0}}
};

static struct cv_engine *open_engine(void **memory, struct cv_conn *conns, uint32_t n)
{
    const struct cv_settings set = {
        .limits = {.ike_sas = 1000,
                   .child_sas = 1000,
                   .conns = n,
                   .handshakes = 100,
                   .messages = 400,
                   .message_size = 4096,
                   .effects = 64},
        .crypto = &cv_crypto_openssl,
        .cookie_threshold = UINT32_MAX, /* the whole way, every time */
    };
    const size_t size = cv_engine_size(&set.limits), align = alignof(max_align_t);
    struct cv_engine *e;

    *memory = aligned_alloc(align, (size + align - 1) / align * align);
    if (*memory == NULL || cv_engine_init(&e, *memory, size, &set, 0) != CV_OK)
        die("no room for the engine");
    for (uint32_t i = 0; i < n; i++) {
        conns[i] = (struct cv_conn){.name = "bench", .proposals = &wanted, .n_proposals = 1};
        if (cv_conn_add(e, &conns[i]) != CV_OK)
            die("no room for a connection");
    }
    return e;
}

static double measure(struct cv_engine *e, const struct octets *message)
{
    uint8_t buf[HEAD + OCTETS];
    struct cv_effect fx;
    clock_t start = clock();

    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct cv_packet p = {.buf = buf, .cap = sizeof(buf), .off = HEAD, .len = message->n};

        p.local = (struct cv_endpoint){
            {CV_IPV4, {192, 0, 2, 1}},
            500
        };
        p.remote = (struct cv_endpoint){
            {CV_IPV4, {203, 0, 113, (uint8_t)i}},
            500
        };
        memcpy(buf + HEAD, message->b, message->n);
        memcpy(buf + HEAD, &i, sizeof(i)); /* an SPI of its own */
        cv_input(e, &p, 1, 1 + i);
        while (cv_next_effect(e, &fx))
            ;
    }
    return (double)(clock() - start) / CLOCKS_PER_SEC * 1e6 / ROUNDS;
}

int main(void)
{
    static const uint32_t counts[] = {1, 1000, 10000};

    printf("| connections | %d junk transforms | and a proposal that fits, wrong group |\n"
           "| ---: | ---: | ---: |\n",
           JUNK);
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct cv_conn *conns = calloc(counts[i], sizeof(*conns));
        struct octets junk = {{0}, 0}, good = {{0}, 0};
        void *memory;
        struct cv_engine *e;

        if (conns == NULL)
            die("no room for connections");
        e = open_engine(&memory, conns, counts[i]);
        write_message(&junk, false);
        write_message(&good, true);
        printf("| %u | %.1f us |", counts[i], measure(e, &junk));
        printf(" %.1f us |\n", measure(e, &good));
        cv_engine_close(e);
        free(memory);
        free(conns);
    }
    return 0;
}
