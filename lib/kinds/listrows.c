/* Rows for toasterctl. */
#include "kinds/listrows.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kinds/ownerchild.h"

void tw_list_put_number(struct tw_frame_writer *w, int64_t number)
{
    char *text = tw_format("%" PRId64, number);
    tw_frame_put_text(w, text);
    free(text);
}

void tw_list_put(struct tw_buf *out, const struct tw_listed *listed)
{
    char *file =
        tw_format("%s/%s%s%s/%s", listed->mailbox, listed->folder, listed->folder[0] ? "/" : "",
                  tw_mail_dir_names[listed->dir], listed->name);
    struct tw_frame_writer w = tw_frame_begin(out, TW_CHILD_ROW);
    tw_frame_put_text(&w, listed->address);
    tw_frame_put_text(&w, file);
    tw_frame_put_text(&w, listed->class);
    tw_list_put_number(&w, listed->age_s);
    tw_list_put_number(&w, listed->bytes);
    tw_frame_end(&w);
    free(file);
}

void tw_list_put_seen(struct tw_buf *out, const char *address)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_CHILD_ROW);
    tw_frame_put_text(&w, address);
    tw_frame_end(&w);
}
