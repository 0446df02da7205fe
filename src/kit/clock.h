/* Time for the engine: monotonic, and an alarm on the same clock.
 *
 * The clock counts while the machine sleeps, so lifetimes and NAT mappings age as they do for
 * the peer, and an alarm that came due meanwhile rings on waking.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_CLOCK_H
#define KIT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

uint64_t clock_now_ms(void);
int64_t clock_unix_s(void); /* civil time, for certificates; never before the floor */

/* A device may have no clock that outlives the power.  A file holds a time that has passed for
 * sure, Unix seconds as text, from somebody who was authenticated: from then on the time is
 * that or later, and it passes from there.  A file that is missing or broken changes nothing,
 * and no floor ever sinks. */
#define CLOCK_FLOOR_FILE "time" /* in the state directory */
void clock_read_floor(const char *path);
bool clock_is_late(void); /* the system's clock is before the floor */

/* A descriptor that becomes readable when the alarm rings; -1 with errno set. */
int clock_alarm_open(void);
/* UINT64_MAX: never. A time that has passed rings at once. */
void clock_alarm_set(int fd, uint64_t at_ms);
void clock_alarm_clear(int fd); /* after it rang */

#endif
