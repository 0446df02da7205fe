/* What all boards with a Cortex-M have: the vector table, the tick, the stack's paint.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_CORTEX_M_H
#define FIRMWARE_CORTEX_M_H

#include <stddef.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* The tick comes every millisecond at this clock. */
void cortex_m_init(uint32_t hz);
uint64_t cortex_m_now(void);
/* Interrupt number irq wakes the processor; its line stays masked, so no handler runs. */
void cortex_m_wake_by(unsigned irq);
/* Asleep until the next tick or an interrupt that wakes. */
void cortex_m_wait(void);
size_t cortex_m_stack_used(void);

int main(void);

#endif
