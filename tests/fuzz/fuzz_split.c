/* An IPv4 packet in pieces: they fit, say where they belong, and together are the packet.
 *
 * The first two octets of the input are the MTU; the rest is the packet, whose header gets a
 * right checksum.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "ipsec/split.h"
#include "wire/ip.h"

enum { PACKET_MAX = 4096, MF = 0x2000, OFFSET = 0x1fff };

static size_t sum_header(uint8_t *packet, size_t n)
{
    const size_t len = n < 20 ? 0 : (packet[0] & 15U) * 4;

    if (len >= 20 && len <= n && packet[0] >> 4 == 4)
        ip_patch(packet, n, 9, packet[9]);
    return len;
}

static unsigned frag_of(const struct cv_packet *p)
{
    return (unsigned)cv_packet_data(p)[6] << 8 | cv_packet_data(p)[7];
}

/* p holds the data from at on; returns where it ends. */
static size_t check_piece(const struct cv_packet *p, struct cv_span whole, size_t at,
                          unsigned frag)
{
    struct ip_flow f;

    FUZZ_CHECK(ip_parse(&f, span(cv_packet_data(p), p->len)) == CV_OK);
    FUZZ_CHECK(f.total_len == p->len && f.fragment && f.hdr_len <= 60);
    FUZZ_CHECK((frag_of(p) & OFFSET) == (frag & OFFSET) + at / 8 && at % 8 == 0);
    FUZZ_CHECK(at + p->len - f.hdr_len <= whole.n);
    FUZZ_CHECK(memcmp(cv_packet_data(p) + f.hdr_len, whole.p + at, p->len - f.hdr_len) == 0);
    return at + p->len - f.hdr_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t buf[PACKET_MAX] = {0}, other[PACKET_MAX];
    struct cv_packet pkt = {.buf = buf, .cap = sizeof(buf)};
    const size_t mtu = n < 3 ? 0 : (size_t)data[0] << 8 | data[1];
    size_t hdr, at = 0;
    struct cv_span whole;
    unsigned frag;

    if (n < 3 || n - 2 > PACKET_MAX)
        return 0;
    pkt.len = n - 2;
    memcpy(buf, data + 2, pkt.len);
    hdr = sum_header(buf, pkt.len);
    whole = span(data + 2 + hdr, hdr > pkt.len ? 0 : pkt.len - hdr);
    frag = frag_of(&pkt);
    for (;;) {
        struct cv_packet first = {.buf = other, .cap = sizeof(other)};

        if (split_first(&pkt, mtu, &first) != CV_OK)
            break;
        FUZZ_CHECK(first.len <= mtu && (frag_of(&first) & MF) != 0);
        at = check_piece(&first, whole, at, frag);
        FUZZ_CHECK(check_piece(&pkt, whole, at, frag) == whole.n);
        FUZZ_CHECK((frag_of(&pkt) & MF) == (frag & MF));
    }
    return 0;
}
