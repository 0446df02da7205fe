/* Owns the shared secrets of devices: asked of the registry, used once, wiped.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "roster/secrets.h"

#include <string.h>

#include "base/secret.h"
#include "text/text.h"

/* ---- the words ---------------------------------------------------------------- */

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool secret_decode(const char *text, uint8_t *out, size_t room, size_t *n)
{
    const size_t len = strlen(text);

    *n = 0;
    if (strncmp(text, "0x", 2) != 0) {
        if (len == 0 || len > room)
            return false;
        memcpy(out, text, len);
        *n = len;
        return true;
    }
    if (len % 2 != 0 || len == 2 || len / 2 - 1 > room)
        return false;
    for (size_t i = 2; i < len; i += 2) {
        const int high = digit(text[i]), low = digit(text[i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[(*n)++] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- the question ------------------------------------------------------------- */

/* A secret in the file answers at once.  Whether the device may come in at all is asked later,
 * once it has proven itself. */
static void take_psk(struct ask *a, struct asked *q, void *ctx)
{
    struct roster *r = ctx;
    struct clerk_question about = {
        .question = q->fx.question, .ike = q->fx.ike, .secret = true};
    struct ask_answer answer = {.err = CV_OK};

    answer.err =
        creds_psk(r->host.creds, q->fx.u.psk.local_id, q->fx.u.psk.remote_id, &answer.u.secret);
    if (answer.err != CV_ERR_NO_CREDENTIAL || !q->fx.conn->admission) {
        (void)ask_answer(a, q->fx.question, &answer);
        return;
    }
    id_format(about.identity, sizeof(about.identity), q->fx.u.psk.remote_id);
    if (!clerk_ask(r->clerk, &about))
        ask_refuse(a, q);
}

void secrets_provide(struct roster *r)
{
    ask_provide(r->host.ask, CV_NEED_PSK, take_psk, r);
}

static const char *reason(enum registry_err err)
{
    return err == REGISTRY_NONE ? "no device of the fleet has this identity and a shared secret"
                                : "the registry cannot be asked for its shared secret";
}

void secrets_answer(struct roster *r, const struct clerk_answer *a)
{
    struct ask_answer answer = {.err = CV_OK};
    uint8_t octets[CLERK_SECRET_MAX];
    size_t n = 0;

    if (a->err == REGISTRY_OK && secret_decode(a->secret, octets, sizeof(octets), &n))
        answer.u.secret = (struct cv_span){octets, n};
    else
        answer.err = a->err == REGISTRY_OK || a->err == REGISTRY_NONE ? CV_ERR_NO_CREDENTIAL
                                                                      : CV_ERR_REGISTRY;
    if (answer.err != CV_OK)
        roster_refused(r, a, reason(a->err));
    (void)ask_answer(r->host.ask, a->about.question, &answer);
    wipe(octets, sizeof(octets));
}
