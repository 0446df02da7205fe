/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway.h"

#include "device_config.h"
#include "identity.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A device that is asleep most of the day: keys last long, and nobody asks whether it is there.
 */
enum { CHILD_REKEY_S = 86400, IKE_REKEY_S = 7 * 86400, REKEY_SPREAD_S = 3600, GRACE_S = 3600 };

static const struct cv_proposal ike_proposal = {
    .protocol = CV_PROTO_IKE,
    .n = 3,
    .t = {{CV_ENCR, CV_ENCR_AES_GCM_16, 128},
          {CV_PRF, CV_PRF_HMAC_SHA2_256, 0},
          {CV_KE, CV_KE_X25519, 0}},
};
/* With the IV implicit a packet is 8 octets shorter, if the gateway knows that (RFC 8750). */
static const struct cv_proposal esp_proposal = {
    .protocol = CV_PROTO_ESP,
    .n = 3,
    .t = {{CV_ENCR, CV_ENCR_AES_GCM_16_IIV, 128},
          {CV_ENCR, CV_ENCR_AES_GCM_16, 128},
          {CV_ESN, CV_ESN_NO, 0}},
};
static const struct cv_ts_config own_address = {
    .dynamic = true, .ts = {.family = CV_IPV4, .port_hi = 65535}
};
static const struct cv_ts_config everything = {
    .ts = {.family = CV_IPV4, .port_hi = 65535, .hi = {255, 255, 255, 255}}
};
static const struct cv_addr any_address = {.family = CV_IPV4};

const struct cv_child_config gateway_child = {
    .name = "platform",
    .proposals = &esp_proposal,
    .n_proposals = 1,
    .local_ts = &own_address,
    .n_local_ts = 1,
    .remote_ts = &everything,
    .n_remote_ts = 1,
    .mode = CV_TUNNEL,
    .replay_window = 64,
    .life = {.rekey_s = CHILD_REKEY_S,
             .rand_s = REKEY_SPREAD_S,
             .hard_s = CHILD_REKEY_S + GRACE_S},
};
static const struct cv_child_config *const children[] = {&gateway_child};

const struct cv_conn gateway_conn = {
    .name = "gateway",
    .proposals = &ike_proposal,
    .n_proposals = 1,
    .local = {.kind = IDENTITY_KIND,
              .id = {CV_ID_FQDN, sizeof(CULVERT_DEVICE_NAME) - 1, CULVERT_DEVICE_NAME}  },
    .remote = {.kind = IDENTITY_KIND,
              .id = {CV_ID_FQDN, sizeof(CULVERT_GATEWAY_NAME) - 1, CULVERT_GATEWAY_NAME}},
    .send_cert = true,
    .encap = DEVICE_ENCAP,
    .fragmentation = true,
    .rekey_s = IKE_REKEY_S,
    .over_s = GRACE_S,
    .rand_s = REKEY_SPREAD_S,
    .vips = &any_address,
    .n_vips = 1,
    .children = children,
    .n_children = COUNT_OF(children),
};

bool gateway_answer(struct cv_engine *e, const struct cv_effect *fx, uint64_t now)
{
    enum cv_err err;

    switch (fx->kind) {
    case CV_NEED_PSK:
        err = cv_answer_psk(e, fx->question,
                            IDENTITY_KIND == CV_AUTH_PSK ? CV_OK : CV_ERR_NO_CREDENTIAL,
                            identity_psk(), now);
        break;
    case CV_NEED_SIGNATURE:
        err = identity_sign(e, fx, now);
        break;
    case CV_NEED_VERIFY:
        err = identity_verify(e, fx, now);
        break;
    default:
        return false;
    }
    /* The attempt has ended meanwhile: its event says so. */
    (void)err;
    return true;
}
