/* Members of a JSON object, as toasterctl prints them: each call appends one to an object that
 * `out` ends with, behind "{" or other members. Pure. */
#ifndef TW_CTL_JSON_H
#define TW_CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

void ctl_json_key(struct tw_buf *out, const char *key); /* its value is the caller's to append */
void ctl_json_text(struct tw_buf *out, const char *key, const char *text); /* NULL: null */
void ctl_json_number(struct tw_buf *out, const char *key, int64_t number);
void ctl_json_time(struct tw_buf *out, const char *key, int64_t at_s); /* 0: null */
void ctl_json_flag(struct tw_buf *out, const char *key, bool is);

#endif
