/* SAs in the notation of `ip xfrm state`: what it prints is read, what it could not print is
 * refused with the place, and a text cut off anywhere is one or the other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/packet/xfrm_state.h"
#include "text/text.h"

#define KEY16 "0x00112233445566778899aabbccddeeff"
#define KEY20 "0x000102030405060708090a0b0c0d0e0f10111213"
#define KEY32 "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define GCM "aead rfc4106(gcm(aes)) " KEY20 " 128\n"
#define HEAD "src 10.0.0.1 dst 10.0.0.2\n\tproto esp spi 0x301 mode tunnel\n"

/* As `ip -s xfrm state` prints it. */
static const char printed[] =
    "src 10.0.0.1 dst 10.0.0.2\n"
    "\tproto esp spi 0x00000301(769) reqid 7(0x00000007) mode tunnel\n"
    "\treplay-window 0 seq 0x00000000 flag  af-unspec esn (0x00100000)\n"
    "\tauth-trunc hmac(sha256) " KEY32 " (256 bits) 128\n"
    "\tenc cbc(aes) " KEY16 " (128 bits)\n"
    "\tencap type espinudp sport 4500 dport 32000 addr 0.0.0.0\n"
    "\tanti-replay esn context:\n"
    "\t seq-hi 0x1, seq 0x5, oseq-hi 0x2, oseq 0xfffffffe\n"
    "\t replay_window 64, bitmap-length 2\n"
    "\t 80000000 0000001d \n"
    "\tlifetime config:\n"
    "\t  limit: soft (INF)(bytes), hard (INF)(bytes)\n"
    "\t  limit: soft (INF)(packets), hard (INF)(packets)\n"
    "\tlifetime current:\n"
    "\t  84(bytes), 1(packets)\n"
    "\t  add 2024-05-01 10:00:00 use 2024-05-01 10:00:01\n"
    "\tstats:\n"
    "\t  replay-window 0 replay 0 failed 0\n"
    "\tlastused 2024-05-01 10:00:01\n"
    "src fd00::1 dst fd00::2\n"
    "\tproto ah spi 0xc0000001 reqid 0 mode transport\n"
    "\treplay-window 32 \n"
    "\tmark 0x2a/0xffffffff \n"
    "\tauth-trunc hmac(sha1) " KEY20 " 96\n"
    "\tanti-replay context: seq 0x9, oseq 0x3, bitmap 0x00000101\n"
    "\tsel src fd00::1/128 dst fd00::/64 proto udp sport 53 \n"
    "src 192.0.2.1 dst 192.0.2.2\n"
    "\tproto esp spi 0x00000400 reqid 0 mode tunnel\n"
    "\treplay-window 32 flag af-unspec\n"
    "\taead rfc4106(gcm(aes)) " KEY20 " 64\n"
    "\tif_id 0x1\n"
    "\tsel src 0.0.0.0/0 dst 0.0.0.0/0 \n";

static struct xfrm_list read_good(const char *text)
{
    struct problem why = {.text = ""};
    struct xfrm_list list;

    if (!xfrm_read_text(&list, text, strlen(text), "sa", &why))
        fail_msg("%s", why.text);
    return list;
}

static void assert_refused(const char *text, const char *message)
{
    struct problem why = {.text = ""};
    struct xfrm_list list;

    assert_false(xfrm_read_text(&list, text, strlen(text), "sa", &why));
    assert_null(list.sa);
    if (strstr(why.text, message) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", message, why.text);
}

static void assert_addr(const struct cv_addr *addr, const char *expected)
{
    char text[64];

    addr_format(text, sizeof(text), addr);
    assert_string_equal(text, expected);
}

/* ---- what is read ----------------------------------------------------------------- */

static void what_ip_prints_is_read(void **state)
{
    struct xfrm_list list = read_good(printed);
    const struct xfrm_sa *sa = list.sa;

    (void)state;
    assert_int_equal(list.n, 3);
    assert_int_equal(sa->line, 1);
    assert_addr(&sa->src, "10.0.0.1");
    assert_addr(&sa->dst, "10.0.0.2");
    assert_int_equal(sa->protocol, CV_PROTO_ESP);
    assert_int_equal(sa->mode, CV_TUNNEL);
    assert_int_equal(sa->spi, 0x301);
    assert_int_equal(sa->reqid, 7);
    assert_int_equal(sa->suite.encr, CV_ENCR_AES_CBC);
    assert_int_equal(sa->suite.encr_bits, 128);
    assert_int_equal(sa->suite.integ, CV_INTEG_HMAC_SHA2_256_128);
    assert_int_equal(sa->suite.esn, CV_ESN_YES);
    assert_true(sa->encap);
    assert_int_equal(sa->sport, 4500);
    assert_int_equal(sa->dport, 32000);
    assert_int_equal(sa->from.family, CV_ANY_FAMILY);
    xfrm_free(&list);
}

static void keys_are_cipher_then_integrity(void **state)
{
    struct xfrm_list list = read_good(printed);

    (void)state;
    assert_int_equal(list.sa[0].key_len, 48);
    assert_int_equal(list.sa[0].key[0], 0x00);
    assert_int_equal(list.sa[0].key[1], 0x11);
    assert_int_equal(list.sa[0].key[15], 0xff);
    assert_int_equal(list.sa[0].key[16], 0x00);
    assert_int_equal(list.sa[0].key[17], 0x01);
    assert_int_equal(list.sa[0].key[47], 0x1f);
    xfrm_free(&list);
}

static void an_extended_context_gives_numbers_and_window(void **state)
{
    struct xfrm_list list = read_good(printed);
    const struct xfrm_sa *sa = &list.sa[0];

    (void)state;
    assert_int_equal(sa->window, 64);
    assert_true(sa->seq == 0x100000005);
    assert_true(sa->oseq == 0x2fffffffe);
    /* ring of 64: 2^32 + 5 is bit 4; bits 4, 3, 2 and 0 are set, bit 1 is not, and bit 63
     * is number 2^32 */
    assert_int_equal(sa->seen[0], 0x37);
    assert_int_equal(sa->seen[1], 0);
    xfrm_free(&list);
}

static void a_plain_context_counts_back_from_the_newest(void **state)
{
    struct xfrm_list list = read_good(printed);
    const struct xfrm_sa *sa = &list.sa[1];

    (void)state;
    assert_int_equal(sa->protocol, CV_PROTO_AH);
    assert_int_equal(sa->mode, CV_TRANSPORT);
    assert_int_equal(sa->window, 32);
    assert_true(sa->seq == 9 && sa->oseq == 3);
    assert_int_equal(sa->seen[0], 0x101);
    xfrm_free(&list);
}

static void a_selector_is_a_range_for_each_side(void **state)
{
    struct xfrm_list list = read_good(printed);
    const struct xfrm_sa *sa = &list.sa[1];

    (void)state;
    assert_int_equal(sa->from.family, CV_IPV6);
    assert_int_equal(sa->from.proto, 17);
    assert_int_equal(sa->from.port_lo, 53);
    assert_int_equal(sa->from.port_hi, 53);
    assert_int_equal(sa->to.port_lo, 0);
    assert_int_equal(sa->to.port_hi, 65535);
    assert_int_equal(sa->from.lo[15], 1);
    assert_int_equal(sa->from.hi[15], 1);
    assert_int_equal(sa->to.lo[8], 0x00);
    assert_int_equal(sa->to.hi[8], 0xff);
    xfrm_free(&list);
}

static void the_arguments_of_a_command_are_read_too(void **state)
{
    struct xfrm_list list =
        read_good("# manual keys\n"
                  "ip -6 xfrm state add src fd00::1 dst fd00::2 proto esp spi 256 \\\n"
                  "  mode tunnel replay-window 128 replay-oseq 0x10 flag esn \\\n"
                  "  enc 'ecb(cipher_null)' '' auth-trunc \"hmac(sha1)\" " KEY20 " 96 \\\n"
                  "  encap espinudp 4500 4501 :: sel proto icmpv6 type 128 code 0\n");

    (void)state;
    assert_int_equal(list.n, 1);
    assert_int_equal(list.sa->spi, 256);
    assert_int_equal(list.sa->window, 128);
    assert_int_equal(list.sa->oseq, 16);
    assert_int_equal(list.sa->suite.encr, CV_ENCR_NULL);
    assert_int_equal(list.sa->suite.encr_bits, 0);
    assert_int_equal(list.sa->key_len, 20);
    assert_int_equal(list.sa->dport, 4501);
    assert_int_equal(list.sa->from.port_lo, 128 << 8);
    assert_int_equal(list.sa->to.port_hi, 128 << 8);
    xfrm_free(&list);
}

static void every_algorithm_has_its_key(void **state)
{
    /* clang-format off */
    static const struct {
        const char *line;
        uint16_t encr, bits, integ;
    } cases[] = {
        {GCM, CV_ENCR_AES_GCM_16, 128, 0},
        {"aead rfc4106(gcm(aes)) " KEY20 " 96", CV_ENCR_AES_GCM_12, 128, 0},
        {"aead rfc4106(gcm(aes)) " KEY32 "01020304 64", CV_ENCR_AES_GCM_8, 256, 0},
        {"aead rfc4309(ccm(aes)) " KEY16 "010203 128", CV_ENCR_AES_CCM_16, 128, 0},
        {"aead rfc4309(ccm(aes)) " KEY16 "010203 96", CV_ENCR_AES_CCM_12, 128, 0},
        {"aead rfc4309(ccm(aes)) " KEY16 "010203 64", CV_ENCR_AES_CCM_8, 128, 0},
        {"aead rfc4543(gcm(aes)) " KEY20 " 128", CV_ENCR_NULL_GMAC, 128, 0},
        {"aead rfc7539esp(chacha20,poly1305) " KEY32 "01020304 128",
         CV_ENCR_CHACHA20_POLY1305, 0, 0},
        {"aead rfc8750(gcm(aes)) " KEY20 " 128", CV_ENCR_AES_GCM_16_IIV, 128, 0},
        {"enc cbc(aes) " KEY32 " auth-trunc cmac(aes) " KEY16 " 96",
         CV_ENCR_AES_CBC, 256, CV_INTEG_AES_CMAC_96},
        {"enc rfc3686(ctr(aes)) " KEY20 " auth-trunc xcbc(aes) " KEY16 " 96",
         CV_ENCR_AES_CTR, 128, CV_INTEG_AES_XCBC_96},
        {"enc cbc(des3_ede) " KEY16 "0102030405060708 auth hmac(md5) " KEY16,
         CV_ENCR_3DES, 0, CV_INTEG_HMAC_MD5_96},
        {"enc ecb(cipher_null) auth-trunc hmac(sha1) " KEY20 " 96",
         CV_ENCR_NULL, 0, CV_INTEG_HMAC_SHA1_96},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        struct xfrm_list list;

        snprintf(text, sizeof(text), HEAD "%s\n", cases[i].line);
        list = read_good(text);
        assert_int_equal(list.sa->suite.encr, cases[i].encr);
        assert_int_equal(list.sa->suite.encr_bits, cases[i].bits);
        assert_int_equal(list.sa->suite.integ, cases[i].integ);
        xfrm_free(&list);
    }
}

static void any_number_of_sas_fits(void **state)
{
    enum { N = 1000, ROOM = 128 };
    char *text = malloc(N * ROOM);
    struct xfrm_list list;
    size_t n = 0;

    (void)state;
    assert_non_null(text);
    for (unsigned i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, ROOM, "src 10.0.0.1 dst 10.0.0.2 proto esp spi %u %s",
                              i + 256, GCM);
    list = read_good(text);
    assert_int_equal(list.n, N);
    assert_int_equal(list.sa[N - 1].spi, N + 255);
    assert_int_equal(list.sa[N - 1].line, N);
    xfrm_free(&list);
    free(text);
}

/* ---- what is refused -------------------------------------------------------------- */

static void a_mistake_is_named_with_its_line(void **state)
{
    /* clang-format off */
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "sa:0: no SA; expected the output"},
        {"proto esp\n", "sa:1: expected an SA to begin with src"},
        {"src 10.0.0.1\n", "sa:1: SA without destination"},
        {"src here dst 10.0.0.2\n", "sa:1: expected an address after src, not here"},
        {"src\n", "sa:1: expected an address after src at the end"},
        {"src 10.0.0.1 dst fd00::2\n", "sa:1: src and dst are of different families"},
        {"src 10.0.0.1 dst 10.0.0.2\n" GCM, "sa:1: SA without protocol"},
        {"src 10.0.0.1 dst 10.0.0.2 proto esp\n" GCM, "sa:1: SA without SPI"},
        {"src 10.0.0.1 dst 10.0.0.2 proto comp\n", "sa:1: expected proto esp or proto ah"},
        {"\n\nsrc 10.0.0.1 dst 10.0.0.2 spi 0\n", "sa:3: SPI 0 is never on the wire"},
        {"src 10.0.0.1 dst 10.0.0.2 spi 0x100000000\n", "sa:1: expected an SPI below 2^32"},
        {"src 10.0.0.1 dst 10.0.0.2 spi -1\n", "sa:1: expected an SPI below 2^32"},
        {HEAD, "sa:1: ESP takes aead, or enc with auth-trunc"},
        {HEAD "mode beet\n", "sa:3: expected mode tunnel or mode transport"},
        {HEAD "frobnicate\n", "sa:3: unknown word frobnicate"},
        {HEAD "''\n", "sa:3: unknown word"},
        {HEAD "enc cbc(aes) " KEY16 "\n", "sa:1: ESP takes aead"},
        {HEAD GCM GCM, "sa:4: algorithm given twice"},
        {HEAD GCM "auth hmac(sha1) " KEY20 "\n", "sa:1: aead stands alone"},
        {HEAD "enc cbc(aes) 0x0011223344\n",
         "sa:3: cbc(aes) takes a key of 128, 192 or 256 bits, not of 40"},
        {HEAD "enc cbc(aes) 00112233\n", "sa:3: expected a key"},
        {HEAD "enc cbc(aes) 0x001\n", "sa:3: expected a key"},
        {HEAD "enc cbc(aes) 0x00zz\n", "sa:3: expected a key"},
        {HEAD "enc cbc(aes) <<Keys hidden>>\n", "sa:3: expected a key"},
        {HEAD "enc cbc(aes)\n", "sa:3: expected a key"},
        {HEAD "enc cbc(des) 0x0011223344556677\n",
         "sa:3: unknown algorithm cbc(des); expected one of"},
        {HEAD "aead rfc4106(gcm(aes)) " KEY20 " 100\n",
         "sa:3: rfc4106(gcm(aes)) has no ICV of 100 bits"},
        {HEAD "aead rfc4106(gcm(aes)) " KEY20 "\n", "sa:3: expected the ICV's length"},
        {HEAD "auth hmac(sha256) " KEY32 "\n",
         "sa:3: auth hmac(sha256) means an ICV of 96 bits"},
        {HEAD "encap type espintcp sport 1\n", "sa:3: expected encap type espinudp"},
        {HEAD "encap type espinudp sport 70000\n", "sa:3: expected a source port"},
        {HEAD GCM "replay-window 4097\n", "sa:1: replay window of 4097 packets"},
        {HEAD GCM "replay-seq-hi 1\n", "sa:1: seq-hi and oseq-hi need flag esn"},
        {HEAD "anti-replay esn\n", "sa:3: expected anti-replay context:"},
        {HEAD "bitmap-length 129\n", "sa:3: expected at most 128 words"},
        {HEAD "bitmap-length 1\nxyz\n", "sa:4: expected 1 more bitmap words"},
        {HEAD "sel src 10.0.0.0/33\n", "sa:3: expected ADDRESS/PREFIX"},
        {HEAD "sel proto frob\n", "sa:3: expected a protocol"},
        {"src 10.0.0.1 dst 10.0.0.2 proto ah spi 1\n" GCM, "sa:1: AH takes auth-trunc"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(cases[i].text, cases[i].message);
}

/* A message on a terminal or in a log may not hold what opens the packets. */
static void no_message_shows_a_key(void **state)
{
    static const char *const texts[] = {
        HEAD "enc cbc(aes) " KEY20 "\n",
        HEAD "enc " KEY16 "\n",
        HEAD "auth-trunc hmac(sha1) " KEY16 " 96\n",
        HEAD KEY16 "\n",
        HEAD "aead rfc4106(gcm(aes)) " KEY32 KEY32 KEY32 " 128\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct problem why = {.text = ""};
        struct xfrm_list list;

        assert_false(xfrm_read_text(&list, texts[i], strlen(texts[i]), "sa", &why));
        assert_null(strstr(why.text, "0x00"));
        assert_null(strstr(why.text, "2233"));
        assert_null(strstr(why.text, "0203"));
    }
}

static void every_prefix_is_refused_with_a_place_or_complete(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(printed) - 1; n++) {
        char *exact = malloc(n + 1); /* so that a read behind the end is found */
        struct problem why = {.text = ""};
        struct xfrm_list list;

        assert_non_null(exact);
        memcpy(exact, printed, n);
        if (xfrm_read_text(&list, exact, n, "sa", &why))
            assert_true(list.n >= 1 && list.n <= 3);
        else
            assert_true(strncmp(why.text, "sa:", 3) == 0 && list.sa == NULL);
        xfrm_free(&list);
        free(exact);
    }
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct problem why = {.text = ""};
    struct xfrm_list list;

    (void)state;
    assert_false(xfrm_read_file(&list, "/nonexistent/sa", &why));
    assert_string_equal(why.text, "/nonexistent/sa: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ip_prints_is_read),
        cmocka_unit_test(keys_are_cipher_then_integrity),
        cmocka_unit_test(an_extended_context_gives_numbers_and_window),
        cmocka_unit_test(a_plain_context_counts_back_from_the_newest),
        cmocka_unit_test(a_selector_is_a_range_for_each_side),
        cmocka_unit_test(the_arguments_of_a_command_are_read_too),
        cmocka_unit_test(every_algorithm_has_its_key),
        cmocka_unit_test(any_number_of_sas_fits),
        cmocka_unit_test(a_mistake_is_named_with_its_line),
        cmocka_unit_test(no_message_shows_a_key),
        cmocka_unit_test(every_prefix_is_refused_with_a_place_or_complete),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
