/* Owns how answers are put together: body, further fields, problem details (RFC 9457).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"
#include "kit/json.h"
#include "kit/mem.h"

const char *http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } known[] = {
        {200, "OK"                    },
        {201, "Created"               },
        {202, "Accepted"              },
        {204, "No Content"            },
        {302, "Found"                 },
        {303, "See Other"             },
        {304, "Not Modified"          },
        {400, "Bad Request"           },
        {401, "Unauthorized"          },
        {403, "Forbidden"             },
        {404, "Not Found"             },
        {405, "Method Not Allowed"    },
        {406, "Not Acceptable"        },
        {409, "Conflict"              },
        {410, "Gone"                  },
        {411, "Length Required"       },
        {412, "Precondition Failed"   },
        {413, "Content Too Large"     },
        {414, "URI Too Long"          },
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content" },
        {429, "Too Many Requests"     },
        {500, "Internal Server Error" },
        {501, "Not Implemented"       },
        {503, "Service Unavailable"   },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].status == status)
            return known[i].text;
    return "Unknown";
}

FILE *http_body(struct http_response *res)
{
    if (res->out == NULL)
        res->out = open_memstream(&res->p, &res->n);
    if (res->out == NULL)
        abort(); /* as kit/mem: no memory */
    return res->out;
}

/* A value is one line, whatever was put into it (RFC 9110 section 5.5). */
static void keep_one_line(char *value)
{
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < 0x20 || *value == 0x7f)
            *value = ' ';
}

void http_add_field(struct http_response *res, const char *name, const char *fmt, ...)
{
    va_list args;
    char *value;

    if (res->n_extra == HTTP_EXTRA_MAX)
        return;
    va_start(args, fmt);
    if (vasprintf(&value, fmt, args) < 0)
        abort();
    va_end(args);
    keep_one_line(value);
    res->extra[res->n_extra++] = (struct http_field){name, value};
}

void http_response_restart(struct http_response *res)
{
    if (res->out != NULL)
        fclose(res->out);
    free(res->p);
    res->out = NULL;
    res->p = NULL;
    res->n = 0;
    res->fixed = (struct cv_span){0};
}

FILE *http_json(struct http_response *res, unsigned status)
{
    res->status = status;
    res->type = "application/json";
    return http_body(res);
}

void http_problem(struct http_response *res, unsigned status, const char *fmt, ...)
{
    struct json j = {.compact = true};
    char detail[512];
    va_list args;

    http_response_restart(res);
    va_start(args, fmt);
    vsnprintf(detail, sizeof(detail), fmt, args);
    va_end(args);
    res->status = status;
    res->type = "application/problem+json";
    j.out = http_body(res);
    json_object(&j, NULL);
    json_text(&j, "type", "about:blank");
    json_text(&j, "title", http_reason(status));
    json_number(&j, "status", status);
    json_text(&j, "detail", detail);
    json_end_object(&j);
    json_finish(&j);
}

void http_response_finish(struct http_response *res)
{
    if (res->out != NULL)
        fclose(res->out);
    res->out = NULL;
    if (res->status == 0)
        res->status = 200;
}

void http_response_free(struct http_response *res)
{
    http_response_restart(res);
    for (unsigned i = 0; i < res->n_extra; i++)
        free((char *)(uintptr_t)res->extra[i].value);
    res->n_extra = 0;
    if (res->stream.release != NULL)
        res->stream.release(res->stream.ctx);
    res->stream = (struct http_stream){.more = NULL};
}
