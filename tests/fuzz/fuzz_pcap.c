/* Captures: any octets as a file.  What is called an IP packet lies in its frame, and what is
 * taken for ESP or AH lies in its packet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/packet/packet.h"
#include "cli/packet/pcap.h"
#include "fuzz.h"

static void check_frame(struct cv_span ip)
{
    static uint8_t buf[FRAME_CAP];
    static const uint32_t ports[65536 / 32] = {[4500 / 32] = UINT32_C(1) << (4500 % 32)};
    struct cv_packet pkt = {.buf = buf, .cap = sizeof(buf)};
    struct frame f;

    if (frame_read(&f, &pkt, ip, ports) != CV_OK)
        return;
    FUZZ_CHECK(f.parsed == CV_OK && f.esp != f.ah && f.len <= ip.n);
    FUZZ_CHECK(pkt.len >= 8 && pkt.len <= f.len);
    FUZZ_CHECK(pkt.off >= FRAME_HEAD && pkt.off + pkt.len <= FRAME_HEAD + f.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct problem why = {.text = ""};
    struct capture_packet got;
    struct capture *c;
    FILE *f;
    int more;

    if (n == 0)
        return 0; /* fmemopen takes no empty buffer */
    f = fmemopen((void *)(uintptr_t)data, n, "rb");
    if (f == NULL)
        return 0;
    c = capture_read(f, "file", &why);
    if (c == NULL) {
        FUZZ_CHECK(strncmp(why.text, "file: ", 6) == 0);
        return 0;
    }
    while ((more = capture_next(c, &got, &why)) > 0) {
        FUZZ_CHECK(fuzz_within(got.ip, got.frame));
        FUZZ_CHECK(got.ip.n == 0 || got.ip.p[0] >> 4 == 4 || got.ip.p[0] >> 4 == 6);
        check_frame(got.ip);
    }
    FUZZ_CHECK(more == 0 || strncmp(why.text, "file: ", 6) == 0);
    capture_close(c);
    return 0;
}
