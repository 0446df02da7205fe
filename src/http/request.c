/* Owns what is read out of a request: fields, parameters of the query, cookies.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "base/span.h"
#include "http/inside.h"

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The octet that %XX stands for, its '%' being read; -1: none that may be. */
static int read_escape(struct rd *r)
{
    const int high = digit(rd_u8(r)), low = digit(rd_u8(r));

    return !rd_ok(r) || high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool http_decode(char *out, size_t n, struct cv_span text, bool plus)
{
    struct rd r = rd_init(text);
    size_t used = 0;

    while (rd_left(&r) > 0) {
        int c = rd_u8(&r);

        if (c == '%')
            c = read_escape(&r);
        else if (c == '+' && plus)
            c = ' ';
        if (c <= 0 || used + 1 >= n)
            return false;
        out[used++] = (char)c;
    }
    if (n > 0)
        out[used] = '\0';
    return n > 0;
}

const char *http_field(const struct http_request *req, const char *name)
{
    for (unsigned i = 0; i < req->n_fields; i++)
        if (strcasecmp(req->fields[i].name, name) == 0)
            return req->fields[i].value;
    return NULL;
}

bool http_parameter(const struct http_request *req, const char *name, char *out, size_t n)
{
    const size_t len = strlen(name);

    for (const char *at = req->query; *at != '\0';) {
        const size_t whole = strcspn(at, "&");

        if (whole > len && strncmp(at, name, len) == 0 && at[len] == '=')
            return http_decode(out, n, span(at + len + 1, whole - len - 1), true);
        at += whole + (at[whole] == '&');
    }
    return false;
}

bool http_cookie(const struct http_request *req, const char *name, char *out, size_t n)
{
    const char *at = http_field(req, "Cookie");
    const size_t len = strlen(name);

    while (at != NULL && *at != '\0') {
        const size_t whole = strcspn(at, ";");

        if (whole > len && strncmp(at, name, len) == 0 && at[len] == '=' &&
            whole - len - 1 < n) {
            memcpy(out, at + len + 1, whole - len - 1);
            out[whole - len - 1] = '\0';
            return true;
        }
        at += whole + strspn(at + whole, "; ");
    }
    return false;
}
