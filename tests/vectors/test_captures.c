/* Decrypts IKEv2 messages of other implementations whose keys are known: captures/keys.json
 * and captures/ike_messages of the shared test material, read in place.  Skipped when that
 * material is not there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ike/sk.h"
#include "tests/support/hex.h"
#include "tests/support/json.h"

#define CAPTURES TEST_SHARED "/captures"

/* An early openswan made its ICV over IV and ciphertext alone, without the headers before
 * them (RFC 7296 section 3.14: "of the entire message"). */
#define WRONG_ICV "ikev2pI2.pcap"

enum { SKIPPED = 77, BIGGEST = 65535, TEXT = 256 };

/* One IKE SA with its keys. */
struct secrets {
    uint8_t spis[2 * IKE_SPI_LEN];
    struct ike_algs algs;
    struct sk_keys i, r;
    uint8_t auth[64]; /* the data of one of its AUTH payloads, when known */
    size_t auth_len;
    bool icv_is_wrong;
};

struct tally {
    unsigned opened, refused;
    bool auth_seen;
};

/* ---- HMAC-SHA1-160, which no backend has, to be able to read one of the captures ---- */

static const uint8_t *hmac_key;

static void *hmac_new(const uint8_t *key)
{
    hmac_key = key;
    return &hmac_key;
}

static void hmac_free(void *key)
{
    (void)key;
}

static bool hmac_mac(void *key, const struct cv_span *parts, size_t n_parts, uint8_t *icv)
{
    (void)key;
    return crypto_prf(&cv_crypto_openssl, CV_PRF_HMAC_SHA1)
        ->prf(span(hmac_key, 20), parts, n_parts, icv);
}

static const struct cv_integ hmac_sha1_160 = {.id = 7,
                                              .key_len = 20,
                                              .icv_len = 20,
                                              .new_key = hmac_new,
                                              .free_key = hmac_free,
                                              .mac = hmac_mac};

/* ---- reading ---- */

static struct ike_algs algs_of(const char *encr, const char *integ)
{
    const struct cv_crypto *c = &cv_crypto_openssl;
    struct ike_algs algs = {NULL, NULL, NULL, NULL};

    if (strncmp(encr, "AES-GCM-256", 11) == 0)
        algs.aead = crypto_aead(c, CV_ENCR_AES_GCM_16, 256);
    else if (strncmp(encr, "AES-CBC-256", 11) == 0)
        algs.cipher = crypto_cipher(c, CV_ENCR_AES_CBC, 256);
    else if (strncmp(encr, "AES-CBC-128", 11) == 0)
        algs.cipher = crypto_cipher(c, CV_ENCR_AES_CBC, 128);
    else if (strncmp(encr, "3DES", 4) == 0)
        algs.cipher = crypto_cipher(c, CV_ENCR_3DES, 0);
    if (strncmp(integ, "HMAC_SHA2_256_128", 17) == 0)
        algs.integ = crypto_integ(c, CV_INTEG_HMAC_SHA2_256_128);
    else if (strncmp(integ, "HMAC_SHA1_96", 12) == 0)
        algs.integ = crypto_integ(c, CV_INTEG_HMAC_SHA1_96);
    else if (strncmp(integ, "HMAC_SHA1_160", 13) == 0)
        algs.integ = &hmac_sha1_160;
    assert_true(algs.aead != NULL || (algs.cipher != NULL && algs.integ != NULL));
    return algs;
}

static size_t read_octets(const char *from, const char *end, const char *key, uint8_t *out,
                          size_t cap)
{
    char text[TEXT];

    json_string(from, end, key, text, sizeof(text));
    return hex_read(out, cap, text).n;
}

static struct secrets read_secrets(const char *from, const char *end)
{
    struct secrets s = {.auth_len = 0};
    char file[TEXT], encr[TEXT], integ[TEXT];

    json_string(from, end, "file", file, sizeof(file));
    s.icv_is_wrong = strcmp(file, WRONG_ICV) == 0;
    json_string(from, end, "encr", encr, sizeof(encr));
    json_string(from, end, "integ", integ, sizeof(integ));
    s.algs = algs_of(encr, integ);
    read_octets(from, end, "spi_i", s.spis, IKE_SPI_LEN);
    read_octets(from, end, "spi_r", s.spis + IKE_SPI_LEN, IKE_SPI_LEN);
    read_octets(from, end, "sk_ei", s.i.e, sizeof(s.i.e));
    read_octets(from, end, "sk_er", s.r.e, sizeof(s.r.e));
    read_octets(from, end, "sk_ai", s.i.a, sizeof(s.i.a));
    read_octets(from, end, "sk_ar", s.r.a, sizeof(s.r.a));
    s.auth_len = read_octets(from, end, "expect_auth_data", s.auth, sizeof(s.auth));
    return s;
}

/* Reads a message without the non-ESP marker that it may begin with (RFC 3948). */
static size_t read_message(uint8_t *out, const char *name)
{
    char path[512];
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), CAPTURES "/ike_messages/%s", name);
    f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    n = fread(out, 1, BIGGEST, f);
    fclose(f);
    if (n > 4 && memcmp(out, "\0\0\0\0", 4) == 0) {
        n -= 4;
        memmove(out, out + 4, n);
    }
    return n;
}

/* ---- opening ---- */

static void open_message(uint8_t *msg, size_t n, const struct ike_hdr *h,
                         const struct ike_msg *outer, const struct secrets *s, struct tally *t)
{
    const struct sk_keys *keys = h->flags & IKE_F_INITIATOR ? &s->i : &s->r;
    static uint8_t forged[BIGGEST];
    struct cv_span plain;
    struct ike_msg inner;

    memcpy(forged, msg, n);
    forged[n - 1] ^= 1;
    assert_int_equal(sk_open(forged, n, outer, &s->algs, keys, &plain), CV_ERR_IKE_AUTHENTIC);
    if (s->icv_is_wrong) {
        assert_int_equal(sk_open(msg, n, outer, &s->algs, keys, &plain), CV_ERR_IKE_AUTHENTIC);
        t->refused++;
        return;
    }
    assert_int_equal(sk_open(msg, n, outer, &s->algs, keys, &plain), CV_OK);
    assert_int_equal(ike_parse_payloads(&inner, outer->sk_next, plain, 0), CV_OK);
    if (h->exchange == EX_AUTH)
        assert_true(ike_has(&inner, PL_AUTH));
    if (s->auth_len != 0 && span_equal(inner.auth, span(s->auth, s->auth_len)))
        t->auth_seen = true;
    t->opened++;
}

static void open_messages_of(const struct secrets *s, struct tally *t)
{
    static uint8_t msg[BIGGEST];
    DIR *dir = opendir(CAPTURES "/ike_messages");
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t n = read_message(msg, entry->d_name);
        struct ike_hdr h;
        struct ike_msg m;

        if (n < IKE_HDR_LEN || memcmp(msg, s->spis, sizeof(s->spis)) != 0)
            continue;
        if (ike_parse_hdr(&h, span(msg, n)) != CV_OK || h.next != PL_SK)
            continue;
        assert_int_equal(ike_parse_payloads(
                             &m, h.next, span(msg + IKE_HDR_LEN, n - IKE_HDR_LEN), IKE_HDR_LEN),
                         CV_OK);
        open_message(msg, n, &h, &m, s, t);
    }
    closedir(dir);
}

static void protected_messages_of_other_implementations_open(void **state)
{
    char *text = json_read_file(CAPTURES "/keys.json");
    unsigned sas = 0;

    (void)state;
    assert_non_null(text);
    for (const char *at = strstr(text, "\"file\""); at != NULL;) {
        const char *next = strstr(at + 1, "\"file\"");
        const char *version = strstr(at, "\"version\": 2");

        if (version != NULL && (next == NULL || version < next)) {
            struct secrets s = read_secrets(at, next);
            struct tally t = {0, 0, false};

            open_messages_of(&s, &t);
            assert_true((s.icv_is_wrong ? t.refused : t.opened) > 0);
            assert_true(t.auth_seen || s.auth_len == 0);
            sas++;
        }
        at = next;
    }
    assert_int_equal(sas, 4); /* 3DES, AES-GCM, AES-CBC-256, AES-CBC-128 */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protected_messages_of_other_implementations_open),
    };
    FILE *f = fopen(CAPTURES "/keys.json", "rb");

    if (f == NULL) {
        puts("skipped: " CAPTURES "/keys.json is not there");
        return SKIPPED;
    }
    fclose(f);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
