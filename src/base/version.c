/* Owns: what the library says of its version.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/version.h>

const char *cv_version(void)
{
    return CV_VERSION;
}
