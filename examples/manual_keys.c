/* Two programs that share a key protect their packets with ESP: no IKE, no daemon, no
 * allocation, everything in place.  Here both are one program, and the network is a copy.
 *
 *     cc manual_keys.c $(pkg-config --cflags --libs culvert)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <culvert/ipsec.h>

/* 10.0.0.1 sends "21.5 C" to UDP port 1883 of 10.0.0.2. */
static const uint8_t reading[] = {
    0x45, 0, 0, 34,   0,    1,    0,    0, 64, 17, 0x66, 0xc8, 10,  0,   0,   1,   10,
    0,    0, 2, 0xc3, 0x50, 0x07, 0x5b, 0, 14, 0,  0,    '2',  '1', '.', '5', ' ', 'C',
};

/* AES-128-GCM: 16 octets of key, 4 of salt.  Use random ones, and each pair of SPI and key
 * for one SA only. */
static const uint8_t key[20] = "not a random key ...";

int main(void)
{
    static struct cv_sa sender, receiver;
    static uint8_t buf[CV_HEADROOM + 1500 + CV_TAILROOM];
    const struct cv_sa_config cfg = {
        .crypto = &cv_crypto_openssl,
        .protocol = CV_PROTO_ESP,
        .mode = CV_TUNNEL,
        .spi = 0x1001,
        .encr = CV_ENCR_AES_GCM_16,
        .encr_bits = 128,
        .key = {key, sizeof(key)},
        .window = 64,
    };
    struct cv_packet pkt = {.buf = buf, .cap = sizeof(buf), .off = CV_HEADROOM};

    if (cv_sa_init(&sender, &cfg) != CV_OK || cv_sa_init(&receiver, &cfg) != CV_OK)
        return 1;
    pkt.len = sizeof(reading);
    memcpy(cv_packet_data(&pkt), reading, sizeof(reading));

    if (cv_sa_seal(&sender, &pkt) != CV_OK)
        return 1;
    printf("sealed: %zu octets for protocol 50\n", pkt.len);

    if (cv_sa_open(&receiver, &pkt) != CV_OK) { /* pkt.carrier is CV_RAW_ESP */
        fprintf(stderr, "%s\n", cv_err_text(pkt.err));
        return 1;
    }
    printf("opened: %.6s\n", (const char *)cv_packet_data(&pkt) + 28);
    cv_sa_close(&sender);
    cv_sa_close(&receiver);
    return 0;
}
