/* The debugger's services, which QEMU offers too (Arm, "Semihosting for AArch32 and AArch64").
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SEMIHOSTING_H
#define FIRMWARE_SEMIHOSTING_H

#include <stddef.h>
#include <stdint.h>

/* n octets of the host's /dev/urandom; false: there is no debugger. */
int semihosting_random(uint8_t *out, size_t n);
_Noreturn void semihosting_exit(int status);

#endif
