/*
 * files.h - where the database lies: its directory and file exist, belong to us alone and can be
 * written, or a sentence says why not. Blocking; pool thread.
 */
#ifndef STORAGE_EMBEDDED_FILES_H
#define STORAGE_EMBEDDED_FILES_H

#include <limits.h>

#include <stdbool.h>

#include <eventgw-sdk/egx.h>

#define EMBEDDED_FILE "event-gateway.db"

/* path names a directory, or (ending in .db) the file. Makes what is missing: directories with mode
 * 0700, the file with mode 0600. ret_file: NUL-terminated. */
int32_t embedded_files_prepare(const struct eg_host *host, struct eg_str path,
                               char ret_file[PATH_MAX], struct eg_why *ret_why);

#endif
