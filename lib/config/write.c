/* The configuration rendered in its own syntax. How one value is written, base/option.h knows. */
#include "config/parse.h"

static const char indent[] = "    ";

static void write_job(const struct tw_job_config *job, bool secrets, struct tw_buf *out)
{
    tw_buf_printf(out, "\n%s \"%s\" {\n", job->kind->name, job->title);
    tw_options_write(job->kind->options, job->settings, indent, secrets, out);
    tw_options_write(tw_config_common, &job->common, indent, secrets, out);
    tw_options_write(tw_config_job, job, indent, secrets, out);
    tw_options_write(tw_config_task, job, indent, secrets, out);
    tw_buf_puts(out, "}\n");
}

void tw_config_write(const struct tw_config *config, bool secrets, struct tw_buf *out)
{
    tw_options_write(tw_config_top, config, "", secrets, out);
    for (const struct tw_config_section *s = tw_config_sections; s->name; s++) {
        tw_buf_printf(out, "\n%s {\n", s->name);
        tw_options_write(s->options, (const char *)config + s->offset, indent, secrets, out);
        tw_buf_puts(out, "}\n");
    }
    for (size_t i = 0; i < config->job_count; i++)
        write_job(&config->jobs[i], secrets, out);
}
