/* The device's credential: a shared secret, or a certificate with its P-256 key and the
 * gateway's key, pinned.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_IDENTITY_H
#define FIRMWARE_IDENTITY_H

#include <culvert/engine.h>

#include "device_config.h"

#ifdef CULVERT_PSK
#define IDENTITY_KIND CV_AUTH_PSK
#else
#define IDENTITY_KIND CV_AUTH_PUBKEY
#endif

/* Empty: there is none. */
struct cv_span identity_psk(void);

/* Answer the engine's questions for a signature, and about one. */
enum cv_err identity_sign(struct cv_engine *e, const struct cv_effect *fx, uint64_t now);
enum cv_err identity_verify(struct cv_engine *e, const struct cv_effect *fx, uint64_t now);

#endif
