/* A machine made by hand below the test's own directory: files, services and processes. */
#ifndef TEST_SETUP_WORLD_H
#define TEST_SETUP_WORLD_H

#include "toaster/scratch.h"

#include "setup/initial.h"
#include "setup/machine.h"
#include "setup/proof.h"

/* The directories on the way to a file, and the directory itself if the path ends with a slash. */
static inline void world_way(const char *path)
{
    char *copy = tw_strdup(path);
    for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (*copy)
            (void)mkdir(copy, 0755);
        *slash = '/';
    }
    free(copy);
}

static inline void world_file(const char *path, const char *text, mode_t mode)
{
    world_way(path);
    put_text(path, text);
    assert_int_equal(chmod(path, mode), 0);
}

static inline void world_program(const char *path)
{
    world_file(path, "#!/bin/sh\n", 0755);
}

/* A process of this user; `cwd` NULL: not told. */
static inline void world_process(int pid, int parent, const char *comm, int uid, const char *cwd)
{
    char *stat = tw_format("proc/%d/stat", pid), *status = tw_format("proc/%d/status", pid);
    char *text = tw_format("%d (%s) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid, comm,
                           parent, pid);
    world_file(stat, text, 0644);
    free(text);
    text =
        tw_format("Name:\t%s\nUid:\t%d\t%d\t%d\t%d\nGid:\t0\t0\t0\t0\n", comm, uid, uid, uid, uid);
    world_file(status, text, 0644);
    free(text);
    if (cwd) {
        char *link = tw_format("proc/%d/cwd", pid);
        assert_int_equal(symlink(cwd, link), 0);
        free(link);
    }
    free(stat);
    free(status);
}

/* `log_run`: the script of its log; NULL: it has none. */
static inline void world_service(const char *dir, const char *name, const char *log_run)
{
    char *path = tw_format("%s/%s/run", dir, name);
    world_program(path);
    free(path);
    path = tw_format("%s/%s/log/run", dir, name);
    if (log_run)
        world_file(path, log_run, 0755);
    free(path);
}

static inline void world_look(struct tw_machine *machine, void **state)
{
    char *proc = tw_format("%s/proc", (const char *)*state);
    (void)mkdir("proc", 0755);
    tw_machine_look(machine, *state, proc);
    free(proc);
}

/* What is written for it, which must be good. The caller frees both. */
static inline char *world_write(const struct tw_machine *machine, char **notes)
{
    struct tw_buf text = {0}, said = {0};
    struct tw_error e = {""};
    tw_initial_write(machine, 1795225915, &text, &said);
    if (tw_proof_config(text.data, text.len, &e) != 0) {
        print_error("%s\n%s", e.text, text.data);
        fail();
    }
    *notes = tw_strdup(tw_buf_text(&said));
    tw_buf_free(&said);
    return tw_buf_take(&text);
}

/* Looks, writes, forgets. */
static inline char *world_text(void **state, char **notes)
{
    struct tw_machine machine;
    world_look(&machine, state);
    char *text = world_write(&machine, notes);
    tw_machine_free(&machine);
    return text;
}

#define assert_has(text, part) assert_non_null(strstr(text, part))
#define assert_lacks(text, part) assert_null(strstr(text, part))
#define world_test(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

#endif
