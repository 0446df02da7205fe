/* Captures: the IP packet is found behind every link layer that we know, in both formats, and
 * a file cut off anywhere is an error or shorter, never read past.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"
#include "cli/packet/pcap.h"

enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW = 101,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
    LINK_BLUETOOTH = 187,
    FILE_MAX = 512
};

#define IP4 0x45, 0x00, 0x00, 0x14
#define MACS 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12

/* ---- files in memory --------------------------------------------------------------- */

/* One packet in the classic format. */
static struct cv_span pcap_file(uint8_t out[FILE_MAX], uint32_t link, struct cv_span frame)
{
    struct wr w = wr_init(out, FILE_MAX);

    wr_u32(&w, 0xa1b2c3d4);
    wr_u32(&w, 0x00020004); /* version 2.4 */
    wr_u64(&w, 0);
    wr_u32(&w, 65535);
    wr_u32(&w, link);
    wr_u32(&w, 7); /* seconds */
    wr_u32(&w, 9); /* microseconds */
    wr_u32(&w, (uint32_t)frame.n);
    wr_u32(&w, (uint32_t)frame.n);
    wr_span(&w, frame);
    return wr_done(&w);
}

/* The same as blocks: section header, interface, enhanced packet. */
static struct cv_span pcapng_file(uint8_t out[FILE_MAX], uint16_t link, struct cv_span frame)
{
    const uint32_t padded = (uint32_t)(frame.n + 3) & ~UINT32_C(3);
    struct wr w = wr_init(out, FILE_MAX);

    wr_u32(&w, 0x0a0d0d0a);
    wr_u32(&w, 28);
    wr_u32(&w, 0x1a2b3c4d);
    wr_u32(&w, 0x00010000); /* version 1.0 */
    wr_u64(&w, UINT64_MAX);
    wr_u32(&w, 28);
    wr_u32(&w, 1);
    wr_u32(&w, 20);
    wr_u16(&w, link);
    wr_u16(&w, 0);
    wr_u32(&w, 65535);
    wr_u32(&w, 20);
    wr_u32(&w, 6);
    wr_u32(&w, 32 + padded);
    wr_u32(&w, 0);       /* interface */
    wr_u64(&w, 7000009); /* microseconds */
    wr_u32(&w, (uint32_t)frame.n);
    wr_u32(&w, (uint32_t)frame.n);
    wr_span(&w, frame);
    wr_zero(&w, padded - frame.n);
    wr_u32(&w, 32 + padded);
    return wr_done(&w);
}

static struct capture *open_octets(struct cv_span file, struct problem *why)
{
    FILE *f = tmpfile();

    assert_non_null(f);
    assert_int_equal(fwrite(file.p, 1, file.n, f), file.n);
    rewind(f);
    return capture_read(f, "file", why);
}

static struct capture *open_good(struct cv_span file)
{
    struct problem why = {.text = ""};
    struct capture *c = open_octets(file, &why);

    if (c == NULL)
        fail_msg("%s", why.text);
    return c;
}

/* ---- reading ----------------------------------------------------------------------- */

static const uint8_t raw4[] = {IP4};
static const uint8_t raw6[] = {0x60, 0, 0, 0};
static const uint8_t ethernet[] = {MACS, 0x08, 0x00, IP4};
static const uint8_t ethernet6[] = {MACS, 0x86, 0xdd, 0x60, 0, 0, 0};
static const uint8_t vlan[] = {MACS, 0x81, 0x00, 0x00, 0x05, 0x08, 0x00, IP4};
static const uint8_t qinq[] = {MACS, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x08, 0x00, IP4};
static const uint8_t arp[] = {MACS, 0x08, 0x06, 0x00, 0x01, 0x08, 0x00};
static const uint8_t no_ip[] = {MACS, 0x08, 0x00, 0x15, 0x00, 0x00, 0x14};
static const uint8_t cooked[] = {0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x08, 0x00, IP4};
static const uint8_t cooked2[] = {0x08, 0x00, 0, 0, 0, 0, 0, 1, 0, 1,  0,
                                  6,    1,    2, 3, 4, 5, 6, 0, 0, IP4};
static const uint8_t null_link[] = {2, 0, 0, 0, IP4};

static const struct {
    uint16_t link;
    struct cv_span frame;
    size_t header; /* octets in front of IP; SIZE_MAX: there is none */
} links[] = {
    {LINK_RAW,      {raw4, sizeof(raw4)},           0       },
    {LINK_RAW,      {raw6, sizeof(raw6)},           0       },
    {LINK_IPV4,     {raw4, sizeof(raw4)},           0       },
    {LINK_IPV6,     {raw6, sizeof(raw6)},           0       },
    {LINK_ETHERNET, {ethernet, sizeof(ethernet)},   14      },
    {LINK_ETHERNET, {ethernet6, sizeof(ethernet6)}, 14      },
    {LINK_ETHERNET, {vlan, sizeof(vlan)},           18      },
    {LINK_ETHERNET, {qinq, sizeof(qinq)},           22      },
    {LINK_ETHERNET, {arp, sizeof(arp)},             SIZE_MAX},
    {LINK_ETHERNET, {no_ip, sizeof(no_ip)},         SIZE_MAX},
    {LINK_SLL,      {cooked, sizeof(cooked)},       16      },
    {LINK_SLL2,     {cooked2, sizeof(cooked2)},     20      },
    {LINK_NULL,     {null_link, sizeof(null_link)}, 4       },
};

enum { N_LINKS = sizeof(links) / sizeof(links[0]) };

static void assert_one_packet(struct cv_span file, size_t i)
{
    struct capture *c = open_good(file);
    struct capture_packet got;
    struct problem why;

    assert_int_equal(capture_next(c, &got, &why), 1);
    assert_int_equal(got.time.tv_sec, 7);
    assert_int_equal(got.time.tv_usec, 9);
    assert_true(span_equal(got.frame, links[i].frame));
    if (links[i].header == SIZE_MAX) {
        assert_int_equal(got.ip.n, 0);
    } else {
        assert_ptr_equal(got.ip.p, got.frame.p + links[i].header);
        assert_int_equal(got.ip.n, got.frame.n - links[i].header);
    }
    assert_int_equal(capture_next(c, &got, &why), 0);
    capture_close(c);
}

static void ip_is_found_behind_every_link_layer(void **state)
{
    uint8_t file[FILE_MAX];

    (void)state;
    for (size_t i = 0; i < N_LINKS; i++) {
        assert_one_packet(pcap_file(file, links[i].link, links[i].frame), i);
        assert_one_packet(pcapng_file(file, links[i].link, links[i].frame), i);
    }
}

static void a_frame_cut_off_in_its_header_has_no_ip(void **state)
{
    uint8_t file[FILE_MAX];

    (void)state;
    for (size_t i = 0; i < N_LINKS; i++) {
        for (size_t n = 0; n < links[i].frame.n && links[i].header != SIZE_MAX; n++) {
            struct capture *c =
                open_good(pcap_file(file, links[i].link, span(links[i].frame.p, n)));
            struct capture_packet got;
            struct problem why;

            assert_int_equal(capture_next(c, &got, &why), 1);
            assert_int_equal(got.ip.n, n > links[i].header ? n - links[i].header : 0);
            capture_close(c);
        }
    }
}

/* Packets until the end or an error, which has a text. */
static unsigned count_packets(struct cv_span file)
{
    struct problem why = {.text = ""};
    struct capture *c = open_octets(file, &why);
    struct capture_packet got;
    unsigned n = 0;
    int more = -1;

    while (c != NULL && (more = capture_next(c, &got, &why)) > 0)
        n++;
    capture_close(c);
    if (more < 0)
        assert_true(strncmp(why.text, "file: ", 6) == 0);
    return n;
}

static void every_prefix_of_a_file_has_no_packet(void **state)
{
    uint8_t octets[FILE_MAX];
    struct cv_span file;

    (void)state;
    file = pcap_file(octets, LINK_ETHERNET, span(ethernet, sizeof(ethernet)));
    for (size_t n = 0; n < file.n; n++)
        assert_int_equal(count_packets(span(file.p, n)), 0);
    assert_int_equal(count_packets(file), 1);
    file = pcapng_file(octets, LINK_ETHERNET, span(ethernet, sizeof(ethernet)));
    for (size_t n = 0; n < file.n; n++)
        assert_int_equal(count_packets(span(file.p, n)), 0);
    assert_int_equal(count_packets(file), 1);
}

static void a_link_that_carries_no_ip_is_named(void **state)
{
    struct problem why = {.text = ""};
    uint8_t file[FILE_MAX];

    (void)state;
    assert_null(open_octets(pcap_file(file, LINK_BLUETOOTH, span(raw4, sizeof(raw4))), &why));
    assert_non_null(strstr(why.text, "file: link type 187"));
    assert_non_null(strstr(why.text, "expected raw IP, Ethernet or Linux cooked"));
}

static void what_is_no_capture_is_refused(void **state)
{
    static const char text[] = "src 10.0.0.1 dst 10.0.0.2 proto esp";
    struct problem why = {.text = ""};

    (void)state;
    assert_null(open_octets(span(text, sizeof(text)), &why));
    assert_non_null(strstr(why.text, "expected a pcap or pcapng file"));
    assert_null(capture_open("/nonexistent/file", &why));
    assert_string_equal(why.text, "/nonexistent/file: No such file or directory");
}

/* ---- writing ----------------------------------------------------------------------- */

static void what_is_written_is_read_again(void **state)
{
    const struct timeval when = {.tv_sec = 1700000000, .tv_usec = 123456};
    char name[] = "/tmp/culvert-pcap-XXXXXX";
    int fd = mkstemp(name);
    struct problem why = {.text = ""};
    struct capture_out *out;
    struct capture *in;
    struct capture_packet got;

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    out = capture_create(name, &why);
    assert_non_null(out);
    capture_put(out, when, span(raw4, sizeof(raw4)));
    capture_put(out, when, span(raw6, sizeof(raw6)));
    assert_true(capture_finish(out, &why));
    in = capture_open(name, &why);
    assert_non_null(in);
    assert_int_equal(capture_next(in, &got, &why), 1);
    assert_true(span_equal(got.ip, span(raw4, sizeof(raw4))));
    assert_int_equal(got.time.tv_sec, when.tv_sec);
    assert_int_equal(got.time.tv_usec, when.tv_usec);
    assert_int_equal(capture_next(in, &got, &why), 1);
    assert_true(span_equal(got.ip, span(raw6, sizeof(raw6))));
    assert_int_equal(capture_next(in, &got, &why), 0);
    capture_close(in);
    unlink(name);
}

static void a_disk_that_is_full_is_noticed(void **state)
{
    struct problem why = {.text = ""};
    struct capture_out *out = capture_create("/dev/full", &why);

    (void)state;
    if (out == NULL)
        return; /* noticed already when its header was written */
    capture_put(out, (struct timeval){0}, span(raw4, sizeof(raw4)));
    assert_false(capture_finish(out, &why));
    assert_non_null(strstr(why.text, "/dev/full: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ip_is_found_behind_every_link_layer),
        cmocka_unit_test(a_frame_cut_off_in_its_header_has_no_ip),
        cmocka_unit_test(every_prefix_of_a_file_has_no_packet),
        cmocka_unit_test(a_link_that_carries_no_ip_is_named),
        cmocka_unit_test(what_is_no_capture_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_disk_that_is_full_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
