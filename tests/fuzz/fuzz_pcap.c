/* Captures: any octets as a file.  What is called an IP packet lies in its frame.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/pcap.h"
#include "fuzz.h"

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
    }
    FUZZ_CHECK(more == 0 || strncmp(why.text, "file: ", 6) == 0);
    capture_close(c);
    return 0;
}
