/* One run of a task (`expire`, `learn`), without daemon and worker, at any time one likes: for
 * tests and benches.
 *
 *   task-run CONF JOB MEMORY [now=UNIX_S] [until=UNIX_S] [confirm]
 *
 * Prints what the run says, a line each, and what memory it took. What it remembers is in the file
 * MEMORY. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/config.h"

static const char *memory_file;

static void on_finding(void *context, const struct tw_finding *finding)
{
    (void)context;
    printf("%s /%s %s: %s\n", tw_level_name(finding->level), finding->aspect, finding->code,
           finding->text);
}

static void on_note(void *context, const char *text)
{
    (void)context;
    printf("note %s\n", text);
}

static void on_done(void *context, const char *text)
{
    (void)context;
    printf("DONE %s\n", text);
}

static void on_figure(void *context, const struct tw_figure *figure)
{
    (void)context;
    printf("FIGURE %s, %s: %lld, %lld\n", figure->what, figure->of, (long long)figure->count,
           (long long)figure->bytes);
}

static void on_remember(void *context, const char *text)
{
    (void)context;
    char *fresh = tw_format("%s.new", memory_file);
    FILE *out = fopen(fresh, "w");
    if (out) {
        fputs(text, out);
        fclose(out);
        (void)rename(fresh, memory_file); /* whoever kills us does not halve it */
    }
    free(fresh);
}

static void on_progress(void *context)
{
    (void)context;
}

static char *read_memory(void)
{
    char *text = NULL;
    size_t length;
    if (tw_file_read(AT_FDCWD, memory_file, 1 << 20, &text, &length, NULL) != 0)
        text = tw_strdup("");
    return text;
}

int main(int argc, char **argv)
{
    struct tw_error e;
    struct tw_config *config = argc > 3 ? tw_config_load(argv[1], &e) : NULL;
    const struct tw_job_config *job = config ? tw_config_find(config, argv[2]) : NULL;
    if (!job) {
        fprintf(stderr, "task-run: %s\n", argc > 3 && !config ? e.text : "CONF JOB MEMORY ...");
        return 100;
    }
    memory_file = argv[3];
    const struct tw_places places = tw_config_places(config);
    const struct tw_sink sink = {.finding = on_finding,
                                 .note = on_note,
                                 .done = on_done,
                                 .figure = on_figure,
                                 .remember = on_remember,
                                 .progress = on_progress};
    char *memory = read_memory();
    struct tw_run run = {.name = job->name,
                         .title = job->title,
                         .settings = job->settings,
                         .places = &places,
                         .now_s = time(NULL),
                         .every_s = job->common.every_s,
                         .memory = memory,
                         .sink = &sink};
    for (int i = 4; i < argc; i++) {
        if (strncmp(argv[i], "now=", 4) == 0)
            run.now_s = strtoll(argv[i] + 4, NULL, 10);
        else if (strncmp(argv[i], "until=", 6) == 0)
            run.until_s = strtoll(argv[i] + 6, NULL, 10);
        else if (strcmp(argv[i], "confirm") == 0)
            run.confirm = true;
    }
    if (mkdir(config->state_dir, 0711) == 0)
        (void)chmod(config->state_dir, 0711);
    job->kind->run(&run);
    struct rusage children;
    getrusage(RUSAGE_CHILDREN, &children);
    printf("memory of the child: %ld kB\n", children.ru_maxrss);
    free(memory);
    tw_config_free(&config);
    return 0;
}
