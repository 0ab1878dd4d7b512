/* What the guard node holds. */
#include <stdlib.h>

#include <eventgw-sdk/fake_host.h>

#include "ring.h"
#include "unit.h"

#define EMPTY EGX_STR("EGZ1\0\0\0\0\0\0\0\0")

static struct egx_fake *fake;
static const struct eg_host *host;
static struct zk_ring ring;
static char data[ZK_RING_MAX_BYTES];
static size_t len;

static void begin(void) {
    fake = egx_fake_new();
    host = egx_fake_host(fake);
    zk_ring_decode(host, EMPTY, 10, 10, &ring);
    len = 0;
}

static void end(void) {
    zk_ring_free(host, &ring);
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
}

/* A write that got this zxid. */
static void write_at(uint64_t zxid, uint32_t kind, const char *key, size_t history, size_t room) {
    len = zk_ring_encode(&ring, kind, egx_str_c(key), history, room, data);
    CU_ASSERT_TRUE(len <= room);
    zk_ring_free(host, &ring);
    zk_ring_decode(host, egx_str_n(data, len), 10, zxid, &ring);
}

static void assert_change(size_t index, uint64_t zxid, uint32_t kind, const char *key) {
    CU_ASSERT_TRUE_FATAL(index < ring.changes.count);
    CU_ASSERT_EQUAL(ring.changes.items[index]->revision, zxid);
    CU_ASSERT_EQUAL(ring.changes.items[index]->kind, kind);
    ASSERT_STR(ring.changes.items[index]->key, key);
}

static void a_new_guard_knows_everything_since_it_was_made(void) {
    begin();
    CU_ASSERT_EQUAL(ring.changes.count, 0);
    CU_ASSERT_EQUAL(ring.floor, 10);
    CU_ASSERT_TRUE(zk_ring_reaches(&ring, 10, true));
    CU_ASSERT_FALSE(zk_ring_reaches(&ring, 9, false));
    CU_ASSERT_FALSE(zk_ring_reaches(&ring, 11, false)); /* the future of another store */
    end();
}

static void every_change_has_the_zxid_of_its_write(void) {
    begin();
    write_at(12, EG_CHANGE_PUT, "a", 100, sizeof data);
    write_at(17, EG_CHANGE_REMOVE, "", 100, sizeof data);
    write_at(18, EG_CHANGE_PUT, "b", 100, sizeof data);
    CU_ASSERT_EQUAL(ring.changes.count, 3);
    assert_change(0, 12, EG_CHANGE_PUT, "a");
    assert_change(1, 17, EG_CHANGE_REMOVE, "");
    assert_change(2, 18, EG_CHANGE_PUT, "b");
    CU_ASSERT_EQUAL(ring.newest, 18);
    end();
}

static void the_oldest_changes_make_room_and_the_floor_rises(void) {
    begin();
    write_at(12, EG_CHANGE_PUT, "a", 2, sizeof data);
    write_at(13, EG_CHANGE_PUT, "b", 2, sizeof data);
    CU_ASSERT_EQUAL(ring.floor, 10);
    write_at(15, EG_CHANGE_PUT, "c", 2, sizeof data);
    CU_ASSERT_EQUAL(ring.changes.count, 2);
    assert_change(0, 13, EG_CHANGE_PUT, "b");
    CU_ASSERT_EQUAL(ring.floor, 12);
    CU_ASSERT_TRUE(zk_ring_reaches(&ring, 12, true));
    CU_ASSERT_FALSE(zk_ring_reaches(&ring, 11, false));
    end();
}

static void a_ring_takes_no_more_room_than_it_is_given(void) {
    begin();
    for (uint64_t zxid = 11; zxid < 60; zxid++) {
        write_at(zxid, EG_CHANGE_PUT, "0123456789", 1000, 100);
    }
    CU_ASSERT_EQUAL(ring.changes.count, (100 - ZK_RING_HEAD) / (ZK_RING_ENTRY + 10));
    /* The new change is in it, however little room there is. */
    write_at(60, EG_CHANGE_PUT, "k", 1000, ZK_RING_HEAD + ZK_RING_ENTRY + 1);
    CU_ASSERT_EQUAL(ring.changes.count, 1);
    assert_change(0, 60, EG_CHANGE_PUT, "k");
    CU_ASSERT_EQUAL(ring.floor, 59);
    end();
}

static void a_position_between_two_writes_is_from_another_history(void) {
    begin();
    write_at(12, EG_CHANGE_PUT, "a", 100, sizeof data);
    write_at(17, EG_CHANGE_PUT, "b", 100, sizeof data);
    CU_ASSERT_TRUE(zk_ring_reaches(&ring, 12, true));
    CU_ASSERT_FALSE(zk_ring_reaches(&ring, 14, true));
    CU_ASSERT_TRUE(zk_ring_reaches(&ring, 14, false)); /* a revision that somebody names */
    end();
}

static void assert_unreadable(struct eg_str bytes) {
    zk_ring_free(host, &ring);
    zk_ring_decode(host, bytes, 10, 50, &ring);
    CU_ASSERT_EQUAL(ring.changes.count, 0);
    CU_ASSERT_EQUAL(ring.floor, 50);
    CU_ASSERT_FALSE(zk_ring_reaches(&ring, 49, false));
    CU_ASSERT_TRUE(zk_ring_reaches(&ring, 50, true));
}

static void data_of_somebody_else_reach_nowhere_back(void) {
    begin();
    assert_unreadable(EGX_STR(""));
    assert_unreadable(EGX_STR("lost"));
    assert_unreadable(EMPTY); /* but not the one it was made with: somebody set it again */
    assert_unreadable(EGX_STR("EGZ1\0\0\0\0\0\0\0\x63")); /* a floor in the future */
    zk_ring_decode(host, EMPTY, 10, 10, &ring);
    write_at(12, EG_CHANGE_PUT, "a", 100, sizeof data);
    write_at(17, EG_CHANGE_PUT, "bc", 100, sizeof data);
    for (size_t cut = 0; cut < len; cut++) {
        if (cut != ZK_RING_HEAD + ZK_RING_ENTRY + 1) { /* there it is a whole ring */
            assert_unreadable(egx_str_n(data, cut));
        }
    }
    data[ZK_RING_HEAD + 8] = 9; /* no such kind */
    assert_unreadable(egx_str_n(data, len));
    end();
}

UNIT_MAIN(UNIT(a_new_guard_knows_everything_since_it_was_made),
          UNIT(every_change_has_the_zxid_of_its_write),
          UNIT(the_oldest_changes_make_room_and_the_floor_rises),
          UNIT(a_ring_takes_no_more_room_than_it_is_given),
          UNIT(a_position_between_two_writes_is_from_another_history),
          UNIT(data_of_somebody_else_reach_nowhere_back))
