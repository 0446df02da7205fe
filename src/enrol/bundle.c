/* Owns the text of bundles.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "enrol/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char scheme[] = "culvert://";

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char names[] = LETTERS "._-";
static const char codes[] = LETTERS;
static const char hosts[] = LETTERS ".-_:";

/* ---- written ---------------------------------------------------------------------- */

static bool is_of(const char *text, const char *letters)
{
    return text[0] != '\0' && text[strspn(text, letters)] == '\0';
}

const char *bundle_text(char out[BUNDLE_TEXT], const struct bundle *b)
{
    const bool six = strchr(b->host, ':') != NULL;
    char pin[PIN_TEXT];
    int n = -1;

    if (is_of(b->name, names) && is_of(b->code, codes) && is_of(b->host, hosts))
        n = snprintf(out, BUNDLE_TEXT, "%s%s:%s@%s%s%s:%u/%s/%lld", scheme, b->name, b->code,
                     six ? "[" : "", b->host, six ? "]" : "", b->port, pin_text(pin, &b->pin),
                     (long long)b->until_s);
    if (n < 0 || n >= BUNDLE_TEXT)
        out[0] = '\0';
    return out;
}

/* ---- read ------------------------------------------------------------------------- */

/* The next part, of these letters and until end, into out; false when it is none. */
static bool take_part(const char **at, const char *letters, char end, char *out, size_t room)
{
    const size_t n = strspn(*at, letters);

    if (n == 0 || n >= room || (*at)[n] != end)
        return false;
    memcpy(out, *at, n);
    out[n] = '\0';
    *at += n + (end != '\0');
    return true;
}

static bool read_port(const char *text, uint16_t *out)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n == 0 || n > UINT16_MAX)
        return false;
    *out = (uint16_t)n;
    return true;
}

bool bundle_read_host(const char *text, char host[BUNDLE_HOST], uint16_t *port)
{
    const char *at = text, *colon = strchr(text, ':');

    *port = ENROL_PORT;
    if (*at == '[') {
        at++;
        if (!take_part(&at, hosts, ']', host, BUNDLE_HOST))
            return false;
        return *at == '\0' || (*at == ':' && read_port(&at[1], port));
    }
    if (colon == NULL || strchr(&colon[1], ':') != NULL) /* an IPv6 address without brackets */
        return take_part(&at, hosts, '\0', host, BUNDLE_HOST);
    return take_part(&at, LETTERS ".-_", ':', host, BUNDLE_HOST) && read_port(at, port);
}

static bool read_until(const char *text, int64_t *out)
{
    char *end;
    const long long n = strtoll(text, &end, 10);

    *out = n;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && n > 0;
}

/* What stands between '@' and the next '/'. */
static bool read_gateway(const char **at, struct bundle *out)
{
    char text[BUNDLE_HOST + 16];

    return take_part(at, LETTERS ".-_:[]", '/', text, sizeof(text)) &&
           bundle_read_host(text, out->host, &out->port);
}

bool bundle_read(const char *text, struct bundle *out, struct problem *why)
{
    char line[BUNDLE_TEXT], pin[PIN_TEXT];
    const char *at = line;
    size_t n;

    *out = (struct bundle){.port = 0};
    text += strspn(text, " \t\r\n");
    n = strcspn(text, " \t\r\n");
    if (text[n + strspn(&text[n], " \t\r\n")] != '\0' || n >= sizeof(line))
        return problem_set(why, "a bundle is one word: this is something else, or two of them");
    memcpy(line, text, n);
    line[n] = '\0';
    if (strncmp(line, scheme, sizeof(scheme) - 1) != 0)
        return problem_set(why,
                           "a bundle begins with %s: it is the line that `culvert device "
                           "add` prints",
                           scheme);
    at += sizeof(scheme) - 1;
    if (!take_part(&at, names, ':', out->name, sizeof(out->name)))
        return problem_set(why, "the bundle's device name is missing or broken");
    if (!take_part(&at, codes, '@', out->code, sizeof(out->code)))
        return problem_set(why, "the bundle's one-time code is missing or broken");
    if (!read_gateway(&at, out))
        return problem_set(why, "the bundle's gateway is missing or broken");
    if (!take_part(&at, LETTERS "-_", '/', pin, sizeof(pin)) ||
        !pin_read(pin, strlen(pin), &out->pin))
        return problem_set(why, "the bundle's fingerprint is missing or broken");
    if (!read_until(at, &out->until_s))
        return problem_set(why, "the bundle's end is missing or broken: was all of it copied?");
    return true;
}
