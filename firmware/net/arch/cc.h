/* What lwIP asks of the compiler and the program.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_ARCH_CC_H
#define FIRMWARE_ARCH_CC_H

#include <stdint.h>

#define LWIP_NO_UNISTD_H 1
#define LWIP_PLATFORM_DIAG(message)
#define LWIP_PLATFORM_ASSERT(message) device_failed(message)
#define LWIP_RAND() device_random()

_Noreturn void device_failed(const char *what);
uint32_t device_random(void);

#endif
