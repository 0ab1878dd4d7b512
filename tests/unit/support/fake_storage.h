/*
 * fake_storage.h - a storage component in memory that does what a test tells it: answer at once,
 * hold its answers back, or fail. One store per program; one thread.
 *
 * It keeps the contract of eventgw/storage.h (revisions, compare-and-set, ascending lists, watch
 * with SYNCED) so that catalog and Config API can be driven for real.
 */
#ifndef TESTS_FAKE_STORAGE_H
#define TESTS_FAKE_STORAGE_H

#include <stdbool.h>

#include <eventgw/plugin.h>

/* The component "fake" has all operations, "fake_0_1" those of ABI 0.1 (no commit) on the same
 * content. create refuses a second instance until the first is gone. */
extern const struct eg_plugin fake_storage_plugin;
/* For a component of another name; they take any instance. */
extern const struct eg_storage_ops fake_storage_ops;

/* Forgets all content, held ops and failures. Between tests, when no gateway part uses it. */
void fake_storage_reset(void);

/* Held: get, list, put, remove and commit are queued and done nothing for until they are released.
 */
void fake_storage_hold(bool is_held);
size_t fake_storage_held(void);
/* Works off the oldest `count` held ops (in order). */
void fake_storage_release(size_t count);

/* From now on every get, list, put, remove and commit ends with this status and text; 0 = works
 * again. */
void fake_storage_fail(int32_t status, const char *text);
/* The next `count` writes lose a race: EG_E_CONFLICT, nothing is changed. */
void fake_storage_lose_races(size_t count);

/* Right before the operation with this number (from 1, of all since the reset) somebody else sets
 * the key. */
void fake_storage_set_before(size_t call, const char *key, const char *value);

/* The last commit, in words: "put KEY expect N; key KEY is N; prefix KEY since N", with "any" and
 * "absent" for the revisions of that meaning. "" = none yet. */
const char *fake_storage_last_commit(void);

/* Behind the gateway's back; the watch is told. value NULL removes. Returns the revision. */
uint64_t fake_storage_set(const char *key, const char *value);
/* The stored text (NUL-terminated), or NULL. */
const char *fake_storage_get(const char *key);
size_t fake_storage_count(void);
/* Calls of get, list, put, remove and commit so far. */
size_t fake_storage_calls(void);
/* Tells the watch EG_CHANGE_DOWN, or RESET with the present content and SYNCED. */
void fake_storage_watch_down(const char *text);
void fake_storage_watch_reset(void);
/* The store is away: watches, also new ones, are told so, and operations end with EG_E_UNAVAILABLE
 * and this text. NULL: it is back, and the watch is told RESET and the content. */
void fake_storage_away(const char *text);
/* The watch, also a new one, is told nothing at all. */
void fake_storage_silent(bool is_silent);

#endif
