/* Unit tests of lists and watches: pages, the stream in pieces, what is gone, what is lost. */
#include "test_etcd.h"

#define A1(revision) KV("cC9h", "MQ==", revision) /* p/a=1 */
#define B2(revision) KV("cC9i", "Mg==", revision) /* p/b=2 */
#define DEAD_AFTER (20 * (uint64_t)ETCD_SECOND)

/* ---- lists ---- */

static int32_t list(void) {
    egx_fake_op_init(fake, &op);
    CU_ASSERT_EQUAL(etcd_ops.list(store, EGX_STR("p/"), &op.pub), EG_OK);
    run();
    CU_ASSERT_EQUAL(op.done_count, 1);
    return op.status;
}

static void pages_are_read_at_the_revision_of_the_first(void) {
    begin();
    answer("{" HEADER_AT("9") ",\"kvs\":[" A1("3") "],\"more\":true,\"count\":\"2\"}");
    answer("{" HEADER_AT("12") ",\"kvs\":[" B2("4") "],\"count\":\"1\"}");
    CU_ASSERT_EQUAL(list(), EG_OK);
    CU_ASSERT_EQUAL(op.result.revision, 9);
    CU_ASSERT_EQUAL_FATAL(op.result.item_count, 2);
    ASSERT_STR(op.result.items[0]->key, "p/a");
    ASSERT_STR(op.result.items[1]->value, "2");
    CU_ASSERT_EQUAL(op.result.items[1]->revision, 4);
    ASSERT_STR(sent(1)->body, "{\"key\":\"cC8=\",\"range_end\":\"cDA=\",\"limit\":\"128\"}");
    ASSERT_STR(sent(2)->body, "{\"key\":\"cC9hAA==\",\"range_end\":\"cDA=\",\"limit\":\"256\","
                              "\"revision\":\"9\"}");
    end();
}

static void a_page_that_is_too_big_is_asked_for_with_fewer_keys(void) {
    begin();
    egx_fake_answer_error(fake, EG_E_TOOBIG, "the answer's body is too big");
    egx_fake_answer_error(fake, EG_E_TOOBIG, "the answer's body is too big");
    answer("{" HEADER_AT("9") ",\"kvs\":[" A1("3") "]}");
    CU_ASSERT_EQUAL(list(), EG_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(sent(3)->body.ptr, "\"limit\":\"2\""));
    egx_fake_answer_error(fake, EG_E_TOOBIG, "the answer's body is too big");
    egx_fake_answer_error(fake, EG_E_TOOBIG, "the answer's body is too big");
    egx_fake_answer_error(fake, EG_E_TOOBIG, "the answer's body is too big");
    egx_fake_answer_error(fake, EG_E_TOOBIG, "the answer's body is too big");
    CU_ASSERT_EQUAL(list(), EG_E_TOOBIG);
    end();
}

static void a_revision_that_is_compacted_between_two_pages_begins_the_list_anew(void) {
    begin();
    answer("{" HEADER_AT("9") ",\"kvs\":[" A1("3") "],\"more\":true}");
    egx_fake_answer(fake, 400, "",
                    "{\"message\":\"etcdserver: mvcc: required revision has been compacted\","
                    "\"code\":11}");
    answer("{" HEADER_AT("15") ",\"kvs\":[" B2("12") "]}");
    CU_ASSERT_EQUAL(list(), EG_OK);
    CU_ASSERT_EQUAL(op.result.revision, 15);
    CU_ASSERT_EQUAL(op.result.item_count, 1);
    end();
}

static void a_list_that_does_not_go_on_is_a_protocol_error(void) {
    begin();
    answer("{" HEADER_AT("9") ",\"kvs\":[" A1("3") "],\"more\":true}");
    answer("{" HEADER_AT("9") ",\"kvs\":[" A1("3") "],\"more\":true}");
    CU_ASSERT_EQUAL(list(), EG_E_PROTO);
    answer("{" HEADER_AT("9") ",\"kvs\":[" A1("3") "," A1("3") "]}");
    CU_ASSERT_EQUAL(list(), EG_E_PROTO);
    answer("{" HEADER_AT("9") ",\"kvs\":[" B2("3") "," A1("3") "]}");
    CU_ASSERT_EQUAL(list(), EG_E_PROTO);
    answer("{" HEADER_AT("9") ",\"kvs\":[],\"more\":true}");
    CU_ASSERT_EQUAL(list(), EG_E_PROTO);
    end();
}

static void a_page_may_end_with_a_bad_record(void) {
    begin();
    answer("{" HEADER_AT("9") ",\"kvs\":[" KV("cC9h", "!!!!", "3") "],\"more\":true}");
    answer("{" HEADER_AT("9") ",\"kvs\":[" B2("4") "]}");
    CU_ASSERT_EQUAL(list(), EG_OK);
    CU_ASSERT_EQUAL(op.result.item_count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_sent()->body.ptr, "\"key\":\"cC9hAA==\""));
    answer("{" HEADER_AT("9") ",\"kvs\":[" KV("cC9", "!!!!", "3") "],\"more\":true}");
    CU_ASSERT_EQUAL(list(), EG_E_PROTO); /* and what is its key? */
    answer("{" HEADER_AT("9") ",\"kvs\":[" KV("cC9h", "!!!!", "3") "],\"more\":true}");
    answer("{" HEADER_AT("9") ",\"kvs\":[" KV("cC9h", "!!!!", "3") "],\"more\":true}");
    CU_ASSERT_EQUAL(list(), EG_E_PROTO);
    end();
}

static void a_list_that_would_take_all_memory_is_given_up(void) {
    struct told told;
    begin();
    watch(&told, "p/", 0);
    store->watches->list.bytes = ETCD_LIST_BYTES; /* of the pages before */
    answer("{" HEADER_AT("9") ",\"kvs\":[" A1("3") "],\"more\":true}");
    run();
    CU_ASSERT_STRING_EQUAL(told.text, "D ");
    CU_ASSERT_PTR_NOT_NULL(strstr(told.why, "more than 256 MiB"));
    end();
}

static void one_bad_record_is_left_out_counted_and_named_once(void) {
    begin();
    for (int i = 0; i < 2; i++) {
        answer(
            "{" HEADER_AT("9") ",\"kvs\":[" A1("3") "," KV("cC94", "!!!!", "5") "," B2("4") "]}");
        CU_ASSERT_EQUAL(list(), EG_OK);
        CU_ASSERT_EQUAL(op.result.item_count, 2);
    }
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "storage_bad_records_total", "component=etcd"), 2);
    CU_ASSERT_EQUAL(egx_fake_log_count(fake), 1);
    CU_ASSERT_TRUE(egx_fake_logged(fake, "'p/x'"));
    end();
}

static void records_of_every_wrong_kind_are_bad_and_no_more(void) {
    static const char *const bad[] = {
        "null",
        "1",
        "[]",
        "{}",
        "{\"key\":\"cC94\"}",
        "{\"key\":\"cC94\",\"mod_revision\":\"-1\"}",
        "{\"key\":\"cC94\",\"mod_revision\":\"99999999999999999999\"}",
        "{\"key\":\"cC94\",\"mod_revision\":\"4\",\"value\":7}",
        "{\"key\":\"cC94\",\"mod_revision\":\"4\",\"create_revision\":\"x\"}",
        "{\"key\":\"cC9\",\"mod_revision\":\"4\"}",
        "{\"key\":7,\"mod_revision\":\"4\"}"};
    char body[256];
    begin();
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        (void)snprintf(body, sizeof body, "{%s,\"kvs\":[%s,%s]}", HEADER_AT("9"), bad[i], A1("3"));
        answer(body);
        CU_ASSERT_EQUAL(list(), EG_OK);
        CU_ASSERT_EQUAL(op.result.item_count, 1);
    }
    end();
}

static void ranges_end_behind_the_last_key_with_the_prefix(void) {
    static const struct {
        struct eg_str prefix;
        struct eg_str first;
        struct eg_str end;
    } rows[] = {
        {{"a", 1}, {"a", 1}, {"b", 1}},
        {{"a\xff", 2}, {"a\xff", 2}, {"b", 1}},
        {{"\xff\xff", 2}, {"\xff\xff", 2}, {"\0", 1}},
        {{"", 0}, {"\0", 1}, {"\0", 1}},
    };
    begin();
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        struct etcd_range range;
        etcd_range_make(store->host, rows[i].prefix, &range);
        CU_ASSERT_TRUE(egx_str_eq(range.first, rows[i].first));
        CU_ASSERT_TRUE(egx_str_eq(range.end, rows[i].end));
        etcd_range_free(store->host, &range);
    }
    end();
}

/* ---- streams ---- */

static void a_watch_tells_the_content_and_then_the_stream_from_behind_it(void) {
    struct told told;
    begin();
    answer("{" HEADER_AT("9") ",\"kvs\":[" A1("3") "]}");
    watch(&told, "p/", 0);
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@3 S@9 ");
    CU_ASSERT_STRING_EQUAL(last_sent()->url, "http://127.0.0.1:2379/v3/watch");
    ASSERT_STR(last_sent()->body,
               "{\"create_request\":{\"key\":\"cC8=\",\"range_end\":\"cDA=\","
               "\"start_revision\":\"10\",\"progress_notify\":true,\"fragment\":true}}");
    CU_ASSERT_EQUAL(last_sent()->timeout_ns, UINT64_MAX);
    CU_ASSERT_STRING_EQUAL(header_of(last_sent(), "Grpc-Metadata-Hasleader"), "true");
    data(CREATED_AT("9"));
    data(EVENTS_AT("11", PUT_OF(B2("10")) "," REMOVAL_OF("cC9h", "11")));
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@3 S@9 +p/b=2@10 -p/a@11 ");
    end();
}

static void messages_may_be_cut_anywhere_or_come_together(void) {
    static const char whole[] = CREATED_AT("5") EVENTS_AT("6", PUT_OF(A1("6")))
        EVENTS_AT("8", PUT_OF(B2("7")) "," PUT_OF(A1("8")));
    char piece[sizeof whole];
    for (size_t size = 1; size <= sizeof whole; size += size < 40 ? 1 : 37) {
        struct told told;
        begin();
        answer("{" HEADER_AT("5") "}");
        watch(&told, "p/", 0);
        for (size_t at = 0; at < sizeof whole - 1; at += size) {
            (void)snprintf(piece, size + 1 < sizeof piece ? size + 1 : sizeof piece, "%s",
                           whole + at);
            data(piece);
        }
        CU_ASSERT_STRING_EQUAL(told.text, "S@5 +p/a=1@6 +p/b=2@7 +p/a=1@8 ");
        end();
    }
}

static void a_revision_that_may_go_on_is_held_back_until_it_is_whole(void) {
    struct told told;
    begin();
    watch_live(&told);
    data("{\"result\":{" HEADER_AT("7") ",\"fragment\":true,\"events\":[" PUT_OF(
        A1("6")) "," PUT_OF(A1("7")) "]}}\n");
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@6 ");
    egx_fake_answer_error(fake, EG_E_IO, "Connection reset by peer"); /* the rest never comes */
    run();
    answer("{" HEADER_AT("7") "}");
    after(100 * ETCD_MS);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_sent()->body.ptr, "\"start_revision\":\"7\""));
    data(CREATED_AT("7"));
    data("{\"result\":{" HEADER_AT("7") ",\"fragment\":true,\"events\":[" PUT_OF(A1("7")) "]}}\n");
    data(EVENTS_AT("7", PUT_OF(B2("7"))));
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@6 +p/a=1@7 +p/b=2@7 ");
    end();
}

static void what_was_told_already_is_not_told_again(void) {
    struct told told;
    begin();
    watch_live(&told);
    data(EVENTS_AT("6", PUT_OF(A1("6"))));
    data(EVENTS_AT("7", PUT_OF(A1("5")) "," PUT_OF(A1("6")) "," PUT_OF(B2("7"))));
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@6 +p/b=2@7 ");
    end();
}

static void a_bad_event_is_left_out_and_the_others_are_told(void) {
    struct told told;
    begin();
    watch_live(&told);
    data(EVENTS_AT("8", PUT_OF(KV("cC94", "!", "6")) ",{\"type\":\"LATER\",\"kv\":" A1(
                            "7") "}," PUT_OF(B2("8"))));
    CU_ASSERT_STRING_EQUAL(told.text, "+p/b=2@8 ");
    CU_ASSERT_EQUAL(egx_fake_metric(fake, "storage_bad_records_total", "component=etcd"), 2);
    end();
}

static void progress_moves_the_place_from_which_a_stream_goes_on(void) {
    struct told told;
    begin();
    watch_live(&told);
    data("{\"result\":{" HEADER_AT("50") "}}\n");
    CU_ASSERT_STRING_EQUAL(told.text, "");
    answer(""); /* the stream ends */
    run();
    answer("{" HEADER_AT("60") "}");
    after(100 * ETCD_MS);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_sent()->body.ptr, "\"start_revision\":\"51\""));
    CU_ASSERT_STRING_EQUAL(told.text, "");
    end();
}

static void every_put_tells_the_revision_that_made_its_key(void) {
    struct told told;
    begin();
    answer("{" HEADER_AT("9") ",\"kvs\":[" KV_OF("cC9h", "MQ==", "2", "3") "]}");
    watch(&told, "p/", 0);
    data(CREATED_AT("9"));
    data(EVENTS_AT("11", PUT_OF(KV_OF("cC9h", "Mg==", "2", "10")) "," PUT_OF(
                             KV_OF("cC9i", "Mg==", "11", "11"))));
    CU_ASSERT_STRING_EQUAL(told.ages, "p/a@2 p/a@2 p/b@11 ");
    told.ages[0] = '\0';
    answer("{" HEADER_AT("90") ",\"kvs\":[" KV_OF("cC9h", "MQ==", "2", "80") "]}");
    data("{\"result\":{" HEADER_AT("90") ",\"canceled\":true,\"compact_revision\":\"70\"}}\n");
    CU_ASSERT_STRING_EQUAL(told.ages, "p/a@2 ");
    end();
}

/* ---- lost history ---- */

static void compacted_history_is_a_reset_with_the_content(void) {
    struct told told;
    begin();
    watch_live(&told);
    data(EVENTS_AT("6", PUT_OF(A1("6"))));
    answer("{" HEADER_AT("90") ",\"kvs\":[" B2("80") "]}");
    CU_ASSERT_EQUAL(egx_fake_data(fake,
                                  "{\"result\":{\"header\":{\"cluster_id\":\"7\",\"raft_term\":"
                                  "\"2\"},\"canceled\":true,\"compact_revision\":\"70\"}}\n"),
                    1);
    run();
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@6 R@90 +p/b=2@80 S@90 ");
    CU_ASSERT_PTR_NOT_NULL(strstr(last_sent()->body.ptr, "\"start_revision\":\"91\""));
    end();
}

static void content_that_does_not_lead_to_a_stream_is_read_anew_with_pauses(void) {
    static const char *const first[] = {
        "{\"result\":{\"header\":{\"cluster_id\":\"8\",\"raft_term\":\"2\",\"revision\":\"5\"},"
        "\"created\":true}}\n",
        "{\"result\":{" HEADER_AT(
            "5") ",\"created\":true,\"canceled\":true,\"compact_revision\":\"9\"}}\n"};
    for (size_t i = 0; i < EGX_COUNT(first); i++) {
        struct told told;
        size_t lists = 0;
        begin();
        answer("{" HEADER_AT("5") "}");
        watch(&told, "p/", 0);
        const size_t before = sent_count();
        for (size_t ms = 0; ms < 10000; ms += 10) {
            if (egx_fake_data(fake, first[i]) == 1) {
                answer("{" HEADER_AT("5") "}");
                lists++;
            }
            after(10 * ETCD_MS);
        }
        CU_ASSERT_TRUE(lists >= 5);
        CU_ASSERT_TRUE(sent_count() - before < 150); /* and not 2,000: 1 s on average */
        end();
    }
}

static void check_reset_when_asked(const char *header) {
    struct told told;
    char body[256];
    begin();
    watch_live(&told);
    egx_fake_answer_error(fake, EG_E_IO, "Connection reset by peer");
    run();
    (void)snprintf(body, sizeof body, "{%s}", header);
    answer(body);
    answer("{" HEADER_AT("4") ",\"kvs\":[" A1("3") "]}");
    after(100 * ETCD_MS);
    CU_ASSERT_STRING_EQUAL(told.text, "R@4 +p/a=1@3 S@4 ");
    end();
}

static void a_store_that_was_put_back_from_a_backup_is_a_reset(void) {
    check_reset_when_asked(HEADER_AT("4")); /* revision */
    check_reset_when_asked(
        "\"header\":{\"cluster_id\":\"7\",\"raft_term\":\"1\",\"revision\":\"6\"}");
    check_reset_when_asked(
        "\"header\":{\"cluster_id\":\"8\",\"raft_term\":\"2\",\"revision\":\"6\"}");
}

static void a_past_revision_is_gone_on_from_and_synced_when_reached(void) {
    struct told told;
    begin();
    answer("{" HEADER_AT("12") "}");
    watch(&told, "p/", 9);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_sent()->body.ptr, "\"start_revision\":\"10\""));
    data(CREATED_AT("12"));
    CU_ASSERT_STRING_EQUAL(told.text, "");
    data(EVENTS_AT("12", PUT_OF(A1("10")) "," PUT_OF(B2("12"))));
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@10 +p/b=2@12 S@12 ");
    end();
}

static void a_past_revision_with_nothing_of_ours_behind_it_is_synced_too(void) {
    struct told told;
    begin();
    answer("{" HEADER_AT("12") "}");
    watch(&told, "p/", 9);
    data(CREATED_AT("12"));
    after(500 * ETCD_MS);
    CU_ASSERT_STRING_EQUAL(told.text, "S@9 ");
    end();
}

static void a_replay_that_takes_its_time_is_not_synced_in_the_middle(void) {
    struct told told;
    begin();
    answer("{" HEADER_AT("12") "}");
    watch(&told, "p/", 9);
    data(CREATED_AT("12"));
    after(400 * ETCD_MS);
    data(EVENTS_AT("12", PUT_OF(A1("10"))));
    after(400 * ETCD_MS);
    data("{\"result\":{" HEADER_AT("12")); /* a message that comes slowly */
    after(400 * ETCD_MS);
    data(",\"events\":[" PUT_OF(B2("11")) "]}}\n");
    after(400 * ETCD_MS);
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@10 +p/b=2@11 ");
    after(100 * ETCD_MS); /* what made 12 is not ours */
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@10 +p/b=2@11 S@11 ");
    end();
}

/* ---- streams that are lost ---- */

static void a_silent_stream_is_opened_anew_without_a_word(void) {
    struct told told;
    begin();
    watch_live(&told);
    after(DEAD_AFTER);
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "nothing came for too long");
    answer("{" HEADER_AT("5") "}");
    run();
    data(CREATED_AT("5"));
    CU_ASSERT_STRING_EQUAL(told.text, "");
    data(EVENTS_AT("6", PUT_OF(A1("6"))));
    CU_ASSERT_STRING_EQUAL(told.text, "+p/a=1@6 ");
    end();
}

static void a_stream_that_does_not_open_is_down_and_goes_on_where_it_was(void) {
    struct told told;
    begin();
    watch_live(&told);
    egx_fake_answer_error(fake, EG_E_TIMEOUT, "nothing came for too long");
    answer("{" HEADER_AT("5") "}");
    run();
    after(5 * (uint64_t)ETCD_SECOND); /* no `created` */
    CU_ASSERT_STRING_EQUAL(told.text, "D ");
    CU_ASSERT_PTR_NOT_NULL(strstr(told.why, "did not open a watch in time"));
    answer("{" HEADER_AT("6") "}"); /* the small question */
    answer("{" HEADER_AT("6") "}"); /* where it stands */
    after(3 * (uint64_t)ETCD_SECOND);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_sent()->body.ptr, "\"start_revision\":\"6\""));
    data(CREATED_AT("6"));
    data(EVENTS_AT("6", PUT_OF(A1("6"))));
    CU_ASSERT_STRING_EQUAL(told.text, "D +p/a=1@6 S@6 ");
    end();
}

static void down_is_told_once_and_the_return_with_synced(void) {
    struct told told;
    begin();
    watch_live(&told);
    for (int i = 0; i < 8; i++) {
        egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
        run();
        after(3 * (uint64_t)ETCD_SECOND);
    }
    CU_ASSERT_STRING_EQUAL(told.text, "D ");
    CU_ASSERT_STRING_EQUAL(told.why,
                           "etcd at 127.0.0.1:2379 cannot be reached: Connection refused");
    answer("{" HEADER_AT("5") "}");
    answer("{" HEADER_AT("5") "}");
    after(3 * (uint64_t)ETCD_SECOND);
    data(CREATED_AT("5"));
    CU_ASSERT_STRING_EQUAL(told.text, "D S@5 ");
    end();
}

static void another_server_is_tried_before_down_is_told(void) {
    struct told told;
    begin_with("{\"endpoints\":[\"a:1\",\"b:2\"]}");
    watch_live(&told);
    egx_fake_answer_error(fake, EG_E_IO, "Connection reset by peer");
    run();
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    answer("{" HEADER_AT("5") "}");
    after(100 * ETCD_MS);
    CU_ASSERT_STRING_EQUAL(last_sent()->url, "http://b:2/v3/watch");
    data(CREATED_AT("5"));
    CU_ASSERT_STRING_EQUAL(told.text, "");
    end();
}

static void a_refusal_is_down_and_tried_on(void) {
    struct told told;
    begin();
    watch_live(&told);
    data("{\"result\":{" HEADER_AT("5") ",\"created\":true,\"canceled\":true,\"cancel_reason\":"
                                        "\"etcdserver: permission denied\"}}\n");
    CU_ASSERT_STRING_EQUAL(told.text, "D ");
    CU_ASSERT_PTR_NOT_NULL(strstr(told.why, "permission denied"));
    answer("{" HEADER_AT("5") "}");
    after(3 * (uint64_t)ETCD_SECOND);
    data(CREATED_AT("5"));
    CU_ASSERT_STRING_EQUAL(told.text, "D S@5 ");
    end();
}

static void messages_that_cannot_be_read_are_down(void) {
    static const char *const bad[] = {"garbage\n", "{\"result\":{}}\n", "{}\n", "[1]\n",
                                      "{\"error\":{\"grpc_code\":2,\"message\":\"broken\"}}\n"};
    for (size_t i = 0; i < EGX_COUNT(bad); i++) {
        struct told told;
        begin();
        watch_live(&told);
        data(bad[i]);
        CU_ASSERT_STRING_EQUAL(told.text, "D ");
        end();
    }
}

static void a_server_that_has_lost_the_others_ends_the_stream_and_the_next_is_asked(void) {
    struct told told;
    begin_with("{\"endpoints\":[\"a:1\",\"b:2\"]}");
    watch_live(&told);
    data(
        "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}\n");
    egx_fake_answer(fake, 503, "", "{\"code\":14,\"message\":\"etcdserver: request timed out\"}");
    answer("{" HEADER_AT("5") "}");
    after(100 * ETCD_MS);
    CU_ASSERT_STRING_EQUAL(last_sent()->url, "http://b:2/v3/watch");
    CU_ASSERT_STRING_EQUAL(told.text, "");
    end();
}

/* ---- the end ---- */

static void closed_is_the_last_word_whatever_the_watch_was_doing(void) {
    struct told told;
    begin();
    watch(&told, "p/", 0); /* the list is under way */
    etcd_ops.unwatch(store, &told.pub);
    run();
    CU_ASSERT_STRING_EQUAL(told.text, "C ");
    watch(&told, "p/", 7); /* the question is */
    etcd_ops.unwatch(store, &told.pub);
    run();
    CU_ASSERT_STRING_EQUAL(told.text, "C ");
    watch_live(&told);
    etcd_ops.unwatch(store, &told.pub);
    etcd_ops.unwatch(store, &told.pub);
    run();
    CU_ASSERT_STRING_EQUAL(told.text, "C ");
    CU_ASSERT_PTR_NULL(store->watches);
    egx_fake_answer_error(fake, EG_E_UNAVAILABLE, "Connection refused");
    watch(&told, "p/", 7); /* it waits for the store */
    CU_ASSERT_STRING_EQUAL(told.text, "D ");
    etcd_ops.unwatch(store, &told.pub);
    run();
    CU_ASSERT_STRING_EQUAL(told.text, "D C ");
    end();
}

static void a_watch_that_is_closed_after_drain_is_told_so(void) {
    struct told told;
    begin();
    watch_live(&told);
    component()->life->drain(store);
    run();
    CU_ASSERT_STRING_EQUAL(told.text, "");
    etcd_ops.unwatch(store, &told.pub);
    run();
    CU_ASSERT_STRING_EQUAL(told.text, "C ");
    end();
}

UNIT_MAIN(UNIT(pages_are_read_at_the_revision_of_the_first),
          UNIT(a_page_that_is_too_big_is_asked_for_with_fewer_keys),
          UNIT(a_revision_that_is_compacted_between_two_pages_begins_the_list_anew),
          UNIT(a_list_that_does_not_go_on_is_a_protocol_error),
          UNIT(a_page_may_end_with_a_bad_record),
          UNIT(a_list_that_would_take_all_memory_is_given_up),
          UNIT(one_bad_record_is_left_out_counted_and_named_once),
          UNIT(records_of_every_wrong_kind_are_bad_and_no_more),
          UNIT(ranges_end_behind_the_last_key_with_the_prefix),
          UNIT(a_watch_tells_the_content_and_then_the_stream_from_behind_it),
          UNIT(messages_may_be_cut_anywhere_or_come_together),
          UNIT(a_revision_that_may_go_on_is_held_back_until_it_is_whole),
          UNIT(what_was_told_already_is_not_told_again),
          UNIT(a_bad_event_is_left_out_and_the_others_are_told),
          UNIT(progress_moves_the_place_from_which_a_stream_goes_on),
          UNIT(every_put_tells_the_revision_that_made_its_key),
          UNIT(compacted_history_is_a_reset_with_the_content),
          UNIT(content_that_does_not_lead_to_a_stream_is_read_anew_with_pauses),
          UNIT(a_store_that_was_put_back_from_a_backup_is_a_reset),
          UNIT(a_past_revision_is_gone_on_from_and_synced_when_reached),
          UNIT(a_past_revision_with_nothing_of_ours_behind_it_is_synced_too),
          UNIT(a_replay_that_takes_its_time_is_not_synced_in_the_middle),
          UNIT(a_silent_stream_is_opened_anew_without_a_word),
          UNIT(a_stream_that_does_not_open_is_down_and_goes_on_where_it_was),
          UNIT(down_is_told_once_and_the_return_with_synced),
          UNIT(another_server_is_tried_before_down_is_told), UNIT(a_refusal_is_down_and_tried_on),
          UNIT(messages_that_cannot_be_read_are_down),
          UNIT(a_server_that_has_lost_the_others_ends_the_stream_and_the_next_is_asked),
          UNIT(closed_is_the_last_word_whatever_the_watch_was_doing),
          UNIT(a_watch_that_is_closed_after_drain_is_told_so))
