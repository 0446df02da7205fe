/* Owns: user, groups, capabilities, no_new_privs (capabilities(7), prctl(2)).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleetd/own_user.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool become(const char *user, struct problem *why)
{
    const struct passwd *pw = getpwnam(user);

    if (pw == NULL)
        return problem_set(why, "fleet.user: there is no user \"%s\"", user);
    if (pw->pw_uid == geteuid())
        return true;
    if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
        return problem_set(why, "cannot become user %s: %s", user, strerror(errno));
    return true;
}

/* Root without a user of its own still opens its files: by their owner, not by override. */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2];

    memset(none, 0, sizeof(none));
    return syscall(SYS_capset, &h, none) == 0;
}

bool own_user_become(const char *user, struct problem *why)
{
    const struct rlimit no_core = {0, 0}; /* a core file would hold keys */

    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (user != NULL && !become(user, why))
        return false;
    if (!drop_capabilities() || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return problem_set(why, "cannot drop privileges: %s", strerror(errno));
    return true;
}
