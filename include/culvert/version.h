/* Which Culvert this is.  The build takes the version from here, and it is semantic: before 1.0
 * any minor version may change the interface.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_VERSION_H
#define CULVERT_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define CV_VERSION_MAJOR 0
#define CV_VERSION_MINOR 1
#define CV_VERSION_PATCH 0

/* "MAJOR.MINOR.PATCH" of the headers. */
#define CV_VERSION CV_VERSION_TEXT_(CV_VERSION_MAJOR, CV_VERSION_MINOR, CV_VERSION_PATCH)
#define CV_VERSION_TEXT_(major, minor, patch) CV_VERSION_JOIN_(major, minor, patch)
#define CV_VERSION_JOIN_(major, minor, patch) #major "." #minor "." #patch

/* The same of the library that is linked, which may be another when it is shared. */
const char *cv_version(void);

#ifdef __cplusplus
}
#endif

#endif
