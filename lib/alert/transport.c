/* How a letter leaves: by a program or into a Maildir; over the net by netsend.c. Blocks, so only
 * workers call this; whoever started the worker has a deadline and then ends its whole process
 * group, so that nothing sends, late, what has been sent again by then. */
#include "alert/transport.h"

#include "alert/netsend.h"
#include "toaster/handover.h"
#include "toaster/maildir.h"

enum tw_delivery tw_transport_deliver(const struct tw_transport_config *transport,
                                      const struct tw_transport_needs *needs, const char *text,
                                      size_t length, struct tw_error *e)
{
    int result = -1, code;
    switch (transport->type) {
    case TW_TRANSPORT_QMAIL_INJECT:
        result = tw_handover_program(transport->path, "-a", needs->to, text, length, &code, e);
        break;
    case TW_TRANSPORT_SENDMAIL:
        result = tw_handover_program(transport->path, "-i", needs->to, text, length, &code, e);
        break;
    case TW_TRANSPORT_MAILDIR:
        result = tw_maildir_deliver_as_owner(transport->path, needs->host, text, length, e);
        break;
    case TW_TRANSPORT_SMTP:
    case TW_TRANSPORT_HOOK:
    case TW_TRANSPORT_PING:
        return tw_netsend(transport, needs, text, length, e);
    case TW_TRANSPORTS:
        break;
    }
    return result == 0 ? TW_DELIVERY_TAKEN : TW_DELIVERY_NOT_NOW;
}

void tw_transport_order(const struct tw_via *via, bool about_qmail, size_t *order)
{
    size_t placed = 0;
    for (size_t i = 0; i < via->count; i++)
        if (!about_qmail || !via->items[i].needs_qmail)
            order[placed++] = i;
    for (size_t i = 0; i < via->count && about_qmail; i++)
        if (via->items[i].needs_qmail)
            order[placed++] = i;
}
