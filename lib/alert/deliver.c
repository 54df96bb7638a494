/* A letter's way to the worker. */
#include "alert/deliver.h"

#include <stdlib.h>

#include "alert/letter.h"
#include "kinds/wire.h"

enum { PATH_MAX_BYTES = 4096, ADDRESS_MAX = 1024, ADDRESSES_MAX = 1000 };

void tw_deliver_put(struct tw_buf *out, const struct tw_transport_config *transport,
                    const struct tw_transport_needs *needs, const char *text, size_t length)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_WIRE_DELIVER);
    tw_frame_put_number(&w, transport->type);
    tw_frame_put_text(&w, transport->text);
    tw_frame_put_text(&w, transport->shown);
    tw_frame_put_text(&w, transport->path);
    tw_frame_put_text(&w, transport->host);
    tw_frame_put_text(&w, needs->host);
    tw_frame_put_text(&w, needs->passwords);
    tw_frame_put_text(&w, needs->ca_file);
    tw_frame_put_number(&w, (int64_t)needs->to->count);
    for (size_t i = 0; i < needs->to->count; i++)
        tw_frame_put_text(&w, needs->to->items[i]);
    tw_frame_put_bytes(&w, text, length);
    tw_frame_end(&w);
}

enum tw_delivery tw_deliver_run(struct tw_frame *frame, struct tw_error *e)
{
    struct tw_strings to = {0};
    const int64_t type = tw_frame_number(frame);
    struct tw_transport_config transport = {.type = (enum tw_transport_type)type};
    transport.text = tw_frame_text(frame, PATH_MAX_BYTES);
    transport.shown = tw_frame_text(frame, PATH_MAX_BYTES);
    transport.path = tw_frame_text(frame, PATH_MAX_BYTES);
    transport.host = tw_frame_text(frame, ADDRESS_MAX);
    char *host = tw_frame_text(frame, ADDRESS_MAX);
    char *passwords = tw_frame_text(frame, PATH_MAX_BYTES);
    char *ca_file = tw_frame_text(frame, PATH_MAX_BYTES);
    const int64_t count = tw_frame_number(frame);
    for (int64_t i = 0; i < count && i < ADDRESSES_MAX && !frame->bad; i++) {
        char *address = tw_frame_text(frame, ADDRESS_MAX);
        tw_strings_add(&to, address);
        free(address);
    }
    size_t length;
    const char *text = tw_frame_bytes(frame, 2 * TW_LETTER_MAX, &length);
    const struct tw_transport_needs needs = {&to, host, passwords, ca_file};
    enum tw_delivery result = TW_DELIVERY_NOT_NOW;
    if (tw_frame_done(frame) && type >= 0 && type < TW_TRANSPORTS)
        result = tw_transport_deliver(&transport, &needs, text, length, e);
    else
        tw_fail(e, "a delivery request that is cut or garbled");
    tw_transport_clear(&transport);
    free(host);
    free(passwords);
    free(ca_file);
    tw_strings_free(&to);
    return result;
}
