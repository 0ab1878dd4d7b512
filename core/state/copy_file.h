/*
 * state/copy_file.h - reads and replaces the file of the cached copy. Blocks: pool threads only.
 */
#ifndef GW_STATE_COPY_FILE_H
#define GW_STATE_COPY_FILE_H

#include "base/bytes.h"

/* The whole content, into an empty buffer. Refuses what is no regular file, belongs to or may be
 * written by somebody else, or is too big. ret_why reads on after the name of the file. */
int32_t gw_copy_file_read(const char *path, struct gw_bytes *ret_text, struct eg_why *ret_why);
/* Replaces the file in one step (mode 0600): whoever reads it sees the old or the new content,
 * also after a crash. */
int32_t gw_copy_file_write(const char *path, struct eg_str text, struct eg_why *ret_why);

#endif
