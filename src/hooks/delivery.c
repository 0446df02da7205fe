/* Owns libcurl's handle: https and http alone, no redirects, a bounded time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "hooks/delivery.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "kit/mem.h"

enum { CONNECT_MS = 5000, ALL_MS = 15000 };

struct delivery {
    CURL *curl;
    atomic_bool broken_off;
};

static size_t forget(char *p, size_t size, size_t n, void *ctx)
{
    (void)p;
    (void)ctx;
    return size * n; /* what a receiver says besides its status is of no interest */
}

static int look_at_end(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t e)
{
    struct delivery *d = ctx;

    (void)a, (void)b, (void)c, (void)e;
    return atomic_load(&d->broken_off) ? 1 : 0;
}

struct delivery *delivery_new(void)
{
    struct delivery *d = mem_new(1, sizeof(*d));

    atomic_init(&d->broken_off, false);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0)
        d->curl = curl_easy_init();
    if (d->curl != NULL)
        return d;
    free(d);
    return NULL;
}

void delivery_free(struct delivery *d)
{
    if (d == NULL)
        return;
    curl_easy_cleanup(d->curl);
    free(d);
}

void delivery_break_off(struct delivery *d)
{
    atomic_store(&d->broken_off, true);
}

static struct curl_slist *headers(const char *signature)
{
    struct curl_slist *list = NULL;
    char line[160];

    snprintf(line, sizeof(line), "Culvert-Signature: %s", signature);
    list = curl_slist_append(list, "Content-Type: application/json");
    list = curl_slist_append(list, "Expect:");
    return curl_slist_append(list, line);
}

static void prepare(struct delivery *d, const char *url, const struct delivery_body *body,
                    struct curl_slist *list)
{
    CURL *c = d->curl;

    curl_easy_reset(c);
    (void)curl_easy_setopt(c, CURLOPT_URL, url);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, body->text);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->n);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "culvert");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)ALL_MS);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, forget);
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_at_end);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, d);
}

bool delivery_post(struct delivery *d, const char *url, const struct delivery_body *body,
                   char *said, size_t n)
{
    struct curl_slist *list = headers(body->signature);
    long status = 0;
    CURLcode code;

    prepare(d, url, body, list);
    code = curl_easy_perform(d->curl);
    if (code == CURLE_OK)
        (void)curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK)
        snprintf(said, n, "HTTP %ld", status);
    else
        snprintf(said, n, "%s", curl_easy_strerror(code));
    curl_slist_free_all(list);
    return code == CURLE_OK && status >= 200 && status < 300;
}
