/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_DEVICE_H
#define FIRMWARE_DEVICE_H

#include <stdint.h>

/* The end: says what failed.  Real hardware would restart. */
_Noreturn void device_failed(const char *what);

/* Writes value in digits and ends the string; returns its end.  The C library's way to do it
 * wants a heap. */
char *device_decimal(char *to, unsigned long value);

/* A line on the console. */
void device_say(const char *what, unsigned long value);

#endif
