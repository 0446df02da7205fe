/* The error list's two tables: names for counters and JSON, sentences for people.
 * Both come from CV_ERR_LIST, so they cannot fall out of step with the enum.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/error.h>

#define ERR_NAME(id, name, text) [id] = name,
#define ERR_TEXT(id, name, text) [id] = text,

static const char *const names[CV_ERR_COUNT] = {CV_ERR_LIST(ERR_NAME)};
static const char *const texts[CV_ERR_COUNT] = {CV_ERR_LIST(ERR_TEXT)};

const char *cv_err_name(enum cv_err err)
{
    return (unsigned)err < CV_ERR_COUNT ? names[err] : "unknown";
}

const char *cv_err_text(enum cv_err err)
{
    return (unsigned)err < CV_ERR_COUNT ? texts[err] : "unknown error";
}
