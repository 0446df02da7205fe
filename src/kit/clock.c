/* Owns: the choice of clock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/clock.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

uint64_t clock_now_ms(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_BOOTTIME, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int64_t clock_unix_s(void)
{
    return (int64_t)time(NULL);
}

int clock_alarm_open(void)
{
    return timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
}

void clock_alarm_set(int fd, uint64_t at_ms)
{
    struct itimerspec when = {0};

    if (at_ms == 0)
        at_ms = 1; /* a zero time would disarm */
    if (at_ms != UINT64_MAX) {
        when.it_value.tv_sec = (time_t)(at_ms / 1000);
        when.it_value.tv_nsec = (long)(at_ms % 1000) * 1000000;
    }
    (void)timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void clock_alarm_clear(int fd)
{
    uint64_t rings;

    if (read(fd, &rings, sizeof(rings)) < 0)
        return; /* set again meanwhile: nothing to clear */
}
