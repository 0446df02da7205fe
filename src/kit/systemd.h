/* Telling the service manager, when there is one (sd_notify(3)).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_SYSTEMD_H
#define KIT_SYSTEMD_H

/* "READY=1", "STOPPING=1".  Does nothing without NOTIFY_SOCKET. */
void systemd_notify(const char *state);

#endif
