/* Owns: the choice of clock, and the time that it is at least.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/clock.h"

#include <stdio.h>
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

/* The floor at the boot of this machine: what was read, less what had passed since.  Threads
 * that judge certificates read it; it is written when a file was read. */
static _Atomic int64_t floor_at_boot_s = INT64_MIN;

static int64_t floor_s(void)
{
    const int64_t at_boot = floor_at_boot_s;

    return at_boot == INT64_MIN ? INT64_MIN : at_boot + (int64_t)(clock_now_ms() / 1000);
}

int64_t clock_unix_s(void)
{
    const int64_t system = (int64_t)time(NULL), least = floor_s();

    return system > least ? system : least;
}

bool clock_is_late(void)
{
    return (int64_t)time(NULL) < floor_s();
}

void clock_read_floor(const char *path)
{
    FILE *f = fopen(path, "re");
    long long at = 0;
    int64_t at_boot;

    if (f == NULL)
        return;
    if (fscanf(f, "%lld", &at) == 1 && at > 0 && at < INT64_C(1) << 40) {
        at_boot = (int64_t)at - (int64_t)(clock_now_ms() / 1000);
        if (at_boot > floor_at_boot_s)
            floor_at_boot_s = at_boot;
    }
    fclose(f);
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
