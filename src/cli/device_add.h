/* culvert device add and culvert device code; argv[0] is "device add".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_DEVICE_ADD_H
#define CLI_DEVICE_ADD_H

#include "cli/cli.h"

enum cli_exit device_add(int argc, char **argv);
enum cli_exit device_code(int argc, char **argv);

#endif
