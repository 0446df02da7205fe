/* cmocka with the headers it wants, and how a scenario file runs its scenarios.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One scenario over the duo fixture. */
#define DUO(f) cmocka_unit_test_setup_teardown(f, duo_setup, duo_teardown)

#endif
