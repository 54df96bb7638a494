/* URLs of servers, as the configuration and the command line name them. Pure. */
#ifndef TW_BASE_URL_H
#define TW_BASE_URL_H

#include "base/error.h"

/* A URL with one of these beginnings ("https://"; ends with NULL). Its host, and how it may be
 * shown in a log, are the caller's to free, after an error, too. */
int tw_url_parse(const char *text, const char *const *schemes, char **host, char **shown,
                 struct tw_error *e);

#endif
