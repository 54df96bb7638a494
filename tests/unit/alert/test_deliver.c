/* A letter's way to the worker: what is cut or garbled goes to no transport. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alert/deliver.h"
#include "base/mem.h"
#include "kinds/wire.h"

#define GARBLED "a delivery request that is cut or garbled"

static struct tw_buf request_of(enum tw_transport_type type, size_t addresses)
{
    struct tw_transport_config transport = {.text = tw_strdup("maildir:/nonexistent/Maildir"),
                                            .type = type,
                                            .path = tw_strdup("/nonexistent/Maildir")};
    struct tw_strings to = {0};
    for (size_t i = 0; i < addresses; i++)
        tw_strings_add(&to, "postmaster@example.com");
    struct tw_buf request = {0};
    const struct tw_transport_needs needs = {.to = &to, .host = "mail.example.com"};
    tw_deliver_put(&request, &transport, &needs, "Subject: x\n\nx\n", 14);
    tw_transport_clear(&transport);
    tw_strings_free(&to);
    return request;
}

static enum tw_delivery run(const struct tw_buf *request, struct tw_error *e)
{
    size_t position = 0;
    struct tw_frame frame;
    assert_int_equal(tw_frame_next(request, &position, TW_WIRE_REQUEST_MAX, &frame), 1);
    return tw_deliver_run(&frame, e);
}

static void a_whole_request_reaches_its_transport(void **state)
{
    (void)state;
    struct tw_buf request = request_of(TW_TRANSPORT_MAILDIR, 2);
    struct tw_error e = {""};
    assert_int_equal(run(&request, &e), TW_DELIVERY_NOT_NOW);
    assert_non_null(strstr(e.text, "/nonexistent/Maildir"));
    tw_buf_free(&request);
}

static void a_thousand_addresses_are_not_too_many(void **state)
{
    (void)state;
    struct tw_buf request = request_of(TW_TRANSPORT_MAILDIR, 1000);
    struct tw_error e = {""};
    assert_int_equal(run(&request, &e), TW_DELIVERY_NOT_NOW);
    assert_non_null(strstr(e.text, "/nonexistent/Maildir"));
    tw_buf_free(&request);
    request = request_of(TW_TRANSPORT_MAILDIR, 1001);
    assert_int_equal(run(&request, &e), TW_DELIVERY_NOT_NOW);
    assert_string_equal(e.text, GARBLED);
    tw_buf_free(&request);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    struct tw_buf request = request_of(TW_TRANSPORT_MAILDIR, 2);
    for (size_t length = 1; length < request.len - TW_FRAME_HEAD; length++) {
        struct tw_frame frame = {TW_WIRE_DELIVER, request.data + TW_FRAME_HEAD + 1,
                                 request.data + TW_FRAME_HEAD + length, false};
        struct tw_error e = {""};
        assert_int_equal(tw_deliver_run(&frame, &e), TW_DELIVERY_NOT_NOW);
        assert_string_equal(e.text, GARBLED);
    }
    tw_buf_free(&request);
}

static void an_unknown_transport_is_refused(void **state)
{
    (void)state;
    struct tw_buf request = request_of(TW_TRANSPORTS, 1);
    struct tw_error e = {""};
    assert_int_equal(run(&request, &e), TW_DELIVERY_NOT_NOW);
    assert_string_equal(e.text, GARBLED);
    tw_buf_free(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_request_reaches_its_transport),
        cmocka_unit_test(a_thousand_addresses_are_not_too_many),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(an_unknown_transport_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
