/* Owns: capabilities, user and no_new_privs (capabilities(7), prctl(2)).
 * The two capabilities are also ambient when we run as another user: updown scripts inherit
 * those and nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "culvertd/privs.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int kept[] = {CAP_NET_ADMIN, CAP_NET_RAW};
enum { N_KEPT = sizeof(kept) / sizeof(kept[0]), FILES = 8192 };

static bool get_caps(struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};

    memset(data, 0, 2 * sizeof(data[0]));
    return syscall(SYS_capget, &h, data) == 0;
}

bool privs_enough(void)
{
    struct __user_cap_data_struct data[2];

    return get_caps(data) && (data[0].effective & (1u << CAP_NET_ADMIN)) != 0;
}

/* Only capabilities that we have can be kept. */
static bool keep_caps(bool inheritable)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    uint32_t mask = 0;

    for (unsigned i = 0; i < N_KEPT; i++)
        mask |= 1u << kept[i];
    if (!get_caps(data))
        return false;
    mask &= data[0].permitted;
    memset(data, 0, sizeof(data));
    data[0].permitted = data[0].effective = mask;
    data[0].inheritable = inheritable ? mask : 0;
    if (syscall(SYS_capset, &h, data) != 0)
        return false;
    for (unsigned i = 0; inheritable && i < N_KEPT; i++)
        if ((mask >> kept[i] & 1) != 0 &&
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0) != 0)
            return false;
    return true;
}

static bool become(const char *user, const char *const *dirs, struct problem *why)
{
    const struct passwd *pw = getpwnam(user);

    if (pw == NULL)
        return problem_set(why, "culvert.user: there is no user \"%s\"", user);
    for (; *dirs != NULL; dirs++)
        if (chown(*dirs, pw->pw_uid, pw->pw_gid) != 0 && errno != ENOENT && errno != EROFS)
            return problem_set(why, "cannot give %s to %s: %s", *dirs, user, strerror(errno));
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || initgroups(user, pw->pw_gid) != 0 ||
        setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
        return problem_set(why, "cannot become user %s: %s", user, strerror(errno));
    return true;
}

/* A thousand clients of the control socket are more than the 1,024 files that a process has. */
static void have_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= FILES)
        return;
    files.rlim_cur = files.rlim_max < FILES ? files.rlim_max : FILES;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

bool privs_drop(const char *user, const char *const *dirs, struct problem *why)
{
    const struct rlimit no_core = {0, 0}; /* a core file would hold keys */

    (void)setrlimit(RLIMIT_CORE, &no_core);
    have_files();
    if (user != NULL && !become(user, dirs, why))
        return false;
    if (!keep_caps(user != NULL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return problem_set(why, "cannot drop privileges: %s", strerror(errno));
    return true;
}
