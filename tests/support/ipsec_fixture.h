/* What the ESP and data plane tests share: suites, keys, IP packets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_IPSEC_FIXTURE_H
#define TESTS_IPSEC_FIXTURE_H

#include <string.h>

#include <culvert/engine.h>

#include "base/span.h"
#include "wire/ip.h"

struct named_suite {
    const char *name;
    struct cv_suite suite;
    size_t key_len;
};

/* clang-format off */
#define SUITE(e, bits, i) {.encr = CV_ENCR_##e, .encr_bits = bits, .integ = CV_INTEG_##i}

static const struct named_suite suites[] = {
    /* name, transforms, octets of keying material per direction */
    {"AES-GCM-16 128",        SUITE(AES_GCM_16, 128, NONE), 20},
    {"AES-GCM-16 256",        SUITE(AES_GCM_16, 256, NONE), 36},
    {"AES-GCM-12 192",        SUITE(AES_GCM_12, 192, NONE), 28},
    {"AES-GCM-8 128",         SUITE(AES_GCM_8, 128, NONE), 20},
    {"AES-CCM-8 128",         SUITE(AES_CCM_8, 128, NONE), 19},
    {"AES-CCM-12 192",        SUITE(AES_CCM_12, 192, NONE), 27},
    {"AES-CCM-16 256",        SUITE(AES_CCM_16, 256, NONE), 35},
    {"ChaCha20-Poly1305",     SUITE(CHACHA20_POLY1305, 0, NONE), 36},
    {"AES-CBC 128 SHA-1",     SUITE(AES_CBC, 128, HMAC_SHA1_96), 36},
    {"AES-CBC 256 SHA-256",   SUITE(AES_CBC, 256, HMAC_SHA2_256_128), 64},
    {"AES-CBC 192 SHA-384",   SUITE(AES_CBC, 192, HMAC_SHA2_384_192), 72},
    {"AES-CBC 256 SHA-512",   SUITE(AES_CBC, 256, HMAC_SHA2_512_256), 96},
    {"AES-CTR 128 SHA-256",   SUITE(AES_CTR, 128, HMAC_SHA2_256_128), 52},
    {"NULL SHA-256",          SUITE(NULL, 0, HMAC_SHA2_256_128), 32},
    {"3DES SHA-1",            SUITE(3DES, 0, HMAC_SHA1_96), 44},
    {"AES-GCM-16 IIV 128",    SUITE(AES_GCM_16_IIV, 128, NONE), 20},
    {"AES-CCM-8 IIV 128",     SUITE(AES_CCM_8_IIV, 128, NONE), 19},
    {"ChaCha20-Poly1305 IIV", SUITE(CHACHA20_POLY1305_IIV, 0, NONE), 36},
};

#undef SUITE

/* Keying material that differs by direction. */
static const uint8_t keymat[2][100] = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
     17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
     33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48},
    {101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116,
     117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132,
     133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148},
};
/* clang-format on */

enum { N_SUITES = sizeof(suites) / sizeof(suites[0]), BUF_LEN = 2048 };

static inline struct cv_addr ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct cv_addr){
        CV_IPV4, {a, b, c, d}
    };
}

/* 2001:db8:net::host */
static inline struct cv_addr ip6(uint8_t net, uint8_t host)
{
    return (struct cv_addr){
        CV_IPV6, {0x20, 0x01, 0x0d, 0xb8, 0, net, [15] = host}
    };
}

/* All protocols and ports. */
static inline struct cv_ts ts_range(struct cv_addr lo, struct cv_addr hi)
{
    struct cv_ts ts = {.family = lo.family, .port_hi = UINT16_MAX};

    memcpy(ts.lo, lo.b, sizeof(ts.lo));
    memcpy(ts.hi, hi.b, sizeof(ts.hi));
    return ts;
}

static inline struct cv_ts ts_host(struct cv_addr a)
{
    return ts_range(a, a);
}

static inline struct cv_ts ts_any(uint8_t family)
{
    struct cv_addr lo = {.family = family}, hi = {.family = family};

    memset(hi.b, 0xff, addr_len(family));
    return ts_range(lo, hi);
}

static inline struct cv_ts_list ts_one(struct cv_ts ts)
{
    return (struct cv_ts_list){1, {ts}};
}

/* A UDP packet with n octets of payload at out; returns its length. */
static inline size_t make_udp(uint8_t *out, struct cv_addr src, struct cv_addr dst,
                              uint16_t sport, uint16_t dport, size_t n)
{
    const bool v6 = src.family == CV_IPV6;
    struct wr w = wr_init(out, BUF_LEN);

    if (v6) {
        wr_u32(&w, 0x60000000);
        wr_u16(&w, (uint16_t)(8 + n));
        wr_u8(&w, IPPROTO_NUM_UDP);
        wr_u8(&w, 64);
    } else {
        wr_u16(&w, 0x4500);
        wr_u16(&w, (uint16_t)(28 + n));
        wr_u32(&w, 0x12340000);
        wr_u8(&w, 64);
        wr_u8(&w, IPPROTO_NUM_UDP);
        wr_u16(&w, 0);
    }
    wr_copy(&w, src.b, addr_len(src.family));
    wr_copy(&w, dst.b, addr_len(dst.family));
    if (!v6)
        wr_patch_u16(&w, 10, ip_checksum(span(out, 20)));
    wr_u16(&w, sport);
    wr_u16(&w, dport);
    wr_u16(&w, (uint16_t)(8 + n));
    wr_u16(&w, 0);
    for (size_t i = 0; i < n; i++)
        wr_u8(&w, (uint8_t)i);
    return w.n;
}

/* Sets the DSCP and ECN octet of a packet made by make_udp. */
static inline void set_tos(uint8_t *packet, uint8_t tos)
{
    struct wr w = wr_init(packet, 40);

    if (packet[0] >> 4 == 6) {
        wr_u16(&w, (uint16_t)(0x6000 | tos << 4));
        return;
    }
    packet[1] = tos;
    packet[10] = packet[11] = 0;
    wr_zero(&w, 0);
    w.n = 20;
    wr_patch_u16(&w, 10, ip_checksum(span(packet, 20)));
}

static inline struct cv_packet packet_in(uint8_t buf[BUF_LEN], size_t len)
{
    return (struct cv_packet){
        .buf = buf,
        .cap = BUF_LEN,
        .off = CV_HEADROOM,
        .len = len,
    };
}

#endif
