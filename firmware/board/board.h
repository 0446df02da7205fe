/* What the firmware needs of a board: a clock, a console, an Ethernet port, randomness, sleep.
 * One folder a board has all of it, and its memory map; nothing else of the firmware knows
 * a register.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_BOARD_H
#define FIRMWARE_BOARD_H

#include <stddef.h>
#include <stdint.h>

enum { BOARD_FRAME_MAX = 1518 }; /* Ethernet header and 1500 octets, with a VLAN tag */

void board_init(void);

/* Milliseconds since board_init. */
uint64_t board_now(void);

void board_print(const char *text);

/* Our hardware address. */
void board_mac(uint8_t mac[6]);

/* The next frame that came, without its checksum: copies it to frame and returns its octets; 0:
 * there is none. */
size_t board_receive(uint8_t frame[BOARD_FRAME_MAX]);
void board_send(const uint8_t *frame, size_t n);

/* n octets to seed the random number generator with.  The emulated boards have no source of
 * randomness: theirs come from the emulator's host. */
void board_entropy(uint8_t *out, size_t n);

/* Waits until a frame has come or until then, whatever is first, with the processor asleep. */
void board_sleep(uint64_t until);

/* The end of a test run: what the emulator exits with.  Real hardware would restart. */
_Noreturn void board_exit(int status);

/* Octets of the stack that were ever used. */
size_t board_stack_used(void);

#endif
