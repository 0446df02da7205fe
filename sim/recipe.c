/* Connections for scenarios.  See recipe.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/recipe.h"

#include <stdio.h>
#include <string.h>

void recipe_id(struct cv_id *id, const char *fqdn)
{
    *id = (struct cv_id){.type = CV_ID_ANY};
    if (fqdn == NULL)
        return;
    id->type = CV_ID_FQDN;
    id->n = (uint8_t)strlen(fqdn);
    memcpy(id->b, fqdn, id->n);
}

struct cv_addr recipe_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct cv_addr){
        CV_IPV4, {a, b, c, d}
    };
}

struct cv_addr recipe_v6(uint16_t net, uint16_t host)
{
    struct cv_addr a = {
        CV_IPV6, {0x20, 0x01, 0x0d, 0xb8}
    };

    a.b[4] = (uint8_t)(net >> 8);
    a.b[5] = (uint8_t)net;
    a.b[14] = (uint8_t)(host >> 8);
    a.b[15] = (uint8_t)host;
    return a;
}

struct cv_ts_config recipe_subnet(struct cv_addr addr, unsigned prefix)
{
    struct cv_ts_config c = {
        .ts = {.family = addr.family, .port_hi = 65535}
    };
    size_t n = addr.family == CV_IPV6 ? 16 : 4;

    for (size_t i = 0; i < n; i++) {
        unsigned bits = prefix >= 8 * (i + 1) ? 8
                        : prefix <= 8 * i     ? 0
                                              : prefix - (unsigned)(8 * i);
        uint8_t mask = (uint8_t)(0xff00u >> bits);

        c.ts.lo[i] = addr.b[i] & mask;
        c.ts.hi[i] = (uint8_t)(c.ts.lo[i] | (uint8_t)~mask);
    }
    return c;
}

struct cv_ts_config recipe_dynamic(void)
{
    return (struct cv_ts_config){.dynamic = true, .ts = {.port_hi = 65535}};
}

static void add_transform(struct cv_proposal *p, uint8_t type, uint16_t id, uint16_t bits)
{
    p->t[p->n++] = (struct cv_transform){type, id, bits};
}

unsigned recipe_add_child(struct recipe *r)
{
    unsigned i = r->conn.n_children++;
    struct cv_child_config *c = &r->child[i];

    snprintf(r->child_name[i], sizeof(r->child_name[i]), "net%u", i);
    *c = (struct cv_child_config){.name = r->child_name[i],
                                  .proposals = r->esp,
                                  .n_proposals = 1,
                                  .local_ts = r->local_ts[i],
                                  .remote_ts = r->remote_ts[i],
                                  .mode = CV_TUNNEL,
                                  .start_action = CV_ACTION_NONE,
                                  .replay_window = 64};
    r->children[i] = c;
    return i;
}

void recipe_init(struct recipe *r, const char *name, const char *local_id,
                 const char *remote_id)
{
    *r = (struct recipe){0};
    snprintf(r->name, sizeof(r->name), "%s", name);
    r->ike[0].protocol = CV_PROTO_IKE;
    add_transform(&r->ike[0], CV_ENCR, CV_ENCR_AES_GCM_16, 128);
    add_transform(&r->ike[0], CV_PRF, CV_PRF_HMAC_SHA2_256, 0);
    add_transform(&r->ike[0], CV_KE, CV_KE_X25519, 0);
    r->esp[0].protocol = CV_PROTO_ESP;
    add_transform(&r->esp[0], CV_ENCR, CV_ENCR_AES_GCM_16, 128);
    add_transform(&r->esp[0], CV_ESN, CV_ESN_NO, 0);
    r->conn = (struct cv_conn){.name = r->name,
                               .proposals = r->ike,
                               .n_proposals = 1,
                               .local = {.kind = CV_AUTH_PSK},
                               .remote = {.kind = CV_AUTH_PSK},
                               .fragmentation = true,
                               .keyingtries = 1,
                               .children = r->children};
    recipe_id(&r->conn.local.id, local_id);
    recipe_id(&r->conn.remote.id, remote_id);
    (void)recipe_add_child(r);
}

void recipe_local_ts(struct recipe *r, unsigned child, struct cv_ts_config ts)
{
    r->local_ts[child][r->child[child].n_local_ts++] = ts;
}

void recipe_remote_ts(struct recipe *r, unsigned child, struct cv_ts_config ts)
{
    r->remote_ts[child][r->child[child].n_remote_ts++] = ts;
}

void recipe_pfs(struct recipe *r, uint16_t ke)
{
    add_transform(&r->esp[0], CV_KE, ke, 0);
}

void recipe_ike_kes(struct recipe *r, const uint16_t *kes, unsigned n)
{
    struct cv_proposal old = r->ike[0];

    r->ike[0].n = 0;
    for (unsigned i = 0; i < old.n; i++) {
        if (old.t[i].type != CV_KE)
            add_transform(&r->ike[0], old.t[i].type, old.t[i].id, old.t[i].key_len);
    }
    for (unsigned i = 0; i < n; i++)
        add_transform(&r->ike[0], CV_KE, kes[i], 0);
}

void recipe_aead(struct recipe *r, uint16_t id, uint16_t bits)
{
    r->ike[0].t[0] = r->esp[0].t[0] = (struct cv_transform){CV_ENCR, id, bits};
}

void recipe_cbc(struct recipe *r)
{
    recipe_aead(r, CV_ENCR_AES_CBC, 128);
    add_transform(&r->ike[0], CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0);
    add_transform(&r->esp[0], CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0);
}

void recipe_esp_cbc(struct recipe *r)
{
    r->esp[0].t[0] = (struct cv_transform){CV_ENCR, CV_ENCR_AES_CBC, 128};
    add_transform(&r->esp[0], CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0);
}

void recipe_ah(struct recipe *r)
{
    r->esp[0].protocol = CV_PROTO_AH;
    r->esp[0].t[0] = (struct cv_transform){CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0};
}

void recipe_esn(struct recipe *r)
{
    r->esp[0].t[1].id = CV_ESN_YES;
}
