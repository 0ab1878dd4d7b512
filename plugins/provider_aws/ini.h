/* ini.h - the format of the shared AWS files: sections, `key = value` lines, comments. Pure. */
#ifndef AWS_INI_H
#define AWS_INI_H

#include <eventgw-sdk/egx.h>

/* Called for each key of each section, in order; all borrowed during the call. */
typedef void (*aws_ini_fn)(void *arg, struct eg_str section, struct eg_str key,
                           struct eg_str value);

/* Lines that are nothing of that kind are passed over, and so are nested blocks (indented lines):
 * the files belong to many tools. */
void aws_ini_read(struct eg_str text, aws_ini_fn on_key, void *arg);

#endif
