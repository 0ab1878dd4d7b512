/*
 * base/replace_file.h - replaces a file in one step. Blocks: pool threads, and commands that serve
 * nobody.
 */
#ifndef GW_BASE_REPLACE_FILE_H
#define GW_BASE_REPLACE_FILE_H

#include <eventgw/types.h>

/* Whoever reads the file sees the old or the new content, also after a crash or a loss of power.
 * The new one is for its owner only (mode 0600). What processes that were killed in the middle left
 * beside the file is removed. EG_E_NOTFOUND when there is no such directory, else EG_E_IO; ret_why
 * reads on after the name of the file: "cannot be written: ...". */
int32_t gw_replace_file(const char *path, struct eg_str text, struct eg_why *ret_why);

#endif
