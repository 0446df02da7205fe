/* Owns what a device is given before it comes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "enrol/admit.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kit/mem.h"

/* ---- where they go ----------------------------------------------------------------------- */

enum registry_err admit_gateway_name(struct registry *r, char out[BUNDLE_HOST])
{
    return registry_setting_get(r, "gateway-name", out, BUNDLE_HOST);
}

/* Host, port and fingerprint, as `culvert init` wrote them. */
static enum registry_err read_gateway(struct registry *r, struct bundle *out)
{
    char address[BUNDLE_HOST + 16], pin[PIN_TEXT + 1];
    enum registry_err err = registry_setting_get(r, "gateway", address, sizeof(address));

    if (err == REGISTRY_OK)
        err = registry_setting_get(r, "pin", pin, sizeof(pin));
    if (err != REGISTRY_OK)
        return err;
    if (!bundle_read_host(address, out->host, &out->port) ||
        !pin_read(pin, strlen(pin), &out->pin))
        return REGISTRY_BAD;
    return REGISTRY_OK;
}

/* ---- many at once ------------------------------------------------------------------------ */

struct work {
    const struct admission *how;
    struct admitted *v;
    size_t n;
    struct bundle gateway;
    struct device *devices;
    int64_t *ids;
    char (*codes)[CODE_TEXT];
};

static enum registry_err put_secrets(struct registry *r, const struct work *w)
{
    enum registry_err err = REGISTRY_OK;

    for (size_t i = 0; i < w->n && err == REGISTRY_OK; i++)
        err = registry_secret_put(r, w->ids[i], w->v[i].secret);
    return err;
}

static enum registry_err add(struct registry *r, void *ctx)
{
    struct work *w = ctx;
    enum registry_err err;

    for (size_t i = 0; i < w->n; i++)
        w->devices[i] = w->v[i].device;
    err = registry_device_add(r, w->devices, w->n);
    for (size_t i = 0; i < w->n; i++)
        w->ids[i] = w->devices[i].id;
    if (err != REGISTRY_OK)
        return err;
    return w->how->by_secret
               ? put_secrets(r, w)
               : registry_code_make_many(r, w->ids, w->n, w->how->ends_s, w->codes);
}

static bool make_secret(char out[ADMIT_SECRET])
{
    uint8_t octets[ADMIT_SECRET_OCTETS];
    const bool ok = RAND_bytes(octets, sizeof(octets)) == 1;

    strcpy(out, "0x");
    for (size_t i = 0; i < sizeof(octets); i++)
        (void)snprintf(&out[2 + 2 * i], 3, "%02x", octets[i]);
    wipe(octets, sizeof(octets));
    return ok;
}

static void hand_out(const struct work *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct admitted *a = &w->v[i];

        a->device = w->devices[i];
        a->bundle = w->gateway;
        snprintf(a->bundle.name, sizeof(a->bundle.name), "%s", a->device.name);
        if (!w->how->by_secret)
            snprintf(a->bundle.code, sizeof(a->bundle.code), "%s", w->codes[i]);
        a->bundle.until_s = w->how->ends_s;
    }
}

enum registry_err admit_devices(struct registry *r, const struct admission *how,
                                struct admitted *v, size_t n)
{
    struct work w = {.how = how, .v = v, .n = n};
    enum registry_err err = read_gateway(r, &w.gateway);

    if (err != REGISTRY_OK)
        return err;
    for (size_t i = 0; i < n && how->by_secret; i++) {
        strcpy(v[i].device.credential, "psk");
        if (!make_secret(v[i].secret))
            return REGISTRY_FAILED;
    }
    w.devices = mem_new(n, sizeof(w.devices[0]));
    w.ids = mem_new(n, sizeof(w.ids[0]));
    w.codes = mem_new(n, sizeof(w.codes[0]));
    err = registry_together(r, add, &w);
    if (err == REGISTRY_OK)
        hand_out(&w);
    wipe(w.codes, n * sizeof(w.codes[0]));
    free(w.devices);
    free(w.ids);
    free(w.codes);
    return err;
}

enum registry_err admit_again(struct registry *r, const char *name, int64_t ends_s,
                              struct admitted *out)
{
    enum registry_err err = registry_device_get(r, name, &out->device);

    out->secret[0] = '\0';
    if (err == REGISTRY_OK)
        err = read_gateway(r, &out->bundle);
    if (err == REGISTRY_OK)
        err = registry_code_make(r, out->device.id, ends_s, out->bundle.code);
    snprintf(out->bundle.name, sizeof(out->bundle.name), "%s", out->device.name);
    out->bundle.until_s = ends_s;
    return err;
}
