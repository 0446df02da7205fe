/* Owns how an HTTP answer is read (RFC 9112).  It comes from the pinned gateway, but a gateway
 * may be broken, too: every part is bounded and checked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "kit/mem.h"
#include "setup/https.h"

/* A line without its end; *at moves behind it.  false: there is no whole one. */
static bool take_line(const char **at, const char *end, char *out, size_t room)
{
    const char *nl = memchr(*at, '\n', (size_t)(end - *at));
    size_t n;

    if (nl == NULL)
        return false;
    n = (size_t)(nl - *at);
    n -= n > 0 && (*at)[n - 1] == '\r';
    if (n >= room || memchr(*at, '\0', n) != NULL)
        return false;
    memcpy(out, *at, n);
    out[n] = '\0';
    *at = nl + 1;
    return true;
}

/* RFC 9110 section 5.6.7; the obsolete forms are not read. */
static int64_t read_date(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

    return rest != NULL ? (int64_t)timegm(&tm) : 0;
}

/* <https://10.99.0.1:8443/.well-known/est>; rel="edit" */
static void read_link(const char *text, char out[HTTPS_NAME])
{
    const char *end = strchr(text, '>');
    const size_t n = end == NULL || text[0] != '<' ? 0 : (size_t)(end - text - 1);

    if (n == 0 || n >= HTTPS_NAME || strstr(end, "rel=\"edit\"") == NULL)
        return;
    memcpy(out, &text[1], n);
    out[n] = '\0';
}

/* What is known of the body's length: none was said is SIZE_MAX. */
struct framing {
    size_t length;
    bool foreign; /* a transfer coding */
};

static bool take_field(char *line, struct https_answer *out, struct framing *f,
                       struct problem *why)
{
    char *colon = strchr(line, ':');
    const char *value;

    if (colon == NULL || colon == line)
        return problem_set(why, "the gateway's answer is no HTTP");
    *colon = '\0';
    value = &colon[1] + strspn(&colon[1], " \t");
    if (strcasecmp(line, "Date") == 0)
        out->date_s = read_date(value);
    else if (strcasecmp(line, "Retry-After") == 0)
        out->retry_after_s = (unsigned)strtoul(value, NULL, 10);
    else if (strcasecmp(line, "Link") == 0)
        read_link(value, out->link);
    else if (strcasecmp(line, "Content-Length") == 0)
        f->length = strtoul(value, NULL, 10);
    else if (strcasecmp(line, "Transfer-Encoding") == 0)
        f->foreign = true;
    return true;
}

static bool take_status(const char *line, struct https_answer *out, struct problem *why)
{
    if (strncmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' || strlen(line) < 12)
        return problem_set(why, "the gateway's answer is no HTTP");
    out->status = (unsigned)strtoul(&line[9], NULL, 10);
    return (out->status >= 200 && out->status < 600) ||
           problem_set(why, "the gateway's answer has no status");
}

bool https_parse(const char *text, size_t n, struct https_answer *out, struct problem *why)
{
    const char *at = text, *const end = &text[n];
    struct framing f = {.length = SIZE_MAX};
    char line[2048];
    size_t left;

    if (!take_line(&at, end, line, sizeof(line)))
        return problem_set(why, "the gateway ended the connection without an answer");
    if (!take_status(line, out, why))
        return false;
    do {
        if (!take_line(&at, end, line, sizeof(line)))
            return problem_set(why, "the gateway's answer was cut off");
        if (line[0] != '\0' && !take_field(line, out, &f, why))
            return false;
    } while (line[0] != '\0');
    left = (size_t)(end - at);
    if (f.foreign)
        return problem_set(why,
                           "the gateway's answer comes in pieces, which was not asked for");
    if (f.length != SIZE_MAX && f.length > left)
        return problem_set(why, "the gateway's answer was cut off");
    out->n = f.length != SIZE_MAX ? f.length : left;
    out->body = mem_text_n(at, out->n);
    return true;
}

/* ---- what a refusal says ------------------------------------------------------------- */

/* The member "detail" of problem details (RFC 9457), letter by letter; escapes that are no
 * plain letter come out as '?'. */
static bool read_detail(char *out, size_t n, const char *body)
{
    const char *at = strstr(body, "\"detail\"");
    size_t len = 0;

    at = at != NULL ? strchr(&at[8], '"') : NULL;
    if (at == NULL)
        return false;
    for (at++; *at != '\0' && *at != '"' && len + 1 < n; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
            out[len++] = *at == '"' || *at == '\\' || *at == '/' ? *at : '?';
        } else {
            out[len++] = (unsigned char)*at < ' ' ? '?' : *at;
        }
    }
    out[len] = '\0';
    return len > 0;
}

const char *https_detail(char *out, size_t n, const struct https_answer *a)
{
    if (a->body == NULL || !read_detail(out, n, a->body))
        (void)snprintf(out, n, "HTTP status %u", a->status);
    return out;
}

void https_answer_free(struct https_answer *a)
{
    X509_free(a->authority);
    free(a->body);
    *a = (struct https_answer){.status = 0};
}
