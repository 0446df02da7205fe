/* An IP packet as policy sees it.
 *
 * The first octet of the input says whether an IPv4 header gets a right checksum, which
 * chance hardly finds; the rest is the packet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "wire/ip.h"

enum { CHECKSUM_AT = 10, PACKET_MAX = 4096 };

static void put_checksum(uint8_t *packet, size_t n)
{
    size_t len = (packet[0] & 15U) * 4;
    uint16_t sum;

    if (packet[0] >> 4 != 4 || len < 20 || len > n)
        return;
    packet[CHECKSUM_AT] = packet[CHECKSUM_AT + 1] = 0;
    sum = ip_checksum(span(packet, len));
    packet[CHECKSUM_AT] = (uint8_t)(sum >> 8);
    packet[CHECKSUM_AT + 1] = (uint8_t)(sum & 0xff);
    FUZZ_CHECK(ip_checksum(span(packet, len)) == 0);
}

/* What stays in front of ESP ends within the packet, and is nothing but such headers. */
static void check_front(struct cv_span packet)
{
    struct ip_front front, again;

    if (ip_front_take(&front, packet) == CV_OK)
        FUZZ_CHECK(front.len == packet.n && packet.p[front.proto_at] == front.next);
    if (ip_front_split(&front, packet) != CV_OK)
        return;
    FUZZ_CHECK(front.len >= 20 && front.len <= packet.n && front.proto_at < front.len);
    FUZZ_CHECK(packet.p[front.proto_at] == front.next);
    FUZZ_CHECK(front.next == IPPROTO_NUM_DEST_OPTIONS ||
               ip_front_take(&again, span(packet.p, front.len)) == CV_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t packet[PACKET_MAX];
    struct ip_flow f;

    if (n < 2 || n > PACKET_MAX)
        return 0;
    n--;
    memcpy(packet, data + 1, n);
    if (data[0] & 1)
        put_checksum(packet, n);
    check_front(span(packet, n));
    if (ip_parse(&f, span(packet, n)) != CV_OK)
        return 0;
    FUZZ_CHECK(f.hdr_len >= 20 && f.hdr_len <= f.total_len && f.total_len <= n);
    FUZZ_CHECK(f.src.family == f.dst.family);
    FUZZ_CHECK(f.src.family == CV_IPV4 || f.src.family == CV_IPV6);
    FUZZ_CHECK(f.src.family == CV_IPV4 || f.df);
    FUZZ_CHECK(!f.ports_known || f.total_len >= f.hdr_len + 2);
    FUZZ_CHECK(f.ports_known || (f.sport == 0 && f.dport == 0));
    return 0;
}
