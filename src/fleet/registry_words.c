/* Owns what texts may be, their hashes, and statements that are put together.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "fleet/registry_inside.h"

static bool is_name_sign(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
}

bool registry_is_name(const char *text)
{
    size_t n = 0;

    while (is_name_sign(text[n]))
        n++;
    return text[n] == '\0' && n >= 1 && n <= 63 && text[0] != '-';
}

/* The octets that follow the first one of a sign; -1: this is no first one (RFC 3629). */
static int more_octets(unsigned char c)
{
    if (c < 0x80)
        return c >= 0x20 && c != 0x7f ? 0 : -1;
    if (c >= 0xc2 && c <= 0xdf)
        return 1;
    if (c >= 0xe0 && c <= 0xef)
        return 2;
    return c >= 0xf0 && c <= 0xf4 ? 3 : -1;
}

static bool is_second_octet(unsigned char first, unsigned char c)
{
    const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    return c >= low && c <= high;
}

bool registry_is_plain(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p != '\0') {
        const unsigned char first = *p++;
        int more = more_octets(first);

        if (more < 0 || (more > 0 && !is_second_octet(first, *p)))
            return false;
        for (; more > 0; more--, p++)
            if ((*p & 0xc0) != 0x80)
                return false;
    }
    return true;
}

void registry_copy(char *out, size_t n, const struct sql_row *row, unsigned column)
{
    snprintf(out, n, "%s", sql_text(row, column));
}

void registry_hash(const char *text, char out[65])
{
    unsigned char digest[32] = {0};

    (void)EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL);
    for (unsigned i = 0; i < sizeof(digest); i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* Base32 (RFC 4648 section 6) in small letters: no sign looks like another, or needs a shift.
 */
bool registry_secret(char *out, size_t n)
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char octets[128];

    if (n > sizeof(octets) || RAND_bytes(octets, (int)n) != 1)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = signs[octets[i] & 31];
    out[n] = '\0';
    wipe(octets, sizeof(octets));
    return true;
}

void registry_like(const char *text, bool anywhere, char *out, size_t n)
{
    size_t at = 0;

    if (anywhere)
        out[at++] = '%';
    for (; *text != '\0' && at + 4 < n; text++) {
        if (strchr("%_\\", *text) != NULL)
            out[at++] = '\\';
        out[at++] = *text;
    }
    out[at++] = '%';
    out[at] = '\0';
}

/* ---- statements --------------------------------------------------------------- */

void query_put(struct registry_query *q, const char *words)
{
    const int n = snprintf(q->text + q->at, sizeof(q->text) - q->at, "%s", words);

    q->at += (size_t)n;
}

void query_value(struct registry_query *q, const char *words, struct sql_value value)
{
    char number[16];

    q->v[q->n++] = value;
    snprintf(number, sizeof(number), "$%u", q->n);
    for (const char *mark; (mark = strchr(words, '?')) != NULL; words = mark + 1) {
        q->at += (size_t)snprintf(q->text + q->at, sizeof(q->text) - q->at, "%.*s%s",
                                  (int)(mark - words), words, number);
    }
    query_put(q, words);
}

void query_where(struct registry_query *q, const char *words, struct sql_value value)
{
    query_put(q, q->narrowed ? " AND " : " WHERE ");
    q->narrowed = true;
    query_value(q, words, value);
}
