/* Every ESP suite against packets that others made: scapy 2.5 (the ciphers with a MAC, GCM,
 * CCM and ChaCha20-Poly1305), and for what it lacks a few lines over python-cryptography that
 * follow RFC 4106, 4309, 4543 and 8750.  Our own packets go through the whole data plane.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <culvert/ipsec.h>

#include "tests/support/hex.h"
#include "tests/support/ipsec_fixture.h"

/* What all of them hold; SPI 0x12345678, number 1, key 1, 2, 3 ... */
static const char plain[] =
    "450000230005000009119dc30a0000010a00000203e807d0000f36b763756c76657274";

#define SUITE(e, bits, i)                                                                      \
    {                                                                                          \
        .encr = CV_ENCR_##e, .encr_bits = bits, .integ = CV_INTEG_##i                          \
    }

/* clang-format off */
static const struct {
    const char *name;
    struct cv_suite suite;
    size_t key_len;
    const char *sealed;
} packets[] = {
    {"NULL 0 HMAC-MD5-96", SUITE(NULL, 0, HMAC_MD5_96), 16,
     "1234567800000001450000230005000009119dc30a0000010a00000203e807d0000f36b763756c766572"
     "740102030304bce32ffbeb1940ffccf44f85"},
    {"NULL 0 HMAC-SHA1-96", SUITE(NULL, 0, HMAC_SHA1_96), 20,
     "1234567800000001450000230005000009119dc30a0000010a00000203e807d0000f36b763756c766572"
     "740102030304b2cd7dd0783526a4034a1765"},
    {"NULL 0 SHA2-256-128", SUITE(NULL, 0, HMAC_SHA2_256_128), 32,
     "1234567800000001450000230005000009119dc30a0000010a00000203e807d0000f36b763756c766572"
     "740102030304481252edff636e60e42b60a6bf797495"},
    {"NULL 0 SHA2-384-192", SUITE(NULL, 0, HMAC_SHA2_384_192), 48,
     "1234567800000001450000230005000009119dc30a0000010a00000203e807d0000f36b763756c766572"
     "74010203030420044cae46f7576ca545a0552ea80651d5495d138be1e433"},
    {"NULL 0 SHA2-512-256", SUITE(NULL, 0, HMAC_SHA2_512_256), 64,
     "1234567800000001450000230005000009119dc30a0000010a00000203e807d0000f36b763756c766572"
     "7401020303049ddeeb9a7bd90a866942c784e4c7e2ecff16c8aac0afdd43dd3f04b0cdabcdfa"},
    {"NULL 0 AES-CMAC-96", SUITE(NULL, 0, AES_CMAC_96), 16,
     "1234567800000001450000230005000009119dc30a0000010a00000203e807d0000f36b763756c766572"
     "740102030304d769152faf5cea5a9d613b70"},
    {"AES-CBC 256 SHA2-512-256", SUITE(AES_CBC, 256, HMAC_SHA2_512_256), 96,
     "1234567800000001a0a1a2a3a4a5a6a7a8a9aaabacadaeaf791f839adc9c95dc857fef6fec161de0d0b1"
     "821cdbfe2c20c73c297334d00225618d6717e394887440dedc6058fd9bc0c2ace8b100a9e72dfb99b8dd"
     "54154dd8592a2fb54ffda90dc1a34c7cd55baa23"},
    {"AES-CTR 128 SHA2-256-128", SUITE(AES_CTR, 128, HMAC_SHA2_256_128), 52,
     "1234567800000001a0a1a2a3a4a5a6a721462cacf0da4389c228c307a8d1bc026e68e0657b91fb679b78"
     "6e52c9565b74b0f287c2b2dd49bbb26f5bace006eca961cb5972a5b24ea4"},
    {"AES-CTR 256 SHA2-256-128", SUITE(AES_CTR, 256, HMAC_SHA2_256_128), 68,
     "1234567800000001a0a1a2a3a4a5a6a76a40c15625e6ca381a49b20f39bd820e9225588ea0f275fb910a"
     "c8fe770dd9f8c72135f14a7ed31a4affa5372033ace471464dedd1d2fb78"},
    {"3DES 0 HMAC-SHA1-96", SUITE(3DES, 0, HMAC_SHA1_96), 44,
     "1234567800000001a0a1a2a3a4a5a6a7740af45a4dc58a42b26718bbf8c3c74b40517272d7eb1ffedca0"
     "fd05712a6adf7113a95af94726e5a933b1648a10948caa7021eb"},
    {"AES-GCM 128", SUITE(AES_GCM_16, 128, NONE), 20,
     "1234567800000001a0a1a2a3a4a5a6a72168e044787cfcb79266c526a0233703df80f3c1b3364d6fd3e6"
     "5495d14d325cbe813ed0856849cbeb52995a13ee49d7390047c3b69d0d41"},
    {"AES-CCM 128", SUITE(AES_CCM_16, 128, NONE), 19,
     "1234567800000001a0a1a2a3a4a5a6a7e888006b711169744564e39538c55bbc49c799e067ff387b837b"
     "6d14736913bcf39e8cc0ca247b0dd49abd841e44e2e7bf4b048bd539c016"},
    {"CHACHA20-POLY1305 0", SUITE(CHACHA20_POLY1305, 0, NONE), 36,
     "1234567800000001a0a1a2a3a4a5a6a7115a72bdb2b9df122dc4093ca676cb20e98fc7074ad5914e2c69"
     "007cf23b3db2a85f85ac49755c7939553d55f665b096ffaeac252718a65f"},
    {"AES-GCM-8 128", SUITE(AES_GCM_8, 128, NONE), 20,
     "1234567800000001a0a1a2a3a4a5a6a72168e044787cfcb79266c526a0233703df80f3c1b3364d6fd3e6"
     "5495d14d325cbe813ed0856849cbeb52995a13ee49d7"},
    {"AES-GCM-12 128", SUITE(AES_GCM_12, 128, NONE), 20,
     "1234567800000001a0a1a2a3a4a5a6a72168e044787cfcb79266c526a0233703df80f3c1b3364d6fd3e6"
     "5495d14d325cbe813ed0856849cbeb52995a13ee49d7390047c3"},
    {"AES-CCM-8 128", SUITE(AES_CCM_8, 128, NONE), 19,
     "1234567800000001a0a1a2a3a4a5a6a7e888006b711169744564e39538c55bbc49c799e067ff387b837b"
     "6d14736913bcf39e8cc0ca247b0de61e31039877380a"},
    {"AES-CCM-12 128", SUITE(AES_CCM_12, 128, NONE), 19,
     "1234567800000001a0a1a2a3a4a5a6a7e888006b711169744564e39538c55bbc49c799e067ff387b837b"
     "6d14736913bcf39e8cc0ca247b0d91c25b84c6dec7dc1584ed8b"},
    {"AES-CCM-16 128", SUITE(AES_CCM_16, 128, NONE), 19,
     "1234567800000001a0a1a2a3a4a5a6a7e888006b711169744564e39538c55bbc49c799e067ff387b837b"
     "6d14736913bcf39e8cc0ca247b0dd49abd841e44e2e7bf4b048bd539c016"},
    {"AES-GCM-16 IIV 128", SUITE(AES_GCM_16_IIV, 128, NONE), 20,
     "1234567800000001907b19ced0d4ad11938dbe607434d17cceb97c0f34d3bbb14e42c454898351fd9fba"
     "543bb25f1199e355e15243e0c08e107797c67d0bc0df"},
    {"AES-CCM-8 IIV 128", SUITE(AES_CCM_8_IIV, 128, NONE), 19,
     "1234567800000001cca1f1510cb4e6ac83ffe7dc09bbb864c87e58f189067c13f6c17a8ee2c48aab505d"
     "d3783d0a3b239eec97328f30f9fc"},
    {"AES-GCM-8 192", SUITE(AES_GCM_8, 192, NONE), 28,
     "1234567800000001a0a1a2a3a4a5a6a7aedea76cfbc588605d3441ac29c1051ace83231bbb8cbec8f6d3"
     "2300a4ebd2fbcf71f9bcd81b0c040ca391438a530477"},
    {"AES-GCM-12 192", SUITE(AES_GCM_12, 192, NONE), 28,
     "1234567800000001a0a1a2a3a4a5a6a7aedea76cfbc588605d3441ac29c1051ace83231bbb8cbec8f6d3"
     "2300a4ebd2fbcf71f9bcd81b0c040ca391438a53047717fc270d"},
    {"AES-CCM-8 192", SUITE(AES_CCM_8, 192, NONE), 27,
     "1234567800000001a0a1a2a3a4a5a6a72dd5ed4fff7c5c7b6604f09153750a4fc6d4ca6cb16f25fde82e"
     "5ab9061557c25254cd95290e2d8df6a59be878e16377"},
    {"AES-CCM-12 192", SUITE(AES_CCM_12, 192, NONE), 27,
     "1234567800000001a0a1a2a3a4a5a6a72dd5ed4fff7c5c7b6604f09153750a4fc6d4ca6cb16f25fde82e"
     "5ab9061557c25254cd95290e2d8d6d95f408b1e4bbf2849ed633"},
    {"AES-CCM-16 192", SUITE(AES_CCM_16, 192, NONE), 27,
     "1234567800000001a0a1a2a3a4a5a6a72dd5ed4fff7c5c7b6604f09153750a4fc6d4ca6cb16f25fde82e"
     "5ab9061557c25254cd95290e2d8dab1ebfb8163019fda0da598adf67a2a7"},
    {"AES-GCM-16 IIV 192", SUITE(AES_GCM_16_IIV, 192, NONE), 28,
     "123456780000000104ab692cdb5194062aa9c46959a310557dc03b92510b23f17c9787f78064447d70a1"
     "7d17dd72dd0727762bd9e34fc3d55a00c8e5dbd92eed"},
    {"AES-CCM-8 IIV 192", SUITE(AES_CCM_8_IIV, 192, NONE), 27,
     "12345678000000016ee5144db498069023bbda7575266c8487c06eebb534f1bcf2cc700e35e73df40e17"
     "65b373b9681bcb6afec5e32adb3f"},
    {"AES-GCM-8 256", SUITE(AES_GCM_8, 256, NONE), 36,
     "1234567800000001a0a1a2a3a4a5a6a7dd2558afa31f722b9814638a1e78b58fa85341f24b95d7cebcb7"
     "4c351537341d5cde996dd9d2460aac372286ee812c35"},
    {"AES-GCM-12 256", SUITE(AES_GCM_12, 256, NONE), 36,
     "1234567800000001a0a1a2a3a4a5a6a7dd2558afa31f722b9814638a1e78b58fa85341f24b95d7cebcb7"
     "4c351537341d5cde996dd9d2460aac372286ee812c35f416b7ba"},
    {"AES-CCM-8 256", SUITE(AES_CCM_8, 256, NONE), 35,
     "1234567800000001a0a1a2a3a4a5a6a768ff01ce95764e0e08ad34c900872759434ecea8c390d396eee1"
     "e1572510a6df40bd55e477de63deac652d2ac99c1b8d"},
    {"AES-CCM-12 256", SUITE(AES_CCM_12, 256, NONE), 35,
     "1234567800000001a0a1a2a3a4a5a6a768ff01ce95764e0e08ad34c900872759434ecea8c390d396eee1"
     "e1572510a6df40bd55e477de63de89a5b9797cbdc36001828cd4"},
    {"AES-CCM-16 256", SUITE(AES_CCM_16, 256, NONE), 35,
     "1234567800000001a0a1a2a3a4a5a6a768ff01ce95764e0e08ad34c900872759434ecea8c390d396eee1"
     "e1572510a6df40bd55e477de63de10b8fc71f12bbf8623353636f9f3779c"},
    {"AES-GCM-16 IIV 256", SUITE(AES_GCM_16_IIV, 256, NONE), 36,
     "12345678000000010c8e8fa52c2f0ac30dc59f6c8fe1871a8a91308e1bd36cb7c190a87e094dd03cd48f"
     "3d47c0e316011f9cbb94f6f97ee00cf91996ab82414e"},
    {"AES-CCM-8 IIV 256", SUITE(AES_CCM_8_IIV, 256, NONE), 35,
     "12345678000000017fad8691751149486a082e5f2d87d330049540d086c44bcd2a44909c905b15512918"
     "7d6d08642258a120bd3ae2238c0d"},
    {"ChaCha20-Poly1305 IIV", SUITE(CHACHA20_POLY1305_IIV, 0, NONE), 36,
     "123456780000000170a3fe141b65a9b760ced3c47f2a8ec6ba05b3092e2415527a9ed773588157bb6127"
     "056aa144673f1b911b880d345f661147d9359afb7e07"},
    {"AES-GMAC 128", SUITE(NULL_GMAC, 128, NONE), 20,
     "1234567800000001a0a1a2a3a4a5a6a7450000230005000009119dc30a0000010a00000203e807d0000f"
     "36b763756c76657274010203030462ca9cb133001f2afd1c467ebb891c83"},
    {"AES-GMAC 192", SUITE(NULL_GMAC, 192, NONE), 28,
     "1234567800000001a0a1a2a3a4a5a6a7450000230005000009119dc30a0000010a00000203e807d0000f"
     "36b763756c766572740102030304c9c2e3e7489665673175126b5f2dcd90"},
    {"AES-GMAC 256", SUITE(NULL_GMAC, 256, NONE), 36,
     "1234567800000001a0a1a2a3a4a5a6a7450000230005000009119dc30a0000010a00000203e807d0000f"
     "36b763756c7665727401020303042ddf113d4813f49c116899ca7057f75b"},
};
/* clang-format on */

enum { N_PACKETS = sizeof(packets) / sizeof(packets[0]) };

static uint8_t key_octets[100];

static struct cv_sa_config config(unsigned i)
{
    for (unsigned k = 0; k < sizeof(key_octets); k++)
        key_octets[k] = (uint8_t)(k + 1);
    return (struct cv_sa_config){
        .crypto = &cv_crypto_openssl,
        .protocol = CV_PROTO_ESP,
        .mode = CV_TUNNEL,
        .spi = 0x12345678,
        .encr = packets[i].suite.encr,
        .encr_bits = packets[i].suite.encr_bits,
        .integ = packets[i].suite.integ,
        .key = span(key_octets, packets[i].key_len),
        .window = 64,
    };
}

static struct cv_packet load(uint8_t buf[BUF_LEN], const char *text)
{
    const struct cv_span s = hex_read(buf + CV_HEADROOM, BUF_LEN - CV_HEADROOM, text);
    struct cv_packet pkt = packet_in(buf, s.n);

    pkt.carrier = CV_RAW_ESP;
    return pkt;
}

static void check_plain(const struct cv_packet *pkt)
{
    uint8_t want[64];
    const struct cv_span s = hex_read(want, sizeof(want), plain);

    assert_int_equal(pkt->len, s.n);
    assert_memory_equal(cv_packet_data(pkt), s.p, s.n);
}

static void packets_of_others_open(void **state)
{
    uint8_t buf[BUF_LEN];

    (void)state;
    for (unsigned i = 0; i < N_PACKETS; i++) {
        const struct cv_sa_config cfg = config(i);
        struct cv_packet pkt = load(buf, packets[i].sealed);
        struct cv_sa sa;

        print_message("%s\n", packets[i].name);
        assert_int_equal(cv_sa_init(&sa, &cfg), CV_OK);
        assert_int_equal(cv_sa_open(&sa, &pkt), CV_OK);
        check_plain(&pkt);
        cv_sa_close(&sa);
    }
}

static void every_flipped_bit_of_them_is_refused(void **state)
{
    uint8_t buf[BUF_LEN];

    (void)state;
    for (unsigned i = 0; i < N_PACKETS; i++) {
        const struct cv_sa_config cfg = config(i);
        struct cv_sa sa;

        assert_int_equal(cv_sa_init(&sa, &cfg), CV_OK);
        for (size_t bit = 0; bit < strlen(packets[i].sealed) * 4; bit++) {
            struct cv_packet pkt = load(buf, packets[i].sealed);

            cv_packet_data(&pkt)[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_not_equal(cv_sa_open(&sa, &pkt), CV_OK);
            assert_int_equal(pkt.verdict, CV_DROP);
        }
        cv_sa_close(&sa);
    }
}

/* Where the IV is the sequence number, our packet is theirs to the last octet. */
static void sealed_packets_have_their_length_and_open(void **state)
{
    uint8_t buf[BUF_LEN], theirs[256];

    (void)state;
    for (unsigned i = 0; i < N_PACKETS; i++) {
        const struct cv_sa_config cfg = config(i);
        const struct cv_span want = hex_read(theirs, sizeof(theirs), packets[i].sealed);
        const struct cv_aead *const *aead = cv_crypto_openssl.aeads;
        struct cv_packet pkt = load(buf, plain);
        struct cv_sa sender, receiver;

        assert_int_equal(cv_sa_init(&sender, &cfg), CV_OK);
        assert_int_equal(cv_sa_init(&receiver, &cfg), CV_OK);
        assert_int_equal(cv_sa_seal(&sender, &pkt), CV_OK);
        assert_int_equal(pkt.len, want.n);
        while (*aead != NULL && ((*aead)->id != cfg.encr || (*aead)->iv_len != 0))
            aead++;
        if (*aead != NULL || cfg.encr == CV_ENCR_NULL)
            assert_memory_equal(cv_packet_data(&pkt), want.p, want.n);
        assert_int_equal(cv_sa_open(&receiver, &pkt), CV_OK);
        check_plain(&pkt);
        cv_sa_close(&sender);
        cv_sa_close(&receiver);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_others_open),
        cmocka_unit_test(every_flipped_bit_of_them_is_refused),
        cmocka_unit_test(sealed_packets_have_their_length_and_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
