/* Members of JSON objects. */
#include "ctl/json.h"

#include <inttypes.h>

#include "base/escape.h"

void ctl_json_key(struct tw_buf *out, const char *key)
{
    tw_buf_printf(out, "%s\"%s\": ", out->data[out->len - 1] != '{' ? ", " : "", key);
}

void ctl_json_text(struct tw_buf *out, const char *key, const char *text)
{
    ctl_json_key(out, key);
    if (text)
        tw_escape_json(out, text);
    else
        tw_buf_puts(out, "null");
}

void ctl_json_number(struct tw_buf *out, const char *key, int64_t number)
{
    ctl_json_key(out, key);
    tw_buf_printf(out, "%" PRId64, number);
}

void ctl_json_time(struct tw_buf *out, const char *key, int64_t at_s)
{
    if (at_s)
        ctl_json_number(out, key, at_s);
    else
        ctl_json_text(out, key, NULL);
}

void ctl_json_flag(struct tw_buf *out, const char *key, bool is)
{
    ctl_json_key(out, key);
    tw_buf_puts(out, is ? "true" : "false");
}
