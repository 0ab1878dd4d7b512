/*
 * scripts.c - the operations of the store, as Lua scripts that Redis runs each in one step
 * (https://redis.io/docs/latest/develop/interact/programmability/eval-intro/).
 *
 * Five keys, all with the hash tag of the setting `prefix`, so that they are in one slot:
 *   values     hash     key -> value
 *   revisions  hash     key -> "REVISION CREATED SHA1": CREATED is the revision that made the key,
 *                       the digest tells values that were changed by hand
 *   index      zset     every key with score 0: ZRANGEBYLEX gives them bytewise and by prefix
 *   state      hash     format, epoch (random, of the data set), revision (the counter), nonce (of
 *                       the newest change), bytes (of the stream)
 *   changes    stream   id REVISION-0: kind, key, value, nonce, created ('0' of a removal)
 *
 * The nonce is random and comes with each change. Who knows revision and nonce of the last change
 * it has seen can tell whether the stream still is the one it has read: after a failover to a
 * replica that lagged, or after a restore, the same revision has another nonce.
 *
 * A script is not undone when it fails in its middle. What Redis refuses a script (no memory, a
 * replica, a disk that cannot be written) it refuses at its first write, so nothing is half done;
 * the first write is XADD, which is also the one that could fail by its arguments.
 *
 * Time is bounded: what grows with the content is read by pages of so many keys and bytes. Two
 * things read it in one go, though no values: `open` when the state was lost, and a write whose
 * check of a prefix rests on a revision that is more than 250 changes (or about 1 MiB of them)
 * back.
 *
 * ARGV[1] of all but `open` is the epoch that the caller knows; another one is answered LOST.
 * Numbers go through text: Lua has doubles, exact up to 2^53.
 *
 * Thread: any, after redis_scripts_prepare.
 */
#include "scripts.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#define PRELUDE                                                                                    \
    "local V, R, I, S, C = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]\n"                          \
    "local call = redis.call\n"                                                                    \
    "local function num(n) return string.format('%.0f', n) end\n"                                  \
    "local function first_number(text) return tonumber(string.match(text or '', '^%d+')) end\n"

#define EPOCH                                                                                      \
    "local state = call('HMGET', S, 'epoch', 'revision', 'nonce')\n"                               \
    "local revision, nonce = first_number(state[2]), state[3]\n"                                   \
    "if state[1] ~= ARGV[1] or not revision or not nonce then return {'LOST'} end\n"

/* ARGV[2] nonce of the change, ARGV[3] changes to keep, ARGV[4] bytes of them to keep. One more is
 * kept, by which those know their place who have seen all before the changes to keep. */
#define CHANGE                                                                                     \
    "local function trim(size)\n"                                                                  \
    "  local length, bytes = call('XLEN', C), size\n"                                              \
    "  if length > 1 then bytes = call('HINCRBY', S, 'bytes', size)\n"                             \
    "  else call('HSET', S, 'bytes', size) end\n"                                                  \
    "  for i = 1, 100 do\n"                                                                        \
    "    if length < 3 or length <= tonumber(ARGV[3]) + 1 and bytes <= tonumber(ARGV[4]) then\n"   \
    "      return\n"                                                                               \
    "    end\n"                                                                                    \
    "    local oldest = call('XRANGE', C, '-', '+', 'COUNT', 1)[1]\n"                              \
    "    local gone = 0\n"                                                                         \
    "    for i, field in ipairs(oldest[2]) do gone = gone + #field end\n"                          \
    "    call('XTRIM', C, 'MINID', num(first_number(oldest[1]) + 1) .. '-0')\n"                    \
    "    bytes = call('HINCRBY', S, 'bytes', -gone)\n"                                             \
    "    length = length - 1\n"                                                                    \
    "  end\n"                                                                                      \
    "end\n"                                                                                        \
    "local function created_of(key)\n"                                                             \
    "  local found = call('HEXISTS', V, key) == 1 and call('HGET', R, key)\n"                      \
    "  return string.match(found or '', '^%d+ (%d+) ')\n"                                          \
    "end\n"                                                                                        \
    "local function change(key, is_removal, value, fresh)\n"                                       \
    "  local kind = is_removal and 'remove' or 'put'\n"                                            \
    "  local next_one = num(revision + 1)\n"                                                       \
    "  local created = is_removal and '0' or created_of(key) or next_one\n"                        \
    "  call('XADD', C, next_one .. '-0', 'kind', kind, 'key', key, 'value', value,\n"              \
    "       'nonce', fresh, 'created', created)\n"                                                 \
    "  revision, nonce = revision + 1, fresh\n"                                                    \
    "  call('HSET', S, 'revision', next_one, 'nonce', fresh)\n"                                    \
    "  if is_removal then\n"                                                                       \
    "    call('HDEL', V, key) call('HDEL', R, key) call('ZREM', I, key)\n"                         \
    "  else\n"                                                                                     \
    "    call('HSET', V, key, value)\n"                                                            \
    "    call('HSET', R, key, next_one .. ' ' .. created .. ' ' .. redis.sha1hex(value))\n"        \
    "    call('ZADD', I, 0, key)\n"                                                                \
    "  end\n"                                                                                      \
    "  trim(24 + #kind + #key + #value + #fresh + #created)\n"                                     \
    "  return next_one\n"                                                                          \
    "end\n"

/* ARGV[1] epoch of a new data set. OK epoch revision nonce; FORMAT found. Where the state is gone
 * and content is not, the counter goes on above every revision that is there. */
#define OPEN                                                                                       \
    PRELUDE                                                                                        \
    "local state = call('HMGET', S, 'format', 'epoch', 'revision', 'nonce')\n"                     \
    "if state[1] and state[1] ~= '1' then return {'FORMAT', state[1]} end\n"                       \
    "if state[1] and state[2] and first_number(state[3]) and state[4] then\n"                      \
    "  return {'OK', state[2], state[3], state[4]}\n"                                              \
    "end\n"                                                                                        \
    "local top = 0\n"                                                                              \
    "local newest = call('XREVRANGE', C, '+', '-', 'COUNT', 1)[1]\n"                               \
    "if newest then top = first_number(newest[1]) end\n"                                           \
    "for i, found in ipairs(call('HVALS', R)) do\n"                                                \
    "  top = math.max(top, first_number(found) or 0)\n"                                            \
    "end\n"                                                                                        \
    "call('HSET', S, 'format', '1', 'epoch', ARGV[1], 'revision', num(top), 'nonce', ARGV[1],\n"   \
    "     'bytes', '0')\n"                                                                         \
    "call('DEL', C)\n"                                                                             \
    "return {'OK', ARGV[1], num(top), ARGV[1]}\n"

/* ARGV[2] key. OK found value; NOTFOUND. */
#define GET                                                                                        \
    PRELUDE EPOCH "local value, found = call('HGET', V, ARGV[2]), call('HGET', R, ARGV[2])\n"      \
                  "if not value or not found then return {'NOTFOUND'} end\n"                       \
                  "return {'OK', found, value}\n"

/* ARGV[2..4] as CHANGE; [5] '1' for a removal, [6] key, [7] value, [8] expected revision or '*';
 * then for each check four: 'key', key, '', revision or 'prefix', first, last, revision.
 * Whether something below a prefix was put is told by the stream, or by all that is there; both
 * tell the same, as a put that was removed later does not count. OK revision; NOTFOUND; EXISTS;
 * CONFLICT; CHECK. */
#define WRITE                                                                                      \
    PRELUDE EPOCH CHANGE                                                                           \
        "local function revision_of(key)\n"                                                        \
        "  local found = call('HGET', R, key)\n"                                                   \
        "  if not found or call('HEXISTS', V, key) == 0 then return '0' end\n"                     \
        "  return string.match(found, '^%d+') or '?'\n"                                            \
        "end\n"                                                                                    \
        "local function is_newer(key, basis)\n"                                                    \
        "  return (first_number(call('HGET', R, key)) or 0) > basis\n"                             \
        "end\n"                                                                                    \
        "local function put_by_stream(prefix, basis)\n"                                            \
        "  local at, bytes = basis, 0\n"                                                           \
        "  while at < revision do\n"                                                               \
        "    if revision - basis > 250 or bytes > 1048576 then return nil end\n"                   \
        "    local entries = call('XRANGE', C, num(at + 1) .. '-0', '+', 'COUNT', 10)\n"           \
        "    if #entries == 0 then return nil end\n"                                               \
        "    for i, entry in ipairs(entries) do\n"                                                 \
        "      local key, value = entry[2][4], entry[2][6]\n"                                      \
        "      if first_number(entry[1]) ~= at + 1 or not value then return nil end\n"             \
        "      at, bytes = at + 1, bytes + #value\n"                                               \
        "      if string.sub(key, 1, #prefix) == prefix and is_newer(key, basis) then\n"           \
        "        return true\n"                                                                    \
        "      end\n"                                                                              \
        "    end\n"                                                                                \
        "  end\n"                                                                                  \
        "  return false\n"                                                                         \
        "end\n"                                                                                    \
        "local function put_by_index(from, last, basis)\n"                                         \
        "  while true do\n"                                                                        \
        "    local keys = call('ZRANGEBYLEX', I, from, last, 'LIMIT', 0, 1000)\n"                  \
        "    if #keys == 0 then return false end\n"                                                \
        "    for i, found in ipairs(call('HMGET', R, unpack(keys))) do\n"                          \
        "      if (first_number(found) or 0) > basis then return true end\n"                       \
        "    end\n"                                                                                \
        "    from = '(' .. keys[#keys]\n"                                                          \
        "  end\n"                                                                                  \
        "end\n"                                                                                    \
        "local function put_since(from, last, basis)\n"                                            \
        "  local found = put_by_stream(string.sub(from, 2), basis)\n"                              \
        "  if found == nil then found = put_by_index(from, last, basis) end\n"                     \
        "  return found\n"                                                                         \
        "end\n"                                                                                    \
        "local is_removal, key, expected = ARGV[5] == '1', ARGV[6], ARGV[8]\n"                     \
        "local present = revision_of(key)\n"                                                       \
        "if is_removal and present == '0' then return {'NOTFOUND'} end\n"                          \
        "if expected ~= '*' and expected ~= present then\n"                                        \
        "  return {expected == '0' and 'EXISTS' or 'CONFLICT'}\n"                                  \
        "end\n"                                                                                    \
        "for i = 9, #ARGV, 4 do\n"                                                                 \
        "  local wanted = ARGV[i + 3]\n"                                                           \
        "  if ARGV[i] == 'key' then\n"                                                             \
        "    if revision_of(ARGV[i + 1]) ~= wanted then return {'CHECK'} end\n"                    \
        "  elseif put_since(ARGV[i + 1], ARGV[i + 2], tonumber(wanted)) then\n"                    \
        "    return {'CHECK'}\n"                                                                   \
        "  end\n"                                                                                  \
        "end\n"                                                                                    \
        "return {'OK', change(key, is_removal, ARGV[7], ARGV[2])}\n"

/* ARGV[2] first, [3] last as of ZRANGEBYLEX, [4] keys at most, [5] bytes at about most.
 * OK revision nonce more last {key, found, value, ...}. */
#define PAGE                                                                                       \
    PRELUDE EPOCH                                                                                  \
        "local keys = call('ZRANGEBYLEX', I, ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])\n"             \
        "local out, bytes, read = {}, 0, 0\n"                                                      \
        "for i, key in ipairs(keys) do\n"                                                          \
        "  local value, found = call('HGET', V, key), call('HGET', R, key)\n"                      \
        "  read = i\n"                                                                             \
        "  if value and found then\n"                                                              \
        "    out[#out + 1] = key out[#out + 1] = found out[#out + 1] = value\n"                    \
        "    bytes = bytes + #key + #value\n"                                                      \
        "  end\n"                                                                                  \
        "  if bytes >= tonumber(ARGV[5]) then break end\n"                                         \
        "end\n"                                                                                    \
        "local is_more = read > 0 and (read < #keys or #keys == tonumber(ARGV[4]))\n"              \
        "return {'OK', num(revision), nonce, is_more and '1' or '0', keys[read] or '', out}\n"

/* ARGV[2] prefix, [3] the revision that is known, [4] its nonce or '', [5] changes at most, [6]
 * bytes at about most. OK revision nonce more {revision, kind, key, value, created, ...}; GONE. */
#define CHANGES                                                                                    \
    PRELUDE EPOCH                                                                                  \
        "local prefix, seen, known = ARGV[2], tonumber(ARGV[3]), ARGV[4]\n"                        \
        "if seen > revision then return {'GONE'} end\n"                                            \
        "if seen == revision then\n"                                                               \
        "  if known ~= '' and known ~= nonce then return {'GONE'} end\n"                           \
        "  return {'OK', num(revision), nonce, '0', {}}\n"                                         \
        "end\n"                                                                                    \
        "if known ~= '' and seen > 0 then\n"                                                       \
        "  local id = num(seen) .. '-0'\n"                                                         \
        "  local last = call('XRANGE', C, id, id)[1]\n"                                            \
        "  if not last or last[2][8] ~= known then return {'GONE'} end\n"                          \
        "end\n"                                                                                    \
        "local out, bytes, count = {}, 0, 0\n"                                                     \
        "while seen < revision and count < tonumber(ARGV[5]) and bytes < tonumber(ARGV[6]) do\n"   \
        "  local entries = call('XRANGE', C, num(seen + 1) .. '-0', '+', 'COUNT', 16)\n"           \
        "  if #entries == 0 then return {'GONE'} end\n"                                            \
        "  for i, entry in ipairs(entries) do\n"                                                   \
        "    local field = entry[2]\n"                                                             \
        "    if first_number(entry[1]) ~= seen + 1 or not field[10] then return {'GONE'} end\n"    \
        "    seen, known, count = seen + 1, field[8], count + 1\n"                                 \
        "    bytes = bytes + #field[4] + #field[6]\n"                                              \
        "    if string.sub(field[4], 1, #prefix) == prefix then\n"                                 \
        "      out[#out + 1] = num(seen) out[#out + 1] = field[2]\n"                               \
        "      out[#out + 1] = field[4] out[#out + 1] = field[6] out[#out + 1] = field[10]\n"      \
        "    end\n"                                                                                \
        "    if bytes >= tonumber(ARGV[6]) then break end\n"                                       \
        "  end\n"                                                                                  \
        "end\n"                                                                                    \
        "return {'OK', num(seen), known, seen < revision and '1' or '0', out}\n"

/* What was changed by hand becomes a change like any other. ARGV[2..4] as CHANGE, [5] first of
 * ZRANGEBYLEX, [6] keys at most, [7] bytes at about most.
 * OK revision more last changed example stray {key, revision, ...}. */
#define AUDIT                                                                                      \
    PRELUDE EPOCH CHANGE                                                                           \
        "local keys = call('ZRANGEBYLEX', I, ARGV[5], '+', 'LIMIT', 0, ARGV[6])\n"                 \
        "local out, bytes, read, changed, example = {}, 0, 0, 0, ''\n"                             \
        "for i, key in ipairs(keys) do\n"                                                          \
        "  local value, found = call('HGET', V, key), call('HGET', R, key)\n"                      \
        "  local at, digest = string.match(found or '', '^(%d+) %d+ (%x+)$')\n"                    \
        "  read = i\n"                                                                             \
        "  if not value or digest ~= redis.sha1hex(value) then\n"                                  \
        "    at = change(key, not value, value or '', ARGV[2] .. i)\n"                             \
        "    changed, example = changed + 1, key\n"                                                \
        "  end\n"                                                                                  \
        "  if value then\n"                                                                        \
        "    out[#out + 1] = key out[#out + 1] = at\n"                                             \
        "    bytes = bytes + #key + #value\n"                                                      \
        "  end\n"                                                                                  \
        "  if bytes >= tonumber(ARGV[7]) then break end\n"                                         \
        "end\n"                                                                                    \
        "local is_more = read > 0 and (read < #keys or #keys == tonumber(ARGV[6]))\n"              \
        "local is_stray = call('HLEN', V) ~= call('ZCARD', I)\n"                                   \
        "return {'OK', num(revision), is_more and '1' or '0', keys[read] or '', num(changed),\n"   \
        "        example, is_stray and '1' or '0', out}\n"

/* The same for values that are not in the index. ARGV[2..4] as CHANGE, [5] cursor of HSCAN.
 * OK cursor changed example. */
#define STRAY                                                                                      \
    PRELUDE EPOCH CHANGE "local page = call('HSCAN', V, ARGV[5], 'COUNT', 200)\n"                  \
                         "local changed, example = 0, ''\n"                                        \
                         "for i = 1, #page[2], 2 do\n"                                             \
                         "  local key = page[2][i]\n"                                              \
                         "  if not call('ZSCORE', I, key) then\n"                                  \
                         "    change(key, false, page[2][i + 1], ARGV[2] .. i)\n"                  \
                         "    changed, example = changed + 1, key\n"                               \
                         "  end\n"                                                                 \
                         "end\n"                                                                   \
                         "return {'OK', page[1], num(changed), example}\n"

static const char *const texts[REDIS_SCRIPT_COUNT] = {
    [REDIS_SCRIPT_OPEN] = OPEN,   [REDIS_SCRIPT_GET] = GET,         [REDIS_SCRIPT_WRITE] = WRITE,
    [REDIS_SCRIPT_PAGE] = PAGE,   [REDIS_SCRIPT_CHANGES] = CHANGES, [REDIS_SCRIPT_AUDIT] = AUDIT,
    [REDIS_SCRIPT_STRAY] = STRAY,
};
static char digests[REDIS_SCRIPT_COUNT][REDIS_SHA1_LEN + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void digest_all(void) {
    for (size_t i = 0; i < REDIS_SCRIPT_COUNT; i++) {
        unsigned char bytes[EVP_MAX_MD_SIZE] = {0};
        unsigned int len = 0;
        /* Where the policy of the system has no SHA-1 the digest is wrong, which Redis answers
         * with NOSCRIPT: then the whole text is sent each time. */
        (void)EVP_Digest(texts[i], strlen(texts[i]), bytes, &len, EVP_sha1(), NULL);
        for (size_t k = 0; k < REDIS_SHA1_LEN / 2; k++) {
            (void)snprintf(digests[i] + 2 * k, 3, "%02x", bytes[k]);
        }
    }
}

void redis_scripts_prepare(void) {
    (void)pthread_once(&once, digest_all);
}

const char *redis_script_text(enum redis_script script) {
    return texts[script];
}

const char *redis_script_sha1(enum redis_script script) {
    return digests[script];
}
