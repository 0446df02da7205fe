/* SPDX-License-Identifier: Apache-2.0 */
#include "board/cortex_m.h"

#include "board/semihosting.h"

enum { PAINT = 0xc5 };

/* Addresses that the linker script sets; only their addresses mean something. */
extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[], stack_bottom[],
    stack_top[];

static volatile uint64_t ticks;

/* ---- start -------------------------------------------------------------------- */

_Noreturn void on_reset(void); /* the linker's entry */
static _Noreturn void on_fault(void);
static void on_tick(void);

#define VECTORS 16

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[VECTORS] = {
    [0] = (uintptr_t)stack_top, [1] = (uintptr_t)on_reset, [2] = (uintptr_t)on_fault,
    [3] = (uintptr_t)on_fault,  [4] = (uintptr_t)on_fault, [5] = (uintptr_t)on_fault,
    [6] = (uintptr_t)on_fault,  [15] = (uintptr_t)on_tick,
};

_Noreturn void on_reset(void)
{
    uint8_t here;
    uint32_t *from = data_load;

    for (uint32_t *to = data_start; to < data_end; to++)
        *to = *from++;
    for (uint32_t *to = bss_start; to < bss_end; to++)
        *to = 0;
    for (uint8_t *p = (uint8_t *)stack_bottom; p < &here - 64; p++)
        *p = PAINT;
    semihosting_exit(main());
}

static _Noreturn void on_fault(void)
{
    semihosting_exit(99);
}

/* ---- time --------------------------------------------------------------------- */

#define SYST_CSR REGISTER(0xe000e010)
#define SYST_RVR REGISTER(0xe000e014)
#define SYST_CVR REGISTER(0xe000e018)
#define SCB_SCR REGISTER(0xe000ed10)
#define NVIC_ICPR(n) REGISTER(0xe000e280 + 4 * (n))

enum { CSR_RUN_WITH_INTERRUPT = 7, SCR_SEVONPEND = 1 << 4 };

static void on_tick(void)
{
    ticks = ticks + 1;
}

void cortex_m_init(uint32_t hz)
{
    SYST_RVR = hz / 1000 - 1;
    SYST_CVR = 0;
    SYST_CSR = CSR_RUN_WITH_INTERRUPT;
}

/* Two reads that agree: the tick may come between the halves of one. */
uint64_t cortex_m_now(void)
{
    uint64_t first, second;

    do {
        first = ticks;
        second = ticks;
    } while (first != second);
    return second;
}

static unsigned wake_irq;

void cortex_m_wake_by(unsigned irq)
{
    wake_irq = irq;
    SCB_SCR |= SCR_SEVONPEND;
}

void cortex_m_wait(void)
{
    __asm__ volatile("wfe");
    NVIC_ICPR(wake_irq / 32) = UINT32_C(1) << wake_irq % 32;
}

/* ---- the stack ---------------------------------------------------------------- */

size_t cortex_m_stack_used(void)
{
    const uint8_t *p = (const uint8_t *)stack_bottom;

    while (*p == PAINT)
        p++;
    return (size_t)((const uint8_t *)stack_top - p);
}
