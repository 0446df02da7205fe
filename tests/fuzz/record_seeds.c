/* Writes what two engines say to each other, opened, as seeds of fuzz_ike_header_payloads:
 * every kind of message once, as a header and the payloads that were inside SK.
 *
 *   record_seeds FOLDER
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/crypto.h"
#include "sim/duo.h"
#include "wire/ike.h"

enum { NEXT_AT = 16, EXCHANGE_AT = 18, FLAGS_AT = 19, LENGTH_AT = 24, MESSAGE_MAX = 8192 };

struct recorder {
    const char *folder;
    unsigned life; /* which of the lives this is */
    unsigned n;    /* messages of it so far */
};

/* Called with the header and the plaintext, whose last octet is the pad length. */
static void on_seal(void *ctx, struct cv_span aad, uint8_t *plain, size_t n)
{
    struct recorder *rec = ctx;
    uint8_t msg[MESSAGE_MAX];
    struct wr w = wr_init(msg, sizeof(msg));
    char path[512];
    FILE *f;

    if (aad.n != IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN || n == 0)
        return; /* ESP, or a fragment */
    wr_copy(&w, aad.p, IKE_HDR_LEN);
    wr_patch_u8(&w, NEXT_AT, aad.p[IKE_HDR_LEN]);
    wr_copy(&w, plain, n - 1);
    ike_msg_end(&w);
    snprintf(path, sizeof(path), "%s/life%u-%02u-%u-%s", rec->folder, rec->life, rec->n++,
             aad.p[EXCHANGE_AT], aad.p[FLAGS_AT] & IKE_F_RESPONSE ? "response" : "request");
    f = fopen(path, "wb");
    if (f == NULL || !wr_ok(&w) || fwrite(msg, 1, w.n, f) != w.n || fclose(f) != 0) {
        fprintf(stderr, "cannot write %s\n", path);
        exit(1);
    }
}

/* Connects, rekeys both SAs, asks for a sign of life, deletes. */
static void live(struct recorder *rec, bool certs, bool virtual_ip, bool pfs)
{
    struct duo *d = duo_new(rec->life + 1);

    rec->n = 0;
    sim_crypto_start(rec->life + 1, on_seal, rec);
    if (certs)
        duo_use_certs(d, 1, 300);
    if (virtual_ip)
        duo_use_virtual_ip(d);
    if (pfs) {
        recipe_pfs(&d->dev_conn, CV_KE_X25519);
        recipe_pfs(&d->gw_conn, CV_KE_X25519);
    }
    if (!duo_connect(d))
        exit(1);
    host_rekey_child(d->dev, host_child(d->dev));
    world_run(d->w, 10000);
    host_rekey_ike(d->gw, host_ike(d->gw));
    world_run(d->w, 10000);
    host_delete_child(d->dev, host_child(d->dev));
    world_run(d->w, 10000);
    if (!duo_closes(d) || !duo_free(d))
        exit(1);
    rec->life++;
}

int main(int argc, char **argv)
{
    struct recorder rec = {.folder = argc == 2 ? argv[1] : NULL};

    if (rec.folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    live(&rec, false, false, true);
    live(&rec, true, true, false);
    return 0;
}
