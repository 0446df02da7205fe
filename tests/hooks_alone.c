/* Webhooks without the rest of culvert-fleetd, for a test: hooks_alone REGISTRY.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "hooks/hooks.h"

int main(int argc, char **argv)
{
    const struct registry_config c = {.uri = argc > 1 ? argv[1] : ""};

    if (hooks_start(&c) == NULL)
        return EXIT_FAILURE;
    for (;;)
        pause();
}
