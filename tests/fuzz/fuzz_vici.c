/* A VICI packet as a client may send it.
 *
 * What decodes is encoded again and must give the same packet: the encoding has one
 * form for every message.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "vici/vici_codec.h"

enum { PACKET_MAX = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t octets[PACKET_MAX];
    struct wr w = wr_init(octets, sizeof(octets));
    struct vici_packet packet;

    if (n > PACKET_MAX - VICI_LENGTH || !vici_decode(&packet, span(data, n)))
        return 0;
    FUZZ_CHECK(strlen(packet.name) <= VICI_NAME_MAX);
    FUZZ_CHECK(vici_encode(&w, packet.type, packet.name, packet.message));
    FUZZ_CHECK(w.n == n + VICI_LENGTH);
    FUZZ_CHECK(vici_encoded_size(packet.type, packet.name, packet.message) == w.n);
    FUZZ_CHECK(memcmp(octets + VICI_LENGTH, data, n) == 0);
    if (packet.message != NULL)
        tree_free(packet.message);
    return 0;
}
