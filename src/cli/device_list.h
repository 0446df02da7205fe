/* culvert device list and show; argv[0] is "device list".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_DEVICE_LIST_H
#define CLI_DEVICE_LIST_H

#include "cli/cli.h"

enum cli_exit device_list(int argc, char **argv);
enum cli_exit device_show(int argc, char **argv);

#endif
