/* Somebody on the wire: keeps the ESP or AH frames that leave by a link, and later puts them on
 * it again, as they were or each with one random bit changed.
 *   attacker keep IFACE esp|ah|udp COUNT FILE
 *   attacker replay|flip IFACE FILE COUNT SEED QUEUE
 *
 * What it sends is what arrives: it waits while the receiver's socket, found in QUEUE (a
 * /proc/PID/net/udp or raw, a colon, the local port in hex), has much to read.  IPv4 alone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FRAMES_MAX = 64,
    FRAME_LEN = 1514,
    IP_AT = 14,
    UDP_LEN = 8,
    UDP_SUM_AT = 6,
    NAT_T_PORT = 4500,
    QUEUE_FULL = 1 << 20 /* octets; culvertd's sockets hold four times as much */
};

struct frame {
    uint8_t b[FRAME_LEN];
    uint16_t len, from; /* the SPI of ESP, or the first octet of AH */
    uint8_t proto;
};

static struct frame frames[FRAMES_MAX];
static unsigned n_frames;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int open_link(const char *iface)
{
    const struct sockaddr_ll at = {.sll_family = AF_PACKET,
                                   .sll_protocol = htons(ETH_P_ALL),
                                   .sll_ifindex = (int)if_nametoindex(iface)};
    const int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
        die(iface);
    return fd;
}

/* Is it a protected packet of this protocol?  Fills from and proto. */
static bool understand(struct frame *f, uint8_t proto)
{
    const uint8_t *ip = f->b + IP_AT;
    static const uint8_t marker[4];

    f->proto = proto;
    f->from = (uint16_t)(IP_AT + (ip[0] & 0x0f) * 4);
    if (f->len < f->from + UDP_LEN + 8 || memcmp(f->b + 12, "\x08\x00", 2) != 0)
        return false;
    if (ip[9] != proto || proto != IPPROTO_UDP)
        return ip[9] == proto;
    /* whoever changes a packet sees to its checksum: none */
    memset(f->b + f->from + UDP_SUM_AT, 0, 2);
    f->from += UDP_LEN;
    return f->b[f->from - 6] << 8 == (NAT_T_PORT & 0xff00) &&
           f->b[f->from - 5] == (NAT_T_PORT & 0xff) && memcmp(f->b + f->from, marker, 4) != 0;
}

/* ---- keeping ---- */

static void keep(const char *iface, uint8_t proto, unsigned want, const char *path)
{
    const int fd = open_link(iface);
    FILE *file = fopen(path, "w");
    struct frame f = {.len = 0};

    if (file == NULL)
        die(path);
    puts("listening");
    fflush(stdout);
    for (unsigned n = 0; n < want;) {
        struct sockaddr_ll from;
        socklen_t from_len = sizeof(from);
        const ssize_t got =
            recvfrom(fd, f.b, sizeof(f.b), 0, (struct sockaddr *)&from, &from_len);

        if (got < 0)
            die("recvfrom");
        f.len = (uint16_t)got;
        if (from.sll_pkttype != PACKET_OUTGOING || !understand(&f, proto))
            continue;
        if (fwrite(&f, sizeof(f), 1, file) != 1)
            die(path);
        n++;
    }
    if (fclose(file) != 0)
        die(path);
}

/* ---- sending ---- */

static void load(const char *path)
{
    FILE *file = fopen(path, "r");

    if (file == NULL)
        die(path);
    while (n_frames < FRAMES_MAX && fread(&frames[n_frames], sizeof(frames[0]), 1, file) == 1)
        n_frames++;
    fclose(file);
    if (n_frames == 0)
        die("no frames");
}

/* Octets that wait to be read: rx_queue of the line with this local port. */
static unsigned long waiting(const char *path, const char *port)
{
    char line[512], local[64], queues[64];
    unsigned long n = 0;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        die(path);
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, " %*s %63s %*s %*s %63s", local, queues) == 2 &&
            strstr(local, port) != NULL && strchr(queues, ':') != NULL)
            n += strtoul(strchr(queues, ':') + 1, NULL, 16);
    fclose(file);
    return n;
}

static void wait_for_reader(const char *queue)
{
    const char *port = strrchr(queue, ':');
    char path[256];

    if (port == NULL)
        die("queue");
    snprintf(path, sizeof(path), "%.*s", (int)(port - queue), queue);
    while (waiting(path, port) > QUEUE_FULL)
        usleep(500);
}

static uint64_t next_random(uint64_t *state) /* xorshift64* */
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static void send_all(int fd, unsigned n)
{
    struct mmsghdr msgs[FRAMES_MAX] = {0};
    struct iovec iov[FRAMES_MAX];
    unsigned done = 0;

    for (unsigned i = 0; i < n; i++) {
        iov[i] = (struct iovec){frames[i].b, frames[i].len};
        msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    while (done < n) {
        const int sent = sendmmsg(fd, msgs + done, n - done, 0);

        if (sent < 0)
            die("sendmmsg");
        done += (unsigned)sent;
    }
}

/* Frame i with the bit changed; the second time it is as before. */
static void flip(unsigned i, size_t bit)
{
    frames[i].b[frames[i].from + bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static void attack(const char *iface, bool changing, uint64_t count, uint64_t seed,
                   const char *queue)
{
    uint64_t random = seed * 2 + 1, spi = 0, number = 0, other = 0;
    const int fd = open_link(iface);
    size_t bits[FRAMES_MAX];

    for (uint64_t sent = 0; sent < count;) {
        const unsigned n = count - sent < n_frames ? (unsigned)(count - sent) : n_frames;

        for (unsigned i = 0; changing && i < n; i++) {
            /* AH: next header, length and 16 reserved bits come before the SPI */
            const size_t at = frames[i].proto == IPPROTO_AH ? 32 : 0;

            bits[i] = next_random(&random) % ((frames[i].len - (size_t)frames[i].from) * 8);
            flip(i, bits[i]);
            spi += bits[i] - at < 32;
            number += bits[i] - at - 32 < 32;
            other += bits[i] - at >= 64;
        }
        wait_for_reader(queue);
        send_all(fd, n);
        for (unsigned i = 0; changing && i < n; i++)
            flip(i, bits[i]);
        sent += n;
    }
    printf("%" PRIu64 " sent", count);
    if (changing)
        printf(", changed in the SPI %" PRIu64 ", the number %" PRIu64 ", elsewhere %" PRIu64
               "; seed %" PRIu64,
               spi, number, other, seed);
    putchar('\n');
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "keep") == 0) {
        const uint8_t proto = strcmp(argv[3], "udp") == 0  ? IPPROTO_UDP
                              : strcmp(argv[3], "ah") == 0 ? IPPROTO_AH
                                                           : IPPROTO_ESP;

        keep(argv[2], proto, (unsigned)strtoul(argv[4], NULL, 10), argv[5]);
        return 0;
    }
    if (argc == 7) {
        load(argv[3]);
        attack(argv[2], strcmp(argv[1], "flip") == 0, strtoull(argv[4], NULL, 10),
               strtoull(argv[5], NULL, 10), argv[6]);
        return 0;
    }
    fprintf(stderr, "see the head of attacker.c\n");
    return 2;
}
