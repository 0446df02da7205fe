/* Owns the text form of addresses and address ranges.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/text.h"
#include "wire/ip.h"

bool addr_parse(struct cv_addr *out, const char *text)
{
    struct cv_addr a = {0};

    if (inet_pton(AF_INET, text, a.b) == 1)
        a.family = CV_IPV4;
    else if (inet_pton(AF_INET6, text, a.b) == 1)
        a.family = CV_IPV6;
    else
        return false;
    *out = a;
    return true;
}

void addr_format(char *out, size_t n, const struct cv_addr *a)
{
    char text[INET6_ADDRSTRLEN] = "%any";

    if (a->family != CV_ANY_FAMILY)
        inet_ntop(a->family == CV_IPV4 ? AF_INET : AF_INET6, a->b, text, sizeof(text));
    snprintf(out, n, "%s", text);
}

/* Sets lo..hi to the addresses that share a's first bits. */
static void range_of_prefix(struct cv_addr_range *r, const struct cv_addr *a, unsigned bits)
{
    unsigned octets = a->family == CV_IPV4 ? 4 : 16;

    *r = (struct cv_addr_range){.family = a->family};
    for (unsigned i = 0; i < octets; i++) {
        unsigned fixed = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
        uint8_t free_bits = (uint8_t)(0xff >> fixed);

        r->lo[i] = (uint8_t)(a->b[i] & ~free_bits);
        r->hi[i] = a->b[i] | free_bits;
    }
}

static bool parse_number(unsigned *out, const char *text, unsigned max)
{
    unsigned v = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        v = v * 10 + (unsigned)(*text - '0');
        if (v > max)
            return false;
    }
    *out = v;
    return true;
}

static bool parse_range(struct cv_addr_range *out, const char *from, const char *to)
{
    struct cv_addr a, b;

    if (!addr_parse(&a, from) || !addr_parse(&b, to) || a.family != b.family ||
        memcmp(a.b, b.b, sizeof(a.b)) > 0)
        return false;
    *out = (struct cv_addr_range){.family = a.family};
    memcpy(out->lo, a.b, sizeof(out->lo));
    memcpy(out->hi, b.b, sizeof(out->hi));
    return true;
}

static bool parse_prefix(struct cv_addr_range *out, const char *addr, const char *bits_text)
{
    struct cv_addr a;
    unsigned bits, max;

    if (!addr_parse(&a, addr))
        return false;
    max = bits = a.family == CV_IPV4 ? 32 : 128;
    if (bits_text != NULL && !parse_number(&bits, bits_text, max))
        return false;
    range_of_prefix(out, &a, bits);
    return true;
}

bool range_parse(struct cv_addr_range *out, const char *text)
{
    char buf[2 * INET6_ADDRSTRLEN + 3], *cut;

    if (strcmp(text, "%any") == 0) {
        *out = (struct cv_addr_range){.family = CV_ANY_FAMILY};
        return true;
    }
    if (strcmp(text, "%any4") == 0)
        text = "0.0.0.0/0";
    else if (strcmp(text, "%any6") == 0)
        text = "::/0";
    if (strlen(text) >= sizeof(buf))
        return false;
    strcpy(buf, text);
    cut = strstr(buf, ".."); /* as ts_format writes it */
    if (cut != NULL) {
        *cut = '\0';
        return parse_range(out, buf, cut + 2);
    }
    cut = strpbrk(buf, "/-");
    if (cut == NULL)
        return parse_prefix(out, buf, NULL);
    if (*cut == '-') {
        *cut = '\0';
        return parse_range(out, buf, cut + 1);
    }
    *cut = '\0';
    return parse_prefix(out, buf, cut + 1);
}

void gateway_parse(struct cv_id *out, const char *text)
{
    struct cv_addr addr;

    *out = (struct cv_id){.type = CV_ID_FQDN};
    if (addr_parse(&addr, text)) {
        out->type = addr.family == CV_IPV6 ? CV_ID_IPV6 : CV_ID_IPV4;
        out->n = (uint8_t)addr_len(addr.family);
        memcpy(out->b, addr.b, out->n);
        return;
    }
    out->n = (uint8_t)(strlen(text) < CV_ID_MAX ? strlen(text) : CV_ID_MAX);
    memcpy(out->b, text, out->n);
}
