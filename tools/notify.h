/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager what the daemon does (sd_notify(3)); does nothing when nobody listens.
 */
#ifndef TOOLS_NOTIFY_H
#define TOOLS_NOTIFY_H

/* state: "READY=1", "STOPPING=1"; lines separated by LF. */
void notify_manager(const char *state);

/* RELOADING=1 with the time that sd_notify(3) wants beside it. */
void notify_reloading(void);

#endif
