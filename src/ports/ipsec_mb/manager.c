/* Owns the library: found and asked once, when the first one wants it, and kept to the end.
 * Nothing links against it, so that programs run where it is not installed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ports/ipsec_mb/manager.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>
#include <threads.h>

#include <intel-ipsec-mb.h>

static const char library[] = "libIPSec_MB.so.1";
static const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;

static once_flag once = ONCE_FLAG_INIT;
static const IMB_MGR *manager;

/* The functions that make a manager. */
struct makers {
    unsigned (*version)(void);
    IMB_MGR *(*alloc)(uint64_t flags);
    void (*init)(IMB_MGR *m, IMB_ARCH *arch);
    void (*free)(IMB_MGR *m);
};

/* ISO C has no cast from an object's address to a function's (dlsym(3)). */
static bool find(void *lib, const char *name, void *function, size_t n)
{
    void *at = dlsym(lib, name);

    memcpy(function, &at, n);
    return at != NULL;
}

static bool find_makers(void *lib, struct makers *m)
{
    return find(lib, "imb_get_version", &m->version, sizeof(m->version)) &&
           find(lib, "alloc_mb_mgr", &m->alloc, sizeof(m->alloc)) &&
           find(lib, "init_mb_mgr_auto", &m->init, sizeof(m->init)) &&
           find(lib, "free_mb_mgr", &m->free, sizeof(m->free));
}

/* A newer library only adds to the end of the table. */
static const IMB_MGR *make(const struct makers *make)
{
    IMB_MGR *m = make->version() >= IMB_VERSION_NUM ? make->alloc(0) : NULL;

    if (m == NULL)
        return NULL;
    make->init(m, NULL);
    if ((m->features & needed) == needed && m->imb_errno == 0)
        return m;
    make->free(m);
    return NULL;
}

static void open_library(void)
{
    void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    struct makers makers;

    if (lib == NULL)
        return;
    if (find_makers(lib, &makers))
        manager = make(&makers);
    if (manager == NULL)
        dlclose(lib);
}

const struct IMB_MGR *manager_get(void)
{
    call_once(&once, open_library);
    return manager;
}
