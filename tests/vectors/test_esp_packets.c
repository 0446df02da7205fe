/* ESP packets of other implementations and of the RFCs: esp/rfc_packets.json and
 * esp/odp_packets.json of the shared test vectors, read in place.  Skipped when they are
 * not there.
 *
 * Every ESP packet is opened and compared with its payload, transport mode too, since
 * below the next header there is no difference.  The tunnel mode ones whose suite a
 * real SA accepts then go through the whole data plane, as do all AH packets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ipsec/ah.h"
#include "ipsec/esp.h"
#include "ipsec/ipsec.h"
#include "tests/support/hex.h"
#include "tests/support/ipsec_fixture.h"
#include "tests/support/no_integ.h"
#include "tests/support/own_sa.h"

#define VECTORS TEST_SHARED "/vectors/esp/"

enum { SKIPPED = 77, IP_LEN = 20, UDP_LEN = 8 };

static const uint64_t SEED[2] = {1, 2};

/* clang-format off */
static const struct { const char *name; uint16_t id; uint8_t salt_len; } encrs[] = {
    {"null",              CV_ENCR_NULL,              0},
    {"aes-cbc",           CV_ENCR_AES_CBC,           0},
    {"aes-ctr",           CV_ENCR_AES_CTR,           4},
    {"aes-gcm-16",        CV_ENCR_AES_GCM_16,        4},
    {"null-aes-gmac",     CV_ENCR_NULL_GMAC,         4},
    {"chacha20-poly1305", CV_ENCR_CHACHA20_POLY1305, 4},
};

static const struct { const char *name; uint16_t id; } integs[] = {
    {"null",              NO_INTEG},
    {"hmac-sha1-96",      CV_INTEG_HMAC_SHA1_96},
    {"hmac-sha2-256-128", CV_INTEG_HMAC_SHA2_256_128},
    {"hmac-sha2-384-192", CV_INTEG_HMAC_SHA2_384_192},
    {"hmac-sha2-512-256", CV_INTEG_HMAC_SHA2_512_256},
};
/* clang-format on */

/* One test of a file, with what an SA needs. */
struct vector {
    const char *name;
    const json_t *expect;
    bool tunnel, udp;
    struct cv_suite suite;
    uint8_t key_octets[128];
    struct cv_span key;
    uint8_t packet[BUF_LEN]; /* from the outer IP header on */
    size_t len;
};

static const char *text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s != NULL ? s : "";
}

static void read_suite(struct vector *v, const json_t *sa)
{
    const struct cv_span encr = hex_read(v->key_octets, 64, text(sa, "key"));
    const struct cv_span integ = hex_read(v->key_octets + encr.n, 64, text(sa, "akey"));

    v->key = span(v->key_octets, encr.n + integ.n);
    for (size_t i = 0; i < sizeof(encrs) / sizeof(encrs[0]); i++)
        if (strcmp(encrs[i].name, text(sa, "enc")) == 0) {
            v->suite.encr = encrs[i].id;
            if (v->suite.encr != CV_ENCR_CHACHA20_POLY1305)
                v->suite.encr_bits = (uint16_t)(8 * (encr.n - encrs[i].salt_len));
        }
    for (size_t i = 0; i < sizeof(integs) / sizeof(integs[0]); i++)
        if (strcmp(integs[i].name, text(sa, "auth")) == 0)
            v->suite.integ = integs[i].id;
}

static void read_vector(struct vector *v, const json_t *test)
{
    const json_t *sa = json_object_get(test, "sa"), *packets = json_object_get(test, "packets");

    *v = (struct vector){.name = text(test, "name")};
    assert_int_equal(json_array_size(packets), 1);
    v->len =
        hex_read(v->packet, sizeof(v->packet), json_string_value(json_array_get(packets, 0))).n;
    v->expect = json_array_get(json_object_get(test, "expect"), 0);
    v->tunnel = strcmp(text(sa, "mode"), "tunnel") == 0;
    v->udp = text(sa, "udp")[0] != '\0';
    read_suite(v, sa);
}

static const struct cv_crypto *crypto_for(const struct vector *v)
{
    static struct cv_crypto weak;

    weak = no_integ_crypto();
    return v->suite.integ == NO_INTEG ? &weak : &cv_crypto_openssl;
}

/* What the network hands over: outer headers are gone. */
static struct cv_packet arrive(const struct vector *v, uint8_t buf[BUF_LEN])
{
    const size_t outer = IP_LEN + (v->udp ? UDP_LEN : 0U);
    struct cv_packet pkt;

    memcpy(buf + CV_HEADROOM, v->packet, v->len);
    pkt = packet_in(buf, v->len - outer);
    pkt.off += outer;
    pkt.tos = v->packet[1];
    pkt.carrier = v->udp ? CV_UDP_4500 : CV_RAW_ESP;
    return pkt;
}

static void check_payload(const struct vector *v, const struct cv_packet *pkt)
{
    uint8_t octets[BUF_LEN];
    const struct cv_span want = hex_read(octets, sizeof(octets), text(v->expect, "payload"));

    assert_int_equal(pkt->len, want.n);
    assert_memory_equal(cv_packet_data(pkt), want.p, want.n);
}

static void try_esp(const struct vector *v)
{
    uint8_t buf[BUF_LEN], next_header;
    struct cv_packet pkt = arrive(v, buf);
    const json_t *nh = json_object_get(v->expect, "nh");
    uint32_t spi, seq;
    struct esp_sa sa;

    assert_int_equal(esp_read_header(&pkt, &spi, &seq), CV_OK);
    assert_int_equal(own_esp_open(&sa, crypto_for(v), &v->suite, spi, v->key), CV_OK);
    assert_int_equal(esp_check_len(&sa, pkt.len), CV_OK);
    assert_int_equal(esp_open(&sa, seq, &pkt), CV_OK);
    assert_int_equal(esp_strip(&pkt, &next_header), CV_OK);
    if (nh != NULL)
        assert_int_equal(next_header, json_integer_value(nh));
    else
        assert_int_equal(next_header, v->tunnel ? IPPROTO_NUM_IPIP : IPPROTO_NUM_ICMP);
    if (nh == NULL)
        check_payload(v, &pkt);
    own_close(&sa);
}

static struct cv_pair_config config_for(const struct vector *v, uint32_t spi)
{
    return (struct cv_pair_config){
        .spi_in = spi,
        .spi_out = 1,
        .protocol = CV_PROTO_ESP,
        .mode = CV_TUNNEL,
        .suite = v->suite,
        .key_in = v->key,
        .key_out = v->key,
        .local_ts = ts_one(ts_any(CV_IPV4)),
        .remote_ts = ts_one(ts_any(CV_IPV4)),
        .replay_window = 64,
    };
}

/* The whole plane; a dummy packet and a second arrival included. */
static void try_plane(const struct vector *v)
{
    static _Alignas(max_align_t) uint8_t mem[8192];
    struct arena a = {.p = mem, .cap = sizeof(mem)};
    struct ipsec *p = ipsec_init(&a, 1, 0, crypto_for(v), SEED);
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt = arrive(v, buf);
    const bool dummy = json_object_get(v->expect, "nh") != NULL;
    struct cv_pair_config cfg;
    struct ipsec_way way;
    uint32_t spi, seq;

    assert_non_null(p);
    assert_int_equal(esp_read_header(&pkt, &spi, &seq), CV_OK);
    cfg = config_for(v, spi);
    if (spi == 0) { /* one draft packet uses it; RFC 4303 section 2.1 forbids it */
        assert_int_equal(ipsec_install(p, 0, &cfg, 0), CV_ERR_ARGUMENT);
        return;
    }
    assert_int_equal(ipsec_install(p, 0, &cfg, 0), CV_OK);
    ipsec_in(p, &pkt, 0, &way);
    assert_int_equal(pkt.err, seq == 0 ? CV_ERR_REPLAY : CV_OK);
    assert_int_equal(pkt.verdict, seq == 0 ? CV_DROP : dummy ? CV_TAKEN : CV_DELIVER);
    if (pkt.verdict == CV_DELIVER)
        check_payload(v, &pkt);
    pkt = arrive(v, buf);
    ipsec_in(p, &pkt, 0, &way);
    assert_int_equal(pkt.err, CV_ERR_REPLAY);
    ipsec_close(p);
}

/* AH: the whole packet arrives, and what is left of it is known. */
static void try_ah(const struct vector *v)
{
    static _Alignas(max_align_t) uint8_t mem[8192];
    struct arena a = {.p = mem, .cap = sizeof(mem)};
    struct ipsec *p = ipsec_init(&a, 1, 0, &cv_crypto_openssl, SEED);
    uint8_t buf[BUF_LEN], octets[BUF_LEN];
    const struct cv_span want =
        hex_read(octets, sizeof(octets), text(v->expect, "packet_after"));
    struct cv_pair_config cfg = config_for(v, 0);
    struct ah_place at;
    struct ipsec_way way;

    assert_non_null(p);
    for (unsigned again = 0; again < 2; again++) {
        struct cv_packet pkt;

        memcpy(buf + CV_HEADROOM, v->packet, v->len);
        pkt = packet_in(buf, v->len);
        pkt.carrier = CV_RAW_AH;
        assert_int_equal(ah_find(&at, &pkt), CV_OK);
        cfg.protocol = CV_PROTO_AH;
        cfg.mode = v->tunnel ? CV_TUNNEL : CV_TRANSPORT;
        cfg.spi_in = at.ah.spi;
        cfg.local.addr = at.outer.dst;
        cfg.remote.addr = at.outer.src;
        if (again == 0)
            assert_int_equal(ipsec_install(p, 0, &cfg, 0), CV_OK);
        ipsec_in(p, &pkt, 0, &way);
        assert_int_equal(pkt.err, again ? CV_ERR_REPLAY : CV_OK);
        if (again == 0) {
            assert_int_equal(pkt.len, want.n);
            assert_memory_equal(cv_packet_data(&pkt), want.p, want.n);
        }
    }
    ipsec_close(p);
}

static void try_test(const json_t *test)
{
    struct vector v;

    read_vector(&v, test);
    print_message("%s\n", v.name);
    if (strcmp(text(json_object_get(test, "sa"), "proto"), "ah") == 0) {
        try_ah(&v);
        return;
    }
    try_esp(&v);
    if (v.tunnel)
        try_plane(&v);
}

static void try_file(const char *path, size_t want)
{
    json_t *root = json_load_file(path, 0, NULL);
    const json_t *tests = json_object_get(root, "tests"), *test;
    size_t i;

    assert_non_null(root);
    json_array_foreach(tests, i, test) try_test(test);
    assert_int_equal(json_array_size(tests), want);
    json_decref(root);
}

static void packets_of_the_rfcs_open(void **state)
{
    (void)state;
    try_file(VECTORS "rfc_packets.json", 11);
}

static void packets_of_open_data_plane_open(void **state)
{
    (void)state;
    try_file(VECTORS "odp_packets.json", 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_the_rfcs_open),
        cmocka_unit_test(packets_of_open_data_plane_open),
    };
    FILE *f = fopen(VECTORS "rfc_packets.json", "rb");

    if (f == NULL) {
        puts("skipped: " VECTORS " is not there");
        return SKIPPED;
    }
    fclose(f);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
