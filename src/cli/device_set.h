/* culvert device suspend, resume, revoke, rename, move, tag, note and remove; argv[0] is
 * "device suspend" and so on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_DEVICE_SET_H
#define CLI_DEVICE_SET_H

#include "cli/cli.h"

enum cli_exit device_suspend(int argc, char **argv);
enum cli_exit device_resume(int argc, char **argv);
enum cli_exit device_revoke(int argc, char **argv);
enum cli_exit device_rename(int argc, char **argv);
enum cli_exit device_move(int argc, char **argv);
enum cli_exit device_tag(int argc, char **argv);
enum cli_exit device_note(int argc, char **argv);
enum cli_exit device_remove(int argc, char **argv);

#endif
