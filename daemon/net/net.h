/* Shared by main.c (the conversation) and request.c (libcurl). */
#ifndef TW_NET_NET_H
#define TW_NET_NET_H

#include <curl/curl.h>

#include "base/net.h"

/* Does what the request asks, and appends the frame that answers it. Blocks. The handle keeps its
 * connection for the next one. */
void net_serve(CURL *curl, const struct tw_net_request *request, struct tw_buf *out);

#endif
