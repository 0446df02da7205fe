/* JSON output (RFC 8259).  Invariant: whatever octets a peer put into an identity, the result
 * is valid: quotes, backslashes and control characters are escaped, and octets that are not
 * UTF-8 become U+FFFD.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/json.h"

#include <inttypes.h>
#include <string.h>

static void indent(struct json *j)
{
    if (j->compact)
        return;
    fputc('\n', j->out);
    for (unsigned i = 0; i < j->depth; i++)
        fputs("  ", j->out);
}

/* ---- text ------------------------------------------------------------------------ */

/* Octets of the well-formed UTF-8 sequence at p (RFC 3629 section 4), 0 when there is none. */
static size_t utf8_length(const uint8_t *p, size_t n)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (len == 0 || p[0] > 0xf4 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

/* Octets that are written as they are: most of a text, and one call for all of them. */
static size_t plain_length(const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n && p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

static void put_text(FILE *out, const uint8_t *p, size_t n)
{
    fputc('"', out);
    for (size_t i = 0, len; i < n; i += len) {
        len = plain_length(p + i, n - i);
        if (len > 0) {
            fwrite(p + i, 1, len, out);
            continue;
        }
        len = utf8_length(p + i, n - i);
        if (len == 0) {
            fputs("\\ufffd", out);
            len = 1;
        } else if (p[i] == '"' || p[i] == '\\') {
            fprintf(out, "\\%c", p[i]);
        } else if (p[i] < 0x20 || p[i] == 0x7f) {
            fprintf(out, "\\u%04x", p[i]);
        } else {
            fwrite(p + i, 1, len, out);
        }
    }
    fputc('"', out);
}

/* What stands before a value: comma, place, name. */
static void lead(struct json *j, const char *name)
{
    if (j->filled[j->depth])
        fputc(',', j->out);
    if (j->depth > 0)
        indent(j);
    j->filled[j->depth] = true;
    if (name == NULL)
        return;
    put_text(j->out, (const uint8_t *)name, strlen(name));
    fputs(j->compact ? ":" : ": ", j->out);
}

static void begin(struct json *j, const char *name, char bracket)
{
    lead(j, name);
    fputc(bracket, j->out);
    if (j->depth + 1 < JSON_DEPTH_MAX)
        j->depth++;
    j->filled[j->depth] = false;
}

static void end(struct json *j, char bracket)
{
    bool filled = j->filled[j->depth];

    j->depth--;
    if (filled)
        indent(j);
    fputc(bracket, j->out);
}

void json_object(struct json *j, const char *name)
{
    begin(j, name, '{');
}

void json_array(struct json *j, const char *name)
{
    begin(j, name, '[');
}

void json_end_object(struct json *j)
{
    end(j, '}');
}

void json_end_array(struct json *j)
{
    end(j, ']');
}

void json_text_n(struct json *j, const char *name, const char *value, size_t n)
{
    lead(j, name);
    put_text(j->out, (const uint8_t *)value, n);
}

void json_text(struct json *j, const char *name, const char *value)
{
    json_text_n(j, name, value, strlen(value));
}

void json_bool(struct json *j, const char *name, bool value)
{
    lead(j, name);
    fputs(value ? "true" : "false", j->out);
}

void json_number(struct json *j, const char *name, uint64_t value)
{
    lead(j, name);
    fprintf(j->out, "%" PRIu64, value);
}

void json_null(struct json *j, const char *name)
{
    lead(j, name);
    fputs("null", j->out);
}

void json_finish(struct json *j)
{
    fputc('\n', j->out);
}

/* ---- VICI's values ------------------------------------------------------------------ */

static bool starts_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_in(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

/* An identity may be "17": the name decides, not the look of the value. */
static bool is_number(const struct node *n)
{
    static const char *const numbers[] = {
        "uniqueid",     "reqid",         "local-port",  "remote-port",
        "encr-keysize", "established",   "rekey-time",  "reauth-time",
        "life-time",    "install-time",  "reauth_time", "rekey_time",
        "rekey_bytes",  "rekey_packets", "dpd_delay",   "total",
        "half-open",    "level",         "time",        "ikesa-uniqueid",
        "size",         "online",        "offline",     NULL};
    static const char *const counted[] = {"errors", "traffic", "lifetime", NULL};
    size_t digits = strspn(n->value, "0123456789");
    bool named =
        is_in(n->name, numbers) || starts_with(n->name, "bytes-") ||
        starts_with(n->name, "packets-") || starts_with(n->name, "use-") ||
        starts_with(n->name, "drops-") ||
        (n->parent != NULL && n->parent->name != NULL && is_in(n->parent->name, counted));

    return named && digits == n->value_len && digits > 0 && (n->value[0] != '0' || digits == 1);
}

static bool is_flag(const struct node *n)
{
    static const char *const flags[] = {"initiator", "encap",   "nat-local", "nat-remote",
                                        "nat-fake",  "nat-any", NULL};

    return is_in(n->name, flags) && strcmp(n->value, "yes") == 0;
}

void json_node(struct json *j, const struct node *value)
{
    if (value->name != NULL && is_flag(value)) {
        json_bool(j, value->name, true);
    } else if (value->name != NULL && is_number(value)) {
        lead(j, value->name);
        fputs(value->value, j->out);
    } else {
        json_text_n(j, value->name, value->value, value->value_len);
    }
}

static void open_node(struct json *j, const struct node *n)
{
    if (n->kind == NODE_SECTION)
        json_object(j, n->name);
    else if (n->kind == NODE_LIST)
        json_array(j, n->name);
    else
        json_node(j, n);
}

static void close_node(struct json *j, const struct node *n)
{
    if (n->kind == NODE_SECTION)
        json_end_object(j);
    else if (n->kind == NODE_LIST)
        json_end_array(j);
}

void json_members(struct json *j, const struct node *section)
{
    const struct node *n = section->first;

    while (n != NULL) {
        open_node(j, n);
        if (n->first != NULL) {
            n = n->first;
            continue;
        }
        close_node(j, n);
        while (n->next == NULL && n->parent != section) {
            n = n->parent;
            close_node(j, n);
        }
        n = n->next;
    }
}
